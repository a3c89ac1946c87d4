//! Conditions on instances, for listings: data, which each store turns into SQL of its own.

use flow_machine::ids::Timestamp;
use flow_machine::rows::Status;

/// A condition on an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// All of these; without any it always holds.
    All(Vec<Condition>),
    /// At least one of these.
    Any(Vec<Condition>),
    /// Not this.
    Not(Box<Condition>),
    /// A comparison. An attribute that the instance doesn't have, or that is of another type, compares as false.
    Compare {
        /// What is compared.
        field: Field,
        /// How.
        comparison: Comparison,
        /// With what.
        operand: Operand,
    },
}

impl Condition {
    /// `status = …`
    pub fn status(status: Status) -> Condition {
        let operand = Operand::Text(status.as_str().to_owned());
        Condition::Compare { field: Field::Status, comparison: Comparison::Equal, operand }
    }

    /// `workflow = …`
    pub fn workflow(name: &str) -> Condition {
        let operand = Operand::Text(name.to_owned());
        Condition::Compare { field: Field::Workflow, comparison: Comparison::Equal, operand }
    }
}

/// What of an instance is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field {
    /// The user's id.
    Id,
    /// The workflow's name.
    Workflow,
    /// The word of the status.
    Status,
    /// When it was started.
    Created,
    /// When its row was written last.
    Updated,
    /// The hash of its program in hexadecimal; equal to any beginning of it.
    Program,
    /// A search attribute (`index NAME = …`).
    Attribute(String),
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are what they say")]
pub enum Comparison {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    fn sql(self) -> &'static str {
        match self {
            Comparison::Equal => "=",
            Comparison::Less => "<",
            Comparison::LessOrEqual => "<=",
            Comparison::Greater => ">",
            Comparison::GreaterOrEqual => ">=",
        }
    }
}

/// What a field is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operand {
    /// A text; compared by its code points.
    Text(String),
    /// A number, as it is written in JSON.
    Number(String),
    /// `true` or `false`.
    Bool(bool),
    /// A time.
    Time(Timestamp),
}

/// How one kind of database says it. What makes an expression takes the places of values.
pub(crate) struct Dialect {
    /// The place of the `n`-th value, from 1.
    pub place: fn(usize) -> String,
    /// The hash of the program in hexadecimal.
    pub program: &'static str,
    /// After a text, to compare it by code points.
    pub collation: &'static str,
    /// The attribute with this name where it is a text.
    pub text: fn(&str) -> String,
    /// The attribute where it is a number.
    pub number: fn(&str) -> String,
    /// The attribute where it is a truth value.
    pub truth: fn(&str) -> String,
    /// A text as a number.
    pub to_number: fn(&str) -> String,
}

/// A value to bind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Text(String),
    Integer(i64),
}

/// A condition as SQL, with its values in the order of their places.
pub(crate) struct Clause<'a> {
    dialect: &'a Dialect,
    pub sql: String,
    pub values: Vec<Value>,
}

impl<'a> Clause<'a> {
    pub(crate) fn new(dialect: &'a Dialect, condition: &Condition) -> Clause<'a> {
        let mut made = Clause { dialect, sql: String::new(), values: Vec::new() };
        made.condition(condition);
        made
    }

    fn bind(&mut self, value: Value) -> String {
        self.values.push(value);
        (self.dialect.place)(self.values.len())
    }

    fn condition(&mut self, condition: &Condition) {
        match condition {
            Condition::All(parts) => self.joined(parts, " AND ", "1 = 1"),
            Condition::Any(parts) => self.joined(parts, " OR ", "1 = 0"),
            Condition::Not(inner) => {
                self.sql.push_str("NOT ");
                self.condition(inner);
            }
            Condition::Compare { field, comparison, operand } => {
                let compared = self.compared(field, *comparison, operand);
                // What isn't there is no answer in SQL; here it is no.
                self.sql.push_str(
                    &compared.map_or_else(|| "(1 = 0)".into(), |sql| format!("coalesce({sql}, 1 = 0)")),
                );
            }
        }
    }

    fn joined(&mut self, parts: &[Condition], between: &str, none: &str) {
        self.sql.push('(');
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                self.sql.push_str(between);
            }
            self.condition(part);
        }
        if parts.is_empty() {
            self.sql.push_str(none);
        }
        self.sql.push(')');
    }

    /// `None`: values of these types are never equal, nor in an order.
    fn compared(&mut self, field: &Field, comparison: Comparison, operand: &Operand) -> Option<String> {
        let dialect = self.dialect;
        let (left, right) = match (field, operand) {
            (Field::Program, Operand::Text(beginning)) => {
                let pattern = self.text(&format!("{}%", beginning.to_lowercase()));
                return Some(format!("{} LIKE {pattern}", dialect.program));
            }
            (Field::Created, Operand::Time(at)) => ("created_at".into(), self.bind(Value::Integer(at.0))),
            (Field::Updated, Operand::Time(at)) => ("updated_at".into(), self.bind(Value::Integer(at.0))),
            (Field::Id, Operand::Text(text)) => (format!("name{}", dialect.collation), self.text(text)),
            (Field::Workflow, Operand::Text(text)) => {
                (format!("workflow{}", dialect.collation), self.text(text))
            }
            (Field::Status, Operand::Text(text)) => ("status".into(), self.text(text)),
            (Field::Attribute(name), Operand::Text(text)) => {
                let name = self.text(name);
                (format!("({}){}", (dialect.text)(&name), dialect.collation), self.text(text))
            }
            (Field::Attribute(name), Operand::Number(number)) => {
                let name = self.text(name);
                ((dialect.number)(&name), (dialect.to_number)(&self.text(number)))
            }
            (Field::Attribute(name), Operand::Bool(truth)) => {
                let name = self.text(name);
                ((dialect.truth)(&name), if *truth { "(1 = 1)" } else { "(1 = 0)" }.into())
            }
            _ => return None,
        };
        Some(format!("{left} {} {right}", comparison.sql()))
    }

    fn text(&mut self, text: &str) -> String {
        self.bind(Value::Text(text.to_owned()))
    }
}
