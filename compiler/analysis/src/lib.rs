//! From syntax tree to a typed, resolved program, or to what is wrong with it.

pub mod hir;
