//! A whole program: what is stored beside its instances and what every executor runs.

use crate::ids::{
    ActivityId, BlockId, ConstantId, FunctionId, LocalId, SuspensionId, Table, TypeId, WorkflowId,
};
use crate::instruction::{Instruction, Terminator};
use crate::types::{Field, Types};
use serde::{Deserialize, Serialize};

/// A place in the program's sources: a byte range in one file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Location {
    /// Index into [`Program::sources`].
    pub source: u32,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// A source file, kept so that a failure at 3 a.m. can show its line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The path as given by the user, or `std/NAME.flow`.
    pub path: String,
    /// The text.
    pub text: String,
}

/// A program after lowering: monomorphic, checked, self-contained.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Program {
    /// Source files that locations refer to.
    pub sources: Vec<Source>,
    /// All types in use.
    pub types: Types,
    /// Well-known types, by role.
    pub known: KnownTypes,
    /// Values that don't fit into an instruction.
    pub constants: Table<ConstantId, Constant>,
    /// All functions.
    pub functions: Table<FunctionId, Function>,
    /// All activities.
    pub activities: Table<ActivityId, Activity>,
    /// All workflows.
    pub workflows: Table<WorkflowId, Workflow>,
}

/// Types the runtime itself makes values of. Always present.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each is the type of that name")]
pub struct KnownTypes {
    pub unit: TypeId,
    pub bool: TypeId,
    pub int: TypeId,
    pub float: TypeId,
    pub decimal: TypeId,
    pub string: TypeId,
    pub bytes: TypeId,
    pub duration: TypeId,
    pub timestamp: TypeId,
    pub json: TypeId,
    /// [`Type::Error`](crate::types::Type::Error).
    pub error: TypeId,
    /// `error Timeout` of `std.errors`: one case without fields.
    pub timeout: TypeId,
    /// `error Cancelled`: one case without fields.
    pub cancelled: TypeId,
    /// `error ActivityFailed(activity: String, reason: String)`.
    pub activity_failed: TypeId,
    /// `error Trap(kind: String, message: String)`: overflow, index out of range, …
    pub trap: TypeId,
    /// `record ActivityPolicy` of `std.activity`; its fields in order are those of [`PolicyField`].
    pub policy: TypeId,
    /// `record Retry` of `std.activity`: `initial: Duration`, `factor: Decimal`, `max: Duration`, `attempts: Int?`.
    pub retry: TypeId,
}

impl Default for KnownTypes {
    fn default() -> Self {
        let none = TypeId(u32::MAX);
        KnownTypes {
            unit: none,
            bool: none,
            int: none,
            float: none,
            decimal: none,
            string: none,
            bytes: none,
            duration: none,
            timestamp: none,
            json: none,
            error: none,
            timeout: none,
            cancelled: none,
            activity_failed: none,
            trap: none,
            policy: none,
            retry: none,
        }
    }
}

/// The fields of `ActivityPolicy`, in order; each is an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[repr(u32)]
pub enum PolicyField {
    /// `Duration?`: one attempt, start to close.
    Timeout = 0,
    /// `Duration?`: all attempts, queueing included.
    Deadline = 1,
    /// `Retry?`.
    Retry = 2,
    /// `Duration?`.
    Heartbeat = 3,
    /// `String?`.
    Queue = 4,
    /// `String?`.
    Route = 5,
    /// `Int?`: at most this many starts …
    LimitCount = 6,
    /// `Duration?`: … in any window of this length.
    LimitPer = 7,
}

/// A value of the constant pool. Executors make it anew in the heap where it is used.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Constant {
    /// UTF-8 text.
    String(String),
    /// Raw bytes.
    Bytes(Vec<u8>),
    /// An exact decimal: `rust_decimal`'s 16-byte form.
    Decimal([u8; 16]),
}

/// A function in MIR: typed locals that may be assigned many times, and basic blocks. Block 0 is the entry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Function {
    /// For people: `play`, `settle_claim.branch#2`, `std.list.map<Int, String>`.
    pub name: String,
    /// Where it is declared.
    pub location: Location,
    /// How many of the first locals are parameters.
    pub param_count: u32,
    /// For a closure: the captures of its environment, whose reference is then parameter 0 (typed `Function`).
    pub captures: Vec<TypeId>,
    /// What `Return` gives.
    pub returns: TypeId,
    /// Whether it may suspend: then it is called by [`SuspendOp::Call`](crate::instruction::SuspendOp::Call) and runs as a frame.
    pub suspends: bool,
    /// Locals, parameters first.
    pub locals: Table<LocalId, Local>,
    /// Basic blocks.
    pub blocks: Table<BlockId, Block>,
    /// Suspension points by `SuspensionId - 1`, in source order; filled by `liveness::complete`.
    pub suspensions: Vec<SuspensionPoint>,
}

impl Function {
    /// The parameters.
    pub fn params(&self) -> impl ExactSizeIterator<Item = LocalId> + use<> {
        (0..self.param_count).map(LocalId)
    }

    /// What a frame stopped at `suspension` holds, in slot order.
    pub fn live(&self, suspension: SuspensionId) -> Option<Vec<LocalId>> {
        if suspension == SuspensionId::START {
            return Some(self.params().collect());
        }
        let index = suspension.0.checked_sub(1)?;
        self.suspensions.get(index as usize).map(|point| point.live.clone())
    }
}

/// A local variable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Local {
    /// Its type.
    pub ty: TypeId,
    /// Its name in the source; temporaries have none.
    pub name: Option<String>,
}

/// A suspension point: part of the stored format.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SuspensionPoint {
    /// The block whose terminator suspends.
    pub block: BlockId,
    /// Where it stands in the source.
    pub location: Location,
    /// The locals that are live after it, ascending: the slots of the frame. The result's own local is not among
    /// them, unless its old value is read by the handler.
    pub live: Vec<LocalId>,
}

/// A basic block.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Block {
    /// Straight-line code. Any of it that raises goes to the handler.
    pub instructions: Vec<Instruction>,
    /// How it ends.
    pub terminator: Terminator,
    /// Where the terminator stands in the source.
    pub location: Location,
    /// Where an error raised in this block goes (by an instruction, by `Terminator::Raise`, or delivered to its
    /// suspension). Without one the function itself raises.
    pub handler: Option<Handler>,
}

/// An error handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handler {
    /// The block that goes on.
    pub block: BlockId,
    /// The local, of type `Error`, that receives the error.
    pub error: LocalId,
}

/// An activity: how the world is touched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Activity {
    /// Its name.
    pub name: String,
    /// Where it is declared.
    pub location: Location,
    /// Its parameters.
    pub params: Vec<Field>,
    /// What it returns.
    pub returns: TypeId,
    /// The error types it declares.
    pub fails: Vec<TypeId>,
    /// The function that does one attempt, with the same parameters; without it, a worker does.
    pub run: Option<FunctionId>,
    /// For `retry: … unless PATTERN`: `fn(Error) -> Bool`, true where the error is not to be retried.
    pub unless: Option<FunctionId>,
    /// Whether `run` uses the `sql` connector, so that it runs in the transaction that records it.
    pub transactional: bool,
}

/// A workflow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Workflow {
    /// Its name.
    pub name: String,
    /// Where it is declared.
    pub location: Location,
    /// Its documentation, Markdown.
    pub docs: String,
    /// Its parameters.
    pub params: Vec<Field>,
    /// What it returns.
    pub returns: TypeId,
    /// The error types it declares.
    pub fails: Vec<TypeId>,
    /// Its body: a suspending function with the same parameters.
    pub body: FunctionId,
    /// Variables of the instance, read and written where they stand.
    pub states: Vec<Field>,
    /// Messages it receives.
    pub signals: Vec<Field>,
    /// Pure functions over the states.
    pub queries: Vec<Handle>,
    /// Functions that run in the instance, between two steps.
    pub updates: Vec<Handle>,
}

/// A query or update of a workflow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Handle {
    /// Its name.
    pub name: String,
    /// Its documentation, Markdown.
    pub docs: String,
    /// Its parameters.
    pub params: Vec<Field>,
    /// What it answers.
    pub returns: TypeId,
    /// The error types it declares.
    pub fails: Vec<TypeId>,
    /// Its code, which never suspends.
    pub function: FunctionId,
}
