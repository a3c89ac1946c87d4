//! `Error` objects: the value raised, its trace, and the key of the call that ended unknown.

use super::{Heap, OutOfMemory, RESERVE};
use crate::ids::{Id, TypeId};

/// What a trap reports. The text is the `kind` field of `std.errors.Trap`; programs may match on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum TrapKind {
    /// An integer, decimal, duration or timestamp left its range.
    Overflow,
    /// Division or remainder by zero.
    DivisionByZero,
    /// A float operation gave no number.
    NotANumber,
    /// No such item in a list.
    IndexOutOfRange,
    /// No such key, or a value that isn't what the operation needs.
    InvalidValue,
    /// JSON that doesn't fit the expected type, or isn't JSON.
    JsonMismatch,
    /// Calls nested too deeply.
    RecursionTooDeep,
    /// The strand's memory limit.
    OutOfMemory,
    /// No suspension for too long.
    RanTooLong,
    /// The program does what the compiler should have prevented.
    Internal,
}

impl TrapKind {
    /// All of them, by number.
    pub const ALL: [TrapKind; 10] = [
        TrapKind::Overflow,
        TrapKind::DivisionByZero,
        TrapKind::NotANumber,
        TrapKind::IndexOutOfRange,
        TrapKind::InvalidValue,
        TrapKind::JsonMismatch,
        TrapKind::RecursionTooDeep,
        TrapKind::OutOfMemory,
        TrapKind::RanTooLong,
        TrapKind::Internal,
    ];

    /// The `kind` field of the trap.
    pub fn text(self) -> &'static str {
        match self {
            TrapKind::Overflow => "overflow",
            TrapKind::DivisionByZero => "division by zero",
            TrapKind::NotANumber => "not a number",
            TrapKind::IndexOutOfRange => "index out of range",
            TrapKind::InvalidValue => "invalid value",
            TrapKind::JsonMismatch => "json mismatch",
            TrapKind::RecursionTooDeep => "recursion too deep",
            TrapKind::OutOfMemory => "out of memory",
            TrapKind::RanTooLong => "ran too long without a suspension",
            TrapKind::Internal => "internal error",
        }
    }
}

/// The words of an `Error` object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorParts {
    /// The type of the value.
    pub ty: TypeId,
    /// The value: of an error type.
    pub value: u64,
    /// The trace so far, a `String`, or 0.
    pub trace: u64,
    /// The key of the call that ended unknown, a `String`, or 0.
    pub unknown_key: u64,
}

/// A longer message says no more.
const LONGEST_MESSAGE: usize = 1000;
/// A trace that has grown past this keeps its innermost lines.
const LONGEST_TRACE: usize = 16 << 10;

impl Heap {
    /// An `Error` that carries `value`, which is of the error type `ty`.
    pub fn make_error(&mut self, ty: TypeId, value: u64) -> Result<u64, OutOfMemory> {
        self.alloc_from(&[u64::from(ty.0), value, 0, 0])
    }

    /// A trap. Always gives an `Error`: where even the reserve is used up, the one that says so.
    pub fn make_trap(&mut self, kind: TrapKind, message: &str) -> u64 {
        if kind == TrapKind::OutOfMemory {
            return self.out_of_memory();
        }
        self.build_trap(kind, message).unwrap_or_else(|_| self.out_of_memory())
    }

    /// The trap "out of memory"; the same one each time.
    pub fn out_of_memory(&mut self) -> u64 {
        if self.out_of_memory == 0 {
            let limit = self.limits.heap_words;
            let own = limit.saturating_sub(self.lent());
            let message = format!("the strand's values need more than its {own} words");
            // Twice the reserve always suffices: other traps stop at half of it.
            let bounds = limit.saturating_add(2 * RESERVE);
            self.out_of_memory = self.build_trap_below(TrapKind::OutOfMemory, &message, bounds).unwrap_or(0);
        }
        self.out_of_memory
    }

    fn build_trap(&mut self, kind: TrapKind, message: &str) -> Result<u64, OutOfMemory> {
        self.build_trap_below(kind, message, self.limits.heap_words.saturating_add(RESERVE))
    }

    fn build_trap_below(&mut self, kind: TrapKind, message: &str, limit: usize) -> Result<u64, OutOfMemory> {
        let end = (0..=LONGEST_MESSAGE.min(message.len())).rev().find(|end| message.is_char_boundary(*end));
        let message = end.and_then(|end| message.get(..end)).unwrap_or(message);
        let kind = self.bytes_below(kind.text().as_bytes(), limit)?;
        let message = self.bytes_below(message.as_bytes(), limit)?;
        let value = self.alloc_below(3, limit)?;
        self.slice_mut(value, 0, 3).copy_from_slice(&[0, kind, message]);
        let error = self.alloc_below(4, limit)?;
        let ty = u64::from(self.known.trap.0);
        self.slice_mut(error, 0, 4).copy_from_slice(&[ty, value, 0, 0]);
        Ok(error)
    }

    /// What an `Error` consists of.
    pub fn error_parts(&self, error: u64) -> ErrorParts {
        ErrorParts {
            ty: TypeId::new(usize::try_from(self.get(error, 0)).unwrap_or(usize::MAX)),
            value: self.get(error, 1),
            trace: self.get(error, 2),
            unknown_key: self.get(error, 3),
        }
    }

    /// Kind and message, where the `Error` is a trap.
    pub fn trap_parts(&self, error: u64) -> Option<(&str, &str)> {
        let parts = self.error_parts(error);
        let is_trap = error != 0 && parts.ty == self.known.trap;
        is_trap.then(|| (self.str_at(self.get(parts.value, 1)), self.str_at(self.get(parts.value, 2))))
    }

    /// The trace: one line per function passed, the innermost first.
    pub fn error_trace(&self, error: u64) -> &str {
        self.str_at(self.get(error, 2))
    }

    /// Adds a line to the trace. Without memory, or past 16 KiB, the trace stays as it is.
    pub fn append_trace(&mut self, error: u64, line: &str) {
        let mut trace = self.error_trace(error).to_owned();
        if error == self.out_of_memory || trace.len() + line.len() > LONGEST_TRACE {
            return;
        }
        if !trace.is_empty() {
            trace.push('\n');
        }
        trace.push_str(line);
        if let Ok(text) = self.string(&trace) {
            self.set(error, 2, text);
        }
    }

    /// The key of the call that ended unknown, where the error came from one.
    pub fn unknown_key(&self, error: u64) -> Option<&str> {
        let key = self.get(error, 3);
        (key != 0).then(|| self.str_at(key))
    }

    /// Marks the error as raised by a call that ended unknown.
    pub fn set_unknown_key(&mut self, error: u64, key: &str) -> Result<(), OutOfMemory> {
        let key = self.string(key)?;
        self.set(error, 3, key);
        Ok(())
    }
}
