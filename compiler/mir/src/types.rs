//! Types of values at run time: monomorphic, and enough to find every reference, print, compare and convert a value.
//!
//! # Representation
//! Every value is one 64-bit word. A *scalar* is the word itself; a *reference* is the index of the object's first word
//! in the strand's [`Heap`](crate::heap::Heap), never 0. Objects have no headers: the static type says how to read them.
//!
//! | type | word | object |
//! |---|---|---|
//! | `Unit` | 0 | |
//! | `Bool`, `Int` | 0/1, two's complement | |
//! | `Float` | IEEE 754 bits | |
//! | `Duration`, `Timestamp` | nanoseconds (i64); a timestamp's since 1970-01-01 UTC | |
//! | `Decimal` | ref | 2 words: `rust_decimal`'s 16-byte form, little-endian |
//! | `String`, `Bytes` | ref | byte length, then the bytes padded with zeros to words |
//! | `List` | ref | length, ref to buffer; a buffer is capacity, used, elements |
//! | `Map`, `Set` | ref | length, ref to table; private to `heap::map` (insertion-ordered) |
//! | `Option(T)` | 0 is `none`; else, if `T` is a plain ref, that ref; otherwise ref to a box | 1 word: the value |
//! | `Tuple`, `Record` | ref | one word a field |
//! | `Enum` without any field | the case's number | |
//! | `Enum` | ref | the case's number, then its fields |
//! | `Distinct` | as its inner type | |
//! | `Function` | ref | function number, then the captured values |
//! | `Json` | ref | tag, payload (`heap::json`) |
//! | `Error` | ref | 4 words: type id, value, trace (ref to a `String`, or 0), key of the call that ended unknown (ref to a `String`, or 0) |

use crate::ids::{Id, Table, TypeId};
use serde::{Deserialize, Serialize};

/// A named and typed part of a record, a case or a signature.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Field {
    /// The name in the source; tuples and unnamed case fields use `0`, `1`, ….
    pub name: String,
    /// Its type.
    pub ty: TypeId,
    /// For a record's field: the value that stands for it where JSON leaves it out.
    pub default: Option<FieldDefault>,
}

/// A constant default of a record field.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FieldDefault {
    /// The default as JSON text.
    pub json: String,
}

/// One case of an enum or an error.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Case {
    /// Its name.
    pub name: String,
    /// Its fields, in order.
    pub fields: Vec<Field>,
}

/// A monomorphic type. Nominal types may be recursive, so a table entry may be filled in after its id is known.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the table in the module's documentation describes each")]
pub enum Type {
    Unit,
    Bool,
    Int,
    Float,
    Duration,
    Timestamp,
    Decimal,
    String,
    Bytes,
    Json,
    List(TypeId),
    Set(TypeId),
    Map(TypeId, TypeId),
    Option(TypeId),
    Tuple(Vec<TypeId>),
    /// `name` is as shown to people, type arguments included: `Page<Int>`.
    Record {
        name: String,
        fields: Vec<Field>,
    },
    /// `error` tells an error from an enum: only errors are raised.
    Enum {
        name: String,
        cases: Vec<Case>,
        error: bool,
    },
    Distinct {
        name: String,
        inner: TypeId,
    },
    /// `suspends`: calling it may suspend, so it is called by a suspension.
    Function {
        params: Vec<TypeId>,
        returns: TypeId,
        suspends: bool,
    },
    /// Any raised error: what a handler receives, and the error side of `try` where several error types are possible.
    Error,
    /// The type of what never yields a value.
    Never,
}

/// The name of the record of a day, `Date` of `std.date`. Its module stands before it, as before no other name, since its
/// JSON is a text: a record that somebody else calls `Date` has the JSON of any record. Programs compiled before days
/// were texts call it `Date`, and keep their JSON.
pub const DATE: &str = "date.Date";

/// The name of a nominal type as people write it.
pub(crate) fn plain_name(name: &str) -> &str {
    if name == DATE { "Date" } else { name }
}

/// The program's types.
pub type Types = Table<TypeId, Type>;

impl Types {
    /// The id of `ty`, added if it is new. Only for structural types; nominal ones are pushed once by the lowering.
    pub fn intern(&mut self, ty: Type) -> TypeId {
        let known = self.iter().find(|(_, known)| **known == ty).map(|(id, _)| id);
        known.unwrap_or_else(|| self.push(ty))
    }

    /// Follows `distinct` to the type that says how the value is stored.
    pub fn representation(&self, mut id: TypeId) -> TypeId {
        while let Some(Type::Distinct { inner, .. }) = self.get(id) {
            id = *inner;
        }
        id
    }

    /// Whether a word of this type is a heap reference that is never 0, so that an option of it needs no box.
    pub fn is_plain_reference(&self, id: TypeId) -> bool {
        match self.get(self.representation(id)) {
            Some(
                Type::Unit
                | Type::Bool
                | Type::Int
                | Type::Float
                | Type::Duration
                | Type::Timestamp
                | Type::Never
                | Type::Option(_),
            )
            | None => false,
            Some(Type::Enum { cases, .. }) => cases.iter().any(|case| !case.fields.is_empty()),
            Some(_) => true,
        }
    }

    /// Whether a word of this type may be a heap reference at all.
    pub fn may_reference(&self, id: TypeId) -> bool {
        self.is_plain_reference(id) || matches!(self.get(self.representation(id)), Some(Type::Option(_)))
    }

    /// The type as a person writes it.
    pub fn show(&self, id: TypeId) -> String {
        let list = |ids: &[TypeId]| ids.iter().map(|id| self.show(*id)).collect::<Vec<_>>().join(", ");
        match self.get(id) {
            None => format!("?{}", id.index()),
            Some(Type::Unit) => "()".into(),
            Some(Type::List(item)) => format!("List<{}>", self.show(*item)),
            Some(Type::Set(item)) => format!("Set<{}>", self.show(*item)),
            Some(Type::Map(key, value)) => format!("Map<{}, {}>", self.show(*key), self.show(*value)),
            Some(Type::Option(item)) => format!("{}?", self.show(*item)),
            Some(Type::Tuple(items)) => format!("({})", list(items)),
            Some(Type::Record { name, .. } | Type::Enum { name, .. } | Type::Distinct { name, .. }) => {
                plain_name(name).to_owned()
            }
            Some(Type::Function { params, returns, .. }) => {
                format!("fn({}) -> {}", list(params), self.show(*returns))
            }
            Some(simple) => format!("{simple:?}"),
        }
    }
}
