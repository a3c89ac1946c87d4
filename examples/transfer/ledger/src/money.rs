//! Exact amounts.

use rust_decimal::Decimal;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Number, Value};
use std::fmt;
use std::str::FromStr;

/// Digits after the point. With amounts below [`MOST`], sums of accounts are exact.
const PLACES: u32 = 10;
/// No amount is larger.
const MOST: Decimal = Decimal::from_parts(0x5d8a_0000, 0x0163_4578, 0, false, 0);

/// An exact amount of money; in JSON a number with exactly its digits. A string is read as well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Money(pub Decimal);

impl FromStr for Money {
    type Err = String;

    fn from_str(text: &str) -> Result<Money, String> {
        let amount =
            Decimal::from_str_exact(text).map_err(|error| format!("`{text}` is no amount: {error}"))?;
        let amount = amount.normalize();
        if amount.scale() > PLACES || amount.abs() > MOST {
            return Err(format!(
                "`{text}` is no amount of this ledger: at most {MOST}, with {PLACES} places"
            ));
        }
        Ok(Money(amount))
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.to_string().parse::<Number>().map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Money, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Number(number) => number.as_str().parse().map_err(D::Error::custom),
            Value::String(text) => text.parse().map_err(D::Error::custom),
            other => Err(D::Error::custom(format!("`{other}` is no amount"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_exact_in_json() {
        let read = |json: &str| serde_json::from_str::<Money>(json);
        assert_eq!(serde_json::to_string(&read("12.50").unwrap()).unwrap(), "12.5");
        assert_eq!(read("0.1").unwrap().0 + read("0.2").unwrap().0, read("\"0.3\"").unwrap().0);
        assert_eq!(read("100000000000000000").unwrap().0, MOST);
        assert!(read("100000000000000001").is_err());
        assert!(read("0.00000000001").is_err());
        assert!(read("true").is_err());
    }
}
