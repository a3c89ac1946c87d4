//! Fuzz targets: programs nobody wrote, made from seeds, and what must hold for each.
//!
//! ```text
//! cargo run --release -p flow-fuzz -- syntax  --minutes 60 --seed 1    # lexer and parser
//! cargo run --release -p flow-fuzz -- check   --minutes 60             # checker, lowering, validation
//! cargo run --release -p flow-fuzz -- format  --minutes 60             # the formatter keeps the tree, and its own output
//! cargo run --release -p flow-fuzz -- execute --minutes 60             # interpreter against native code
//! ```
//! An iteration depends on the seed and its number only, so `--from N` repeats it. A failure is printed with the smallest
//! text found that still shows it.

pub mod campaign;
pub mod corpus;
pub mod mutate;
pub mod program;
pub mod shrink;
pub mod targets;

pub use campaign::{Campaign, Counters, Failure, Target};
