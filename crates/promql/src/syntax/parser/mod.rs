//! From text to tree: recursive descent with operator precedences.
//!
//! Prometheus' parser is generated and recovers from mistakes: at certain places it notes the error, skips what does not fit and goes
//! on, so that one query can yield several messages. Users see the first, tools see all of them. This parser
//! recovers at the same places with the same rules:
//!
//! - A token that does not fit unwinds the descent ([`Unwind::Recover`]) up to the next place that can recover. That place
//!   adds the message, takes something neutral for what is missing, and goes on with the same token.
//! - Until three tokens have fitted again, further misfits are skipped without a message; at the end of the input that ends everything.
//! - Types are checked only if there was no other error.
//!
//! Tokens are read exactly when they are needed, because an error of the lexer takes its place among the messages when it is read.

mod duration;
mod expression;
mod label_set;
mod selector;
#[cfg(test)]
mod tests;

use super::ast::Expr;
use super::check::check;
use super::error::{ParseError, ParseErrors};
use super::lexer::Lexer;
use super::options::ParserOptions;
use super::span::TextSpan;
use super::token::{Token, TokenKind, describe};

use bellwether_model::Matcher;

pub(super) use label_set::parse_series_labels;

/// Reads a PromQL expression.
///
/// The query may be any bytes; only string literals and comments can hold more than ASCII, and what is not UTF-8 is an error.
///
/// ```
/// use bellwether_promql::syntax::{ParserOptions, parse_expr};
///
/// let expr = parse_expr("sum by (job) (rate(up[5m]))", &ParserOptions::default()).unwrap();
/// assert_eq!(expr.to_string(), "sum by (job) (rate(up[5m]))");
///
/// let error = parse_expr("rate(up)", &ParserOptions::default()).unwrap_err();
/// let message = r#"1:6: parse error: expected type range vector in call to function "rate", got instant vector"#;
/// assert_eq!(error.to_string(), message);
/// ```
pub fn parse_expr(query: impl AsRef<[u8]>, options: &ParserOptions) -> Result<Expr, ParseErrors> {
    let query = query.as_ref();
    let mut parser = Parser::new(query, *options);
    let mut expr = parser.run(|parser| {
        if parser.peek() == TokenKind::EndOfInput {
            parser.error(TextSpan::default(), "no expression found in input".to_owned());
            return Ok(None);
        }
        parser.expression(0).map(|parsed| Some(parsed.node))
    });
    if let (Some(expr), true) = (&mut expr, parser.errors.is_empty()) {
        check(expr, query, &mut parser.errors);
    }
    parser.finish(expr)
}

/// Reads a selector such as `up{job="node"}`, as the `match[]` parameters of the API take it, and returns its matchers; the one on the
/// name in front of the braces comes last.
///
/// Whether any of them excludes the empty string is for the caller to decide.
pub fn parse_metric_selector(
    selector: impl AsRef<[u8]>,
    options: &ParserOptions,
) -> Result<Vec<Matcher>, ParseErrors> {
    let mut parser = Parser::new(selector.as_ref(), *options);
    let selector = parser.run(|parser| {
        while !matches!(parser.peek(), kind if kind.is_metric_name() || kind == TokenKind::LeftBrace) {
            parser.misfit()?;
        }
        parser.vector_selector().map(Some)
    });
    parser.finish(selector.map(|selector| selector.matchers))
}

/// Why the descent is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unwind {
    /// A token does not fit; the next place that can recover goes on with it.
    Recover,
    /// Nothing more can be read.
    Abort,
}

type Parse<T> = Result<T, Unwind>;

/// A node and how many levels its tree has.
struct Parsed<T> {
    node: T,
    height: usize,
}

/// After an error, so many tokens have to fit before a misfit is an error of its own.
const RECOVERY_TOKENS: u8 = 3;

struct Parser<'a> {
    input: &'a [u8],
    lexer: Lexer<'a>,
    /// The token that was read but not taken.
    lookahead: Option<Token>,
    /// The token read last, taken or not; messages about misfits name it.
    last: Token,
    /// The end of the last closing bracket, number or duration read: where Prometheus thinks that a broken aggregation ends.
    last_closing: u32,
    /// How many tokens must still fit until an error is over.
    recovering: u8,
    nesting: usize,
    /// What the regular expressions take that were read so far.
    regex_bytes: usize,
    options: ParserOptions,
    errors: Vec<ParseError>,
}

impl<'a> Parser<'a> {
    fn new(input: &'a [u8], options: ParserOptions) -> Self {
        Self {
            input,
            lexer: Lexer::new(input),
            lookahead: None,
            last: Token { kind: TokenKind::EndOfInput, span: TextSpan::default() },
            last_closing: 0,
            recovering: 0,
            nesting: 0,
            regex_bytes: 0,
            options,
            errors: Vec::new(),
        }
    }

    /// Runs the descent and reads the rest of the input.
    fn run<T>(&mut self, descend: impl FnOnce(&mut Self) -> Parse<Option<T>>) -> Option<T> {
        let max = self.options.limits.max_bytes;
        if self.input.len() > max {
            let message = format!("query is too long: {} bytes, at most {max} are allowed", self.input.len());
            self.error(TextSpan::new(max, self.input.len()), message);
            return None;
        }
        let result = match descend(self) {
            Ok(result) => result,
            Err(Unwind::Recover) => {
                self.unexpected("", "");
                None
            }
            Err(Unwind::Abort) => return None,
        };
        loop {
            match self.peek() {
                TokenKind::Nothing => return result,
                TokenKind::EndOfInput => {
                    self.take();
                }
                _ => match self.misfit() {
                    Ok(()) => {}
                    Err(Unwind::Recover) => self.unexpected("", ""),
                    Err(Unwind::Abort) => return result,
                },
            }
        }
    }

    fn finish<T>(self, result: Option<T>) -> Result<T, ParseErrors> {
        match result {
            Some(result) if self.errors.is_empty() => Ok(result),
            _ => Err(ParseErrors::new(&String::from_utf8_lossy(self.input), self.errors)),
        }
    }

    fn error(&mut self, mut span: TextSpan, message: String) {
        // What stands in for missing parts has no place of its own.
        span.end = span.end.max(span.start);
        self.errors.push(ParseError { message, span });
    }

    /// The kind of the next token, which is read if it was not yet.
    fn peek(&mut self) -> TokenKind {
        if let Some(token) = self.lookahead {
            return token.kind;
        }
        let token = self.lexer.next();
        match token.kind {
            TokenKind::Nothing => {
                if let Some(message) = self.lexer.error() {
                    let message = message.to_owned();
                    self.error(token.span, message);
                }
            }
            TokenKind::RightBrace
            | TokenKind::RightParen
            | TokenKind::RightBracket
            | TokenKind::Duration
            | TokenKind::Number => self.last_closing = token.span.end,
            _ => {}
        }
        if token.kind != TokenKind::Nothing || self.lexer.error().is_some() {
            self.last = token;
        }
        self.lookahead = Some(token);
        token.kind
    }

    /// Takes the next token, which fits.
    fn take(&mut self) -> Token {
        self.peek();
        self.recovering = self.recovering.saturating_sub(1);
        self.lookahead.take().expect("BUG: a token was just read")
    }

    /// Takes the next token if it is a `kind`.
    fn take_if(&mut self, kind: TokenKind) -> Option<Token> {
        (self.peek() == kind).then(|| self.take())
    }

    /// Takes a token of the given kind, which is the only one that fits.
    fn expect(&mut self, kind: TokenKind) -> Parse<Token> {
        loop {
            if self.peek() == kind {
                return Ok(self.take());
            }
            self.misfit()?;
        }
    }

    /// The next token does not fit: leave the descent, or skip the token if an error was just reported.
    fn misfit(&mut self) -> Parse<()> {
        if self.recovering < RECOVERY_TOKENS {
            self.recovering = RECOVERY_TOKENS;
            return Err(Unwind::Recover);
        }
        if self.peek() == TokenKind::Nothing {
            return Err(Unwind::Abort);
        }
        self.lookahead = None;
        Ok(())
    }

    /// Complains about the token read last. What the lexer could not read has its message already.
    fn unexpected(&mut self, context: &str, expected: &str) {
        if self.lexer.error().is_some() {
            return;
        }
        let mut message = format!("unexpected {}", describe(self.last.kind, &self.text(self.last)));
        if !context.is_empty() {
            message.push_str(" in ");
            message.push_str(context);
        }
        if !expected.is_empty() {
            message.push_str(", expected ");
            message.push_str(expected);
        }
        self.error(self.last.span, message);
    }

    /// What was written for a token.
    fn text(&self, token: Token) -> std::borrow::Cow<'a, str> {
        String::from_utf8_lossy(&self.input[token.span.start as usize..token.span.end as usize])
    }

    /// Goes one level down, unless the query is nested too deeply.
    fn nested<T>(&mut self, descend: impl FnOnce(&mut Self) -> Parse<T>) -> Parse<T> {
        let max = self.options.limits.max_nesting;
        if self.nesting >= max {
            self.peek();
            let message = format!("query is nested too deeply: at most {max} levels are allowed");
            self.error(self.last.span, message);
            return Err(Unwind::Abort);
        }
        self.nesting += 1;
        let result = descend(self);
        self.nesting -= 1;
        result
    }

    /// A node on top of children of the given height, unless the tree grows too high.
    fn grow<T>(&mut self, node: T, span: TextSpan, height_of_children: usize) -> Parse<Parsed<T>> {
        let max = self.options.limits.max_height;
        let height = height_of_children + 1;
        if height > max {
            let message = format!("query is too complex: at most {max} operations may depend on each other");
            self.error(span, message);
            return Err(Unwind::Abort);
        }
        Ok(Parsed { node, height })
    }
}
