use std::sync::Arc;

use bellwether_model::{METRIC_NAME, MatchOp, Matcher};

use crate::syntax::{
    AggregateExpr, AggregateOp, AtModifier, BinaryExpr, BinaryOp, Call, DurationArg, DurationExpr,
    DurationOp, Expr, FUNCTIONS, FillValues, MatchCardinality, MatrixSelector, NumberLiteral, ParenExpr,
    RangeMode, StringLiteral, SubqueryExpr, TextSpan, UnaryExpr, UnaryOp, ValueType, VectorMatching,
    VectorSelector,
};

/// Where a generator takes its decisions from: a random number generator, or the bytes of a fuzzer.
pub trait Choices {
    /// A number from 0 to `n - 1`. A source that has run dry answers 0, which stands for the simplest choice everywhere.
    fn below(&mut self, n: usize) -> usize;
}

/// Takes decisions from bytes. When they are used up, every choice is the simplest one, so fewer bytes make smaller queries.
#[derive(Debug, Clone)]
pub struct ByteChoices<'a> {
    bytes: &'a [u8],
}

impl<'a> ByteChoices<'a> {
    /// Decides by these bytes.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }
}

impl Choices for ByteChoices<'_> {
    fn below(&mut self, n: usize) -> usize {
        let Some((first, rest)) = self.bytes.split_first() else { return 0 };
        self.bytes = rest;
        usize::from(*first) % n
    }
}

/// Names of metrics and labels: plain ones, keywords, functions, and some that have to be quoted.
#[derive(Debug, Clone)]
pub struct Vocabulary {
    /// Names in front of braces.
    pub metrics: Vec<String>,
    /// Label names.
    pub labels: Vec<String>,
    /// Label values and strings.
    pub values: Vec<String>,
}

impl Default for Vocabulary {
    fn default() -> Self {
        let owned = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect();
        Self {
            metrics: owned(&[
                "a",
                "b_total",
                "job:c:rate5m",
                "sum",
                "offset",
                "start",
                "step",
                "by",
                "and",
                "fill",
                "rate",
                "min_of",
                "smoothed",
                "without",
            ]),
            labels: owned(&[
                "job", "instance", "le", "by", "on", "bool", "without", "inf", "atan2", "a.b", "ä", "x y",
                "1",
            ]),
            values: owned(&["x", "", "1", "a\"b\\c", "é\n\t", "$1-${2}", "`'", "\u{200b}\u{7f}", ".*"]),
        }
    }
}

/// Makes queries that are correct in syntax and types and whose printed form reads back as the same tree.
///
/// All spans are zero. Everything that the language has can come out: each function and operator, all modifiers, duration expressions,
/// names that are keywords or need quotes.
#[derive(Debug)]
pub struct QueryGenerator<'c, C> {
    choices: &'c mut C,
    vocabulary: &'c Vocabulary,
}

const NOWHERE: TextSpan = TextSpan { start: 0, end: 0 };

const NUMBERS: [f64; 12] =
    [1.0, 0.0, 2.0, 0.5, -1.0, 100.0, 1e-7, -2.5, 1e21, f64::INFINITY, f64::NEG_INFINITY, f64::NAN];
const DURATIONS_MS: [i64; 8] =
    [300_000, 1, 60_000, 5_400_000, 1500, 86_400_000, 31_536_000_000, 1_209_600_000];

impl<'c, C: Choices> QueryGenerator<'c, C> {
    /// A generator that follows `choices`.
    pub fn new(choices: &'c mut C, vocabulary: &'c Vocabulary) -> Self {
        Self { choices, vocabulary }
    }

    /// An expression of the given type with at most `depth` levels of operations.
    pub fn expression(&mut self, value_type: ValueType, depth: usize) -> Expr {
        if depth > 0 && self.one_in(6) {
            return paren(self.expression(value_type, depth - 1));
        }
        match value_type {
            ValueType::Scalar => self.scalar(depth),
            ValueType::Vector => self.vector(depth),
            ValueType::Matrix => self.matrix(depth),
            ValueType::String => string(self.value()),
        }
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.choices.below(n) == n - 1
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.choices.below(from.len())]
    }

    fn metric(&mut self) -> String {
        self.vocabulary.metrics[self.choices.below(self.vocabulary.metrics.len())].clone()
    }

    fn label(&mut self) -> String {
        self.vocabulary.labels[self.choices.below(self.vocabulary.labels.len())].clone()
    }

    fn labels(&mut self) -> Vec<String> {
        (0..self.choices.below(4)).map(|_| self.label()).collect()
    }

    fn value(&mut self) -> String {
        self.vocabulary.values[self.choices.below(self.vocabulary.values.len())].clone()
    }

    fn number(&mut self) -> NumberLiteral {
        if self.one_in(4) {
            let value = self.pick(&DURATIONS_MS) as f64 / 1000.0;
            return NumberLiteral { value, duration: true, span: NOWHERE };
        }
        NumberLiteral { value: self.pick(&NUMBERS), duration: false, span: NOWHERE }
    }

    fn scalar(&mut self, depth: usize) -> Expr {
        match self.choices.below(if depth == 0 { 1 } else { 4 }) {
            0 => Expr::Number(Arc::new(self.number())),
            1 => self.unary(ValueType::Scalar, depth),
            2 => self.binary(ValueType::Scalar, ValueType::Scalar, depth),
            _ => self.call(ValueType::Scalar, depth),
        }
    }

    fn vector(&mut self, depth: usize) -> Expr {
        match self.choices.below(if depth == 0 { 1 } else { 8 }) {
            0 => Expr::Vector(Arc::new(self.selector(true, true))),
            1 => self.unary(ValueType::Vector, depth),
            2 | 3 => {
                let sides = [
                    (ValueType::Vector, ValueType::Vector),
                    (ValueType::Vector, ValueType::Scalar),
                    (ValueType::Scalar, ValueType::Vector),
                ];
                let (left, right) = self.pick(&sides);
                self.binary(left, right, depth)
            }
            4 | 5 => self.aggregate(depth),
            _ => self.call(ValueType::Vector, depth),
        }
    }

    fn matrix(&mut self, depth: usize) -> Expr {
        if depth > 0 && self.one_in(3) {
            let expr = self.expression(ValueType::Vector, depth - 1);
            let expr = if matches!(expr, Expr::Binary(_) | Expr::Unary(_)) { paren(expr) } else { expr };
            let subquery = SubqueryExpr {
                expr,
                range: self.range(),
                step: self.one_in(2).then(|| self.range()),
                at: self.at(),
                offset: self.offset(),
                span: NOWHERE,
            };
            return Expr::Subquery(Arc::new(subquery));
        }
        let (selector, range) = (self.selector(true, true), self.range());
        Expr::Matrix(Arc::new(MatrixSelector { selector, range, span: NOWHERE }))
    }

    fn unary(&mut self, value_type: ValueType, depth: usize) -> Expr {
        let op = self.pick(&[UnaryOp::Minus, UnaryOp::Plus]);
        let expr = self.expression(value_type, depth - 1);
        // A sign would swallow a number, and other operators would take the sign along.
        let needs_paren = match &expr {
            Expr::Number(_) => true,
            Expr::Binary(binary) => binary.op != BinaryOp::Pow,
            _ => false,
        };
        let expr = if needs_paren { paren(expr) } else { expr };
        Expr::Unary(Arc::new(UnaryExpr { op, expr, span: NOWHERE }))
    }

    fn binary(&mut self, left: ValueType, right: ValueType, depth: usize) -> Expr {
        let both_vectors = left == ValueType::Vector && right == ValueType::Vector;
        let both_scalars = left == ValueType::Scalar && right == ValueType::Scalar;
        // The set operators are the last three.
        let n_ops = BinaryOp::ALL.len() - if both_vectors { 0 } else { 3 };
        let op = BinaryOp::ALL[self.choices.below(n_ops)];
        let lhs = self.expression(left, depth - 1);
        let rhs = self.expression(right, depth - 1);
        let binds_weaker = |operand: &Expr, is_left: bool| match operand {
            Expr::Binary(inner) => {
                let (inner, outer) = (inner.op.precedence(), op.precedence());
                inner < outer || inner == outer && is_left == op.is_right_associative()
            }
            // A power takes its left operand away from a sign.
            Expr::Unary(_) => is_left && op == BinaryOp::Pow,
            Expr::Number(number) => is_left && op == BinaryOp::Pow && number.value.is_sign_negative(),
            _ => false,
        };
        let swallowed = swallows_operators(&lhs);
        let lhs = if swallowed || binds_weaker(&lhs, true) { paren(lhs) } else { lhs };
        let rhs = if binds_weaker(&rhs, false) { paren(rhs) } else { rhs };
        let expr = BinaryExpr {
            op,
            lhs,
            rhs,
            return_bool: op.is_comparison() && (both_scalars || self.one_in(3)),
            matching: both_vectors.then(|| self.matching(op)),
            op_span: NOWHERE,
            span: NOWHERE,
        };
        Expr::Binary(Arc::new(expr))
    }

    fn matching(&mut self, op: BinaryOp) -> VectorMatching {
        let mut matching = VectorMatching::default();
        if self.one_in(2) {
            matching.on = self.one_in(2);
            matching.labels = self.labels();
        }
        if op.is_set() {
            matching.card = MatchCardinality::ManyToMany;
            return matching;
        }
        let one_sided = [MatchCardinality::ManyToOne, MatchCardinality::OneToMany];
        if self.one_in(3) {
            matching.card = self.pick(&one_sided);
            let on = if matching.on { matching.labels.clone() } else { Vec::new() };
            matching.include = self.labels().into_iter().filter(|label| !on.contains(label)).collect();
        }
        if self.one_in(3) {
            let fill = |generator: &mut Self| generator.one_in(2).then(|| generator.pick(&NUMBERS));
            matching.fill = FillValues { lhs: fill(self), rhs: fill(self) };
        }
        matching
    }

    fn aggregate(&mut self, depth: usize) -> Expr {
        let op = self.pick(&AggregateOp::ALL);
        let param = op.param_type().map(|param| self.expression(param, depth - 1));
        let expr = self.expression(ValueType::Vector, depth - 1);
        let (grouping, without) = (self.labels(), self.one_in(2));
        Expr::Aggregate(Arc::new(AggregateExpr { op, param, expr, grouping, without, span: NOWHERE }))
    }

    fn call(&mut self, value_type: ValueType, depth: usize) -> Expr {
        let functions: Vec<_> = FUNCTIONS.iter().filter(|f| f.return_type == value_type).collect();
        let func = self.pick(&functions);
        let min = func.min_args();
        let n = min + self.choices.below(func.max_args().unwrap_or(min + 3) - min + 1);
        let args = (0..n).map(|idx| {
            if func.name == "info" && idx == 1 {
                // The second argument only names labels.
                return Expr::Vector(Arc::new(self.selector(false, false)));
            }
            let arg_type = func.arg_type(idx).expect("BUG: there are no more arguments than there may be");
            self.expression(arg_type, depth - 1)
        });
        let args = args.collect();
        Expr::Call(Arc::new(Call { func, args, span: NOWHERE }))
    }

    fn selector(&mut self, named: bool, selective: bool) -> VectorSelector {
        let name = (named && !self.one_in(3)).then(|| self.metric());
        let mut matchers: Vec<Matcher> = (0..self.choices.below(4)).map(|_| self.matcher()).collect();
        if name.is_none() && selective {
            matchers.push(Matcher::equal(METRIC_NAME, self.metric()));
        }
        // Printing sorts.
        matchers.sort_by_cached_key(|matcher| {
            let one = VectorSelector { matchers: vec![matcher.clone()], ..empty_selector() };
            one.to_string()
        });
        matchers.extend(name.clone().map(|name| Matcher::equal(METRIC_NAME, name)));
        let mode = self.pick(&[RangeMode::Plain, RangeMode::Plain, RangeMode::Anchored, RangeMode::Smoothed]);
        let (at, offset) = (self.at(), self.offset());
        VectorSelector { name, matchers, at, offset, mode, span: NOWHERE }
    }

    fn matcher(&mut self) -> Matcher {
        let op = self.pick(&[MatchOp::Eq, MatchOp::Ne, MatchOp::Re, MatchOp::Nre]);
        let (label, value) = (self.label(), self.value());
        Matcher::new(op, label.as_str(), value).unwrap_or_else(|_| Matcher::equal(label, "x"))
    }

    fn at(&mut self) -> Option<AtModifier> {
        match self.choices.below(8) {
            5 => Some(AtModifier::Start),
            6 => Some(AtModifier::End),
            7 => Some(AtModifier::Timestamp(self.pick(&[0, 1_603_774_568_123, -100, 1_700_000_000_000]))),
            _ => None,
        }
    }

    fn range(&mut self) -> DurationArg {
        if self.one_in(3) {
            return DurationArg::Expr(Arc::new(self.duration_expression(2)));
        }
        DurationArg::Literal(self.pick(&DURATIONS_MS))
    }

    fn offset(&mut self) -> Option<DurationArg> {
        match self.choices.below(8) {
            4 => Some(DurationArg::Literal(self.pick(&DURATIONS_MS))),
            5 => Some(DurationArg::Literal(-self.pick(&DURATIONS_MS))),
            6 => Some(DurationArg::Expr(Arc::new(self.offset_operand()))),
            7 => Some(DurationArg::Expr(Arc::new(negative(self.offset_operand())))),
            _ => None,
        }
    }

    /// What may stand behind `offset` or behind its sign without being a number.
    fn offset_operand(&mut self) -> DurationExpr {
        match self.choices.below(4) {
            0 => DurationExpr::Step(NOWHERE),
            1 => DurationExpr::Range(NOWHERE),
            2 => self.min_or_max(1),
            _ => wrapped(self.duration(2)),
        }
    }

    /// A duration that is not just a number.
    fn duration_expression(&mut self, depth: usize) -> DurationExpr {
        match self.duration(depth) {
            number @ DurationExpr::Number(_) => wrapped(number),
            expr => expr,
        }
    }

    fn duration(&mut self, depth: usize) -> DurationExpr {
        match self.choices.below(if depth == 0 { 3 } else { 7 }) {
            0 => {
                let number = match self.number() {
                    number if number.duration => number,
                    // Neither zero, by which nothing can be divided, nor what is too long.
                    _ => NumberLiteral {
                        value: self.pick(&[1.0, 2.5, -3.0, 300.0]),
                        duration: false,
                        span: NOWHERE,
                    },
                };
                DurationExpr::Number(number)
            }
            1 => DurationExpr::Step(NOWHERE),
            2 => DurationExpr::Range(NOWHERE),
            3 => self.min_or_max(depth - 1),
            4 => wrapped(self.duration(depth - 1)),
            5 => match self.duration(depth - 1) {
                expr @ (DurationExpr::Step(_) | DurationExpr::Range(_) | DurationExpr::Paren { .. }) => {
                    negative(expr)
                }
                expr @ DurationExpr::Binary {
                    op: DurationOp::MinOf | DurationOp::MaxOf | DurationOp::Pow,
                    ..
                } => negative(expr),
                expr => negative(wrapped(expr)),
            },
            _ => self.duration_binary(depth),
        }
    }

    fn min_or_max(&mut self, depth: usize) -> DurationExpr {
        let op = self.pick(&[DurationOp::MinOf, DurationOp::MaxOf]);
        let (lhs, rhs) = (Box::new(self.duration(depth)), Box::new(self.duration(depth)));
        DurationExpr::Binary { op, lhs, rhs, span: NOWHERE }
    }

    fn duration_binary(&mut self, depth: usize) -> DurationExpr {
        const OPS: [DurationOp; 6] = [
            DurationOp::Add,
            DurationOp::Sub,
            DurationOp::Mul,
            DurationOp::Div,
            DurationOp::Mod,
            DurationOp::Pow,
        ];
        let op = self.pick(&OPS);
        // Parentheses around every operand that is not a plain one are always right.
        let operand = |expr: DurationExpr| match expr {
            DurationExpr::Binary { op: DurationOp::MinOf | DurationOp::MaxOf, .. } => expr,
            DurationExpr::Binary { .. } | DurationExpr::Neg { .. } => wrapped(expr),
            DurationExpr::Number(number) if number.value < 0.0 => wrapped(DurationExpr::Number(number)),
            expr => expr,
        };
        let (lhs, rhs) = (operand(self.duration(depth - 1)), operand(self.duration(depth - 1)));
        DurationExpr::Binary { op, lhs: Box::new(lhs), rhs: Box::new(rhs), span: NOWHERE }
    }
}

fn paren(expr: Expr) -> Expr {
    Expr::Paren(Arc::new(ParenExpr { expr, span: NOWHERE }))
}

fn string(value: String) -> Expr {
    Expr::String(Arc::new(StringLiteral { value, span: NOWHERE }))
}

fn empty_selector() -> VectorSelector {
    VectorSelector {
        name: None,
        matchers: Vec::new(),
        at: None,
        offset: None,
        mode: RangeMode::Plain,
        span: NOWHERE,
    }
}

fn negative(expr: DurationExpr) -> DurationExpr {
    DurationExpr::Neg { expr: Box::new(expr), span: NOWHERE }
}

/// In parentheses; two pairs are as good as one.
fn wrapped(expr: DurationExpr) -> DurationExpr {
    match expr {
        DurationExpr::Paren { .. } => expr,
        expr => DurationExpr::Paren { expr: Box::new(expr), span: NOWHERE },
    }
}

/// Whether the expression ends with an offset in parentheses, which takes the operators behind it for its own.
fn swallows_operators(expr: &Expr) -> bool {
    let open_end = |offset: &Option<DurationArg>| match offset {
        Some(DurationArg::Expr(expr)) => matches!(**expr, DurationExpr::Paren { .. }),
        _ => false,
    };
    match expr {
        Expr::Vector(selector) => open_end(&selector.offset),
        Expr::Matrix(matrix) => open_end(&matrix.selector.offset),
        Expr::Subquery(subquery) => open_end(&subquery.offset),
        Expr::Unary(unary) => swallows_operators(&unary.expr),
        Expr::Binary(binary) => swallows_operators(&binary.rhs),
        Expr::Number(_) | Expr::String(_) | Expr::Aggregate(_) | Expr::Call(_) | Expr::Paren(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// A generator of pseudo-random numbers (SplitMix64), so that the test does the same every time.
    struct Random(u64);

    impl Choices for Random {
        fn below(&mut self, n: usize) -> usize {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((z ^ (z >> 31)) % n as u64) as usize
        }
    }

    #[test]
    fn everything_comes_out() {
        let (mut random, vocabulary) = (Random(1), Vocabulary::default());
        let mut seen = BTreeSet::new();
        let mut texts = String::new();
        for _ in 0..3000 {
            let expr = QueryGenerator::new(&mut random, &vocabulary).expression(ValueType::Vector, 4);
            expr.walk(&mut |expr, _| {
                seen.insert(match expr {
                    Expr::Call(call) => call.func.name,
                    Expr::Binary(binary) => binary.op.as_str(),
                    Expr::Aggregate(aggregate) => aggregate.op.as_str(),
                    _ => "",
                });
            });
            texts.push_str(&expr.to_string());
        }
        let all = FUNCTIONS
            .iter()
            .map(|f| f.name)
            .chain(BinaryOp::ALL.map(BinaryOp::as_str))
            .chain(AggregateOp::ALL.map(AggregateOp::as_str));
        for name in all {
            assert!(seen.contains(name), "{name} never comes out");
        }
        for modifier in [
            " bool ",
            " on (",
            " ignoring (",
            " group_left (",
            " group_right (",
            " fill (",
            " fill_left (",
            " fill_right (",
            " by (",
            " without (",
            " anchored",
            " smoothed",
            " offset -",
            " @ start()",
            " @ end()",
            " @ -0.100",
            "[step()",
            "range()",
            "min_of(",
            ":]",
            "=~",
            "\"a.b\"",
        ] {
            assert!(texts.contains(modifier), "{modifier} never comes out");
        }
    }

    #[test]
    fn nothing_to_decide_makes_the_simplest_query() {
        let mut choices = ByteChoices::new(&[]);
        let vocabulary = Vocabulary::default();
        let expr = QueryGenerator::new(&mut choices, &vocabulary).expression(ValueType::Vector, 4);
        assert_eq!(expr.to_string(), "a");
    }
}
