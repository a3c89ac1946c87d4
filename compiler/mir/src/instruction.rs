//! Instructions, terminators and suspensions.
//!
//! Operands are locals only. An instruction marked *raises* may raise an error (a trap of type `std.errors.Trap`, or
//! what a called function raises); it then goes to the block's handler.

use crate::ids::{ActivityId, BlockId, ConstantId, FunctionId, LocalId, SuspensionId, TypeId, WorkflowId};
use crate::intrinsic::Intrinsic;
use crate::program::Location;
use serde::{Deserialize, Serialize};

/// An instruction with its place in the source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Instruction {
    /// What it does.
    pub op: Op,
    /// Where it stands.
    pub location: Location,
}

/// What an instruction does. `dst` is the local that receives the result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "fields are `dst`, operands and immediates as each variant's text says")]
pub enum Op {
    /// A scalar as its word: unit, bool, int, float bits, duration, timestamp, a case number, `none` (0).
    Word { dst: LocalId, word: u64 },
    /// A pooled constant, made in the heap.
    Constant { dst: LocalId, constant: ConstantId },
    /// `dst = src`.
    Copy { dst: LocalId, src: LocalId },
    /// Arithmetic and comparison on scalars. *Raises* where [`BinaryOp::can_trap`].
    Binary { dst: LocalId, op: BinaryOp, left: LocalId, right: LocalId },
    /// Negation and logic. `IntNegate` *raises* on overflow.
    Unary { dst: LocalId, op: UnaryOp, operand: LocalId },
    /// Structural equality of two values of one type: `dst: Bool`.
    Equal { dst: LocalId, left: LocalId, right: LocalId },

    /// A tuple or record of type `local(dst).ty` from its fields, in order.
    MakeTuple { dst: LocalId, fields: Vec<LocalId> },
    /// The `index`-th field of a tuple or record.
    Field { dst: LocalId, base: LocalId, index: u32 },
    /// A copy of the record or tuple `base` with some fields replaced.
    With { dst: LocalId, base: LocalId, fields: Vec<(u32, LocalId)> },
    /// The `case`-th case of the enum `local(dst).ty`.
    MakeCase { dst: LocalId, case: u32, fields: Vec<LocalId> },
    /// The case number of an enum value: `dst: Int`.
    CaseOf { dst: LocalId, base: LocalId },
    /// A field of an enum value known to be of that case.
    CaseField { dst: LocalId, base: LocalId, case: u32, index: u32 },
    /// `Some(value)`, of type `local(dst).ty`. (`none` is `Word 0`.)
    MakeSome { dst: LocalId, value: LocalId },
    /// Whether an option holds a value: `dst: Bool`.
    IsSome { dst: LocalId, option: LocalId },
    /// The value of an option known to hold one.
    Unwrap { dst: LocalId, option: LocalId },
    /// A list of type `local(dst).ty`.
    MakeList { dst: LocalId, items: Vec<LocalId> },
    /// `list[index]`. *Raises* when out of range.
    ListGet { dst: LocalId, list: LocalId, index: LocalId },
    /// How many items a list has: `dst: Int`.
    ListLen { dst: LocalId, list: LocalId },

    /// Calls a function that does not suspend. *Raises* what it raises.
    Call { dst: LocalId, function: FunctionId, args: Vec<LocalId> },
    /// A function value: `captures` become the environment that the function receives as parameter 0.
    MakeClosure { dst: LocalId, function: FunctionId, captures: Vec<LocalId> },
    /// Calls a function value that does not suspend. *Raises* what it raises.
    CallClosure { dst: LocalId, closure: LocalId, args: Vec<LocalId> },
    /// The `index`-th captured value, in a closure's own body; `environment` is parameter 0.
    Capture { dst: LocalId, environment: LocalId, index: u32 },
    /// A pure library operation; `types` are the type arguments of its signature. May *raise* a trap.
    Intrinsic { dst: LocalId, intrinsic: Intrinsic, types: Vec<TypeId>, args: Vec<LocalId> },

    /// An `Error` from a value of an error type: `dst: Error`.
    MakeError { dst: LocalId, value: LocalId },
    /// Whether an `Error` is of this error type: `dst: Bool`.
    ErrorIs { dst: LocalId, error: LocalId, ty: TypeId },
    /// The value inside an `Error` known to be of type `local(dst).ty`.
    ErrorValue { dst: LocalId, error: LocalId },
    /// The key of the call that ended unknown and so raised this: `dst: Option(String)`, `none` for any other error.
    ErrorUnknownKey { dst: LocalId, error: LocalId },
    /// Adds a line to the error's trace: this function, this location, and these named locals' values.
    Trace { error: LocalId, values: Vec<LocalId> },

    /// Asks the instance, or the attempt, that runs this code. *Raises* what it answers.
    Host { dst: LocalId, op: HostOp, args: Vec<LocalId> },
    /// Says that a list, map or set is held by more than this local from here on, so that it is changed in place no more:
    /// see [`sharing`](crate::sharing).
    Share { value: LocalId },
}

/// Scalar operators with two operands. `Compare` operators give `Bool`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "named for what they do")]
pub enum BinaryOp {
    IntAdd,
    IntSubtract,
    IntMultiply,
    IntDivide,
    IntRemainder,
    IntEqual,
    IntNotEqual,
    IntLess,
    IntLessEqual,
    IntGreater,
    IntGreaterEqual,
    FloatAdd,
    FloatSubtract,
    FloatMultiply,
    FloatDivide,
    FloatEqual,
    FloatNotEqual,
    FloatLess,
    FloatLessEqual,
    FloatGreater,
    FloatGreaterEqual,
    FloatRemainder,
    /// `IntAdd` where the sum is known to be an `Int`: the counter of a loop, below its end.
    IntCount,
}

impl BinaryOp {
    /// Whether it may trap: integer overflow, division by zero, a NaN.
    pub fn can_trap(self) -> bool {
        use BinaryOp::*;
        matches!(
            self,
            IntAdd
                | IntSubtract
                | IntMultiply
                | IntDivide
                | IntRemainder
                | FloatAdd
                | FloatSubtract
                | FloatMultiply
                | FloatDivide
                | FloatRemainder
        )
    }
}

/// Scalar operators with one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "named for what they do")]
pub enum UnaryOp {
    IntNegate,
    FloatNegate,
    Not,
}

/// What compiled code asks of its host without suspending. In an instance the host records it in the transition that is
/// being made; it takes effect when that commits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum HostOp {
    /// The instance's time: `() -> Timestamp`.
    Now,
    /// Opens a saga in this strand: `() -> Int`, its number. `unordered`: compensations run together.
    SagaEnter {
        /// `saga unordered`.
        unordered: bool,
    },
    /// The block succeeded: hands its compensations to the enclosing saga, or drops them: `(saga: Int) -> Unit`.
    SagaSucceed,
    /// `commit`: drops what is registered so far: `(saga: Int) -> Unit`.
    SagaCommit,
    /// Registers a compensation: `(saga: Int, captures…) -> Unit`. The function takes the captures as parameters.
    Compensate {
        /// The compensation.
        function: FunctionId,
    },
    /// Opens a `timeout` scope in this strand: `(Duration) -> Int`, its number.
    TimeoutEnter,
    /// The block left on its own: `(scope: Int) -> Unit`.
    TimeoutExit,
    /// The block was left by an error: closes the scope: `(scope: Int) -> Bool`, true where its time had run out (the
    /// error to go on with is then `Timeout`).
    TimeoutExpired,
    /// Masks cancellation (`shield`): `() -> Unit`.
    ShieldEnter,
    /// Ends the mask: `() -> Unit`.
    ShieldExit,
    /// Opens a `scope` in this strand, which joins what is spawned inside: `() -> Int`, its number.
    ScopeEnter,
    /// Starts a strand that the nearest `scope` joins: `(captures…) -> String`, by which it is awaited. The function takes
    /// the captures as parameters. `kept`: its handle is kept, so its failure is raised where it is awaited.
    Spawn {
        /// Its code.
        function: FunctionId,
        /// Whether its handle is kept.
        kept: bool,
    },
    /// The id of the child workflow that a spawned strand calls first: `(strand: String) -> String`.
    ChildId {
        /// Which workflow it calls.
        workflow: WorkflowId,
    },
    /// Reads a `state`: `() -> value`.
    StateGet {
        /// Index into `Workflow::states`.
        state: u32,
    },
    /// Assigns a `state`: `(value) -> Unit`.
    StateSet {
        /// Index into `Workflow::states`.
        state: u32,
    },
    /// `progress.total(n)`: `(Int) -> Unit`.
    ProgressTotal,
    /// `progress.step()`: `() -> Unit`.
    ProgressStep,
    /// `index NAME = value`: `(value) -> Unit`.
    Index {
        /// The attribute's name.
        name: String,
        /// The value's type.
        ty: TypeId,
    },
    /// `log.info("…")`: `(String) -> Unit`. What earlier programs say; later ones say [`LogLine`](Self::LogLine).
    Log,
    /// An environment variable, only in an activity's `run`: `() -> String`.
    Env {
        /// Its name.
        name: String,
    },
    /// `step.key`, only in an activity's `run`: `() -> String`.
    StepKey,
    /// A line for the log: `(level: String, message: String, fields: String) -> Unit`; the fields are a JSON object as
    /// text, empty where there are none.
    LogLine,
    /// 64 random bits: `() -> Int`.
    Random,
    /// An environment variable by a computed name, only in an activity's `run`: `(String) -> String?`.
    Variable,
}

/// How a block ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "fields are the operands and targets that each variant's text names")]
pub enum Terminator {
    Goto(BlockId),
    /// On a `Bool`.
    Branch {
        condition: LocalId,
        then: BlockId,
        otherwise: BlockId,
    },
    /// On an `Int`: `targets[value]`, else `otherwise`.
    Switch {
        value: LocalId,
        targets: Vec<BlockId>,
        otherwise: BlockId,
    },
    /// The function's result.
    Return(LocalId),
    /// Raises an `Error`: to the block's handler, else out of the function.
    Raise(LocalId),
    /// A loop's back edge, where a long run is noticed and memory collected. In a suspending function it has a
    /// suspension point of its own (a pause that resumes at once); in others `suspension` is `START`.
    Safepoint {
        next: BlockId,
        suspension: SuspensionId,
    },
    /// Stops here until the operation is done, then goes on in `next` with its result in `dst`.
    Suspend {
        dst: LocalId,
        op: SuspendOp,
        next: BlockId,
        suspension: SuspensionId,
    },
    /// Never reached: the checker has shown it.
    Unreachable,
}

/// A strand to start: its function's parameters are the captured values (then, for one per element, the element).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Branch {
    /// Its code.
    pub function: FunctionId,
    /// Values of the moment, in parameter order.
    pub captures: Vec<LocalId>,
}

/// What a suspension waits for. Where nothing else is said the result is the operation's value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "fields are the operands that each variant's text names")]
pub enum SuspendOp {
    /// A call of a suspending function: pushes a frame.
    Call { function: FunctionId, args: Vec<LocalId> },
    /// A call of a suspending function value.
    CallClosure { closure: LocalId, args: Vec<LocalId> },
    /// A call of an activity. `policy` is a record `ActivityPolicy`. `interruptible`: its step has an `unknown` clause,
    /// so cancellation may interrupt it in flight (as it may any activity with a heartbeat). `own_retry` and
    /// `own_deadline`: the call itself says `using (retry: …)` or `using (deadline: …)`; in a compensation an activity's
    /// own bounds are lifted, and these are not.
    Activity {
        activity: ActivityId,
        args: Vec<LocalId>,
        policy: Option<LocalId>,
        interruptible: bool,
        own_retry: bool,
        own_deadline: bool,
    },
    /// Until a duration has passed.
    Sleep { duration: LocalId },
    /// Until a time.
    SleepUntil { until: LocalId },
    /// All branches at once; the result is a tuple of theirs, of type `local(dst).ty`. `first`, an `Int`: that many are
    /// enough, and the result is the list of theirs in the order in which they were done.
    Parallel { branches: Vec<Branch>, first: Option<LocalId> },
    /// One branch per item of a list: `branch.function(captures…, item)`; the result is a list in item order, or as
    /// `first` says.
    ParallelFor { items: LocalId, branch: Branch, max: Option<LocalId>, first: Option<LocalId> },
    /// The first arm to finish wins. The result is an enum value (of type `local(dst).ty`) whose case number is the
    /// arm's and whose only field, if the case has one, is the arm's value.
    Race { arms: Vec<RaceArm> },
    /// Runs the saga's compensations because of `error`, then goes on; the code after it raises the error again.
    SagaUnwind { saga: LocalId, error: LocalId },
    /// The value of a spawned strand, by what `Spawn` gave; raises its failure.
    Await { strand: LocalId },
    /// Leaves a `scope`: waits until all its strands have ended; `cancel`: cancels them first. Raises what the scope fails
    /// with because of one of them.
    ScopeEnd { scope: LocalId, cancel: bool },
    /// A child workflow, joined.
    Workflow { workflow: WorkflowId, args: Vec<LocalId> },
    /// A signal to the instance of that id (a `String`), with what it carries (`Json`).
    Tell { workflow: WorkflowId, signal: u32, to: LocalId, value: Option<LocalId> },
    /// A query, or an update, of the instance of that id, with its arguments (`Json` each). Raises what it fails with.
    /// `interruptible`: its step has an `unknown` clause, so that cancellation may leave it unanswered in a saga.
    Ask {
        workflow: WorkflowId,
        update: bool,
        index: u32,
        to: LocalId,
        args: Vec<LocalId>,
        interruptible: bool,
    },
    /// An instance of its own, unless one with the given id exists: its id, a `String`.
    Detach { workflow: WorkflowId, args: Vec<LocalId>, id: Option<LocalId> },
    /// The next message of a signal.
    Receive { signal: u32 },
    /// Until a condition holds. Its function never suspends and takes the captures; it gives a `Bool`, or an option of
    /// what goes on with the strand. It is called again after each step that wrote one of the `states` (indices into
    /// `Workflow::states`); the suspension is reached only where it did not hold.
    WaitUntil { condition: Branch, states: Vec<u32> },
    /// A connector call (`http.post`, `exec.run`, `sql.query` …), only in an activity's `run`. The arguments are as the
    /// connector's declaration in `std` says; the result is decoded as `local(dst).ty`.
    Connector { name: String, args: Vec<LocalId> },
}

/// One arm of a race.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum RaceArm {
    /// An expression, run as a strand.
    Strand(Branch),
    /// `after DURATION`.
    After(LocalId),
    /// `receive SIGNAL`.
    Receive {
        /// Index into `Workflow::signals`.
        signal: u32,
    },
    /// `wait until CONDITION`, as [`SuspendOp::WaitUntil`]; the arm's value, where it has one, is the option.
    WaitUntil {
        /// Called first when the race begins.
        condition: Branch,
        /// Indices into `Workflow::states`.
        states: Vec<u32>,
    },
}

impl SuspendOp {
    /// The locals it reads, in the order in which an executor hands over their values.
    pub fn operands(&self) -> Vec<LocalId> {
        let mut operands = Vec::new();
        match self {
            SuspendOp::Call { args, .. }
            | SuspendOp::Workflow { args, .. }
            | SuspendOp::Connector { args, .. } => {
                operands.extend(args);
            }
            SuspendOp::CallClosure { closure, args } => {
                operands.push(*closure);
                operands.extend(args);
            }
            SuspendOp::Activity { args, policy, .. } => {
                operands.extend(args);
                operands.extend(policy);
            }
            SuspendOp::Sleep { duration } => operands.push(*duration),
            SuspendOp::SleepUntil { until } => operands.push(*until),
            SuspendOp::Parallel { branches, first } => {
                operands.extend(branches.iter().flat_map(|branch| &branch.captures));
                operands.extend(first);
            }
            SuspendOp::ParallelFor { items, branch, max, first } => {
                operands.push(*items);
                operands.extend(&branch.captures);
                operands.extend(max);
                operands.extend(first);
            }
            SuspendOp::Tell { to, value, .. } => {
                operands.push(*to);
                operands.extend(value);
            }
            SuspendOp::Ask { to, args, .. } => {
                operands.push(*to);
                operands.extend(args);
            }
            SuspendOp::Await { strand } => operands.push(*strand),
            SuspendOp::ScopeEnd { scope, .. } => operands.push(*scope),
            SuspendOp::Detach { args, id, .. } => {
                operands.extend(args);
                operands.extend(id);
            }
            SuspendOp::Race { arms } => {
                for arm in arms {
                    match arm {
                        RaceArm::Strand(branch) => operands.extend(&branch.captures),
                        RaceArm::After(duration) => operands.push(*duration),
                        RaceArm::WaitUntil { condition, .. } => operands.extend(&condition.captures),
                        RaceArm::Receive { .. } => {}
                    }
                }
            }
            SuspendOp::SagaUnwind { saga, error } => operands.extend([*saga, *error]),
            SuspendOp::WaitUntil { condition, .. } => operands.extend(&condition.captures),
            SuspendOp::Receive { .. } => {}
        }
        operands
    }
}
