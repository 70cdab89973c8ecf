use std::sync::Arc;

use super::{Parse, Parsed, Parser, Unwind};
use crate::syntax::ast::{
    AggregateExpr, BinaryExpr, Call, Expr, FillValues, MatchCardinality, NumberLiteral, ParenExpr,
    StringLiteral, UnaryExpr, VectorMatching,
};
use crate::syntax::function::function;
use crate::syntax::number::{parse_number, seconds};
use crate::syntax::operator::{AggregateOp, BinaryOp, UnaryOp};
use crate::syntax::quote::{quote, unquote};
use crate::syntax::span::TextSpan;
use crate::syntax::token::{Keyword, Token, TokenKind};

use bellwether_model::{is_valid_label_name, parse_duration_ms};

impl Parser<'_> {
    /// An expression whose operators bind at least as strongly as `min_precedence`.
    pub(super) fn expression(&mut self, min_precedence: u8) -> Parse<Parsed<Expr>> {
        self.nested(|parser| {
            let operand = parser.operand()?;
            parser.operations(operand, min_precedence)
        })
    }

    /// What may follow an operand: modifiers, ranges and binary operators.
    fn operations(&mut self, mut lhs: Parsed<Expr>, min_precedence: u8) -> Parse<Parsed<Expr>> {
        // Set while `lhs` is a range over something that is no selector.
        let mut broken_range = false;
        loop {
            match self.peek() {
                TokenKind::Binary(op) if op.precedence() >= min_precedence => {
                    lhs = self.binary(lhs, op)?;
                    broken_range = false;
                }
                TokenKind::LeftBracket => lhs = self.range(lhs, &mut broken_range)?,
                TokenKind::At => self.at_modifier(&mut lhs.node, broken_range)?,
                TokenKind::Keyword(Keyword::Offset) => self.offset_modifier(&mut lhs.node, broken_range)?,
                TokenKind::Keyword(Keyword::Anchored | Keyword::Smoothed) => {
                    self.range_mode(&mut lhs.node, broken_range);
                }
                _ => return Ok(lhs),
            }
        }
    }

    fn operand(&mut self) -> Parse<Parsed<Expr>> {
        loop {
            let kind = self.peek();
            return match kind {
                TokenKind::Binary(BinaryOp::Add) => self.unary(UnaryOp::Plus),
                TokenKind::Binary(BinaryOp::Sub) => self.unary(UnaryOp::Minus),
                TokenKind::Number | TokenKind::Duration => {
                    let number = self.number_literal();
                    Ok(leaf(Expr::Number(Arc::new(number))))
                }
                TokenKind::String => {
                    let token = self.take();
                    let value = unquote(&self.text(token));
                    Ok(leaf(Expr::String(Arc::new(StringLiteral { value, span: token.span }))))
                }
                TokenKind::LeftParen => self.parenthesised(),
                TokenKind::LeftBrace => self.selector(),
                TokenKind::Aggregate(op) => self.aggregation_or_selector(op),
                TokenKind::Identifier
                | TokenKind::Keyword(
                    Keyword::Start
                    | Keyword::End
                    | Keyword::Step
                    | Keyword::Range
                    | Keyword::MinOf
                    | Keyword::MaxOf,
                ) => self.call_or_selector(),
                kind if kind.is_metric_name() => self.selector(),
                _ => {
                    self.misfit()?;
                    continue;
                }
            };
        }
    }

    fn selector(&mut self) -> Parse<Parsed<Expr>> {
        self.vector_selector().map(|selector| leaf(Expr::Vector(Arc::new(selector))))
    }

    /// A number or a duration; the next token is one.
    pub(super) fn number_literal(&mut self) -> NumberLiteral {
        let token = self.take();
        let text = self.text(token);
        let duration = token.kind == TokenKind::Duration;
        let (value, problem) = if duration {
            match parse_duration_ms(&text) {
                Ok(ms) => (seconds(ms), None),
                Err(e) => (0.0, Some(e.to_string())),
            }
        } else {
            parse_number(&text)
        };
        if let Some(problem) = problem {
            self.error(token.span, problem);
        }
        NumberLiteral { value, duration, span: token.span }
    }

    fn unary(&mut self, op: UnaryOp) -> Parse<Parsed<Expr>> {
        let sign = self.take();
        // A sign binds like a multiplication, so only powers stay inside.
        let operand = self.expression(BinaryOp::Mul.precedence() + 1)?;
        let span = sign.span.to(operand.node.span());
        match operand.node {
            Expr::Number(number) => {
                let mut number = Arc::unwrap_or_clone(number);
                number.span = span;
                if op == UnaryOp::Minus {
                    number.value = -number.value;
                }
                Ok(Parsed { node: Expr::Number(Arc::new(number)), height: operand.height })
            }
            expr => self.grow(Expr::Unary(Arc::new(UnaryExpr { op, expr, span })), span, operand.height),
        }
    }

    fn parenthesised(&mut self) -> Parse<Parsed<Expr>> {
        let open = self.take();
        let mut inner = self.expression(0)?;
        let close = loop {
            if let Some(close) = self.take_if(TokenKind::RightParen) {
                break close;
            }
            self.misfit()?;
            inner = self.operations(inner, 0)?;
        };
        let span = open.span.to(close.span);
        self.grow(Expr::Paren(Arc::new(ParenExpr { expr: inner.node, span })), span, inner.height)
    }

    fn binary(&mut self, lhs: Parsed<Expr>, op: BinaryOp) -> Parse<Parsed<Expr>> {
        let op_span = self.take().span;
        let return_bool = self.take_if(TokenKind::Keyword(Keyword::Bool)).is_some();
        let matching = self.vector_matching()?;
        let rhs = self.expression(op.precedence() + u8::from(!op.is_right_associative()))?;
        let span = lhs.node.span().to(rhs.node.span());
        if !matching.fill.is_none() && !self.options.fill_modifiers {
            self.error(span, "binop fill modifiers are experimental and not enabled".to_owned());
        }
        let height = lhs.height.max(rhs.height);
        let matching = Some(matching);
        let expr = BinaryExpr { op, lhs: lhs.node, rhs: rhs.node, return_bool, matching, op_span, span };
        self.grow(Expr::Binary(Arc::new(expr)), span, height)
    }

    /// The modifiers between a binary operator and its right operand.
    fn vector_matching(&mut self) -> Parse<VectorMatching> {
        let mut matching = VectorMatching::default();
        if let TokenKind::Keyword(keyword @ (Keyword::On | Keyword::Ignoring)) = self.peek() {
            self.take();
            matching.on = keyword == Keyword::On;
            matching.labels = self.grouping_labels()?;
            if let TokenKind::Keyword(keyword @ (Keyword::GroupLeft | Keyword::GroupRight)) = self.peek() {
                self.take();
                matching.card = match keyword {
                    Keyword::GroupLeft => MatchCardinality::ManyToOne,
                    _ => MatchCardinality::OneToMany,
                };
                let next = self.peek();
                let none_given = next != TokenKind::LeftParen && next.starts_expression();
                if !none_given {
                    matching.include = self.grouping_labels()?;
                }
            }
        }
        matching.fill = self.fill_values()?;
        Ok(matching)
    }

    fn fill_values(&mut self) -> Parse<FillValues> {
        let mut fill = FillValues::default();
        let TokenKind::Keyword(first @ (Keyword::Fill | Keyword::FillLeft | Keyword::FillRight)) =
            self.peek()
        else {
            return Ok(fill);
        };
        self.take();
        let value = Some(self.fill_value()?);
        let second = match first {
            Keyword::FillLeft => {
                fill.lhs = value;
                Keyword::FillRight
            }
            Keyword::FillRight => {
                fill.rhs = value;
                Keyword::FillLeft
            }
            _ => return Ok(FillValues { lhs: value, rhs: value }),
        };
        if self.take_if(TokenKind::Keyword(second)).is_some() {
            let value = Some(self.fill_value()?);
            fill.lhs = fill.lhs.or(value);
            fill.rhs = fill.rhs.or(value);
        }
        Ok(fill)
    }

    fn fill_value(&mut self) -> Parse<f64> {
        self.expect(TokenKind::LeftParen)?;
        let (value, _) = self.signed_number()?;
        self.expect(TokenKind::RightParen)?;
        Ok(value)
    }

    /// A number with or without a sign, and where it was written.
    pub(super) fn signed_number(&mut self) -> Parse<(f64, TextSpan)> {
        let mut sign: Option<(BinaryOp, TextSpan)> = None;
        loop {
            match self.peek() {
                TokenKind::Number | TokenKind::Duration => {
                    let NumberLiteral { value, span, .. } = self.number_literal();
                    return Ok(match sign {
                        None => (value, span),
                        Some((BinaryOp::Sub, start)) => (-value, start.to(span)),
                        Some((_, start)) => (value, start.to(span)),
                    });
                }
                TokenKind::Binary(op @ (BinaryOp::Add | BinaryOp::Sub)) if sign.is_none() => {
                    sign = Some((op, self.take().span));
                }
                _ => self.misfit()?,
            }
        }
    }

    /// Labels in parentheses.
    fn grouping_labels(&mut self) -> Parse<Vec<String>> {
        const CONTEXT: &str = "grouping opts";
        if let Err(unwind) = self.expect(TokenKind::LeftParen) {
            self.recover(unwind, CONTEXT, "\"(\"")?;
            return Ok(Vec::new());
        }
        let mut labels = Vec::new();
        loop {
            match self.grouping_label() {
                Ok(label) => labels.extend(label),
                Err(unwind) => self.recover(unwind, CONTEXT, "label")?,
            }
            loop {
                match self.peek() {
                    TokenKind::RightParen => {
                        self.take();
                        return Ok(labels);
                    }
                    TokenKind::Comma => {
                        self.take();
                        break;
                    }
                    _ => {
                        if let Err(unwind) = self.misfit() {
                            self.recover(unwind, CONTEXT, "\",\" or \")\"")?;
                        }
                    }
                }
            }
        }
    }

    /// A label; nothing at the right parenthesis.
    fn grouping_label(&mut self) -> Parse<Option<String>> {
        loop {
            let kind = self.peek();
            if kind == TokenKind::RightParen {
                return Ok(None);
            }
            if !kind.is_label_name() && kind != TokenKind::String {
                self.misfit()?;
                continue;
            }
            let token = self.take();
            let text = self.text(token);
            let label = if kind == TokenKind::String { unquote(&text) } else { text.into_owned() };
            if !is_valid_label_name(&label, self.options.names) {
                let message = format!("invalid label name for grouping: {}", quote(&label));
                self.error(token.span, message);
            }
            return Ok(Some(label));
        }
    }

    /// Goes on after a misfit, with a message about it; anything else unwinds further.
    pub(super) fn recover(&mut self, unwind: Unwind, context: &str, expected: &str) -> Parse<()> {
        if unwind == Unwind::Abort {
            return Err(unwind);
        }
        self.unexpected(context, expected);
        Ok(())
    }

    fn aggregation_or_selector(&mut self, op: AggregateOp) -> Parse<Parsed<Expr>> {
        let name = self.take();
        match self.peek() {
            TokenKind::LeftParen | TokenKind::Keyword(Keyword::By | Keyword::Without) => {}
            _ => return self.selector_named(name).map(|selector| leaf(Expr::Vector(Arc::new(selector)))),
        }
        match self.aggregation(op, name) {
            Err(Unwind::Recover) => {
                self.unexpected("aggregation", "");
                let span = TextSpan { start: name.span.start, end: self.last_closing };
                self.error(span, "no arguments for aggregate expression provided".to_owned());
                Ok(placeholder(span))
            }
            done => done,
        }
    }

    fn aggregation(&mut self, op: AggregateOp, name: Token) -> Parse<Parsed<Expr>> {
        let mut modifier = self.aggregate_modifier()?;
        let (args, close) = self.arguments()?;
        let mut end = close.span;
        if modifier.is_none() {
            modifier = self.aggregate_modifier()?;
            if let Some(modifier) = &modifier {
                end = modifier.end;
            }
        }
        let span = name.span.to(end);
        self.aggregate(op, modifier, args, span)
    }

    /// `by (...)` or `without (...)`.
    fn aggregate_modifier(&mut self) -> Parse<Option<AggregateModifier>> {
        let TokenKind::Keyword(keyword @ (Keyword::By | Keyword::Without)) = self.peek() else {
            return Ok(None);
        };
        self.take();
        let grouping = self.grouping_labels()?;
        let end = TextSpan { start: self.last_closing, end: self.last_closing };
        Ok(Some(AggregateModifier { grouping, without: keyword == Keyword::Without, end }))
    }

    fn aggregate(
        &mut self,
        op: AggregateOp,
        modifier: Option<AggregateModifier>,
        mut args: Vec<Parsed<Expr>>,
        span: TextSpan,
    ) -> Parse<Parsed<Expr>> {
        let problem = if args.is_empty() {
            Some("no arguments for aggregate expression provided".to_owned())
        } else if op.is_experimental() && !self.options.experimental_functions {
            Some(format!(
                "{}() is experimental and must be enabled with --enable-feature=promql-experimental-functions",
                op.as_str()
            ))
        } else {
            let (want, got) = (1 + usize::from(op.param_type().is_some()), args.len());
            (want != got).then(|| {
                format!(
                    "wrong number of arguments for aggregate expression provided, expected {want}, got {got}"
                )
            })
        };
        if let Some(problem) = problem {
            self.error(span, problem);
            return Ok(placeholder(span));
        }
        let height = tallest(&args);
        let expr = args.pop().expect("BUG: the arguments were counted").node;
        let param = args.pop().map(|param| param.node);
        let (grouping, without) = modifier.map_or((Vec::new(), false), |m| (m.grouping, m.without));
        let expr = AggregateExpr { op, param, expr, grouping, without, span };
        self.grow(Expr::Aggregate(Arc::new(expr)), span, height)
    }

    fn call_or_selector(&mut self) -> Parse<Parsed<Expr>> {
        let name = self.take();
        if self.peek() != TokenKind::LeftParen {
            return self.selector_named(name).map(|selector| leaf(Expr::Vector(Arc::new(selector))));
        }
        let (args, close) = self.arguments()?;
        let span = name.span.to(close.span);
        let text = self.text(name);
        let Some(func) = function(&text) else {
            self.error(name.span, format!("unknown function with name {}", quote(&text)));
            return Ok(placeholder(span));
        };
        if func.experimental && !self.options.experimental_functions {
            self.error(name.span, format!("function {} is not enabled", quote(&text)));
        }
        let height = tallest(&args);
        let args = args.into_iter().map(|arg| arg.node).collect();
        self.grow(Expr::Call(Arc::new(Call { func, args, span })), span, height)
    }

    /// Expressions in parentheses, and the closing parenthesis.
    fn arguments(&mut self) -> Parse<(Vec<Parsed<Expr>>, Token)> {
        self.expect(TokenKind::LeftParen)?;
        let mut args = Vec::new();
        loop {
            match self.peek() {
                TokenKind::RightParen => return Ok((args, self.take())),
                kind if kind.starts_expression() => break,
                _ => self.misfit()?,
            }
        }
        args.push(self.expression(0)?);
        loop {
            match self.peek() {
                TokenKind::RightParen => return Ok((args, self.take())),
                TokenKind::Comma => {
                    let comma = self.take();
                    if self.peek().starts_expression() {
                        args.push(self.expression(0)?);
                    } else {
                        let message = "trailing commas not allowed in function call args".to_owned();
                        self.error(comma.span, message);
                    }
                }
                _ => self.misfit()?,
            }
        }
    }
}

struct AggregateModifier {
    grouping: Vec<String>,
    without: bool,
    /// Where the modifier ends.
    end: TextSpan,
}

fn leaf<T>(node: T) -> Parsed<T> {
    Parsed { node, height: 1 }
}

/// Stands for an expression that could not be understood. Its error is reported already, so nobody will see it.
fn placeholder(span: TextSpan) -> Parsed<Expr> {
    leaf(Expr::String(Arc::new(StringLiteral { value: String::new(), span })))
}

fn tallest(parsed: &[Parsed<Expr>]) -> usize {
    parsed.iter().map(|p| p.height).max().unwrap_or(0)
}
