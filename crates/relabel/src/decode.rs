//! From YAML to rules.

use std::borrow::Cow;
use std::sync::Arc;

use bellwether_model::{AnchoredRegex, ValidationScheme};
use bellwether_yaml::{At, Decode, Errors, MapReader, Node, Reported};

use crate::action::Action;
use crate::error::RuleError;
use crate::rule::{Rule, RuleSpec};
use crate::rules::Rules;

impl<'d> Decode<'d> for RuleSpec {
    fn type_name() -> Cow<'static, str> {
        "relabel.plain".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let defaults = Self::default();
        let mut map = MapReader::new(node, "relabel.plain", errors)?;
        let source_labels: Option<Vec<At<'d, String>>> = map.optional("source_labels");
        for label in source_labels.iter().flatten() {
            if label.value.is_empty() {
                map.reject(label.node, RuleError::InvalidSourceLabel(String::new()));
            }
        }
        let spec = Self {
            source_labels: source_labels.map(|labels| labels.into_iter().map(|at| at.value).collect()),
            separator: map.or("separator", defaults.separator),
            // A pattern that is `null` is the empty pattern, not the default.
            regex: map.get("regex").and_then(|node| read_regex(&mut map, node)),
            modulus: map.or_default("modulus"),
            target_label: map.or_default("target_label"),
            replacement: map.or("replacement", defaults.replacement),
            action: match map.get("action") {
                None => defaults.action,
                Some(node) if node.is_null() => None,
                Some(node) => read_action(&mut map, node),
            },
        };
        map.finish()?;
        Ok(spec)
    }
}

fn read_regex(map: &mut MapReader<'_, '_>, node: Node<'_>) -> Option<Arc<AnchoredRegex>> {
    let pattern = read_text(map, node)?;
    match AnchoredRegex::new(&pattern) {
        Ok(regex) => Some(Arc::new(regex)),
        Err(error) => {
            map.reject(node, RuleError::Regex(error));
            None
        }
    }
}

fn read_action(map: &mut MapReader<'_, '_>, node: Node<'_>) -> Option<Action> {
    let name = read_text(map, node)?;
    Action::parse(&name).map_err(|error| map.reject(node, error)).ok()
}

fn read_text(map: &mut MapReader<'_, '_>, node: Node<'_>) -> Option<String> {
    match String::decode(node, map.errors()) {
        Ok(text) => Some(text),
        Err(reported) => {
            map.fail(reported);
            None
        }
    }
}

/// Rules that have been read but not checked, because the scheme for label names is not known before the whole file has been read.
#[derive(Debug, Clone, Default)]
pub struct SpecList<'d>(Vec<At<'d, RuleSpec>>);

/// Reads the list of rules in the field `name`; an element that is `null` is refused with the sentence `if_null`.
pub fn read_specs<'d>(
    map: &mut MapReader<'d, '_>,
    name: &'static str,
    if_null: &'static str,
) -> SpecList<'d> {
    SpecList(map.list(name, if_null))
}

impl SpecList<'_> {
    /// Whether there is no rule.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Checks the rules under `scheme`.
    pub fn check(self, scheme: ValidationScheme, errors: &mut Errors) -> Result<Rules, Reported> {
        let mut rules = Vec::with_capacity(self.0.len());
        let mut failed = None;
        for At { value, node } in self.0 {
            match Rule::new(value, scheme) {
                Ok(rule) => rules.push(rule),
                Err(error) => {
                    let place = error.field().map_or(node, |field| node.place(field));
                    failed = Some(errors.reject(place, error));
                }
            }
        }
        failed.map_or_else(|| Ok(Rules::new(rules)), Err)
    }
}
