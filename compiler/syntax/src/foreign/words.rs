//! Names that another language has for what is called otherwise here.

/// What a name is the name of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A value, a function or a module.
    Value,
    /// A type.
    Type,
    /// A method or a field.
    Member,
    /// A setting of an activity.
    Setting,
}

/// What is meant by a name of another language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    /// The name there.
    pub foreign: &'static str,
    /// What to write in its place; empty where that alone won't do.
    pub own: &'static str,
    /// How it is done here; empty where `own` says it all.
    pub help: &'static str,
}

/// What is meant by `text`, if another language is known to have it.
///
/// ```
/// use flow_syntax::foreign::words::{Place, of};
///
/// assert_eq!(of(Place::Type, "boolean").map(|word| word.own), Some("Bool"));
/// assert_eq!(of(Place::Value, "charge"), None);
/// ```
pub fn of(place: Place, text: &str) -> Option<&'static Word> {
    all(place).iter().find(|word| word.foreign == text)
}

/// Every name that is known of a place.
pub fn all(place: Place) -> &'static [Word] {
    match place {
        Place::Value => VALUES,
        Place::Type => TYPES,
        Place::Member => MEMBERS,
        Place::Setting => SETTINGS,
    }
}

macro_rules! words {
    ($($foreign:literal => $own:literal $($help:literal)?;)*) => {
        &[$(Word { foreign: $foreign, own: $own, help: concat!("", $($help)?) }),*]
    };
}

const VALUES: &[Word] = words! {
    "null" => "none";
    "nil" => "none";
    "undefined" => "none";
    "NULL" => "none";
    "None" => "none";
    "Nothing" => "none";
    "True" => "true";
    "False" => "false";
    "print" => "" "write to the log: `log.info(\"…\")`";
    "println" => "" "write to the log: `log.info(\"…\")`";
    "printf" => "" "write to the log: `log.info(\"…\")`";
    "echo" => "" "write to the log: `log.info(\"…\")`";
    "puts" => "" "write to the log: `log.info(\"…\")`";
    "System" => "" "write to the log: `log.info(\"…\")`";
    "console" => "" "write to the log: `log.info(\"…\")`";
    "fmt" => "" "a string interpolates, `\"{n}\"`, and is logged by `log.info(\"…\")`";
    "logger" => "log";
    "logging" => "log";
    "this" => "" "a function names what it works on as its first parameter: `order.total()` calls `fn total(order: Order)`";
    "self" => "" "a function names what it works on as its first parameter: `order.total()` calls `fn total(order: Order)`";
    "super" => "" "there is no inheritance: an `enum` has a case for each kind";
    "panic" => "" "declare an `error`, and raise it: `fail Invalid(\"…\")`";
    "unreachable" => "" "declare an `error`, and raise it: `fail Invalid(\"…\")`";
    "require" => "" "modules are named at the top of the file: `use std.http`";
    "import" => "" "modules are named at the top of the file: `use std.http`";
    "setTimeout" => "" "wait with `sleep 5s`";
    "delay" => "" "wait with `sleep 5s`";
    "Thread" => "" "wait with `sleep 5s`; run things at once with `parallel { a(), b() }`";
    "Promise" => "" "run things at once with `parallel { a(), b() }`; nothing needs `await`";
    "asyncio" => "" "run things at once with `parallel { a(), b() }`; nothing needs `await`";
    "Date" => "" "the time is `time.now()`, of `use std.time`";
    "datetime" => "" "the time is `time.now()`, of `use std.time`";
    "Math" => "" "numbers have methods, `n.abs()`, `n.max(m)`; more is in `use std.math`";
    "JSON" => "" "`json.text(value)` and `json.parse(text)`";
    "String" => "" "a string shows any value: `\"{n}\"`";
    "str" => "" "a string shows any value: `\"{n}\"`";
    "Number" => "" "a string is read as a number by `int.parse(text, 10)`, or `decimal.parse(text)`";
    "parseInt" => "" "a string is read as a number by `int.parse(text, 10)`";
    "Object" => "" "a map has `keys()`, `values()` and `entries()`";
    "Array" => "" "a list is `[1, 2]`, or `filled(n, 0)`";
    "isinstance" => "" "`is` asks which case of an enum it is: `shape is Circle`";
    "pass" => "" "an empty block is `{}`";
    "continueAsNew" => "" "an instance may run for ever: write a `loop`, its state is small and nothing is replayed";
    "continue_as_new" => "" "an instance may run for ever: write a `loop`, its state is small and nothing is replayed";
    "sideEffect" => "" "what reaches out of the instance is an `activity`; chance and the time are `random` and `time.now()`";
    "executeActivity" => "" "an activity is called like a function: `charge(card)`";
    "execute_activity" => "" "an activity is called like a function: `charge(card)`";
    "executeChild" => "" "a workflow is called like a function: `settle(order)`; `spawn settle(order)` gives its handle";
    "execute_child_workflow" => "" "a workflow is called like a function: `settle(order)`; `spawn settle(order)` gives its handle";
    "wait_condition" => "" "write `wait until condition`";
    "listOf" => "" "a list is written `[1, 2]`";
    "arrayOf" => "" "a list is written `[1, 2]`";
    "mutableListOf" => "" "a list is written `[1, 2]`";
    "setOf" => "" "a set is a list where a `Set` is expected: `let seen: Set<Int> = [1, 2]`";
    "mapOf" => "" "a map is written `[\"a\": 1]`";
    "uuid4" => "" "`use std.uuid`, then `uuid.v4()`";
    "uuidv4" => "" "`use std.uuid`, then `uuid.v4()`";
    "condition" => "" "write `wait until condition`";
    "setHandler" => "" "a signal is waited for by `receive approve`; what is asked is a `query` or an `update`";
    "proxyActivities" => "" "activities are declared, and called like functions: `activity charge(card: String) -> String`";
    "ctx" => "" "there is no context: call activities, `sleep` and `receive` from anywhere";
};

const TYPES: &[Word] = words! {
    "string" => "String";
    "str" => "String";
    "Str" => "String";
    "Text" => "String";
    "char" => "String";
    "varchar" => "String";
    "int" => "Int";
    "integer" => "Int";
    "Integer" => "Int";
    "long" => "Int";
    "Long" => "Int";
    "short" => "Int";
    "i8" => "Int";
    "i16" => "Int";
    "i32" => "Int";
    "i64" => "Int";
    "u8" => "Int";
    "u16" => "Int";
    "u32" => "Int";
    "u64" => "Int";
    "usize" => "Int";
    "isize" => "Int";
    "int32" => "Int";
    "int64" => "Int";
    "uint" => "Int";
    "uint64" => "Int";
    "number" => "" "a whole number is an `Int`, an exact one with places a `Decimal`, any other a `Float`";
    "Number" => "" "a whole number is an `Int`, an exact one with places a `Decimal`, any other a `Float`";
    "float" => "Float";
    "float32" => "Float";
    "float64" => "Float";
    "double" => "Float";
    "Double" => "Float";
    "f32" => "Float";
    "f64" => "Float";
    "real" => "Float";
    "decimal" => "Decimal";
    "BigDecimal" => "Decimal";
    "bool" => "Bool";
    "boolean" => "Bool";
    "Boolean" => "Bool";
    "bytes" => "Bytes";
    "Buffer" => "Bytes";
    "ByteArray" => "Bytes";
    "Array" => "List";
    "Vec" => "List";
    "ArrayList" => "List";
    "MutableList" => "List";
    "Iterable" => "List";
    "Slice" => "List";
    "list" => "List";
    "HashMap" => "Map";
    "BTreeMap" => "Map";
    "MutableMap" => "Map";
    "Dict" => "Map";
    "Dictionary" => "Map";
    "Record" => "Map";
    "dict" => "Map";
    "HashSet" => "Set";
    "Option" => "" "what may be missing is an option, written with `?`: `Int?`";
    "Optional" => "" "what may be missing is an option, written with `?`: `Int?`";
    "Maybe" => "" "what may be missing is an option, written with `?`: `Int?`";
    "Either" => "" "what may fail says so in its signature: `-> Int fails Declined`; `Result<T, E>` is what `try` makes";
    "Promise" => "" "any function may wait: write the result alone, `-> Int`";
    "Future" => "" "any function may wait: write the result alone, `-> Int`";
    "Task" => "" "any function may wait: write the result alone, `-> Int`";
    "void" => "" "without a result, nothing is written";
    "Void" => "" "without a result, nothing is written";
    "Unit" => "" "without a result, nothing is written";
    "any" => "Json";
    "Any" => "Json";
    "object" => "Json";
    "Object" => "Json";
    "JSON" => "Json";
    "JsonValue" => "Json";
    "DateTime" => "Timestamp";
    "datetime" => "Timestamp";
    "Instant" => "Timestamp";
    "Time" => "Timestamp";
    "timedelta" => "Duration";
    "TimeSpan" => "Duration";
    "Exception" => "" "declare what can go wrong: `error Declined(reason: String)`";
    "Error" => "" "declare what can go wrong: `error Declined(reason: String)`";
    "Self" => "" "a function names its types: `fn total(order: Order) -> Int`";
};

const MEMBERS: &[Word] = words! {
    "length" => "len";
    "size" => "len";
    "Count" => "len";
    "append" => "push";
    "add" => "" "a list takes one more by `push`, a set by `insert`";
    "push_back" => "push";
    "put" => "insert";
    "pop" => "" "values never change: `xs.last()` is the last item, `xs.take(xs.len() - 1)` the others";
    "shift" => "" "values never change: `xs.first()` is the first item, `xs.drop(1)` the others";
    "forEach" => "each";
    "for_each" => "each";
    "toString" => "" "a string shows any value: `\"{n}\"`";
    "to_string" => "" "a string shows any value: `\"{n}\"`";
    "ToString" => "" "a string shows any value: `\"{n}\"`";
    "format" => "" "a string interpolates: `\"hello {name}\"`";
    "toUpperCase" => "to_upper";
    "to_uppercase" => "to_upper";
    "upper" => "to_upper";
    "toLowerCase" => "to_lower";
    "to_lowercase" => "to_lower";
    "lower" => "to_lower";
    "includes" => "contains";
    "has" => "contains";
    "containsKey" => "contains";
    "contains_key" => "contains";
    "indexOf" => "index_of";
    "isEmpty" => "is_empty";
    "empty" => "is_empty";
    "bytes" => "to_bytes";
    "as_bytes" => "to_bytes";
    "getBytes" => "to_bytes";
    "hex" => "" "`hex` is a module: `hex.encode(bytes)`, with `use std.hex` above";
    "to_hex" => "" "`hex` is a module: `hex.encode(bytes)`, with `use std.hex` above";
    "hexdigest" => "" "`hex` is a module: `hex.encode(bytes)`, with `use std.hex` above";
    "startsWith" => "starts_with";
    "startswith" => "starts_with";
    "endsWith" => "ends_with";
    "endswith" => "ends_with";
    "substring" => "slice";
    "substr" => "slice";
    "strip" => "trim";
    "unwrap" => "" "give a default with `??`, or fail: `value ?? fail Missing`";
    "expect" => "" "give a default with `??`, or fail: `value ?? fail Missing`";
    "unwrap_or" => "otherwise";
    "orElse" => "otherwise";
    "getOrElse" => "get_or";
    "getOrDefault" => "get_or";
    "items" => "entries";
    "iter" => "" "a list needs no iterator: `xs.map(|x| …)`, `for x in xs { … }`";
    "into_iter" => "" "a list needs no iterator: `xs.map(|x| …)`, `for x in xs { … }`";
    "collect" => "" "`map` and `filter` give lists already";
    "stream" => "" "a list needs no stream: `xs.map(|x| …)`";
    "clone" => "" "values never change, so a copy is the value itself";
    "sorted" => "sort";
    "sortBy" => "sort_by";
    "groupBy" => "group_by";
    "flatMap" => "flat_map";
    "filterNotNull" => "present";
    "distinct" => "unique";
    "every" => "all";
    "some" => "any";
    "foldl" => "fold";
    "await" => "" "nothing needs `await` but the handle of a `spawn`: `await handle`";
    "then" => "" "a call waits by itself: write the next statement below";
    "catch" => "" "`catch` is no method: `charge(card) catch { Declined(reason) => … }`";
    "sleep" => "" "wait with `sleep 5s`";
    "equals" => "" "every type compares with `==`";
};

const SETTINGS: &[Word] = words! {
    "startToCloseTimeout" => "timeout";
    "start_to_close_timeout" => "timeout";
    "scheduleToCloseTimeout" => "deadline";
    "schedule_to_close_timeout" => "deadline";
    "heartbeatTimeout" => "heartbeat";
    "heartbeat_timeout" => "heartbeat";
    "retryPolicy" => "retry";
    "retry_policy" => "retry";
    "retries" => "" "write `retry: exponential(attempts: 3)`";
    "maxAttempts" => "" "write `retry: exponential(attempts: 3)`";
    "taskQueue" => "queue";
    "task_queue" => "queue";
    "rateLimit" => "limit";
    "rate_limit" => "limit";
    "body" => "run";
    "execute" => "run";
};
