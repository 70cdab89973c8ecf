//! The configuration of a server, as Prometheus reads it.

use bellwether_model::format_duration_ms;
use bellwether_yaml::{MapValue, Value};

use super::{rules, rules_file};
use crate::schema::{Pack, Scheme, Scrape};

/// The configuration; `None` if the pack scrapes nothing.
pub(super) fn configuration(pack: &Pack) -> Option<Value> {
    if pack.scrape.is_empty() {
        return None;
    }
    let mut config = MapValue::new();
    if rules::rule_file(pack).is_some() {
        config.set("rule_files", Value::strings([rules_file(pack)]));
    }
    if !pack.alertmanagers.is_empty() {
        let targets = pack.alertmanagers.iter().map(|address| address.value.as_str());
        let mut alerting = MapValue::new();
        alerting.set("alertmanagers", static_configs(Value::strings(targets), None));
        config.set("alerting", alerting);
    }
    config.set("scrape_configs", Value::List(pack.scrape.iter().map(job).collect()));
    Some(config.into())
}

/// A list with one section that names its targets.
fn static_configs(targets: Value, labels: Option<Value>) -> Value {
    let mut targets_and_labels = MapValue::new();
    targets_and_labels.set("targets", targets);
    if let Some(labels) = labels {
        targets_and_labels.set_if("labels", labels);
    }
    let mut section = MapValue::new();
    section.set("static_configs", Value::List(vec![targets_and_labels.into()]));
    Value::List(vec![section.into()])
}

fn job(scrape: &Scrape) -> Value {
    let mut job = MapValue::new();
    job.set("job_name", scrape.job.value.as_str());
    if scrape.path != "/metrics" {
        job.set("metrics_path", scrape.path.as_str());
    }
    if scrape.scheme != Scheme::Http {
        job.set("scheme", scrape.scheme.as_str());
    }
    if let Some(path) = &scrape.token_file {
        job.set("authorization", Value::string_map([("credentials_file", path.as_str())]));
    }
    if let Some(ms) = scrape.interval_ms {
        job.set("scrape_interval", format_duration_ms(ms));
    }
    if let Some(ms) = scrape.timeout_ms {
        job.set("scrape_timeout", format_duration_ms(ms));
    }
    let labels = Value::string_map(&scrape.labels);
    let Value::List(sections) = static_configs(Value::strings(scrape.addresses()), Some(labels)) else {
        unreachable!("BUG: static_configs makes a list")
    };
    for section in sections {
        if let Value::Map(section) = section {
            job.extend(section);
        }
    }
    job.into()
}
