//! Operations that work on values of every type, driven by the type table.
//!
//! None of them recurses as deeply as a value is nested: a list of a million linked nodes is copied, compared, hashed and
//! shown with a stack on the heap; JSON, which can't be nested that deeply, is bounded instead.

mod compare;
mod copy;
mod decode;
mod hash;
mod image;
mod json;
mod show;
pub mod time;

pub use crate::heap::json::TooDeep;
pub use compare::{compare, equal, is_ordered};
pub(crate) use copy::collect;
pub use copy::{CopyError, copy};
pub(crate) use decode::from_heap_json;
pub use hash::{hash, hash_bytes};
pub use image::Image;
pub(crate) use image::VERSION as IMAGE_VERSION;
pub use json::{Mismatch, from_json, from_json_fields, from_json_strict, to_json};
pub(crate) use show::LONGEST;
pub use show::{show, show_brief};
