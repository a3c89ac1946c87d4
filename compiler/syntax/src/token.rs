//! The words and marks of the language.

use logos::Logos;

use crate::span::Span;

/// A kind of token. The text of names and literals is looked up by span where it is needed.
#[derive(Logos, Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[logos(skip r"[ \t\r\u{feff}]+")]
#[allow(missing_docs, reason = "each is named after its word or mark")]
pub enum TokenKind {
    // What the lexer's loop consumes itself.
    #[token("\n")]
    LineBreak,
    #[regex(r"//[^\n]*", allow_greedy = true)]
    Comment,
    #[token("\"")]
    Quote,
    #[token("\"\"\"")]
    BlockQuote,
    #[regex(r"'[^'\n]*'")]
    SingleQuoted,
    #[token("'''")]
    TripleQuoted,
    #[token("/*")]
    BlockComment,
    #[regex(r"[0-9][0-9_]*(\.[0-9][0-9_]*)?[\p{L}][\p{L}0-9_]*")]
    Suffixed,
    #[token("&&")]
    AndAnd,
    #[token("!")]
    Bang,

    // Literals and names.
    #[regex(r"[0-9][0-9_]*")]
    Int,
    #[regex(r"[0-9][0-9_]*\.[0-9][0-9_]*")]
    #[regex(r"[0-9][0-9_]*(\.[0-9][0-9_]*)?[eE][+-][0-9]+")]
    Decimal,
    Duration,
    StrOpen,
    StrText,
    StrClose,
    InterpOpen,
    InterpClose,
    #[regex(r"[\p{Ll}\p{Lo}\p{Lm}_][\p{L}\p{M}\p{Nd}_]*", priority = 2)]
    Lower,
    #[regex(r"[\p{Lu}\p{Lt}][\p{L}\p{M}\p{Nd}_]*", priority = 2)]
    Upper,
    #[token("_", priority = 9)]
    Underscore,
    #[token("true", priority = 9)]
    True,
    #[token("false", priority = 9)]
    False,
    #[token("none", priority = 9)]
    None,

    // Reserved words.
    #[token("after", priority = 9)]
    After,
    #[token("and", priority = 9)]
    And,
    #[token("as", priority = 9)]
    As,
    #[token("assert", priority = 9)]
    Assert,
    #[token("await", priority = 9)]
    Await,
    #[token("break", priority = 9)]
    Break,
    #[token("catch", priority = 9)]
    Catch,
    #[token("commit", priority = 9)]
    Commit,
    #[token("compensate", priority = 9)]
    Compensate,
    #[token("const", priority = 9)]
    Const,
    #[token("continue", priority = 9)]
    Continue,
    #[token("detach", priority = 9)]
    Detach,
    #[token("else", priority = 9)]
    Else,
    #[token("every", priority = 9)]
    Every,
    #[token("exclusive", priority = 9)]
    Exclusive,
    #[token("fail", priority = 9)]
    Fail,
    #[token("fails", priority = 9)]
    Fails,
    #[token("fn", priority = 9)]
    Fn,
    #[token("for", priority = 9)]
    For,
    #[token("if", priority = 9)]
    If,
    #[token("implies", priority = 9)]
    Implies,
    #[token("in", priority = 9)]
    In,
    #[token("is", priority = 9)]
    Is,
    #[token("let", priority = 9)]
    Let,
    #[token("loop", priority = 9)]
    Loop,
    #[token("match", priority = 9)]
    Match,
    #[token("not", priority = 9)]
    Not,
    #[token("or", priority = 9)]
    Or,
    #[token("parallel", priority = 9)]
    Parallel,
    #[token("per", priority = 9)]
    Per,
    #[token("pub", priority = 9)]
    Pub,
    #[token("race", priority = 9)]
    Race,
    #[token("receive", priority = 9)]
    Receive,
    #[token("return", priority = 9)]
    Return,
    #[token("saga", priority = 9)]
    Saga,
    #[token("scope", priority = 9)]
    Scope,
    #[token("shield", priority = 9)]
    Shield,
    #[token("sleep", priority = 9)]
    Sleep,
    #[token("spawn", priority = 9)]
    Spawn,
    #[token("timeout", priority = 9)]
    Timeout,
    #[token("try", priority = 9)]
    Try,
    #[token("unknown", priority = 9)]
    Unknown,
    #[token("unless", priority = 9)]
    Unless,
    #[token("until", priority = 9)]
    Until,
    #[token("use", priority = 9)]
    Use,
    #[token("using", priority = 9)]
    Using,
    #[token("var", priority = 9)]
    Var,
    #[token("wait", priority = 9)]
    Wait,
    #[token("while", priority = 9)]
    While,
    #[token("with", priority = 9)]
    With,
    #[token("within", priority = 9)]
    Within,

    // Words that only introduce a declaration or a clause; elsewhere they are names.
    #[token("activity", priority = 9)]
    Activity,
    #[token("always", priority = 9)]
    Always,
    #[token("distinct", priority = 9)]
    Distinct,
    #[token("enum", priority = 9)]
    Enum,
    #[token("error", priority = 9)]
    Error,
    #[token("eventually", priority = 9)]
    Eventually,
    #[token("first", priority = 9)]
    First,
    #[token("ghost", priority = 9)]
    Ghost,
    #[token("given", priority = 9)]
    Given,
    #[token("index", priority = 9)]
    Index,
    #[token("max", priority = 9)]
    Max,
    #[token("on", priority = 9)]
    On,
    #[token("query", priority = 9)]
    Query,
    #[token("record", priority = 9)]
    Record,
    #[token("returns", priority = 9)]
    Returns,
    #[token("schedule", priority = 9)]
    Schedule,
    #[token("signal", priority = 9)]
    Signal,
    #[token("spec", priority = 9)]
    Spec,
    #[token("state", priority = 9)]
    State,
    #[token("takes", priority = 9)]
    Takes,
    #[token("test", priority = 9)]
    Test,
    #[token("type", priority = 9)]
    Type,
    #[token("unordered", priority = 9)]
    Unordered,
    #[token("update", priority = 9)]
    Update,
    #[token("workflow", priority = 9)]
    Workflow,

    // Brackets, marks and operators.
    #[token("(")]
    OpenParen,
    #[token(")")]
    CloseParen,
    #[token("[")]
    OpenBracket,
    #[token("]")]
    CloseBracket,
    #[token("{")]
    OpenBrace,
    #[token("}")]
    CloseBrace,
    #[token(",")]
    Comma,
    #[token(":")]
    Colon,
    #[token(";")]
    Semicolon,
    #[token(".")]
    Dot,
    #[token("?.")]
    OptionalDot,
    #[token("?")]
    Question,
    #[token("=")]
    Equal,
    #[token("->")]
    Arrow,
    #[token("=>")]
    FatArrow,
    #[token("|")]
    Bar,
    #[token("??")]
    Coalesce,
    #[token("..")]
    DotDot,
    #[token("==")]
    EqualEqual,
    #[token("!=")]
    NotEqual,
    #[token("<")]
    Less,
    #[token("<=")]
    LessEqual,
    #[token(">")]
    Greater,
    #[token(">=")]
    GreaterEqual,
    #[token("+")]
    Plus,
    #[token("-")]
    Minus,
    #[token("*")]
    Star,
    #[token("/")]
    Slash,
    #[token("%")]
    Percent,
    #[token("+=")]
    PlusEqual,
    #[token("-=")]
    MinusEqual,
    #[token("*=")]
    StarEqual,
    #[token("/=")]
    SlashEqual,
    #[token("%=")]
    PercentEqual,

    /// A newline that ends a statement: made by the layout pass.
    Newline,
    /// Text that was already reported, or the place of it: fits wherever a list's element does.
    Invalid,
}

impl TokenKind {
    /// Words that name nothing where a name is expected: all but the names and the contextual words.
    pub fn is_reserved(self) -> bool {
        (TokenKind::True as u8..=TokenKind::Within as u8).contains(&(self as u8))
    }

    /// Words that are keywords only where they introduce something.
    pub fn is_contextual(self) -> bool {
        (TokenKind::Activity as u8..=TokenKind::Workflow as u8).contains(&(self as u8))
    }

    /// The closing bracket of an opening one.
    pub fn closer(self) -> Option<TokenKind> {
        match self {
            TokenKind::OpenParen => Some(TokenKind::CloseParen),
            TokenKind::OpenBracket => Some(TokenKind::CloseBracket),
            TokenKind::OpenBrace => Some(TokenKind::CloseBrace),
            TokenKind::InterpOpen => Some(TokenKind::InterpClose),
            _ => None,
        }
    }

    /// Whether it closes a bracket.
    pub fn is_closer(self) -> bool {
        use TokenKind::{CloseBrace, CloseBracket, CloseParen, InterpClose};
        matches!(self, CloseParen | CloseBracket | CloseBrace | InterpClose)
    }
}

/// A token of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Whether it is the first of its line.
    pub starts_line: bool,
    /// Where it stands.
    pub span: Span,
}
