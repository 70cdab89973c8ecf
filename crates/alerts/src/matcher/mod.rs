//! Matchers of alerts: what a route, an inhibition or a silence says about labels.

mod classic;
mod utf8;

use std::fmt::{self, Write as _};

use bellwether_model::{AnchoredRegex, Labels, MatchOp, RegexError, go_quote};

pub use utf8::SyntaxError;

/// Selects alerts by the value of one label. An absent label has the empty value.
///
/// Regular expressions are anchored at both ends, and other than in PromQL a dot does not match a line feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matcher {
    /// Compares. A pattern in it says what a dot means.
    inner: bellwether_model::Matcher,
    /// The pattern as written, if there is one.
    pattern: Option<String>,
}

impl Matcher {
    /// A matcher on the label `name`. Fails if the operator takes a regular expression and `value` is none.
    pub fn new(op: MatchOp, name: impl Into<String>, value: impl Into<String>) -> Result<Self, RegexError> {
        let value = value.into();
        match op {
            MatchOp::Eq | MatchOp::Ne => {
                Ok(Self { inner: bellwether_model::Matcher::new(op, name, value)?, pattern: None })
            }
            MatchOp::Re | MatchOp::Nre => {
                // Checked as it is first: an error then shows what was written.
                AnchoredRegex::new(&value)?;
                let inner = bellwether_model::Matcher::new(op, name, format!("(?-s:{value})"))?;
                Ok(Self { inner, pattern: Some(value) })
            }
        }
    }

    /// The matcher `name="value"`.
    pub fn equal(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { inner: bellwether_model::Matcher::equal(name, value), pattern: None }
    }

    /// The operator.
    pub fn op(&self) -> MatchOp {
        self.inner.op()
    }

    /// The label name.
    pub fn name(&self) -> &str {
        self.inner.name()
    }

    /// The value or pattern as written.
    pub fn value(&self) -> &str {
        self.pattern.as_deref().unwrap_or(self.inner.value())
    }

    /// Whether a label with this value passes; the value of an absent label is empty.
    pub fn matches(&self, value: &str) -> bool {
        self.inner.matches(value)
    }
}

/// Whether labels pass all of the matchers.
pub fn all_match(matchers: &[Matcher], labels: &Labels) -> bool {
    matchers.iter().all(|matcher| matcher.matches(labels.get(matcher.name()).unwrap_or("")))
}

/// As Alertmanager writes it: with a name that has characters with a meaning, both are quoted as Go does it. Else only backslashes, quotes and line feeds of the value are
/// escaped, which the classic grammar reads as well.
impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.name().chars().any(|c| utf8::is_reserved(c) || c.is_whitespace()) {
            let op = self.op().as_str();
            return write!(f, "{}{op}{}", go_quote(self.name()), go_quote(self.value()));
        }
        write!(f, "{}{}\"", self.name(), self.op().as_str())?;
        for c in self.value().chars() {
            match c {
                '\\' | '"' => write!(f, "\\{c}")?,
                '\n' => f.write_str("\\n")?,
                _ => f.write_char(c)?,
            }
        }
        f.write_char('"')
    }
}

/// Which of the grammars for matchers is understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MatcherSyntax {
    /// The one of Alertmanager before 0.27: names are those of the old data model, values may hold nearly everything without quotes.
    Classic,
    /// The current one: any name, and quotes around what has a meaning.
    Utf8,
    /// Both, as Alertmanager does it unless told otherwise. Text that both understand and read differently means what it meant before.
    #[default]
    Fallback,
}

/// Why text is no list of matchers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MatcherError {
    /// The current grammar does not understand it.
    #[error(transparent)]
    Syntax(#[from] SyntaxError),
    /// The classic grammar does not understand it.
    #[error("bad matcher format: {0}")]
    Format(String),
    /// A quote in a value of the classic grammar, or none at its end.
    #[error("matcher value contains unescaped double quote: {0}")]
    Quote(String),
    /// A pattern is no regular expression.
    #[error(transparent)]
    Regex(#[from] RegexError),
    /// Nothing where one matcher is wanted.
    #[error("no matchers")]
    None,
    /// More than one matcher where one is wanted.
    #[error("expected 1 matcher, found {0}")]
    Many(usize),
}

impl MatcherSyntax {
    /// Reads matchers, separated by commas, with or without braces around all of them.
    pub fn parse(self, text: &str) -> Result<Vec<Matcher>, MatcherError> {
        match self {
            Self::Classic => classic::parse(text),
            Self::Utf8 => utf8::parse(text),
            Self::Fallback => match (utf8::parse(text), classic::parse(text)) {
                (Ok(current), Err(_)) => Ok(current),
                (_, classic) => classic,
            },
        }
    }

    /// Reads exactly one matcher.
    pub fn parse_one(self, text: &str) -> Result<Matcher, MatcherError> {
        let mut matchers = self.parse(text)?;
        match (matchers.pop(), matchers.len()) {
            (None, _) => Err(MatcherError::None),
            (Some(matcher), 0) => Ok(matcher),
            (Some(_), others) => Err(MatcherError::Many(others + 1)),
        }
    }

    /// Whether a label may have this name.
    pub fn is_label_name(self, name: &str) -> bool {
        match self {
            Self::Classic => bellwether_model::is_legacy_label_name(name),
            Self::Utf8 | Self::Fallback => !name.is_empty(),
        }
    }
}
