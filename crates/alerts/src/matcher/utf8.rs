//! The current grammar of matchers: any label name, and quotes around what would have a meaning.

use std::fmt;

use bellwether_model::{MatchOp, go_unquote};

use super::{Matcher, MatcherError};

/// Why text does not follow the grammar, and between which characters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{start}:{end}: {what}")]
pub struct SyntaxError {
    /// The column before what is wrong, counted in characters from 0.
    pub start: usize,
    /// The column behind it.
    pub end: usize,
    what: String,
}

/// Whether a character has a meaning, so that it can stand in quotes only.
pub(super) fn is_reserved(c: char) -> bool {
    matches!(c, '{' | '}' | '!' | '=' | '~' | ',' | '\\' | '"' | '\'' | '`')
}

pub(super) fn parse(text: &str) -> Result<Vec<Matcher>, MatcherError> {
    let mut parser = Parser { text, at: 0 };
    let braces = parser.next()?;
    let braces = match braces.kind {
        Kind::OpenBrace => true,
        Kind::CloseBrace => return Err(parser.unbalanced(braces, "expected opening brace").into()),
        _ => {
            parser.at = 0;
            false
        }
    };
    let mut matchers = Vec::new();
    let last = loop {
        let token = parser.next()?;
        match token.kind {
            Kind::Quoted | Kind::Unquoted => matchers.push(parser.matcher(token)?),
            Kind::CloseBrace | Kind::End => break token,
            _ => return Err(parser.unexpected(token, "expected label name").into()),
        }
        let token = parser.next().map_err(|e| e.instead_of(separator(braces)))?;
        match token.kind {
            Kind::Comma => {}
            Kind::CloseBrace | Kind::End => break token,
            _ => return Err(parser.unexpected(token, separator(braces)).into()),
        }
    };
    match (braces, last.kind) {
        (true, Kind::End) => Err(parser.unbalanced(last, "expected close brace").into()),
        (false, Kind::CloseBrace) => Err(parser.unbalanced(last, "expected opening brace").into()),
        (true, _) => match parser.next()? {
            Token { kind: Kind::End, .. } => Ok(matchers),
            more => Err(parser.unexpected(more, "expected end of input").into()),
        },
        (false, _) => Ok(matchers),
    }
}

fn separator(braces: bool) -> &'static str {
    if braces { "expected a comma or close brace" } else { "expected a comma" }
}

impl SyntaxError {
    /// The same with what should have stood there.
    fn instead_of(mut self, expected: &str) -> Self {
        self.what = format!("{}: {expected}", self.what);
        self
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    OpenBrace,
    CloseBrace,
    Comma,
    Op(MatchOp),
    /// With its quotes.
    Quoted,
    Unquoted,
    End,
}

#[derive(Debug, Clone, Copy)]
struct Token<'t> {
    kind: Kind,
    text: &'t str,
    /// Where it starts, in bytes.
    at: usize,
}

impl fmt::Display for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.kind == Kind::End { "end of input" } else { self.text })
    }
}

struct Parser<'t> {
    text: &'t str,
    /// Where the next token is looked for, in bytes.
    at: usize,
}

impl<'t> Parser<'t> {
    /// The rest of a matcher that begins with this name.
    fn matcher(&mut self, name: Token<'t>) -> Result<Matcher, MatcherError> {
        let name = self.content(name)?;
        let op = self.next()?;
        let Kind::Op(op) = op.kind else {
            return Err(self.unexpected(op, "expected an operator such as '=', '!=', '=~' or '!~'").into());
        };
        let value = self.next()?;
        if !matches!(value.kind, Kind::Quoted | Kind::Unquoted) {
            return Err(self.unexpected(value, "expected label value").into());
        }
        Ok(Matcher::new(op, name, self.content(value)?)?)
    }

    /// What a name or a value spells out.
    fn content(&self, token: Token<'t>) -> Result<String, SyntaxError> {
        match token.kind {
            Kind::Quoted => go_unquote(token.text)
                .and_then(|bytes| String::from_utf8(bytes).ok())
                .ok_or_else(|| self.wrong(token, "invalid input")),
            _ => Ok(token.text.to_owned()),
        }
    }

    fn next(&mut self) -> Result<Token<'t>, SyntaxError> {
        let rest = self.text[self.at..].trim_start();
        let at = self.text.len() - rest.len();
        let (kind, len) = match rest.chars().next() {
            None => (Kind::End, 0),
            Some('{') => (Kind::OpenBrace, 1),
            Some('}') => (Kind::CloseBrace, 1),
            Some(',') => (Kind::Comma, 1),
            Some('=' | '!') => {
                let op = [MatchOp::Re, MatchOp::Nre, MatchOp::Ne, MatchOp::Eq]
                    .into_iter()
                    .find(|op| rest.starts_with(op.as_str()));
                let bang = Token { kind: Kind::Unquoted, text: &rest[..1], at };
                let op = op.ok_or_else(|| self.unexpected(bang, "expected one of '=~'"))?;
                (Kind::Op(op), op.as_str().len())
            }
            Some('"') => {
                let len = quoted_len(rest);
                let all = Token { kind: Kind::Quoted, text: rest, at };
                (Kind::Quoted, len.ok_or_else(|| self.wrong(all, "missing end \""))?)
            }
            Some(c) if is_reserved(c) => {
                return Err(self.wrong(Token { kind: Kind::Unquoted, text: &rest[..1], at }, "invalid input"));
            }
            Some(_) => {
                let end = rest.find(|c: char| is_reserved(c) || c.is_whitespace());
                (Kind::Unquoted, end.unwrap_or(rest.len()))
            }
        };
        self.at = at + len;
        Ok(Token { kind, text: &rest[..len], at })
    }

    /// A brace without the other one, which is wrong with all of the text.
    fn unbalanced(&self, token: Token<'_>, expected: &str) -> SyntaxError {
        SyntaxError { start: 0, end: self.text.chars().count(), ..self.wrong(token, expected) }
    }

    fn unexpected(&self, token: Token<'_>, expected: &str) -> SyntaxError {
        let mut error = self.wrong(token, expected);
        error.what = format!("unexpected {}", error.what);
        error
    }

    fn wrong(&self, token: Token<'_>, expected: &str) -> SyntaxError {
        let column = |at: usize| self.text[..at].chars().count();
        let what = format!("{token}: {expected}");
        SyntaxError { start: column(token.at), end: column(token.at + token.text.len()), what }
    }
}

/// The length of the quoted text at the start of `text`, its quotes included.
fn quoted_len(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (idx, c) in text.char_indices().skip(1) {
        match c {
            '"' if !escaped => return Some(idx + 1),
            _ => escaped = c == '\\' && !escaped,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        parse(text).expect_err(text).to_string()
    }

    #[test]
    fn errors_name_the_place() {
        assert_eq!(error("{,}"), "1:2: unexpected ,: expected label name");
        assert_eq!(error("{foo=:\"bar\"}"), "6:11: unexpected \"bar\": expected a comma or close brace");
        assert_eq!(error("{foo=bar\\n}"), "8:9: \\: invalid input: expected a comma or close brace");
        assert_eq!(error("🙂🙂=\"\\w\""), "3:7: \"\\w\": invalid input");
        assert_eq!(error("a=\"b"), "2:4: \"b: missing end \"");
        assert_eq!(error("a!b"), "1:2: unexpected !: expected one of '=~'");
        assert_eq!(error("{a=b} c"), "6:7: unexpected c: expected end of input");
    }

    #[test]
    fn white_space_stands_anywhere_between() {
        let matchers = parse(" { a = b , \"c d\" !~ \"e|f\" , } ").expect("valid");
        let printed: Vec<String> = matchers.iter().map(Matcher::to_string).collect();
        assert_eq!(printed, ["a=\"b\"", "\"c d\"!~\"e|f\""]);
    }
}
