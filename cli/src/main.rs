//! The `flow` command line.

fn main() {}
