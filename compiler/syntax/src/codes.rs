//! The codes of the parser's diagnostics: errors E0001 to E0099, warnings W0001 to W0099. Later stages keep tables of
//! their own.

use crate::diagnostic::Code;

macro_rules! codes {
    ($($name:ident $code:literal $title:literal)*) => {
        $(#[doc = $title] pub const $name: Code = Code($code);)*
        /// Every code of the parser with its title, in order.
        pub const TABLE: &[(Code, &str)] = &[$(($name, $title)),*];
    };
}

codes! {
    UNEXPECTED_CHARACTER "E0001" "a character that means nothing here"
    UNTERMINATED_STRING  "E0002" "a string without an end"
    BAD_ESCAPE           "E0003" "an escape that does not exist"
    BAD_NUMBER           "E0004" "a number followed by letters that are no unit"
    EMPTY_INTERPOLATION  "E0005" "nothing between the braces of an interpolation"
    WRONG_QUOTES         "E0006" "a string as another language quotes it"
    WRONG_OPERATOR       "E0007" "an operator of another language"
    DURATION_TOO_LONG    "E0008" "a duration that does not fit"
    WRONG_COMMENT        "E0009" "a comment of another language"
    UNCLOSED_BRACKET     "E0010" "a bracket that is never closed"
    UNEXPECTED_CLOSER    "E0011" "a closing bracket that was never opened"
    TOO_DEEP             "E0012" "brackets or operators nested too deep"
    EXPECTED             "E0020" "something else was expected"
    RESERVED_WORD        "E0021" "a reserved word where a name is expected"
    CHAINED_COMPARISON   "E0022" "comparisons in a chain"
    BRACE_ON_OWN_LINE    "E0023" "an opening brace on a line of its own"
    CASE_OF_NAME         "E0024" "a name that begins with the wrong kind of letter"
    NOT_A_DECLARATION    "E0025" "a statement outside every declaration"
    FOREIGN              "E0026" "something that another language writes so"
    TOO_MANY_ERRORS      "E0099" "too many errors to show"
    DOCS_WITHOUT_TARGET  "W0001" "documentation that documents nothing"
    DOLLAR_BEFORE_BRACE  "W0002" "a `$` before an interpolation"
    COMMENTED_DIVISION   "W0003" "a division that reads as a comment"
}

/// The title of one of the parser's codes.
pub fn title(code: Code) -> Option<&'static str> {
    TABLE.iter().find(|(known, _)| *known == code).map(|(_, title)| *title)
}
