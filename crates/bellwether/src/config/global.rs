use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::PathBuf;

use bellwether_model::{format_duration_ms, parse_duration_ms};
use bellwether_scrape::config::ScrapeDefaults;
use bellwether_yaml::{Decode, Errors, MapReader, MapValue, Node, Reported, Value};

use super::external_labels::read_external_labels;

/// The `global` section: defaults of the others, and what concerns all of them.
#[derive(Debug, Clone, PartialEq)]
pub struct GlobalConfig {
    /// The defaults of all jobs.
    pub scrape: ScrapeDefaults,
    /// How often rules are evaluated.
    pub evaluation_interval_ms: i64,
    /// How far in the past rules are evaluated, so that late samples are seen.
    pub rule_query_offset_ms: i64,
    /// Where queries are logged; empty for nowhere.
    pub query_log_file: PathBuf,
    /// The labels that are attached to everything that leaves this server. A value may be empty.
    pub external_labels: BTreeMap<String, String>,
}

impl Default for GlobalConfig {
    fn default() -> Self {
        Self {
            scrape: ScrapeDefaults::default(),
            evaluation_interval_ms: 60_000,
            rule_query_offset_ms: 0,
            query_log_file: PathBuf::new(),
            external_labels: BTreeMap::new(),
        }
    }
}

impl Decode<'_> for GlobalConfig {
    fn type_name() -> Cow<'static, str> {
        "config.plain".into()
    }

    fn decode(node: Node<'_>, errors: &mut Errors) -> Result<Self, Reported> {
        let defaults = Self::default();
        let mut map = MapReader::new(node, "config.plain", errors)?;
        let scrape = ScrapeDefaults::read_fields(&mut map);
        let evaluation_interval_ms = match map.parse_or("evaluation_interval", 0, parse_duration_ms) {
            0 => defaults.evaluation_interval_ms,
            interval => interval,
        };
        let external_labels = map
            .get("external_labels")
            .map(|labels| read_external_labels(labels, scrape.validation_scheme, map.errors()));
        let global = Self {
            evaluation_interval_ms,
            rule_query_offset_ms: map.parse_or("rule_query_offset", 0, parse_duration_ms),
            query_log_file: map.or_default("query_log_file"),
            external_labels: match external_labels {
                None => BTreeMap::new(),
                Some(Ok(labels)) => labels,
                Some(Err(reported)) => {
                    map.fail(reported);
                    BTreeMap::new()
                }
            },
            scrape,
        };
        map.finish()?;
        Ok(global)
    }
}

impl GlobalConfig {
    pub(super) fn to_value(&self) -> Value {
        let mut map = MapValue::new();
        self.scrape.write_first_fields(&mut map);
        map.set("evaluation_interval", format_duration_ms(self.evaluation_interval_ms));
        if self.rule_query_offset_ms > 0 {
            map.set("rule_query_offset", format_duration_ms(self.rule_query_offset_ms));
        }
        map.set_if("query_log_file", self.query_log_file.as_path());
        map.set_if("scrape_failure_log_file", self.scrape.failure_log_file.as_path());
        map.set_if("external_labels", Value::string_map(&self.external_labels));
        self.scrape.write_last_fields(&mut map);
        map.into()
    }
}
