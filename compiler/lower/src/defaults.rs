//! Defaults of record fields as JSON, for decoding values that leave them out. A default is evaluated by the reference
//! interpreter, so that it means exactly what it means where the record is built.

use crate::builder::{Context, FunctionLowering};
use crate::calls::NO_LOCALS;
use crate::codes;
use crate::error::LowerError;
use crate::program::Lowering;
use crate::types::DefaultToFill;
use flow_analysis::hir::{Expr, ExprKind, Literal};
use flow_mir::executor::NoHost;
use flow_mir::strand::{Stop, Strand};
use flow_mir::{Function, Heap, Interpreter, Limits, Program, Table, value};
use std::rc::Rc;
use std::sync::Arc;

impl<'a> Lowering<'a> {
    /// Gives record fields their defaults.
    pub(crate) fn fill_defaults(&mut self) -> Result<(), LowerError> {
        for default in std::mem::take(&mut self.types.defaults) {
            let json = match simple(default.value) {
                Some(json) => json,
                None => match self.evaluate(&default)? {
                    Some(json) => json,
                    // A function, say: JSON never has it, so nothing is decoded without it either.
                    None => continue,
                },
            };
            self.types.set_default(default.record, default.field, json);
        }
        Ok(())
    }

    fn evaluate(&self, default: &DefaultToFill<'a>) -> Result<Option<String>, LowerError> {
        let span = default.value.span;
        let mut lowering = Lowering::new(self.program, self.sources)?;
        let id = lowering.reserve()?;
        let function = lowering.default_function(default)?;
        let ty = function.returns;
        lowering.fill(id, function);
        lowering.make_functions()?;
        let program: Arc<Program> = Arc::new(lowering.into_program(Table::new(), Table::new())?);
        let interpreter = Interpreter::new(Arc::clone(&program));
        let mut strand = Strand::new(Heap::new(program.known, Limits::default()), id, Vec::new());
        match strand.run(&interpreter, &mut NoHost, Ok(0)) {
            Stop::Returned(word) => {
                let json = value::to_json(&program, strand.heap(), ty, word);
                Ok(json.ok().map(|json| json.to_string()))
            }
            Stop::Raised(error) => {
                let trap = strand.heap().trap_parts(error);
                let why = trap
                    .map_or_else(|| "it fails".to_string(), |(kind, message)| format!("{kind}: {message}"));
                Err(LowerError::limit(codes::NO_DEFAULT, format!("this default has no value: {why}"), span))
            }
            Stop::Suspended(_) => Err(LowerError::internal("a default suspends", span)),
        }
    }

    fn default_function(&mut self, default: &DefaultToFill<'a>) -> Result<Function, LowerError> {
        let type_args = default.type_args.clone();
        let context = Context { locals: &NO_LOCALS, params: &[], type_args, suspending: Vec::new() };
        let span = default.value.span;
        let mut function = FunctionLowering::new(self, Rc::new(context), "default".into(), span, false);
        function.returns = function.ty(default.value.ty, span)?;
        let value = function.returned_value(default.value);
        function.return_value(value)?;
        Ok(function.finish())
    }
}

/// The defaults that most fields have, without a run.
fn simple(value: &Expr) -> Option<String> {
    match &value.kind {
        ExprKind::None => Some("null".into()),
        ExprKind::Literal(Literal::Bool(value)) => Some(value.to_string()),
        ExprKind::Literal(Literal::Int(value)) => Some(value.to_string()),
        ExprKind::List(items) if items.is_empty() => Some("[]".into()),
        _ => None,
    }
}
