//! What a store can answer instead.

use crate::Scope;
use flow_machine::ids::InstanceId;
use flow_machine::rows::Status;
use std::cmp::Ordering;

/// Why a store did not do it.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum StoreError {
    /// It cannot be reached, or the connection broke. Whether a commit in flight happened is unknown.
    #[error("the store {store} cannot be reached: {reason}")]
    Unavailable {
        /// Which store.
        store: String,
        /// The driver's words.
        reason: String,
    },
    /// The address makes no sense.
    #[error("`{url}` is no store: {reason}")]
    BadUrl {
        /// As given.
        url: String,
        /// What is wrong, and what would be right.
        reason: String,
    },
    /// It was written by a newer Flow.
    #[error("the store {store} has format {found}, this flow knows up to {known}: update flow")]
    NewerFormat {
        /// Which store.
        store: String,
        /// Its format.
        found: i64,
        /// The newest this program knows.
        known: i64,
    },
    /// It was written by an older Flow.
    #[error(
        "the store {store} has format {found}, this flow has format {known}: an older flow made it; let its instances end \
         under that one, or name another store"
    )]
    OlderFormat {
        /// Which store.
        store: String,
        /// Its format.
        found: i64,
        /// What this program knows.
        known: i64,
    },
    /// What is stored makes no sense.
    #[error("the store {store} is damaged: {what}")]
    Corrupt {
        /// Which store.
        store: String,
        /// Where and what, and what to do.
        what: String,
    },
    /// Another process owns it now. Nothing was written.
    #[error("the lease on {scopes:?} was taken over by another process")]
    LeaseLost {
        /// Of which scopes.
        scopes: Vec<Scope>,
    },
    /// A row's version is not what the writer thought, or a new row exists already. Nothing was written.
    #[error("{instance} was changed by somebody else ({what})")]
    Conflict {
        /// Of which instance.
        instance: InstanceId,
        /// Which row.
        what: String,
    },
    /// A tree can't end with messages in its inbox that were not read. Nothing was written.
    #[error("messages for {root} are to be read before it ends")]
    Unread {
        /// Its root.
        root: InstanceId,
    },
    /// The user id of a new instance is taken. Nothing was written.
    #[error("an instance with the id `{name}` exists already")]
    NameTaken {
        /// The id.
        name: String,
    },
    /// A message to an instance that is not there, or has ended.
    #[error("{reason}")]
    Refused {
        /// Why.
        reason: String,
    },
    /// A message that may have been sent before, so long ago that nobody knows any more.
    #[error("it was asked so long ago that nobody knows any more whether it was done")]
    Forgotten,
    /// A user's statement was refused by the database, or is not allowed in a step. `transient` errors (deadlock,
    /// serialisation, lock time-out) may go away when tried again.
    #[error("the statement failed: {message}")]
    Statement {
        /// The database's words.
        message: String,
        /// Its SQLSTATE or SQLite code.
        code: Option<String>,
        /// Whether another attempt may succeed.
        transient: bool,
    },
}

impl StoreError {
    /// A message to what has ended.
    pub(crate) fn ended(status: Status) -> StoreError {
        StoreError::Refused { reason: format!("the instance has ended ({})", status.as_str()) }
    }

    /// A request's id was used for a message to another instance before: answering it as a repeat would lose this one.
    pub(crate) fn used_for_another(id: uuid::Uuid) -> StoreError {
        StoreError::Refused {
            reason: format!("the request id {id} was used for another instance; use a new one"),
        }
    }

    /// Refuses a store that another Flow wrote: only what this one wrote does it know to read.
    pub(crate) fn check_format(store: &str, found: i64, known: i64) -> Result<(), StoreError> {
        let store = store.to_owned();
        match found.cmp(&known) {
            Ordering::Less => Err(StoreError::OlderFormat { store, found, known }),
            Ordering::Equal => Ok(()),
            Ordering::Greater => Err(StoreError::NewerFormat { store, found, known }),
        }
    }
}
