use std::collections::BTreeMap;
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
    findings: Vec<Finding>,
}

impl Board {
    /// Takes what was found after the load with this number, unless a later one was looked at already.
    pub fn set(&self, load: u64, findings: Vec<Finding>) {
        let mut latest = self.findings.write().unwrap_or_else(PoisonError::into_inner);
        if load >= latest.load {
            *latest = Latest { load, findings };
        }
    }

    /// The findings about the rule that begins at this place of a file.
    pub fn about(&self, file: &str, position: Position) -> Vec<Finding> {
        let latest = self.findings.read().unwrap_or_else(PoisonError::into_inner);
        let is_about = |finding: &&Finding| {
            finding.place.file == file
                && finding.subject.as_ref().is_some_and(|subject| subject.position == position)
        };
        latest.findings.iter().filter(is_about).cloned().collect()
    }

    /// How many findings there are, by rule and severity.
    pub fn counts(&self) -> BTreeMap<(&'static str, Severity), usize> {
        let latest = self.findings.read().unwrap_or_else(PoisonError::into_inner);
        let mut counts = BTreeMap::new();
        for finding in &latest.findings {
            *counts.entry((finding.rule, finding.severity)).or_default() += 1;
        }
        counts
    }
}
