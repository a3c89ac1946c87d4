//! `--input`: a JSON object by parameter name, or `@file`.

use crate::exit::Failure;
use flow_mir::value::{Image, from_json_fields};
use flow_mir::{Heap, Limits, Program, Workflow};
use serde_json::Value;

/// The arguments of a workflow as an image.
pub(crate) fn arguments(
    program: &Program,
    workflow: &Workflow,
    text: Option<&str>,
) -> Result<Vec<u8>, Failure> {
    let json = match text {
        Some(text) => parse(text)?,
        None => Value::Object(serde_json::Map::new()),
    };
    let mut heap = Heap::new(program.known, Limits::default());
    let words = from_json_fields(program, &mut heap, &workflow.params, &json).map_err(|mismatch| {
        let place = if mismatch.path.is_empty() {
            "--input".into()
        } else {
            format!("--input, at `{}`", mismatch.path)
        };
        let expected = format!("expected {}, found {}", mismatch.expected, mismatch.found);
        Failure::usage(format!(
            "{place}: {expected}\n  {} takes {}",
            workflow.name,
            signature(program, workflow)
        ))
    })?;
    let roots: Vec<_> = workflow.params.iter().map(|param| param.ty).zip(words).collect();
    let image = Image::capture(program, &heap, &roots)
        .map_err(|error| Failure::usage(format!("--input: {error}")))?;
    Ok(image.encode())
}

/// The arguments of an update or query.
pub(crate) fn object(text: Option<&str>) -> Result<Value, Failure> {
    text.map_or_else(|| Ok(Value::Object(serde_json::Map::new())), parse)
}

/// JSON text, or that of `@FILE`.
pub(crate) fn parse(text: &str) -> Result<Value, Failure> {
    let (origin, text) = match text.strip_prefix('@') {
        Some(path) => {
            let read = std::fs::read_to_string(path);
            (
                path.to_owned(),
                read.map_err(|error| Failure::usage(format!("--input: {path} can't be read: {error}")))?,
            )
        }
        None => ("--input".to_owned(), text.to_owned()),
    };
    serde_json::from_str(&text).map_err(|error| {
        Failure::usage(format!(
            "{origin} is no JSON: {error}; arguments are an object by parameter name: {{\"name\": …}}, a text has \
             quotes of its own: '\"text\"'"
        ))
    })
}

fn signature(program: &Program, workflow: &Workflow) -> String {
    if workflow.params.is_empty() {
        return "nothing: {}".into();
    }
    let params = workflow.params.iter().map(|param| {
        let default = param.default.as_ref().map(|default| format!(" = {}", default.json));
        format!("\"{}\": {}{}", param.name, program.types.show(param.ty), default.unwrap_or_default())
    });
    format!("{{{}}}", params.collect::<Vec<_>>().join(", "))
}
