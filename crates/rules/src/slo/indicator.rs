//! Indicators: bad and all events, of whatever they are made.

use bellwether_model::{format_duration_ms, format_float};
use bellwether_promql::syntax::{ParserOptions, parse_expr};

use super::events::{BASE_MS, EventsError, Query};
use super::objective::rounded;

/// How often a gauge is looked at that says by its level whether all is well, in milliseconds.
const LOOK_MS: i64 = 60_000;

/// Bad and all events within five minutes, as PromQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Indicator {
    /// How many were bad.
    pub bad: String,
    /// How many there were.
    pub total: String,
    /// The labels by which they are told apart.
    pub grouping: Vec<String>,
}

impl Indicator {
    /// An indicator of expressions that are right already; `good` and `total` are increases within five minutes, with the labels `grouping`.
    pub fn from_good(good: &str, total: &str, grouping: Vec<String>) -> Self {
        // What has never happened has no series.
        let bad = format!("clamp_min({total} - ({good} or 0 * {total}), 0)");
        Self { bad: canonical(&bad), total: canonical(total), grouping }
    }

    /// An indicator of an expression that yields the share of what is bad. There is nothing to weigh by, so that all times count alike.
    pub fn from_error_ratio(ratio: &str, grouping: Vec<String>) -> Self {
        // The comparison leaves out what is no number.
        let total = format!("1 + 0 * ({ratio} >= 0)");
        Self { bad: canonical(&format!("{ratio} >= 0")), total: canonical(&total), grouping }
    }
}

/// What an indicator is made of.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Measure {
    /// Good events, and all.
    Good { good: Query, total: Query },
    /// Bad events, and all.
    Bad { bad: Query, total: Query },
    /// The share of what is bad, or of what is good.
    Ratio { query: Query, is_good: bool },
    /// A level that is bad if the comparison holds.
    Level { query: Query, bad_if: &'static str, than: f64 },
}

/// What counts as one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Budgeting {
    /// Each event.
    Occurrences,
    /// Each slice of time, which is bad if its share of what is good is less than `target`.
    Timeslices { slice_ms: i64, target: f64 },
    /// Each slice of time, with its share of what is bad.
    RatioTimeslices { slice_ms: i64 },
}

impl Measure {
    /// The indicator. `Err` if the parts do not fit together.
    pub(super) fn indicator(&self, budgeting: Budgeting) -> Result<Indicator, EventsError> {
        let grouping = self.grouping()?;
        let (slice_ms, target) = match budgeting {
            Budgeting::Occurrences => return Ok(self.occurrences(grouping)),
            Budgeting::Timeslices { slice_ms, target } => (slice_ms, Some(target)),
            Budgeting::RatioTimeslices { slice_ms } => (slice_ms, None),
        };
        if slice_ms < 1000 || BASE_MS % slice_ms != 0 {
            return Err(EventsError::Slice(slice_ms));
        }
        let range = format!("[{}:{}]", format_duration_ms(BASE_MS), format_duration_ms(slice_ms));
        let ratio = self.slice_ratio(slice_ms, target.is_some());
        let bad = match target {
            Some(target) => {
                let limit = format_float(rounded(1.0 - target));
                format!("sum_over_time(({ratio} > bool {limit}){range})")
            }
            None => format!("sum_over_time(({ratio}){range})"),
        };
        let total = format!("count_over_time(({ratio}){range})");
        Ok(summed(&bad, &total, grouping))
    }

    fn occurrences(&self, grouping: Vec<String>) -> Indicator {
        match self {
            Self::Good { good, total } => {
                Indicator::from_good(&good.over(BASE_MS), &total.over(BASE_MS), grouping)
            }
            Self::Bad { bad, total } => {
                let (bad, total) = (bad.over(BASE_MS), total.over(BASE_MS));
                let bad = canonical(&format!("{bad} or 0 * {total}"));
                Indicator { bad, total: canonical(&total), grouping }
            }
            Self::Ratio { .. } => Indicator::from_error_ratio(&self.error_ratio(BASE_MS), grouping),
            Self::Level { query, bad_if, than } => {
                let range = format!("[{}:{}]", format_duration_ms(BASE_MS), format_duration_ms(LOOK_MS));
                let level = query.over(BASE_MS);
                let bad = format!("sum_over_time(({level} {bad_if} bool {}){range})", format_float(*than));
                summed(&bad, &format!("count_over_time({level}{range})"), grouping)
            }
        }
    }

    /// The share of what is bad within a slice. `keeps_idle` says whether slices without events are there, as what is no number.
    fn slice_ratio(&self, slice_ms: i64, keeps_idle: bool) -> String {
        let nothing = if keeps_idle { "" } else { " > 0" };
        match self {
            Self::Good { good, total } => {
                let (good, total) = (good.over(slice_ms), total.over(slice_ms));
                format!("1 - ({good} or 0 * {total}) / ({total}{nothing})")
            }
            Self::Bad { bad, total } => {
                let (bad, total) = (bad.over(slice_ms), total.over(slice_ms));
                format!("({bad} or 0 * {total}) / ({total}{nothing})")
            }
            Self::Ratio { .. } if keeps_idle => self.error_ratio(slice_ms),
            Self::Ratio { .. } => format!("{} >= 0", self.error_ratio(slice_ms)),
            Self::Level { query, bad_if, than } => {
                let step = format_duration_ms((slice_ms / 4).max(1000));
                let (level, than) = (query.over(slice_ms), format_float(*than));
                format!(
                    "avg_over_time(({level} {bad_if} bool {than})[{}:{step}])",
                    format_duration_ms(slice_ms)
                )
            }
        }
    }

    /// The share of what is bad, for a measure that is a share.
    fn error_ratio(&self, window_ms: i64) -> String {
        match self {
            Self::Ratio { query, is_good: false } => query.over(window_ms),
            Self::Ratio { query, is_good: true } => format!("(1 - {})", query.over(window_ms)),
            Self::Good { .. } | Self::Bad { .. } | Self::Level { .. } => self.slice_ratio(window_ms, true),
        }
    }

    fn grouping(&self) -> Result<Vec<String>, EventsError> {
        let (part, whole) = match self {
            Self::Good { good: part, total } | Self::Bad { bad: part, total } => (Some(part), total),
            Self::Ratio { query, .. } | Self::Level { query, .. } => (None, query),
        };
        if part.is_some_and(|part| part.is_per_second != whole.is_per_second) {
            return Err(EventsError::PerSecond);
        }
        let ungrouped = [part, Some(whole)].into_iter().flatten().find(|query| query.is_ungrouped);
        let grouped = [part, Some(whole)].into_iter().flatten().find_map(|query| query.grouping.as_ref());
        if let Some((_, labels)) = ungrouped.zip(grouped) {
            return Err(EventsError::Ungrouped(labels.join(", ")));
        }
        let of = |query: &Query| {
            let mut labels = query.grouping.clone()?;
            labels.sort_unstable();
            Some(labels)
        };
        if let Some((part, whole)) = part.and_then(of).zip(of(whole))
            && part != whole
        {
            return Err(EventsError::Labels { part: part.join(", "), whole: whole.join(", ") });
        }
        Ok(of(whole).unwrap_or_default())
    }
}

/// Levels and shares come with whatever labels their series have; they are summed up unless the query tells by what it groups.
fn summed(bad: &str, total: &str, grouping: Vec<String>) -> Indicator {
    let sum =
        if grouping.is_empty() { "sum".to_owned() } else { format!("sum by ({})", grouping.join(", ")) };
    let whole = |text: &str| canonical(&format!("{sum} ({text})"));
    Indicator { bad: whole(bad), total: whole(total), grouping }
}

/// As the printer of PromQL writes it.
fn canonical(text: &str) -> String {
    match parse_expr(text, &ParserOptions::default()) {
        Ok(expr) => expr.unparenthesised().to_string(),
        Err(why) => panic!("BUG: {text} was made of expressions that parse, and does not: {why}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good(good: &str, total: &str) -> Result<Indicator, EventsError> {
        Measure::Good { good: Query::counter(good)?, total: Query::counter(total)? }
            .indicator(Budgeting::Occurrences)
    }

    #[test]
    fn counters_are_taken_over_the_base_window() {
        let made = good("ok_total{job=\"a\"}", "sum(all_total)").expect("counters");
        assert_eq!(made.total, "sum(increase(all_total[5m]))");
        assert_eq!(
            made.bad,
            "clamp_min(sum(increase(all_total[5m])) - (sum(increase(ok_total{job=\"a\"}[5m])) or 0 * sum(increase(all_total[5m]))), 0)"
        );
        let by = good("sum by (x) (ok_total)", "sum by (x) (all_total)").expect("counters");
        assert_eq!(
            (by.total.as_str(), by.grouping),
            ("sum by (x) (increase(all_total[5m]))", vec!["x".to_owned()])
        );
    }

    #[test]
    fn both_parts_keep_the_same_labels() {
        let labels = good("sum by (x) (a)", "sum(b)").expect_err("labels").to_string();
        assert!(labels.contains("labels [x], and all events have []"), "{labels}");
    }

    #[test]
    fn series_that_do_not_match_are_refused() {
        const SERIES: &str = "rate(bad_total[{{.window}}])";
        for (part, whole) in [
            (SERIES, "sum(rate(all_total[{{.window}}]))"),
            ("sum by (job) (rate(bad_total[{{.window}}]))", SERIES),
            (SERIES, "all_total"),
        ] {
            let refused = good(part, whole).expect_err("nothing would match").to_string();
            assert!(refused.contains("all labels of its series"), "{refused}");
        }
        for (part, whole) in [
            (SERIES, SERIES),
            ("sum(rate(bad_total[{{.window}}])) - sum(rate(well_total[{{.window}}]))", "all_total"),
            ("sum without (pod) (rate(bad_total[{{.window}}]))", "sum by (job) (all_total)"),
        ] {
            assert!(good(part, whole).is_ok(), "{part} of {whole}");
        }
    }

    #[test]
    fn counts_are_not_divided_by_events_per_second() {
        const MIXED: &str = "sum(rate(b[{{.window}}]) * avg_over_time(w[{{.window}}]))";
        let refused = good("a_total", MIXED).expect_err("300 times too much").to_string();
        assert!(refused.contains("write increase() in its place"), "{refused}");
        assert!(good(MIXED, &MIXED.replace("(b[", "(c[")).is_ok(), "both per second");
        assert!(good("a_total", &MIXED.replace("rate(", "increase(")).is_ok());
    }

    #[test]
    fn slices_count_as_one_each() {
        let measure = Measure::Bad {
            bad: Query::counter("b").expect("counter"),
            total: Query::counter("t").expect("counter"),
        };
        let slices =
            measure.indicator(Budgeting::Timeslices { slice_ms: 60_000, target: 0.95 }).expect("fits");
        assert_eq!(
            slices.bad,
            "sum(sum_over_time(((sum(increase(b[1m])) or 0 * sum(increase(t[1m]))) / (sum(increase(t[1m]))) > bool 0.05)[5m:1m]))"
        );
        let ratios = measure.indicator(Budgeting::RatioTimeslices { slice_ms: 60_000 }).expect("fits");
        assert!(
            ratios.total.contains("sum(increase(t[1m])) > 0"),
            "idle slices do not count: {}",
            ratios.total
        );
        let uneven = measure.indicator(Budgeting::RatioTimeslices { slice_ms: 120_000 });
        assert!(matches!(uneven, Err(EventsError::Slice(120_000))));
    }

    #[test]
    fn levels_and_shares() {
        let level =
            Measure::Level { query: Query::level("max(lag)").expect("level"), bad_if: ">", than: 5.0 };
        let made = level.indicator(Budgeting::Occurrences).expect("fits");
        assert_eq!(made.bad, "sum(sum_over_time((max(lag) > bool 5)[5m:1m]))");
        assert_eq!(made.total, "sum(count_over_time(max(lag)[5m:1m]))");
        let share = Measure::Ratio { query: Query::level("a / b").expect("share"), is_good: true };
        let made = share.indicator(Budgeting::Occurrences).expect("fits");
        assert_eq!(
            (made.bad.as_str(), made.total.as_str()),
            ("(1 - (a / b)) >= 0", "1 + 0 * ((1 - (a / b)) >= 0)")
        );
    }
}
