//! A small ledger over HTTP: accounts of several chains, and an escrow for money on its way between two of them.
//!
//! It is what a careful service looks like to a workflow: it keeps its books on disk before it answers, does a thing once
//! per idempotency key however often it is asked, and never makes a lock that has been given up already.

pub mod api;
pub mod books;
mod journal;
mod money;

pub use api::{Faults, Ledger};
pub use books::Books;
pub use money::Money;
