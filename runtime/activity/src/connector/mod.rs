//! Connectors: how an attempt reaches the world. They know JSON and bytes; values, types and heaps are the attempt's.

mod connectors;
pub mod exec;
pub mod http;
pub mod sql;

pub use connectors::{Connectors, Local};

use flow_machine::event::CallOutcome;
use serde_json::Value;

/// No body, output or input is larger than this: what is bigger belongs into a store of its own, its address in a value.
pub const LARGEST_BODY: usize = 16 << 20;

/// What a connector brought back.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// Bytes that should be JSON. Empty ones stand for `()` and `none`.
    Bytes {
        /// The bytes.
        bytes: Vec<u8>,
        /// Whether their sender calls them plain text: then they are taken as they are where a `String` is expected.
        text: bool,
    },
    /// A JSON value.
    Json(Value),
}

/// Why a connector brought nothing back.
#[derive(Clone, Debug, PartialEq)]
pub enum Failure {
    /// An answer that says no. The activity may go on: a declared error or `ActivityFailed` is raised where it called.
    Answered {
        /// What was said, for people.
        reason: String,
        /// What stands under `error` in the answer's JSON: perhaps one of the activity's declared errors.
        error: Option<Value>,
    },
    /// No answer: the attempt is over.
    Over(CallOutcome),
}

impl Failure {
    /// A refusal that is no declared error.
    pub fn refused(reason: impl Into<String>) -> Failure {
        Failure::Answered { reason: reason.into(), error: None }
    }

    /// It may have happened.
    pub fn unknown(reason: impl Into<String>) -> Failure {
        Failure::Over(CallOutcome::Unknown { reason: reason.into(), timed_out: false })
    }

    /// It certainly did not happen, and may work later.
    pub fn not_sent(reason: impl Into<String>) -> Failure {
        Failure::Over(CallOutcome::NotSent { reason: reason.into() })
    }
}

/// What stands under `error` where `body` is a JSON object that has it.
pub fn error_in(body: &[u8]) -> Option<Value> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(mut fields)) => fields.shift_remove("error"),
        _ => None,
    }
}

/// The first (`keep_end`: the last) few hundred characters of a text that may be long or no text at all.
pub fn excerpt(bytes: &[u8], keep_end: bool) -> String {
    const LONGEST: usize = 400;
    let cut = bytes.len().saturating_sub(LONGEST);
    if cut == 0 {
        return String::from_utf8_lossy(bytes).trim().to_owned();
    }
    let part = if keep_end { bytes.get(cut..) } else { bytes.get(..LONGEST) };
    let text = String::from_utf8_lossy(part.unwrap_or_default());
    // A character cut in two at the border becomes U+FFFD.
    let text = text.trim().trim_matches('\u{fffd}');
    if keep_end { format!("…{text}") } else { format!("{text}…") }
}

/// An argument of a connector, as its declaration in `std` says.
pub fn text_argument<'a>(connector: &str, name: &str, value: Option<&'a Value>) -> Result<&'a str, Failure> {
    value.and_then(Value::as_str).ok_or_else(|| {
        Failure::refused(format!("`{connector}` needs a String as its argument `{name}`: this program was compiled for another version of flow; compile it again"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_excerpt_keeps_the_end_that_says_why() {
        let long = format!("{}ü the end", "ä".repeat(400));
        assert!(excerpt(long.as_bytes(), true).ends_with("ü the end"));
        assert!(excerpt(long.as_bytes(), true).starts_with("…ä"));
        assert!(excerpt(long.as_bytes(), false).ends_with("ä…"));
        assert_eq!(excerpt(b" short\n", true), "short");
    }

    #[test]
    fn an_error_is_found_only_in_an_object() {
        assert_eq!(error_in(br#"{"error": {"A": {"x": 1}}, "more": 1}"#), Some(json!({"A": {"x": 1}})));
        assert_eq!(error_in(br#"["error"]"#), None);
        assert_eq!(error_in(b"<html>"), None);
    }
}
