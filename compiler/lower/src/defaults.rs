//! Defaults of record fields and parameters as JSON, for decoding values that leave them out. A default is evaluated by the
//! reference interpreter, so that it means exactly what it means where the record is built or the call is made.

use crate::builder::{Context, FunctionLowering};
use crate::codes;
use crate::error::LowerError;
use crate::program::Lowering;
use flow_analysis::hir::{self, Expr, ExprKind, Literal, Ty};
use flow_mir::executor::NoHost;
use flow_mir::strand::{Stop, Strand};
use flow_mir::{FieldDefault, Function, Heap, Interpreter, Limits, Program, Table, value};
use std::rc::Rc;
use std::sync::Arc;

impl<'a> Lowering<'a> {
    /// Gives record fields their defaults.
    pub(crate) fn fill_defaults(&mut self) -> Result<(), LowerError> {
        for default in std::mem::take(&mut self.types.defaults) {
            match self.evaluate(default.value, default.type_args)? {
                Evaluated::Json(json) => self.types.set_default(default.record, default.field, json),
                // A function, say: JSON never has it, so nothing is decoded without it either.
                Evaluated::NoJson => {}
                Evaluated::Fails(why) => {
                    let message = format!("this default has no value: {why}");
                    return Err(LowerError::limit(codes::NO_DEFAULT, message, default.value.value.span));
                }
            }
        }
        Ok(())
    }

    /// What a parameter is where those outside give nothing. A default that asks for the time, or does a step, has no
    /// value here: only calls in the program have it.
    pub(crate) fn param_default(&self, param: &'a hir::Param) -> Result<Option<FieldDefault>, LowerError> {
        let Some(default) = &param.default else { return Ok(None) };
        match self.evaluate(default, Vec::new())? {
            Evaluated::Json(json) => Ok(Some(FieldDefault { json })),
            Evaluated::NoJson | Evaluated::Fails(_) => Ok(None),
        }
    }

    fn evaluate(&self, default: &'a hir::Body, type_args: Vec<Ty>) -> Result<Evaluated, LowerError> {
        if let Some(json) = simple(&default.value) {
            return Ok(Evaluated::Json(json));
        }
        let mut lowering = Lowering::new(self.program, self.sources)?;
        let id = lowering.reserve()?;
        let function = lowering.default_function(default, type_args)?;
        let ty = function.returns;
        lowering.fill(id, function);
        lowering.make_functions()?;
        let program: Arc<Program> = Arc::new(lowering.into_program(Table::new(), Table::new())?);
        let interpreter = Interpreter::new(Arc::clone(&program));
        let mut strand = Strand::new(Heap::new(program.known, Limits::default()), id, Vec::new());
        Ok(match strand.run(&interpreter, &mut NoHost, Ok(0)) {
            Stop::Returned(word) => match value::to_json(&program, strand.heap(), ty, word) {
                Ok(json) => Evaluated::Json(json.to_string()),
                Err(_) => Evaluated::NoJson,
            },
            Stop::Raised(error) => {
                let trap = strand.heap().trap_parts(error);
                Evaluated::Fails(
                    trap.map_or_else(|| "it fails".into(), |(kind, message)| format!("{kind}: {message}")),
                )
            }
            Stop::Suspended(_) => Evaluated::Fails("it waits".into()),
        })
    }

    fn default_function(
        &mut self,
        default: &'a hir::Body,
        type_args: Vec<Ty>,
    ) -> Result<Function, LowerError> {
        let context = Context { locals: &default.locals, params: &[], type_args, suspending: Vec::new() };
        let span = default.value.span;
        // A parameter's default may wait, which shows when it is run.
        let mut function = FunctionLowering::new(self, Rc::new(context), "default".into(), span, true);
        function.returns = function.ty(default.value.ty, span)?;
        let value = function.returned_value(&default.value);
        function.return_value(value)?;
        Ok(function.finish())
    }
}

/// What the reference interpreter makes of a default.
enum Evaluated {
    Json(String),
    NoJson,
    /// And why.
    Fails(String),
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
