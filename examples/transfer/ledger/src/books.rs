//! The books: what is where, and what each idempotency key has done.

use crate::journal::Journal;
use crate::money::Money;
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// Something that moves money.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Takes money of a chain into escrow. The idempotency key becomes the lock's id.
    Lock {
        /// From where.
        chain: String,
        /// How much.
        amount: Money,
    },
    /// Puts a lock's money back. An unknown lock is given up: it can't be made later.
    Unlock {
        /// Which.
        lock: String,
    },
    /// Pays a lock's money out.
    Release {
        /// Which.
        lock: String,
        /// To where.
        chain: String,
    },
}

/// What was done.
#[derive(Clone, Debug, PartialEq)]
pub enum Done {
    /// A lock, by its id.
    Locked(String),
    /// Money is back, or the lock given up.
    Unlocked,
    /// Money is out, since then.
    Released(DateTime<Utc>),
}

/// Why nothing was done.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "named for what they say")]
pub enum Refusal {
    InsufficientFunds {
        available: Money,
    },
    ChainClosed {
        chain: String,
    },
    UnknownChain {
        chain: String,
        known: Vec<String>,
    },
    NoAmount(Money),
    UnknownLock(String),
    Settled {
        lock: String,
        state: &'static str,
    },
    KeyReused {
        key: String,
    },
    /// The disk failed: whether it is done shows at the next start.
    Unwritten(String),
}

/// A line of the journal.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    /// The first one: the accounts and what they begin with.
    Opened(BTreeMap<String, Money>),
    /// One effect.
    Did { key: String, at: DateTime<Utc>, request: Request },
}

/// A lock's life.
#[derive(Clone, Debug, PartialEq)]
enum Lock {
    Held {
        chain: String,
        amount: Money,
        since: DateTime<Utc>,
    },
    Unlocked,
    Released,
    /// Unlocked before it was made.
    GivenUp,
}

/// How often a key was asked for and how often it moved something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempts {
    /// Requests with this key since the ledger was started.
    pub requests: u64,
    /// Effects under this key since the books were opened.
    pub effects: u64,
}

/// The ledger's state: what the journal says, in memory.
pub struct Books {
    journal: Journal,
    accounts: BTreeMap<String, Decimal>,
    escrow: Decimal,
    locks: BTreeMap<String, Lock>,
    done: BTreeMap<String, (Request, Done)>,
    attempts: BTreeMap<String, Attempts>,
    closed: Vec<String>,
}

impl Books {
    /// Opens the books in `directory`. New ones begin with these accounts; `closed` chains take no releases.
    pub fn open(
        directory: &Path,
        accounts: BTreeMap<String, Money>,
        closed: Vec<String>,
    ) -> Result<Books, String> {
        let (mut journal, mut lines) = Journal::open(directory)?;
        if lines.is_empty() {
            let line = Line::Opened(accounts);
            journal.append(&line)?;
            lines.push(line);
        }
        let mut books = Books {
            journal,
            accounts: BTreeMap::new(),
            escrow: Decimal::ZERO,
            locks: BTreeMap::new(),
            done: BTreeMap::new(),
            attempts: BTreeMap::new(),
            closed,
        };
        for line in lines {
            match line {
                Line::Opened(accounts) => {
                    books.accounts =
                        accounts.into_iter().map(|(name, Money(amount))| (name, amount)).collect();
                }
                Line::Did { key, at, request } => books.apply(key, at, request),
            }
        }
        Ok(books)
    }

    /// Does what is asked, once per key: the same key again is answered as the first time.
    pub fn perform(&mut self, key: &str, request: Request) -> Result<Done, Refusal> {
        self.attempts.entry(key.to_owned()).or_default().requests += 1;
        if let Some((known, done)) = self.done.get(key) {
            let same = *known == request;
            return same.then(|| done.clone()).ok_or_else(|| Refusal::KeyReused { key: key.to_owned() });
        }
        if !self.check(key, &request)? {
            return Ok(Done::Unlocked);
        }
        let at = Utc::now();
        let line = Line::Did { key: key.to_owned(), at, request: request.clone() };
        self.journal.append(&line).map_err(Refusal::Unwritten)?;
        self.apply(key.to_owned(), at, request);
        self.done.get(key).map(|(_, done)| done.clone()).ok_or_else(|| Refusal::UnknownLock(key.to_owned()))
    }

    /// Whether the request may be done, and whether it would change anything.
    fn check(&self, key: &str, request: &Request) -> Result<bool, Refusal> {
        match request {
            Request::Lock { chain, amount } => {
                let available = Money(self.balance(chain)?);
                if amount.0 <= Decimal::ZERO {
                    return Err(Refusal::NoAmount(*amount));
                }
                if self.locks.contains_key(key) {
                    return Err(Refusal::Settled { lock: key.to_owned(), state: "given up" });
                }
                if available < *amount {
                    return Err(Refusal::InsufficientFunds { available });
                }
                Ok(true)
            }
            Request::Unlock { lock } => match self.locks.get(lock) {
                Some(Lock::Released) => Err(Refusal::Settled { lock: lock.clone(), state: "released" }),
                Some(Lock::Unlocked | Lock::GivenUp) => Ok(false),
                Some(Lock::Held { .. }) | None => Ok(true),
            },
            Request::Release { lock, chain } => {
                self.balance(chain)?;
                if self.closed.contains(chain) {
                    return Err(Refusal::ChainClosed { chain: chain.clone() });
                }
                self.held(lock).map(|_| true)
            }
        }
    }

    /// Does what was checked when it was written down.
    fn apply(&mut self, key: String, at: DateTime<Utc>, request: Request) {
        let done = match &request {
            Request::Lock { chain, amount } => {
                self.move_into_escrow(chain, amount.0);
                let held = Lock::Held { chain: chain.clone(), amount: *amount, since: at };
                self.locks.insert(key.clone(), held);
                Done::Locked(key.clone())
            }
            Request::Unlock { lock } => {
                let state = match self.locks.remove(lock) {
                    Some(Lock::Held { chain, amount, .. }) => {
                        self.move_into_escrow(&chain, -amount.0);
                        Lock::Unlocked
                    }
                    _ => Lock::GivenUp,
                };
                self.locks.insert(lock.clone(), state);
                Done::Unlocked
            }
            Request::Release { lock, chain } => {
                if let Some(Lock::Held { amount, .. }) = self.locks.insert(lock.clone(), Lock::Released) {
                    self.move_into_escrow(chain, -amount.0);
                }
                Done::Released(at)
            }
        };
        self.attempts.entry(key.clone()).or_default().effects += 1;
        self.done.insert(key, (request, done));
    }

    fn move_into_escrow(&mut self, chain: &str, amount: Decimal) {
        *self.accounts.entry(chain.to_owned()).or_default() -= amount;
        self.escrow += amount;
    }

    fn balance(&self, chain: &str) -> Result<Decimal, Refusal> {
        self.accounts.get(chain).copied().ok_or_else(|| Refusal::UnknownChain {
            chain: chain.to_owned(),
            known: self.accounts.keys().cloned().collect(),
        })
    }

    /// Since when a lock holds money.
    fn held(&self, lock: &str) -> Result<DateTime<Utc>, Refusal> {
        let settled = |state| Err(Refusal::Settled { lock: lock.to_owned(), state });
        match self.locks.get(lock) {
            Some(Lock::Held { since, .. }) => Ok(*since),
            Some(Lock::Unlocked) => settled("unlocked"),
            Some(Lock::Released) => settled("released"),
            Some(Lock::GivenUp) => settled("given up"),
            None => Err(Refusal::UnknownLock(lock.to_owned())),
        }
    }

    /// Since when a lock waits to be confirmed on a chain.
    pub fn confirms(&self, chain: &str, lock: &str) -> Result<DateTime<Utc>, Refusal> {
        self.balance(chain)?;
        match self.locks.get(lock) {
            // What was paid out had been confirmed.
            Some(Lock::Released) => Ok(DateTime::<Utc>::MIN_UTC),
            _ => self.held(lock),
        }
    }

    /// Balances by chain, and what is in escrow.
    pub fn accounts(&self) -> (BTreeMap<String, Money>, Money) {
        let accounts = self.accounts.iter().map(|(name, amount)| (name.clone(), Money(*amount)));
        (accounts.collect(), Money(self.escrow))
    }

    /// What each key was asked for and did.
    pub fn attempts(&self) -> &BTreeMap<String, Attempts> {
        &self.attempts
    }
}
