//! A small ledger over HTTP.
fn main() {}
