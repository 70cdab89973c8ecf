use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use bellwether_alerts::config::Config;
use bellwether_model::{AnchoredRegex, MetricType};
use bellwether_rules::{Rule, RuleGroup};

/// What is known around the rules, and what is demanded of them.
#[derive(Debug, Clone)]
pub struct Options {
    /// How often groups are evaluated that do not say it, in milliseconds.
    pub evaluation_interval_ms: i64,
    /// How often each job is scraped, in milliseconds; empty if nobody said.
    pub scrape_intervals_ms: BTreeMap<String, i64>,
    /// Labels that are added to alerts and samples that leave the server, and that its own series do not have.
    pub external_labels: BTreeMap<String, String>,
    /// Who is told about alerts, if that is known.
    pub alertmanager: Option<AlertmanagerFile>,
    /// Rules that run as well and are not looked at: what they record is there, and their alerts are routed.
    pub groups_elsewhere: Vec<RuleGroup>,
    /// The types of metrics, as far as applications or packs tell them. Others are guessed by their names.
    pub metric_types: BTreeMap<String, MetricType>,
    /// Labels that an alert must have.
    pub labels: Vec<Demand>,
    /// Annotations that an alert must have.
    pub annotations: Vec<Demand>,
    /// The text of a file, for links to it; `None` if there is none.
    pub read_file: fn(&Path) -> Option<String>,
    /// Now, in milliseconds since the Unix epoch, for comments that hold until a day.
    pub now_ms: i64,
}

/// The defaults of a server; of alerts a `severity` and a `summary` are demanded. No file is there.
impl Default for Options {
    fn default() -> Self {
        Self {
            evaluation_interval_ms: 60_000,
            scrape_intervals_ms: BTreeMap::new(),
            external_labels: BTreeMap::new(),
            alertmanager: None,
            groups_elsewhere: Vec::new(),
            metric_types: BTreeMap::new(),
            labels: vec![Demand { name: "severity".to_owned(), pattern: None }],
            annotations: vec![Demand { name: "summary".to_owned(), pattern: None }],
            read_file: |_| None,
            now_ms: 0,
        }
    }
}

impl Options {
    /// Whether alerts and samples that leave the server carry this label.
    pub(crate) fn is_external(&self, label: &str) -> bool {
        self.external_labels.contains_key(label)
    }

    /// The rules that are not looked at, with their groups.
    pub(crate) fn rules_elsewhere(&self) -> impl Iterator<Item = (&RuleGroup, &Rule)> {
        self.groups_elsewhere.iter().flat_map(|group| group.rules.iter().map(move |rule| (group, &**rule)))
    }

    /// How often what the selector is about is scraped at the least: the interval of the one job that it names, or the shortest of all. `None` if nobody said.
    pub(crate) fn shortest_interval_ms(&self, job: Option<&str>) -> Option<i64> {
        match job {
            Some(job) => self.scrape_intervals_ms.get(job).copied(),
            None => self.scrape_intervals_ms.values().min().copied(),
        }
    }
}

/// An Alertmanager configuration with the name of its file.
#[derive(Debug, Clone)]
pub struct AlertmanagerFile {
    /// The file.
    pub name: String,
    /// What it says.
    pub config: Config,
}

impl AlertmanagerFile {
    /// The labels that routes look at, and those that inhibition does.
    pub(crate) fn labels_in_use(&self) -> BTreeSet<&str> {
        let routes = self.config.route.walk().flat_map(|route| &route.matchers);
        let inhibit =
            self.config.inhibit_rules.iter().flat_map(|rule| rule.source.iter().chain(&rule.target));
        routes.chain(inhibit).map(bellwether_alerts::matcher::Matcher::name).collect()
    }
}

/// A label or an annotation that must be there.
#[derive(Debug, Clone)]
pub struct Demand {
    /// Its name.
    pub name: String,
    /// What its text must match as a whole, if that matters.
    pub pattern: Option<AnchoredRegex>,
}
