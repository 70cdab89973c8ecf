//! Unit tests of the alerts, for `promtool test rules` and `bellwether test rules`.
//!
//! They ask for the series `ALERTS`, so that what an alert says need not be written twice.

use std::collections::BTreeMap;

use bellwether_model::{Labels, format_duration_ms};
use bellwether_yaml::{MapValue, Value};

use super::rules_file;
use crate::schema::{Alert, AlertCase, Pack};

/// How often rules are evaluated, in milliseconds.
const INTERVAL_MS: i64 = 60_000;

/// The unit-test file; `None` if no alert has a case.
pub(super) fn unit_tests(pack: &Pack) -> Option<Value> {
    let mut tests = Vec::new();
    for alert in &pack.alerts {
        let Some(cases) = &alert.tests else { continue };
        for (number, case) in cases.fires.iter().enumerate() {
            let labels = if case.labels.is_empty() { vec![BTreeMap::new()] } else { case.labels.clone() };
            tests.push(of_case(alert, case, &numbered("fires", number), &labels));
        }
        for (number, case) in cases.quiet.iter().enumerate() {
            tests.push(of_case(alert, case, &numbered("is quiet", number), &[]));
        }
    }
    file(pack, INTERVAL_MS, tests)
}

/// A file with tests of the rules of a pack, which are evaluated every `interval_ms`; `None` without tests.
pub(super) fn file(pack: &Pack, interval_ms: i64, tests: Vec<Value>) -> Option<Value> {
    if tests.is_empty() {
        return None;
    }
    let mut file = MapValue::new();
    file.set("rule_files", Value::strings([rules_file(pack)]));
    file.set("evaluation_interval", format_duration_ms(interval_ms));
    file.set("tests", Value::List(tests));
    Some(file.into())
}

/// `fires`, `fires (2)`, ...
fn numbered(what: &str, number: usize) -> String {
    if number == 0 { what.to_owned() } else { format!("{what} ({})", number + 1) }
}

fn of_case(alert: &Alert, case: &AlertCase, what: &str, fires_with: &[BTreeMap<String, String>]) -> Value {
    let pairs = |labels| -> Vec<(&str, &str)> {
        let labels: &BTreeMap<String, String> = labels;
        labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    };
    let severity = alert.severity.map(|severity| ("severity", severity.as_str()));
    let own: Vec<(&str, &str)> = severity.into_iter().chain(pairs(&alert.labels)).collect();
    Test {
        alert: &alert.name,
        what,
        at_ms: case.at_ms,
        series: case.series.iter().map(|(series, values)| (series.as_str(), values.clone())).collect(),
        fires_with: fires_with.iter().map(|labels| [own.clone(), pairs(labels)].concat()).collect(),
    }
    .into_value()
}

/// A test of one alert.
pub(super) struct Test<'t> {
    /// The name of the alert.
    pub(super) alert: &'t str,
    /// What it does here.
    pub(super) what: &'t str,
    /// When it is looked at, in milliseconds after the first value.
    pub(super) at_ms: i64,
    /// Series with a value for each minute.
    pub(super) series: Vec<(&'t str, String)>,
    /// The labels of each alert that fires, beside the name.
    pub(super) fires_with: Vec<Vec<(&'t str, &'t str)>>,
}

impl Test<'_> {
    pub(super) fn into_value(self) -> Value {
        let series = self.series.iter().map(|(series, values)| {
            let mut input = MapValue::new();
            input.set("series", *series);
            input.set("values", values.as_str());
            input.into()
        });
        let samples = self.fires_with.iter().map(|labels| {
            let state = [("__name__", "ALERTS"), ("alertname", self.alert), ("alertstate", "firing")];
            let mut sample = MapValue::new();
            sample.set("labels", Labels::from_pairs(state.iter().chain(labels).copied()).to_string());
            sample.set("value", 1);
            sample.into()
        });
        let mut expectation = MapValue::new();
        expectation.set("expr", format!("ALERTS{{alertname=\"{}\", alertstate=\"firing\"}}", self.alert));
        expectation.set("eval_time", format_duration_ms(self.at_ms));
        expectation.set_if("exp_samples", Value::List(samples.collect()));
        let mut test = MapValue::new();
        test.set("name", format!("{} {}", self.alert, self.what));
        test.set("interval", "1m");
        test.set_if("input_series", Value::List(series.collect()));
        test.set("promql_expr_test", Value::List(vec![expectation.into()]));
        test.into()
    }
}
