//! MIR: what a checked program is lowered to, how its values lie in memory, and how its frames are stored.
//!
//! The interpreter here is the reference semantics; `flow-codegen` makes native code of the same MIR. This crate is
//! shared by compiler and runtime and knows neither files, nor clocks, nor databases.

pub mod executor;
pub mod ids;
pub mod instruction;
pub mod intrinsic;
pub mod program;
pub mod types;

pub mod heap {
    //! The strand's arena.

    /// A strand's values: words addressed by index.
    #[derive(Clone, Debug, Default)]
    pub struct Heap {
        words: Vec<u64>,
    }

    impl Heap {
        /// How many words are in use.
        pub fn len(&self) -> usize {
            self.words.len()
        }
        /// Whether it holds nothing.
        pub fn is_empty(&self) -> bool {
            self.words.is_empty()
        }
    }
}

pub use executor::{Entry, Executor, Exit, Host};
pub use heap::Heap;
pub use ids::{
    ActivityId, BlockId, ConstantId, FunctionId, Id, LocalId, SuspensionId, Table, TypeId, WorkflowId,
};
pub use instruction::{BinaryOp, Branch, HostOp, Instruction, Op, RaceArm, SuspendOp, Terminator, UnaryOp};
pub use intrinsic::Intrinsic;
pub use program::{
    Activity, Block, Constant, Function, Handle, Handler, KnownTypes, Local, Location, PolicyField, Program,
    Source, SuspensionPoint, Workflow,
};
pub use types::{Case, Field, FieldDefault, Type, Types};
