//! Types, interned.

use super::ids::{Id, NominalId, Table, Ty, WorkflowId};
use super::program::Nominal;
use flow_syntax::ast::Name;
use foldhash::{HashMap, HashMapExt};
use std::sync::Arc;

/// A type. `Ty` ids are equal exactly where types are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// The type of what never yields a value: `fail`, `return`, `break`, an endless `loop`. Fits everywhere.
    Never,
    /// `()`
    Unit,
    /// `Bool`
    Bool,
    /// `Int`
    Int,
    /// `Float`
    Float,
    /// `Decimal`
    Decimal,
    /// `String`
    String,
    /// `Bytes`
    Bytes,
    /// `Duration`
    Duration,
    /// `Timestamp`
    Timestamp,
    /// `Json`
    Json,
    /// `List<T>`
    List(Ty),
    /// `Set<T>`
    Set(Ty),
    /// `Map<K, V>`
    Map(Ty, Ty),
    /// `T?`
    Option(Ty),
    /// `(A, B)`, two or more.
    Tuple(Vec<Ty>),
    /// A record, enum, error or distinct type with its type arguments.
    Nominal(NominalId, Vec<Ty>),
    /// `fn(A) -> B fails E`. Whether calling it suspends is no part of the type: see [`Suspends`](super::Suspends).
    Function {
        /// The parameters' types.
        params: Vec<Ty>,
        /// The result's type.
        result: Ty,
        /// The error types it fails with, sorted.
        fails: Vec<Ty>,
    },
    /// One of several error types, sorted, two or more: what `try` gives and `catch` binds where more than one is
    /// possible. At run time any raised error (an `Error` object), tested by its type.
    Union(Vec<Ty>),
    /// A workflow, as the argument of `Child<order>` and `Instance<order>`: no value is of it.
    Workflow(WorkflowId, Name),
    /// The `n`-th type parameter of the enclosing declaration.
    Param(u32),
    /// Among the failures of a function: whatever the function raises that a caller gives for a plain function parameter.
    /// Only within the body that has the parameter; the caller accounts for it.
    Passed,
    /// Not yet known. Only while a body is being checked; never in a finished program.
    Infer(u32),
    /// A mistake was reported here; fits everywhere. Never in a program without errors.
    Invalid,
}

/// The interner of types. The types without parts have fixed ids ([`Types::INT`] …).
///
/// It may lie over another one that no longer changes, so that many bodies are checked at once: it finds the types of
/// that, and has only those that are not there.
#[derive(Debug)]
pub struct Types {
    below: Option<Arc<Types>>,
    /// The ids of its own types begin here.
    first: usize,
    types: Table<Ty, Type>,
    /// Which types hold an `Infer`, so that finished types need no walk.
    open: Vec<bool>,
    ids: HashMap<Type, Ty>,
}

macro_rules! fixed {
    ($($name:ident = $index:literal $variant:ident;)*) => {
        impl Types {
            $(
                #[doc = concat!("The id of [`Type::", stringify!($variant), "`].")]
                pub const $name: Ty = Ty($index);
            )*
        }
        const FIXED: &[Type] = &[$(Type::$variant,)*];
    };
}

fixed! {
    NEVER = 0 Never;
    UNIT = 1 Unit;
    BOOL = 2 Bool;
    INT = 3 Int;
    FLOAT = 4 Float;
    DECIMAL = 5 Decimal;
    STRING = 6 String;
    BYTES = 7 Bytes;
    DURATION = 8 Duration;
    TIMESTAMP = 9 Timestamp;
    JSON = 10 Json;
    INVALID = 11 Invalid;
    PASSED = 12 Passed;
}

impl Default for Types {
    fn default() -> Self {
        let mut types = Types::empty(None);
        for ty in FIXED {
            types.intern(ty.clone());
        }
        types
    }
}

impl Types {
    fn empty(below: Option<Arc<Types>>) -> Types {
        let first = below.as_ref().map_or(0, |below| below.len());
        Types { below, first, types: Table::new(), open: Vec::new(), ids: HashMap::new() }
    }

    /// Knows what `below` knows, and keeps what is new for itself.
    pub(crate) fn over(below: &Arc<Types>) -> Types {
        Types::empty(Some(below.clone()))
    }

    /// Takes in the types that another one, over the same as this once was, has of its own; gives the id that each has
    /// here, in their order. What was never fully known is [`Types::INVALID`].
    pub(crate) fn adopt(&mut self, own: Own) -> Adopted {
        let Own { first, types } = own;
        let mut ids: Vec<Ty> = Vec::with_capacity(types.len());
        for (ty, open) in types {
            let id = if open {
                Types::INVALID
            } else {
                // A type without parts is its own; its id was not looked at.
                let parts = ty.clone();
                let whole = Types::INVALID;
                let known = Adopted { first, ids };
                let id = self.map_parts(whole, ty, &mut |_, part| known.id(part));
                ids = known.ids;
                if id == whole { self.intern(parts) } else { id }
            };
            ids.push(id);
        }
        Adopted { first, ids }
    }

    /// The types that those below don't have.
    pub(crate) fn into_own(self) -> Own {
        let first = self.first;
        Own { first, types: self.types.into_values().zip(self.open).collect() }
    }

    /// The id of a type.
    pub fn intern(&mut self, ty: Type) -> Ty {
        if let Some(&id) = self.below.as_ref().and_then(|below| below.ids.get(&ty)) {
            return id;
        }
        if let Some(&id) = self.ids.get(&ty) {
            return id;
        }
        let open = self.has_infer(&ty);
        self.open.push(open);
        let id = Ty::new(self.first + self.types.push(ty.clone()).index());
        self.ids.insert(ty, id);
        id
    }

    /// Whether a type is not fully known yet.
    pub(crate) fn is_open(&self, id: Ty) -> bool {
        match (id.index().checked_sub(self.first), &self.below) {
            (Some(own), _) => self.open.get(own).copied().unwrap_or(false),
            (None, Some(below)) => below.is_open(id),
            (None, None) => false,
        }
    }

    fn has_infer(&self, ty: &Type) -> bool {
        let any = |ids: &[Ty]| ids.iter().any(|id| self.is_open(*id));
        match ty {
            Type::Infer(_) => true,
            Type::List(item) | Type::Set(item) | Type::Option(item) => self.is_open(*item),
            Type::Map(key, value) => self.is_open(*key) || self.is_open(*value),
            Type::Tuple(items) | Type::Nominal(_, items) | Type::Union(items) => any(items),
            Type::Function { params, result, fails } => any(params) || self.is_open(*result) || any(fails),
            _ => false,
        }
    }

    /// The type of an id.
    pub fn get(&self, id: Ty) -> &Type {
        match (id.index().checked_sub(self.first), &self.below) {
            (None, Some(below)) => below.get(id),
            (own, _) => &self.types[Ty::new(own.unwrap_or_default())],
        }
    }

    /// `T?`
    pub fn option(&mut self, item: Ty) -> Ty {
        self.intern(Type::Option(item))
    }

    /// `List<T>`
    pub fn list(&mut self, item: Ty) -> Ty {
        self.intern(Type::List(item))
    }

    /// The type of one value out of a set of error types: the only one, or their union. `Never` for none.
    pub fn union(&mut self, mut errors: Vec<Ty>) -> Ty {
        errors.sort_unstable();
        errors.dedup();
        match errors.as_slice() {
            [] => Types::NEVER,
            [one] => *one,
            _ => self.intern(Type::Union(errors)),
        }
    }

    /// `ty` with each type parameter replaced by the argument of its index. This is all that monomorphisation takes.
    pub fn substitute(&mut self, ty: Ty, args: &[Ty]) -> Ty {
        if args.is_empty() {
            return ty;
        }
        match self.get(ty).clone() {
            Type::Param(index) => args.get(index as usize).copied().unwrap_or(ty),
            other => self.map_parts(ty, other, &mut |types, part| types.substitute(part, args)),
        }
    }

    /// `whole` with each of its direct parts replaced by `change`.
    pub(crate) fn map_parts(
        &mut self,
        whole: Ty,
        parts: Type,
        change: &mut dyn FnMut(&mut Types, Ty) -> Ty,
    ) -> Ty {
        let mut all = |types: &mut Types, list: Vec<Ty>| -> Vec<Ty> {
            list.into_iter().map(|part| change(types, part)).collect()
        };
        let changed = match parts {
            Type::List(item) => Type::List(change(self, item)),
            Type::Set(item) => Type::Set(change(self, item)),
            Type::Map(key, value) => Type::Map(change(self, key), change(self, value)),
            Type::Option(item) => Type::Option(change(self, item)),
            Type::Tuple(items) => Type::Tuple(all(self, items)),
            Type::Nominal(id, args) if !args.is_empty() => Type::Nominal(id, all(self, args)),
            Type::Function { params, result, fails } => {
                let params = all(self, params);
                let result = change(self, result);
                let mut fails: Vec<Ty> = fails.into_iter().map(|part| change(self, part)).collect();
                self.flatten_errors(&mut fails);
                Type::Function { params, result, fails }
            }
            Type::Union(errors) => {
                let mut errors = all(self, errors);
                self.flatten_errors(&mut errors);
                return self.union(errors);
            }
            _ => return whole,
        };
        self.intern(changed)
    }

    /// Sorts a set of error types in which a type parameter may have become a union.
    pub fn flatten_errors(&self, errors: &mut Vec<Ty>) {
        let mut flat = Vec::with_capacity(errors.len());
        for &error in errors.iter() {
            match self.get(error) {
                Type::Union(parts) => flat.extend(parts),
                Type::Never => {}
                _ => flat.push(error),
            }
        }
        flat.sort_unstable();
        flat.dedup();
        *errors = flat;
    }

    /// The type as a person writes it. `params` are the names of the type parameters in scope.
    pub fn show(&self, ty: Ty, nominals: &Table<NominalId, Nominal>, params: &[impl AsRef<str>]) -> String {
        let list = |ids: &[Ty], separator: &str| {
            ids.iter().map(|id| self.show(*id, nominals, params)).collect::<Vec<_>>().join(separator)
        };
        let one = |id: &Ty| self.show(*id, nominals, params);
        match self.get(ty) {
            Type::Unit => "()".into(),
            Type::List(item) => format!("List<{}>", one(item)),
            Type::Set(item) => format!("Set<{}>", one(item)),
            Type::Map(key, value) => format!("Map<{}, {}>", one(key), one(value)),
            Type::Option(item) => format!("{}?", one(item)),
            Type::Tuple(items) => format!("({})", list(items, ", ")),
            Type::Nominal(id, args) => {
                let name = nominals.get(*id).map_or("?", |nominal| nominal.name.as_str());
                // What can't fail is a `Task<T>`.
                let args = match args.as_slice() {
                    [value, Types::NEVER] => std::slice::from_ref(value),
                    all => all,
                };
                if args.is_empty() { name.to_string() } else { format!("{name}<{}>", list(args, ", ")) }
            }
            Type::Function { params, result, fails } => {
                let mut text = format!("fn({})", list(params, ", "));
                if *result != Types::UNIT {
                    text.push_str(&format!(" -> {}", one(result)));
                }
                if fails.is_empty() { text } else { format!("({text} fails {})", list(fails, " | ")) }
            }
            Type::Workflow(_, name) => name.to_string(),
            Type::Union(errors) => list(errors, " | "),
            Type::Param(index) => params.get(*index as usize).map_or("?", |name| name.as_ref()).to_string(),
            Type::Infer(_) | Type::Invalid => "_".into(),
            Type::Passed => "…".into(),
            simple => format!("{simple:?}"),
        }
    }

    /// How many types there are.
    pub fn len(&self) -> usize {
        self.first + self.types.len()
    }

    /// Never: the simple types are always there.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The id of the `index`-th type, for tables beside this one.
    pub fn id(&self, index: usize) -> Option<Ty> {
        (index < self.len()).then(|| Ty::new(index))
    }
}

/// The types that an interner over another one has for itself, and which of them are open.
pub(crate) struct Own {
    first: usize,
    types: Vec<(Type, bool)>,
}

/// The ids of types that were taken in elsewhere.
pub(crate) struct Adopted {
    first: usize,
    ids: Vec<Ty>,
}

impl Adopted {
    /// The id that a type has now.
    pub fn id(&self, ty: Ty) -> Ty {
        let own = ty.index().checked_sub(self.first);
        own.and_then(|own| self.ids.get(own)).copied().unwrap_or(ty)
    }

    /// Whether no type has another id.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }
}
