//! An editor's session redoes what a change can have touched, and nothing else.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use flow_analysis::{Analysis, Memory, Redone, Session, analyze};
use flow_syntax::{SourceMap, render};
use std::path::{Path, PathBuf};

const MAIN: &str = "use ./orders.{price, Order}\nuse ./log\n
workflow sell(order: Order) -> Int {
  log.note(\"sold\")
  price(order)
}
";
const ORDERS: &str = "use ./tax
pub record Order { amount: Int  country: String }
pub fn price(order: Order) -> Int { order.amount + tax.of(order.amount) }
";
const TAX: &str = "pub fn of(amount: Int) -> Int { rate() * amount / 100 }\nfn rate() -> Int { 20 }\n";
const LOG: &str = "pub fn note(text: String) -> String { text.trim() }\n";

struct Editor {
    session: Session,
    world: Memory,
}

impl Editor {
    fn new() -> Editor {
        let files = [("main.flow", MAIN), ("orders.flow", ORDERS), ("tax.flow", TAX), ("log.flow", LOG)];
        let world = files.into_iter().fold(Memory::new(), |world, (path, text)| world.with(path, text));
        let mut editor = Editor { session: Session::new(), world };
        assert_eq!(editor.messages(), "");
        editor
    }

    /// Changes a file and says how many modules were parsed and checked again.
    fn change(&mut self, path: &str, text: &str) -> (usize, usize) {
        self.world = std::mem::take(&mut self.world).with(path, text);
        self.messages();
        let Redone { parsed, checked } = self.session.redone();
        (parsed, checked)
    }

    /// All that is wrong, as people read it: the same as an analysis from nothing finds.
    fn messages(&mut self) -> String {
        let root = Path::new("main.flow");
        let shown = |analysis: &Analysis, sources: &SourceMap| {
            let mut shown: Vec<String> =
                analysis.diagnostics.iter().map(|one| render(sources, one, false)).collect();
            shown.sort();
            shown.join("\n")
        };
        let analysis = self.session.analyze(&self.world, root, &[]);
        let again = shown(&analysis, self.session.sources());
        let mut sources = SourceMap::new();
        let afresh = analyze(&self.world, root, &mut sources);
        assert_eq!(again, shown(&afresh, &sources));
        again
    }
}

#[test]
fn without_a_change_nothing_is_redone() {
    let mut editor = Editor::new();
    assert_eq!(editor.change("tax.flow", TAX), (0, 0));
}

#[test]
fn a_changed_body_is_checked_alone() {
    let mut editor = Editor::new();
    assert_eq!(editor.change("tax.flow", &TAX.replace("20", "19 + 1")), (1, 1));
    assert_eq!(editor.change("tax.flow", &format!("{TAX}\nfn unused() -> Int {{ 1 }}")), (1, 1));
    assert_eq!(editor.change("main.flow", &MAIN.replace("sold", "was sold")), (1, 1));
}

#[test]
fn a_changed_interface_reaches_those_that_use_it() {
    let mut editor = Editor::new();
    // `tax` itself, `orders` which uses it, `main` which uses that, but not `log`.
    let decimal = "pub fn of(amount: Decimal) -> Int { 1 }\n";
    assert_eq!(editor.change("tax.flow", decimal), (1, 3));
    assert!(editor.messages().contains("orders.flow:3"));
    assert_eq!(editor.change("tax.flow", TAX), (1, 3));
    assert_eq!(editor.messages(), "");
}

#[test]
fn what_is_inferred_of_a_function_is_part_of_its_interface() {
    let mut editor = Editor::new();
    let with_query =
        MAIN.replace("  log.note", "  state last = 1\n  query cost() -> Int { tax.of(last) }\n  log.note");
    editor.change("main.flow", &format!("use ./tax\n{with_query}"));
    assert_eq!(editor.messages(), "");
    // Whether a function waits is written nowhere; a query must not call one that does.
    let waits = TAX.replace("{ 20 }", "{\n  sleep 1s\n  20\n}");
    assert_eq!(editor.change("tax.flow", &waits), (1, 3));
    assert!(editor.messages().contains("a query"));
}

#[test]
fn a_file_may_come_and_go() {
    let mut editor = Editor::new();
    assert_eq!(editor.change("main.flow", &format!("use ./extra\n{MAIN}")), (1, 1));
    assert!(editor.messages().contains("extra.flow"));
    assert_eq!(editor.change("extra.flow", "pub fn more() -> Int { 1 }"), (1, 2));
    assert!(editor.messages().contains("nothing needs `extra`"));
}

#[test]
fn an_open_file_has_its_bodies() {
    let mut editor = Editor::new();
    let open = [PathBuf::from("orders.flow")];
    let analysis = editor.session.analyze(&editor.world, Path::new("main.flow"), &open);
    assert_eq!(editor.session.redone(), Redone { parsed: 0, checked: 1 });
    let has_body = |name: &str| {
        let function = analysis.program.functions.values().find(|one| one.signature.name == name).unwrap();
        matches!(&function.code, flow_analysis::hir::FunctionCode::Flow(body) if !body.params.is_empty())
    };
    assert!(has_body("price") && !has_body("of"));
}

#[test]
fn modules_of_a_circle_are_told_and_forgotten() {
    let mut editor = Editor::new();
    editor.change("tax.flow", &format!("use ./main\n{TAX}"));
    assert!(editor.messages().contains("use each other"));
    editor.change("tax.flow", TAX);
    assert_eq!(editor.messages(), "");
}
