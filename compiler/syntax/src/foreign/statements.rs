//! Statements: loops, branches, handlers, declarations of variables.

use super::{Idiom, Place, idiom};
use crate::token::TokenKind::{Else, Fail, If, In, Let, Loop, Newline, Spawn, Underscore, Var};

const BRACES: &str = "a block stands in braces";

pub(super) const TABLE: &[Idiom] = &[
    // Variables.
    idiom("^ let mut ^", "`let mut` is written `var`").fix("var").read_as(&[Var]),
    idiom("$line $name := $value", "a variable is declared with `let`, or `var` if it changes").fix("let $name = $value"),
    idiom("$line ^ const ^ $name", "constants are declared at the top of a file")
        .help("in a body, a variable that never changes is declared with `let`")
        .fix("let")
        .read_as(&[Let]),
    idiom("$line ^ val/final/auto/my ^ $name", "a variable is declared with `let`, or `var` if it changes")
        .place(Place::Complete)
        .fix("let")
        .read_as(&[Let]),
    idiom("$line ^ $type $name ^ = $value", "a variable is declared with `let`, its type behind its name")
        .place(Place::Complete)
        .fix("let $name: $type"),
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
    idiom("$line ^ foreach ^", "`foreach` is written `for`").help("write `for item in items { … }`"),
    // Blocks by indentation.
    idiom("if/while/for/match/with/elif $value ^ : ^", BRACES).place(Place::Brace).help("write `{` here, and `}` behind the block").indented(),
    idiom("try/else/finally ^ :", BRACES).help("write `{` here, and `}` behind the block").indented(),
    // Branches.
    idiom("^ ; elif/elsif/elseif ^ $value {", "`elif` is written `else if`").fix("else if").read_as(&[Else, If]),
    idiom("^ elif/elsif/elseif ^ $value {", "`elif` is written `else if`").fix("else if").read_as(&[Else, If]),
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
    idiom("$line ^ switch/when/case ^ $value {", "`switch` is written `match`")
        .help("write `match value { A => …, B => …, _ => … }`"),
    idiom("^ case ^ $value =>", "an arm begins with its pattern").fix("").read_as(&[]),
    idiom("^ case ^ $value :/->", "an arm begins with its pattern, and `=>` stands behind it").help("write `pattern => …`"),
    idiom("^ else ^ =>/->", "the arm for all the rest is `_`").fix("_").read_as(&[Newline, Underscore]),
    // Failures.
    idiom("^ throw/raise new ^", "`throw` is written `fail`, and values are made without `new`").fix("fail").read_as(&[Fail]),
    idiom("^ throw/raise ^", "`throw` is written `fail`").place(Place::Complete).fix("fail").read_as(&[Fail]),
    idiom("catch ^ ( $rest ) ^ {", "`catch` has an arm for each failure")
        .help("write `… catch { Declined(reason) => …, Expired => … }`; no `try` is needed before it"),
    idiom("catch ^ $value ^ {", "`catch` has an arm for each failure")
        .help("write `… catch { Declined(reason) => …, Expired => … }`; no `try` is needed before it"),
    idiom("^ except/rescue ^", "`except` is written `catch`").place(Place::Complete).help("write `… catch { Declined(reason) => … }`"),
    idiom("^ finally ^ {", "there is no `finally`")
        .help("a `saga` undoes its steps by `compensate`; what comes after a handled failure stands behind the `catch { … }`"),
    idiom("$line ^ defer ^", "there is no `defer`").help("in a `saga`, `compensate` says how a step is undone if a later one fails"),
    // What other systems have statements for.
    idiom("$line ^ go ^ $name", "`go` is written `spawn`").place(Place::Complete).fix("spawn").read_as(&[Spawn]),
    idiom("parallel [ $rest ]", "the branches of `parallel` stand in braces").fix("parallel { $rest }").value(),
    idiom("$line ^ retry ^ $value {", "how often a step is tried is said by its activity")
        .help("in the activity: `retry: exponential(attempts: 3)`; at one call: `ping() using (retry: …)`"),
    idiom("$line ^ after ^ $value {", "`after` is an arm of a `race`")
        .help("to wait, `sleep 1h`; to give up on something, `timeout 1h { … }`"),
    idiom("$line ^ delete ^ $value", "there is no `delete`").help("values never change: `m = m.remove(key)`"),
    idiom("$line ^ yield/emit ^ $value", "there is no `yield`").help("a `state` is read from outside by a `query`"),
    idiom("$line ^ fn/function/func/fun/def ^ $name (", "functions are declared at the top of a file")
        .help("in a body, give a lambda a name: `let double = |n: Int| n * 2`"),
    idiom("$line ^ -- ^ $name", "a comment begins with `//`").fix("//"),
];
