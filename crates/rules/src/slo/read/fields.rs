//! What the forms of objectives have in common.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bellwether_yaml::{Decode, Errors, MapReader, Node, Reported};

use super::super::alerting::AlertChange;
use super::super::compile::SLO_ID;
use super::super::events::{EventsError, Query};
use super::super::objective::rounded;

/// A name that can stand in a URL and in the names of alerts.
#[derive(Debug, Clone, Default)]
pub(super) struct Name(pub(super) String);

impl<'d> Decode<'d> for Name {
    fn type_name() -> Cow<'static, str> {
        "string".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let text = String::decode(node, errors)?;
        let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if text.is_empty() || text.len() > MAX_NAME_BYTES || !text.chars().all(is_word) {
            let why = format!(
                "{text:?} is no name; names have letters, digits, `-`, `_` and `.`, at most {MAX_NAME_BYTES} of them"
            );
            return Err(errors.reject(node, why));
        }
        Ok(Self(text))
    }
}

/// The longest name: what fits a line beside its values.
const MAX_NAME_BYTES: usize = 128;

/// A share given in percent, as one between 0 and 1.
#[derive(Debug, Clone, Copy)]
pub(super) struct Percent(pub(super) f64);

impl<'d> Decode<'d> for Percent {
    fn type_name() -> Cow<'static, str> {
        "float64".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let percent = f64::decode(node, errors)?;
        if percent > 0.0 && percent < 100.0 {
            return Ok(Self(rounded(percent / 100.0)));
        }
        Err(errors.reject(node, "an objective is a percentage between 0 and 100, such as 99.9; one of 100 leaves no budget to burn"))
    }
}

/// A share between 0 and 1.
#[derive(Debug, Clone, Copy)]
pub(super) struct Share(pub(super) f64);

impl<'d> Decode<'d> for Share {
    fn type_name() -> Cow<'static, str> {
        "float64".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let share = f64::decode(node, errors)?;
        if share > 0.0 && share < 1.0 {
            return Ok(Self(share));
        }
        Err(errors.reject(
            node,
            "a target is a share between 0 and 1, such as 0.999; one of 1 leaves no budget to burn",
        ))
    }
}

/// A field that must be there and holds a query.
pub(super) fn query(
    map: &mut MapReader<'_, '_>,
    name: &'static str,
    read: impl FnOnce(&str) -> Result<Query, EventsError>,
) -> Option<Query> {
    let Some(node) = map.get(name).filter(|node| !node.is_null()) else {
        // Says that it is missing.
        let _: Option<String> = map.required(name);
        return None;
    };
    let text: String = map.optional(name)?;
    match read(&text) {
        Ok(query) => Some(query),
        Err(why) => {
            map.reject(node, why);
            None
        }
    }
}

/// Labels by which alerts of objectives are found again, and slower ones inhibited.
const FIXED_LABELS: [&str; 2] = ["burn", SLO_ID];

/// The fields of [`AlertChange`], with the word that the form has for `disabled`.
pub(super) fn alert_change(map: &mut MapReader<'_, '_>, disabled: &'static str) -> AlertChange {
    let labels: Pairs = map.or_default("labels");
    if let Some(name) = FIXED_LABELS.into_iter().find(|name| labels.contains_key(*name)) {
        let place = map.place("labels");
        map.reject(place, format!("the label {name} tells the alerts of objectives apart; give another one"));
    }
    AlertChange { disabled: map.or(disabled, false), labels, annotations: map.or_default("annotations") }
}

/// Labels with a value each.
pub(super) type Pairs = BTreeMap<String, String>;
