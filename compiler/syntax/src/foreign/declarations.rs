//! What begins a declaration elsewhere.

use super::Place::Declaration;
use super::{Idiom, Place, idiom};
use crate::token::TokenKind::{self, CloseBrace, Fn, Invalid, OpenBrace, Pub, Record};

/// A body of which nothing is known.
const BODY: &[TokenKind] = &[OpenBrace, Invalid, CloseBrace];

/// Words that begin a declaration.
pub(super) const HEADS: &[Idiom] = &[
    idiom("^ import/from/require/include/using/package/namespace ^", "modules are named with `use`")
        .place(Declaration)
        .help("`use std.http`, or of a file beside this one, `use ./payments.{charge}`"),
    idiom("^ async/suspend function/fun/def/func ^", "functions begin with `fn`")
        .place(Declaration)
        .fix("fn")
        .read_as(&[Fn]),
    idiom("^ async/suspend ^", "any function may wait: there is no `async`")
        .place(Declaration)
        .fix("")
        .read_as(&[]),
    idiom("^ function/func/def/fun/sub/proc/void ^", "functions begin with `fn`")
        .place(Declaration)
        .fix("fn")
        .read_as(&[Fn]),
    idiom("^ export default ^", "what other files may use begins with `pub`")
        .place(Declaration)
        .fix("pub")
        .read_as(&[Pub]),
    idiom("^ export/public ^", "what other files may use begins with `pub`")
        .place(Declaration)
        .fix("pub")
        .read_as(&[Pub]),
    idiom(
        "^ private/protected/internal/static/abstract/final/open/override ^",
        "there is no `private`: what is not `pub` is known in its file only",
    )
    .place(Declaration)
    .fix("")
    .read_as(&[]),
    idiom("^ struct/data/dataclass ^", "a type with fields is a `record`")
        .place(Declaration)
        .fix("record")
        .read_as(&[Record]),
    idiom("^ class/interface/trait/object ^", "a type with fields is a `record`, one with cases an `enum`")
        .place(Declaration)
        .suggest("record")
        .read_as(&[Record]),
    idiom(
        "^ impl/extension/extend ^",
        "methods are functions: `order.total()` calls `fn total(order: Order)`",
    )
    .place(Declaration),
    idiom("^ let/var/val ^ $name", "a variable stands in a body")
        .place(Declaration)
        .help("a constant of the file is `const LIMIT = 3`, its name in capitals"),
];

/// What stands in one.
pub(super) const TABLE: &[Idiom] = &[
    idiom("type $Type ^ struct ^ {", "a type with fields is a `record`").help("write `record $Type { … }`"),
    idiom("type $Type = {", "a type with fields is a `record`").fix("record $Type {"),
    idiom("use $str", "a module is named without quotes")
        .help("`use std.http`, or of a file beside this one, `use ./payments`"),
    idiom("record $Type ^ ! ( $rest ) ^", "the fields of a record stand in braces").fix(" { $rest }"),
    idiom("record $Type ^ extends/implements/: $Type2 ^ {", "there is no inheritance")
        .help("a record may have another one as a field; kinds of a thing are the cases of an `enum`")
        .read_as(&[]),
    idiom("fn $name ^ [ $rest ] ^ (", "type parameters stand in `<…>`").fix("<$rest>"),
    idiom("record/enum/type $Type ^ [ $rest ] ^", "type parameters stand in `<…>`").fix("<$rest>"),
    idiom("fn/workflow/activity/query/update ^ $name ^ ! {", "parameters stand in round brackets, even none")
        .fix("$name()"),
    idiom("( ^ * ^ $name", "a parameter takes one value")
        .place(Place::Name)
        .help("several come as a list: `xs: List<Int>`")
        .read_as(&[]),
    idiom("fn ^ < $rest > $name ^", "type parameters stand behind the name").fix("$name<$rest>"),
    idiom("fn $name ( $rest ) ^ =>/= $value", "the body of a function stands in braces")
        .place(Place::Brace)
        .fix("{ $value }")
        .read_as(BODY),
    idiom("-> $type ^ =/=> $value", "the body of a function stands in braces")
        .place(Place::Brace)
        .fix("{ $value }")
        .read_as(BODY),
];
