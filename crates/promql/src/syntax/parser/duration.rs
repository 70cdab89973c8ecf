use std::sync::Arc;

use super::{Parse, Parsed, Parser};
use crate::syntax::ast::{DurationArg, DurationExpr, DurationOp, NumberLiteral};
use crate::syntax::operator::BinaryOp;
use crate::syntax::span::TextSpan;
use crate::syntax::token::{Keyword, Token, TokenKind};

/// Durations count nanoseconds in 64 bits.
const MAX_SECONDS: f64 = 9_223_372_036_854_775_808.0 / 1e9;

impl Parser<'_> {
    /// The length of a range or of a subquery step.
    pub(super) fn positive_duration(&mut self) -> Parse<DurationArg> {
        match self.duration(0)?.node {
            DurationExpr::Number(number) if number.value <= 0.0 => {
                self.error(number.span, "duration must be greater than 0".to_owned());
                Ok(DurationArg::Literal(0))
            }
            duration => Ok(to_argument(duration)),
        }
    }

    /// The step behind the colon of a subquery, if there is one.
    pub(super) fn subquery_step(&mut self) -> Parse<Option<DurationArg>> {
        loop {
            match self.peek() {
                TokenKind::RightBracket => return Ok(None),
                TokenKind::LeftParen | TokenKind::Binary(BinaryOp::Add | BinaryOp::Sub) => break,
                kind if starts_duration(kind) => break,
                _ => self.misfit()?,
            }
        }
        self.positive_duration().map(Some)
    }

    /// What follows `offset`, and where it ends. Operators behind a number, a call or a sign with parentheses do not belong to it: in
    /// `x offset 5m + y` and `x offset -(5m) ^ 2` they combine values. Behind plain parentheses they do.
    pub(super) fn offset_duration(&mut self) -> Parse<(DurationArg, TextSpan)> {
        let offset = loop {
            match self.peek() {
                TokenKind::LeftParen => {
                    let operand = self.duration_operand()?;
                    break self.duration_operations(operand, 0)?;
                }
                TokenKind::Binary(BinaryOp::Add | BinaryOp::Sub) => {
                    let sign = self.take();
                    break self.signed_offset(sign)?;
                }
                kind if starts_duration(kind) => break self.duration_operand()?,
                _ => self.misfit()?,
            }
        };
        let end = offset.node.span();
        Ok((to_argument(offset.node), end))
    }

    fn signed_offset(&mut self, sign: Token) -> Parse<Parsed<DurationExpr>> {
        loop {
            match self.peek() {
                TokenKind::LeftParen => {
                    let open = self.take();
                    let inner = self.duration(0)?;
                    let (inner, close) = self.closed(inner, TokenKind::RightParen)?;
                    let inner = self.wrap(inner, open.span.to(close.span))?;
                    return self.apply_sign(sign, inner);
                }
                TokenKind::Binary(BinaryOp::Add | BinaryOp::Sub) => {
                    let operand = self.duration(BinaryOp::Mul.precedence() + 1)?;
                    let signed = self.apply_sign(sign, operand)?;
                    return self.duration_operations(signed, 0);
                }
                kind if starts_duration(kind) => {
                    let operand = self.duration_operand()?;
                    return self.apply_sign(sign, operand);
                }
                _ => self.misfit()?,
            }
        }
    }

    /// A duration expression whose operators bind at least as strongly as `min_precedence`.
    fn duration(&mut self, min_precedence: u8) -> Parse<Parsed<DurationExpr>> {
        self.nested(|parser| {
            let operand = parser.duration_operand()?;
            parser.duration_operations(operand, min_precedence)
        })
    }

    fn duration_operations(
        &mut self,
        mut lhs: Parsed<DurationExpr>,
        min_precedence: u8,
    ) -> Parse<Parsed<DurationExpr>> {
        loop {
            let TokenKind::Binary(op) = self.peek() else { return Ok(lhs) };
            let Some(duration_op) = duration_op(op) else { return Ok(lhs) };
            if op.precedence() < min_precedence {
                return Ok(lhs);
            }
            let op_token = self.take();
            let rhs = self.duration(op.precedence() + u8::from(!op.is_right_associative()))?;
            self.require_duration_expressions(lhs.node.span());
            let zero = matches!(&rhs.node, DurationExpr::Number(number) if number.value == 0.0);
            let by_zero = match op {
                BinaryOp::Div if zero => Some("division by zero"),
                BinaryOp::Mod if zero => Some("modulo by zero"),
                _ => None,
            };
            if let Some(by_zero) = by_zero {
                self.error(op_token.span, by_zero.to_owned());
                lhs.node = nothing();
                continue;
            }
            let span = lhs.node.span().to(rhs.node.span());
            lhs = self.combine(duration_op, lhs, rhs, span)?;
        }
    }

    fn duration_operand(&mut self) -> Parse<Parsed<DurationExpr>> {
        loop {
            match self.peek() {
                TokenKind::Number | TokenKind::Duration => {
                    let number = self.number_literal();
                    let span = number.span;
                    let number = self.in_range(number, span);
                    return Ok(Parsed { node: number, height: 1 });
                }
                TokenKind::Binary(BinaryOp::Add | BinaryOp::Sub) => {
                    let sign = self.take();
                    let operand = self.duration(BinaryOp::Mul.precedence() + 1)?;
                    return self.apply_sign(sign, operand);
                }
                TokenKind::LeftParen => {
                    let open = self.take();
                    let inner = self.duration(0)?;
                    let (inner, close) = self.closed(inner, TokenKind::RightParen)?;
                    self.require_duration_expressions(inner.node.span());
                    return self.wrap(inner, open.span.to(close.span));
                }
                TokenKind::Keyword(keyword @ (Keyword::Step | Keyword::Range)) => {
                    let name = self.take();
                    self.expect(TokenKind::LeftParen)?;
                    let close = self.expect(TokenKind::RightParen)?;
                    let span = name.span.to(close.span);
                    self.require_duration_expressions(span);
                    let node = match keyword {
                        Keyword::Step => DurationExpr::Step(span),
                        _ => DurationExpr::Range(span),
                    };
                    return Ok(Parsed { node, height: 1 });
                }
                TokenKind::Keyword(keyword @ (Keyword::MinOf | Keyword::MaxOf)) => {
                    let name = self.take();
                    self.expect(TokenKind::LeftParen)?;
                    let lhs = self.duration(0)?;
                    let (lhs, _) = self.closed(lhs, TokenKind::Comma)?;
                    let rhs = self.duration(0)?;
                    let (rhs, close) = self.closed(rhs, TokenKind::RightParen)?;
                    let span = name.span.to(close.span);
                    self.require_duration_expressions(span);
                    let op = if keyword == Keyword::MinOf { DurationOp::MinOf } else { DurationOp::MaxOf };
                    return self.combine(op, lhs, rhs, span);
                }
                _ => self.misfit()?,
            }
        }
    }

    /// Takes the token that ends a duration expression.
    fn closed(
        &mut self,
        mut inner: Parsed<DurationExpr>,
        kind: TokenKind,
    ) -> Parse<(Parsed<DurationExpr>, Token)> {
        loop {
            if let Some(close) = self.take_if(kind) {
                return Ok((inner, close));
            }
            self.misfit()?;
            inner = self.duration_operations(inner, 0)?;
        }
    }

    fn combine(
        &mut self,
        op: DurationOp,
        lhs: Parsed<DurationExpr>,
        rhs: Parsed<DurationExpr>,
        span: TextSpan,
    ) -> Parse<Parsed<DurationExpr>> {
        let height = lhs.height.max(rhs.height);
        let node = DurationExpr::Binary { op, lhs: Box::new(lhs.node), rhs: Box::new(rhs.node), span };
        self.grow(node, span, height)
    }

    /// Puts parentheses around a duration expression; double ones are kept as one pair.
    fn wrap(&mut self, inner: Parsed<DurationExpr>, span: TextSpan) -> Parse<Parsed<DurationExpr>> {
        match inner.node {
            DurationExpr::Paren { expr, .. } => {
                Ok(Parsed { node: DurationExpr::Paren { expr, span }, height: inner.height })
            }
            node => self.grow(DurationExpr::Paren { expr: Box::new(node), span }, span, inner.height),
        }
    }

    fn apply_sign(&mut self, sign: Token, operand: Parsed<DurationExpr>) -> Parse<Parsed<DurationExpr>> {
        let negative = sign.kind == TokenKind::Binary(BinaryOp::Sub);
        let span = sign.span.to(operand.node.span());
        match operand.node {
            DurationExpr::Number(mut number) => {
                if negative {
                    number.value = -number.value;
                }
                number.span = span;
                let node = self.in_range(number, sign.span);
                Ok(Parsed { node, height: operand.height })
            }
            node if negative => {
                self.grow(DurationExpr::Neg { expr: Box::new(node), span }, span, operand.height)
            }
            node => Ok(Parsed { node, height: operand.height }),
        }
    }

    /// The number, unless it is too large for a duration; the message then points at `blame`.
    fn in_range(&mut self, number: NumberLiteral, blame: TextSpan) -> DurationExpr {
        if number.value.abs() > MAX_SECONDS {
            self.error(blame, "duration out of range".to_owned());
            return nothing();
        }
        DurationExpr::Number(number)
    }

    fn require_duration_expressions(&mut self, span: TextSpan) {
        if !self.options.duration_expressions {
            self.error(span, "experimental duration expression is not enabled".to_owned());
        }
    }
}

/// Whether a duration can begin with the token, signs and parentheses aside.
fn starts_duration(kind: TokenKind) -> bool {
    matches!(
        kind,
        TokenKind::Number
            | TokenKind::Duration
            | TokenKind::Keyword(Keyword::Step | Keyword::Range | Keyword::MinOf | Keyword::MaxOf)
    )
}

/// Stands for a duration that has no value, which was reported already.
fn nothing() -> DurationExpr {
    DurationExpr::Number(NumberLiteral { value: 0.0, duration: false, span: TextSpan::default() })
}

fn duration_op(op: BinaryOp) -> Option<DurationOp> {
    match op {
        BinaryOp::Add => Some(DurationOp::Add),
        BinaryOp::Sub => Some(DurationOp::Sub),
        BinaryOp::Mul => Some(DurationOp::Mul),
        BinaryOp::Div => Some(DurationOp::Div),
        BinaryOp::Mod => Some(DurationOp::Mod),
        BinaryOp::Pow => Some(DurationOp::Pow),
        _ => None,
    }
}

fn to_argument(duration: DurationExpr) -> DurationArg {
    match duration {
        DurationExpr::Number(number) => {
            // Rounding to nanoseconds first keeps `0.29` from becoming 289 milliseconds.
            let nanoseconds = (number.value * 1e9).round() as i64;
            DurationArg::Literal(nanoseconds / 1_000_000)
        }
        expr => DurationArg::Expr(Arc::new(expr)),
    }
}
