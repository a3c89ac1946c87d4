//! Statements: loops, branches, handlers, declarations of variables.

use super::{Idiom, Place, idiom};
use crate::token::TokenKind::{After, Bar, Else, If, In, Let, Loop, Newline, Spawn, Underscore, Var};

const BRACES: &str = "a block stands in braces";

pub(super) const TABLE: &[Idiom] = &[
    // Variables.
    idiom("^ let mut ^", "`let mut` is written `var`").fix("var").read_as(&[Var]),
    idiom("$line $name := $value", "a variable is declared with `let`, or `var` if it changes").fix("let $name = $value"),
    idiom("$line ^ const ^ $name", "constants are declared at the top of a file")
        .help("in a body, a variable that never changes is declared with `let`")
        .fix("let")
        .read_as(&[Let]),
    idiom("$line ^ val/final/auto/const $type $name ^ =", "a variable is declared with `let`, its type behind its name")
        .fix("let $name: $type"),
    idiom("let/var/const/val ^ { $rest } ^ =", "a record is not taken apart by `let`").help("read its fields: `let x = point.x`"),
    idiom("let/var/const/val ^ [ $rest ] ^ =", "a list is not taken apart by `let`").help("read its items: `let first = xs[0]`"),
    idiom("$line ^ val/final/auto/my ^ $name", "a variable is declared with `let`, or `var` if it changes")
        .place(Place::Complete)
        .fix("let")
        .read_as(&[Let]),
    idiom("$line ^ $type $name ^ = $value", "a variable is declared with `let`, its type behind its name")
        .fix("let $name: $type"),
    idiom("let/var ^ $name ! , $name2 ^ =", "a tuple is taken apart in round brackets")
        .help("a failure is none of its parts: it goes on to the caller, or is handled by `catch { … }`")
        .suggest("($name, $name2)"),
    idiom("$line $name ! ^ , ^ $name2 =", "each variable is assigned by itself").help("or declare both: `let ($name, $name2) = (1, 2)`"),
    idiom("let/var ^ $name ^ : $type ! ;", "a variable has a value from the start").help("`let $name: $type = …`; `if` and `match` are values, too"),
    idiom("let/var ^ $name ^ ! ;", "a variable has a value from the start").help("`let $name = …`; `if` and `match` are values, too"),
    idiom("let/var $name = $rest ^ , ^ $name2 =", "each variable is declared by itself").help("give `$name2` a line of its own"),
    idiom("^ , ^ $eol", "a statement ends with its line, without a comma").place(Place::Line).fix("").read_as(&[Newline]),
    // Loops.
    idiom("for ^ ( let/var/const/int/auto/Int $name = $value ; $name < $value2 ; $name ++ ) ^", "numbers are counted with a range")
        .fix("$name in $value..$value2"),
    idiom("for ^ $name := $value ; $name < $value2 ; $name ++ ^ {", "numbers are counted with a range")
        .fix("$name in $value..$value2"),
    idiom("for ( $rest ; $rest2 ; $rest3 )", "`for` goes over the items of a list or a range")
        .help("count with `for i in 0..n { … }`; any other loop is `while condition { … }`"),
    idiom("for $rest ; $rest2 ; $rest3 {", "`for` goes over the items of a list or a range")
        .help("count with `for i in 0..n { … }`; any other loop is `while condition { … }`"),
    idiom("for ^ ( const/let/var/val/auto/final $name of/in/: $value ) ^", "`for` has no brackets").fix("$name in $value"),
    idiom("for ^ ( $type $name : $value ) ^", "`for` has no brackets").fix("$name in $value"),
    idiom("for ^ ( $name of/in $value ) ^", "`for` has no brackets").fix("$name in $value"),
    idiom("for $name ^ of ^", "`of` is written `in`").fix("in").read_as(&[In]),
    idiom("for ^ _ , $name := range $value ^ {", "`for` goes over the items themselves").fix("$name in $value"),
    idiom("for ^ $name , $name2 := range $value ^ {", "`for` takes a tuple apart in round brackets")
        .suggest("($name, $name2) in $value.enumerate()"),
    idiom("for ^ $name , $name2 ^ in", "`for` takes a tuple apart in round brackets").fix("($name, $name2)"),
    idiom("^ for ^ {", "an endless loop is written `loop`").fix("loop").read_as(&[Loop]),
    idiom("do {", "there is no `do`").help("loop with `loop { … if done { break } }`, or `while condition { … }`"),
    idiom("$line ^ foreach ^", "`$marked` is written `for`").help("write `for item in items { … }`"),
    // Blocks by indentation.
    idiom("if/while ^ $name := $value ; ^", "a condition declares nothing").help("declare `$name` on the line before"),
    idiom("^ if/while/for/match $value ^ ! ;", BRACES).place(Place::Brace).help("write `{` at the end of this line, and `}` behind the block").indented(),
    idiom("if/while/for/match/with/elif $value ^ : ^", BRACES).place(Place::Brace).help("write `{` here, and `}` behind the block").indented(),
    idiom("try/else/finally ^ :", BRACES).help("write `{` here, and `}` behind the block").indented(),
    // Branches.
    idiom("^ ; elif/elsif/elseif ^ $value {", "`$marked` is written `else if`").fix("else if").read_as(&[Else, If]),
    idiom("^ elif/elsif/elseif ^ $value {", "`$marked` is written `else if`").fix("else if").read_as(&[Else, If]),
    idiom("if $value then $value2 else $value3", "a branch stands in braces").fix("if $value { $value2 } else { $value3 }").value(),
    idiom("if $value ^ then ^", "a branch stands in braces").help("write `if condition { … }`"),
    idiom("if/while ^ let $value = $value2 ^ {", "what matches a pattern is asked with `is`")
        .help("`value is Some(x)` binds `x` where it holds")
        .fix("$value2 is $value"),
    idiom("if/while ( $rest ) ^ return/fail/break/continue", "a branch stands in braces")
        .place(Place::Brace)
        .help("write `if condition { … }`"),
    idiom("else ^ $value", "a branch stands in braces").place(Place::Brace).fix("{ $value }"),
    idiom("$line ^ unless $value ^ {", "there is no `unless`").suggest("if not ($value)"),
    idiom("} ^ end", "a block ends with its `}`").fix("").read_as(&[]),
    // Choices.
    idiom("$line ^ when/switch ^ {", "a choice without a value is `if … else if … else`").help("write `if n < 0 { … } else { … }`"),
    idiom("$line ^ guard ^ let", "there is no `guard`").help("leave where it is missing: `let n = maybe ?? return 0`, `maybe ?? fail Missing`"),
    idiom("$line ^ switch/when/case ^ $value {", "`$marked` is written `match`")
        .help("write `match value { A => …, B => …, _ => … }`"),
    idiom("^ $int ..=/../... $int2 ^", "a pattern has no range").place(Place::Arm).help("test it with a guard: `n if n < 10 => …`"),
    idiom("{ ^ . ^ $Type =>", "a case is named without a dot").fix("").read_as(&[]),
    idiom("^ . ^ $Type ! =>", "a case is named without a dot").fix("").read_as(&[Newline]),
    idiom("^ ! , ^ $value =>", "alternatives are joined by `|`").place(Place::Arm).fix(" |").read_as(&[Bar]),
    idiom("^ case ^ $value =>", "an arm begins with its pattern").fix("").read_as(&[]),
    idiom("^ case ^ $value :/->", "an arm begins with its pattern, and `=>` stands behind it").help("write `pattern => …`"),
    idiom("^ else ^ =>/->", "the arm for all the rest is `_`").fix("_").read_as(&[Newline, Underscore]),
    // The arms of a race.
    idiom("after $value ^ ! as $name ^ =>", "`after` has no value to bind").fix("").read_as(&[]),
    idiom("^ timeout ^ $value ! =>", "in a race, a time is waited for by `after`").fix("after").read_as(&[After]),
    // Failures.
    idiom("^ throw/raise new ^ $value", "`$marked` is written `fail`, and values are made without `new`").fix("fail").value(),
    idiom("^ throw/raise ^ $value", "`$marked` is written `fail`").place(Place::Complete).fix("fail").value(),
    idiom("catch ^ ( $rest ) ^ {", "`catch` has an arm for each failure")
        .help("write `… catch { Declined(reason) => …, Expired => … }`; no `try` is needed before it"),
    idiom("catch ^ $value ^ {", "`catch` has an arm for each failure")
        .help("write `… catch { Declined(reason) => …, Expired => … }`; no `try` is needed before it"),
    idiom("^ except/rescue ^", "`$marked` is written `catch`").place(Place::Complete).help("write `… catch { Declined(reason) => … }`"),
    idiom("^ finally ^ {", "there is no `$marked`")
        .help("a `saga` undoes its steps by `compensate`; what comes after a handled failure stands behind the `catch { … }`"),
    idiom("$line ^ defer ^", "there is no `defer`").help("in a `saga`, `compensate` says how a step is undone if a later one fails"),
    // What other systems have statements for.
    idiom("$line ^ go ^ $name", "`$marked` is written `spawn`").place(Place::Complete).fix("spawn").read_as(&[Spawn]),
    idiom("parallel [ $rest ]", "the branches of `parallel` stand in braces").fix("parallel { $rest }").value(),
    idiom("$line ^ retry ^ $value {", "how often a step is tried is said by its activity")
        .help("in the activity: `retry: exponential(attempts: 3)`; at one call: `ping() using (retry: …)`"),
    idiom("$line ^ after ^ $value {", "`after` is an arm of a `race`")
        .help("to wait, `sleep 1h`; to give up on something, `timeout 1h { … }`"),
    idiom("$line ^ delete ^ $value", "there is no `delete`").help("values never change: `m = m.remove(key)`"),
    idiom("$line ^ yield/emit ^ $value", "there is no `$marked`").help("a `state` is read from outside by a `query`"),
    idiom("$line ^ fn/function/func/fun/def ^ $name (", "functions are declared at the top of a file")
        .help("in a body, give a lambda a name: `let double = |n: Int| n * 2`"),
    idiom("$line ^ -- ^ $name", "a comment begins with `//`").fix("//"),
];
