//! Library operations that are built in, by the name under which `stdlib/*.flow` declares them.
//!
//! A function without a body in a standard module is an intrinsic: `pub fn len<T>(list: List<T>) -> Int` in
//! `std/list.flow` is `list.len`. Intrinsics are versioned and never change meaning: stored programs name them.

use serde::{Deserialize, Serialize};

macro_rules! intrinsics {
    ($($(#[$doc:meta])* $variant:ident = $name:literal;)*) => {
        /// A built-in library operation.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Intrinsic {
            $($(#[$doc])* #[serde(rename = $name)] $variant,)*
        }

        impl Intrinsic {
            /// All of them.
            pub const ALL: &'static [Intrinsic] = &[$(Intrinsic::$variant,)*];

            /// `module.function`.
            pub fn name(self) -> &'static str {
                match self { $(Intrinsic::$variant => $name,)* }
            }

            /// The intrinsic of that name.
            pub fn from_name(name: &str) -> Option<Intrinsic> {
                match name { $($name => Some(Intrinsic::$variant),)* _ => None }
            }
        }
    };
}

intrinsics! {
    /// `<T>(T) -> String`: as interpolation shows it.
    Show = "core.show";
    /// `(List<String>) -> String`: what an interpolated string is made of.
    StringJoinAll = "string.concat";
    /// `(String) -> Int`: in characters.
    StringLen = "string.len";
    /// `(String, String) -> Bool`.
    StringContains = "string.contains";
    /// `(String, String) -> Bool`.
    StringStartsWith = "string.starts_with";
    /// `(String, String) -> Bool`.
    StringEndsWith = "string.ends_with";
    /// `(String) -> String`.
    StringTrim = "string.trim";
    /// `(String) -> String`.
    StringToUpper = "string.to_upper";
    /// `(String) -> String`.
    StringToLower = "string.to_lower";
    /// `(String, String) -> List<String>`.
    StringSplit = "string.split";
    /// `(String, String, String) -> String`.
    StringReplace = "string.replace";
    /// `(String) -> Int?`.
    StringToInt = "string.to_int";
    /// `(String) -> Decimal?`.
    StringToDecimal = "string.to_decimal";
    /// `(String, String) -> Int`: -1, 0 or 1, by Unicode scalar values.
    StringCompare = "string.compare";
    /// `(Decimal, Decimal) -> Decimal`; traps when out of range.
    DecimalAdd = "decimal.add";
    /// `(Decimal, Decimal) -> Decimal`.
    DecimalSubtract = "decimal.subtract";
    /// `(Decimal, Decimal) -> Decimal`.
    DecimalMultiply = "decimal.multiply";
    /// `(Decimal, Decimal) -> Decimal`; traps on zero.
    DecimalDivide = "decimal.divide";
    /// `(Decimal, Decimal) -> Decimal`; traps on zero.
    DecimalRemainder = "decimal.remainder";
    /// `(Decimal) -> Decimal`.
    DecimalNegate = "decimal.negate";
    /// `(Decimal, Decimal) -> Int`: -1, 0 or 1.
    DecimalCompare = "decimal.compare";
    /// `(Decimal, Int) -> Decimal`: to that many places, half to even.
    DecimalRound = "decimal.round";
    /// `(Int) -> Decimal`.
    DecimalFromInt = "int.to_decimal";
    /// `(Decimal) -> Int?`: `none` where it is no whole number in range.
    DecimalToInt = "decimal.to_int";
    /// `<T>(List<T>, T) -> List<T>`: amortised O(1) at the newest end.
    ListPush = "list.push";
    /// `<T>(List<T>, Int, T) -> List<T>`; traps when out of range.
    ListSet = "list.set";
    /// `<T>(List<T>, List<T>) -> List<T>`.
    ListConcat = "list.concat";
    /// `<T>(List<T>, Int, Int) -> List<T>`: from start to end, exclusive, clamped.
    ListSlice = "list.slice";
    /// `<T>(List<T>, T) -> Bool`.
    ListContains = "list.contains";
    /// `<T>(List<T>) -> List<T>`.
    ListReverse = "list.reverse";
    /// `(Int, Int) -> List<Int>`: half open.
    ListRange = "list.range";
    /// `<K, V>() -> Map<K, V>`.
    MapNew = "map.new";
    /// `<K, V>(Map<K, V>) -> Int`.
    MapLen = "map.len";
    /// `<K, V>(Map<K, V>, K) -> V?`.
    MapGet = "map.get";
    /// `<K, V>(Map<K, V>, K) -> Bool`.
    MapContains = "map.contains";
    /// `<K, V>(Map<K, V>, K, V) -> Map<K, V>`.
    MapInsert = "map.insert";
    /// `<K, V>(Map<K, V>, K) -> Map<K, V>`.
    MapRemove = "map.remove";
    /// `<K, V>(Map<K, V>) -> List<K>`: in insertion order.
    MapKeys = "map.keys";
    /// `<K, V>(Map<K, V>) -> List<V>`: in insertion order.
    MapValues = "map.values";
    /// `(Duration, Int) -> Duration`.
    DurationMultiply = "duration.multiply";
    /// `<T>(T) -> Json`.
    JsonFrom = "json.from";
    /// `<T>(Json) -> T`; traps with the path of the first mismatch.
    JsonTo = "json.to";
    /// `(String) -> Json`; traps where it is not JSON.
    JsonParse = "json.parse";
    /// `(Json) -> String`.
    JsonText = "json.text";
    /// `<T>(T, T) -> Int`: -1, 0 or 1, for ordered types.
    Compare = "core.compare";
    /// `(List<String>, String) -> String`: with the second between the items.
    StringJoin = "string.join";
    /// `(String, Int, Int) -> String`: characters from start to end, exclusive, clamped.
    StringSlice = "string.slice";
    /// `(String, Int) -> String`; traps where it gets too long.
    StringRepeat = "string.repeat";
    /// `(String, String) -> Int?`: in characters.
    StringIndexOf = "string.index_of";
    /// `(String) -> Bytes`: UTF-8.
    StringToBytes = "string.to_bytes";
    /// `(Bytes) -> String?`: `none` where it isn't UTF-8.
    BytesToString = "bytes.to_string";
    /// `(Bytes) -> Int`.
    BytesLen = "bytes.len";
    /// `(Decimal) -> Decimal`.
    DecimalAbs = "decimal.abs";
    /// `(Decimal) -> Decimal`: without what is behind the point.
    DecimalTruncate = "decimal.truncate";
    /// `(Int) -> Float`.
    FloatFromInt = "int.to_float";
    /// `(Float) -> Int?`: towards zero; `none` where it is out of range.
    FloatToInt = "float.to_int";
    /// `(Decimal) -> Float`.
    DecimalToFloat = "decimal.to_float";
    /// `(Float) -> Decimal?`: `none` where it is out of range.
    FloatToDecimal = "float.to_decimal";
    /// `<T>(List<T>, T) -> Int?`.
    ListIndexOf = "list.index_of";
    /// `<T>(List<T>) -> List<T>`: ascending, for ordered types; equal items keep their order.
    ListSort = "list.sort";
    /// `<K, V>(Map<K, V>) -> List<(K, V)>`: in insertion order.
    MapEntries = "map.entries";
    /// `<T>() -> Set<T>`.
    SetNew = "set.new";
    /// `<T>(Set<T>) -> Int`.
    SetLen = "set.len";
    /// `<T>(Set<T>, T) -> Bool`.
    SetContains = "set.contains";
    /// `<T>(Set<T>, T) -> Set<T>`.
    SetInsert = "set.insert";
    /// `<T>(Set<T>, T) -> Set<T>`.
    SetRemove = "set.remove";
    /// `<T>(Set<T>) -> List<T>`: in insertion order.
    SetToList = "set.to_list";
    /// `(Duration, Int) -> Duration`; traps on zero.
    DurationDivide = "duration.divide";
    /// `(Duration) -> Decimal`: in seconds, exactly.
    DurationSeconds = "duration.seconds";
    /// `(Decimal) -> Duration`: of that many seconds; traps when out of range.
    DurationFromSeconds = "duration.from_seconds";
    /// `(String) -> Timestamp?`: RFC 3339.
    TimestampParse = "timestamp.parse";
    /// `(Json, String) -> Json?`: a member of an object.
    JsonGet = "json.get";
    /// `(Json, Int) -> Json?`: an item of an array.
    JsonAt = "json.at";
    /// `(List<(String, Json)>) -> Json`: an object; the last of equal names counts.
    JsonObject = "json.object";
    /// `(List<Json>) -> Json`: an array.
    JsonArray = "json.array";
}
