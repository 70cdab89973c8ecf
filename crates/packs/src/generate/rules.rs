//! Rule files as Prometheus reads them.

use bellwether_model::format_duration_ms;
use bellwether_rules::slo;
use bellwether_yaml::{MapValue, Value};

use crate::objectives::objectives;
use crate::schema::{Alert, Pack, Recording};

/// The annotation that says where people read what to do.
pub(crate) const RUNBOOK_URL: &str = "runbook_url";

/// The rule file; `None` if there are no rules.
pub(super) fn rule_file(pack: &Pack) -> Option<Value> {
    let mut groups: Vec<Value> = Vec::new();
    for group in &pack.groups {
        groups.extend(self::group(pack, Some(&group.name), group.interval_ms));
    }
    groups.extend(self::group(pack, None, None));
    groups.extend(objectives(pack).iter().flat_map(slo::groups));
    if groups.is_empty() {
        return None;
    }
    let mut file = MapValue::new();
    file.set("groups", Value::List(groups));
    Some(file.into())
}

/// A rule file with nothing but one alert, which has a meaning.
pub(crate) fn only(pack: &Pack, alert: &Alert) -> Value {
    let mut group = MapValue::new();
    group.set("name", pack.name.value.as_str());
    group.set("rules", Value::List(vec![self::alert(pack, alert)]));
    let mut file = MapValue::new();
    file.set("groups", Value::List(vec![group.into()]));
    file.into()
}

/// The group called `name`, or the one for rules that name none; `None` if it is empty.
fn group(pack: &Pack, name: Option<&str>, interval_ms: Option<i64>) -> Option<Value> {
    let is_in = |group: Option<&str>| group == name;
    let recordings = pack.recordings.iter().filter(|r| is_in(r.group.as_ref().map(|group| group.as_str())));
    let alerts = pack.alerts.iter().filter(|a| is_in(a.group.as_ref().map(|group| group.as_str())));
    let rules: Vec<Value> =
        recordings.map(|r| recording(pack, r)).chain(alerts.map(|a| alert(pack, a))).collect();
    if rules.is_empty() {
        return None;
    }
    let mut group = MapValue::new();
    group.set("name", name.unwrap_or(&pack.name));
    if let Some(ms) = interval_ms {
        group.set("interval", format_duration_ms(ms));
    }
    group.set("rules", Value::List(rules));
    Some(group.into())
}

fn recording(pack: &Pack, recording: &Recording) -> Value {
    let compiled = pack.compile(&recording.expr).expect("BUG: a pack without errors compiles");
    let mut rule = MapValue::new();
    rule.set("record", recording.record.value.as_str());
    rule.set("expr", compiled.expr.to_string());
    rule.set_if("labels", Value::string_map(&recording.labels));
    rule.into()
}

fn alert(pack: &Pack, alert: &Alert) -> Value {
    let compiled = pack.compile_alert(alert).expect("BUG: a pack without errors compiles");
    let mut rule = MapValue::new();
    rule.set("alert", alert.name.value.as_str());
    rule.set("expr", compiled.expr.to_string());
    // A `for` of nothing says that it is meant to fire at once.
    if let Some(ms) = alert.for_ms {
        rule.set("for", format_duration_ms(ms));
    }
    if alert.keep_firing_for_ms > 0 {
        rule.set("keep_firing_for", format_duration_ms(alert.keep_firing_for_ms));
    }
    rule.set_if("labels", labels(alert));
    rule.set_if("annotations", annotations(pack, alert));
    rule.into()
}

fn labels(alert: &Alert) -> Value {
    let severity = alert.severity.map(|severity| ("severity", severity.as_str()));
    let own = alert.labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    Value::string_map(severity.into_iter().chain(own))
}

fn annotations(pack: &Pack, alert: &Alert) -> Value {
    let own = alert.annotations.iter().map(|(name, text)| (name.as_str(), text.clone()));
    let runbook = pack.runbook_url(&alert.name).filter(|_| !alert.annotations.contains_key(RUNBOOK_URL));
    Value::string_map(own.chain(runbook.map(|url| (RUNBOOK_URL, url))))
}
