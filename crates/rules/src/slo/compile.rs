//! From objectives to rules.

use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether_model::{format_duration_ms, format_float};
use bellwether_yaml::{MapValue, Value};

use super::burn::{BurnAlert, burn_alerts, camel_case};
use super::objective::{Calendar, Objective, Window};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// The windows in which the share of what is bad is recorded, the period of the objective aside, in milliseconds.
pub const WINDOWS_MS: [i64; 7] =
    [5 * MINUTE_MS, 30 * MINUTE_MS, HOUR_MS, 2 * HOUR_MS, 6 * HOUR_MS, 24 * HOUR_MS, 72 * HOUR_MS];

/// How often the windows are recorded, in milliseconds. The number of events follows from it: each is counted in as many samples of the base series as there are in five minutes.
const INTERVAL_MS: i64 = MINUTE_MS;

/// How often an event is counted in the base series.
const TIMES_COUNTED: i64 = super::events::BASE_MS / INTERVAL_MS;

/// How often budgets are recorded, in milliseconds: as seldom as it can be without gaps in what queries see, even if one evaluation is missed.
const BUDGET_INTERVAL_MS: i64 = 2 * MINUTE_MS;

/// How many bad events there were in the last five minutes.
pub const BAD_EVENTS: &str = "slo:sli_bad:increase5m";
/// How many events there were in the last five minutes.
pub const TOTAL_EVENTS: &str = "slo:sli_total:increase5m";
/// The share of what is bad, with the window behind the name.
pub const ERROR_RATIO: &str = "slo:sli_error:ratio_rate";
/// How many bad events there were in the window of the objective.
pub(super) const PERIOD_BAD: &str = "slo:period_bad:events";
/// How many events there were in the window of the objective.
pub(super) const PERIOD_TOTAL: &str = "slo:period_total:events";

/// The label with the [`id`](Objective::id) of the objective.
pub const SLO_ID: &str = "slo_id";

/// What is behind the name of the alert that there are no data.
pub const ABSENT_SUFFIX: &str = "NoData";

/// The rules of objectives, as a rule file: two groups for each.
pub fn rules<'o>(objectives: impl IntoIterator<Item = &'o Objective>) -> Value {
    let groups = objectives.into_iter().flat_map(groups);
    let mut file = MapValue::new();
    file.set("groups", Value::List(groups.collect()));
    file.into()
}

/// The rules of objectives as texts of rule files, with the names of the files in which the objectives stand.
pub fn rule_files(objectives: &[Objective]) -> Vec<(Arc<str>, String)> {
    let mut by_source: Vec<(Arc<str>, Vec<&Objective>)> = Vec::new();
    for objective in objectives {
        match by_source.iter_mut().find(|(source, _)| *source == objective.source) {
            Some((_, of_source)) => of_source.push(objective),
            None => by_source.push((Arc::clone(&objective.source), vec![objective])),
        }
    }
    by_source.into_iter().map(|(source, of_source)| (source, rules(of_source).to_yaml())).collect()
}

/// The groups of an objective: one that is evaluated often, with windows and alerts, and one for the budget, which reads more.
pub fn groups(objective: &Objective) -> [Value; 2] {
    let id = objective.id();
    let compiler = Compiler { objective, id: &id, labels: series_labels(objective) };
    let group = |name: String, interval_ms: i64, rules: Vec<Value>| {
        let mut group = MapValue::new();
        group.set("name", name);
        group.set("interval", format_duration_ms(interval_ms));
        group.set("rules", Value::List(rules));
        group.into()
    };
    let windows = compiler.windows().chain(compiler.metadata()).chain(compiler.alerts()).collect();
    [
        group(format!("slo_{id}"), INTERVAL_MS, windows),
        group(format!("slo_{id}_budget"), BUDGET_INTERVAL_MS, compiler.budget().collect()),
    ]
}

/// The labels of all series of an objective.
pub fn series_labels(objective: &Objective) -> BTreeMap<String, String> {
    let mut labels = objective.labels.clone();
    labels.insert(SLO_ID.to_owned(), objective.id());
    labels.insert("slo_name".to_owned(), objective.name.clone());
    if !objective.service.is_empty() {
        labels.insert("slo_service".to_owned(), objective.service.clone());
    }
    labels
}

/// An alert among the rules of an objective.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleAlert {
    /// The name.
    pub name: String,
    /// How soon somebody must act: the label `slo_severity`.
    pub severity: String,
    /// The label `burn`; empty for alerts that are on no pair of windows.
    pub burn: &'static str,
    /// What it fires at; `None` for the alert that tells that nothing is measured.
    pub threshold: Option<BurnThreshold>,
}

/// How fast a budget has to burn for an alert to fire.
#[derive(Debug, Clone, PartialEq)]
pub struct BurnThreshold {
    /// As many times as fast as the budget would last just so.
    pub factor: f64,
    /// The windows that must all burn as fast, the longest first, in milliseconds.
    pub windows_ms: Vec<i64>,
}

/// All alerts of an objective, in the order of the rules.
pub fn rule_alerts(objective: &Objective) -> Vec<RuleAlert> {
    let burning = burn_alerts(objective).map(|alert| RuleAlert {
        name: alert.name,
        severity: alert.tier.severity.as_str().to_owned(),
        burn: alert.tier.burn.as_str(),
        threshold: Some(BurnThreshold {
            factor: alert.factor,
            windows_ms: vec![alert.tier.long_ms, alert.tier.short_ms],
        }),
    });
    let conditions = objective.alerting.conditions.iter().map(|condition| RuleAlert {
        name: condition.name.clone(),
        severity: condition.severity.clone(),
        burn: "",
        threshold: Some(BurnThreshold { factor: condition.factor, windows_ms: vec![condition.window_ms] }),
    });
    let absent = (!objective.alerting.absent.disabled).then(|| RuleAlert {
        name: absent_name(objective),
        severity: "ticket".to_owned(),
        burn: "",
        threshold: None,
    });
    burning.chain(conditions).chain(absent).collect()
}

fn absent_name(objective: &Objective) -> String {
    let base = objective.alerting.name.clone().unwrap_or_else(|| camel_case(&objective.name));
    format!("{base}{ABSENT_SUFFIX}")
}

struct Compiler<'o> {
    objective: &'o Objective,
    id: &'o str,
    labels: BTreeMap<String, String>,
}

impl Compiler<'_> {
    /// The series of the objective called `name`.
    fn series(&self, name: &str) -> String {
        format!("{name}{{{SLO_ID}=\"{}\"}}", self.id)
    }

    fn ratio(&self, window_ms: i64) -> String {
        self.series(&format!("{ERROR_RATIO}{}", format_duration_ms(window_ms)))
    }

    fn record(&self, name: &str, expr: &str, further: &[(&str, String)]) -> Value {
        let mut labels = self.labels.clone();
        labels.extend(further.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        let mut rule = MapValue::new();
        rule.set("record", name);
        rule.set("expr", expr);
        rule.set("labels", Value::string_map(labels));
        rule.into()
    }

    fn windows(&self) -> impl Iterator<Item = Value> {
        let indicator = &self.objective.indicator;
        let base = [(BAD_EVENTS, &indicator.bad), (TOTAL_EVENTS, &indicator.total)];
        let ratios = WINDOWS_MS.iter().map(|&window_ms| {
            let window = format_duration_ms(window_ms);
            let (bad, total) = (self.series(BAD_EVENTS), self.series(TOTAL_EVENTS));
            let expr = if window_ms == super::events::BASE_MS {
                format!("{bad} / ({total} > 0)")
            } else {
                format!("sum_over_time({bad}[{window}]) / (sum_over_time({total}[{window}]) > 0)")
            };
            self.record(&format!("{ERROR_RATIO}{window}"), &expr, &[])
        });
        base.map(|(name, expr)| self.record(name, expr, &[])).into_iter().chain(ratios)
    }

    /// What the objective is, as series, for dashboards that join with them.
    fn metadata(&self) -> impl Iterator<Item = Value> {
        let objective = self.objective;
        let days = objective.window.nominal_ms() as f64 / (24 * HOUR_MS) as f64;
        let constant = |value: f64| format!("vector({})", format_float(value));
        let burn = format!("{} / {}", self.ratio(super::events::BASE_MS), format_float(objective.budget()));
        let percent = format_float(super::objective::rounded(objective.target * 100.0));
        let about = [("slo_objective", percent), ("slo_window", objective.window.word())];
        [
            self.record("slo:objective:ratio", &constant(objective.target), &[]),
            self.record("slo:error_budget:ratio", &constant(objective.budget()), &[]),
            self.record("slo:time_period:days", &constant(days), &[]),
            self.record("slo:current_burn_rate:ratio", &burn, &[]),
            self.record("slo:info", &constant(1.0), &about),
        ]
        .into_iter()
    }

    fn budget(&self) -> impl Iterator<Item = Value> {
        let word = self.objective.window.word();
        let ratio = format!("{ERROR_RATIO}{word}");
        let burn = "slo:period_burn_rate:ratio";
        let share = format!("{} / ({} > 0)", self.series(PERIOD_BAD), self.series(PERIOD_TOTAL));
        let burning = format!("{} / {}", self.series(&ratio), format_float(self.objective.budget()));
        let remaining = format!("1 - {}", self.series(burn));
        // The windows have it already if the objective's is as long as one of them.
        let is_window = matches!(self.objective.window, Window::Rolling(ms) if WINDOWS_MS.contains(&ms));
        let share = (!is_window).then(|| self.record(&ratio, &share, &[]));
        let events = [
            self.record(PERIOD_BAD, &self.over_period(BAD_EVENTS), &[]),
            self.record(PERIOD_TOTAL, &self.over_period(TOTAL_EVENTS), &[]),
        ];
        let burn = [
            self.record(burn, &burning, &[]),
            self.record("slo:period_error_budget_remaining:ratio", &remaining, &[]),
        ];
        events.into_iter().chain(share).chain(burn)
    }

    /// How many events of a base series there were within the window of the objective.
    fn over_period(&self, base: &str) -> String {
        let series = self.series(base);
        let window = self.objective.window;
        let length = format_duration_ms(window.longest_ms());
        let Window::Calendar(calendar) = window else {
            return format!("sum_over_time({series}[{length}]) / {TIMES_COUNTED}");
        };
        // A number that is the same at all times of a period. The inner one is that of each sample, the outer one that of the evaluation.
        let period = match calendar {
            Calendar::Month => "year() * 12 + month()".to_owned(),
            Calendar::Quarter => "year() * 4 + ceil(month() / 3)".to_owned(),
            Calendar::Year => "year()".to_owned(),
            Calendar::Every { length_ms, start_ms } => {
                let (length, start) = (length_ms / 1000, start_ms.rem_euclid(length_ms) / 1000);
                format!("vector(time() - (time() - {start}) % {length})")
            }
        };
        let step = format_duration_ms(INTERVAL_MS);
        let now = format!("last_over_time(({period})[{step}:{step}] @ end())");
        let of_period = format!("{series} and on () (({period}) == on () {now})");
        format!("sum_over_time(({of_period})[{length}:{step}]) / {TIMES_COUNTED}")
    }

    fn alerts(&self) -> impl Iterator<Item = Value> {
        burn_alerts(self.objective)
            .map(|alert| self.burning(&alert))
            .chain(self.objective.alerting.conditions.iter().map(|condition| self.condition(condition)))
            .chain(self.absent())
    }

    fn burning(&self, alert: &BurnAlert) -> Value {
        let limit = format_float(alert.limit);
        let tier = alert.tier;
        let ratios =
            format!("{} > {limit} and {} > {limit}", self.ratio(tier.long_ms), self.ratio(tier.short_ms));
        let expr = self.if_enough(ratios, tier.long_ms);
        let summary = self.summary(alert.factor, tier.long_ms, tier.short_ms);
        self.alert(&alert.name, expr, 0, &alert.labels, &alert.annotations, &summary)
    }

    fn condition(&self, condition: &super::alerting::BurnCondition) -> Value {
        let limit = super::objective::rounded(condition.factor * self.objective.budget());
        let ratio = format!("{} {} {}", self.ratio(condition.window_ms), condition.op, format_float(limit));
        let expr = self.if_enough(ratio, condition.window_ms);
        let mut labels = self.objective.alerting.labels.clone();
        labels.extend(condition.labels.clone());
        labels.insert("slo_severity".to_owned(), condition.severity.clone());
        let summary = self.summary(condition.factor, condition.window_ms, condition.window_ms);
        self.alert(&condition.name, expr, condition.for_ms, &labels, &condition.annotations, &summary)
    }

    /// The condition, if there were enough events within a window.
    fn if_enough(&self, condition: String, window_ms: i64) -> String {
        let least = self.objective.min_events;
        if least <= 0.0 {
            return condition;
        }
        let (total, window) = (self.series(TOTAL_EVENTS), format_duration_ms(window_ms));
        let least = format_float(least);
        format!("{condition} and sum_over_time({total}[{window}]) / {TIMES_COUNTED} >= {least}")
    }

    fn summary(&self, factor: f64, long_ms: i64, short_ms: i64) -> String {
        let objective = self.objective;
        let (long, short) = (format_duration_ms(long_ms), format_duration_ms(short_ms));
        let windows = if long_ms == short_ms { long } else { format!("{long} and {short}") };
        let than = if factor == 1.0 {
            "faster than".to_owned()
        } else {
            format!("more than {} times as fast as", format_float(factor))
        };
        format!(
            "The budget of {} ({} over {}) burns {than} it may, over {windows}: {{{{ $value | humanizePercentage }}}} is bad",
            self.id,
            objective.percent(),
            objective.window.phrase(),
        )
    }

    /// Ten minutes after the base series has ended, which it does when its window of five minutes has emptied.
    fn absent(&self) -> Option<Value> {
        let alerting = &self.objective.alerting;
        if alerting.absent.disabled {
            return None;
        }
        let mut labels = self.labels.clone();
        labels.extend(alerting.labels.clone());
        labels.insert("slo_severity".to_owned(), "ticket".to_owned());
        labels.extend(alerting.absent.labels.clone());
        let mut annotations = alerting.annotations.clone();
        annotations.extend(alerting.absent.annotations.clone());
        let expr = format!("absent({})", self.series(TOTAL_EVENTS));
        let summary = format!("Nothing has been measured of {} for a quarter of an hour", self.id);
        Some(self.alert(&absent_name(self.objective), expr, 10 * MINUTE_MS, &labels, &annotations, &summary))
    }

    fn alert(
        &self,
        name: &str,
        expr: String,
        for_ms: i64,
        labels: &BTreeMap<String, String>,
        annotations: &BTreeMap<String, String>,
        summary: &str,
    ) -> Value {
        let mut told = annotations.clone();
        told.entry("summary".to_owned()).or_insert_with(|| summary.to_owned());
        if !self.objective.description.is_empty() {
            told.entry("description".to_owned()).or_insert_with(|| self.objective.description.clone());
        }
        let mut rule = MapValue::new();
        rule.set("alert", name);
        rule.set("expr", expr);
        if for_ms > 0 {
            rule.set("for", format_duration_ms(for_ms));
        }
        rule.set_if("labels", Value::string_map(labels));
        rule.set_if("annotations", Value::string_map(told));
        rule.into()
    }
}
