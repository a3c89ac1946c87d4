//! The types of a program, and those it declares.

use flow_project::Random;
use std::fmt::Write;

/// A type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ty {
    Int,
    Bool,
    String,
    Decimal,
    Duration,
    List(Box<Ty>),
    Map(Box<Ty>),
    Option(Box<Ty>),
    Tuple(Box<Ty>, Box<Ty>),
    Record(usize),
    Enum(usize),
    Id,
    Function(Box<Ty>, Box<Ty>),
}

impl Ty {
    pub fn text(&self) -> String {
        let inner = |ty: &Ty| ty.text();
        match self {
            Ty::Int => "Int".into(),
            Ty::Bool => "Bool".into(),
            Ty::String => "String".into(),
            Ty::Decimal => "Decimal".into(),
            Ty::Duration => "Duration".into(),
            Ty::List(item) => format!("List<{}>", inner(item)),
            Ty::Map(value) => format!("Map<String, {}>", inner(value)),
            Ty::Option(item) => format!("{}?", inner(item)),
            Ty::Tuple(a, b) => format!("({}, {})", inner(a), inner(b)),
            Ty::Record(index) => format!("R{index}"),
            Ty::Enum(index) => format!("E{index}"),
            Ty::Id => "Id".into(),
            Ty::Function(param, result) => format!("fn({}) -> {}", inner(param), inner(result)),
        }
    }

    /// `Decimal`, or something of them.
    pub fn decimals(random: &mut Random, depth: usize) -> Ty {
        match random.below(if depth == 0 { 1 } else { 5 }) {
            2 => Ty::List(Box::new(Ty::decimals(random, depth - 1))),
            3 => Ty::Map(Box::new(Ty::decimals(random, depth - 1))),
            4 => Ty::Tuple(
                Box::new(Ty::decimals(random, depth - 1)),
                Box::new(Ty::decimals(random, depth - 1)),
            ),
            _ => Ty::Decimal,
        }
    }

    pub fn is_function(&self) -> bool {
        matches!(self, Ty::Function(..))
    }
}

/// The records and enums of a program.
pub(super) struct Declared {
    /// The types of the fields `f0`, `f1`, … of each record.
    pub records: Vec<Vec<Ty>>,
    /// The types of the fields of the cases `C<enum>a`, `C<enum>b`, … of each enum.
    pub enums: Vec<Vec<Vec<Ty>>>,
}

/// The name of a case.
pub(super) fn case_name(index: usize, case: usize) -> String {
    format!("C{index}{}", char::from(b'a' + case.min(25) as u8))
}

impl Declared {
    pub fn random(random: &mut Random) -> Declared {
        let mut declared = Declared { records: Vec::new(), enums: Vec::new() };
        for _ in 0..random.between(1, 4) {
            let fields = (0..random.between(1, 5)).map(|_| declared.data(random, 2)).collect();
            declared.records.push(fields);
            let mut cases = Vec::new();
            for _ in 0..random.between(1, 5) {
                cases.push((0..random.below(3)).map(|_| declared.data(random, 1)).collect());
            }
            declared.enums.push(cases);
        }
        declared
    }

    /// A type without functions in it.
    pub fn data(&self, random: &mut Random, depth: usize) -> Ty {
        let most = if depth == 0 { 8 } else { 14 };
        match random.below(most) {
            0..=2 => Ty::Int,
            3 => Ty::Bool,
            4 => Ty::String,
            5 => Ty::Decimal,
            6 => Ty::Duration,
            7 => Ty::Id,
            8 => Ty::List(Box::new(self.data(random, depth - 1))),
            9 => Ty::Map(Box::new(self.data(random, depth - 1))),
            10 => match self.data(random, depth - 1) {
                // An option of an option can't be written.
                inner @ Ty::Option(_) => inner,
                inner => Ty::Option(Box::new(inner)),
            },
            11 => Ty::Tuple(Box::new(self.data(random, depth - 1)), Box::new(self.data(random, depth - 1))),
            12 if !self.records.is_empty() => Ty::Record(random.below(self.records.len())),
            _ if !self.enums.is_empty() => Ty::Enum(random.below(self.enums.len())),
            _ => Ty::Int,
        }
    }

    /// Any type.
    pub fn any(&self, random: &mut Random, depth: usize) -> Ty {
        if random.one_in(8) {
            return Ty::Function(Box::new(self.data(random, 0)), Box::new(self.data(random, 1)));
        }
        self.data(random, depth)
    }

    pub fn text(&self, random: &mut Random) -> String {
        let mut text = String::from("type Id = distinct String\nconst LIMIT = 3\nconst TABLE = [1, 2, 3]\n");
        for (index, fields) in self.records.iter().enumerate() {
            let field = |(at, ty): (usize, &Ty)| {
                let default = if *ty == Ty::Int && at % 2 == 1 { " = 7" } else { "" };
                format!("f{at}: {}{default}", ty.text())
            };
            let fields: Vec<String> = fields.iter().enumerate().map(field).collect();
            let separator = if random.one_in(2) { "  " } else { "\n  " };
            let _ = writeln!(text, "record R{index} {{ {} }}", fields.join(separator));
        }
        for (index, cases) in self.enums.iter().enumerate() {
            let case = |(at, fields): (usize, &Vec<Ty>)| {
                let fields: Vec<String> =
                    fields.iter().enumerate().map(|(at, ty)| format!("g{at}: {}", ty.text())).collect();
                let name = case_name(index, at);
                if fields.is_empty() { name } else { format!("{name}({})", fields.join(", ")) }
            };
            let cases: Vec<String> = cases.iter().enumerate().map(case).collect();
            let _ = writeln!(text, "enum E{index} {{ {} }}", cases.join("  "));
        }
        text
    }
}
