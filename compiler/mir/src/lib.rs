//! MIR: what a checked program is lowered to, how its values lie in memory, and how its frames are stored.
//!
//! The interpreter here is the reference semantics; `flow-codegen` makes native code of the same MIR. This crate is
//! shared by compiler and runtime and knows neither files, nor clocks, nor databases.

pub mod artifact;
pub mod bytes;
pub mod executor;
pub mod heap;
pub mod ids;
pub mod instruction;
pub mod interpreter;
pub mod intrinsic;
pub mod intrinsics;
pub mod lent;
pub mod liveness;
mod operands;
pub mod program;
pub mod roots;
pub mod scalar;
pub mod sharing;
mod standard;
pub mod strand;
pub mod text;
pub mod trace;
pub mod types;
mod validate;
pub mod value;

/// Counts up with the format of programs, of frames and of values at rest: who reads less can't go on with what is written now.
pub const FORMATS: u32 = artifact::VERSION as u32 + strand::VERSION as u32 + value::IMAGE_VERSION as u32;

pub use artifact::ProgramHash;
pub use executor::{Entry, Executor, Exit, Host};
pub use heap::{Heap, Limits, OutOfMemory, Safepoint, TrapKind};
pub use ids::{
    ActivityId, BlockId, ConstantId, FunctionId, Id, LocalId, SuspensionId, Table, TypeId, WorkflowId,
};
pub use instruction::{BinaryOp, Branch, HostOp, Instruction, Op, RaceArm, SuspendOp, Terminator, UnaryOp};
pub use interpreter::{Interpreter, Waiting};
pub use intrinsic::Intrinsic;
pub use lent::Lent;
pub use program::{
    Activity, Block, Constant, Function, Handle, Handler, KnownTypes, Local, Location, PolicyField, Program,
    Source, SuspensionPoint, Workflow,
};
pub use strand::{Frame, FrameError, FrameView, Stop, Strand, Suspended, Variable};
pub use types::{Case, DATE, Field, FieldDefault, Type, Types};
pub use validate::Invalid;
pub use value::Image;
