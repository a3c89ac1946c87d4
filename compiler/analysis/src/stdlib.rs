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
    "activity" "base64" "bytes" "core" "csv" "date" "decimal" "duration" "env" "errors" "exec" "float" "hash" "hex" "http"
    "int" "json" "list" "log" "map" "math" "money" "option" "progress" "random" "regex" "result" "set" "sql" "step"
    "strands" "string" "time" "timestamp" "url" "uuid"
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
    "bytes",
    "duration",
    "timestamp",
    "list",
    "map",
    "set",
    "json",
    "activity",
    "progress",
    "step",
    "strands",
    "log",
];

/// The modules that constructs of the language call, whether they are used or not.
pub const NEEDED: &[&str] = &["time"];

/// The modules whose functions reach the world.
pub const CONNECTORS: &[&str] = &["http", "exec", "sql"];

/// The bodyless functions that ask the instance, or the attempt, rather than compute.
pub const HOST: &[&str] =
    &["env.get", "log.line", "progress.step", "progress.total", "random.bits", "time.now"];

/// The standard modules with a public function of this name that takes a value of this type first, as far as its
/// declaration says. Looked up in the text, since a module that nothing uses is not loaded.
pub fn with_method(name: &str, receiver: &str) -> impl Iterator<Item = &'static str> {
    let head = |ty: &str| ty.split(['<', '?']).next().unwrap_or_default().trim().to_owned();
    let (declaration, receiver) = (format!("\npub fn {name}("), head(receiver));
    SOURCES.iter().filter_map(move |(module, source)| {
        let (_, params) = source.split_once(&declaration)?;
        let (_, first) = params.split(')').next()?.split_once(':')?;
        (head(first.split(',').next()?) == receiver).then_some(*module)
    })
}

/// The source of a standard module.
pub fn source(name: &str) -> Option<&'static str> {
    SOURCES.iter().find(|(known, _)| *known == name).map(|(_, source)| *source)
}
