//! Library operations that are built in, by the name under which `stdlib/*.flow` declares them.
//!
//! A function without a body in a standard module is an intrinsic: `pub fn len<T>(list: List<T>) -> Int` in
//! `std/list.flow` is `list.len`. Intrinsics are versioned and never change meaning: stored programs name them.

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::ser::{Serialize, Serializer};
use std::fmt;

macro_rules! intrinsics {
    ($($(#[doc = $doc:literal])* $variant:ident = $name:literal;)*) => {
        /// A built-in library operation.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Intrinsic {
            $($(#[doc = $doc])* $variant,)*
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

            /// Type parameters, parameter types and result, as its documentation begins: `<T>(List<T>, T) -> Bool`.
            pub fn signature(self) -> &'static str {
                let docs: &[&'static str] = match self { $(Intrinsic::$variant => &[$($doc),*],)* };
                docs.first().and_then(|line| line.split('`').nth(1)).unwrap_or_default()
            }
        }
    };
}

// By name, whatever the format: a number would be another operation's once one is added before it.
impl Serialize for Intrinsic {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Intrinsic {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;
        impl Visitor<'_> for Name {
            type Value = Intrinsic;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a built-in operation")
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<Intrinsic, E> {
                let unknown = || E::custom(format_args!("`{name}` isn't an operation of this build"));
                Intrinsic::from_name(name).ok_or_else(unknown)
            }
        }
        deserializer.deserialize_str(Name)
    }
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
    /// `(Decimal, Int, Rounding) -> Decimal`: to that many places. The third is an enum of the ways, in the order of
    /// `std.decimal`; without it, half to even.
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
    /// `(Bytes) -> List<Int>`.
    BytesToList = "bytes.to_list";
    /// `(List<Int>) -> Bytes`; traps where an item is no byte.
    BytesFromList = "bytes.to_bytes";
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
    /// `<T, K>(List<T>, List<K>) -> List<T>`: the items in ascending order of their keys, which are of an ordered type;
    /// equal keys keep their order.
    ListArrange = "list.arrange";
    /// `<T>(Int, T) -> List<T>`: that many times the item; traps when negative.
    ListFilled = "list.filled";
    /// `(String) -> List<String>`: without their line ends.
    StringLines = "string.lines";
    /// `(String) -> List<String>`: what stands between white space.
    StringWords = "string.words";
    /// `(String) -> String`.
    StringTrimStart = "string.trim_start";
    /// `(String) -> String`.
    StringTrimEnd = "string.trim_end";
    /// `(String) -> String`: its characters from the last to the first.
    StringReverse = "string.reverse";
    /// `(String, String) -> Int?`: of the last occurrence, in characters.
    StringLastIndexOf = "string.last_index_of";
    /// `(String, String) -> Int`: occurrences that don't overlap.
    StringCount = "string.count";
    /// `(String) -> Float?`: `none` where it is no finite number.
    StringToFloat = "string.to_float";
    /// `(String) -> List<Int>`: Unicode scalar values.
    StringCodes = "string.codes";
    /// `(List<Int>) -> String`; traps where one is no Unicode scalar value.
    StringFromCodes = "string.from_codes";
    /// `(String, String) -> Bool`; traps on an invalid pattern.
    RegexIsMatch = "regex.is_match";
    /// `(String, String, Int) -> List<(Int, Int, List<String?>)>`: up to that many matches: start and end in characters,
    /// then the groups, the whole match first. Traps on an invalid pattern.
    RegexScan = "regex.scan";
    /// `(String) -> List<String?>`: the names of the groups, the whole match first; traps on an invalid pattern.
    RegexNames = "regex.names";
    /// `(String, String, String) -> String`: every match replaced; `$1` and `${name}` stand for groups. Traps on an
    /// invalid pattern.
    RegexReplace = "regex.replace";
    /// `(String, String) -> List<String>`; traps on an invalid pattern.
    RegexSplit = "regex.split";
    /// `(String) -> String`: a pattern that matches exactly this text.
    RegexEscape = "regex.escape";
    /// `(Decimal) -> Int`: digits behind the point.
    DecimalScale = "decimal.scale";
    /// `(Decimal) -> Decimal`: without zeros at the end of the fraction.
    DecimalNormalize = "decimal.normalize";
    /// `(Decimal, Int) -> Decimal`: with exactly so many digits behind the point, half to even.
    DecimalWithScale = "decimal.with_scale";
    /// `(Decimal, Int) -> Decimal`; traps when out of range.
    DecimalPower = "decimal.pow";
    /// `(Decimal) -> Decimal`; traps where it is negative.
    DecimalSquareRoot = "decimal.sqrt";
    /// `(Decimal) -> Decimal`; traps when out of range.
    DecimalExp = "decimal.exp";
    /// `(Decimal) -> Decimal`; traps where it isn't positive.
    DecimalLn = "decimal.ln";
    /// `(Float) -> Float`; traps where it is negative.
    FloatSquareRoot = "float.sqrt";
    /// `(Float) -> Float`.
    FloatExp = "float.exp";
    /// `(Float) -> Float`; traps where it is negative.
    FloatLn = "float.ln";
    /// `(Float) -> Float`; traps where it is negative.
    FloatLog10 = "float.log10";
    /// `(Float, Float) -> Float`; traps where there is none.
    FloatPower = "float.pow";
    /// `(Float) -> Float`; of an angle in radians.
    FloatSin = "float.sin";
    /// `(Float) -> Float`.
    FloatCos = "float.cos";
    /// `(Float) -> Float`.
    FloatTan = "float.tan";
    /// `(Float) -> Float`; traps outside -1 to 1.
    FloatAsin = "float.asin";
    /// `(Float) -> Float`; traps outside -1 to 1.
    FloatAcos = "float.acos";
    /// `(Float) -> Float`.
    FloatAtan = "float.atan";
    /// `(Float, Float) -> Float`: the angle of the point (second, first).
    FloatAtan2 = "float.atan2";
    /// `(Float) -> Float`.
    FloatFloor = "float.floor";
    /// `(Float) -> Float`.
    FloatCeil = "float.ceil";
    /// `(Float) -> Float`: towards zero.
    FloatTruncate = "float.truncate";
    /// `(Float, Int) -> Float`: to so many places, half away from zero.
    FloatRound = "float.round";
    /// `(Float, Int) -> String`: with exactly so many digits behind the point.
    FloatFormat = "float.format";
    /// `(Float) -> Bool`: whether it is infinite.
    FloatIsInfinite = "float.is_infinite";
    /// `(String, Int) -> Int?`: digits of that base, 2 to 36, with a sign or none.
    IntParse = "int.parse";
    /// `(Int, Int) -> String`: in digits of that base, 2 to 36.
    IntToBase = "int.to_base";
    /// `(Int, Int) -> Int`.
    IntBitAnd = "int.bit_and";
    /// `(Int, Int) -> Int`.
    IntBitOr = "int.bit_or";
    /// `(Int, Int) -> Int`.
    IntBitXor = "int.bit_xor";
    /// `(Int, Int) -> Int`: by 0 to 63 places, what is shifted out is lost; traps otherwise.
    IntShiftLeft = "int.shift_left";
    /// `(Int, Int) -> Int`: by 0 to 63 places, the sign kept; traps otherwise.
    IntShiftRight = "int.shift_right";
    /// `(String) -> Duration?`: as durations are written.
    DurationParse = "string.to_duration";
    /// `(Duration) -> Int`.
    DurationNanoseconds = "duration.nanoseconds";
    /// `(Int) -> Duration`.
    DurationFromNanoseconds = "duration.from_nanoseconds";
    /// `(Timestamp) -> Int`: since 1970-01-01 UTC.
    TimeNanoseconds = "time.nanoseconds";
    /// `(Int) -> Timestamp`.
    TimeFromNanoseconds = "time.from_nanoseconds";
    /// `(String) -> Timestamp?`: RFC 3339.
    TimeParse = "time.parse";
    /// `(String, String, String) -> Timestamp?`: by a `strptime` pattern, in a time zone where the text names none.
    /// Traps on an unknown zone.
    TimeParseWith = "time.parse_as";
    /// `(Timestamp, String, String) -> String`: by a `strftime` pattern, in a time zone. Traps on an unknown zone or an
    /// invalid pattern.
    TimeFormat = "time.format";
    /// `(Timestamp, String) -> Duration`: what the time zone's clocks are ahead of UTC. Traps on an unknown zone.
    TimeOffset = "time.offset";
    /// `(Int, Int, String) -> Timestamp`: days since 1970-01-01 and nanoseconds since midnight by the clocks of a time
    /// zone. A time that they skip is moved by the gap; of one that comes twice it is the first. Traps on an unknown zone.
    TimeFromLocal = "date.from_local";
    /// `(String) -> Bool`: whether there is such a time zone.
    TimeIsZone = "time.is_zone";
    /// `(Json) -> JsonKind`: an enum of the kinds, in the order null, bool, number, text, array, object.
    JsonKind = "json.kind";
    /// `(Json) -> List<Json>?`: of an array.
    JsonItems = "json.items";
    /// `(Json) -> Map<String, Json>?`: of an object.
    JsonFields = "json.fields";
    /// `(Map<String, Json>) -> Json`: an object.
    JsonFromFields = "json.from_fields";
    /// `(Json) -> String`: on several lines.
    JsonPretty = "json.pretty";
    /// `(String, String) -> List<List<String>>`: all rows, cells between that separator; traps where quotes or the
    /// separator are wrong.
    CsvRows = "csv.rows";
    /// `(List<List<String>>, String) -> String`: one line a row; traps where the separator is wrong.
    CsvText = "csv.text";
    /// `<T>(Map<String, String>) -> T`: a record from its fields' texts; traps with the field that doesn't fit.
    CsvDecodeRow = "csv.decode_row";
    /// `(Bytes) -> String`.
    Base64Encode = "base64.encode";
    /// `(String) -> Bytes?`.
    Base64Decode = "base64.decode";
    /// `(Bytes) -> String`: the alphabet for addresses, without padding.
    Base64EncodeUrl = "base64.encode_url";
    /// `(String) -> Bytes?`: the alphabet for addresses, without padding.
    Base64DecodeUrl = "base64.decode_url";
    /// `(Bytes) -> String`.
    HexEncode = "hex.encode";
    /// `(String) -> Bytes?`.
    HexDecode = "hex.decode";
    /// `(String) -> String`: all but letters, digits and `-._~` as `%XX`.
    UrlEncode = "url.encode";
    /// `(String) -> String?`: `none` where it isn't UTF-8.
    UrlDecode = "url.decode";
    /// `(Bytes) -> Bytes`.
    HashSha256 = "hash.sha256";
    /// `(Bytes) -> Bytes`.
    HashSha512 = "hash.sha512";
    /// `(Bytes) -> Bytes`.
    HashBlake3 = "hash.blake3";
    /// `(Bytes, Bytes) -> Bytes`: of a key and data.
    HashHmacSha256 = "hash.hmac_sha256";
    /// `(Int, Int, Int) -> String`: the UUID of 128 bits with its version and variant set.
    UuidFromBits = "uuid.from_bits";
    /// `(String, String) -> String`: version 5 of a namespace, itself a UUID, and a name; traps where it is none.
    UuidNamed = "uuid.named";
    /// `(String) -> String?`: as UUIDs are usually written.
    UuidParse = "uuid.parse";
    /// `(Bytes, Bytes) -> Bytes`.
    BytesConcat = "bytes.concat";
    /// `(Bytes, Int, Int) -> Bytes`: from start to end, exclusive, clamped.
    BytesSlice = "bytes.slice";
}
