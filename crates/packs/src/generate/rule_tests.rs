//! Unit tests of the alerts, for `promtool test rules` and `bellwether test rules`.
//!
//! They ask for the series `ALERTS`, so that what an alert says need not be written twice.

use std::collections::BTreeMap;

use bellwether_model::{Labels, format_duration_ms};
use bellwether_yaml::{MapValue, Value};

use super::rules_file;
use crate::schema::{Alert, AlertCase, Pack};

/// The unit-test file; `None` if no alert has a case.
pub(super) fn unit_tests(pack: &Pack) -> Option<Value> {
    let mut tests = Vec::new();
    for alert in &pack.alerts {
        let Some(cases) = &alert.tests else { continue };
        for (number, case) in cases.fires.iter().enumerate() {
            let labels = if case.labels.is_empty() { vec![BTreeMap::new()] } else { case.labels.clone() };
            tests.push(test(alert, case, &numbered("fires", number), &labels));
        }
        for (number, case) in cases.quiet.iter().enumerate() {
            tests.push(test(alert, case, &numbered("is quiet", number), &[]));
        }
    }
    if tests.is_empty() {
        return None;
    }
    let mut file = MapValue::new();
    file.set("rule_files", Value::strings([rules_file(pack)]));
    file.set("evaluation_interval", "1m");
    file.set("tests", Value::List(tests));
    Some(file.into())
}

/// `fires`, `fires (2)`, ...
fn numbered(what: &str, number: usize) -> String {
    if number == 0 { what.to_owned() } else { format!("{what} ({})", number + 1) }
}

fn test(alert: &Alert, case: &AlertCase, what: &str, fires_with: &[BTreeMap<String, String>]) -> Value {
    let series = case.series.iter().map(|(series, values)| {
        let mut input = MapValue::new();
        input.set("series", series.value.as_str());
        input.set("values", values.as_str());
        input.into()
    });
    let mut expectation = MapValue::new();
    expectation.set("expr", format!("ALERTS{{alertname=\"{}\", alertstate=\"firing\"}}", alert.name));
    expectation.set("eval_time", format_duration_ms(case.at_ms));
    let samples: Vec<Value> = fires_with.iter().map(|labels| sample(alert, labels)).collect();
    expectation.set_if("exp_samples", Value::List(samples));
    let mut test = MapValue::new();
    test.set("name", format!("{} {what}", alert.name));
    test.set("interval", "1m");
    test.set_if("input_series", Value::List(series.collect()));
    test.set("promql_expr_test", Value::List(vec![expectation.into()]));
    test.into()
}

/// The series that says that the alert fires with these labels.
fn sample(alert: &Alert, labels: &BTreeMap<String, String>) -> Value {
    let own = alert.labels.iter().chain(labels).map(|(name, value)| (name.as_str(), value.as_str()));
    let severity = alert.severity.map(|severity| ("severity", severity.as_str()));
    let state = [("__name__", "ALERTS"), ("alertname", alert.name.as_str()), ("alertstate", "firing")];
    let series = Labels::from_pairs(state.into_iter().chain(severity).chain(own));
    let mut sample = MapValue::new();
    sample.set("labels", series.to_string());
    sample.set("value", 1);
    sample.into()
}
