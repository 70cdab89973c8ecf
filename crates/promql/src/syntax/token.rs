use super::operator::{AggregateOp, BinaryOp};
use super::quote::{quote, quote_start};
use super::span::TextSpan;

/// One word or sign of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) span: TextSpan,
}

/// What a token is. Keywords are recognised in any case, and most of them may also name a metric or a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// The text has been read completely.
    EndOfInput,
    /// What follows the end of the input, and what stands for text that is no token; the lexer has the message.
    Nothing,
    Identifier,
    /// A name with a colon: only metrics have such names.
    MetricIdentifier,
    Number,
    Duration,
    String,
    LeftParen,
    RightParen,
    LeftBrace,
    RightBrace,
    LeftBracket,
    RightBracket,
    Comma,
    Colon,
    At,
    /// `=`, only inside braces.
    Assign,
    /// `=~`, only inside braces.
    EqRegex,
    /// `!~`, only inside braces.
    NeRegex,
    Binary(BinaryOp),
    Aggregate(AggregateOp),
    Keyword(Keyword),
}

/// Words with a meaning that depends on where they stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keyword {
    Anchored,
    Bool,
    By,
    End,
    Fill,
    FillLeft,
    FillRight,
    GroupLeft,
    GroupRight,
    Ignoring,
    MaxOf,
    MinOf,
    Offset,
    On,
    Range,
    Smoothed,
    Start,
    Step,
    Without,
}

/// The words that modify selectors, operators and aggregations, sorted; for autocompletion.
pub const KEYWORDS: &[&str] = &[
    "anchored",
    "bool",
    "by",
    "end",
    "fill",
    "fill_left",
    "fill_right",
    "group_left",
    "group_right",
    "ignoring",
    "max_of",
    "min_of",
    "offset",
    "on",
    "range",
    "smoothed",
    "start",
    "step",
    "without",
];

/// In the order of [`KEYWORDS`].
const KEYWORD_KINDS: [Keyword; 19] = [
    Keyword::Anchored,
    Keyword::Bool,
    Keyword::By,
    Keyword::End,
    Keyword::Fill,
    Keyword::FillLeft,
    Keyword::FillRight,
    Keyword::GroupLeft,
    Keyword::GroupRight,
    Keyword::Ignoring,
    Keyword::MaxOf,
    Keyword::MinOf,
    Keyword::Offset,
    Keyword::On,
    Keyword::Range,
    Keyword::Smoothed,
    Keyword::Start,
    Keyword::Step,
    Keyword::Without,
];

const _: () = assert!(KEYWORDS.len() == KEYWORD_KINDS.len());

/// No keyword, operator word or aggregation is longer.
const LONGEST_WORD: usize = 12;

impl TokenKind {
    /// The meaning of a word, `None` if it is just a name. Upper and lower case make no difference.
    pub(super) fn of_word(word: &[u8]) -> Option<Self> {
        if word.len() > LONGEST_WORD {
            return None;
        }
        let mut buf = [0; LONGEST_WORD];
        let lower = &mut buf[..word.len()];
        lower.copy_from_slice(word);
        lower.make_ascii_lowercase();
        let word = std::str::from_utf8(lower).ok()?;
        match word {
            "and" => return Some(Self::Binary(BinaryOp::And)),
            "or" => return Some(Self::Binary(BinaryOp::Or)),
            "unless" => return Some(Self::Binary(BinaryOp::Unless)),
            "atan2" => return Some(Self::Binary(BinaryOp::Atan2)),
            "inf" | "nan" => return Some(Self::Number),
            _ => {}
        }
        if let Ok(idx) = KEYWORDS.binary_search(&word) {
            return Some(Self::Keyword(KEYWORD_KINDS[idx]));
        }
        let idx = AggregateOp::ALL.binary_search_by(|op| op.as_str().cmp(word)).ok()?;
        Some(Self::Aggregate(AggregateOp::ALL[idx]))
    }

    /// Whether the token can be the name of a metric in front of braces or on its own.
    pub(super) fn is_metric_name(self) -> bool {
        match self {
            Self::Identifier | Self::MetricIdentifier | Self::Aggregate(_) => true,
            Self::Binary(op) => op.is_set(),
            Self::Keyword(keyword) => !matches!(
                keyword,
                Keyword::Bool | Keyword::GroupLeft | Keyword::GroupRight | Keyword::Ignoring | Keyword::On
            ),
            _ => false,
        }
    }

    /// Whether the token can be a label in `by`, `without`, `on`, `ignoring` and the group modifiers.
    pub(super) fn is_label_name(self) -> bool {
        match self {
            Self::Identifier | Self::MetricIdentifier | Self::Aggregate(_) => true,
            Self::Binary(op) => op.is_set() || op == BinaryOp::Atan2,
            Self::Keyword(keyword) => keyword != Keyword::Without,
            _ => false,
        }
    }

    /// Whether an expression can begin with the token.
    pub(super) fn starts_expression(self) -> bool {
        match self {
            Self::Number
            | Self::Duration
            | Self::String
            | Self::LeftParen
            | Self::LeftBrace
            | Self::Binary(BinaryOp::Add | BinaryOp::Sub) => true,
            other => other.is_metric_name(),
        }
    }
}

/// How error messages call the token `kind` that was written as `text`.
pub(super) fn describe(kind: TokenKind, text: &str) -> String {
    let shortened = || if text.len() > 10 { format!("{}...", quote_start(text, 10)) } else { quote(text) };
    match kind {
        TokenKind::EndOfInput | TokenKind::Nothing => "end of input".to_owned(),
        TokenKind::Identifier => format!("identifier {}", quote(text)),
        TokenKind::MetricIdentifier => format!("metric identifier {}", quote(text)),
        TokenKind::Number => format!("number {}", shortened()),
        TokenKind::Duration => format!("duration {}", shortened()),
        TokenKind::String => format!("string {}", shortened()),
        TokenKind::Binary(_) | TokenKind::At | TokenKind::EqRegex | TokenKind::NeRegex => {
            format!("<op:{text}>")
        }
        TokenKind::Aggregate(_) => format!("<aggr:{text}>"),
        TokenKind::LeftParen
        | TokenKind::RightParen
        | TokenKind::LeftBrace
        | TokenKind::RightBrace
        | TokenKind::LeftBracket
        | TokenKind::RightBracket
        | TokenKind::Comma
        | TokenKind::Colon
        | TokenKind::Assign
        | TokenKind::Keyword(
            Keyword::Start | Keyword::End | Keyword::Step | Keyword::Range | Keyword::MinOf | Keyword::MaxOf,
        ) => quote(text),
        TokenKind::Keyword(_) => format!("<{text}>"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_have_meanings_in_any_case() {
        let check = |word: &str, want| assert_eq!(TokenKind::of_word(word.as_bytes()), want, "{word}");
        check("SUM", Some(TokenKind::Aggregate(AggregateOp::Sum)));
        check("count_values", Some(TokenKind::Aggregate(AggregateOp::CountValues)));
        check("Offset", Some(TokenKind::Keyword(Keyword::Offset)));
        check("group_right", Some(TokenKind::Keyword(Keyword::GroupRight)));
        check("Inf", Some(TokenKind::Number));
        check("or", Some(TokenKind::Binary(BinaryOp::Or)));
        check("rate", None);
        check("count_values_", None);
        check("a_name_that_is_longer_than_any_keyword", None);
    }

    #[test]
    fn keywords_are_sorted() {
        assert!(KEYWORDS.is_sorted());
        for word in KEYWORDS.iter().copied().chain(AggregateOp::ALL.iter().map(|op| op.as_str())) {
            assert!(word.len() <= LONGEST_WORD, "{word}");
            assert!(TokenKind::of_word(word.as_bytes()).is_some(), "{word}");
        }
    }

    #[test]
    fn descriptions() {
        assert_eq!(describe(TokenKind::Number, "12345678901"), "number \"1234567890\"...");
        assert_eq!(describe(TokenKind::String, "\"äöü\""), "string \"\\\"äöü\\\"\"");
        assert_eq!(describe(TokenKind::Keyword(Keyword::By), "BY"), "<BY>");
        assert_eq!(describe(TokenKind::Keyword(Keyword::Start), "start"), "\"start\"");
    }
}
