//! What running code asks of its instance without suspending.

use crate::history::HistoryEvent;
use crate::ids::StrandPath;
use crate::instance::{Context, Instance};
use crate::meta::{Meta, Role, Scope};
use crate::values;
use flow_mir::heap::TrapKind;
use flow_mir::{FunctionId, Heap, Host, HostOp, Program, TypeId, WorkflowId};

/// The host of one strand while it runs. The strand itself is out of the instance meanwhile.
pub(crate) struct StrandHost<'a> {
    pub instance: &'a mut Instance,
    pub context: Context<'a>,
    pub path: &'a StrandPath,
    pub meta: &'a mut Meta,
}

impl Host for StrandHost<'_> {
    fn call(&mut self, op: &HostOp, args: &[u64], heap: &mut Heap) -> Result<u64, u64> {
        let first = args.first().copied().unwrap_or(0);
        match op {
            HostOp::Now => return Ok(self.instance.clock.0.cast_unsigned()),
            HostOp::SagaEnter { unordered } => return Ok(self.saga_enter(*unordered)),
            HostOp::SagaSucceed => self.saga_succeed(first.cast_signed()),
            HostOp::SagaCommit => self.instance.drop_saga(first.cast_signed()),
            HostOp::Compensate { function } => {
                self.compensate(*function, first.cast_signed(), args.get(1..), heap)?
            }
            HostOp::TimeoutEnter => return Ok(self.timeout_enter(first.cast_signed())),
            HostOp::TimeoutExit => {
                self.timeout_leave(first);
            }
            HostOp::TimeoutExpired => return Ok(u64::from(self.timeout_leave(first))),
            HostOp::ShieldEnter => self.meta.scopes.push(Scope::Shield),
            HostOp::ShieldExit => self.shield_exit(),
            HostOp::ScopeEnter => return Ok(self.scope_enter()),
            HostOp::Spawn { function, kept } => return self.spawn(*function, *kept, args, heap),
            HostOp::ChildId { workflow } => return self.child_id(*workflow, first, heap),
            HostOp::StateGet { .. } => {
                let states = &self.instance.state.states;
                let program = self.context.program;
                return StateReader { program, workflow: self.instance.workflow, states }
                    .call(op, args, heap);
            }
            HostOp::StateSet { state } => self.state_set(*state as usize, first, heap),
            HostOp::ProgressTotal => self.progress(|progress| progress.1 = Some(first.cast_signed())),
            HostOp::ProgressStep => self.progress(|progress| progress.0 += 1),
            HostOp::Index { name, ty } => self.index(name, *ty, first, heap),
            HostOp::Log => self.log("info", heap.str_at(first), ""),
            HostOp::LogLine => {
                let text = |index: usize| heap.str_at(args.get(index).copied().unwrap_or(0));
                self.log(text(0), text(1), text(2));
            }
            HostOp::Random => return Ok(self.random()),
            HostOp::Env { .. } | HostOp::StepKey | HostOp::Variable => {
                return Err(
                    heap.make_trap(TrapKind::Internal, "`env` and `step` belong into an activity's `run`")
                );
            }
        }
        Ok(0)
    }
}

impl StrandHost<'_> {
    fn saga_enter(&mut self, unordered: bool) -> u64 {
        self.instance.counters.saga += 1;
        let number = self.instance.counters.saga;
        self.meta.scopes.push(Scope::Saga { number, unordered });
        number.cast_unsigned()
    }

    /// The saga's entries go to the enclosing one: of this strand, else of those it is a branch of.
    fn saga_succeed(&mut self, saga: i64) {
        self.meta.scopes.retain(|scope| !matches!(scope, Scope::Saga { number, .. } if *number == saga));
        match enclosing_saga(self.instance, self.meta) {
            Some(outer) => self.instance.promote_saga(saga, outer),
            None => self.instance.drop_saga(saga),
        }
    }

    fn compensate(
        &mut self,
        function: FunctionId,
        saga: i64,
        captures: Option<&[u64]>,
        heap: &mut Heap,
    ) -> Result<(), u64> {
        let code = &self.context.program.functions.at(function);
        let roots: Vec<_> = code
            .params()
            .zip(captures.unwrap_or_default())
            .map(|(param, word)| (code.locals.at(param).ty, *word))
            .collect();
        let values = values::image(self.context.program, heap, &roots)
            .map_err(|reason| heap.make_trap(TrapKind::OutOfMemory, &reason))?;
        self.meta.compensations += 1;
        let path = self.path.compensation(self.meta.compensations);
        let image = postcard::to_stdvec(&(function, values)).unwrap_or_default();
        self.instance.register(path.clone(), saga, image);
        self.instance
            .record(HistoryEvent::CompensationRegistered { strand: self.path.clone(), compensation: path });
        Ok(())
    }

    fn timeout_enter(&mut self, nanos: i64) -> u64 {
        self.meta.timers += 1;
        let number = self.meta.timers;
        let timer = format!("{}#{number}", self.path);
        let due = self.instance.clock.plus(nanos.max(0));
        self.instance.add_timer(timer.clone(), due);
        self.meta.scopes.push(Scope::Timeout { number, timer, raised: false });
        u64::from(number)
    }

    /// Closes a timeout scope; whether it is left because its time has run out.
    fn timeout_leave(&mut self, scope: u64) -> bool {
        let mut was_raised = false;
        let mut closed = None;
        self.meta.scopes.retain(|open| match open {
            Scope::Timeout { number, timer, raised } if u64::from(*number) == scope => {
                was_raised = *raised;
                closed = Some((*number, timer.clone()));
                false
            }
            _ => true,
        });
        if let Some((number, timer)) = closed {
            self.instance.clear_timer(&timer);
            self.meta.interrupts.retain(|interrupt| *interrupt != crate::meta::Interrupt::Timeout(number));
        }
        was_raised
    }

    fn shield_exit(&mut self) {
        if let Some(index) = self.meta.scopes.iter().rposition(|scope| matches!(scope, Scope::Shield)) {
            self.meta.scopes.remove(index);
        }
    }

    fn scope_enter(&mut self) -> u64 {
        self.meta.strand_scopes += 1;
        let number = self.meta.strand_scopes;
        self.meta.scopes.push(Scope::Strands { number, failed: None, closing: false });
        u64::from(number)
    }

    /// Starts a strand with captured values; its path, as text.
    fn spawn(&mut self, function: FunctionId, kept: bool, args: &[u64], heap: &mut Heap) -> Result<u64, u64> {
        let program = self.context.program;
        let code = &program.functions.at(function);
        let types = code.params().map(|param| code.locals.at(param).ty);
        let roots: Vec<_> = types.zip(args.iter().copied()).collect();
        let mut child = heap.successor();
        let args = values::transfer(program, heap, &mut child, &roots)
            .map_err(|reason| heap.make_trap(TrapKind::OutOfMemory, &reason))?;
        let spawned = self
            .instance
            .spawn(self.path, self.meta, (function, kept), (child, args))
            .map_err(|reason| heap.make_trap(TrapKind::Internal, reason))?;
        heap.string(&spawned.0).map_err(|memory| memory.raise(heap))
    }

    /// The id of the child that a strand which only calls a workflow starts.
    fn child_id(&mut self, workflow: WorkflowId, strand: u64, heap: &mut Heap) -> Result<u64, u64> {
        let strand = StrandPath(heap.str_at(strand).to_owned());
        let called = self.context.program.workflows.at(workflow).name.as_str();
        let id = strand.child_name(self.instance.name(), called, 1);
        heap.string(&id).map_err(|memory| memory.raise(heap))
    }

    fn state_set(&mut self, state: usize, word: u64, heap: &mut Heap) {
        let program = self.context.program;
        let Some(field) = program.workflows.at(self.instance.workflow).states.get(state) else { return };
        if let (Some(slot), Ok(image)) =
            (self.instance.state.states.get_mut(state), values::image(program, heap, &[(field.ty, word)]))
        {
            *slot = Some(image);
            self.instance.pending.row = true;
            self.instance.written.extend(u32::try_from(state));
        }
    }

    fn log(&mut self, level: &str, message: &str, fields: &str) {
        self.instance.record(HistoryEvent::Logged {
            strand: self.path.clone(),
            level: level.to_owned(),
            message: message.to_owned(),
            fields: serde_json::from_str(fields).unwrap_or_default(),
        });
    }

    /// Chance, without a source outside the machine: a hash of the instance's own random identity and of this moment of
    /// its life, which comes once. What is drawn is kept with the frame, as any value; after a crash that loses the
    /// transition other numbers are drawn. Not for secrets: who knows the identity and the history knows them.
    fn random(&mut self) -> u64 {
        let counters = &mut self.instance.counters;
        counters.draws += 1;
        let mut hasher = blake3::Hasher::new_derive_key("flow 2026 random numbers of an instance");
        hasher.update(self.instance.row.id.0.as_bytes());
        hasher.update(self.path.to_string().as_bytes());
        for number in [counters.sequence, counters.draws, self.instance.clock.0] {
            hasher.update(&number.to_le_bytes());
        }
        let mut bits = [0; 8];
        hasher.finalize_xof().fill(&mut bits);
        u64::from_le_bytes(bits)
    }

    fn progress(&mut self, change: impl FnOnce(&mut (i64, Option<i64>))) {
        change(&mut self.instance.state.progress);
        self.instance.pending.row = true;
        let (done, total) = self.instance.state.progress;
        self.instance.record(HistoryEvent::Progress { done, total });
    }

    fn index(&mut self, name: &str, ty: TypeId, word: u64, heap: &Heap) {
        // No database takes a NUL in a text that it can search.
        let json =
            values::json(self.context.program, heap, ty, word).to_string().replace("\\u0000", "\u{fffd}");
        self.instance.state.attributes.insert(name.to_owned(), json);
        self.instance.pending.row = true;
    }
}

/// The host of code that only reads the instance's states: queries, and the conditions of `wait until`.
pub(crate) struct StateReader<'a> {
    pub program: &'a Program,
    pub workflow: WorkflowId,
    /// Images, by index.
    pub states: &'a [Option<Vec<u8>>],
}

impl Host for StateReader<'_> {
    fn call(&mut self, op: &HostOp, _: &[u64], heap: &mut Heap) -> Result<u64, u64> {
        let HostOp::StateGet { state } = op else {
            return Err(heap.make_trap(TrapKind::Internal, &format!("{op:?} can't be asked of pure code")));
        };
        let declared = self.program.workflows.get(self.workflow);
        let field = declared.and_then(|workflow| workflow.states.get(*state as usize));
        let Some(field) = field else {
            return Err(heap.make_trap(TrapKind::Internal, "a `state` that is not in the program"));
        };
        let Some(image) = self.states.get(*state as usize).and_then(Option::as_deref) else {
            let reason =
                format!("`{}` has no value yet: the workflow has not come to its `state`", field.name);
            return Err(heap.make_trap(TrapKind::Internal, &reason));
        };
        match values::absorb(self.program, &[field.ty], image, heap) {
            Ok(words) => Ok(words.first().copied().unwrap_or(0)),
            Err(reason) => Err(heap.make_trap(TrapKind::OutOfMemory, &reason)),
        }
    }
}

/// The innermost open saga around a strand: its own, else that of the strand it is a branch of, else one around the scope
/// that joins it. A compensation hands nothing out.
pub(crate) fn enclosing_saga(instance: &Instance, meta: &Meta) -> Option<i64> {
    let mut role = &meta.role;
    let mut scopes = meta.scopes.as_slice();
    loop {
        let innermost = scopes.iter().rev().find_map(|scope| match scope {
            Scope::Saga { number, .. } => Some(*number),
            _ => None,
        });
        let outer = match (&innermost, role) {
            (None, Role::Branch { parent, .. }) => {
                let outer = &instance.strands.get(parent)?.meta;
                scopes = outer.scopes.as_slice();
                outer
            }
            (None, Role::Spawned { owner, scope, .. }) => {
                let outer = &instance.strands.get(owner)?.meta;
                let joined_by =
                    |open: &Scope| matches!(open, Scope::Strands { number, .. } if number == scope);
                let inside = outer.scopes.iter().position(joined_by).unwrap_or(0);
                scopes = outer.scopes.get(..inside).unwrap_or_default();
                outer
            }
            _ => return innermost,
        };
        role = &outer.role;
    }
}
