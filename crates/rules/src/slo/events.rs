//! From the queries that people write to PromQL that counts events within five minutes.

use bellwether_model::format_duration_ms;
use bellwether_promql::syntax::{
    AggregateOp, DurationArg, Expr, ParseErrors, ParserOptions, ValueType, parse_expr,
};

/// The window of the series that all longer windows are made of, in milliseconds.
pub(super) const BASE_MS: i64 = 5 * 60_000;

/// Why a query cannot be used for an objective.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EventsError {
    /// It is no PromQL.
    #[error("could not parse expression: {0}")]
    Parse(#[from] ParseErrors),
    /// It yields no series.
    #[error("the query yields a {}, and events are counted by series; write a selector or an expression over series", .0.as_str())]
    NoVector(ValueType),
    /// A placeholder that means nothing.
    #[error(
        "{{{{{0}}}}} means nothing here; only {{{{.window}}}} does, and stands for the length of a window"
    )]
    Placeholder(String),
    /// It is neither a counter nor has it a window.
    #[error(
        "{0} is no counter that can be taken over a window; write a selector such as http_requests_total{{code=\"500\"}}, a sum of one, or an expression with [{{{{.window}}}}] where its window stands"
    )]
    NoWindow(String),
    /// Two queries whose series do not match.
    #[error(
        "the good or bad events have the labels [{part}], and all events have [{whole}]; group both by the same labels"
    )]
    Labels {
        /// The labels of a part of the events.
        part: String,
        /// The labels of all events.
        whole: String,
    },
    /// One query has the labels of its series, and the other one those by which it groups.
    #[error(
        "one of the two queries has all labels of its series, and the other one has [{0}], so that their series do not match; group both by the same labels, as in sum(rate(...))"
    )]
    Ungrouped(String),
    /// One query counts events, and the other one yields how many there are per second.
    #[error(
        "one of the two queries counts events, and the other one has rate() beside other windows and yields events per second; write increase() in its place"
    )]
    PerSecond,
    /// A length of slices that does not fit.
    #[error("slices of {} do not fit into five minutes; write 1m or 5m, or another length that divides them", format_duration_ms(*.0))]
    Slice(i64),
}

/// A query, with its window open.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Query {
    form: Form,
    /// The labels that it keeps; `None` if they are not told by it.
    pub(super) grouping: Option<Vec<String>>,
    /// It has all labels of the series that it looks at.
    pub(super) is_ungrouped: bool,
    /// It yields events per second, and does not count them.
    pub(super) is_per_second: bool,
}

#[derive(Debug, Clone, PartialEq)]
enum Form {
    /// The series of this selector, summed up as the text in front says.
    Counter { sum: String, selector: String, function: &'static str },
    /// A text with `{{.window}}`, rates as increases.
    Windowed(String),
    /// A level.
    Level(String),
}

/// Stands for the window while an expression is looked at; nobody writes such a length.
const MARK_MS: i64 = BASE_MS - 1;

/// What the placeholder of windows is written as in [`Form::Windowed`].
const WINDOW: &str = "{{.window}}";
/// Functions whose results have other labels than the series that they are given.
const OTHER_LABELS: [&str; 8] = [
    "absent",
    "absent_over_time",
    "histogram_quantile",
    "info",
    "label_join",
    "label_replace",
    "scalar",
    "vector",
];

impl Query {
    /// A query that counts events: a counter, or an expression over `{{.window}}`.
    pub(super) fn counter(text: &str) -> Result<Self, EventsError> {
        Self::counted(text, "increase")
    }

    /// A query for events that are not counted up: each sample says how many there were since the last one.
    pub(super) fn deltas(text: &str) -> Result<Self, EventsError> {
        Self::counted(text, "sum_over_time")
    }

    fn counted(text: &str, function: &'static str) -> Result<Self, EventsError> {
        let template = template(text)?;
        let expr = parse(&over(&template, BASE_MS))?;
        let grouping = grouping(&expr);
        if template.contains(WINDOW) {
            let (text, is_per_second) = with_increases(&template)?;
            let is_ungrouped = is_ungrouped(&expr);
            return Ok(Self { form: Form::Windowed(text), grouping, is_ungrouped, is_per_second });
        }
        let (sum, inner) = match expr.unparenthesised() {
            Expr::Aggregate(sum) if sum.op == AggregateOp::Sum => {
                let (labels, how) = (sum.grouping.join(", "), if sum.without { "without" } else { "by" });
                let is_plain = sum.grouping.is_empty() && !sum.without;
                let text = if is_plain { "sum".to_owned() } else { format!("sum {how} ({labels})") };
                (text, sum.expr.unparenthesised())
            }
            other => ("sum".to_owned(), other),
        };
        match inner {
            Expr::Vector(selector) if selector.offset.is_none() && selector.at.is_none() => {
                let grouping = grouping.or(Some(Vec::new()));
                let form = Form::Counter { sum, selector: inner.to_string(), function };
                Ok(Self { form, grouping, is_ungrouped: false, is_per_second: false })
            }
            _ => Err(EventsError::NoWindow(text.trim().to_owned())),
        }
    }

    /// A query for a share or a level, which may have `{{.window}}`.
    pub(super) fn level(text: &str) -> Result<Self, EventsError> {
        let template = template(text)?;
        let expr = parse(&over(&template, BASE_MS))?;
        let form =
            if template.contains(WINDOW) { Form::Windowed(template) } else { Form::Level(expr.to_string()) };
        let is_ungrouped = is_ungrouped(&expr);
        Ok(Self { form, grouping: grouping(&expr), is_ungrouped, is_per_second: false })
    }

    /// The expression over a window; in parentheses if it must be, to stand in front of any operator.
    pub(super) fn over(&self, window_ms: i64) -> String {
        let text = match &self.form {
            Form::Counter { sum, selector, function } => {
                return format!("{sum} ({function}({selector}[{}]))", format_duration_ms(window_ms));
            }
            Form::Windowed(template) => over(template, window_ms),
            Form::Level(text) => text.clone(),
        };
        match parse(&text) {
            Ok(expr @ (Expr::Binary(_) | Expr::Unary(_))) => format!("({expr})"),
            Ok(expr) => expr.to_string(),
            // It has been read with another length in this place.
            Err(_) => format!("({text})"),
        }
    }
}

/// The text with every placeholder of windows as [`WINDOW`].
fn template(text: &str) -> Result<String, EventsError> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.trim();
    while let Some((before, behind)) = rest.split_once("{{") {
        let Some((inner, after)) = behind.split_once("}}") else { break };
        if inner.trim() != ".window" {
            return Err(EventsError::Placeholder(inner.to_owned()));
        }
        out.push_str(before);
        out.push_str(WINDOW);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

fn over(template: &str, window_ms: i64) -> String {
    template.replace(WINDOW, &format_duration_ms(window_ms))
}

fn parse(text: &str) -> Result<Expr, EventsError> {
    let expr = parse_expr(text, &ParserOptions::default())?;
    match expr.value_type() {
        ValueType::Vector => Ok(expr),
        other => Err(EventsError::NoVector(other)),
    }
}

/// The template with increases where it has rates, so that it counts events and not events per second. Only if all windows are rates: else they would no longer fit together, and it
/// still yields events per second, which is told beside it.
fn with_increases(template: &str) -> Result<(String, bool), EventsError> {
    let mut text = over(template, MARK_MS);
    let expr = parse(&text)?;
    let mut rates = Vec::new();
    let mut n_windows = 0;
    expr.walk(&mut |expr, _| match expr {
        Expr::Matrix(matrix) if matrix.range == DurationArg::Literal(MARK_MS) => n_windows += 1,
        Expr::Subquery(subquery) if subquery.range == DurationArg::Literal(MARK_MS) => n_windows += 1,
        Expr::Call(call) if call.func.name == "rate" => {
            if let [Expr::Matrix(matrix)] = &call.args[..]
                && matrix.range == DurationArg::Literal(MARK_MS)
            {
                rates.push(call.span.start as usize);
            }
        }
        _ => {}
    });
    let is_per_second = !rates.is_empty() && rates.len() < n_windows;
    if !is_per_second {
        for start in rates.into_iter().rev() {
            text.replace_range(start..start + "rate".len(), "increase");
        }
    }
    Ok((parse(&text)?.to_string().replace(&format_duration_ms(MARK_MS), WINDOW), is_per_second))
}

/// The labels by which the outermost aggregation groups; `None` if there is none, or if it tells only what it leaves out.
fn grouping(expr: &Expr) -> Option<Vec<String>> {
    match expr.unparenthesised() {
        Expr::Aggregate(aggregate) if !aggregate.without => Some(aggregate.grouping.clone()),
        Expr::Binary(binary) => grouping(&binary.lhs).or_else(|| grouping(&binary.rhs)),
        Expr::Call(call) => call.args.iter().find_map(grouping),
        Expr::Unary(unary) => grouping(&unary.expr),
        _ => None,
    }
}

/// Whether the labels are those of the series: nothing groups them, and no function makes others.
fn is_ungrouped(expr: &Expr) -> bool {
    let (mut has_series, mut has_others) = (false, false);
    expr.walk(&mut |expr, _| match expr {
        Expr::Vector(_) | Expr::Matrix(_) => has_series = true,
        Expr::Aggregate(_) => has_others = true,
        Expr::Call(call) => has_others |= OTHER_LABELS.contains(&call.func.name),
        Expr::Binary(binary) => has_others |= binary.matching.is_some(),
        _ => {}
    });
    has_series && !has_others
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_over_the_placeholder_become_counts() {
        let query = |text: &str| Query::counter(text).expect("windowed").over(BASE_MS);
        assert_eq!(query("sum(rate(a{c=~\"5..\"}[{{.window}}]))"), "sum(increase(a{c=~\"5..\"}[5m]))");
        assert_eq!(
            query("sum(rate(a[{{ .window }}])) - sum(rate(b[{{.window}}]))"),
            "(sum(increase(a[5m])) - sum(increase(b[5m])))"
        );
        // A rate and a mean do not fit together any more if only one of them is changed.
        assert_eq!(
            query("sum(rate(a[{{.window}}]) * avg_over_time(b[{{.window}}]))"),
            "sum(rate(a[5m]) * avg_over_time(b[5m]))"
        );
        assert_eq!(
            Query::counter("sum(rate(a[{{.window}}]))").expect("windowed").over(60_000),
            "sum(increase(a[1m]))"
        );
    }

    #[test]
    fn what_cannot_be_counted_is_refused_with_what_to_do() {
        let check = |text: &str, want: &str| {
            let error = Query::counter(text).expect_err("refused").to_string();
            assert!(error.contains(want), "{text}: {error}");
        };
        let per_second = |text: &str| Query::counter(text).expect("windowed").is_per_second;
        assert!(per_second("rate(a[{{.window}}]) * max_over_time(b[{{.window}}:1m])"));
        assert!(
            !per_second("sum(rate(a[{{.window}}]))") && !per_second("sum(count_over_time(a[{{.window}}]))")
        );
        check("sum(rate(a[5m]))", "where its window stands");
        check("a offset 5m", "no counter");
        check("3", "yields a scalar");
        check("a{{.name}}", "only {{.window}} does");
        check("a{", "could not parse expression");
    }
}
