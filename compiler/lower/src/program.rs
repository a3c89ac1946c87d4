//! The whole program: functions are asked for by what they are made of, numbered as they are first asked for, and made
//! until none is left.

use crate::builder::{Context, FunctionLowering};
use crate::codes;
use crate::error::LowerError;
use crate::types::TypeTable;
use flow_analysis::hir::{self, Ty, Types};
use flow_mir::{
    Activity, Constant, ConstantId, Field, Function, FunctionId, Handle, Id as _, KnownTypes, Location,
    Program, Source, Table, TypeId, Workflow,
};
use flow_syntax::{FileId, SourceMap, Span};
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

/// How many functions a program may have. Only generic functions that call themselves with ever new types get there.
const MOST_FUNCTIONS: usize = 50_000;

/// What a function of the lowered program is made of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    /// A declared function with its type arguments; `suspending` says of each parameter whether it is a function that
    /// suspends.
    Function { function: hir::FunctionId, type_args: Vec<Ty>, suspending: Vec<bool> },
    /// A declared function as a function value of this type.
    Value { function: hir::FunctionId, type_args: Vec<Ty>, ty: TypeId },
    /// A closure around a function value of this type, which doesn't suspend, for where one that does is called.
    Suspending(TypeId),
    /// The value of a constant.
    Const(hir::ConstId),
    /// The body of a workflow.
    Workflow(hir::WorkflowId),
    /// A query of a workflow.
    Query(hir::WorkflowId, usize),
    /// An update of a workflow.
    Update(hir::WorkflowId, usize),
    /// One attempt of an activity.
    Run(hir::ActivityId),
    /// An activity's own policy.
    Policy(hir::ActivityId),
    /// What an activity's retries stop at.
    Unless(hir::ActivityId),
}

/// What is common to all functions being made.
pub(crate) struct Lowering<'a> {
    pub(crate) program: &'a hir::Program,
    pub(crate) types: TypeTable<'a>,
    pub(crate) known: KnownTypes,
    pub(crate) sources: &'a SourceMap,
    used_sources: Vec<Source>,
    source_ids: HashMap<FileId, u32>,
    functions: Vec<Option<Function>>,
    instances: HashMap<Key, FunctionId>,
    queue: VecDeque<(FunctionId, Key)>,
    constants: Table<ConstantId, Constant>,
    constant_ids: HashMap<Constant, ConstantId>,
}

impl<'a> Lowering<'a> {
    pub(crate) fn new(program: &'a hir::Program, sources: &'a SourceMap) -> Result<Self, LowerError> {
        let mut types = TypeTable::new(program);
        let known = known_types(program, &mut types)?;
        Ok(Lowering {
            program,
            types,
            known,
            sources,
            used_sources: Vec::new(),
            source_ids: HashMap::new(),
            functions: Vec::new(),
            instances: HashMap::new(),
            queue: VecDeque::new(),
            constants: Table::new(),
            constant_ids: HashMap::new(),
        })
    }

    /// Lowers all workflows and activities and what they reach.
    pub(crate) fn run(mut self) -> Result<Program, LowerError> {
        let program = self.program;
        let mut activities = Table::new();
        let mut workflows = Table::new();
        for (id, activity) in program.activities.iter() {
            activities.push(self.activity(id, activity)?);
        }
        for (id, workflow) in program.workflows.iter() {
            workflows.push(self.workflow(id, workflow)?);
        }
        self.make_functions()?;
        self.fill_defaults()?;
        let lowered = self.into_program(activities, workflows)?;
        if cfg!(debug_assertions)
            && let Err(invalid) = lowered.validate()
        {
            return Err(LowerError::internal(invalid, Span::default()));
        }
        Ok(lowered)
    }

    /// Makes the functions asked for until none is left.
    pub(crate) fn make_functions(&mut self) -> Result<(), LowerError> {
        while let Some((id, key)) = self.queue.pop_front() {
            let function = self.function(&key)?;
            self.fill(id, function);
        }
        Ok(())
    }

    pub(crate) fn into_program(
        self,
        activities: Table<flow_mir::ActivityId, Activity>,
        workflows: Table<flow_mir::WorkflowId, Workflow>,
    ) -> Result<Program, LowerError> {
        let functions: Option<Table<FunctionId, Function>> = self.functions.into_iter().collect();
        let functions =
            functions.ok_or_else(|| LowerError::internal("a function was never made", Span::default()))?;
        Ok(Program {
            sources: self.used_sources,
            types: self.types.types,
            known: self.known,
            constants: self.constants,
            functions,
            activities,
            workflows,
        })
    }

    /// The id of a function, which is made later if it is new.
    pub(crate) fn request(&mut self, key: Key) -> Result<FunctionId, LowerError> {
        if let Some(&known) = self.instances.get(&key) {
            return Ok(known);
        }
        let id = self.reserve()?;
        self.instances.insert(key.clone(), id);
        self.queue.push_back((id, key));
        Ok(id)
    }

    /// An id for a function that the caller makes.
    pub(crate) fn reserve(&mut self) -> Result<FunctionId, LowerError> {
        if self.functions.len() >= MOST_FUNCTIONS {
            let message = format!(
                "the program needs more than {MOST_FUNCTIONS} functions; a generic function that calls itself \
                 with ever new types does that"
            );
            return Err(LowerError::limit(codes::ENDLESS_TYPES, message, Span::default()));
        }
        let id = FunctionId::new(self.functions.len());
        self.functions.push(None);
        Ok(id)
    }

    /// Sets a reserved function.
    pub(crate) fn fill(&mut self, id: FunctionId, function: Function) {
        if let Some(place) = self.functions.get_mut(id.index()) {
            *place = Some(function);
        }
    }

    /// The id of a pooled constant.
    pub(crate) fn constant(&mut self, constant: Constant) -> ConstantId {
        if let Some(&known) = self.constant_ids.get(&constant) {
            return known;
        }
        let id = self.constants.push(constant.clone());
        self.constant_ids.insert(constant, id);
        id
    }

    /// Where a span is, in the sources that the lowered program keeps.
    pub(crate) fn location(&mut self, span: Span) -> Location {
        let Some((file, range)) = self.sources.lookup(span) else { return Location::default() };
        let source = match self.source_ids.get(&file) {
            Some(&known) => known,
            None => self.keep_source(file),
        };
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Location { source, start: offset(range.start), end: offset(range.end) }
    }

    fn keep_source(&mut self, file: FileId) -> u32 {
        let id = u32::try_from(self.used_sources.len()).unwrap_or(u32::MAX);
        if let Some(source) = self.sources.file(file) {
            self.used_sources.push(Source { path: source.path().into(), text: source.text().into() });
        }
        self.source_ids.insert(file, id);
        id
    }

    /// The line a span begins in; 0 for what no text stands for.
    pub(crate) fn line(&self, span: Span) -> u32 {
        self.lines(span).0
    }

    /// Whether a span lies within one line.
    pub(crate) fn is_one_line(&self, span: Span) -> bool {
        let (first, last) = self.lines(span);
        first == last
    }

    fn lines(&self, span: Span) -> (u32, u32) {
        self.sources.positions(span).map_or((0, 0), |(_, start, end)| (start.line, end.line))
    }

    /// The name of a declaration for people: with its module where that isn't the root.
    pub(crate) fn declared_name(&self, signature: &hir::Signature, type_args: &[Ty]) -> String {
        let module = self.program.modules.get(signature.module);
        let prefix = match module {
            Some(module) if signature.module.0 != 0 => format!("{}.", module.name),
            _ => String::new(),
        };
        let args: Vec<String> = type_args.iter().map(|arg| self.types.show(*arg)).collect();
        let args = if args.is_empty() { String::new() } else { format!("<{}>", args.join(", ")) };
        format!("{prefix}{}{args}", signature.name)
    }

    fn params(&mut self, signature: &'a hir::Signature) -> Result<Vec<Field>, LowerError> {
        let mut params = Vec::with_capacity(signature.params.len());
        for param in &signature.params {
            let default = self.param_default(param)?;
            params.push(Field { default, ..self.field(&param.name, param.ty, param.span)? });
        }
        Ok(params)
    }

    fn field(&mut self, name: &str, ty: Ty, span: Span) -> Result<Field, LowerError> {
        Ok(Field { name: name.to_string(), ty: self.types.lower(ty, span)?, default: None })
    }

    fn fails(&mut self, signature: &hir::Signature) -> Result<Vec<TypeId>, LowerError> {
        signature.fails.iter().map(|ty| self.types.lower(*ty, signature.span)).collect()
    }

    fn activity(&mut self, id: hir::ActivityId, activity: &'a hir::Activity) -> Result<Activity, LowerError> {
        let signature = &activity.signature;
        Ok(Activity {
            name: signature.name.to_string(),
            location: self.location(signature.span),
            params: self.params(signature)?,
            returns: self.types.lower(signature.result, signature.span)?,
            fails: self.fails(signature)?,
            run: if activity.has_run { Some(self.request(Key::Run(id))?) } else { None },
            unless: match activity.unless {
                Some(_) => Some(self.request(Key::Unless(id))?),
                None => None,
            },
            transactional: activity.transactional,
        })
    }

    fn workflow(&mut self, id: hir::WorkflowId, workflow: &'a hir::Workflow) -> Result<Workflow, LowerError> {
        let signature = &workflow.signature;
        let mut states = Vec::new();
        for state in &workflow.states {
            states.push(self.field(&state.name, state.ty, state.span)?);
        }
        let mut signals = Vec::new();
        for signal in &workflow.signals {
            signals.push(self.field(&signal.name, signal.ty, signal.span)?);
        }
        Ok(Workflow {
            name: signature.name.to_string(),
            location: self.location(signature.span),
            docs: signature.docs.clone().unwrap_or_default(),
            params: self.params(signature)?,
            returns: self.types.lower(signature.result, signature.span)?,
            fails: self.fails(signature)?,
            body: self.request(Key::Workflow(id))?,
            states,
            signals,
            queries: self.handles(&workflow.queries, |index| Key::Query(id, index))?,
            updates: self.handles(&workflow.updates, |index| Key::Update(id, index))?,
        })
    }

    fn handles(
        &mut self,
        handlers: &'a [hir::Handler],
        key: impl Fn(usize) -> Key,
    ) -> Result<Vec<Handle>, LowerError> {
        let mut handles = Vec::with_capacity(handlers.len());
        for (index, handler) in handlers.iter().enumerate() {
            handles.push(Handle {
                name: handler.signature.name.to_string(),
                docs: handler.signature.docs.clone().unwrap_or_default(),
                params: self.params(&handler.signature)?,
                returns: self.types.lower(handler.signature.result, handler.signature.span)?,
                fails: self.fails(&handler.signature)?,
                function: self.request(key(index))?,
            });
        }
        Ok(handles)
    }

    fn function(&mut self, key: &Key) -> Result<Function, LowerError> {
        let program = self.program;
        let missing = || LowerError::internal(format!("there is no {key:?}"), Span::default());
        match key {
            Key::Function { function, type_args, suspending } => {
                let declared = program.functions.get(*function).ok_or_else(missing)?;
                self.declared(declared, type_args, suspending)
            }
            Key::Value { function, type_args, ty } => {
                let declared = program.functions.get(*function).ok_or_else(missing)?;
                self.function_value(*function, declared, type_args, *ty)
            }
            Key::Suspending(ty) => self.suspending_closure(*ty),
            Key::Const(id) => {
                let constant = program.constants.get(*id).ok_or_else(missing)?;
                self.body(&constant.body, constant.name.to_string(), constant.span, constant.ty, false)
            }
            Key::Workflow(id) => {
                let workflow = program.workflows.get(*id).ok_or_else(missing)?;
                let signature = &workflow.signature;
                let name = self.declared_name(signature, &[]);
                self.joining_body(&workflow.body, name, signature.span, signature.result)
            }
            Key::Query(id, index) | Key::Update(id, index) => {
                let workflow = program.workflows.get(*id).ok_or_else(missing)?;
                let is_query = matches!(key, Key::Query(..));
                let table = if is_query { &workflow.queries } else { &workflow.updates };
                let handler = table.get(*index).ok_or_else(missing)?;
                let signature = &handler.signature;
                let name = format!("{}.{}", self.declared_name(&workflow.signature, &[]), signature.name);
                self.body(&handler.body, name, signature.span, signature.result, false)
            }
            Key::Run(id) => {
                let activity = program.activities.get(*id).ok_or_else(missing)?;
                let signature = &activity.signature;
                let name = self.declared_name(signature, &[]);
                self.body(&activity.body, name, signature.span, signature.result, true)
            }
            Key::Policy(id) => self.policy_function(program.activities.get(*id).ok_or_else(missing)?),
            Key::Unless(id) => self.unless_function(program.activities.get(*id).ok_or_else(missing)?),
        }
    }

    fn declared(
        &mut self,
        declared: &'a hir::Function,
        type_args: &[Ty],
        suspending: &[bool],
    ) -> Result<Function, LowerError> {
        let signature = &declared.signature;
        let hir::FunctionCode::Flow(body) = &declared.code else {
            let what = format!("`{}` has no code of its own", signature.name);
            return Err(LowerError::internal(what, signature.span));
        };
        let context = Context {
            locals: &body.locals,
            params: &body.params,
            type_args: type_args.to_vec(),
            suspending: suspending.to_vec(),
        };
        let suspends = instance_suspends(declared, suspending);
        let name = self.declared_name(signature, type_args);
        let mut function = FunctionLowering::new(self, Rc::new(context), name, signature.span, suspends);
        function.whole_body(body, signature.result)?;
        Ok(function.finish())
    }

    /// The body of a workflow: its end awaits what is spawned in it.
    fn joining_body(
        &mut self,
        body: &'a hir::Body,
        name: String,
        span: Span,
        result: Ty,
    ) -> Result<Function, LowerError> {
        let mut function = FunctionLowering::new(self, Context::of(body), name, span, true);
        for param in &body.params {
            function.variable_param(*param)?;
        }
        function.returns = function.ty(result, body.value.span)?;
        let dst = function.temporary(function.returns);
        let value = function.joining(span, |function| {
            let value = function.returned_value(&body.value)?;
            function.emit(flow_mir::Op::Copy { dst, src: value }, span);
            Ok(())
        });
        function.return_value(value.map(|()| dst))?;
        Ok(function.finish())
    }

    fn body(
        &mut self,
        body: &'a hir::Body,
        name: String,
        span: Span,
        result: Ty,
        suspends: bool,
    ) -> Result<Function, LowerError> {
        let mut function = FunctionLowering::new(self, Context::of(body), name, span, suspends);
        function.whole_body(body, result)?;
        Ok(function.finish())
    }
}

impl<'a> Context<'a> {
    /// Of a declaration without type parameters.
    pub(crate) fn of(body: &'a hir::Body) -> Rc<Context<'a>> {
        let suspending = Vec::new();
        Rc::new(Context { locals: &body.locals, params: &body.params, type_args: Vec::new(), suspending })
    }
}

impl<'a> FunctionLowering<'_, 'a> {
    fn whole_body(&mut self, body: &'a hir::Body, result: Ty) -> Result<(), LowerError> {
        for param in &body.params {
            self.variable_param(*param)?;
        }
        self.returns = self.ty(result, body.value.span)?;
        let value = self.returned_value(&body.value);
        self.return_value(value)
    }
}

/// Whether an instance of a function is one that suspends. What reaches a connector does: an attempt waits for it.
pub(crate) fn instance_suspends(function: &hir::Function, suspending: &[bool]) -> bool {
    let param = |index: u32| suspending.get(index as usize).copied().unwrap_or(true);
    function.touches_world || function.suspends.resolve(param)
}

fn known_types(program: &hir::Program, types: &mut TypeTable<'_>) -> Result<KnownTypes, LowerError> {
    let simple = |types: &mut TypeTable<'_>, ty| types.lower(ty, Span::default());
    let nominal = |types: &mut TypeTable<'_>, id: Option<hir::NominalId>, what: &str| {
        let missing =
            || LowerError::internal(format!("the standard library has no `{what}`"), Span::default());
        types.nominal(id.ok_or_else(missing)?)
    };
    let known = &program.known;
    Ok(KnownTypes {
        unit: simple(types, Types::UNIT)?,
        bool: simple(types, Types::BOOL)?,
        int: simple(types, Types::INT)?,
        float: simple(types, Types::FLOAT)?,
        decimal: simple(types, Types::DECIMAL)?,
        string: simple(types, Types::STRING)?,
        bytes: simple(types, Types::BYTES)?,
        duration: simple(types, Types::DURATION)?,
        timestamp: simple(types, Types::TIMESTAMP)?,
        json: simple(types, Types::JSON)?,
        error: types.intern(flow_mir::Type::Error),
        timeout: nominal(types, known.timeout, "Timeout")?,
        cancelled: nominal(types, known.cancelled, "Cancelled")?,
        activity_failed: nominal(types, known.activity_failed, "ActivityFailed")?,
        trap: nominal(types, known.trap, "Trap")?,
        policy: nominal(types, known.policy, "ActivityPolicy")?,
        retry: nominal(types, known.retry, "Retry")?,
    })
}
