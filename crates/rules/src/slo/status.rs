//! How objectives stand: what the series of their rules say.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::{QueryContext, Tenant, Value, format_duration_ms, format_float};
use bellwether_promql::engine::{
    InstantQuery, QueryEngine, QueryError, QuerySettings, QueryValue, RangeQuery,
};

use super::compile::{
    BAD_EVENTS, PERIOD_BAD, PERIOD_TOTAL, RuleAlert, SLO_ID, TOTAL_EVENTS, WINDOWS_MS, rule_alerts,
};
use super::objective::{Objective, Window};
use crate::alert::AlertState;

/// The window whose speed tells how things go now, in milliseconds.
const HOUR_MS: i64 = 3_600_000;
/// The window whose speed is taken for the future: long enough not to jump with each incident, in milliseconds.
const PROJECTION_MS: i64 = 6 * 3_600_000;

/// How an objective stands. What nothing was measured of is `None`, never 0 or 1.
#[derive(Debug, Clone, PartialEq)]
pub struct SloStatus {
    /// How many good events there were in the window of the objective.
    pub good: Option<f64>,
    /// How many bad ones.
    pub bad: Option<f64>,
    /// How many there were.
    pub total: Option<f64>,
    /// The share of the budget that is left; negative if more is gone than there was.
    pub remaining: Option<f64>,
    /// For how many minutes all might be bad until the budget is gone.
    pub remaining_minutes: Option<f64>,
    /// When the budget will be gone if it goes on as in the last six hours, in milliseconds since the Unix epoch; the time of asking if it is gone. `None` if it will last.
    pub exhausted_at_ms: Option<i64>,
    /// As many times as fast as the budget would last just so, for each of [`WINDOWS_MS`].
    pub burn: Vec<(i64, Option<f64>)>,
    /// The alerts, with where they are in their lives.
    pub alerts: Vec<AlertStatus>,
}

/// An alert of an objective.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertStatus {
    /// Which one it is.
    pub alert: RuleAlert,
    /// The highest state of its groups.
    pub state: AlertState,
}

/// How the budget of an objective was at many times.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Budget {
    /// The share that was left. Times at which nothing was known are missing.
    pub remaining: Vec<(i64, f64)>,
    /// How fast it burned within an hour, and within the longest window of each alert, by windows in milliseconds.
    pub burn: BTreeMap<i64, Vec<(i64, f64)>>,
}

/// How `objectives` stand at `now_ms`, in their order.
pub fn status(
    objectives: &[&Objective],
    engine: &dyn QueryEngine,
    tenant: &Tenant,
    now_ms: i64,
    cx: &QueryContext,
) -> Result<Vec<SloStatus>, QueryError> {
    let asker = Asker { engine, tenant, now_ms, cx };
    let filter = match objectives {
        [one] => format!("{SLO_ID}=\"{}\"", one.id()),
        _ => format!("{SLO_ID}!=\"\""),
    };
    let bad = asker.by_id(&format!("sum by ({SLO_ID}) ({PERIOD_BAD}{{{filter}}})"))?;
    let total = asker.by_id(&format!("sum by ({SLO_ID}) ({PERIOD_TOTAL}{{{filter}}})"))?;
    let ratios = WINDOWS_MS.iter().map(|&window_ms| asker.by_id(&ratio(&filter, window_ms)));
    let ratios = ratios.collect::<Result<Vec<_>, _>>()?;
    let states = asker.states(&filter)?;
    let status = objectives.iter().map(|objective| {
        let id = objective.id();
        let burn = WINDOWS_MS.iter().zip(&ratios);
        let burn = burn.map(|(ms, ratios)| (*ms, ratios.get(&id).map(|ratio| ratio / objective.budget())));
        let alerts = rule_alerts(objective).into_iter().map(|alert| {
            let key = (id.clone(), alert.name.clone(), alert.burn.to_owned());
            let state = states.get(&key).copied().unwrap_or(AlertState::Inactive);
            AlertStatus { alert, state }
        });
        let events = total.get(&id).copied().filter(|total| *total > 0.0);
        let events = events.map(|total| (total, bad.get(&id).copied().unwrap_or_default()));
        stand(objective, events, burn.collect(), alerts.collect(), now_ms)
    });
    Ok(status.collect())
}

/// How the budget of `objective` was from `start_ms` to `end_ms`, every `step_ms`.
pub fn budget(
    objective: &Objective,
    engine: &dyn QueryEngine,
    tenant: &Tenant,
    (start_ms, end_ms, step_ms): (i64, i64, i64),
    cx: &QueryContext,
) -> Result<Budget, QueryError> {
    let filter = format!("{SLO_ID}=\"{}\"", objective.id());
    let allowed = format_float(objective.budget());
    let bad = format!("sum({PERIOD_BAD}{{{filter}}})");
    let remaining = format!("1 - {bad} / (sum({PERIOD_TOTAL}{{{filter}}}) > 0) / {allowed}");
    let burn = |window_ms| format!("sum({}) / {allowed}", ratio(&filter, window_ms));
    let points = |query: String| -> Result<Vec<(i64, f64)>, QueryError> {
        let settings = QuerySettings::default();
        let range = RangeQuery { query, start_ms, end_ms, step_ms, settings };
        match engine.range(tenant, &range, cx)?.value {
            QueryValue::Matrix(series) => {
                Ok(series.into_iter().next().map(|series| series.floats).unwrap_or_default())
            }
            _ => Ok(Vec::new()),
        }
    };
    let alerts = rule_alerts(objective);
    let longest = alerts.iter().filter_map(|alert| alert.threshold.as_ref()?.windows_ms.first().copied());
    let windows_ms: BTreeSet<i64> = longest.chain([HOUR_MS]).collect();
    let mut budget = Budget { remaining: points(remaining)?, burn: BTreeMap::new() };
    for window_ms in windows_ms {
        budget.burn.insert(window_ms, points(burn(window_ms))?);
    }
    Ok(budget)
}

/// The share of what is bad within a window, all groups of an objective together.
fn ratio(filter: &str, window_ms: i64) -> String {
    let over = |name: &str| {
        let series = format!("{name}{{{filter}}}");
        // The base series are of five minutes themselves.
        let series = match window_ms {
            super::events::BASE_MS => series,
            _ => format!("sum_over_time({series}[{}])", format_duration_ms(window_ms)),
        };
        format!("sum by ({SLO_ID}) ({series})")
    };
    format!("{} / ({} > 0)", over(BAD_EVENTS), over(TOTAL_EVENTS))
}

fn stand(
    objective: &Objective,
    events: Option<(f64, f64)>,
    burn: Vec<(i64, Option<f64>)>,
    alerts: Vec<AlertStatus>,
    now_ms: i64,
) -> SloStatus {
    let (begin_ms, end_ms) = objective.window.around(now_ms);
    let budget = objective.budget();
    let remaining = events.map(|(total, bad)| 1.0 - bad / total / budget);
    // The budget of a period of the calendar grows with what happens in it, also while all is bad; that of a window that rolls stays as large as it is.
    let (length_ms, grows) = match objective.window {
        Window::Rolling(ms) => (ms as f64, 0.0),
        Window::Calendar(_) => ((now_ms - begin_ms) as f64, 1.0),
    };
    let speed = burn.iter().find(|(ms, _)| *ms == PROJECTION_MS).and_then(|(_, speed)| *speed);
    let exhausted_at_ms = remaining.and_then(|remaining| {
        if remaining <= 0.0 {
            return Some(now_ms);
        }
        // What is bad leaves a window that rolls, so that a speed of one takes it all there neither.
        let speed = speed.filter(|speed| *speed > 1.0)?;
        let at_ms = now_ms.saturating_add((remaining * length_ms / (speed - grows)) as i64);
        let lasts = matches!(objective.window, Window::Calendar(_)) && at_ms >= end_ms;
        (!lasts).then_some(at_ms)
    });
    SloStatus {
        good: events.map(|(total, bad)| total - bad),
        bad: events.map(|(_, bad)| bad),
        total: events.map(|(total, _)| total),
        remaining,
        remaining_minutes: remaining
            .map(|share| share * budget * length_ms / (1.0 - grows * budget) / 60_000.0),
        exhausted_at_ms,
        burn,
        alerts,
    }
}

/// The id of the objective, the name of the alert, its label `burn`.
type AlertKey = (String, String, String);

struct Asker<'a> {
    engine: &'a dyn QueryEngine,
    tenant: &'a Tenant,
    now_ms: i64,
    cx: &'a QueryContext,
}

impl Asker<'_> {
    fn vector(&self, query: String) -> Result<Vec<(bellwether_model::Labels, f64)>, QueryError> {
        let request = InstantQuery { query, ts_ms: self.now_ms, settings: QuerySettings::default() };
        let QueryValue::Vector(samples) = self.engine.instant(self.tenant, &request, self.cx)?.value else {
            return Ok(Vec::new());
        };
        let float = |value: &Value| match value {
            Value::Float(value) => Some(*value),
            Value::Histogram(_) => None,
        };
        Ok(samples.into_iter().filter_map(|s| float(&s.value).map(|value| (s.labels, value))).collect())
    }

    fn by_id(&self, query: &str) -> Result<BTreeMap<String, f64>, QueryError> {
        let samples = self.vector(query.to_owned())?;
        let by_id =
            |(labels, value): (bellwether_model::Labels, f64)| Some((labels.get(SLO_ID)?.to_owned(), value));
        Ok(samples.into_iter().filter_map(by_id).collect())
    }

    fn states(&self, filter: &str) -> Result<BTreeMap<AlertKey, AlertState>, QueryError> {
        let mut states = BTreeMap::new();
        for (labels, _) in self.vector(format!("ALERTS{{{filter}}}"))? {
            let text = |name: &str| labels.get(name).unwrap_or_default().to_owned();
            let state = match labels.get("alertstate") {
                Some("firing") => AlertState::Firing,
                Some("pending") => AlertState::Pending,
                _ => continue,
            };
            let known = states.entry((text(SLO_ID), text("alertname"), text("burn"))).or_insert(state);
            *known = state.max(*known);
        }
        Ok(states)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slo::read;

    const DAY_MS: i64 = 86_400_000;

    /// Half of the budget is gone after ten days of a month, and it burns three times as fast as it may.
    fn stands(window: &str) -> (i64, SloStatus) {
        let text = format!("slo: {{name: a, objective: 99, window: {window}, bad: b_total, total: t_total}}");
        let objectives = read("slo.yml", text.as_bytes()).unwrap_or_else(|errors| panic!("{errors}"));
        // 2026-01-11T00:00:00Z
        let now_ms = 1_768_089_600_000;
        let burn = vec![(PROJECTION_MS, Some(3.0))];
        (now_ms, stand(&objectives[0], Some((1_000.0, 5.0)), burn, Vec::new(), now_ms))
    }

    #[test]
    fn a_period_of_the_calendar_has_the_budget_of_what_has_happened_in_it() {
        let (now_ms, status) = stands("month");
        // After two and a half days more there are 1,250 events, of which 5 and three in a hundred of the last 250 are bad: one in a hundred.
        assert_eq!(status.exhausted_at_ms, Some(now_ms + DAY_MS * 5 / 2));
        // Of 14,400 minutes 72 were as bad as can be: with as many more as follow it is one in a hundred.
        let minutes = status.remaining_minutes.expect("measured");
        assert!(((72.0 + minutes) / (14_400.0 + minutes) - 0.01).abs() < 1e-12, "{minutes}");
    }

    #[test]
    fn a_window_that_rolls_has_the_budget_of_all_of_it() {
        let (now_ms, status) = stands("30d");
        assert_eq!(status.exhausted_at_ms, Some(now_ms + 5 * DAY_MS));
        assert_eq!(status.remaining_minutes.map(f64::round), Some(216.0));
    }
}
