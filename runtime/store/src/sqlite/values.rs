//! JSON to SQLite's values and back.

use crate::StoreError;
use crate::statement::refused;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Number, Value};
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Column, Row, Sqlite, TypeInfo, ValueRef};

/// Binds one parameter. SQLite has no exact decimals, so a number must be an integer or become a double.
pub(super) fn parameter<'q>(
    query: Query<'q, Sqlite, SqliteArguments>,
    index: usize,
    value: &Value,
) -> Result<Query<'q, Sqlite, SqliteArguments>, StoreError> {
    Ok(match value {
        Value::Null => query.bind(None::<i64>),
        Value::Bool(value) => query.bind(*value),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(value), _) => query.bind(value),
            (None, Some(value)) if !is_integer(number) && value.is_finite() => query.bind(value),
            _ => {
                let number = index + 1;
                return Err(refused(&format!(
                    "${number} does not fit SQLite's 64-bit integers; pass it as text"
                )));
            }
        },
        Value::String(text) => query.bind(text.clone()),
        Value::Array(_) | Value::Object(_) => query.bind(value.to_string()),
    })
}

fn is_integer(number: &Number) -> bool {
    !number.to_string().contains(['.', 'e', 'E'])
}

/// One column of a row. A column declared BOOLEAN that holds 0 or 1 is a boolean; bytes come as base64.
pub(super) fn column_value(row: &SqliteRow, column: usize) -> Result<Value, StoreError> {
    let read = || -> Result<Value, sqlx::Error> {
        let raw = row.try_get_raw(column)?;
        if raw.is_null() {
            return Ok(Value::Null);
        }
        let declared_bool = matches!(row.column(column).type_info().name(), "BOOLEAN");
        Ok(match raw.type_info().name() {
            "BOOLEAN" | "INTEGER" | "INT4" | "BIGINT" => match row.try_get_unchecked::<i64, _>(column)? {
                0 if declared_bool => Value::Bool(false),
                1 if declared_bool => Value::Bool(true),
                number => Value::from(number),
            },
            "REAL" => {
                let number: f64 = row.try_get_unchecked(column)?;
                Number::from_f64(number).map_or_else(|| Value::String(number.to_string()), Value::Number)
            }
            "BLOB" => Value::String(STANDARD.encode(row.try_get_unchecked::<Vec<u8>, _>(column)?)),
            _ => Value::String(row.try_get_unchecked(column)?),
        })
    };
    read().map_err(|error| refused(&format!("column {} cannot be read: {error}", column + 1)))
}
