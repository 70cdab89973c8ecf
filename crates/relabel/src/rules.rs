use std::sync::Arc;

use bellwether_model::{Labels, LabelsBuilder};
use bellwether_yaml::Value;

use crate::rule::Rule;
use crate::trace::{Step, Trace};

/// A list of rules, applied one after the other. A clone shares the rules.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rules(Arc<[Rule]>);

/// Buffers that applying rules needs. Whoever applies rules to many label sets keeps one, so that label sets that do not
/// change cost no allocation.
#[derive(Debug, Default)]
pub struct Scratch {
    /// The joined values of the source labels.
    pub(crate) joined: String,
    /// The name of the target label, with references filled in.
    pub(crate) target: String,
    /// What is written to it.
    pub(crate) value: String,
}

impl Rules {
    /// The list of `rules`.
    pub fn new(rules: Vec<Rule>) -> Self {
        Self(rules.into())
    }

    /// Whether there is no rule.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The rules.
    pub fn iter(&self) -> std::slice::Iter<'_, Rule> {
        self.0.iter()
    }

    /// Applies the rules to `labels`. Returns false if a rule drops them; `labels` is then as that rule found it.
    pub fn apply(&self, labels: &mut LabelsBuilder) -> bool {
        self.apply_with(labels, &mut Scratch::default())
    }

    /// Like [`apply`](Self::apply), with buffers that are used again.
    pub fn apply_with(&self, labels: &mut LabelsBuilder, scratch: &mut Scratch) -> bool {
        self.0.iter().all(|rule| rule.apply(labels, scratch))
    }

    /// Applies the rules and tells what each of them did. The result is that of [`apply`](Self::apply).
    pub fn apply_traced(&self, labels: &mut LabelsBuilder) -> Trace {
        let mut scratch = Scratch::default();
        let mut trace = Trace { steps: Vec::with_capacity(self.0.len()), kept: true };
        let mut before = labels.build();
        for rule in self {
            trace.kept = rule.apply(labels, &mut scratch);
            let after = labels.build();
            trace.steps.push(Step::new(rule, &before, after.clone(), !trace.kept));
            if !trace.kept {
                break;
            }
            before = after;
        }
        trace
    }

    /// The relabelled form of `labels`, or `None` if a rule drops them.
    pub fn relabel(&self, labels: &Labels) -> Option<Labels> {
        if self.is_empty() {
            return Some(labels.clone());
        }
        let mut builder = labels.to_builder();
        self.apply(&mut builder).then(|| builder.build())
    }

    /// The rules for people to read.
    pub fn to_value(&self) -> Value {
        Value::List(self.iter().map(Rule::to_value).collect())
    }
}

impl<'a> IntoIterator for &'a Rules {
    type Item = &'a Rule;
    type IntoIter = std::slice::Iter<'a, Rule>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
