use std::fmt;

use crate::quote::write_go_quoted;
use crate::regex::{AnchoredRegex, RegexError};

/// How a [`Matcher`] compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MatchOp {
    /// `=`
    Eq,
    /// `!=`
    Ne,
    /// `=~`, anchored at both ends
    Re,
    /// `!~`, anchored at both ends
    Nre,
}

impl MatchOp {
    /// The operator as written in a selector.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Eq => "=",
            Self::Ne => "!=",
            Self::Re => "=~",
            Self::Nre => "!~",
        }
    }

    /// Whether the operator is true where its opposite is false.
    pub fn is_negative(self) -> bool {
        matches!(self, Self::Ne | Self::Nre)
    }
}

/// Selects series by the value of one label. An absent label has the empty value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matcher {
    op: MatchOp,
    name: String,
    value: String,
    regex: Option<AnchoredRegex>,
}

impl Matcher {
    /// A matcher on the label `name`. Fails if the operator takes a regular expression and `value` is none.
    pub fn new(op: MatchOp, name: impl Into<String>, value: impl Into<String>) -> Result<Self, RegexError> {
        let value = value.into();
        let regex = match op {
            MatchOp::Eq | MatchOp::Ne => None,
            MatchOp::Re | MatchOp::Nre => Some(AnchoredRegex::new(&value)?),
        };
        Ok(Self { op, name: name.into(), value, regex })
    }

    /// The matcher `name="value"`.
    pub fn equal(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { op: MatchOp::Eq, name: name.into(), value: value.into(), regex: None }
    }

    /// The operator.
    pub fn op(&self) -> MatchOp {
        self.op
    }

    /// The label name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The value or pattern as written.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// The compiled pattern of `=~` and `!~`.
    pub fn regex(&self) -> Option<&AnchoredRegex> {
        self.regex.as_ref()
    }

    /// Whether a label with this value passes; the value of an absent label is empty.
    pub fn matches(&self, value: &str) -> bool {
        let positive = match &self.regex {
            Some(regex) => regex.is_match(value),
            None => self.value == value,
        };
        positive != self.op.is_negative()
    }

    /// Whether series without the label pass.
    pub fn matches_empty(&self) -> bool {
        self.matches("")
    }
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if crate::name::is_legacy_label_name(&self.name) {
            f.write_str(&self.name)?;
        } else {
            write_go_quoted(f, self.name.as_bytes())?;
        }
        f.write_str(self.op.as_str())?;
        write_go_quoted(f, self.value.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_and_prints() {
        let check = |op, value: &str, input: &str, want: bool| {
            assert_eq!(
                Matcher::new(op, "l", value).expect("compiles").matches(input),
                want,
                "{op:?} {value} {input}"
            );
        };
        check(MatchOp::Eq, "a", "a", true);
        check(MatchOp::Eq, "", "", true);
        check(MatchOp::Ne, "a", "a", false);
        check(MatchOp::Ne, "a", "", true);
        check(MatchOp::Re, "a|b", "b", true);
        check(MatchOp::Re, "a.*", "", false);
        check(MatchOp::Nre, "a.*", "ab", false);
        check(MatchOp::Nre, "a.*", "b", true);
        assert_eq!(Matcher::equal("job", "a\"b").to_string(), r#"job="a\"b""#);
        assert_eq!(Matcher::equal("a.b", "c").to_string(), r#""a.b"="c""#);
    }
}
