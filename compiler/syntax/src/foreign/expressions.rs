//! Marks and expressions.

use super::{Idiom, Place, idiom};
use crate::token::TokenKind::{Coalesce, Dot, DotDot, Equal, EqualEqual, Is, NotEqual, Or, Within};

/// Operators that have another name here, or none.
pub(super) const MARKS: &[Idiom] = &[
    idiom("^ || ^", "`||` is written `or`").fix("or").read_as(&[Or]),
    idiom("^ === ^", "`===` is written `==`").fix("==").read_as(&[EqualEqual]),
    idiom("^ !== ^", "`!==` is written `!=`").fix("!=").read_as(&[NotEqual]),
    idiom("^ <> ^", "`<>` is written `!=`").place(Place::Expression).fix("!=").read_as(&[NotEqual]),
    idiom("^ :: < $rest > ^ (", "type arguments are not written in expressions")
        .help("they follow from the arguments, and from the type that is expected")
        .fix("")
        .read_as(&[]),
    idiom("^ :: ^", "`::` is written `.`").fix(".").read_as(&[Dot]),
    idiom("^ ?: ^", "`?:` is written `??`").place(Place::Complete).fix("??").read_as(&[Coalesce]),
    idiom("^ ??= ^", "there is no `??=`").help("write the name again: `n = n ?? 0`").read_as(&[Equal]),
    idiom("^ ++ ^ $name", "there is no `++`").help("count with `$name += 1`"),
    idiom("^ -- ^ $name ;", "there is no `--`").help("count with `$name -= 1`"),
    idiom("$name ^ ++", "there is no `++`").help("count with `$name += 1`").fix(" += 1"),
    idiom("$name ^ --", "there is no `--`").help("count with `$name -= 1`").fix(" -= 1"),
    idiom("$term ^ ** ^ $term2", "there is no `**`").help("write `$term.pow($term2)`").value(),
    idiom("$term ^ |> ^ $value", "there is no `|>`")
        .help("call it as a method: `xs.len()` is `len(xs)`")
        .value(),
    idiom("$term ^ ..=/... $term2", "a range leaves out its end: `0..3` is 0, 1 and 2")
        .place(Place::Expression)
        .help("to take the end in, add 1 to it")
        .fix("..$term2 + 1")
        .value(),
    idiom("^ ..< ^", "`..<` is written `..`").help("a range leaves out its end").fix("..").read_as(&[DotDot]),
];

pub(super) const TABLE: &[Idiom] = &[
    idiom("$interp $str :", "in a string, `{` begins an interpolation")
        .help("write `\\{` for the brace itself; or make JSON of values: `json.text([\"name\": name])`"),
    idiom("^ f/F/b/u/fr/rf/s ^ $str", "strings have no prefix: `{…}` interpolates in every one").fix("").read_as(&[]),
    idiom("^ r/R ^ $str", "strings have no prefix").help("a backslash in a string is written `\\\\`").read_as(&[]),
    idiom("$value ? $value2 : $value3", "there is no `? :`: `if` is an expression")
        .fix("if $value { $value2 } else { $value3 }")
        .value(),
    idiom("^ ?", "a failure goes on to the caller by itself, without `?`")
        .place(Place::Complete)
        .help("remove the `?`; `fails` in the signature declares what may be raised")
        .fix("")
        .read_as(&[]),
    idiom("$value if $value2 else $value3", "the condition stands first")
        .place(Place::Complete)
        .fix("if $value2 { $value } else { $value3 }")
        .value(),
    idiom("$term not in $term2", "`not in` is written with `contains`").suggest("not $term2.contains($term)").value(),
    idiom("$term in $term2", "`in` belongs to `for`; what a list, map or string holds is asked with `contains`")
        .place(Place::Complete)
        .suggest("$term2.contains($term)")
        .value(),
    idiom("$term is not none/null/None/nil/undefined", "`is not` is written `!=`").fix("$term != none").value(),
    idiom("$term is not $term2", "`is not` is written with `not` in front").suggest("not ($term is $term2)").value(),
    idiom("^ instanceof ^ $Type", "`instanceof` is written `is`").fix("is").read_as(&[Is]),
    idiom("^ typeof/sizeof ^ $term", "the type of a value is known before the program runs")
        .help("`is` asks which case of an enum it is: `shape is Circle`")
        .value(),
    idiom("$term ^ as ^ $type", "nothing is converted by `as`")
        .place(Place::Complete)
        .help("convert with a method, such as `n.to_decimal()`, or `json.to(value)`; a string shows any value: `\"{n}\"`")
        .value(),
    idiom("^ await ^ ! sleep/receive/wait", "nothing needs `await` here").fix("").read_as(&[]),
    idiom("receive $name ^ timeout ^", "`receive` waits `within` a time").fix("within").read_as(&[Within]),
    idiom("<- $name", "`<-` is written `receive`").fix("receive $name").value(),
    // Lambdas.
    idiom("lambda $rest : $value", "a lambda has its parameters between bars").fix("|$rest| $value").value(),
    idiom("function/func/fn/fun ( $rest ) ^ -> $type ^ $block", "the type of a lambda's result is never written").fix(""),
    idiom("^ function/func/fn/fun ( $rest ) ^ $block", "a lambda has its parameters between bars").fix("|$rest|"),
    idiom("| $rest | ^ -> $type ^ {", "the type of a lambda's result is never written").fix("").read_as(&[]),
    idiom(". $name ! ^ { $rest ->/=> $rest2 }", "a lambda is an argument like any other, and has its parameters between bars")
        .place(Place::Complete)
        .fix("(|$rest| $rest2)"),
    idiom("$begin { $rest ! -> $rest2 }", "a lambda has its parameters between bars")
        .place(Place::Complete)
        .fix("|$rest| $rest2")
        .value(),
    idiom("^ async ( $rest ) => ^", "a lambda has its parameters between bars, and may wait like any function").fix("|$rest|"),
    idiom("^ let/also/apply/run/each ^ ! {", "a lambda is an argument, and has its parameters between bars")
        .place(Place::Complete)
        .help("write `xs.each(|x| …)`; an option has `map`: `maybe.map(|x| …)`"),
    idiom("^ do | $rest | ^", "a lambda is an argument, and has its parameters between bars").help("write `xs.each(|$rest| …)`"),
    idiom("$begin ^ ( $rest ) => ^", "a lambda has its parameters between bars")
        .place(Place::NoArm)
        .help("write `|$rest| …`")
        .fix("|$rest|"),
    idiom("^ $name => ^", "a lambda has its parameters between bars")
        .place(Place::NoArm)
        .help("write `|$name| …`")
        .fix("|$name|"),
    // Values of records, lists and maps.
    idiom("^ new ^ $Type", "values are made without `new`").fix("").read_as(&[]),
    idiom("$Type ! { }", "a value is made by call").fix("$Type()").value(),
    idiom("$Type ! { $name : $rest }", "a value is made by call: its fields stand in round brackets")
        .fix("$Type($name: $rest)")
        .value(),
    idiom("{ ... $value , $rest }", "a changed copy of a record is made with `with`").fix("$value with ($rest)").value(),
    idiom("[ ... $value , $rest ]", "there is no `...`: lists are joined by `concat`")
        .suggest("$value.concat([$rest])")
        .value(),
    idiom("... $value", "there is no `...`")
        .help("lists are joined by `xs.concat(ys)`, a record is copied by `r with (field: value)`")
        .value(),
    idiom("{ $str ! : $rest }", "a map stands in square brackets").fix("[$str: $rest]").value(),
    idiom("{ $name : $value ! , $rest }", "braces hold statements")
        .help("a record is made by call, `Point(x: 0, y: 0)`; a map is `[\"x\": 0, \"y\": 0]`")
        .value(),
    idiom("{/[ $str ! =>", "a map is written `[key: value]`").help("write `[\"a\": 1, \"b\": 2]`"),
    idiom("^ mapOf/mutableMapOf ( $rest to", "a map is written `[key: value]`").help("write `[\"a\": 1, \"b\": 2]`"),
    idiom("[ $value ! for $name in $value2 if $value3 ]", "a list is made of another by `filter` and `map`")
        .fix("$value2.filter(|$name| $value3).map(|$name| $value)")
        .value(),
    idiom("[ $value ! for $name in $value2 ]", "a list is made of another by `map`")
        .fix("$value2.map(|$name| $value)")
        .value(),
    idiom("$str ^ ! $str2 ^", "strings are not joined by standing side by side").help("write one, or interpolate: `\"{a}{b}\"`").value(),
    // Indexing.
    idiom("^ ?. [ ^", "an index has no `?.`").help("write `xs?.get(0)`"),
    idiom("$term [ $value : ]", "a part of a list or string is cut out with a method").fix("$term.drop($value)").value(),
    idiom("$term [ : $value ]", "a part of a list or string is cut out with a method").fix("$term.take($value)").value(),
    idiom("$term [ $value : $value2 ]", "a part of a list or string is cut out with a method")
        .place(Place::Complete)
        .fix("$term.slice($value, $value2)")
        .value(),
    idiom("^ ! : $name ^", "there are no symbols")
        .place(Place::Expression)
        .help("a string is `\"$name\"`; one of a few values is a case of an `enum`")
        .value(),
    idiom("( ^ ! * ^ $name )", "there are no pointers: a name stands for its value").fix("").read_as(&[]),
    idiom("^ . $int", "the parts of a tuple are counted in square brackets").place(Place::Type).fix("[$int]"),
    idiom(". $int", "a number begins with a digit").fix("0.$int").value(),
    idiom("$int $unit", "a duration has its unit right behind the number").fix("$int$unit").value(),
    idiom("^ < $type > ^ (", "type arguments are not written in expressions")
        .help("they follow from the arguments, and from the type that is expected")
        .fix(""),
    idiom("^ ! -> ^ $name", "`->` is written `.`").place(Place::Complete).fix(".").read_as(&[Dot]),
];
