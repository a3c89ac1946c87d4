//! The computing part of an attempt: the strand of `run`, its host, and what its end means. No IO here.

use crate::connector::Answer;
use crate::surroundings::Surroundings;
use flow_machine::event::CallOutcome;
use flow_machine::ids::CallKey;
use flow_mir::strand::{Stop, Strand, Suspended};
use flow_mir::value::{self, Image};
use flow_mir::{
    Activity, ActivityId, Executor, Heap, Host, HostOp, Limits, Program, SuspendOp, TrapKind, Type, TypeId,
};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// The strand of an attempt, and what it waits for.
pub struct Course {
    executor: Arc<dyn Executor>,
    activity: ActivityId,
    host: AttemptHost,
    strand: Strand,
    /// The type of what the strand waits for.
    expected: TypeId,
}

/// What a strand goes on with.
pub enum Input {
    /// Nothing: it starts, or has slept.
    Go,
    /// What a connector brought.
    Answer(Answer),
    /// A connector's answer that says no.
    Refusal {
        /// What was said.
        reason: String,
        /// Perhaps a declared error, as JSON.
        error: Option<Value>,
    },
}

/// What a strand needs next.
pub enum Next {
    /// Nothing: the attempt is over.
    Over(CallOutcome),
    /// A connector call.
    Connector {
        /// `http.post`.
        name: String,
        /// Its arguments as JSON.
        args: Vec<Value>,
        /// The type of its result.
        expected: TypeId,
    },
    /// To sleep.
    Sleep(Duration),
}

impl Course {
    /// A course about to start, or why it can't.
    pub fn new(
        executor: Arc<dyn Executor>,
        activity: ActivityId,
        key: CallKey,
        args: &[u8],
        surroundings: Arc<dyn Surroundings>,
        limits: Limits,
    ) -> Result<Course, String> {
        let program = executor.program();
        let declaration = program.activities.get(activity);
        let declaration = declaration.ok_or_else(|| format!("the program has no {activity}"))?;
        let name = declaration.name.clone();
        let run = declaration.run.ok_or_else(|| format!("`{name}` has no `run:`: a worker must do it"))?;
        let mut heap = Heap::new(program.known, limits);
        let image = Image::decode(args).map_err(|error| format!("the arguments of `{name}`: {error}"))?;
        let params = declaration.params.iter().map(|param| param.ty);
        if !image.types().eq(params) {
            return Err(format!("the arguments of `{name}` are not those it declares"));
        }
        let args = image.restore(program, &mut heap);
        let args = args.map_err(|error| format!("the arguments of `{name}`: {error:?}"))?;
        let expected = program.known.unit;
        let strand = Strand::new(heap, run, args);
        Ok(Course { executor, activity, host: AttemptHost { surroundings, key }, strand, expected })
    }

    /// Goes on to the next connector call, sleep, or the end.
    pub fn advance(&mut self, input: Input) -> Next {
        let executor = Arc::clone(&self.executor);
        let program = executor.program();
        let mut outcome = match input {
            Input::Go => Ok(0),
            Input::Answer(answer) => self.decode(program, answer),
            Input::Refusal { reason, error } => Err(self.refusal(program, reason, error)),
        };
        loop {
            outcome = Err(match self.strand.run(&*executor, &mut self.host, outcome) {
                Stop::Returned(word) => return Next::Over(self.returned(program, word)),
                Stop::Raised(error) => return Next::Over(self.raised(program, error)),
                Stop::Suspended(suspended) => match self.need(program, &suspended) {
                    Ok(next) => return next,
                    Err(trap) => trap,
                },
            });
        }
    }

    fn declaration<'p>(&self, program: &'p Program) -> Option<&'p Activity> {
        program.activities.get(self.activity)
    }

    fn trap(&mut self, kind: TrapKind, message: &str) -> u64 {
        self.strand.heap_mut().make_trap(kind, message)
    }

    /// What a suspension asks for, or the trap for what only workflows may do.
    fn need(&mut self, program: &Program, suspended: &Suspended<'_>) -> Result<Next, u64> {
        let operand = suspended.operands.first().map_or(0, |word| *word as i64);
        match suspended.op {
            SuspendOp::Connector { name, args } => {
                self.expected = suspended.result;
                let args = self.arguments(program, suspended, args)?;
                Ok(Next::Connector { name: name.clone(), args, expected: suspended.result })
            }
            SuspendOp::Sleep { .. } => Ok(Next::Sleep(nanoseconds(operand))),
            SuspendOp::SleepUntil { .. } => {
                Ok(Next::Sleep(nanoseconds(operand.saturating_sub(self.host.surroundings.now().0))))
            }
            _ => Err(self.trap(
                TrapKind::Internal,
                "an activity's `run` can call connectors and sleep; anything else that waits belongs into a workflow",
            )),
        }
    }

    fn arguments(
        &mut self,
        program: &Program,
        suspended: &Suspended<'_>,
        args: &[flow_mir::LocalId],
    ) -> Result<Vec<Value>, u64> {
        let locals = program.functions.get(suspended.function).map(|function| &function.locals);
        let ty =
            |local| locals.and_then(|locals| locals.get(local)).map_or(program.known.unit, |local| local.ty);
        let words = args.iter().zip(&suspended.operands);
        let json = words.map(|(local, word)| value::to_json(program, self.strand.heap(), ty(*local), *word));
        let json = json.collect::<Result<Vec<_>, _>>();
        json.map_err(|_| {
            self.trap(TrapKind::InvalidValue, "an argument is too large, or nested too deeply, for JSON")
        })
    }

    /// An answer as a value of the expected type, or the trap that says where it doesn't fit.
    fn decode(&mut self, program: &Program, answer: Answer) -> Result<u64, u64> {
        let representation = program.types.get(program.types.representation(self.expected));
        let json = match (answer, representation) {
            // Who expects nothing doesn't look at it.
            (_, Some(Type::Unit)) => return Ok(0),
            (Answer::Json(json), _) => Ok(json),
            (Answer::Bytes { bytes, text: true }, Some(Type::String)) => {
                String::from_utf8(bytes).map(Value::String).map_err(|error| error.to_string())
            }
            (Answer::Bytes { bytes, .. }, _) if bytes.is_empty() => Ok(Value::Null),
            (Answer::Bytes { bytes, .. }, _) => serde_json::from_slice(&bytes).map_err(|error| {
                format!("it is no JSON ({error}): {}", crate::connector::excerpt(&bytes, false))
            }),
        };
        let heap = self.strand.heap_mut();
        let decoded = json.and_then(|json| {
            value::from_json(program, heap, self.expected, &json).map_err(|mismatch| mismatch.to_string())
        });
        decoded.map_err(|what| {
            let shown = program.types.show(self.expected);
            self.trap(TrapKind::JsonMismatch, &format!("the answer is no `{shown}`: {what}"))
        })
    }

    /// The `Error` for an answer that says no: a declared one where it names one, else `ActivityFailed`.
    fn refusal(&mut self, program: &Program, mut reason: String, error: Option<Value>) -> u64 {
        let Some(declaration) = self.declaration(program) else {
            return self.trap(TrapKind::Internal, &reason);
        };
        if let Some(error) = error {
            match self.declared(program, declaration, &error) {
                Ok(Some(error)) => return error,
                Ok(None) => {}
                Err(mismatch) => {
                    reason = format!("{reason} (the error in it is not as declared: {mismatch})")
                }
            }
        }
        let heap = self.strand.heap_mut();
        let failed = program.known.activity_failed;
        let made = heap.string(&declaration.name).and_then(|name| {
            let reason = heap.string(&reason)?;
            let value = heap.make_case(&program.types, failed, 0, &[name, reason])?;
            heap.make_error(failed, value)
        });
        made.unwrap_or_else(|_| heap.out_of_memory())
    }

    /// The declared error that JSON names by one of its cases, if any; or why that case doesn't fit.
    fn declared(
        &mut self,
        program: &Program,
        declaration: &Activity,
        json: &Value,
    ) -> Result<Option<u64>, String> {
        let name = match json {
            Value::String(name) => name,
            Value::Object(fields) if fields.len() == 1 => match fields.keys().next() {
                Some(name) => name,
                None => return Ok(None),
            },
            _ => return Ok(None),
        };
        let mut problem = None;
        for ty in &declaration.fails {
            let Some(Type::Enum { cases, .. }) = program.types.get(*ty) else { continue };
            if !cases.iter().any(|case| case.name == *name) {
                continue;
            }
            let heap = self.strand.heap_mut();
            match value::from_json(program, heap, *ty, json) {
                Ok(value) => {
                    return Ok(Some(heap.make_error(*ty, value).unwrap_or_else(|_| heap.out_of_memory())));
                }
                Err(mismatch) => problem = Some(mismatch.to_string()),
            }
        }
        problem.map_or(Ok(None), Err)
    }

    fn returned(&self, program: &Program, word: u64) -> CallOutcome {
        let ty = self.declaration(program).map_or(program.known.unit, |declaration| declaration.returns);
        self.image(program, ty, word)
            .map_or_else(|reason| CallOutcome::Refused { reason }, CallOutcome::Returned)
    }

    fn raised(&self, program: &Program, error: u64) -> CallOutcome {
        let heap = self.strand.heap();
        let parts = heap.error_parts(error);
        if parts.ty == program.known.activity_failed {
            // Known to the machine, which raises it again under the step's own retry policy.
            return CallOutcome::Refused { reason: heap.str_at(heap.case_field(parts.value, 1)).to_owned() };
        }
        if self.declaration(program).is_some_and(|declaration| declaration.fails.contains(&parts.ty)) {
            let image = self.image(program, program.known.error, error);
            return image.map_or_else(|reason| CallOutcome::Refused { reason }, CallOutcome::Failed);
        }
        let mut reason = match heap.trap_parts(error) {
            Some((kind, message)) => format!("{kind}: {message}"),
            None => value::show_brief(program, heap, parts.ty, parts.value),
        };
        let trace = heap.error_trace(error);
        if !trace.is_empty() {
            reason = format!("{reason}\n{trace}");
        }
        CallOutcome::Refused { reason }
    }

    fn image(&self, program: &Program, ty: TypeId, word: u64) -> Result<Vec<u8>, String> {
        let image = Image::capture(program, self.strand.heap(), &[(ty, word)]);
        image.map(|image| image.encode()).map_err(|error| format!("the result can't be kept: {error:?}"))
    }
}

fn nanoseconds(count: i64) -> Duration {
    Duration::from_nanos(u64::try_from(count).unwrap_or(0))
}

/// 64 random bits: a random UUID's two halves, each where the other has its version and variant.
fn random() -> u64 {
    let (high, low) = uuid::Uuid::new_v4().as_u64_pair();
    high ^ low.rotate_left(32)
}

/// Answers what code asks in an attempt.
struct AttemptHost {
    surroundings: Arc<dyn Surroundings>,
    key: CallKey,
}

impl Host for AttemptHost {
    fn call(&mut self, op: &HostOp, args: &[u64], heap: &mut Heap) -> Result<u64, u64> {
        let text = match op {
            HostOp::Now => return Ok(self.surroundings.now().0 as u64),
            HostOp::Log => {
                let message = heap.str_at(args.first().copied().unwrap_or(0));
                self.surroundings.log(self.key, message);
                return Ok(0);
            }
            HostOp::LogLine => {
                let text = |index: usize| heap.str_at(args.get(index).copied().unwrap_or(0));
                let line = format!("{} {} {}", text(0), text(1), text(2));
                self.surroundings.log(self.key, line.trim_end());
                return Ok(0);
            }
            HostOp::Random => return Ok(random()),
            HostOp::Variable => {
                let name = heap.str_at(args.first().copied().unwrap_or(0));
                match self.surroundings.variable(name) {
                    // `Some` of a text is the text, `none` is 0.
                    Some(value) => value,
                    None => return Ok(0),
                }
            }
            HostOp::StepKey => self.key.to_string(),
            HostOp::Env { name } => match self.surroundings.variable(name) {
                Some(value) => value,
                None => {
                    let message = format!(
                        "the environment variable `{name}` is not set where this activity runs; set it before \
                         starting that process: export {name}=…"
                    );
                    return Err(heap.make_trap(TrapKind::InvalidValue, &message));
                }
            },
            _ => {
                return Err(heap.make_trap(
                    TrapKind::Internal,
                    "only a workflow can ask for that, not an activity's `run`",
                ));
            }
        };
        heap.string(&text).map_err(|_| heap.out_of_memory())
    }
}
