//! Types.

use super::{Idiom, Place, idiom};
use crate::token::TokenKind::Question;

pub(super) const TABLE: &[Idiom] = &[
    idiom("$type [ ]", "a list of `$type` is `List<$type>`").place(Place::Type).fix("List<$type>").value(),
    idiom("[ ] $type", "a list of `$type` is `List<$type>`").place(Place::Type).fix("List<$type>").value(),
    idiom("[ $type : $type2 ]", "a map is `Map<$type, $type2>`")
        .place(Place::Type)
        .fix("Map<$type, $type2>")
        .value(),
    idiom("map [ $type ] $type2", "a map is `Map<$type, $type2>`")
        .place(Place::Type)
        .fix("Map<$type, $type2>")
        .value(),
    idiom("$Type [ $rest ]", "type arguments stand in `<…>`").place(Place::Type).fix("$Type<$rest>").value(),
    idiom("[ $type ]", "a list of `$type` is `List<$type>`").place(Place::Type).fix("List<$type>").value(),
    idiom("$type | none/null/undefined/None/nil", "what may be missing is an option, `$type?`")
        .place(Place::Type)
        .fix("$type?")
        .value(),
    idiom("type $Type = $rest | $value", "a type of several is an `enum`")
        .help("write `enum $Type { … }` with a case for each"),
    idiom("$type | $type2", "a value of one type or another is an `enum`")
        .place(Place::Type)
        .help("declare one, `enum Id { Number(value: Int)  Name(value: String) }`")
        .value(),
    idiom("$Type ^ ?? ^", "an option of an option can't be written")
        .place(Place::Type)
        .fix("?")
        .read_as(&[Question]),
    idiom("$name ? : $type", "what may be missing has an optional type")
        .place(Place::Type)
        .fix("$name: $type? = none"),
    idiom("^ -> void/unit/null/none ^", "without a result, nothing is written")
        .place(Place::Type)
        .fix("")
        .read_as(&[]),
    idiom("^ -> None ^ :", "without a result, nothing is written").fix("").read_as(&[]),
    idiom("$alien", "there is no such type").place(Place::Type).help("$alien").value(),
    idiom("$small", "this type is called `$small` here").place(Place::Type).fix("$small").value(),
];
