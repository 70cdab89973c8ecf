use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use bellwether_lint::counted;
use bellwether_rules::RuleCoverage;
use bellwether_yaml::Position;

/// The rules of all files together, each once however many test files name its file.
#[derive(Default)]
pub(super) struct Coverage {
    /// Name and whether a test looks at it, by file and place.
    rules: BTreeMap<(PathBuf, Position), (String, bool)>,
}

impl Coverage {
    pub(super) fn add(&mut self, rules: &[RuleCoverage]) {
        for rule in rules {
            // The same file may be named in two ways.
            let file = rule.file.canonicalize().unwrap_or_else(|_| rule.file.clone());
            let known = self.rules.entry((file, rule.position)).or_insert((rule.name.clone(), false));
            known.1 |= rule.is_tested;
        }
    }

    /// Whether so many percent are looked at. Of no rules all are.
    pub(super) fn reaches(&self, percent: u8) -> bool {
        self.tested() * 100 >= self.rules.len() * usize::from(percent)
    }

    fn tested(&self) -> usize {
        self.rules.values().filter(|(_, is_tested)| *is_tested).count()
    }

    pub(super) fn described(&self) -> String {
        let mut text = String::new();
        for ((file, position), (name, _)) in self.rules.iter().filter(|(_, (_, is_tested))| !is_tested) {
            writeln!(text, "{}:{position}: no test looks at {name}", file.display())
                .expect("BUG: writing to a string cannot fail");
        }
        writeln!(text, "tests look at {} of {}", self.tested(), counted(self.rules.len(), "rule"))
            .expect("BUG: writing to a string cannot fail");
        text
    }
}
