//! The configuration of an Alertmanager: who is told, and which alerts silence others.

use bellwether_promql::syntax::{ResultLabels, result_labels};
use bellwether_rules::slo;
use bellwether_yaml::{MapValue, Value};

use crate::objectives::objectives;
use crate::schema::{Pack, Receiver, ReceiverKind};

/// The configuration; `None` if nobody is told.
pub(super) fn configuration(pack: &Pack) -> Option<Value> {
    let first = pack.receivers.first()?;
    let mut route = MapValue::new();
    route.set("receiver", first.name.value.as_str());
    route.set("group_by", Value::FlowList(vec![Value::str("alertname")]));
    let routes = pack.receivers.iter().map(|receiver| {
        let mut route = MapValue::new();
        route.set("receiver", receiver.name.value.as_str());
        if !receiver.severities.is_empty() {
            let words: Vec<&str> = receiver.severities.iter().map(|severity| severity.as_str()).collect();
            route.set("matchers", Value::strings([format!("severity=~\"{}\"", words.join("|"))]));
        }
        // All receivers that want an alert get it, not only the first.
        route.set("continue", true);
        route.into()
    });
    route.set("routes", Value::List(routes.collect()));
    let mut config = MapValue::new();
    config.set("route", route);
    config.set("receivers", Value::List(pack.receivers.iter().map(receiver).collect()));
    config.set_if("inhibit_rules", Value::List(inhibitions(pack)));
    Some(config.into())
}

fn receiver(receiver: &Receiver) -> Value {
    // A secret stands in a file, which each setting has a twin for.
    let (value, suffix) = match receiver.to.strip_prefix("file:") {
        Some(path) => (path, "_file"),
        None => (receiver.to.as_str(), ""),
    };
    let (section, key) = match receiver.kind {
        ReceiverKind::Webhook => ("webhook_configs", format!("url{suffix}")),
        ReceiverKind::Slack => ("slack_configs", format!("api_url{suffix}")),
        ReceiverKind::Email => ("email_configs", "to".to_owned()),
        ReceiverKind::Pagerduty => ("pagerduty_configs", format!("routing_key{suffix}")),
    };
    let mut settings = MapValue::new();
    settings.set(key, value);
    if let Some(file) = &receiver.token_file {
        let mut authorization = MapValue::new();
        authorization.set("credentials_file", file.as_str());
        let mut http = MapValue::new();
        http.set("authorization", authorization);
        settings.set("http_config", http);
    }
    settings.set_if("smarthost", receiver.via.as_deref().unwrap_or_default());
    settings.set_if("from", receiver.from.as_deref().unwrap_or_default());
    let mut out = MapValue::new();
    out.set("name", receiver.name.value.as_str());
    out.set(section, Value::List(vec![settings.into()]));
    out.into()
}

fn inhibitions(pack: &Pack) -> Vec<Value> {
    let mut rules = Vec::new();
    for alert in &pack.alerts {
        for louder in &alert.inhibited_by {
            let mut labels: Vec<String> = match pack.compile(&alert.when).map(|c| result_labels(&c.expr)) {
                Ok(ResultLabels::Only(labels)) => labels.into_iter().collect(),
                _ => vec!["instance".to_owned(), "job".to_owned()],
            };
            labels.sort_unstable();
            let mut rule = MapValue::new();
            rule.set("source_matchers", Value::strings([format!("alertname=\"{louder}\"")]));
            rule.set("target_matchers", Value::strings([format!("alertname=\"{}\"", alert.name)]));
            rule.set_if("equal", Value::FlowList(labels.into_iter().map(Value::Str).collect()));
            rules.push(rule.into());
        }
    }
    if !pack.slos.is_empty()
        && let Value::List(of_budgets) = slo::inhibit_rules(&objectives(pack))
    {
        rules.extend(of_budgets);
    }
    rules
}
