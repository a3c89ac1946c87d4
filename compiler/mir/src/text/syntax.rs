//! How each part of MIR is written: one table that both the printer and the parser are made of.

use super::UNNUMBERED;
use super::cursor::{Cursor, TextError};
use crate::heap::json::number;
use crate::ids::{ActivityId, BlockId, ConstantId, FunctionId, LocalId, TypeId, WorkflowId};
use crate::instruction::{BinaryOp, Branch, HostOp, Op, RaceArm, SuspendOp, Terminator, UnaryOp};
use crate::intrinsic::Intrinsic;
use crate::program::Constant;
use crate::types::{Case, Field, FieldDefault, Type};
use rust_decimal::Decimal;
use std::fmt::Write;

/// Something that can be written and read.
pub(super) trait Syntax: Sized {
    fn print(&self, text: &mut String);
    fn parse(cursor: &mut Cursor<'_>) -> Result<Self, TextError>;
}

/// Writes a keyword, a space and a part.
pub(super) fn field(text: &mut String, keyword: &str, part: &impl Syntax) {
    text.push_str(keyword);
    text.push(' ');
    part.print(text);
}

macro_rules! ids {
    ($($id:ident $prefix:literal;)*) => {$(
        impl Syntax for $id {
            fn print(&self, text: &mut String) {
                _ = write!(text, "{self}");
            }
            fn parse(cursor: &mut Cursor<'_>) -> Result<Self, TextError> {
                let word = cursor.word()?;
                let number = word.strip_prefix($prefix).and_then(|number| number.parse().ok());
                number.map($id).ok_or_else(|| cursor.error(&format!(concat!("`{}` is no ", stringify!($id)), word)))
            }
        }
    )*};
}

ids! {
    TypeId "t"; FunctionId "f"; BlockId "b"; LocalId "_"; ActivityId "activity"; WorkflowId "workflow"; ConstantId "const";
}

/// Writes and reads the variants of an enum as a keyword and the listed fields.
macro_rules! variants {
    ($type:ident $what:literal { $($variant:ident $keyword:literal { $($field:tt : $name:ident),* })* }) => {
        impl Syntax for $type {
            fn print(&self, text: &mut String) {
                match self {
                    $($type::$variant { $($field: $name),* } => {
                        text.push_str($keyword);
                        $(field(text, "", $name);)*
                    })*
                }
            }
            fn parse(cursor: &mut Cursor<'_>) -> Result<Self, TextError> {
                match cursor.word()? {
                    $($keyword => Ok($type::$variant { $($field: { let $name = Syntax::parse(cursor)?; $name }),* }),)*
                    other => Err(cursor.error(&format!(concat!("`{}` is no ", $what), other))),
                }
            }
        }
    };
}

variants! { Type "type" {
    Unit "unit" {} Bool "bool" {} Int "int" {} Float "float" {} Duration "duration" {} Timestamp "timestamp" {}
    Decimal "decimal" {} String "string" {} Bytes "bytes" {} Json "json" {} Error "error" {} Never "never" {}
    List "list" { 0: item } Set "set" { 0: item } Map "map" { 0: key, 1: value } Option "option" { 0: item }
    Tuple "tuple" { 0: items } Record "record" { name: name, fields: fields }
    Enum "enum" { name: name, cases: cases, error: error } Distinct "distinct" { name: name, inner: inner }
    Function "function" { params: params, returns: returns, suspends: suspends }
} }

variants! { BinaryOp "binary operator" {
    IntAdd "int_add" {} IntSubtract "int_subtract" {} IntMultiply "int_multiply" {} IntDivide "int_divide" {}
    IntRemainder "int_remainder" {} IntEqual "int_equal" {} IntNotEqual "int_not_equal" {} IntLess "int_less" {}
    IntLessEqual "int_less_equal" {} IntGreater "int_greater" {} IntGreaterEqual "int_greater_equal" {}
    FloatAdd "float_add" {} FloatSubtract "float_subtract" {} FloatMultiply "float_multiply" {}
    FloatDivide "float_divide" {} FloatRemainder "float_remainder" {} IntCount "int_count" {} FloatEqual "float_equal" {} FloatNotEqual "float_not_equal" {}
    FloatLess "float_less" {} FloatLessEqual "float_less_equal" {} FloatGreater "float_greater" {}
    FloatGreaterEqual "float_greater_equal" {}
} }

variants! { UnaryOp "unary operator" { IntNegate "int_negate" {} FloatNegate "float_negate" {} Not "not" {} } }

variants! { HostOp "host operation" {
    Now "now" {} SagaEnter "saga_enter" { unordered: unordered } SagaSucceed "saga_succeed" {}
    SagaCommit "saga_commit" {} Compensate "compensate" { function: function } TimeoutEnter "timeout_enter" {}
    TimeoutExit "timeout_exit" {} TimeoutExpired "timeout_expired" {} ShieldEnter "shield_enter" {}
    ShieldExit "shield_exit" {} ScopeEnter "scope_enter" {} Spawn "spawn" { function: function, kept: kept }
    ChildId "child_id" { workflow: workflow }
    StateGet "state_get" { state: state } StateSet "state_set" { state: state }
    ProgressTotal "progress_total" {} ProgressStep "progress_step" {} Index "index" { name: name, ty: ty } Log "log" {}
    Env "env" { name: name } StepKey "step_key" {} LogLine "log_line" {} Random "random" {} Variable "variable" {}
} }

variants! { SuspendOp "suspending operation" {
    Call "call" { function: function, args: args } CallClosure "call_closure" { closure: closure, args: args }
    Activity "activity" {
        activity: activity, args: args, policy: policy, interruptible: interruptible, own_retry: own_retry,
        own_deadline: own_deadline
    }
    Sleep "sleep" { duration: duration } SleepUntil "sleep_until" { until: until }
    Parallel "parallel" { branches: branches, first: first }
    ParallelFor "parallel_for" { items: items, branch: branch, max: max, first: first }
    Await "await" { strand: strand } ScopeEnd "scope_end" { scope: scope, cancel: cancel }
    Tell "tell" { workflow: workflow, signal: signal, to: to, value: value }
    Ask "ask" {
        workflow: workflow, update: update, index: index, to: to, args: args, interruptible: interruptible
    }
    Detach "detach" { workflow: workflow, args: args, id: id }
    Race "race" { arms: arms } SagaUnwind "saga_unwind" { saga: saga, error: error }
    Workflow "workflow" { workflow: workflow, args: args } Receive "receive" { signal: signal }
    WaitUntil "wait_until" { condition: condition, states: states }
    Connector "connector" { name: name, args: args }
} }

variants! { RaceArm "arm" {
    Strand "strand" { 0: branch } After "after" { 0: duration } Receive "receive" { signal: signal }
    WaitUntil "wait_until" { condition: condition, states: states }
} }

/// Either part of a block.
pub(super) enum Statement {
    Op(Op),
    Terminator(Terminator),
}

macro_rules! operations {
    ($($variant:ident $keyword:literal { $($field:tt),* })*) => {
        impl Op {
            pub(super) fn print(&self, text: &mut String) {
                match self {
                    $(Op::$variant { dst, $($field),* } => {
                        _ = write!(text, "{dst} = {}", $keyword);
                        $(field(text, "", $field);)*
                    })*
                    Op::Trace { error, values } => {
                        field(text, "trace", error);
                        field(text, "", values);
                    }
                    Op::Share { value } => field(text, "share", value),
                }
            }
        }

        fn operation(cursor: &mut Cursor<'_>, dst: LocalId, keyword: &str) -> Result<Op, TextError> {
            match keyword {
                $($keyword => Ok(Op::$variant { dst, $($field: Syntax::parse(cursor)?),* }),)*
                other => Err(cursor.error(&format!("`{other}` is no instruction"))),
            }
        }
    };
}

operations! {
    Word "word" { word } Constant "constant" { constant } Copy "copy" { src } Binary "binary" { op, left, right }
    Unary "unary" { op, operand } Equal "equal" { left, right } MakeTuple "make_tuple" { fields }
    Field "field" { base, index } With "with" { base, fields } MakeCase "make_case" { case, fields }
    CaseOf "case_of" { base } CaseField "case_field" { base, case, index } MakeSome "make_some" { value }
    IsSome "is_some" { option } Unwrap "unwrap" { option } MakeList "make_list" { items }
    ListGet "list_get" { list, index } ListLen "list_len" { list } Call "call" { function, args }
    MakeClosure "make_closure" { function, captures } CallClosure "call_closure" { closure, args }
    Capture "capture" { environment, index } Intrinsic "intrinsic" { intrinsic, types, args }
    MakeError "make_error" { value } ErrorIs "error_is" { error, ty } ErrorValue "error_value" { error }
    ErrorUnknownKey "error_unknown_key" { error } Host "host" { op, args }
}

impl Terminator {
    pub(super) fn print(&self, text: &mut String) {
        match self {
            Terminator::Goto(next) => field(text, "goto", next),
            Terminator::Branch { condition, then, otherwise } => {
                field(text, "branch", condition);
                field(text, "", then);
                field(text, "", otherwise);
            }
            Terminator::Switch { value, targets, otherwise } => {
                field(text, "switch", value);
                field(text, "", targets);
                field(text, "", otherwise);
            }
            Terminator::Return(local) => field(text, "return", local),
            Terminator::Raise(local) => field(text, "raise", local),
            Terminator::Safepoint { next, .. } => field(text, "safepoint", next),
            Terminator::Suspend { dst, op, next, .. } => {
                dst.print(text);
                field(text, " = suspend", op);
                field(text, " then", next);
            }
            Terminator::Unreachable => text.push_str("unreachable"),
        }
    }
}

/// Reads an instruction or a terminator.
pub(super) fn statement(cursor: &mut Cursor<'_>) -> Result<Statement, TextError> {
    if cursor.peek().starts_with('_') {
        let dst = LocalId::parse(cursor)?;
        cursor.expect("=")?;
        if cursor.skip("suspend") {
            let op = SuspendOp::parse(cursor)?;
            cursor.expect("then")?;
            let next = BlockId::parse(cursor)?;
            return Ok(Statement::Terminator(Terminator::Suspend { dst, op, next, suspension: UNNUMBERED }));
        }
        let keyword = cursor.word()?;
        return operation(cursor, dst, keyword).map(Statement::Op);
    }
    Ok(Statement::Terminator(match cursor.word()? {
        "trace" => {
            let (error, values) = (Syntax::parse(cursor)?, Syntax::parse(cursor)?);
            return Ok(Statement::Op(Op::Trace { error, values }));
        }
        "share" => return Ok(Statement::Op(Op::Share { value: Syntax::parse(cursor)? })),
        "goto" => Terminator::Goto(Syntax::parse(cursor)?),
        "branch" => {
            let (condition, then) = (Syntax::parse(cursor)?, Syntax::parse(cursor)?);
            Terminator::Branch { condition, then, otherwise: Syntax::parse(cursor)? }
        }
        "switch" => {
            let (value, targets) = (Syntax::parse(cursor)?, Syntax::parse(cursor)?);
            Terminator::Switch { value, targets, otherwise: Syntax::parse(cursor)? }
        }
        "return" => Terminator::Return(Syntax::parse(cursor)?),
        "raise" => Terminator::Raise(Syntax::parse(cursor)?),
        "safepoint" => Terminator::Safepoint { next: Syntax::parse(cursor)?, suspension: UNNUMBERED },
        "unreachable" => Terminator::Unreachable,
        other => return Err(cursor.error(&format!("`{other}` is no instruction"))),
    }))
}

impl<T: Syntax> Syntax for Vec<T> {
    fn print(&self, text: &mut String) {
        text.push('[');
        for (at, item) in self.iter().enumerate() {
            text.push_str(if at > 0 { ", " } else { "" });
            item.print(text);
        }
        text.push(']');
    }

    fn parse(cursor: &mut Cursor<'_>) -> Result<Self, TextError> {
        let mut items = Vec::new();
        cursor.expect("[")?;
        while !cursor.skip("]") {
            items.push(T::parse(cursor)?);
            cursor.skip(",");
        }
        Ok(items)
    }
}

impl<T: Syntax> Syntax for Option<T> {
    fn print(&self, text: &mut String) {
        match self {
            Some(value) => value.print(text),
            None => text.push_str("none"),
        }
    }

    fn parse(cursor: &mut Cursor<'_>) -> Result<Self, TextError> {
        if cursor.skip("none") { Ok(None) } else { T::parse(cursor).map(Some) }
    }
}

impl Syntax for (u32, LocalId) {
    fn print(&self, text: &mut String) {
        _ = write!(text, "{}: {}", self.0, self.1);
    }

    fn parse(cursor: &mut Cursor<'_>) -> Result<Self, TextError> {
        let index = u32::parse(cursor)?;
        cursor.expect(":")?;
        Ok((index, LocalId::parse(cursor)?))
    }
}

impl Syntax for u32 {
    fn print(&self, text: &mut String) {
        _ = write!(text, "{self}");
    }

    fn parse(cursor: &mut Cursor<'_>) -> Result<Self, TextError> {
        let word = cursor.word()?;
        word.parse().map_err(|_| cursor.error(&format!("`{word}` is no number")))
    }
}

/// Words are written as signed integers.
impl Syntax for u64 {
    fn print(&self, text: &mut String) {
        _ = write!(text, "{}", *self as i64);
    }

    fn parse(cursor: &mut Cursor<'_>) -> Result<Self, TextError> {
        let word = cursor.word()?;
        let number =
            word.parse::<i64>().map_err(|_| cursor.error(&format!("`{word}` is no 64-bit integer")))?;
        Ok(number as u64)
    }
}

impl Syntax for bool {
    fn print(&self, text: &mut String) {
        _ = write!(text, "{self}");
    }

    fn parse(cursor: &mut Cursor<'_>) -> Result<Self, TextError> {
        match cursor.word()? {
            "true" => Ok(true),
            "false" => Ok(false),
            other => Err(cursor.error(&format!("`{other}` is neither true nor false"))),
        }
    }
}

impl Syntax for String {
    fn print(&self, text: &mut String) {
        _ = write!(text, "{}", serde_json::Value::from(self.as_str()));
    }

    fn parse(cursor: &mut Cursor<'_>) -> Result<Self, TextError> {
        let word = cursor.word()?;
        serde_json::from_str(word)
            .map_err(|_| cursor.error(&format!("expected a string in quotes, found `{word}`")))
    }
}

impl Syntax for Intrinsic {
    fn print(&self, text: &mut String) {
        text.push_str(self.name());
    }

    fn parse(cursor: &mut Cursor<'_>) -> Result<Self, TextError> {
        let word = cursor.word()?;
        Intrinsic::from_name(word).ok_or_else(|| cursor.error(&format!("`{word}` is no library operation")))
    }
}

impl Syntax for Branch {
    fn print(&self, text: &mut String) {
        self.function.print(text);
        field(text, "", &self.captures);
    }

    fn parse(cursor: &mut Cursor<'_>) -> Result<Self, TextError> {
        Ok(Branch { function: Syntax::parse(cursor)?, captures: Syntax::parse(cursor)? })
    }
}

impl Syntax for Field {
    fn print(&self, text: &mut String) {
        self.name.print(text);
        field(text, ":", &self.ty);
        if let Some(default) = &self.default {
            field(text, " =", &default.json);
        }
    }

    fn parse(cursor: &mut Cursor<'_>) -> Result<Self, TextError> {
        let name = Syntax::parse(cursor)?;
        cursor.expect(":")?;
        let ty = Syntax::parse(cursor)?;
        let default = match cursor.skip("=") {
            true => Some(FieldDefault { json: Syntax::parse(cursor)? }),
            false => None,
        };
        Ok(Field { name, ty, default })
    }
}

impl Syntax for Case {
    fn print(&self, text: &mut String) {
        self.name.print(text);
        field(text, "", &self.fields);
    }

    fn parse(cursor: &mut Cursor<'_>) -> Result<Self, TextError> {
        Ok(Case { name: Syntax::parse(cursor)?, fields: Syntax::parse(cursor)? })
    }
}

impl Syntax for Constant {
    fn print(&self, text: &mut String) {
        match self {
            Constant::String(value) => field(text, "string", value),
            Constant::Decimal(bytes) => _ = write!(text, "decimal \"{}\"", Decimal::deserialize(*bytes)),
            Constant::Bytes(bytes) => {
                let items: Vec<u32> = bytes.iter().map(|byte| u32::from(*byte)).collect();
                field(text, "bytes", &items);
            }
        }
    }

    fn parse(cursor: &mut Cursor<'_>) -> Result<Self, TextError> {
        match cursor.word()? {
            "string" => Ok(Constant::String(Syntax::parse(cursor)?)),
            "decimal" => {
                let digits = String::parse(cursor)?;
                let value = Decimal::from_str_exact(&digits);
                let value = value.map_err(|_| cursor.error(&format!("{} is no decimal", number(&digits))))?;
                Ok(Constant::Decimal(value.serialize()))
            }
            "bytes" => {
                let items = Vec::<u32>::parse(cursor)?;
                let bytes = items.into_iter().map(u8::try_from).collect::<Result<_, _>>();
                bytes.map(Constant::Bytes).map_err(|_| cursor.error("a byte is at most 255"))
            }
            other => Err(cursor.error(&format!("`{other}` is no kind of constant"))),
        }
    }
}
