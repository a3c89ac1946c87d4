//! The standard library's sources, built into the binary.

macro_rules! modules {
    ($($name:literal)*) => {
        /// Name and source of every standard module.
        pub const SOURCES: &[(&str, &str)] = &[
            $(($name, include_str!(concat!("../../../stdlib/", $name, ".flow"))),)*
        ];
    };
}

modules! {
    "activity" "core" "decimal" "duration" "env" "errors" "exec" "float" "http" "int" "json" "list" "log" "map" "option" "progress" "result" "sql" "step" "strands" "string" "time" "timestamp"
}

/// The modules whose public names are known everywhere without a `use`.
pub const PRELUDE: &[&str] = &[
    "core",
    "errors",
    "option",
    "result",
    "int",
    "decimal",
    "float",
    "string",
    "duration",
    "timestamp",
    "list",
    "map",
    "json",
    "activity",
    "progress",
    "step",
    "strands",
    "log",
];

/// The modules whose functions reach the world.
pub const CONNECTORS: &[&str] = &["http", "exec", "sql"];

/// The modules whose bodyless functions ask the instance rather than compute.
pub const HOST: &[&str] = &["progress", "log", "time"];

/// The source of a standard module.
pub fn source(name: &str) -> Option<&'static str> {
    SOURCES.iter().find(|(known, _)| *known == name).map(|(_, source)| *source)
}
