//! Well-typed programs: `workflow main(n: Int) -> String` over generated types, functions and activities. They use every
//! type and kind of expression, fail and suspend in all places, and end soon.

mod expr;
mod stmt;
mod types;

use flow_project::Random;
use std::fmt::Write;
use types::{Declared, Ty};

/// The text of a program.
pub fn generate(random: &mut Random) -> String {
    let declared = Declared::random(random);
    let mut text = declared.text(random);
    text.push_str(FIXED);
    let mut maker = Maker {
        random,
        declared,
        functions: Vec::new(),
        scope: Vec::new(),
        fresh: 0,
        fails: false,
        budget: 0,
    };
    for index in 0..maker.random.between(2, 6) {
        text.push_str(&maker.function(index));
    }
    text.push_str(&maker.main());
    text
}

/// What every program has: the activities that the target answers, a failure, and functions over functions.
const FIXED: &str = r#"
error Bad { Small(n: Int)  Large }

activity step(x: Int) -> Int fails Bad
activity name(x: Int) -> String
activity several(x: Int) -> List<Int>
activity undo(x: Int)

fn apply<A, B>(x: A, f: fn(A) -> B) -> B { f(x) }
fn twice<T>(x: T, f: fn(T) -> T) -> T { f(f(x)) }
fn pick<T>(first: Bool, a: T, b: T) -> T { if first { a } else { b } }
fn compose<A, B, C, E>(f: (fn(A) -> B fails E), g: (fn(B) -> C fails E)) -> (fn(A) -> C fails E) { |x| g(f(x)) }
fn checked(n: Int) -> Int fails Bad {
  if n < -1000 { fail Small(n) }
  if n > 1000000 { fail Large }
  n
}
"#;

/// A function that can be called.
#[derive(Clone)]
struct Callable {
    name: String,
    params: Vec<Ty>,
    result: Ty,
    fails: bool,
}

/// A variable in scope.
#[derive(Clone)]
struct Variable {
    name: String,
    ty: Ty,
    mutable: bool,
}

/// The making of one program.
struct Maker<'r> {
    random: &'r mut Random,
    declared: Declared,
    functions: Vec<Callable>,
    scope: Vec<Variable>,
    /// How many names were given.
    fresh: usize,
    /// Whether the code being made may fail with `Bad`.
    fails: bool,
    /// How many more expressions the body may have.
    budget: usize,
}

impl Maker<'_> {
    fn new_name(&mut self, stem: &str) -> String {
        self.fresh += 1;
        format!("{stem}{}", self.fresh)
    }

    fn function(&mut self, index: usize) -> String {
        let name = format!("f{index}");
        // No function: what a plain function parameter raises is for the caller to say, so it can't be kept as values are.
        let params: Vec<Ty> =
            (0..self.random.between(1, 4)).map(|_| self.declared.data(self.random, 2)).collect();
        let result = self.declared.any(self.random, 2);
        let fails = self.random.one_in(3);
        self.scope.clear();
        let mut written = Vec::new();
        for ty in &params {
            let name = self.new_name("p");
            written.push(format!("{name}: {}", ty.text()));
            self.scope.push(Variable { name, ty: ty.clone(), mutable: false });
        }
        (self.fails, self.budget) = (fails, 60);
        let body = self.body(&result);
        let failures = if fails { " fails Bad" } else { "" };
        let text =
            format!("\nfn {name}({}) -> {}{failures} {{\n{body}}}\n", written.join(", "), result.text());
        self.functions.push(Callable { name, params, result, fails });
        text
    }

    fn main(&mut self) -> String {
        self.scope = vec![Variable { name: "n".to_string(), ty: Ty::Int, mutable: false }];
        (self.fails, self.budget) = (true, 120);
        let mut text = String::from("\nworkflow main(n: Int) -> String fails Bad {\n");
        for _ in 0..self.random.between(2, 7) {
            text.push_str(&self.stmt(1, true));
        }
        // Whatever was computed is seen.
        let shown: Vec<String> = self
            .scope
            .iter()
            .filter(|variable| !variable.ty.is_function())
            .map(|variable| format!("{{{}}}", variable.name))
            .collect();
        let _ = write!(text, "  \"{}\"\n}}\n", shown.join(" "));
        text
    }

    /// Statements and a value.
    fn body(&mut self, result: &Ty) -> String {
        let mut text = String::new();
        for _ in 0..self.random.between(0, 4) {
            text.push_str(&self.stmt(1, false));
        }
        let value = self.expr(result, 3);
        text.push_str(&format!("  {value}\n"));
        text
    }
}
