use std::sync::{Arc, OnceLock};

use bellwether_model::{AnchoredRegex, ValidationScheme, is_valid_label_name};
use bellwether_yaml::{MapValue, Value};

use crate::action::Action;
use crate::error::RuleError;
use crate::target::{has_reference, is_legacy_target};

const DEFAULT_SEPARATOR: &str = ";";
const DEFAULT_REPLACEMENT: &str = "$1";

/// A rule as the user wrote it. What the user left out has its default; [`Rule::new`] says whether the rest makes sense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleSpec {
    /// The labels whose values are joined; `None` if not given.
    pub source_labels: Option<Vec<String>>,
    /// What stands between the values.
    pub separator: String,
    /// What the joined values, or label names, are matched against; `None` for the default `(.*)`.
    pub regex: Option<Arc<AnchoredRegex>>,
    /// The divisor of `hashmod`; 0 if not given.
    pub modulus: u64,
    /// The label that is written; for `replace` it may refer to groups of the pattern. Empty if not given.
    pub target_label: String,
    /// What is written, with references to groups of the pattern.
    pub replacement: String,
    /// What to do; `None` if it was given as `null`.
    pub action: Option<Action>,
}

impl RuleSpec {
    /// A rule in which nothing is set, not even what has a default.
    pub fn empty() -> Self {
        Self {
            source_labels: None,
            separator: String::new(),
            regex: None,
            modulus: 0,
            target_label: String::new(),
            replacement: String::new(),
            action: None,
        }
    }
}

impl Default for RuleSpec {
    fn default() -> Self {
        Self {
            separator: DEFAULT_SEPARATOR.to_owned(),
            replacement: DEFAULT_REPLACEMENT.to_owned(),
            action: Some(Action::Replace),
            ..Self::empty()
        }
    }
}

/// A rule that has been checked and can be applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    pub(crate) action: Action,
    pub(crate) source_labels: Vec<String>,
    pub(crate) separator: String,
    pub(crate) regex: Arc<AnchoredRegex>,
    pub(crate) modulus: u64,
    pub(crate) target_label: String,
    pub(crate) replacement: String,
    pub(crate) scheme: ValidationScheme,
    /// Whether the pattern was left out, for showing the rule as it was written.
    default_regex: bool,
}

impl Rule {
    /// Checks `spec` under the scheme for label names that applies where the rule is used.
    pub fn new(spec: RuleSpec, scheme: ValidationScheme) -> Result<Self, RuleError> {
        let action = check(&spec, scheme)?;
        let default_regex = spec.regex.is_none();
        Ok(Self {
            action,
            source_labels: spec.source_labels.unwrap_or_default(),
            separator: spec.separator,
            regex: spec.regex.unwrap_or_else(default_pattern),
            modulus: spec.modulus,
            target_label: spec.target_label,
            replacement: spec.replacement,
            scheme,
            default_regex,
        })
    }

    /// What the rule does.
    pub fn action(&self) -> Action {
        self.action
    }

    /// The rule for people to read, in the order and with the omissions of Prometheus.
    pub fn to_value(&self) -> Value {
        let mut map = MapValue::new();
        let labels = self.source_labels.iter().map(|label| Value::str(label.as_str()));
        map.set_if("source_labels", Value::FlowList(labels.collect()));
        map.set_if("separator", self.separator.as_str());
        if !self.default_regex {
            let pattern = self.regex.pattern();
            map.set("regex", if pattern.is_empty() { Value::Null } else { Value::str(pattern) });
        }
        map.set_if("modulus", self.modulus);
        map.set_if("target_label", self.target_label.as_str());
        map.set_if("replacement", self.replacement.as_str());
        map.set("action", self.action.as_str());
        map.into()
    }
}

/// `(.*)`, compiled once.
fn default_pattern() -> Arc<AnchoredRegex> {
    static PATTERN: OnceLock<Arc<AnchoredRegex>> = OnceLock::new();
    let compile = || Arc::new(AnchoredRegex::new("(.*)").expect("BUG: the default pattern compiles"));
    Arc::clone(PATTERN.get_or_init(compile))
}

fn check(spec: &RuleSpec, scheme: ValidationScheme) -> Result<Action, RuleError> {
    use Action::{
        DropEqual, HashMod, KeepEqual, LabelDrop, LabelKeep, LabelMap, Lowercase, Replace, Uppercase,
    };

    let action = spec.action.ok_or(RuleError::EmptyAction)?;
    let invalid_target = || RuleError::InvalidTargetLabel { label: spec.target_label.clone(), action };
    let is_template = |template: &str| match scheme {
        ValidationScheme::Utf8 => is_valid_label_name(template, scheme),
        ValidationScheme::Legacy => is_legacy_target(template),
    };
    if action == HashMod && spec.modulus == 0 {
        return Err(RuleError::ZeroModulus);
    }
    let has_target = matches!(action, Replace | HashMod | Lowercase | Uppercase | KeepEqual | DropEqual);
    if has_target && spec.target_label.is_empty() {
        return Err(RuleError::MissingTargetLabel(action));
    }
    if has_target {
        // Only `replace` fills in references; elsewhere a dollar is part of the name.
        let valid = if action == Replace && has_reference(&spec.target_label) {
            is_template(&spec.target_label)
        } else {
            is_valid_label_name(&spec.target_label, scheme)
        };
        if !valid {
            return Err(invalid_target());
        }
    }
    let default_replacement = spec.replacement == DEFAULT_REPLACEMENT;
    if matches!(action, Lowercase | Uppercase | KeepEqual | DropEqual) && !default_replacement {
        return Err(RuleError::ReplacementNotAllowed(action));
    }
    if action == LabelMap && !is_template(&spec.replacement) {
        return Err(RuleError::InvalidReplacement { replacement: spec.replacement.clone(), action });
    }
    let default_separator = spec.separator == DEFAULT_SEPARATOR;
    let only_needed = spec.modulus == 0 && default_separator && default_replacement;
    if matches!(action, DropEqual | KeepEqual) && !(only_needed && spec.regex.is_none()) {
        return Err(RuleError::OnlySourceAndTarget(action));
    }
    let names_only = only_needed && spec.source_labels.is_none() && spec.target_label.is_empty();
    if matches!(action, LabelDrop | LabelKeep) && !names_only {
        return Err(RuleError::OnlyRegex(action));
    }
    Ok(action)
}
