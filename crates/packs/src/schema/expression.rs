use std::borrow::Cow;
use std::collections::BTreeMap;
use std::marker::PhantomData;

use bellwether_model::{METRIC_NAME, Matcher, is_legacy_metric_name, parse_duration_ms};
use bellwether_promql::syntax::{Expr, ParserOptions, parse_expr};
use bellwether_yaml::{Decode, Errors, Kind, MapReader, Node, Position, Reported};

use super::spanned::Spanned;
use super::word::words;

/// PromQL in which the names of the pack's ratios, quantiles, rates, values and expressions stand for what they mean.
#[derive(Debug, Clone)]
pub struct Expression {
    /// As it was written.
    pub text: String,
    /// The tree of it, in which names are selectors.
    pub expr: Expr,
    /// Its place.
    pub position: Position,
}

/// Series of one metric.
#[derive(Debug, Clone)]
pub struct Selector {
    /// The metric; `None` if only conditions were written, which are meant for the metric of the surroundings.
    pub metric: Option<String>,
    /// Conditions on labels.
    pub matchers: Vec<Matcher>,
    /// Its place.
    pub position: Position,
}

/// An expression with a name that other expressions, alerts, panels and objectives may use.
#[derive(Debug, Clone)]
pub struct Named {
    /// The name, unlike that of any metric of the pack.
    pub name: Spanned<String>,
    /// What it means.
    pub definition: Definition,
    /// The unit of the result: `ratio`, `seconds`, `bytes`, ... Derived from the metric if not given.
    pub unit: Option<String>,
    /// A sentence about it.
    pub help: String,
    /// Lint rules that do not apply, each with the reason.
    pub allow: BTreeMap<String, String>,
    /// Where it stands.
    pub position: Position,
}

/// What a name stands for.
#[derive(Debug, Clone)]
pub enum Definition {
    /// A share of events, or of a whole.
    Ratio(Ratio),
    /// A quantile of observations.
    Quantile(Quantile),
    /// Events per second, or their number in a window.
    Rate(Rate),
    /// The present value of gauges, joined over series.
    Value(Level),
    /// PromQL.
    Plain(Expression),
}

/// `num` per `of`, both grouped by the same labels.
#[derive(Debug, Clone)]
pub struct Ratio {
    /// The part. Conditions without a metric are meant for the metrics of `of`.
    pub num: Vec<Selector>,
    /// The whole; several are added up.
    pub of: Vec<Selector>,
    /// For a histogram instead of `num`: the observations that are at most this great. One of its bounds.
    pub under: Option<f64>,
    /// The labels that are kept.
    pub by: Vec<Spanned<String>>,
    /// How far back events are counted, in milliseconds; the pack's `window` if not given.
    pub window_ms: Option<i64>,
}

/// The quantile of the observations of a histogram.
#[derive(Debug, Clone)]
pub struct Quantile {
    /// Which one, from 0 to 1.
    pub q: f64,
    /// The histogram.
    pub of: Selector,
    /// The labels that are kept.
    pub by: Vec<Spanned<String>>,
    /// How far back observations are counted, in milliseconds; the pack's `window` if not given.
    pub window_ms: Option<i64>,
}

/// How often something happens.
#[derive(Debug, Clone)]
pub struct Rate {
    /// Counters or the observations of histograms; several are added up.
    pub of: Vec<Selector>,
    /// The labels that are kept.
    pub by: Vec<Spanned<String>>,
    /// How far back events are counted, in milliseconds; the pack's `window` if not given.
    pub window_ms: Option<i64>,
    /// Whether events are counted per second or in the window.
    pub per: Per,
}

/// The present value of gauges.
#[derive(Debug, Clone)]
pub struct Level {
    /// The gauge.
    pub of: Selector,
    /// The labels that are kept.
    pub by: Vec<Spanned<String>>,
    /// How the values of several series become one.
    pub join: Join,
}

words! {
    /// What events are counted per.
    Per = "period" {
        /// Events per second (`rate`).
        Second = "second",
        /// Events in the window (`increase`).
        Window = "window",
    }
}

words! {
    /// How the values of several series become one.
    Join = "way to join series" {
        /// The sum.
        Sum = "sum",
        /// The greatest.
        Max = "max",
        /// The smallest.
        Min = "min",
        /// The mean.
        Avg = "avg",
        /// The number of series.
        Count = "count",
    }
}

impl<'d> Decode<'d> for Expression {
    fn type_name() -> Cow<'static, str> {
        "PromQL".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let text = node.decode_text("PromQL", errors)?.trim().to_owned();
        match parse_expr(&text, &ParserOptions::default()) {
            Ok(expr) => Ok(Self { text, expr, position: node.position() }),
            Err(why) => Err(errors.reject(node, format!("{text:?} is not PromQL: {why}"))),
        }
    }
}

impl Selector {
    /// A selector is `metric`, `metric{conditions}`, or conditions alone with or without braces.
    fn parse(text: &str, position: Position) -> Result<Self, String> {
        let is_name = |matcher: &Matcher| matcher.name() == METRIC_NAME;
        let as_selector = |text: &str| match parse_expr(text, &ParserOptions::default()) {
            Ok(Expr::Vector(selector)) if selector.offset.is_none() && selector.at.is_none() => Ok(selector),
            Ok(_) => Err(format!("{text:?} is more than a metric with conditions on its labels")),
            Err(why) => Err(format!("{text:?} is not a metric with conditions on its labels: {why}")),
        };
        // Conditions alone are parsed as those of some metric, since PromQL wants one that not everything meets.
        let with_name = if text.starts_with('{') { format!("x{text}") } else { format!("x{{{text}}}") };
        let conditions = || {
            let selector = as_selector(&with_name).ok()?;
            let has_one_name = selector.matchers.iter().filter(|matcher| is_name(matcher)).count() == 1;
            has_one_name.then_some((None, selector))
        };
        let whole = || {
            let selector = as_selector(text)?;
            match &selector.name {
                Some(name) => Ok((Some(name.clone()), selector)),
                None => Err("write the name of the metric in front of the braces".to_owned()),
            }
        };
        let (metric, selector) = conditions().map_or_else(whole, Ok)?;
        let matchers = selector.matchers.iter().filter(|matcher| !is_name(matcher)).cloned().collect();
        Ok(Self { metric, matchers, position })
    }
}

impl<'d> Decode<'d> for Selector {
    fn type_name() -> Cow<'static, str> {
        "metric{conditions}".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let text = node.decode_text("metric{conditions}", errors)?;
        Self::parse(text.trim(), node.position()).map_err(|why| errors.reject(node, why))
    }
}

/// One selector or a list of them.
struct Selectors(Vec<Selector>);

impl<'d> Decode<'d> for Selectors {
    fn type_name() -> Cow<'static, str> {
        "one or several of metric{conditions}".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        if matches!(node.kind(), Kind::Sequence) {
            return Ok(Self(Vec::decode(node, errors)?));
        }
        Ok(Self(vec![Selector::decode(node, errors)?]))
    }
}

/// The entries of one of the sections with named expressions.
pub(crate) trait Section {
    /// The type in messages.
    const TYPE: &'static str;

    /// Reads what is particular to the section.
    fn definition(map: &mut MapReader<'_, '_>) -> Option<Definition>;
}

/// `ratios`.
pub(crate) struct Ratios;
/// `quantiles`.
pub(crate) struct Quantiles;
/// `rates`.
pub(crate) struct Rates;
/// `values`.
pub(crate) struct Values;
/// `expressions`.
pub(crate) struct Expressions;

fn selectors(map: &mut MapReader<'_, '_>, name: &'static str) -> Vec<Selector> {
    map.optional::<Selectors>(name).map(|selectors| selectors.0).unwrap_or_default()
}

/// Complains about selectors without a metric.
fn need_metrics(map: &mut MapReader<'_, '_>, name: &'static str, selectors: &[Selector]) {
    if selectors.is_empty() || selectors.iter().any(|selector| selector.metric.is_none()) {
        let place = map.place(name);
        map.reject(place, format!("`{name}` needs the name of a metric"));
    }
}

fn window(map: &mut MapReader<'_, '_>) -> Option<i64> {
    map.parse_optional("window", positive_duration)
}

/// A duration that is longer than nothing, in milliseconds.
pub(crate) fn positive_duration(text: &str) -> Result<i64, String> {
    match parse_duration_ms(text).map_err(|e| e.to_string())? {
        0 => Err("must be longer than nothing".to_owned()),
        ms => Ok(ms),
    }
}

impl Section for Ratios {
    const TYPE: &'static str = "pack.ratio";

    fn definition(map: &mut MapReader<'_, '_>) -> Option<Definition> {
        let of = selectors(map, "of");
        need_metrics(map, "of", &of);
        let num = selectors(map, "num");
        let under = map.optional("under");
        if num.is_empty() == under.is_none() {
            let place = map.node();
            map.reject(place, "a ratio has either `num` or, over a histogram, `under`");
        }
        Some(Definition::Ratio(Ratio { num, of, under, by: map.or_default("by"), window_ms: window(map) }))
    }
}

impl Section for Quantiles {
    const TYPE: &'static str = "pack.quantile";

    fn definition(map: &mut MapReader<'_, '_>) -> Option<Definition> {
        let q = map.required::<f64>("q");
        if q.is_some_and(|q| !(0.0..=1.0).contains(&q)) {
            let place = map.place("q");
            map.reject(place, "a quantile is a number from 0 to 1; the 95th percentile is 0.95");
        }
        let of = map.required::<Selector>("of");
        if let Some(of) = &of {
            need_metrics(map, "of", std::slice::from_ref(of));
        }
        let (by, window_ms) = (map.or_default("by"), window(map));
        Some(Definition::Quantile(Quantile { q: q?, of: of?, by, window_ms }))
    }
}

impl Section for Rates {
    const TYPE: &'static str = "pack.rate";

    fn definition(map: &mut MapReader<'_, '_>) -> Option<Definition> {
        let of = selectors(map, "of");
        need_metrics(map, "of", &of);
        Some(Definition::Rate(Rate {
            of,
            by: map.or_default("by"),
            window_ms: window(map),
            per: map.optional("per").unwrap_or(Per::Second),
        }))
    }
}

impl Section for Values {
    const TYPE: &'static str = "pack.value";

    fn definition(map: &mut MapReader<'_, '_>) -> Option<Definition> {
        let of = map.required::<Selector>("of");
        if let Some(of) = &of {
            need_metrics(map, "of", std::slice::from_ref(of));
        }
        let (by, join) = (map.or_default("by"), map.optional("join").unwrap_or(Join::Sum));
        Some(Definition::Value(Level { of: of?, by, join }))
    }
}

impl Section for Expressions {
    const TYPE: &'static str = "pack.expression";

    fn definition(map: &mut MapReader<'_, '_>) -> Option<Definition> {
        map.required("expr").map(Definition::Plain)
    }
}

/// An entry of section `S`.
pub(crate) struct InSection<S>(Named, PhantomData<S>);

impl<S> InSection<S> {
    /// The entry, for which it does not matter any more where it stood.
    pub(crate) fn into_named(self) -> Named {
        self.0
    }
}

impl<'d, S: Section> Decode<'d> for InSection<S> {
    fn type_name() -> Cow<'static, str> {
        S::TYPE.into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, S::TYPE, errors)?;
        let name: Option<Spanned<String>> = map.required("name");
        let definition = S::definition(&mut map);
        let unit = map.optional("unit");
        let help = map.or_default("help");
        let allow = map.or_default("allow");
        if let Some(name) = name.as_ref().filter(|name| !is_legacy_metric_name(&name.value)) {
            let place = map.place("name");
            map.reject(place, format!("{name} cannot be used in PromQL; a name has letters, digits and _"));
        }
        map.finish()?;
        let name = name.expect("BUG: `finish` reports a missing name");
        let definition = definition.expect("BUG: `finish` reports a missing definition");
        let named = Named { name, definition, unit, help, allow, position: node.position() };
        Ok(Self(named, PhantomData))
    }
}
