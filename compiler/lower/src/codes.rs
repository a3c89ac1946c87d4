//! The codes of what only lowering finds out, E0950 to E0999.

use flow_syntax::Code;

/// A generic declaration that never ends.
pub const ENDLESS_TYPES: Code = Code("E0950");
/// A default that has no value.
pub const NO_DEFAULT: Code = Code("E0951");
/// A mistake of the compiler.
pub const INTERNAL: Code = Code("E0999");

/// Every code of lowering with its title, in order.
pub const TABLE: &[(Code, &str)] = &[
    (ENDLESS_TYPES, "a generic declaration that never ends"),
    (NO_DEFAULT, "a default that has no value"),
    (INTERNAL, "a mistake of the compiler"),
];
