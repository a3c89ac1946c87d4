//! Types not yet known, and how two types become one.

use crate::hir::{Ty, Type, Types};

/// What is known of an unknown type.
#[derive(Clone, Copy)]
enum Known {
    Nothing,
    /// What should have said it is a mistake that was reported.
    Excused,
    /// It is the type of a number literal; where nothing else is said, this one: `Int` or `Decimal`.
    Number(Ty),
    Type(Ty),
}

/// The unknown types of one body.
#[derive(Default)]
pub(crate) struct Unknowns {
    known: Vec<Known>,
}

impl Unknowns {
    /// A new unknown type.
    pub fn fresh(&mut self, types: &mut Types) -> Ty {
        self.push(types, Known::Nothing)
    }

    /// The type of a number literal, which by itself is of type `default`.
    pub fn fresh_number(&mut self, types: &mut Types, default: Ty) -> Ty {
        self.push(types, Known::Number(default))
    }

    fn push(&mut self, types: &mut Types, known: Known) -> Ty {
        self.known.push(known);
        types.intern(Type::Infer(self.known.len() as u32 - 1))
    }

    /// Makes an unknown type that of a number literal. Of two literals of one type, that with a fraction says what it is.
    pub fn open_number(&mut self, types: &Types, ty: Ty, default: Ty) {
        if let Type::Infer(index) = types.get(self.head(types, ty)) {
            let default = self.number(*index).map_or(default, |known| known.max(default));
            self.set(*index, Known::Number(default));
        }
    }

    /// Makes the types of number literals within a type what they are by themselves, where they are not known yet.
    pub fn settle(&mut self, types: &mut Types, ty: Ty) {
        if !types.is_open(ty) {
            return;
        }
        let ty = self.head(types, ty);
        match types.get(ty).clone() {
            Type::Infer(index) => {
                if let Some(default) = self.number(index) {
                    self.set(index, Known::Type(default));
                }
            }
            parts => {
                types.map_parts(ty, parts, &mut |types, part| {
                    self.settle(types, part);
                    part
                });
            }
        }
    }

    /// Makes the types of all number literals what they are by themselves, where they are not known yet.
    pub fn settle_all(&mut self) {
        for known in &mut self.known {
            if let Known::Number(default) = *known {
                *known = Known::Type(default);
            }
        }
    }

    /// Whether a type is that of a number literal and not known yet.
    pub fn is_open_number(&self, types: &Types, ty: Ty) -> bool {
        matches!(types.get(self.head(types, ty)), Type::Infer(index) if self.number(*index).is_some())
    }

    fn number(&self, index: u32) -> Option<Ty> {
        match self.known.get(index as usize) {
            Some(Known::Number(default)) => Some(*default),
            _ => None,
        }
    }

    fn set(&mut self, index: u32, known: Known) {
        if let Some(slot) = self.known.get_mut(index as usize) {
            *slot = known;
        }
    }

    /// One unknown type for each of `count` type parameters.
    pub fn fresh_many(&mut self, types: &mut Types, count: usize) -> Vec<Ty> {
        (0..count).map(|_| self.fresh(types)).collect()
    }

    /// The type with its head known, if it is.
    pub fn head(&self, types: &Types, mut ty: Ty) -> Ty {
        while let Type::Infer(index) = types.get(ty) {
            match self.known.get(*index as usize) {
                Some(Known::Type(known)) => ty = *known,
                _ => break,
            }
        }
        ty
    }

    /// The type with all that is known put in.
    pub fn resolve(&self, types: &mut Types, ty: Ty) -> Ty {
        if !types.is_open(ty) {
            return ty;
        }
        let ty = self.head(types, ty);
        match types.get(ty).clone() {
            Type::Infer(_) => ty,
            parts => types.map_parts(ty, parts, &mut |types, part| self.resolve(types, part)),
        }
    }

    /// Makes two types one; false where they differ. A function may fail with less than is expected of it.
    pub fn unify(&mut self, types: &mut Types, actual: Ty, expected: Ty) -> bool {
        let actual = self.head(types, actual);
        let expected = self.head(types, expected);
        if actual == expected {
            return true;
        }
        if let Some(other) =
            [(actual, expected), (expected, actual)].iter().find(|(one, _)| *one == Types::INVALID)
        {
            self.excuse(types, other.1);
            return true;
        }
        match (types.get(actual).clone(), types.get(expected).clone()) {
            (Type::Infer(index), _) => self.bind(types, index, expected),
            (_, Type::Infer(index)) => self.bind(types, index, actual),
            (Type::List(a), Type::List(b))
            | (Type::Set(a), Type::Set(b))
            | (Type::Option(a), Type::Option(b)) => self.unify(types, a, b),
            (Type::Map(ak, av), Type::Map(bk, bv)) => self.unify(types, ak, bk) & self.unify(types, av, bv),
            (Type::Tuple(a), Type::Tuple(b)) => self.unify_all(types, &a, &b),
            (Type::Nominal(a, a_args), Type::Nominal(b, b_args)) if a == b => {
                self.unify_all(types, &a_args, &b_args)
            }
            (
                Type::Function { params, result, fails },
                Type::Function { params: wanted, result: wanted_result, fails: wanted_fails },
            ) => {
                self.unify_failures(types, &fails, &wanted_fails)
                    & self.unify_all(types, &wanted, &params)
                    & self.unify(types, result, wanted_result)
            }
            (Type::Union(a), Type::Union(b)) => self.unify_all(types, &a, &b),
            _ => false,
        }
    }

    /// Whether all that a function fails with is expected. One failure not yet known takes what the others leave; one of
    /// the function itself that nothing is known of is none.
    fn unify_failures(&mut self, types: &mut Types, fails: &[Ty], wanted: &[Ty]) -> bool {
        let wanted = self.flat_failures(types, wanted);
        let mut rest = self.flat_failures(types, fails);
        rest.retain(|ty| !wanted.contains(ty));
        let open = wanted.into_iter().find(|ty| matches!(types.get(*ty), Type::Infer(_)));
        match open {
            Some(open) => {
                let union = types.union(rest);
                self.unify(types, union, open)
            }
            None => rest.into_iter().all(|ty| match types.get(ty) {
                Type::Infer(index) => self.bind(types, *index, Types::NEVER),
                _ => ty == Types::INVALID,
            }),
        }
    }

    fn flat_failures(&self, types: &mut Types, fails: &[Ty]) -> Vec<Ty> {
        let mut flat: Vec<Ty> = fails.iter().map(|ty| self.resolve(types, *ty)).collect();
        types.flatten_errors(&mut flat);
        flat
    }

    /// Notes that what would have told the unknown parts of a type is a mistake, so that nobody asks for them.
    pub fn excuse(&mut self, types: &mut Types, ty: Ty) {
        let ty = self.resolve(types, ty);
        self.each_unknown(types, ty, &mut |this, index| {
            if let Some(Known::Nothing) = this.known.get(index as usize) {
                this.set(index, Known::Excused);
            }
        });
    }

    /// Whether a part of a type is unknown for a mistake that was reported.
    pub fn is_excused(&mut self, types: &mut Types, ty: Ty) -> bool {
        let ty = self.resolve(types, ty);
        let mut excused = false;
        self.each_unknown(types, ty, &mut |this, index| {
            excused |= matches!(this.known.get(index as usize), Some(Known::Excused));
        });
        excused
    }

    /// The unknown parts of a resolved type.
    fn each_unknown(&mut self, types: &mut Types, ty: Ty, each: &mut impl FnMut(&mut Self, u32)) {
        match types.get(ty).clone() {
            Type::Infer(index) => each(self, index),
            parts if types.is_open(ty) => {
                types.map_parts(ty, parts, &mut |types, part| {
                    self.each_unknown(types, part, each);
                    part
                });
            }
            _ => {}
        }
    }

    /// Makes every unknown in a type the type of a reported mistake.
    pub fn give_up(&mut self, types: &mut Types, ty: Ty) {
        let ty = self.head(types, ty);
        match types.get(ty).clone() {
            Type::Infer(index) => self.set(index, Known::Type(Types::INVALID)),
            parts if types.is_open(ty) => {
                types.map_parts(ty, parts, &mut |types, part| {
                    self.give_up(types, part);
                    part
                });
            }
            _ => {}
        }
    }

    fn unify_all(&mut self, types: &mut Types, actual: &[Ty], expected: &[Ty]) -> bool {
        let mut same = actual.len() == expected.len();
        for (a, b) in actual.iter().zip(expected) {
            same &= self.unify(types, *a, *b);
        }
        same
    }

    fn bind(&mut self, types: &mut Types, index: u32, ty: Ty) -> bool {
        if self.occurs(types, index, ty) {
            return false;
        }
        if let Some(default) = self.number(index) {
            match types.get(ty) {
                Type::Infer(_) => self.open_number(types, ty, default),
                Type::Int if default == Types::INT => {}
                Type::Decimal | Type::Float | Type::Never => {}
                _ => return false,
            }
        }
        if let Some(Known::Excused) = self.known.get(index as usize) {
            self.excuse(types, ty);
        }
        self.set(index, Known::Type(ty));
        true
    }

    fn occurs(&self, types: &mut Types, index: u32, ty: Ty) -> bool {
        let ty = self.resolve(types, ty);
        self.mentions(types, index, ty)
    }

    fn mentions(&self, types: &Types, index: u32, ty: Ty) -> bool {
        if !types.is_open(ty) {
            return false;
        }
        let any = |ids: &[Ty]| ids.iter().any(|id| self.mentions(types, index, *id));
        match types.get(ty) {
            Type::Infer(other) => *other == index,
            Type::List(item) | Type::Set(item) | Type::Option(item) => self.mentions(types, index, *item),
            Type::Map(key, value) => self.mentions(types, index, *key) || self.mentions(types, index, *value),
            Type::Tuple(items) | Type::Nominal(_, items) | Type::Union(items) => any(items),
            Type::Function { params, result, fails } => {
                any(params) || self.mentions(types, index, *result) || any(fails)
            }
            _ => false,
        }
    }

    /// Whether a value of type `actual` could be given where `pattern` (with type parameters of its own) is expected,
    /// judged without making anything known.
    pub fn fits(&self, types: &Types, actual: Ty, pattern: Ty) -> bool {
        let actual = self.head(types, actual);
        let all =
            |a: &[Ty], b: &[Ty]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| self.fits(types, *a, *b));
        match (types.get(actual), types.get(pattern)) {
            (_, Type::Param(_)) | (Type::Invalid | Type::Never, _) => true,
            (Type::Infer(index), _) => match self.number(*index) {
                Some(_) => matches!(types.get(pattern), Type::Int | Type::Decimal | Type::Float),
                None => true,
            },
            (Type::List(a), Type::List(b))
            | (Type::Set(a), Type::Set(b))
            | (Type::Option(a), Type::Option(b)) => self.fits(types, *a, *b),
            (Type::Map(ak, av), Type::Map(bk, bv)) => {
                self.fits(types, *ak, *bk) && self.fits(types, *av, *bv)
            }
            (Type::Tuple(a), Type::Tuple(b)) => all(a, b),
            (Type::Nominal(a, a_args), Type::Nominal(b, b_args)) => a == b && all(a_args, b_args),
            (Type::Function { params: a, .. }, Type::Function { params: b, .. }) => a.len() == b.len(),
            _ => actual == pattern,
        }
    }
}
