use std::sync::Arc;

use super::{Parse, Parsed, Parser, Unwind};
use crate::syntax::ast::{
    AtModifier, DurationArg, Expr, MatrixSelector, RangeMode, SubqueryExpr, VectorSelector,
};
use crate::syntax::operator::BinaryOp;
use crate::syntax::quote::{quote, unquote};
use crate::syntax::span::TextSpan;
use crate::syntax::token::{Keyword, Token, TokenKind};

use bellwether_model::{
    AnchoredRegex, METRIC_NAME, MatchOp, Matcher, ValidationScheme, is_legacy_label_name,
};

impl Parser<'_> {
    /// A selector; the next token is its name or its left brace.
    pub(super) fn vector_selector(&mut self) -> Parse<VectorSelector> {
        if self.peek() == TokenKind::LeftBrace {
            let (matchers, span) = self.label_matchers()?;
            return Ok(VectorSelector { matchers, span, ..selector_at(span) });
        }
        let name = self.take();
        self.selector_named(name)
    }

    /// The rest of a selector whose name was just taken.
    pub(super) fn selector_named(&mut self, name: Token) -> Parse<VectorSelector> {
        let (mut matchers, mut span) = (Vec::new(), name.span);
        if self.peek() == TokenKind::LeftBrace {
            let (in_braces, braces_span) = self.label_matchers()?;
            matchers = in_braces;
            span = span.to(braces_span);
        }
        let name = self.text(name).into_owned();
        matchers.push(Matcher::equal(METRIC_NAME, name.clone()));
        Ok(VectorSelector { name: Some(name), matchers, ..selector_at(span) })
    }

    fn label_matchers(&mut self) -> Parse<(Vec<Matcher>, TextSpan)> {
        const CONTEXT: &str = "label matching";
        let open = self.take();
        let mut matchers = Vec::new();
        loop {
            match self.label_matcher() {
                Ok(matcher) => matchers.extend(matcher),
                Err(unwind) => self.recover(unwind, CONTEXT, "identifier or \"}\"")?,
            }
            loop {
                match self.peek() {
                    TokenKind::RightBrace => {
                        let close = self.take();
                        return Ok((matchers, open.span.to(close.span)));
                    }
                    TokenKind::Comma => {
                        self.take();
                        break;
                    }
                    _ => {
                        if let Err(unwind) = self.misfit() {
                            self.recover(unwind, CONTEXT, "\",\" or \"}\"")?;
                        }
                    }
                }
            }
        }
    }

    /// A matcher; nothing at the right brace, or if the matcher is wrong and that was said.
    fn label_matcher(&mut self) -> Parse<Option<Matcher>> {
        let name = loop {
            match self.peek() {
                TokenKind::RightBrace => return Ok(None),
                TokenKind::Identifier | TokenKind::String => break self.take(),
                _ => self.misfit()?,
            }
        };
        let text = self.text(name);
        let label = if name.kind == TokenKind::String { unquote(&text) } else { text.into_owned() };
        let op = loop {
            match self.peek() {
                TokenKind::Assign => break MatchOp::Eq,
                TokenKind::Binary(BinaryOp::Ne) => break MatchOp::Ne,
                TokenKind::EqRegex => break MatchOp::Re,
                TokenKind::NeRegex => break MatchOp::Nre,
                // A quoted name on its own is the name of the metric.
                _ if name.kind == TokenKind::String => return Ok(Some(Matcher::equal(METRIC_NAME, label))),
                _ => {
                    if let Err(unwind) = self.misfit() {
                        self.recover(unwind, "label matching", "label matching operator")?;
                        return Ok(None);
                    }
                }
            }
        };
        self.take();
        let value = match self.expect(TokenKind::String) {
            Ok(value) => value,
            Err(unwind) => {
                self.recover(unwind, "label matching", "string")?;
                return Ok(None);
            }
        };
        if self.options.names == ValidationScheme::Legacy && !is_legacy_label_name(&label) {
            self.error(name.span, format!("invalid label name for matching: {}", quote(&label)));
            return Ok(None);
        }
        match Matcher::new(op, label, unquote(&self.text(value))) {
            Ok(matcher) => {
                self.regex_bytes += matcher.regex().map_or(0, AnchoredRegex::memory_bytes);
                let max = self.options.limits.max_regex_bytes;
                if self.regex_bytes > max {
                    let message = format!(
                        "regular expressions are too large: together they take more than the {max} bytes allowed"
                    );
                    self.error(name.span.to(value.span), message);
                    return Err(Unwind::Abort);
                }
                Ok(Some(matcher))
            }
            Err(e) => {
                self.error(name.span.to(value.span), e.to_string());
                Ok(None)
            }
        }
    }

    /// `[5m]` or `[1h:5m]` behind an expression.
    pub(super) fn range(&mut self, lhs: Parsed<Expr>, broken_range: &mut bool) -> Parse<Parsed<Expr>> {
        let open = self.take();
        let range = match self.positive_duration() {
            Ok(range) => range,
            Err(unwind) => {
                let expected = "number, duration, step(), or range()";
                self.recover(unwind, "subquery or range selector", expected)?;
                return Ok(lhs);
            }
        };
        loop {
            match self.peek() {
                TokenKind::RightBracket => {
                    let brackets = open.span.to(self.take().span);
                    return self.matrix(lhs, range, brackets, broken_range);
                }
                TokenKind::Colon => {
                    self.take();
                    *broken_range = false;
                    return self.subquery(lhs, range);
                }
                _ => {
                    if let Err(unwind) = self.misfit() {
                        self.recover(unwind, "subquery or range", "\":\" or \"]\"")?;
                        return Ok(lhs);
                    }
                }
            }
        }
    }

    fn matrix(
        &mut self,
        lhs: Parsed<Expr>,
        range: DurationArg,
        brackets: TextSpan,
        broken_range: &mut bool,
    ) -> Parse<Parsed<Expr>> {
        let span = lhs.node.span().to(brackets);
        let mut problem = None;
        let selector = if let Expr::Vector(selector) = lhs.node {
            *broken_range = false;
            if selector.offset.is_some() {
                problem = Some("no offset modifiers allowed before range");
            } else if selector.at.is_some() {
                problem = Some("no @ modifiers allowed before range");
            }
            Arc::unwrap_or_clone(selector)
        } else {
            *broken_range = true;
            problem = Some("ranges only allowed for vector selectors");
            selector_at(span)
        };
        if let Some(problem) = problem {
            self.error(brackets, problem.to_owned());
        }
        let expr = MatrixSelector { selector, range, span };
        self.grow(Expr::Matrix(Arc::new(expr)), span, lhs.height)
    }

    /// The rest of a subquery, behind its colon.
    fn subquery(&mut self, lhs: Parsed<Expr>, range: DurationArg) -> Parse<Parsed<Expr>> {
        const CONTEXT: &str = "subquery selector";
        let step = match self.subquery_step() {
            Ok(step) => step,
            Err(unwind) => {
                self.recover(unwind, CONTEXT, "number, duration, step(), range(), or \"]\"")?;
                return Ok(lhs);
            }
        };
        let close = match self.expect(TokenKind::RightBracket) {
            Ok(close) => close,
            Err(unwind) => {
                self.recover(unwind, CONTEXT, "\"]\"")?;
                return Ok(lhs);
            }
        };
        let span = lhs.node.span().to(close.span);
        let expr = SubqueryExpr { expr: lhs.node, range, step, at: None, offset: None, span };
        self.grow(Expr::Subquery(Arc::new(expr)), span, lhs.height)
    }

    /// `offset 5m` behind an expression.
    pub(super) fn offset_modifier(&mut self, expr: &mut Expr, broken_range: bool) -> Parse<()> {
        self.take();
        let (offset, end) = match self.offset_duration() {
            Ok(parsed) => parsed,
            Err(unwind) => {
                return self.recover(unwind, "offset", "number, duration, step(), or range()");
            }
        };
        let Some(target) = self.modifiers(expr, broken_range, "offset modifier") else { return Ok(()) };
        if target.offset.is_some() {
            let span = expr.span();
            self.error(span, "offset may not be set multiple times".to_owned());
        } else if offset != DurationArg::Literal(0) {
            *target.offset = Some(offset);
        }
        extend(expr, end);
        Ok(())
    }

    /// `@ 1603774568`, `@ start()` or `@ end()` behind an expression.
    pub(super) fn at_modifier(&mut self, expr: &mut Expr, broken_range: bool) -> Parse<()> {
        self.take();
        let (at, end) = match self.at_time() {
            Ok(parsed) => parsed,
            Err(unwind) => return self.recover(unwind, "@", "timestamp"),
        };
        let at = match at {
            AtTime::Keyword(at) => at,
            AtTime::Seconds(seconds) => {
                // The bounds of a 64-bit integer, as in Prometheus, though the milliseconds have to fit one.
                if !(seconds > i64::MIN as f64 && seconds < i64::MAX as f64) {
                    let span = expr.span();
                    let seconds = match seconds {
                        f64::INFINITY => "+Inf".to_owned(),
                        f64::NEG_INFINITY => "-Inf".to_owned(),
                        seconds => format!("{seconds:.6}"),
                    };
                    self.error(span, format!("timestamp out of bounds for @ modifier: {seconds}"));
                }
                AtModifier::Timestamp((seconds * 1000.0).round() as i64)
            }
        };
        let Some(target) = self.modifiers(expr, broken_range, "@ modifier") else { return Ok(()) };
        if target.at.is_some() {
            let span = expr.span();
            self.error(span, "@ <timestamp> may not be set multiple times".to_owned());
            return Ok(());
        }
        *target.at = Some(at);
        extend(expr, end);
        Ok(())
    }

    /// The time behind `@`, and where it ends.
    fn at_time(&mut self) -> Parse<(AtTime, TextSpan)> {
        let at = loop {
            match self.peek() {
                TokenKind::Keyword(Keyword::Start) => break AtModifier::Start,
                TokenKind::Keyword(Keyword::End) => break AtModifier::End,
                TokenKind::Number
                | TokenKind::Duration
                | TokenKind::Binary(BinaryOp::Add | BinaryOp::Sub) => {
                    let (seconds, span) = self.signed_number()?;
                    return Ok((AtTime::Seconds(seconds), span));
                }
                _ => self.misfit()?,
            }
        };
        self.take();
        self.expect(TokenKind::LeftParen)?;
        let close = self.expect(TokenKind::RightParen)?;
        Ok((AtTime::Keyword(at), close.span))
    }

    /// `anchored` or `smoothed` behind an expression, which does not make its span longer.
    pub(super) fn range_mode(&mut self, expr: &mut Expr, broken_range: bool) {
        let token = self.take();
        let (mode, name) = match token.kind {
            TokenKind::Keyword(Keyword::Anchored) => (RangeMode::Anchored, "anchored"),
            _ => (RangeMode::Smoothed, "smoothed"),
        };
        let span = expr.span();
        if !self.options.extended_range_selectors {
            self.error(span, format!("{name} modifier is experimental and not enabled"));
            return;
        }
        let target = match expr {
            Expr::Vector(selector) => &mut Arc::make_mut(selector).mode,
            Expr::Matrix(_) if broken_range => return,
            Expr::Matrix(matrix) => &mut Arc::make_mut(matrix).selector.mode,
            Expr::Subquery(_) => {
                self.error(span, format!("{name} modifier is not supported for subqueries"));
                return;
            }
            _ => {
                self.error(span, format!("{name} modifier not implemented"));
                return;
            }
        };
        let before = std::mem::replace(target, mode);
        if before != RangeMode::Plain && before != mode {
            self.error(span, "anchored and smoothed modifiers cannot be used together".to_owned());
        }
    }

    /// Where the modifiers of `expr` are kept; if it can have none, this is an error.
    fn modifiers<'e>(&mut self, expr: &'e mut Expr, broken_range: bool, what: &str) -> Option<Modifiers<'e>> {
        let span = expr.span();
        let selector = match expr {
            Expr::Vector(selector) => Arc::make_mut(selector),
            Expr::Matrix(_) if broken_range => {
                self.error(span, "ranges only allowed for vector selectors".to_owned());
                return None;
            }
            Expr::Matrix(matrix) => &mut Arc::make_mut(matrix).selector,
            Expr::Subquery(subquery) => {
                let subquery = Arc::make_mut(subquery);
                return Some(Modifiers { at: &mut subquery.at, offset: &mut subquery.offset });
            }
            _ => {
                let message = format!(
                    "{what} must be preceded by an instant vector selector or range vector selector or a subquery"
                );
                self.error(span, message);
                return None;
            }
        };
        Some(Modifiers { at: &mut selector.at, offset: &mut selector.offset })
    }
}

enum AtTime {
    Seconds(f64),
    Keyword(AtModifier),
}

struct Modifiers<'e> {
    at: &'e mut Option<AtModifier>,
    offset: &'e mut Option<DurationArg>,
}

fn selector_at(span: TextSpan) -> VectorSelector {
    VectorSelector { name: None, matchers: Vec::new(), at: None, offset: None, mode: RangeMode::Plain, span }
}

/// Lets a selector or subquery reach to the end of a modifier behind it.
fn extend(expr: &mut Expr, modifier: TextSpan) {
    let span = match expr {
        Expr::Vector(selector) => &mut Arc::make_mut(selector).span,
        Expr::Matrix(matrix) => &mut Arc::make_mut(matrix).span,
        Expr::Subquery(subquery) => &mut Arc::make_mut(subquery).span,
        _ => return,
    };
    span.end = modifier.end;
}
