//! Types.

use super::{Idiom, Place, idiom};
use crate::token::TokenKind::Question;

pub(super) const TABLE: &[Idiom] = &[
    idiom("$intype $type [ ]", "a list of `$type` is `List<$type>`")
        .place(Place::Type)
        .fix("List<$type>")
        .value(),
    idiom("$intype [ ] $type", "a list of `$type` is `List<$type>`")
        .place(Place::Type)
        .fix("List<$type>")
        .value(),
    idiom("$intype [ $type : $type2 ]", "a map is `Map<$type, $type2>`")
        .place(Place::Type)
        .fix("Map<$type, $type2>")
        .value(),
    idiom("$intype map [ $type ] $type2", "a map is `Map<$type, $type2>`")
        .place(Place::Type)
        .fix("Map<$type, $type2>")
        .value(),
    idiom("$Type [ $rest ]", "type arguments stand in `<…>`").place(Place::Type).fix("$Type<$rest>").value(),
    idiom("$intype [ $type ]", "a list of `$type` is `List<$type>`")
        .place(Place::Type)
        .fix("List<$type>")
        .value(),
    idiom("$intype $type | none/null/undefined/None/nil", "what may be missing is an option, `$type?`")
        .place(Place::Type)
        .fix("$type?")
        .value(),
    idiom("$Type ^ ! | ^", "the cases of an enum stand side by side").place(Place::Case).fix("").read_as(&[]),
    idiom("^ $type $name ^", "a type stands behind its name").place(Place::Name).fix("$name: $type"),
    idiom("^ $name ! $small ^", "a type stands behind its name, with `:` between")
        .place(Place::Colon)
        .fix("$name: $small"),
    idiom(
        "^ readonly/public/private/val/var/final/const/mutable ^ ! $name :",
        "a field has no modifiers: values never change",
    )
    .place(Place::Colon)
    .fix("")
    .read_as(&[]),
    idiom("$Type ^ ! = $int ^", "a case stands for nothing but itself")
        .place(Place::Case)
        .fix("")
        .read_as(&[]),
    idiom("$Type ^ ! = $str ^", "a case stands for nothing but itself")
        .place(Place::Case)
        .fix("")
        .read_as(&[]),
    idiom("< $Type ^ ! : $type ^", "the type parameters of a type have no bounds").fix("").read_as(&[]),
    idiom("$intype ^ * ^ $type", "there are no pointers: values never change").fix("").read_as(&[]),
    idiom("type $Type = $rest | $value", "a type of several is an `enum`")
        .help("write `enum $Type { … }` with a case for each"),
    idiom("$intype $type | $type2", "a value of one type or another is an `enum`")
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
    idiom("$intype $alien", "there is no such type").place(Place::Type).help("$alien").value(),
    idiom("$intype $small", "this type is called `$small` here").place(Place::Type).fix("$small").value(),
];
