//! Patterns: tests that jump away where they fail, and bindings.

use crate::builder::FunctionLowering;
use crate::error::LowerError;
use flow_analysis::hir::{self, Pattern, PatternKind};
use flow_mir::{BlockId, LocalId, Op, Terminator, Type, TypeId};
use flow_syntax::Span;

impl<'a> FunctionLowering<'_, 'a> {
    /// Binds a pattern that always matches.
    pub(crate) fn bind(&mut self, pattern: &'a Pattern, value: LocalId) -> Result<(), LowerError> {
        // The checker has shown that no test fails; where one is made all the same, nothing reaches this block.
        let never = self.block();
        self.test(pattern, value, never)
    }

    /// Tests a value and binds what the pattern names; goes to `fail` where it doesn't match.
    pub(crate) fn test(
        &mut self,
        pattern: &'a Pattern,
        value: LocalId,
        fail: BlockId,
    ) -> Result<(), LowerError> {
        let span = pattern.span;
        match &pattern.kind {
            PatternKind::Wildcard => {}
            PatternKind::Bind(variable) => {
                let dst = self.variable(*variable)?;
                self.store(dst, value, span)?;
            }
            PatternKind::Literal(literal) => {
                let expected = self.temporary(self.type_of(value));
                self.literal(literal, expected, span);
                let bool = self.shared.known.bool;
                let same = self.temporary(bool);
                self.equal(value, expected, same, span);
                self.require(same, fail, span);
            }
            PatternKind::None => self.require_some(value, false, fail, span),
            PatternKind::Some(inner) => {
                self.require_some(value, true, fail, span);
                let item = match *self.stored_type(value) {
                    Type::Option(item) => item,
                    _ => return Err(LowerError::internal("`Some` of what is no option", span)),
                };
                self.part(inner, item, fail, |dst| Op::Unwrap { dst, option: value })?;
            }
            PatternKind::Fields(patterns) => {
                let types = self.field_types(value, span)?;
                for ((index, pattern), ty) in (0u32..).zip(patterns).zip(types) {
                    self.part(pattern, ty, fail, |dst| Op::Field { dst, base: value, index })?;
                }
            }
            PatternKind::Case { case, fields } => {
                self.require_case(value, *case, fail, span)?;
                self.case_fields(*case, fields, value, fail, span)?;
            }
            PatternKind::Distinct(inner) => {
                let wrapped = match self.shared.types.types.get(self.type_of(value)) {
                    Some(Type::Distinct { inner, .. }) => *inner,
                    _ => return Err(LowerError::internal("a pattern of a type that isn't distinct", span)),
                };
                self.part(inner, wrapped, fail, |dst| Op::Copy { dst, src: value })?;
            }
            PatternKind::Error(inner) => self.error_of_type(inner, value, fail)?,
            PatternKind::AnyError { bind } => self.any_error(*bind, value, fail, span)?,
            PatternKind::Or(patterns) => self.any_of(patterns, value, fail, span)?,
            PatternKind::Invalid => {
                return Err(LowerError::internal("a pattern was never checked", span));
            }
        }
        Ok(())
    }

    /// Tests the fields of an enum value known to be of a case.
    pub(crate) fn case_fields(
        &mut self,
        case: u32,
        fields: &'a [Pattern],
        value: LocalId,
        fail: BlockId,
        span: Span,
    ) -> Result<(), LowerError> {
        let types: Vec<TypeId> = match self.stored_type(value) {
            Type::Enum { cases, .. } => match cases.get(case as usize) {
                Some(case) => case.fields.iter().map(|field| field.ty).collect(),
                None => return Err(LowerError::internal("a pattern of a case that isn't there", span)),
            },
            _ => return Err(LowerError::internal("a case of what is no enum", span)),
        };
        for ((index, pattern), ty) in (0u32..).zip(fields).zip(types) {
            self.part(pattern, ty, fail, |dst| Op::CaseField { dst, base: value, case, index })?;
        }
        Ok(())
    }

    /// Takes a part out of a value and tests it: straight into the variable where the pattern is just a name.
    fn part(
        &mut self,
        pattern: &'a Pattern,
        ty: TypeId,
        fail: BlockId,
        take: impl FnOnce(LocalId) -> Op,
    ) -> Result<(), LowerError> {
        match &pattern.kind {
            PatternKind::Wildcard => Ok(()),
            PatternKind::Bind(variable) => {
                let dst = self.variable(*variable)?;
                self.emit(take(dst), pattern.span);
                Ok(())
            }
            _ => {
                let part = self.emit_new(ty, take, pattern.span);
                self.test(pattern, part, fail)
            }
        }
    }

    /// Goes on where the condition holds, else to `fail`.
    pub(crate) fn require(&mut self, condition: LocalId, fail: BlockId, span: Span) {
        let next = self.block();
        self.end(Terminator::Branch { condition, then: next, otherwise: fail }, span);
        self.switch_to(next);
    }

    fn require_some(&mut self, option: LocalId, some: bool, fail: BlockId, span: Span) {
        let condition = self.emit_new(self.shared.known.bool, |dst| Op::IsSome { dst, option }, span);
        let next = self.block();
        let (then, otherwise) = if some { (next, fail) } else { (fail, next) };
        self.end(Terminator::Branch { condition, then, otherwise }, span);
        self.switch_to(next);
    }

    fn require_case(
        &mut self,
        value: LocalId,
        case: u32,
        fail: BlockId,
        span: Span,
    ) -> Result<(), LowerError> {
        match self.stored_type(value) {
            Type::Enum { cases, .. } if cases.len() == 1 => return Ok(()),
            Type::Enum { .. } => {}
            _ => return Err(LowerError::internal("a case of what is no enum", span)),
        }
        let known = self.shared.known;
        let actual = self.emit_new(known.int, |dst| Op::CaseOf { dst, base: value }, span);
        let expected = self.emit_new(known.int, |dst| Op::Word { dst, word: u64::from(case) }, span);
        let op = flow_mir::BinaryOp::IntEqual;
        let same =
            self.emit_new(known.bool, |dst| Op::Binary { dst, op, left: actual, right: expected }, span);
        self.require(same, fail, span);
        Ok(())
    }

    fn field_types(&self, value: LocalId, span: Span) -> Result<Vec<TypeId>, LowerError> {
        match self.stored_type(value) {
            Type::Tuple(items) => Ok(items.clone()),
            Type::Record { fields, .. } => Ok(fields.iter().map(|field| field.ty).collect()),
            _ => Err(LowerError::internal("fields of what has none", span)),
        }
    }

    fn any_of(
        &mut self,
        patterns: &'a [Pattern],
        value: LocalId,
        fail: BlockId,
        span: Span,
    ) -> Result<(), LowerError> {
        let join = self.block();
        for (index, pattern) in patterns.iter().enumerate() {
            let is_last = index + 1 == patterns.len();
            let next = if is_last { fail } else { self.block() };
            self.test(pattern, value, next)?;
            self.goto(join, span);
            if !is_last {
                self.switch_to(next);
            }
        }
        self.switch_to(join);
        Ok(())
    }

    /// A raised error, or a value of a union, of the type that `inner` is a pattern of.
    fn error_of_type(&mut self, inner: &'a Pattern, error: LocalId, fail: BlockId) -> Result<(), LowerError> {
        let span = inner.span;
        let ty = self.ty(inner.ty, span)?;
        if self.type_of(error) == ty {
            // A union that shrank to one type where a type parameter was replaced.
            return self.test(inner, error, fail);
        }
        let is = self.emit_new(self.shared.known.bool, |dst| Op::ErrorIs { dst, error, ty }, span);
        self.require(is, fail, span);
        self.part(inner, ty, fail, |dst| Op::ErrorValue { dst, error })
    }

    /// `_` or a name at the top of a `catch` arm: never a cancellation or a trap.
    fn any_error(
        &mut self,
        bind: Option<hir::LocalId>,
        error: LocalId,
        fail: BlockId,
        span: Span,
    ) -> Result<(), LowerError> {
        let Some(variable) = bind else {
            for ty in [self.shared.known.cancelled, self.shared.known.trap] {
                let next = self.block();
                self.branch_on_error(error, ty, fail, next, span);
                self.switch_to(next);
            }
            return Ok(());
        };
        let Some(declared) = self.context.locals.get(variable).map(|local| local.ty) else {
            return Err(LowerError::internal(format!("there is no local {variable:?}"), span));
        };
        let mut errors = vec![self.concrete(declared, span)?];
        self.shared.types.flatten_errors(&mut errors);
        let matched = self.block();
        for ty in errors {
            let ty = self.shared.types.lower(ty, span)?;
            let next = self.block();
            self.branch_on_error(error, ty, matched, next, span);
            self.switch_to(next);
        }
        self.goto(fail, span);
        self.switch_to(matched);
        let dst = self.variable(variable)?;
        let is_union = self.type_of(dst) == self.shared.known.error;
        self.emit(if is_union { Op::Copy { dst, src: error } } else { Op::ErrorValue { dst, error } }, span);
        Ok(())
    }
}
