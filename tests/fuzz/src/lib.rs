//! Programs nobody wrote: a generated project of any size, and the fuzz targets.

pub mod project;
pub mod random;

pub use random::Random;
