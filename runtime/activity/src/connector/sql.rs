//! `sql.execute`, `query`, `query_one`: statements in the transaction that records the step.

use super::{Answer, Failure, text_argument};
use flow_mir::{Type, TypeId, Types};
use flow_store::{SqlResult, StepTransaction, StoreError};
use serde_json::{Map, Value};

/// Performs `sql.{verb}(statement, params)`; `expected` is the type of the result. Whatever fails here is undone with
/// the whole transaction, so a refused statement ends the attempt: the database would accept no other after it.
pub async fn perform(
    transaction: &mut dyn StepTransaction,
    verb: &str,
    args: &[Value],
    types: &Types,
    expected: TypeId,
) -> Result<Answer, Failure> {
    // `record Sql { text: String  params: List<Json> }` of `std.sql`.
    let given = args.first();
    let statement =
        text_argument(&format!("sql.{verb}"), "statement", given.and_then(|sql| sql.get("text")))?;
    let params = given.and_then(|sql| sql.get("params")).and_then(Value::as_array);
    let params = params.map(Vec::as_slice).unwrap_or_default();
    let result = transaction.statement(statement, params).await.map_err(|error| failure(&error))?;
    match verb {
        "execute" => Ok(Answer::Json(affected(types, expected, &result))),
        "query" => rows(types, expected, result).map(Answer::Json),
        "query_one" => first_row(types, expected, result).map(Answer::Json),
        _ => Err(Failure::refused(format!("there is no connector `sql.{verb}`"))),
    }
}

/// What an error of the store means for the attempt. Nothing is committed yet, so nothing has happened.
pub fn failure(error: &StoreError) -> Failure {
    use flow_machine::event::CallOutcome;
    match error {
        StoreError::Statement { transient: false, code, .. } => {
            let code = code.as_ref().map(|code| format!(" ({code})")).unwrap_or_default();
            Failure::Over(CallOutcome::Refused { reason: format!("{error}{code}") })
        }
        _ => Failure::not_sent(error.to_string()),
    }
}

fn affected(types: &Types, expected: TypeId, result: &SqlResult) -> Value {
    match types.get(types.representation(expected)) {
        Some(Type::Unit) => Value::Null,
        _ => Value::from(result.affected),
    }
}

fn rows(types: &Types, expected: TypeId, result: SqlResult) -> Result<Value, Failure> {
    let Some(Type::List(row)) = types.get(types.representation(expected)) else {
        let shown = types.show(expected);
        return Err(Failure::refused(format!("`sql.query` gives a list of rows, not a `{shown}`")));
    };
    let rows = result.rows.into_iter().map(|columns| shape(types, *row, columns));
    Ok(Value::Array(rows.collect::<Result<_, _>>()?))
}

fn first_row(types: &Types, expected: TypeId, result: SqlResult) -> Result<Value, Failure> {
    let optional = match types.get(types.representation(expected)) {
        Some(Type::Option(row)) => Some(*row),
        _ => None,
    };
    match (result.rows.into_iter().next(), optional) {
        (Some(columns), _) => shape(types, optional.unwrap_or(expected), columns),
        (None, Some(_)) => Ok(Value::Null),
        (None, None) => Err(Failure::refused(
            "`sql.query_one` found no row (a result type that ends in `?` allows for that)",
        )),
    }
}

/// A row as the JSON of its type: a record or map by column name, a tuple or list by position, anything else from its only
/// column.
fn shape(types: &Types, row: TypeId, mut columns: Map<String, Value>) -> Result<Value, Failure> {
    match types.get(types.representation(row)) {
        Some(Type::Record { .. } | Type::Map(..) | Type::Json) => Ok(Value::Object(columns)),
        Some(Type::List(_)) => Ok(Value::Array(columns.into_iter().map(|(_, value)| value).collect())),
        Some(Type::Tuple(items)) if items.len() == columns.len() => {
            Ok(Value::Array(columns.into_iter().map(|(_, value)| value).collect()))
        }
        _ if columns.len() == 1 => {
            let only = columns.keys().next().cloned().unwrap_or_default();
            Ok(columns.shift_remove(&only).unwrap_or_default())
        }
        _ => {
            let names: Vec<_> = columns.keys().map(String::as_str).collect();
            Err(Failure::refused(format!(
                "a row with the columns ({}) is no `{}`: select what it needs, or expect a record with fields of these names",
                names.join(", "),
                types.show(row)
            )))
        }
    }
}
