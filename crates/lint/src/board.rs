use std::collections::{BTreeMap, HashMap};
use std::sync::{PoisonError, RwLock};

use bellwether_yaml::Position;

use crate::finding::{Finding, Severity};

/// What lint says about the rules that a server evaluates. It is behind them for as long as it takes to look at them.
#[derive(Debug, Default)]
pub struct Board {
    findings: RwLock<Latest>,
}

#[derive(Debug, Default)]
struct Latest {
    /// The number of the load that they are about.
    load: u64,
    /// Those about rules, by file and by where the rule begins.
    about_rules: HashMap<String, BTreeMap<Position, Vec<Finding>>>,
    /// Those about something else in a file.
    others: Vec<Finding>,
}

impl Latest {
    fn new(load: u64, findings: Vec<Finding>) -> Self {
        let mut latest = Self { load, ..Self::default() };
        for finding in findings {
            let Some(position) = finding.subject.as_ref().map(|subject| subject.position) else {
                latest.others.push(finding);
                continue;
            };
            let of_file = latest.about_rules.entry(finding.place.file.clone()).or_default();
            of_file.entry(position).or_default().push(finding);
        }
        latest
    }

    fn all(&self) -> impl Iterator<Item = &Finding> {
        self.about_rules.values().flat_map(BTreeMap::values).flatten().chain(&self.others)
    }
}

impl Board {
    /// Takes what was found after the load with this number, unless a later one was looked at already.
    pub fn set(&self, load: u64, findings: Vec<Finding>) {
        let mut latest = self.findings.write().unwrap_or_else(PoisonError::into_inner);
        if load >= latest.load {
            *latest = Latest::new(load, findings);
        }
    }

    /// The findings about the rule that begins at this place of a file.
    pub fn about(&self, file: &str, position: Position) -> Vec<Finding> {
        let latest = self.findings.read().unwrap_or_else(PoisonError::into_inner);
        let of_file = latest.about_rules.get(file);
        of_file.and_then(|rules| rules.get(&position)).cloned().unwrap_or_default()
    }

    /// How many findings there are, by rule and severity.
    pub fn counts(&self) -> BTreeMap<(&'static str, Severity), usize> {
        let latest = self.findings.read().unwrap_or_else(PoisonError::into_inner);
        let mut counts = BTreeMap::new();
        for finding in latest.all() {
            *counts.entry((finding.rule, finding.severity)).or_default() += 1;
        }
        counts
    }
}
