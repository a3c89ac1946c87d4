//! JSON values as parameters of the types the database inferred.

use crate::StoreError;
use crate::statement::refused;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sqlx::postgres::{PgArguments, PgTypeInfo};
use sqlx::types::chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use sqlx::types::{BigDecimal, Json};
use sqlx::{Arguments, Encode, Postgres, Type, TypeInfo};
use std::str::FromStr;
use uuid::Uuid;

/// All parameters of a statement.
pub(super) fn parameters(types: &[PgTypeInfo], values: &[Value]) -> Result<PgArguments, StoreError> {
    let mut arguments = PgArguments::default();
    for (index, (kind, value)) in types.iter().zip(values).enumerate() {
        add(&mut arguments, kind.name(), value)
            .map_err(|why| refused(&format!("${} is {}: {why}", index + 1, kind.name().to_lowercase())))?;
    }
    Ok(arguments)
}

fn add(arguments: &mut PgArguments, kind: &str, value: &Value) -> Result<(), String> {
    match kind {
        "BOOL" => bind(arguments, value, |value| value.as_bool().ok_or_else(|| wanted("a boolean", value))),
        "INT2" => bind(arguments, value, integer::<i16>),
        "INT4" => bind(arguments, value, integer::<i32>),
        "INT8" => bind(arguments, value, integer::<i64>),
        "FLOAT4" => bind(arguments, value, |value| parsed::<f32>(&plain(value), value)),
        "FLOAT8" => bind(arguments, value, |value| parsed::<f64>(&plain(value), value)),
        "NUMERIC" => bind(arguments, value, |value| parsed::<BigDecimal>(&plain(value), value)),
        "UUID" => bind(arguments, value, |value| parsed::<Uuid>(&plain(value), value)),
        "DATE" => bind(arguments, value, |value| parsed::<NaiveDate>(&plain(value), value)),
        "TIMESTAMP" => bind(arguments, value, |value| parsed::<NaiveDateTime>(&plain(value), value)),
        "TIMESTAMPTZ" => bind(arguments, value, |value| parsed::<DateTime<Utc>>(&plain(value), value)),
        "BYTEA" => {
            bind(arguments, value, |value| STANDARD.decode(plain(value)).map_err(|_| wanted("base64", value)))
        }
        "JSON" | "JSONB" => arguments.add(Json(value)).map_err(|error| error.to_string()),
        "TEXT" | "VARCHAR" | "CHAR" | "NAME" | "UNKNOWN" => bind(arguments, value, |value| Ok(plain(value))),
        _ => {
            Err("this type cannot be a parameter; cast it in the statement, e.g. `$1::text::interval`".into())
        }
    }
}

fn bind<T>(
    arguments: &mut PgArguments,
    value: &Value,
    convert: impl Fn(&Value) -> Result<T, String>,
) -> Result<(), String>
where
    T: for<'q> Encode<'q, Postgres> + Type<Postgres>,
{
    let converted = if value.is_null() { None } else { Some(convert(value)?) };
    arguments.add(converted).map_err(|error| error.to_string())
}

/// A string's text, and any other value as JSON.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_string)
}

fn integer<T: TryFrom<i64>>(value: &Value) -> Result<T, String> {
    let number = value.as_i64().ok_or_else(|| wanted("an integer", value))?;
    T::try_from(number).map_err(|_| format!("{number} is out of range"))
}

fn parsed<T: FromStr>(text: &str, value: &Value) -> Result<T, String> {
    text.parse().map_err(|_| wanted("a value of that type", value))
}

fn wanted(what: &str, value: &Value) -> String {
    format!("{value} is not {what}")
}
