//! The targets.

mod check;
mod execute;
mod format;
mod syntax;

pub use check::Check;
pub use execute::Execute;
pub use format::Format;
pub use syntax::Syntax;

use crate::{Target, mutate};
use flow_project::Random;
use std::sync::Arc;

/// Every target.
pub fn all() -> Vec<Arc<dyn Target>> {
    vec![
        Arc::new(Syntax::default()),
        Arc::new(Check::default()),
        Arc::new(Format::default()),
        Arc::new(Execute),
    ]
}

/// A text of the corpus with some changes.
fn mutated(corpus: &[String], random: &mut Random) -> String {
    let empty = String::new();
    let text = random.pick(corpus).unwrap_or(&empty);
    let other = random.pick(corpus).unwrap_or(&empty);
    match random.below(12) {
        0 => mutate::any_words(random),
        1 => mutate::change_bytes(text, random),
        _ => mutate::change_tokens(text, other, random),
    }
}
