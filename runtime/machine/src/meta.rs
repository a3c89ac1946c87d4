//! What is stored of a strand beside its frames: who it is, what it waits for, what it has open.

use crate::ids::{CallKey, InstanceId, StrandPath, Timestamp};
use crate::policy::CallPolicy;
use crate::request::Request;
use flow_mir::{ActivityId, FunctionId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Why a strand exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Role {
    /// The workflow's body.
    Main,
    /// A branch or race head.
    Branch {
        /// Who forked it.
        parent: StrandPath,
        /// Which branch or arm.
        index: u32,
    },
    /// Undoes a step.
    Compensation {
        /// The strand whose saga failed, and waits for this one.
        owner: StrandPath,
        /// Its place in the order of completion.
        position: i64,
    },
    /// Was started by `spawn`.
    Spawned {
        /// The strand whose scope joins it.
        owner: StrandPath,
        /// Which scope of that strand.
        scope: u32,
        /// Its code.
        function: FunctionId,
        /// Whether its handle was kept: then its failure is raised where it is awaited.
        kept: bool,
    },
}

/// A construct that a strand is inside of, innermost last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Scope {
    /// `saga`
    Saga {
        /// Its number, unique among the open sagas of the instance.
        number: i64,
        /// Whether compensations run together.
        unordered: bool,
    },
    /// `timeout`
    Timeout {
        /// Its number, unique in the strand.
        number: u32,
        /// Its deadline's timer.
        timer: String,
        /// Whether its end is being raised: the `Cancelled` on its way becomes a `Timeout` where the scope is left.
        raised: bool,
    },
    /// `shield`
    Shield,
    /// `scope`, or the body of a workflow: joins what is spawned inside.
    Strands {
        /// Its number, unique in the strand.
        number: u32,
        /// The failure of a strand that it fails with: an image of the `Error`.
        failed: Option<Vec<u8>>,
        /// Whether its strands are being cancelled.
        closing: bool,
    },
}

/// An interruption that has not been raised yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Interrupt {
    /// The instance, or the construct that started this strand, is being left.
    Cancel,
    /// A `timeout` scope of this strand ran out.
    Timeout(u32),
    /// A strand of this `scope` failed.
    Scope(u32),
}

/// What a strand waits for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Wait {
    /// It is about to run: only between two suspensions. Stored only of an instance that has not run yet.
    Ready,
    /// An activity.
    Call(Box<Call>),
    /// A time.
    Sleep {
        /// Its timer.
        timer: String,
    },
    /// The strands it forked.
    Fork(Box<Fork>),
    /// The compensations of a saga.
    Unwind {
        /// Which.
        saga: i64,
    },
    /// It is a compensation that gave up. `retry`: the call to make again with the same key; without one the strand
    /// is taken up from its last stored frame with `outcome`.
    Stuck {
        /// The open call.
        call: Option<Box<Call>>,
        /// What it was resumed with before it gave up.
        outcome: StoredOutcome,
        /// Why it gave up.
        error: String,
    },
    /// It is a branch or spawned strand that has returned.
    Done {
        /// Its result, an image.
        value: Vec<u8>,
        /// Which of its fork's branches was done first, second …, from 0.
        order: u32,
    },
    /// It is a branch or spawned strand that has failed, which is no end of what it belongs to yet.
    Failed {
        /// An image of the `Error`.
        error: Vec<u8>,
        /// Whether anybody has awaited it: then it is that one's to handle.
        seen: bool,
    },
    /// A spawned strand.
    Await {
        /// Which.
        strand: StrandPath,
    },
    /// The end of all strands of its scope.
    Scope {
        /// Which.
        number: u32,
        /// Whether it was interrupted meanwhile.
        interrupted: bool,
    },
    /// A child workflow.
    Child {
        /// Which.
        instance: InstanceId,
        /// Its user id.
        name: String,
        /// Whether the child was asked to cancel itself.
        cancelled: bool,
    },
    /// Something asked of another tree of instances.
    Request(Box<Request>),
    /// A message of a signal.
    Receive {
        /// Which.
        signal: u32,
        /// Its place in the order of those who wait.
        ticket: i64,
    },
    /// A condition over the instance's states.
    Until {
        /// Its place in the order of those who wait.
        ticket: i64,
        /// What it captured, an image.
        captures: Vec<u8>,
    },
    /// It would run, but the instance is paused.
    Held {
        /// Its turn: those that are held go on in this order.
        turn: i64,
        /// What it goes on with.
        outcome: StoredOutcome,
        /// In a compensation: the call whose failure that is.
        call: Option<Box<Call>>,
    },
}

/// What a strand is resumed with, outside its heap.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum StoredOutcome {
    /// It begins.
    Start,
    /// A value: an image of the suspension's result.
    Value(Vec<u8>),
    /// The construct's value is `()`.
    Unit,
    /// An error: an image of one `Error`.
    Error(Vec<u8>),
}

/// An open call of an activity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Call {
    /// Its idempotency key.
    pub key: CallKey,
    /// What is called.
    pub activity: ActivityId,
    /// The arguments, an image.
    pub args: Vec<u8>,
    /// How it is bounded and retried.
    pub policy: CallPolicy,
    /// The attempt that is in flight, or comes next.
    pub attempt: u32,
    /// When that attempt may start; it counts as in flight from then on.
    pub not_before: Option<Timestamp>,
    /// Whether any attempt so far ended without an answer, so that it may have happened.
    pub maybe_happened: bool,
    /// The last attempt that an answer was taken of: the same answer may come again.
    pub answered: u32,
    /// The timer of its overall deadline.
    pub deadline: Option<String>,
    /// Whether cancellation may interrupt it in flight.
    pub interruptible: bool,
    /// What became of the attempt in flight when its owner left as planned.
    pub handed: Option<Handed>,
}

/// An attempt that was in flight when its owner left as planned. It has used up nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Handed {
    /// It was given up, or never begun: the next owner makes it.
    Again,
    /// This worker goes on with it, and reports through the inbox.
    With(Uuid),
}

impl Call {
    /// Whether an attempt may be running at `now`.
    pub fn in_flight(&self, now: Timestamp) -> bool {
        self.not_before.is_none_or(|start| start <= now)
    }
}

/// An open `parallel`, `parallel for` or `race`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Fork {
    /// Its number in the strand: part of its branches' paths.
    pub number: u32,
    /// Which construct.
    pub kind: ForkKind,
    /// Why no new branch starts and the running ones are being cancelled.
    pub closing: Option<Closing>,
    /// `first n`: how many branches are enough.
    pub first: Option<u32>,
}

/// Which construct a fork is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum ForkKind {
    /// `parallel { … }`: this many branches.
    All {
        /// How many.
        count: u32,
    },
    /// `parallel for`.
    Each {
        /// How many items.
        count: u32,
        /// How many branches at a time.
        max: u32,
        /// The list and the captured values, an image.
        operands: Vec<u8>,
    },
    /// `race`: the timers of its `after` arms, by arm.
    Race {
        /// Arm and timer.
        timers: Vec<(u32, String)>,
        /// What its other arms without a strand wait for.
        waits: Vec<(u32, Awaited)>,
        /// Its place in the order of those who wait.
        ticket: i64,
    },
}

/// What an arm of a race waits for without a strand of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Awaited {
    /// A message of this signal.
    Signal(u32),
    /// A condition: what it captured, an image.
    Condition(Vec<u8>),
}

/// Why a fork is being left before all its branches have returned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Closing {
    /// A race is won: the arm and its value's image (`after` has none).
    Won {
        /// The arm.
        arm: u32,
        /// Its value.
        value: Option<Vec<u8>>,
    },
    /// A branch failed: an image of the `Error`.
    Failed(Vec<u8>),
    /// The strand itself is being interrupted.
    Interrupted,
    /// Enough branches have returned (`first n`).
    Enough,
}

/// A strand's stored part beside its frames.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Meta {
    /// Why it exists.
    pub role: Role,
    /// What it waits for.
    pub wait: Wait,
    /// What it is inside of.
    pub scopes: Vec<Scope>,
    /// What is to be raised at its next suspension.
    pub interrupts: Vec<Interrupt>,
    /// How many calls it has made.
    pub calls: u32,
    /// How many forks it has made.
    pub forks: u32,
    /// How many compensations it has registered.
    pub compensations: u32,
    /// How many timers and timeout scopes it has opened.
    pub timers: u32,
    /// How many `scope`s it has opened.
    pub strand_scopes: u32,
    /// How many child workflows it has called.
    pub children: u32,
}

/// The format of [`Meta`]: its first byte.
pub(crate) const META_FORMAT: u8 = 5;

impl Meta {
    /// A strand about to begin.
    pub fn new(role: Role) -> Meta {
        Meta {
            role,
            wait: Wait::Ready,
            scopes: Vec::new(),
            interrupts: Vec::new(),
            calls: 0,
            forks: 0,
            compensations: 0,
            timers: 0,
            strand_scopes: 0,
            children: 0,
        }
    }

    /// As stored.
    pub fn encode(&self) -> Vec<u8> {
        postcard::to_extend(self, vec![META_FORMAT]).unwrap_or_default()
    }

    /// From what was stored.
    pub fn decode(bytes: &[u8]) -> Result<Meta, String> {
        match bytes.split_first() {
            Some((&META_FORMAT, rest)) => postcard::from_bytes(rest).map_err(|error| error.to_string()),
            Some((format, _)) => {
                let which = if *format > META_FORMAT { "a newer" } else { "an older" };
                Err(format!(
                    "it has format version {format}, this flow reads {META_FORMAT}: {which} flow wrote it; use that one"
                ))
            }
            None => Err("empty".into()),
        }
    }

    /// Whether an interrupt must wait until a `shield` is left. A compensation is masked from outside cancellation.
    pub fn masks(&self, interrupt: Interrupt) -> bool {
        let inside = match interrupt {
            Interrupt::Cancel if matches!(self.role, Role::Compensation { .. }) => return true,
            _ => self.depth(interrupt).unwrap_or(0),
        };
        self.scopes.iter().skip(inside).any(|scope| matches!(scope, Scope::Shield))
    }

    /// Takes the interrupt that is to be raised now; whether there is one. Of several it is the one that ends the innermost
    /// construct: the others are still there when that has been left, and are raised at the next suspension.
    pub fn take_interrupt(&mut self) -> bool {
        let free = self.interrupts.iter().copied().filter(|interrupt| !self.masks(*interrupt));
        let Some(next) = free.max_by_key(|interrupt| self.depth(*interrupt)) else { return false };
        self.interrupts.retain(|interrupt| *interrupt != next);
        for scope in &mut self.scopes {
            if let Scope::Timeout { number, raised, .. } = scope {
                *raised |= next == Interrupt::Timeout(*number);
            }
        }
        true
    }

    /// How far inside the construct is that an interrupt ends; `None` is the strand itself.
    fn depth(&self, interrupt: Interrupt) -> Option<usize> {
        self.scopes.iter().position(|scope| match (interrupt, scope) {
            (Interrupt::Timeout(wanted), Scope::Timeout { number, .. })
            | (Interrupt::Scope(wanted), Scope::Strands { number, .. }) => *number == wanted,
            _ => false,
        })
    }

    /// Whether an interrupt could be raised now.
    pub fn is_interrupted(&self) -> bool {
        self.interrupts.iter().any(|interrupt| !self.masks(*interrupt))
    }
}
