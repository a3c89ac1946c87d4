//! Columns of a result as exact JSON.

use crate::StoreError;
use crate::statement::refused;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Number, Value};
use sqlx::postgres::{PgColumn, PgRow, PgTypeKind};
use sqlx::types::BigDecimal;
use sqlx::types::chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use sqlx::{Column, Row, TypeInfo, ValueRef};
use uuid::Uuid;

/// One column of a row: numbers exact, times in RFC 3339, bytes in base64, JSON as it is.
pub(super) fn column_value(row: &PgRow, column: &PgColumn) -> Result<Value, StoreError> {
    read(row, column).map_err(|error| {
        let (name, kind) = (column.name(), column.type_info().name().to_lowercase());
        refused(&format!("column `{name}` ({kind}) cannot be read: {error}; cast it to text"))
    })
}

fn read(row: &PgRow, column: &PgColumn) -> Result<Value, sqlx::Error> {
    let at = column.ordinal();
    if row.try_get_raw(at)?.is_null() {
        return Ok(Value::Null);
    }
    Ok(match column.type_info().name() {
        "BOOL" => Value::Bool(row.try_get(at)?),
        "INT2" => Value::from(row.try_get::<i16, _>(at)?),
        "INT4" => Value::from(row.try_get::<i32, _>(at)?),
        "INT8" => Value::from(row.try_get::<i64, _>(at)?),
        "FLOAT4" => float(f64::from(row.try_get::<f32, _>(at)?)),
        "FLOAT8" => float(row.try_get(at)?),
        "NUMERIC" => exact(&row.try_get::<BigDecimal, _>(at)?.to_plain_string()),
        "UUID" => Value::String(row.try_get::<Uuid, _>(at)?.to_string()),
        "DATE" => Value::String(row.try_get::<NaiveDate, _>(at)?.to_string()),
        "TIMESTAMP" => {
            Value::String(row.try_get::<NaiveDateTime, _>(at)?.format("%Y-%m-%dT%H:%M:%S%.f").to_string())
        }
        "TIMESTAMPTZ" => {
            Value::String(row.try_get::<DateTime<Utc>, _>(at)?.format("%Y-%m-%dT%H:%M:%S%.fZ").to_string())
        }
        "BYTEA" => Value::String(STANDARD.encode(row.try_get::<Vec<u8>, _>(at)?)),
        "JSON" | "JSONB" => row.try_get(at)?,
        "VOID" => Value::Null,
        "TEXT[]" | "VARCHAR[]" => Value::from(row.try_get::<Vec<Option<String>>, _>(at)?),
        "INT4[]" => Value::from(row.try_get::<Vec<Option<i32>>, _>(at)?),
        "INT8[]" => Value::from(row.try_get::<Vec<Option<i64>>, _>(at)?),
        _ if matches!(column.type_info().kind(), PgTypeKind::Enum(_)) => {
            Value::String(row.try_get_unchecked::<String, _>(at)?)
        }
        _ => Value::String(row.try_get(at)?),
    })
}

fn float(number: f64) -> Value {
    Number::from_f64(number).map_or_else(|| Value::String(number.to_string()), Value::Number)
}

fn exact(digits: &str) -> Value {
    digits.parse().map_or_else(|_| Value::String(digits.into()), Value::Number)
}
