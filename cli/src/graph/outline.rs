//! The control flow of a workflow as a tree: what waits or branches, in the order of the text.

use flow_syntax::Span;
use serde::Serialize;

/// A part of a workflow.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Item {
    /// Something that happens at one place.
    Leaf(Leaf),
    /// Parts one after the other, in a frame.
    Block(Block),
    /// Parts side by side: one of them is taken, or all run at once.
    Split(Split),
}

/// Something that happens at one place.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Leaf {
    pub what: LeafKind,
    /// As the text says it.
    pub text: String,
    /// `compensate …`
    pub undo: Option<Undo>,
    /// `unknown …`
    pub unknown: Option<Undo>,
    #[serde(skip)]
    pub place: Span,
    /// The strands that stand here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub here: Vec<Stand>,
}

/// What undoes a step.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Undo {
    pub text: String,
    #[serde(skip)]
    pub place: Span,
    /// The compensations that stand here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub here: Vec<Stand>,
}

/// A strand of an instance that stands at a place.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Stand {
    pub strand: String,
    pub waits_for: String,
}

/// What a leaf is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LeafKind {
    /// A call of an activity.
    Step,
    /// A call of a workflow.
    Child,
    /// A wait for time.
    Timer,
    /// A wait for a signal or a condition.
    Signal,
    /// `commit`
    Commit,
    /// `fail …`
    Fail,
    /// `return`, `break`, `continue`
    Leave,
}

/// Parts one after the other, in a frame.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Block {
    pub what: BlockKind,
    pub title: String,
    pub items: Vec<Item>,
    /// The construct, or the call of the function.
    #[serde(skip)]
    pub place: Span,
    /// The strands that stand here and at none of its parts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub here: Vec<Stand>,
}

/// What a block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BlockKind {
    Saga,
    /// `timeout`, and `shield`, `exclusive`, `scope`, which say so in their titles.
    Scope,
    /// `loop`, `while`, `for`, `every`
    Loop,
    /// The body of a function that is called.
    Function,
}

/// Parts side by side.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Split {
    pub what: SplitKind,
    pub title: String,
    pub lanes: Vec<Lane>,
    #[serde(skip)]
    pub place: Span,
    /// The strands that stand here and at none of its parts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub here: Vec<Stand>,
}

/// What a split is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SplitKind {
    /// All lanes at once.
    Parallel,
    /// All lanes at once; the first to finish wins.
    Race,
    /// One of the lanes.
    Choice,
    /// The first lane; another one if it fails.
    Catch,
}

/// One of the parts side by side.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Lane {
    /// The branch's condition or number.
    pub title: String,
    pub items: Vec<Item>,
}

/// A workflow.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Outline {
    pub workflow: String,
    pub items: Vec<Item>,
}

impl Item {
    /// Where it stands in the sources.
    pub(crate) fn place(&self) -> Span {
        match self {
            Item::Leaf(leaf) => leaf.place,
            Item::Block(block) => block.place,
            Item::Split(split) => split.place,
        }
    }
}

impl Block {
    pub(crate) fn is_function(&self) -> bool {
        self.what == BlockKind::Function
    }
}
