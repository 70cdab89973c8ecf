//! From the named expressions of a pack to PromQL.
//!
//! Ratios and quantiles become trees, never text, so that both sides of a ratio have the same grouping and a quantile keeps `le`; what comes out is printed and parsed
//! again, which settles how series pair and checks the types.
pub(crate) mod build;
mod error;
mod events;
mod series;

use bellwether_model::{Matcher, format_float};
use bellwether_promql::syntax::{
    AggregateOp, BinaryOp, Expr, RangeMode, ResultLabels, VectorSelector, result_labels,
};
use bellwether_yaml::{Position, nearest};

use crate::schema::{
    Absent, Alert, Definition, Expression, Join, Level, MetricKind, Named, Pack, Per, Quantile, Rate, Ratio,
    Selector, Spanned,
};

pub use error::{CompileError, CompileErrorKind};

pub(crate) use events::{EventSeries, Events, events};
pub(crate) use series::{Part, Series};

/// What an expression of a pack means.
#[derive(Debug, Clone)]
pub struct Compiled {
    /// The expression in terms of series.
    pub expr: Expr,
    /// The events per second below its ratios and quantiles, grouped as these are.
    pub traffic: Vec<Expr>,
    /// The unit of the result, if it is known.
    pub unit: Option<String>,
}

impl Pack {
    /// What the named expression `name` means.
    pub fn compile_named(&self, named: &Named) -> Result<Compiled, CompileError> {
        self.compiler(None).named(named)
    }

    /// What an expression in terms of names means.
    pub fn compile(&self, expression: &Expression) -> Result<Compiled, CompileError> {
        self.compiler(None).expression(expression)
    }

    /// An expression as it was written, with nothing known of its names but the labels of what they stand for. `None` if it has no meaning.
    pub(crate) fn outline(&self, expression: &Expression) -> Option<Expr> {
        let outline = build::rewrite(&expression.expr, &mut |expr| {
            let Expr::Vector(selector) = &expr else { return Ok(expr) };
            let Some(named) = selector.name.as_deref().and_then(|name| self.named(name)) else {
                return Ok(expr);
            };
            Ok::<_, CompileError>(match result_labels(&self.compile_named(named)?.expr) {
                ResultLabels::Only(labels) => {
                    build::aggregate(AggregateOp::Sum, labels.into_iter().collect(), expr)
                }
                ResultLabels::All => expr,
            })
        });
        checked(&outline.ok()?, expression.position).ok()
    }

    /// The events that a ratio is the share of, and all events, within a window in milliseconds. `None` for a ratio of levels.
    pub fn compile_events_over(
        &self,
        ratio: &Ratio,
        window_ms: i64,
    ) -> Result<Option<(Expr, Expr)>, CompileError> {
        let Parts { part, whole, of_levels } =
            self.compiler(Some(window_ms)).ratio_parts(ratio, "increase")?;
        if of_levels {
            return Ok(None);
        }
        let position = ratio.of[0].position;
        Ok(Some((checked(&part, position)?, checked(&whole, position)?)))
    }

    /// The whole condition of an alert: with its least traffic, and with what absence means.
    pub fn compile_alert(&self, alert: &Alert) -> Result<Compiled, CompileError> {
        let compiled = self.compile(&alert.when)?;
        let mut condition = compiled.expr.clone();
        if let Some(least) = &alert.min_traffic {
            for guard in
                traffic_guards(&compiled, least.per_second).map_err(|kind| at(kind, least.position))?
            {
                condition = build::binary(BinaryOp::And, condition, guard);
            }
        }
        let selectors = match &alert.absent {
            Absent::Ignored => Vec::new(),
            Absent::OfCondition => widest_selectors(&compiled.expr),
            Absent::Of(selectors) => {
                let compiler = self.compiler(None);
                let selector = |selector: &Selector| {
                    compiler.known(selector).map(|name| build::selector(name, &selector.matchers))
                };
                selectors.iter().map(selector).collect::<Result<_, _>>()?
            }
        };
        for selector in selectors {
            let absent = build::call("absent", vec![build::vector(selector)]);
            condition = build::binary(BinaryOp::Or, condition, absent);
        }
        let expr = checked(&condition, alert.when.position)?;
        Ok(Compiled { expr, ..compiled })
    }

    /// The expression with a condition on each of `labels` in every selector of a metric that has the label.
    pub(crate) fn narrowed(&self, expr: &Expr, labels: &[&str]) -> Expr {
        let narrow = |selector: &VectorSelector| {
            let mut selector = selector.clone();
            let Some(Series::Own(metric, _)) = selector.name.as_deref().and_then(|name| self.series(name))
            else {
                return selector;
            };
            for label in labels.iter().filter(|label| metric.label(label).is_some()) {
                let value = format!("${label}");
                let matcher = Matcher::new(bellwether_model::MatchOp::Re, *label, value)
                    .expect("BUG: the name of a label is a regular expression");
                selector.matchers.insert(0, matcher);
            }
            selector
        };
        let rewritten = build::rewrite(expr, &mut |expr| {
            Ok::<_, std::convert::Infallible>(match &expr {
                Expr::Vector(selector) => build::vector(narrow(selector)),
                Expr::Matrix(matrix) => {
                    let mut matrix = (**matrix).clone();
                    matrix.selector = narrow(&matrix.selector);
                    Expr::Matrix(matrix.into())
                }
                _ => expr,
            })
        });
        match rewritten {
            Ok(expr) => expr,
            Err(never) => match never {},
        }
    }

    fn compiler(&self, window_ms: Option<i64>) -> Compiler<'_> {
        Compiler { pack: self, window_ms, open: Vec::new() }
    }
}

fn at(kind: CompileErrorKind, position: Position) -> CompileError {
    CompileError { kind, position }
}

fn unknown_name(pack: &Pack, name: &str) -> CompileErrorKind {
    let near = match pack.metric(name) {
        // A histogram has no series with its own name.
        Some(_) => Some(format!("{name}_bucket")),
        None => nearest(name, pack.known_names()).map(str::to_owned),
    };
    CompileErrorKind::UnknownName { name: name.to_owned(), near }
}

fn checked(expr: &Expr, position: Position) -> Result<Expr, CompileError> {
    build::checked(expr).map_err(|why| at(CompileErrorKind::Types { text: expr.to_string(), why }, position))
}

/// The conditions that there is enough traffic, with the labels of the result.
fn traffic_guards(compiled: &Compiled, least: f64) -> Result<Vec<Expr>, CompileErrorKind> {
    if compiled.traffic.is_empty() {
        return Err(CompileErrorKind::NoTraffic);
    }
    let ResultLabels::Only(wanted) = result_labels(&compiled.expr) else {
        return Err(CompileErrorKind::TrafficLabels);
    };
    let guard = |traffic: &Expr| {
        let ResultLabels::Only(has) = result_labels(traffic) else {
            return Err(CompileErrorKind::TrafficLabels);
        };
        let joined = if has == wanted {
            traffic.clone()
        } else if wanted.is_subset(&has) {
            build::aggregate(AggregateOp::Sum, wanted.iter().cloned().collect(), traffic.clone())
        } else {
            return Err(CompileErrorKind::TrafficLabels);
        };
        let op = if least == 0.0 { BinaryOp::Gt } else { BinaryOp::Ge };
        // As many digits as people write.
        let least = (least * 1e9).round() / 1e9;
        Ok(build::binary(op, joined, build::number(least)))
    };
    compiled.traffic.iter().map(guard).collect()
}

/// The selectors of an expression, without those that select a part of what another one selects.
fn widest_selectors(expr: &Expr) -> Vec<VectorSelector> {
    let mut all: Vec<VectorSelector> = Vec::new();
    for used in expr.selectors() {
        let selector = VectorSelector {
            offset: None,
            at: None,
            mode: RangeMode::Plain,
            span: bellwether_promql::syntax::TextSpan { start: 0, end: 0 },
            ..used.selector.clone()
        };
        if !all.contains(&selector) {
            all.push(selector);
        }
    }
    let is_part_of = |part: &VectorSelector, whole: &VectorSelector| {
        part != whole && whole.matchers.iter().all(|matcher| part.matchers.contains(matcher))
    };
    let parts: Vec<bool> =
        all.iter().map(|selector| all.iter().any(|other| is_part_of(selector, other))).collect();
    all.into_iter().zip(parts).filter(|(_, is_part)| !is_part).map(|(selector, _)| selector).collect()
}

/// How many names may stand for each other. Nobody follows more, and the stack must hold them.
const MAX_DEPTH: usize = 32;

/// Both sides of a ratio.
struct Parts {
    part: Expr,
    whole: Expr,
    /// Whether they are levels and not events.
    of_levels: bool,
}

struct Compiler<'p> {
    pack: &'p Pack,
    /// Stands in for all windows.
    window_ms: Option<i64>,
    /// The names that are being compiled, from the outermost.
    open: Vec<&'p str>,
}

impl<'p> Compiler<'p> {
    fn named(&mut self, named: &'p Named) -> Result<Compiled, CompileError> {
        let name = named.name.value.as_str();
        if self.open.contains(&name) {
            return Err(at(CompileErrorKind::Cycle(name.to_owned()), named.name.position));
        }
        if self.open.len() >= MAX_DEPTH {
            let kind = CompileErrorKind::TooDeep { name: name.to_owned(), limit: MAX_DEPTH };
            return Err(at(kind, named.name.position));
        }
        self.open.push(name);
        let compiled = match &named.definition {
            Definition::Ratio(ratio) => self.ratio(ratio),
            Definition::Quantile(quantile) => self.quantile(quantile),
            Definition::Rate(rate) => self.rate(rate),
            Definition::Value(level) => self.level(level),
            Definition::Plain(expression) => self.expression(expression),
        };
        self.open.pop();
        let compiled = compiled?;
        let expr = checked(&compiled.expr, named.position)?;
        Ok(Compiled { expr, unit: named.unit.clone().or(compiled.unit), ..compiled })
    }

    fn expression(&mut self, expression: &'p Expression) -> Result<Compiled, CompileError> {
        let mut traffic: Vec<Expr> = Vec::new();
        let mut unit = None;
        let position = expression.position;
        let pack = self.pack;
        let expr = build::rewrite(&expression.expr, &mut |expr| {
            let (selector, is_range) = match &expr {
                Expr::Vector(selector) => (&**selector, false),
                Expr::Matrix(matrix) => (&matrix.selector, true),
                _ => return Ok(expr),
            };
            // Without a name there is nothing to look up, `{job="x"}` for instance.
            let Some(name) = selector.name.as_deref() else { return Ok(expr) };
            let Some(named) = pack.named(name) else {
                return match pack.series(name) {
                    Some(series) => {
                        unit = unit.take().or_else(|| unit_of(series));
                        Ok(expr)
                    }
                    None => Err(at(unknown_name(pack, name), position)),
                };
            };
            let is_bare = selector.matchers.len() == 1
                && selector.offset.is_none()
                && selector.at.is_none()
                && selector.mode == RangeMode::Plain;
            if is_range || !is_bare {
                return Err(at(CompileErrorKind::NotASelector(name.to_owned()), position));
            }
            let compiled = self.named(named)?;
            unit = unit.take().or(compiled.unit);
            for events in compiled.traffic {
                if !traffic.iter().any(|other| other.eq_ignoring_spans(&events)) {
                    traffic.push(events);
                }
            }
            Ok(compiled.expr)
        })?;
        Ok(Compiled { expr: checked(&expr, position)?, traffic, unit })
    }

    fn ratio(&self, ratio: &Ratio) -> Result<Compiled, CompileError> {
        let Parts { part, whole, of_levels } = self.ratio_parts(ratio, "rate")?;
        let expr = build::binary(BinaryOp::Div, part, whole.clone());
        let traffic = if of_levels { Vec::new() } else { vec![whole] };
        compiled(&expr, &traffic, Some("ratio".to_owned()), ratio.of[0].position)
    }

    /// Both sides of a ratio; `function` is what is taken of counters over the window.
    fn ratio_parts(&self, ratio: &Ratio, function: &'static str) -> Result<Parts, CompileError> {
        let window_ms = self.window(ratio.window_ms);
        let by = labels(&ratio.by);
        let kinds = ratio.of.iter().map(|of| self.kind(of)).collect::<Result<Vec<_>, _>>()?;
        let of_levels = kinds.iter().all(|kind| *kind == MetricKind::Gauge);
        if !of_levels && kinds.contains(&MetricKind::Gauge) {
            return Err(at(CompileErrorKind::MixedRatio, ratio.of[0].position));
        }
        let term = |selector: &Selector| {
            let kind = self.kind(selector)?;
            if (kind == MetricKind::Gauge) != of_levels {
                return Err(at(CompileErrorKind::MixedRatio, selector.position));
            }
            if of_levels {
                let name = self.known(selector)?;
                let series = build::vector(build::selector(name, &selector.matchers));
                return Ok(build::aggregate(AggregateOp::Sum, by.clone(), series));
            }
            self.events(function, selector, &by, window_ms)
        };
        let wholes: Vec<Expr> = ratio.of.iter().map(term).collect::<Result<_, _>>()?;
        let whole = build::sum_of(&wholes);
        let part = if let Some(under) = ratio.under {
            self.observations_under(function, &ratio.of[0], under, &by, window_ms)?
        } else {
            let parts = ratio.num.iter().flat_map(|num| in_terms_of(num, &ratio.of));
            let part = build::sum_of(&parts.map(|part| term(&part)).collect::<Result<Vec<_>, _>>()?);
            // What has never happened has no series: without the zero, a workflow that only fails would have no success ratio, and no alert.
            if of_levels { part } else { build::or_nothing(part, build::any_of(&wholes)) }
        };
        Ok(Parts { part, whole, of_levels })
    }

    fn quantile(&self, quantile: &Quantile) -> Result<Compiled, CompileError> {
        let Quantile { q, of, by, window_ms } = quantile;
        let name = self.known(of)?;
        let window_ms = self.window(*window_ms);
        let by = labels(by);
        let (series, grouping) = match self.kind(of)? {
            MetricKind::Histogram => {
                (format!("{name}_bucket"), std::iter::once("le".to_owned()).chain(by.clone()).collect())
            }
            MetricKind::NativeHistogram => (name.to_owned(), by.clone()),
            kind => return Err(wrong_kind(of, kind, "a histogram")),
        };
        let rate = build::over_window("rate", build::selector(&series, &of.matchers), window_ms);
        let buckets = build::aggregate(AggregateOp::Sum, grouping, rate);
        let expr = build::call("histogram_quantile", vec![build::number(*q), buckets]);
        let traffic = vec![self.events("rate", of, &by, window_ms)?];
        compiled(&expr, &traffic, self.unit(of), of.position)
    }

    fn rate(&self, rate: &Rate) -> Result<Compiled, CompileError> {
        let (window_ms, by) = (self.window(rate.window_ms), labels(&rate.by));
        let function = match rate.per {
            Per::Second => "rate",
            Per::Window => "increase",
        };
        let terms = rate.of.iter().map(|of| self.events(function, of, &by, window_ms));
        let expr = build::sum_of(&terms.collect::<Result<Vec<_>, _>>()?);
        let unit = self.unit(&rate.of[0]).map(|unit| match rate.per {
            Per::Second => format!("{unit}/s"),
            Per::Window => unit,
        });
        compiled(&expr, &[], unit, rate.of[0].position)
    }

    fn level(&self, level: &Level) -> Result<Compiled, CompileError> {
        let Level { of, by, join } = level;
        let name = self.known(of)?;
        match self.kind(of)? {
            MetricKind::Gauge | MetricKind::StateSet | MetricKind::Info => {}
            kind => return Err(wrong_kind(of, kind, "a gauge, a state set or an info")),
        }
        let op = match join {
            Join::Sum => AggregateOp::Sum,
            Join::Max => AggregateOp::Max,
            Join::Min => AggregateOp::Min,
            Join::Avg => AggregateOp::Avg,
            Join::Count => AggregateOp::Count,
        };
        let series = build::vector(build::selector(name, &of.matchers));
        let expr = build::aggregate(op, labels(by), series);
        compiled(&expr, &[], self.unit(of), of.position)
    }

    /// `sum by (by) (function(events[window]))`
    fn events(
        &self,
        function: &str,
        of: &Selector,
        by: &[String],
        window_ms: i64,
    ) -> Result<Expr, CompileError> {
        let name = self.known(of)?;
        let (name, is_native) = match self.kind(of)? {
            MetricKind::Counter => (name.to_owned(), false),
            MetricKind::Histogram | MetricKind::Summary => (format!("{name}_count"), false),
            MetricKind::NativeHistogram => (name.to_owned(), true),
            kind => return Err(wrong_kind(of, kind, "a counter, a histogram or a summary")),
        };
        let rate = build::over_window(function, build::selector(&name, &of.matchers), window_ms);
        let rate = if is_native { build::call("histogram_count", vec![rate]) } else { rate };
        Ok(build::aggregate(AggregateOp::Sum, by.to_vec(), rate))
    }

    fn observations_under(
        &self,
        function: &str,
        of: &Selector,
        under: f64,
        by: &[String],
        window_ms: i64,
    ) -> Result<Expr, CompileError> {
        let name = self.known(of)?;
        if self.kind(of)? != MetricKind::Histogram {
            return Err(wrong_kind(of, self.kind(of)?, "a histogram"));
        }
        let bounds = self.pack.metric(name).and_then(|metric| self.pack.bounds(metric));
        if let Some(bounds) = bounds.filter(|bounds| !bounds.contains(&under)) {
            let bounds = bounds.iter().map(|bound| format_float(*bound)).collect::<Vec<_>>().join(", ");
            return Err(at(
                CompileErrorKind::NotABound { under, name: name.to_owned(), bounds },
                of.position,
            ));
        }
        let bound = format_float(under);
        let le = if under.fract() == 0.0 {
            // Clients differ in whether they write `1` or `1.0`.
            Matcher::new(bellwether_model::MatchOp::Re, "le", format!("{bound}(\\.0)?"))
                .expect("BUG: a number is a regular expression")
        } else {
            Matcher::equal("le", bound)
        };
        let matchers: Vec<Matcher> = of.matchers.iter().cloned().chain([le]).collect();
        let buckets = build::selector(&format!("{name}_bucket"), &matchers);
        let observations = build::over_window(function, buckets, window_ms);
        Ok(build::aggregate(AggregateOp::Sum, by.to_vec(), observations))
    }

    fn window(&self, own_ms: Option<i64>) -> i64 {
        self.window_ms.or(own_ms).unwrap_or(self.pack.window_ms)
    }

    /// The name of the metric of a selector, which is there.
    fn known<'s>(&self, selector: &'s Selector) -> Result<&'s str, CompileError> {
        let name = selector.metric.as_deref().unwrap_or_default();
        let is_known = self.pack.metric(name).is_some() || self.pack.series(name).is_some();
        let unknown = || at(unknown_name(self.pack, name), selector.position);
        is_known.then_some(name).ok_or_else(unknown)
    }

    fn kind(&self, selector: &Selector) -> Result<MetricKind, CompileError> {
        let name = self.known(selector)?;
        Ok(match (self.pack.metric(name), self.pack.series(name)) {
            (Some(metric), _) => metric.kind,
            (None, Some(Series::External(kind))) => kind,
            (None, Some(Series::Own(_, Part::Bucket | Part::Count | Part::Sum))) => MetricKind::Counter,
            (None, Some(Series::Own(_, Part::Value) | Series::Recorded) | None) => MetricKind::Gauge,
        })
    }

    fn unit(&self, selector: &Selector) -> Option<String> {
        let metric = self.pack.metric(selector.metric.as_deref()?)?;
        (!metric.unit.is_empty()).then(|| metric.unit.clone())
    }
}

fn compiled(
    expr: &Expr,
    traffic: &[Expr],
    unit: Option<String>,
    position: Position,
) -> Result<Compiled, CompileError> {
    let traffic = traffic.iter().map(|events| checked(events, position)).collect::<Result<_, _>>()?;
    Ok(Compiled { expr: checked(expr, position)?, traffic, unit })
}

fn unit_of(series: Series<'_>) -> Option<String> {
    match series {
        Series::Own(metric, Part::Value | Part::Sum) if !metric.unit.is_empty() => Some(metric.unit.clone()),
        _ => None,
    }
}

fn wrong_kind(selector: &Selector, kind: MetricKind, needed: &'static str) -> CompileError {
    let name = selector.metric.clone().unwrap_or_default();
    at(CompileErrorKind::WrongKind { name, kind: kind.as_str(), needed }, selector.position)
}

/// The part that a ratio counts: conditions alone are meant for each metric of the whole.
fn in_terms_of(num: &Selector, of: &[Selector]) -> Vec<Selector> {
    if num.metric.is_some() {
        return vec![num.clone()];
    }
    let narrowed = |whole: &Selector| Selector {
        metric: whole.metric.clone(),
        matchers: whole.matchers.iter().chain(&num.matchers).cloned().collect(),
        position: num.position,
    };
    of.iter().map(narrowed).collect()
}

fn labels(by: &[Spanned<String>]) -> Vec<String> {
    by.iter().map(|label| label.value.clone()).collect()
}
