//! From HIR types to MIR types: type parameters replaced, equal types given equal ids, nominal types made once each.

use crate::codes;
use crate::error::LowerError;
use flow_analysis::hir::{self, Ty};
use flow_mir::{Case, Field, Id as _, Type, TypeId, Types};
use flow_syntax::Span;
use std::collections::HashMap;

/// How many parts an instantiated type may have. Only a generic declaration that uses itself with ever larger types
/// gets there.
const LARGEST_TYPE: usize = 500;

/// A record field's default, to be evaluated once all types are known.
pub(crate) struct DefaultToFill<'a> {
    pub(crate) record: TypeId,
    pub(crate) field: usize,
    pub(crate) value: &'a hir::Body,
    pub(crate) type_args: Vec<Ty>,
}

/// The types of both sides and the way from one to the other.
pub(crate) struct TypeTable<'a> {
    program: &'a hir::Program,
    /// The program's types, with the same ids, and those that replacing type parameters adds.
    source: hir::Types,
    /// The types of the lowered program.
    pub(crate) types: Types,
    structural: HashMap<Type, TypeId>,
    lowered: HashMap<Ty, TypeId>,
    plain_functions: HashMap<Ty, TypeId>,
    sizes: HashMap<Ty, usize>,
    unfilled: Vec<(TypeId, hir::NominalId, Vec<Ty>)>,
    /// Defaults of the record types made so far.
    pub(crate) defaults: Vec<DefaultToFill<'a>>,
}

impl<'a> TypeTable<'a> {
    pub(crate) fn new(program: &'a hir::Program) -> TypeTable<'a> {
        let mut source = hir::Types::default();
        for id in (0..program.types.len()).filter_map(|index| program.types.id(index)) {
            source.intern(program.types.get(id).clone());
        }
        TypeTable {
            program,
            source,
            types: Types::new(),
            structural: HashMap::new(),
            lowered: HashMap::new(),
            plain_functions: HashMap::new(),
            sizes: HashMap::new(),
            unfilled: Vec::new(),
            defaults: Vec::new(),
        }
    }

    /// `ty` with the type parameters of a declaration replaced.
    pub(crate) fn substitute(&mut self, ty: Ty, args: &[Ty], span: Span) -> Result<Ty, LowerError> {
        let concrete = self.source.substitute(ty, args);
        if self.size(concrete) > LARGEST_TYPE {
            let message = format!(
                "a generic declaration uses itself with ever larger types (more than {LARGEST_TYPE} parts): \
                 give the inner use a fixed type"
            );
            return Err(LowerError::limit(codes::ENDLESS_TYPES, message, span));
        }
        Ok(concrete)
    }

    /// The HIR type of an id.
    pub(crate) fn source(&self, ty: Ty) -> &hir::Type {
        self.source.get(ty)
    }

    /// The concrete HIR type as a person writes it.
    pub(crate) fn show(&self, ty: Ty) -> String {
        self.source.show(ty, &self.program.nominals, &[] as &[&str])
    }

    /// The error types in `errors`, which may hold unions where type parameters were replaced.
    pub(crate) fn flatten_errors(&self, errors: &mut Vec<Ty>) {
        self.source.flatten_errors(errors);
    }

    /// The parts of a type, counted as often as they are written; stops counting past the limit.
    fn size(&mut self, ty: Ty) -> usize {
        if let Some(&known) = self.sizes.get(&ty) {
            return known;
        }
        let parts: Vec<Ty> = match self.source.get(ty) {
            hir::Type::List(item) | hir::Type::Set(item) | hir::Type::Option(item) => vec![*item],
            hir::Type::Map(key, value) => vec![*key, *value],
            hir::Type::Tuple(items) | hir::Type::Union(items) => items.clone(),
            hir::Type::Nominal(_, args) => args.clone(),
            hir::Type::Function { params, result, fails } => {
                params.iter().chain([result]).chain(fails).copied().collect()
            }
            _ => Vec::new(),
        };
        let size = parts.into_iter().fold(1usize, |sum, part| sum.saturating_add(self.size(part)));
        self.sizes.insert(ty, size);
        size
    }

    /// The MIR type of a concrete HIR type. Function values in it are of the suspending kind.
    pub(crate) fn lower(&mut self, ty: Ty, span: Span) -> Result<TypeId, LowerError> {
        let id = self.lower_shallow(ty, span)?;
        self.fill(span)?;
        Ok(id)
    }

    /// As [`lower`](Self::lower), but a function type itself is of the kind asked for.
    pub(crate) fn lower_function(
        &mut self,
        ty: Ty,
        suspends: bool,
        span: Span,
    ) -> Result<TypeId, LowerError> {
        if suspends || !matches!(self.source.get(ty), hir::Type::Function { .. }) {
            return self.lower(ty, span);
        }
        if let Some(&known) = self.plain_functions.get(&ty) {
            return Ok(known);
        }
        let suspending = self.lower(ty, span)?;
        let id = self.function_kind(suspending, false);
        self.plain_functions.insert(ty, id);
        Ok(id)
    }

    /// The function type that differs from this one at most in whether calling it suspends.
    pub(crate) fn function_kind(&mut self, function: TypeId, suspends: bool) -> TypeId {
        match self.types.get(function) {
            Some(Type::Function { params, returns, .. }) => {
                let ty = Type::Function { params: params.clone(), returns: *returns, suspends };
                self.intern(ty)
            }
            _ => function,
        }
    }

    /// The id of a structural type.
    pub(crate) fn intern(&mut self, ty: Type) -> TypeId {
        if let Some(&known) = self.structural.get(&ty) {
            return known;
        }
        let id = self.types.push(ty.clone());
        self.structural.insert(ty, id);
        id
    }

    /// The MIR type that says how values of this type are stored.
    pub(crate) fn stored(&self, id: TypeId) -> &Type {
        self.types.get(self.types.representation(id)).unwrap_or(&Type::Never)
    }

    fn lower_shallow(&mut self, ty: Ty, span: Span) -> Result<TypeId, LowerError> {
        if let Some(&known) = self.lowered.get(&ty) {
            return Ok(known);
        }
        let id = match self.source.get(ty).clone() {
            hir::Type::Nominal(nominal, args) => {
                let id = self.types.push(Type::Never);
                self.unfilled.push((id, nominal, args));
                id
            }
            other => {
                let lowered = self.structural(other, span)?;
                self.intern(lowered)
            }
        };
        self.lowered.insert(ty, id);
        Ok(id)
    }

    fn structural(&mut self, ty: hir::Type, span: Span) -> Result<Type, LowerError> {
        Ok(match ty {
            hir::Type::Never => Type::Never,
            hir::Type::Unit => Type::Unit,
            hir::Type::Bool => Type::Bool,
            hir::Type::Int => Type::Int,
            hir::Type::Float => Type::Float,
            hir::Type::Decimal => Type::Decimal,
            hir::Type::String => Type::String,
            hir::Type::Bytes => Type::Bytes,
            hir::Type::Duration => Type::Duration,
            hir::Type::Timestamp => Type::Timestamp,
            hir::Type::Json => Type::Json,
            hir::Type::List(item) => Type::List(self.lower_shallow(item, span)?),
            hir::Type::Set(item) => Type::Set(self.lower_shallow(item, span)?),
            hir::Type::Map(key, value) => {
                Type::Map(self.lower_shallow(key, span)?, self.lower_shallow(value, span)?)
            }
            hir::Type::Option(item) => Type::Option(self.lower_shallow(item, span)?),
            hir::Type::Tuple(items) => Type::Tuple(self.lower_all(&items, span)?),
            hir::Type::Function { params, result, .. } => Type::Function {
                params: self.lower_all(&params, span)?,
                returns: self.lower_shallow(result, span)?,
                suspends: true,
            },
            hir::Type::Union(_) | hir::Type::Passed => Type::Error,
            // Stands only for the argument of a handle's type, which no field has.
            hir::Type::Workflow(..) => Type::Never,
            hir::Type::Nominal(..) | hir::Type::Param(_) | hir::Type::Infer(_) | hir::Type::Invalid => {
                return Err(LowerError::internal(format!("a type is left open: {ty:?}"), span));
            }
        })
    }

    fn lower_all(&mut self, types: &[Ty], span: Span) -> Result<Vec<TypeId>, LowerError> {
        types.iter().map(|ty| self.lower_shallow(*ty, span)).collect()
    }

    /// Gives the nominal types that were mentioned their contents. Apart from their mention, so that types may be
    /// recursive and chains of declarations long.
    fn fill(&mut self, span: Span) -> Result<(), LowerError> {
        while let Some((id, nominal, args)) = self.unfilled.pop() {
            let Some(declaration) = self.program.nominals.get(nominal) else {
                return Err(LowerError::internal(format!("there is no type {nominal:?}"), span));
            };
            let name = self.nominal_name(declaration, &args);
            let filled = match &declaration.kind {
                hir::NominalKind::Record(fields) => {
                    self.note_defaults(id, fields, &args);
                    Type::Record { name, fields: self.fields(fields, &args)? }
                }
                hir::NominalKind::Enum(cases) => {
                    Type::Enum { name, cases: self.cases(cases, &args)?, error: false }
                }
                hir::NominalKind::Error(cases) => {
                    Type::Enum { name, cases: self.cases(cases, &args)?, error: true }
                }
                hir::NominalKind::Distinct(inner) => {
                    let inner = self.substitute(*inner, &args, declaration.span)?;
                    Type::Distinct { name, inner: self.lower_shallow(inner, declaration.span)? }
                }
            };
            *self.types.at_mut(id) = filled;
        }
        Ok(())
    }

    fn nominal_name(&self, declaration: &hir::Nominal, args: &[Ty]) -> String {
        let name = &declaration.name;
        if args.is_empty() {
            let module = self.program.modules.get(declaration.module);
            let is_date =
                name == "Date" && module.is_some_and(|module| module.name == "std.date" && module.standard);
            return if is_date { flow_mir::DATE.to_owned() } else { name.to_string() };
        }
        let args: Vec<String> = args.iter().map(|arg| self.show(*arg)).collect();
        format!("{name}<{}>", args.join(", "))
    }

    fn note_defaults(&mut self, record: TypeId, fields: &'a [hir::Field], args: &[Ty]) {
        for (field, declared) in fields.iter().enumerate() {
            if let Some(value) = &declared.default {
                self.defaults.push(DefaultToFill { record, field, value, type_args: args.to_vec() });
            }
        }
    }

    fn fields(&mut self, fields: &[hir::Field], args: &[Ty]) -> Result<Vec<Field>, LowerError> {
        let mut lowered = Vec::with_capacity(fields.len());
        for field in fields {
            let ty = self.substitute(field.ty, args, field.span)?;
            let ty = self.lower_shallow(ty, field.span)?;
            lowered.push(Field { name: field.name.to_string(), ty, default: None });
        }
        Ok(lowered)
    }

    fn cases(&mut self, cases: &[hir::Case], args: &[Ty]) -> Result<Vec<Case>, LowerError> {
        let mut lowered = Vec::with_capacity(cases.len());
        for case in cases {
            lowered.push(Case { name: case.name.to_string(), fields: self.fields(&case.fields, args)? });
        }
        Ok(lowered)
    }

    /// The MIR type of a declared type without type parameters.
    pub(crate) fn nominal(&mut self, id: hir::NominalId) -> Result<TypeId, LowerError> {
        let ty = self.source.intern(hir::Type::Nominal(id, Vec::new()));
        self.lower(ty, Span::default())
    }

    /// Adds the type of a race's result: one case per arm, holding the arm's value where it has one.
    pub(crate) fn push_race(&mut self, arms: &[Option<TypeId>]) -> TypeId {
        let case = |(index, value): (usize, &Option<TypeId>)| {
            let field = |ty: &TypeId| Field { name: "0".into(), ty: *ty, default: None };
            Case { name: format!("arm{}", index + 1), fields: value.iter().map(field).collect() }
        };
        let cases = arms.iter().enumerate().map(case).collect();
        self.types.push(Type::Enum { name: "race".into(), cases, error: false })
    }

    /// Sets the default of a record's field.
    pub(crate) fn set_default(&mut self, record: TypeId, field: usize, json: String) {
        if record.index() < self.types.len()
            && let Type::Record { fields, .. } = self.types.at_mut(record)
            && let Some(field) = fields.get_mut(field)
        {
            field.default = Some(flow_mir::FieldDefault { json });
        }
    }
}
