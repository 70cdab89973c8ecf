//! What a rule does to a label set.

use std::fmt::Write as _;

use bellwether_model::{LabelsBuilder, is_valid_label_name};

use crate::action::Action;
use crate::case::{to_lowercase, to_uppercase};
use crate::md5::md5;
use crate::rule::Rule;
use crate::rules::Scratch;
use crate::target::has_reference;

impl Rule {
    /// Applies the rule. Returns false if the label set is to be dropped; it is unchanged then.
    pub(crate) fn apply(&self, labels: &mut LabelsBuilder, scratch: &mut Scratch) -> bool {
        match self.action {
            Action::Keep => self.regex.is_match(self.source(labels, &mut scratch.joined)),
            Action::Drop => !self.regex.is_match(self.source(labels, &mut scratch.joined)),
            Action::KeepEqual => self.source_equals_target(labels, scratch),
            Action::DropEqual => !self.source_equals_target(labels, scratch),
            Action::LabelMap => {
                self.map_labels(labels, scratch);
                true
            }
            Action::LabelDrop => {
                labels.retain(|name, _| !self.regex.is_match(name));
                true
            }
            Action::LabelKeep => {
                labels.retain(|name, _| self.regex.is_match(name));
                true
            }
            Action::Replace => {
                self.replace(labels, scratch);
                true
            }
            Action::HashMod | Action::Lowercase | Action::Uppercase => {
                self.transform(labels, scratch);
                true
            }
        }
    }

    /// The values of the source labels with the separator between them. A single value is not copied.
    fn source<'s>(&self, labels: &'s LabelsBuilder, joined: &'s mut String) -> &'s str {
        let value = |name: &String| labels.get(name).unwrap_or("");
        match self.source_labels.as_slice() {
            [] => "",
            [name] => value(name),
            [first, others @ ..] => {
                joined.clear();
                joined.push_str(value(first));
                for name in others {
                    joined.push_str(&self.separator);
                    joined.push_str(value(name));
                }
                joined
            }
        }
    }

    fn source_equals_target(&self, labels: &LabelsBuilder, scratch: &mut Scratch) -> bool {
        self.source(labels, &mut scratch.joined) == labels.get(&self.target_label).unwrap_or("")
    }

    fn replace(&self, labels: &mut LabelsBuilder, scratch: &mut Scratch) {
        let Scratch { joined, target, value } = scratch;
        let source = self.source(labels, joined);
        // Most rules match nothing on most label sets, and matching alone is much cheaper than finding the groups.
        if !self.regex.is_match(source) {
            return;
        }
        let target = if has_reference(&self.target_label) {
            target.clear();
            self.regex.expand(source, &self.target_label, target);
            if !is_valid_label_name(target, self.scheme) {
                return;
            }
            target.as_str()
        } else {
            self.target_label.as_str()
        };
        let value = if has_reference(&self.replacement) {
            value.clear();
            self.regex.expand(source, &self.replacement, value);
            value.as_str()
        } else {
            self.replacement.as_str()
        };
        set(labels, target, value);
    }

    fn transform(&self, labels: &mut LabelsBuilder, scratch: &mut Scratch) {
        let Scratch { joined, value, .. } = scratch;
        let source = self.source(labels, joined);
        value.clear();
        match self.action {
            Action::Lowercase => to_lowercase(source, value),
            Action::Uppercase => to_uppercase(source, value),
            _ => write!(value, "{}", hash(source) % self.modulus)
                .expect("BUG: writing to a string cannot fail"),
        }
        set(labels, &self.target_label, value);
    }

    /// New names are found before any label is written: what a rule writes is not matched by the same rule.
    fn map_labels(&self, labels: &mut LabelsBuilder, scratch: &mut Scratch) {
        let mut copies: Vec<(String, String)> = Vec::new();
        for label in labels.iter().filter(|label| self.regex.is_match(label.name)) {
            scratch.target.clear();
            self.regex.expand(label.name, &self.replacement, &mut scratch.target);
            copies.push((scratch.target.clone(), label.value.to_owned()));
        }
        for (name, value) in copies {
            set(labels, &name, &value);
        }
    }
}

/// The last eight bytes of the MD5 of `source`, as Prometheus has always hashed for `hashmod`.
fn hash(source: &str) -> u64 {
    let digest = md5(source.as_bytes());
    u64::from_be_bytes(*digest.last_chunk().expect("BUG: a digest has sixteen bytes"))
}

/// Sets a label and allocates only if it changes. An empty value removes it.
fn set(labels: &mut LabelsBuilder, name: &str, value: &str) {
    if labels.get(name).unwrap_or("") != value {
        labels.set(name, value);
    }
}
