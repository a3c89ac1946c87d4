//! What happens, as it commits, and what the engine has to say: the stream behind live views.

use flow_machine::history::HistoryEvent;
use flow_machine::ids::{CallKey, InstanceId, StrandPath, Timestamp};
use flow_store::{Owner, Scope};
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::broadcast;

/// A listener that is slower than this many events misses some, and is told how many.
const CAPACITY: usize = 16_384;

/// One thing that happened.
#[derive(Clone, Debug)]
pub enum EngineEvent {
    /// An event of an instance's history; it is committed.
    Committed {
        /// Whose.
        instance: InstanceId,
        /// Its user's id.
        name: Arc<str>,
        /// Its number in the instance.
        sequence: i64,
        /// When.
        at: Timestamp,
        /// What.
        event: HistoryEvent,
    },
    /// An attempt begins now: not part of the history, since nothing is written for it.
    Attempt {
        /// Whose.
        instance: InstanceId,
        /// The strand that waits for it.
        strand: StrandPath,
        /// The call.
        key: CallKey,
        /// Which attempt, from 1.
        attempt: u32,
    },
    /// A word of the engine.
    Notice(Notice),
}

/// What the engine has to say; its text is for people.
#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    /// The store can't be reached.
    StoreUnavailable {
        /// Which.
        store: String,
        /// Why.
        reason: String,
        /// When the next try follows.
        retry_in: Duration,
    },
    /// It can be reached again.
    StoreBack {
        /// Which.
        store: String,
    },
    /// An activity without `run:` waits for a worker.
    WaitingForWorker {
        /// The instance's id.
        name: Arc<str>,
        /// What waits.
        activity: String,
        /// The queue it waits in.
        queue: String,
    },
    /// Another process runs the instance; this one watches.
    Watching {
        /// The instance's id.
        name: String,
        /// Who runs it.
        owner: Owner,
    },
    /// This process goes on with an instance whose process is gone.
    GoingOn {
        /// The instance's id.
        name: String,
    },
    /// The instance goes on with the program it was started with, which is not the one at hand.
    PinnedProgram {
        /// The instance's id.
        name: String,
    },
    /// Another process has taken over.
    LeaseLost {
        /// What.
        scope: Scope,
        /// Who, where that is known.
        owner: Option<Owner>,
    },
    /// Another worker reads newer formats of programs and instances: this one leaves all instances to it, until it is gone.
    LeftToNewer {
        /// Which.
        owner: Owner,
    },
    /// An instance can't go on here; others do.
    InstanceBroken {
        /// Which.
        instance: InstanceId,
        /// Why.
        reason: String,
    },
    /// A message makes no sense and was thrown away.
    MessageDropped {
        /// Whom it was for.
        instance: InstanceId,
        /// What is wrong with it.
        reason: String,
    },
    /// The listener was too slow.
    Missed {
        /// How many events.
        count: u64,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Notice::StoreUnavailable { store, reason, retry_in } => {
                write!(f, "the store {store} can't be reached ({reason}); next try in {retry_in:?}")
            }
            Notice::StoreBack { store } => write!(f, "the store {store} is back"),
            Notice::WaitingForWorker { name, activity, queue } => {
                write!(f, "{name}: no worker for queue \"{queue}\"; `{activity}` waits for one")
            }
            Notice::Watching { name, owner } => {
                write!(f, "{name} is run by process {} on {}; watching it", owner.pid, owner.host)
            }
            Notice::GoingOn { name } => write!(f, "going on with {name}"),
            Notice::PinnedProgram { name } => {
                write!(f, "the file has changed; {name} goes on with the program it was started with")
            }
            Notice::LeaseLost { scope, owner: Some(owner) } => {
                write!(f, "process {} on {} has taken over {scope:?}", owner.pid, owner.host)
            }
            Notice::LeaseLost { scope, owner: None } => write!(f, "another process has taken over {scope:?}"),
            Notice::LeftToNewer { owner } => write!(
                f,
                "process {} on {} is of a newer flow and writes what this one can't read: all is left to it while it lives",
                owner.pid, owner.host
            ),
            Notice::InstanceBroken { instance, reason } => {
                write!(f, "{instance} can't go on here and is left as it is: {reason}")
            }
            Notice::MessageDropped { instance, reason } => {
                write!(f, "a message to {instance} makes no sense and was thrown away: {reason}")
            }
            Notice::Missed { count } => write!(f, "{count} events were too fast to show"),
        }
    }
}

/// Tells all who listen. The channel, some megabytes, is made for the first of them.
#[derive(Clone, Default)]
pub(crate) struct Speaker {
    sender: Arc<OnceLock<broadcast::Sender<EngineEvent>>>,
}

impl Speaker {
    /// Whether anybody listens: then events are worth decoding.
    pub(crate) fn is_heard(&self) -> bool {
        self.sender.get().is_some_and(|sender| sender.receiver_count() > 0)
    }

    pub(crate) fn say(&self, event: EngineEvent) {
        if let Some(sender) = self.sender.get() {
            // Nobody listening is no failure.
            let _ = sender.send(event);
        }
    }

    pub(crate) fn notice(&self, notice: Notice) {
        self.say(EngineEvent::Notice(notice));
    }

    pub(crate) fn listen(&self) -> Events {
        let sender = self.sender.get_or_init(|| broadcast::channel(CAPACITY).0);
        Events { receiver: sender.subscribe() }
    }
}

/// The stream of events from the moment it was asked for.
pub struct Events {
    receiver: broadcast::Receiver<EngineEvent>,
}

impl Events {
    /// The next event; `None` when the engine is gone. Safe to drop while it waits.
    pub async fn next(&mut self) -> Option<EngineEvent> {
        match self.receiver.recv().await {
            Ok(event) => Some(event),
            Err(broadcast::error::RecvError::Lagged(count)) => {
                Some(EngineEvent::Notice(Notice::Missed { count }))
            }
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }

    /// What is there already.
    pub fn try_next(&mut self) -> Option<EngineEvent> {
        match self.receiver.try_recv() {
            Ok(event) => Some(event),
            Err(broadcast::error::TryRecvError::Lagged(count)) => {
                Some(EngineEvent::Notice(Notice::Missed { count }))
            }
            Err(_) => None,
        }
    }
}
