//! Makes queries that find something in the data: typed, from a seed, in the language of the older release.
//!
//! Floating-point noise must not look like a difference: releases add numbers up in different orders and with different compensation. So
//! each expression knows whether all releases compute it to the same bit ([`Made::exact`]), and nothing that turns noise into another
//! answer (comparisons, rounding, differences of near values, ...) is applied to one that is not.

use std::fmt::Write as _;

use bellwether_promql::conformance::Choices as _;

use super::data::{BEGIN_MS, END_MS, MINUTE_MS, QUERY_MS};
use super::random::Random;
use super::vocabulary::{Group, Kind, Metric};

/// How a result is ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// Not at all: the order of the series says nothing.
    None,
    /// By value; equal values in any order.
    ByValue,
    /// By value, and which of equal values are taken is open.
    Chosen,
}

/// When a query is evaluated, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Times {
    Instant(i64),
    Range { start_ms: i64, end_ms: i64, step_ms: i64 },
}

/// A query and what its result promises.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    pub(crate) text: String,
    pub(crate) times: Times,
    pub(crate) order: Order,
}

/// An expression.
#[derive(Debug, Clone)]
struct Made {
    text: String,
    /// Whether all releases compute the same bits.
    exact: bool,
    /// Whether operators around it have to be kept away by parentheses.
    compound: bool,
    /// The labels that its series may have.
    labels: Vec<String>,
}

impl Made {
    fn new(text: impl Into<String>, exact: bool, labels: &[String]) -> Self {
        Self { text: text.into(), exact, compound: false, labels: labels.to_vec() }
    }

    fn compound(mut self) -> Self {
        self.compound = true;
        self
    }

    fn operand(&self) -> String {
        if self.compound { format!("({})", self.text) } else { self.text.clone() }
    }
}

const RANGES: [&str; 9] = ["1m", "5m", "30s", "2m", "10m", "90s", "20m", "7m", "1h"];
/// Never a multiple of a step, so that no step of an inner subquery is on the edge of an outer one; and never shorter than a step, so that
/// there is one.
const SUBQUERY_RANGES: [&str; 5] = ["2m500ms", "5m500ms", "4m1s500ms", "9m30s500ms", "10m500ms"];
const SUBQUERY_STEPS: [&str; 5] = ["30s", "1m", "17s", "", "2m"];
const OFFSETS: [&str; 6] = ["1m", "30s", "-1m", "5m", "7m13s", "-45s"];
const STEPS_MS: [i64; 7] = [30_000, 15_000, 60_000, 7_000, 97_000, 300_000, 1_000];
/// Numbers that no measured value comes near by chance.
const ODD_NUMBERS: [&str; 6] = ["0.3137", "-0.7213", "12.7719", "1234.5671", "3.00177e6", "7.7331e9"];
const NUMBERS: [&str; 16] = [
    "1", "2", "0", "10", "-1", "0.5", "100", "1e3", "-2.5", "Inf", "-Inf", "NaN", "1e-3", "0x1F", "1e9",
    "42.5",
];
/// Never where a share of whole counts can be.
const QUANTILES: [&str; 11] =
    ["0.5003", "0.9017", "0.3711", "0.9901", "0.0507", "0", "1", "-0.1", "1.1", "NaN", "0.7507"];

/// Functions of an instant vector that need exact arguments, and yield exact results.
const STEP_FUNCTIONS: [&str; 15] = [
    "floor",
    "ceil",
    "round",
    "sgn",
    "day_of_month",
    "day_of_week",
    "day_of_year",
    "days_in_month",
    "hour",
    "minute",
    "month",
    "year",
    "abs",
    "timestamp",
    "absent",
];
/// Functions that need exact arguments and may differ in the last bit.
const SENSITIVE_FUNCTIONS: [&str; 16] = [
    "ln", "log2", "log10", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh",
    "acosh", "atanh", "exp",
];
/// Functions that pass noise on as it is.
const SMOOTH_FUNCTIONS: [&str; 4] = ["abs", "sqrt", "deg", "rad"];

const EXACT_RANGE_FUNCTIONS: [&str; 9] = [
    "last_over_time",
    "min_over_time",
    "max_over_time",
    "count_over_time",
    "present_over_time",
    "changes",
    "resets",
    "idelta",
    "absent_over_time",
];
const INEXACT_RANGE_FUNCTIONS: [&str; 11] = [
    "rate",
    "increase",
    "irate",
    "delta",
    "deriv",
    "sum_over_time",
    "avg_over_time",
    "stddev_over_time",
    "stdvar_over_time",
    "predict_linear",
    "quantile_over_time",
];
/// Functions of a range that pass noise on as it is.
const SMOOTH_RANGE_FUNCTIONS: [&str; 8] = [
    "sum_over_time",
    "avg_over_time",
    "min_over_time",
    "max_over_time",
    "last_over_time",
    "count_over_time",
    "present_over_time",
    "quantile_over_time",
];
const ARITHMETIC: [&str; 7] = ["*", "/", "+", "-", "%", "^", "atan2"];
const COMPARISONS: [&str; 6] = ["==", "!=", ">", "<", ">=", "<="];
const SETS: [&str; 3] = ["and", "or", "unless"];

/// Mistakes, each with what must be wrong in any release.
const MISTAKES: [&str; 24] = [
    "rate(V)",
    "sum(1)",
    "V and 1",
    "(V",
    "V)",
    "sum by (V)",
    "rate(V[5m)",
    "V[5m]",
    "nosuch(V)",
    "V{a=~\"(\"}",
    "1 < 2",
    "V offset",
    "-\"a\"",
    "topk(V)",
    "V + on (a) group_left",
    "label_replace(V, \"a\", \"b\", \"c\", \"(\")",
    "V{",
    "{}",
    "{a=~\".*\"}",
    "quantile(\"a\", V)",
    "abs()",
    "time(1)",
    "V @ a",
    "V bool 1",
];

/// Makes one query after the other.
#[derive(Debug)]
pub(crate) struct Grammar<'g> {
    random: Random,
    groups: &'g [Group],
    group: &'g Group,
    /// How many subqueries the query has.
    n_subqueries: usize,
}

impl<'g> Grammar<'g> {
    /// The grammar of the query that has this seed.
    pub(crate) fn new(seed: u64, groups: &'g [Group]) -> Self {
        let mut random = Random::new(seed);
        let group = &groups[random.below(groups.len())];
        Self { random, groups, group, n_subqueries: 0 }
    }

    pub(crate) fn query(&mut self) -> Query {
        let instant = self.one_in(2);
        let depth = 1 + self.random.below(4);
        let (text, order) = match self.random.below(100) {
            0..=2 if instant => (self.matrix(depth - 1, false).0, Order::None),
            3 if instant => (format!("\"{}\"", self.pick(&["a", "ä\\n", ""])), Order::None),
            4..=9 => (self.scalar(depth).text, Order::None),
            10..=13 => (self.mistake(), Order::None),
            14..=21 => self.chosen(depth, instant),
            22..=26 => {
                let function = self.pick(&["sort", "sort_desc"]);
                let arg = self.exact_vector(depth).text;
                (format!("{function}({arg})"), if instant { Order::ByValue } else { Order::None })
            }
            _ => (self.vector(depth).text, Order::None),
        };
        let times = if instant { Times::Instant(self.time_ms()) } else { self.range_times() };
        Query { text, times, order }
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.random.one_in(n)
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        self.random.pick(from)
    }

    /// The first ones more often than the last ones.
    fn pick_early<T: Copy>(&mut self, from: &[T]) -> T {
        let n = 1 + self.random.below(from.len());
        self.pick(&from[..n])
    }

    fn time_ms(&mut self) -> i64 {
        let seconds = self.random.below(((END_MS - BEGIN_MS) / 1000 - 28 * 60) as usize) as i64;
        BEGIN_MS + 27 * MINUTE_MS + seconds * 1000 + QUERY_MS
    }

    fn range_times(&mut self) -> Times {
        let (start_ms, step_ms) = (self.time_ms(), self.pick_early(&STEPS_MS));
        let n = self.random.below(if self.n_subqueries > 0 { 8 } else { 16 }) as i64;
        // The end is not always a step.
        let more = if self.one_in(4) { step_ms / 2000 * 1000 } else { 0 };
        Times::Range { start_ms, end_ms: start_ms + n * step_ms + more, step_ms }
    }

    fn mistake(&mut self) -> String {
        // Of several mistakes releases name different ones first, so there is only one.
        let metric = self.metric();
        let vector = self.bare_selector(metric, false);
        self.pick(&MISTAKES).replace('V', &vector)
    }

    /// The greatest or smallest ones. Only outermost, because which of equal values they take is open.
    fn chosen(&mut self, depth: usize, instant: bool) -> (String, Order) {
        let op = self.pick(&["topk", "bottomk"]);
        let arg = self.exact_vector(depth);
        let k = if instant && self.one_in(8) {
            self.scalar_exact(1).text
        } else {
            self.pick(&["1", "2", "3", "5", "0", "-1", "2.7"]).to_owned()
        };
        let grouping = if self.one_in(2) { String::new() } else { self.grouping(&arg.labels).0 };
        (format!("{op}{grouping}({k}, {})", arg.text), Order::Chosen)
    }

    fn scalar(&mut self, depth: usize) -> Made {
        let n = if depth == 0 { 3 } else { 9 };
        match self.random.below(n) {
            0 | 1 => Made::new(self.pick_early(&NUMBERS), true, &[]).compound(),
            2 => Made::new(self.pick(&["time()", "pi()"]), true, &[]),
            3 | 4 => {
                let vector = if self.one_in(2) { self.single(depth - 1) } else { self.vector(depth - 1) };
                Made::new(format!("scalar({})", vector.text), vector.exact, &[])
            }
            5 | 6 => {
                let (lhs, rhs) = (self.scalar(depth - 1), self.scalar(depth - 1));
                let op = self.operator(lhs.exact && rhs.exact);
                let text = format!("{} {op} {}", lhs.operand(), rhs.operand());
                Made::new(text, lhs.exact && rhs.exact && is_exact(op), &[]).compound()
            }
            7 => {
                let (lhs, rhs) = (self.scalar_exact(depth - 1), self.scalar_exact(depth - 1));
                let op = self.pick(&COMPARISONS);
                Made::new(format!("{} {op} bool {}", lhs.operand(), rhs.operand()), true, &[]).compound()
            }
            _ => {
                let inner = self.scalar(depth - 1);
                let sign = self.pick(&["-", "+"]);
                Made::new(format!("{sign}{}", inner.operand()), inner.exact, &[]).compound()
            }
        }
    }

    fn scalar_exact(&mut self, depth: usize) -> Made {
        let made = self.scalar(depth);
        if made.exact { made } else { Made::new(self.pick(&NUMBERS), true, &[]).compound() }
    }

    fn exact_vector(&mut self, depth: usize) -> Made {
        for _ in 0..4 {
            let made = self.vector(depth);
            if made.exact {
                return made;
            }
        }
        self.selector()
    }

    /// A vector with one series, most probably.
    fn single(&mut self, depth: usize) -> Made {
        let arg = self.vector(depth);
        let op = self.pick(&["count", "max", "min", "sum", "avg"]);
        let exact = op == "count" || (arg.exact && matches!(op, "max" | "min"));
        Made::new(format!("{op}({})", arg.text), exact, &[])
    }

    fn vector(&mut self, depth: usize) -> Made {
        if depth == 0 {
            return self.selector();
        }
        match self.random.below(24) {
            0 | 1 => self.selector(),
            2 => {
                let inner = self.vector(depth - 1);
                let sign = self.pick(&["-", "+"]);
                Made { text: format!("{sign}{}", inner.operand()), ..inner }.compound()
            }
            3 => {
                let inner = self.vector(depth - 1);
                Made { text: format!("({})", inner.text), compound: false, ..inner }
            }
            4..=8 => self.range_call(depth),
            9..=12 => self.aggregate(depth),
            13 | 14 => self.instant_call(depth),
            15 => self.label_call(depth),
            16 => self.histogram_quantile(),
            17 | 18 => self.with_scalar(depth),
            19 => {
                let scalar = self.scalar(depth - 1);
                Made::new(format!("vector({})", scalar.text), scalar.exact, &[])
            }
            20 => self.set_operation(depth),
            _ => self.two_vectors(depth),
        }
    }

    fn metric(&mut self) -> &'g Metric {
        if self.one_in(40) {
            self.group = &self.groups[self.random.below(self.groups.len())];
        }
        &self.group[self.random.below(self.group.len())]
    }

    fn metric_of(&mut self, kind: Kind) -> &'g Metric {
        for _ in 0..12 {
            let metric = self.metric();
            if metric.kind == kind {
                return metric;
            }
        }
        self.metric()
    }

    fn selector(&mut self) -> Made {
        let metric = self.metric();
        self.selector_of(metric)
    }

    fn selector_of(&mut self, metric: &Metric) -> Made {
        let mut text = self.bare_selector(metric, false);
        self.add_modifiers(&mut text);
        let labels: Vec<String> = metric.labels.iter().map(|(name, _)| name.clone()).collect();
        Made::new(text, true, &labels)
    }

    /// Name and matchers. `whole` leaves the buckets of histograms together.
    fn bare_selector(&mut self, metric: &Metric, whole: bool) -> String {
        let mut matchers = Vec::new();
        for (idx, (name, values)) in metric.labels.iter().enumerate() {
            if whole && name == "le" {
                continue;
            }
            let is_large = idx == usize::from(whole && metric.labels[0].0 == "le") && metric.n_series > 30;
            if is_large || self.one_in(6) {
                matchers.push(self.matcher(name, values, is_large));
            }
        }
        if self.one_in(40) {
            matchers.push(
                self.pick(&["nosuch=\"\"", "nosuch!=\"x\"", "nosuch=~\".*\"", "nosuch=~\".+\""]).to_owned(),
            );
        }
        match self.random.below(30) {
            0 => matchers.insert(0, format!("__name__=\"{}\"", metric.name)),
            1 => {
                let prefix: String = metric.name.chars().take(metric.name.len() * 3 / 4).collect();
                matchers.insert(0, format!("__name__=~\"{prefix}.*\""));
            }
            _ if matchers.is_empty() => return metric.name.clone(),
            _ => return format!("{}{{{}}}", metric.name, matchers.join(",")),
        }
        format!("{{{}}}", matchers.join(", "))
    }

    fn matcher(&mut self, name: &str, values: &[String], must_select: bool) -> String {
        let quoted = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"");
        let literal = |value: &str| {
            let mut out = String::new();
            for c in value.chars() {
                if !c.is_alphanumeric() && !matches!(c, '_' | '-' | '/' | ':' | ' ') {
                    out.push('\\');
                }
                out.push(c);
            }
            quoted(&out)
        };
        let value = values[self.random.below(values.len())].clone();
        let other = values[self.random.below(values.len())].clone();
        match self.random.below(if must_select { 3 } else { 9 }) {
            0 => format!("{name}=\"{}\"", quoted(&value)),
            1 => format!("{name}=~\"{}|{}\"", literal(&value), literal(&other)),
            2 => {
                let half: String = value.chars().take(value.chars().count().div_ceil(2)).collect();
                format!("{name}=~\"{}.*\"", literal(&half))
            }
            3 => format!("{name}!=\"{}\"", quoted(&value)),
            4 => format!("{name}!~\"{}\"", literal(&value)),
            5 => format!("{name}!~\"{}.+|nosuch\"", literal(&value.chars().take(1).collect::<String>())),
            6 => format!("{name}=~\".+\""),
            7 => format!("{name}!=\"\""),
            _ => format!("{name}=~\".*{}\"", literal(&value.chars().skip(1).collect::<String>())),
        }
    }

    fn add_modifiers(&mut self, text: &mut String) {
        let at = self.one_in(14).then(|| match self.random.below(4) {
            0 => "start()".to_owned(),
            1 => "end()".to_owned(),
            2 => ((BEGIN_MS + 40 * MINUTE_MS) / 1000).to_string(),
            _ => format!("{}.{QUERY_MS}", (BEGIN_MS + 61 * MINUTE_MS) / 1000),
        });
        let offset = self.one_in(7).then(|| self.pick(&OFFSETS));
        let at_first = self.one_in(2);
        for is_at in [at_first, !at_first] {
            let _ = match (is_at, &at, offset) {
                (true, Some(at), _) => write!(text, " @ {at}"),
                (false, _, Some(offset)) => write!(text, " offset {offset}"),
                _ => Ok(()),
            };
        }
    }

    /// A range vector, and whether it passes on exact values and which labels it has. `exact` asks for exact values.
    fn matrix(&mut self, depth: usize, exact: bool) -> (String, Made) {
        if depth > 0 && self.n_subqueries < 3 && self.one_in(3) {
            self.n_subqueries += 1;
            let inner = if exact { self.exact_vector(depth - 1) } else { self.vector(depth - 1) };
            let (range, step) = (self.pick(&SUBQUERY_RANGES), self.pick(&SUBQUERY_STEPS));
            let mut text = format!("{}[{range}:{step}]", inner.operand());
            self.add_modifiers(&mut text);
            return (text, inner);
        }
        let metric = self.metric();
        self.matrix_of(metric)
    }

    fn matrix_of(&mut self, metric: &Metric) -> (String, Made) {
        let mut text = format!("{}[{}]", self.bare_selector(metric, false), self.pick_early(&RANGES));
        self.add_modifiers(&mut text);
        let labels: Vec<String> = metric.labels.iter().map(|(name, _)| name.clone()).collect();
        (text, Made::new("", true, &labels))
    }

    fn range_call(&mut self, depth: usize) -> Made {
        let function = if self.one_in(3) {
            self.pick(&EXACT_RANGE_FUNCTIONS)
        } else {
            self.pick(&INEXACT_RANGE_FUNCTIONS)
        };
        let smooth = SMOOTH_RANGE_FUNCTIONS.contains(&function);
        let (matrix, inner) =
            if matches!(function, "rate" | "increase" | "irate" | "resets") && !self.one_in(4) {
                let metric = self.metric_of(Kind::Counter);
                self.matrix_of(metric)
            } else {
                self.matrix(depth - 1, !smooth)
            };
        let function =
            if function == "predict_linear" && matrix.contains(" @ ") { "deriv" } else { function };
        let exact = match function {
            "count_over_time" | "present_over_time" | "absent_over_time" => true,
            _ => inner.exact && EXACT_RANGE_FUNCTIONS.contains(&function),
        };
        let text = match function {
            "quantile_over_time" => {
                let q = self.pick_early(&QUANTILES);
                format!("quantile_over_time({q}, {matrix})")
            }
            "predict_linear" => {
                let by = self.pick(&["600", "3600.5", "-60", "0"]);
                format!("predict_linear({matrix}, {by})")
            }
            _ => format!("{function}({matrix})"),
        };
        Made::new(text, exact, &inner.labels)
    }

    /// ` by (...) ` or ` without (...) `, and the labels that are left.
    fn grouping(&mut self, labels: &[String]) -> (String, Vec<String>) {
        let chosen: Vec<String> = labels.iter().filter(|_| self.random.below(3) == 0).cloned().collect();
        let mut listed = chosen.clone();
        if self.one_in(20) {
            listed.push(self.pick(&["nosuch", "__name__"]).to_owned());
        }
        if self.one_in(3) {
            let left = labels.iter().filter(|label| !chosen.contains(label)).cloned().collect();
            (format!(" without ({}) ", listed.join(", ")), left)
        } else {
            (format!(" by ({}) ", listed.join(", ")), chosen)
        }
    }

    fn aggregate(&mut self, depth: usize) -> Made {
        let op = self.pick(&[
            "sum",
            "avg",
            "min",
            "max",
            "count",
            "group",
            "stddev",
            "stdvar",
            "quantile",
            "count_values",
            "sum",
            "max",
        ]);
        let needs_exact = matches!(op, "stddev" | "stdvar" | "count_values");
        let arg = if needs_exact { self.exact_vector(depth - 1) } else { self.vector(depth - 1) };
        let (grouping, mut left) =
            if self.one_in(4) { (String::new(), Vec::new()) } else { self.grouping(&arg.labels) };
        let exact = match op {
            "count" | "group" | "count_values" => true,
            "min" | "max" => arg.exact,
            _ => false,
        };
        let param = match op {
            "quantile" => format!("{}, ", self.pick_early(&QUANTILES)),
            "count_values" => {
                // Behind all labels of the data in the alphabet.
                left.push("zvalue".to_owned());
                "\"zvalue\", ".to_owned()
            }
            _ => String::new(),
        };
        let text = if self.one_in(4) && !grouping.is_empty() {
            format!("{op}({param}{}){}", arg.text, grouping.trim_end())
        } else {
            format!("{op}{grouping}({param}{})", arg.text)
        };
        Made::new(text, exact, &left)
    }

    fn instant_call(&mut self, depth: usize) -> Made {
        match self.random.below(8) {
            0..=2 => {
                let function = self.pick(&STEP_FUNCTIONS);
                if self.one_in(12) && function.starts_with(['d', 'h', 'm', 'y']) {
                    return Made::new(format!("{function}()"), true, &[]);
                }
                let arg = self.exact_vector(depth - 1);
                if function == "timestamp" && arg.text.contains(" @ ") && arg.text.contains(" offset ") {
                    return arg;
                }
                if function == "round" && self.one_in(2) {
                    let to = self.pick(&["0.5", "10", "1e3", "0", "-2", "0.1"]);
                    return Made::new(format!("round({}, {to})", arg.text), true, &arg.labels);
                }
                Made::new(format!("{function}({})", arg.text), true, &arg.labels)
            }
            3 => {
                let (function, arg) = (self.pick(&SENSITIVE_FUNCTIONS), self.exact_vector(depth - 1));
                Made::new(format!("{function}({})", arg.text), false, &arg.labels)
            }
            4 => {
                let (function, arg) = (self.pick(&SMOOTH_FUNCTIONS), self.vector(depth - 1));
                Made::new(format!("{function}({})", arg.text), false, &arg.labels)
            }
            5 => {
                let arg = self.vector(depth - 1);
                let (min, max) = (self.scalar(depth - 1), self.scalar(depth - 1));
                let exact = arg.exact && min.exact && max.exact;
                // Crossed bounds yield nothing, and noise may cross them.
                let (min, max) =
                    if min.exact && max.exact { (min.text, max.text) } else { ("1".into(), "2".into()) };
                Made::new(format!("clamp({}, {min}, {max})", arg.text), exact, &arg.labels)
            }
            _ => {
                let (function, arg) = (self.pick(&["clamp_min", "clamp_max"]), self.vector(depth - 1));
                let limit = self.scalar(depth - 1);
                let text = format!("{function}({}, {})", arg.text, limit.text);
                Made::new(text, arg.exact && limit.exact, &arg.labels)
            }
        }
    }

    fn label_call(&mut self, depth: usize) -> Made {
        let arg = self.vector(depth - 1);
        let any = |grammar: &mut Self| match arg.labels.len() {
            0 => "job".to_owned(),
            n => arg.labels[grammar.random.below(n)].clone(),
        };
        let (source, other) = (any(self), any(self));
        let target = if self.one_in(4) { other.clone() } else { "made".to_owned() };
        let mut labels = arg.labels.clone();
        labels.push(target.clone());
        let text = if self.one_in(3) {
            format!("label_join({}, \"{target}\", \"-\", \"{source}\", \"{other}\")", arg.text)
        } else {
            let (to, regex) = self.pick(&[
                ("$1", "(.*)"),
                ("x-$1", "(.).*"),
                ("${1}y$2", "([a-z]+)(.*)"),
                ("", ".*"),
                ("$1", "nosuch(.*)"),
                ("fixed", ""),
                ("$$", ".+"),
            ]);
            format!("label_replace({}, \"{target}\", \"{to}\", \"{source}\", \"{regex}\")", arg.text)
        };
        Made::new(text, arg.exact, &labels)
    }

    fn histogram_quantile(&mut self) -> Made {
        let metric = self.metric_of(Kind::Buckets);
        let q = self.pick_early(&QUANTILES);
        let selector = self.bare_selector(metric, true);
        let labels: Vec<String> =
            metric.labels.iter().map(|(name, _)| name.clone()).filter(|name| name != "le").collect();
        let (argument, labels) = match self.random.below(4) {
            0 => (selector, labels),
            1 => (format!("increase({selector}[5m])"), labels),
            2 => (format!("rate({selector}[{}])", self.pick_early(&RANGES)), labels),
            _ => {
                let by: Vec<String> = labels.iter().filter(|_| self.random.below(3) == 0).cloned().collect();
                let listed: Vec<&str> = by.iter().map(String::as_str).chain(["le"]).collect();
                (format!("sum by ({}) (rate({selector}[5m]))", listed.join(", ")), by)
            }
        };
        Made::new(format!("histogram_quantile({q}, {argument})"), false, &labels)
    }

    /// An arithmetic operator that does not turn noise into another answer.
    fn operator(&mut self, exact: bool) -> &'static str {
        if exact { self.pick(&ARITHMETIC) } else { self.pick(&["*", "/"]) }
    }

    fn with_scalar(&mut self, depth: usize) -> Made {
        let vector = self.vector(depth - 1);
        let scalar = self.scalar(depth - 1);
        let exact = vector.exact && scalar.exact;
        let compare = self.one_in(2);
        let (op, scalar) = if compare {
            let bool = self.pick(&["", " bool"]);
            let number = if exact { scalar.operand() } else { self.pick(&ODD_NUMBERS).to_owned() };
            (format!("{}{bool}", self.pick(&COMPARISONS)), number)
        } else {
            (self.operator(exact).to_owned(), scalar.operand())
        };
        let text = if self.one_in(2) {
            format!("{} {op} {scalar}", vector.operand())
        } else {
            format!("{scalar} {op} {}", vector.operand())
        };
        let exact = exact && (compare || is_exact(&op)) || op.contains("bool");
        Made::new(text, exact, &vector.labels).compound()
    }

    fn set_operation(&mut self, depth: usize) -> Made {
        let (lhs, rhs) = (self.vector(depth - 1), self.vector(depth - 1));
        let op = self.pick(&SETS);
        let matching = match self.random.below(3) {
            0 => String::new(),
            1 => self.grouping(&lhs.labels).0.replace(" by ", " on ").replace(" without ", " ignoring "),
            _ => " on () ".to_owned(),
        };
        let text = format!("{} {op}{matching} {}", lhs.operand(), rhs.operand());
        Made::new(text, lhs.exact && (op != "or" || rhs.exact), &lhs.labels).compound()
    }

    fn two_vectors(&mut self, depth: usize) -> Made {
        let (lhs, matching, rhs) = match self.random.below(6) {
            // The same series on both sides.
            0 | 1 => {
                let metric = self.metric();
                let side = |grammar: &mut Self| {
                    if grammar.one_in(2) {
                        return grammar.selector_of(metric);
                    }
                    let (matrix, inner) = grammar.matrix_of(metric);
                    let function =
                        grammar.pick(&["max_over_time", "min_over_time", "rate", "avg_over_time", "changes"]);
                    let exact = !matches!(function, "rate" | "avg_over_time");
                    Made::new(format!("{function}({matrix})"), exact, &inner.labels)
                };
                (side(self), String::new(), side(self))
            }
            // The same groups on both sides.
            2 => {
                let (lhs, rhs) = (self.vector(depth - 1), self.vector(depth - 1));
                let common: Vec<String> =
                    lhs.labels.iter().filter(|l| rhs.labels.contains(l)).cloned().collect();
                let by: Vec<String> = common.iter().filter(|_| self.random.below(2) == 0).cloned().collect();
                (self.grouped(&lhs, &by), String::new(), self.grouped(&rhs, &by))
            }
            // Many on the left or on the right.
            3 | 4 => {
                let (many, one) = (self.vector(depth - 1), self.vector(depth - 1));
                let common: Vec<String> =
                    many.labels.iter().filter(|l| one.labels.contains(l)).cloned().collect();
                let on: Vec<String> = common.iter().filter(|_| self.random.below(2) == 0).cloned().collect();
                let one = self.grouped(&one, &on);
                if self.one_in(2) {
                    (many, format!(" on ({}) group_left () ", on.join(", ")), one)
                } else {
                    (one, format!(" on ({}) group_right () ", on.join(", ")), many)
                }
            }
            // Whatever comes of it, errors too.
            _ => {
                let (lhs, rhs) = (self.vector(depth - 1), self.vector(depth - 1));
                let mut matching =
                    self.grouping(&lhs.labels).0.replace(" by ", " on ").replace(" without ", " ignoring ");
                if self.one_in(2) {
                    let included = match rhs.labels.len() {
                        0 => "nosuch",
                        n => &rhs.labels[self.random.below(n)],
                    };
                    let side = self.pick(&["group_left", "group_right"]);
                    // A label cannot be matched on and included.
                    if !matching.contains(included) {
                        let _ = write!(matching, "{side} ({included}) ");
                    }
                }
                (lhs, matching, rhs)
            }
        };
        let exact = lhs.exact && rhs.exact;
        let mut op = self.operator(exact).to_owned();
        let mut result_exact = exact && is_exact(&op);
        if exact && self.one_in(3) {
            op = format!("{}{}", self.pick(&COMPARISONS), self.pick(&["", " bool"]));
            result_exact = true;
        }
        let mut labels = lhs.labels.clone();
        labels.extend(rhs.labels.iter().filter(|l| !lhs.labels.contains(l)).cloned());
        // Without parentheses, precedence and associativity show; but only where noise has no say in it.
        let bare = exact && lhs.exact && rhs.exact && self.one_in(6);
        let (lhs, rhs) = if bare { (lhs.text, rhs.text) } else { (lhs.operand(), rhs.operand()) };
        let result_exact = result_exact && !bare;
        Made::new(format!("{lhs} {op}{matching} {rhs}"), result_exact, &labels).compound()
    }

    fn grouped(&mut self, arg: &Made, by: &[String]) -> Made {
        let op = self.pick(&["sum", "max", "min", "count", "avg"]);
        let exact = op == "count" || (arg.exact && matches!(op, "max" | "min"));
        Made::new(format!("{op} by ({}) ({})", by.join(", "), arg.text), exact, by)
    }
}

/// Whether the operator yields the same bits everywhere.
fn is_exact(op: &str) -> bool {
    !matches!(op, "^" | "atan2")
}
