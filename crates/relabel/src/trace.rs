use bellwether_model::Labels;

use crate::action::Action;
use crate::rule::Rule;

/// What each rule did to one label set.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    /// One step per rule that was applied. The rules after one that drops are not.
    pub steps: Vec<Step>,
    /// Whether the label set was kept.
    pub kept: bool,
}

/// What one rule did.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// What the rule is there for.
    pub action: Action,
    /// The labels that the rule changed, in the order of their names.
    pub changes: Vec<Change>,
    /// Whether the rule dropped the label set.
    pub dropped: bool,
    /// The labels after the rule.
    pub labels: Labels,
}

/// A label that a rule changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The label name.
    pub name: String,
    /// The value before; `None` if the label was not there.
    pub before: Option<String>,
    /// The value after; `None` if the label was removed.
    pub after: Option<String>,
}

impl Step {
    pub(crate) fn new(rule: &Rule, before: &Labels, after: Labels, dropped: bool) -> Self {
        Self { action: rule.action(), changes: diff(before, &after), dropped, labels: after }
    }
}

fn diff(before: &Labels, after: &Labels) -> Vec<Change> {
    let change = |name: &str, before: Option<&str>, after: Option<&str>| Change {
        name: name.to_owned(),
        before: before.map(str::to_owned),
        after: after.map(str::to_owned),
    };
    let gone_or_changed = before.iter().filter_map(|label| {
        let now = after.get(label.name);
        (now != Some(label.value)).then(|| change(label.name, Some(label.value), now))
    });
    let new = after.iter().filter(|label| !before.has(label.name));
    let mut changes: Vec<Change> =
        gone_or_changed.chain(new.map(|label| change(label.name, None, Some(label.value)))).collect();
    changes.sort_by(|a, b| a.name.cmp(&b.name));
    changes
}
