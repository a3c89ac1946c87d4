//! One module: its names and its text.

use crate::Random;
use crate::code;
use crate::words::{self, capital};
use std::fmt::Write;

/// What other modules need to know of a module.
#[derive(Clone, Debug)]
pub(crate) struct Module {
    /// Its file, without `.flow`; also what it is called where it is used.
    pub file: String,
    /// The thing it is about, as the stem of its names: `order_12`.
    pub thing: String,
    /// Its record.
    pub record: String,
    /// Its `Int` fields.
    pub numbers: Vec<String>,
    /// Its `Decimal` fields.
    pub amounts: Vec<String>,
    /// Its `String` fields.
    pub texts: Vec<String>,
    /// Its enum of states, with the cases.
    pub status: String,
    /// The cases of its states; the second carries a `since: Timestamp`, the third a `why: String`.
    pub cases: Vec<String>,
    /// Its error.
    pub error: String,
    /// The cases of its error; the first carries a `limit: Int`, the second a `text: String`.
    pub reasons: Vec<String>,
    /// Its activities: each takes the record, gives a `String`.
    pub steps: Vec<String>,
}

impl Module {
    fn new(index: usize, random: &mut Random) -> Module {
        let word = random.word(words::THINGS);
        let thing = format!("{word}_{index}");
        let some = |random: &mut Random, list: &[&str], count: usize| {
            let start = random.below(list.len());
            let chosen = list.iter().cycle().skip(start).take(count.min(list.len()));
            chosen.map(|word| word.to_string()).collect::<Vec<_>>()
        };
        let counts = [random.between(2, 5), random.between(2, 4), random.between(2, 5), random.between(3, 7)];
        let [numbers, amounts, texts, cases] = counts;
        let numbered = |list: Vec<String>| list.into_iter().map(|word| format!("{word}{index}")).collect();
        Module {
            file: thing.clone(),
            record: format!("{}{index}", capital(word)),
            numbers: some(random, words::NUMBERS, numbers),
            amounts: some(random, words::AMOUNTS, amounts),
            texts: some(random, words::TEXTS, texts),
            status: format!("{}Status{index}", capital(word)),
            cases: numbered(some(random, words::STATES, cases)),
            error: format!("{}Error{index}", capital(word)),
            reasons: numbered(some(random, words::REASONS, 3)),
            steps: some(random, words::VERBS, 3).into_iter().map(|verb| format!("{verb}_{thing}")).collect(),
            thing,
        }
    }

    /// One of its `Int` fields.
    pub fn number(&self, random: &mut Random) -> &str {
        random.pick(&self.numbers).map_or("", String::as_str)
    }

    /// One of its `Decimal` fields.
    pub fn amount(&self, random: &mut Random) -> &str {
        random.pick(&self.amounts).map_or("", String::as_str)
    }

    /// One of its `String` fields.
    pub fn text(&self, random: &mut Random) -> &str {
        random.pick(&self.texts).map_or("", String::as_str)
    }

    /// A case of its states, by position.
    pub fn case(&self, index: usize) -> &str {
        self.cases.get(index).map_or("", String::as_str)
    }

    /// A case of its error, by position.
    pub fn reason(&self, index: usize) -> &str {
        self.reasons.get(index).map_or("", String::as_str)
    }

    /// One of its activities, by position.
    pub fn step(&self, index: usize) -> &str {
        self.steps.get(index).map_or("", String::as_str)
    }
}

/// A new module that uses some others, and its text.
pub(crate) fn write(index: usize, used: Vec<Module>, random: &mut Random) -> (Module, String) {
    let module = Module::new(index, random);
    let mut used: Vec<Module> = used;
    used.sort_by(|left, right| left.file.cmp(&right.file));
    used.dedup_by(|left, right| left.file == right.file);
    let mut text = format!("//! All that is done with a {}.\n\n", module.thing);
    text.push_str("use std.http\nuse std.env\n");
    for other in &used {
        // The writing of `use` itself varies: the whole module, or the names needed.
        let _ = match index % 2 {
            0 => writeln!(text, "use ./{}", other.file),
            _ => writeln!(
                text,
                "use ./{}.{{{}, worth_{}, sample_{}}}",
                other.file, other.record, other.thing, other.thing
            ),
        };
    }
    text.push('\n');
    text.push_str(&code::types(&module, random));
    text.push_str(&code::constants(&module, random));
    for _ in 0..random.between(1, 4) {
        text.push_str(&code::pure_functions(&module, random, text.len()));
    }
    text.push_str(&code::sample(&module, random));
    for other in &used {
        text.push_str(&code::uses(&module, other, index.is_multiple_of(2), random));
    }
    text.push_str(&code::activities(&module, random));
    text.push_str(&code::workflows(&module, random));
    text.push_str(&code::tests(&module, random));
    (module, text)
}

/// The root: a workflow that goes through all modules.
pub(crate) fn write_root(modules: &[Module]) -> String {
    let mut text = String::from("//! Everything, once.\n\n");
    for module in modules {
        let _ = writeln!(text, "use ./{}", module.file);
    }
    text.push_str("\nworkflow everything() -> Decimal {\n  var total = 0.00\n");
    for module in modules {
        let name = &module.thing;
        let _ = writeln!(text, "  total += {name}.worth_{name}({name}.sample_{name}(\"{name}\"))");
    }
    text.push_str("  total\n}\n");
    text
}
