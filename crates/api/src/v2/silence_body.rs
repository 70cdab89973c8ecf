//! Silences as JSON, both ways.

use std::collections::BTreeMap;

use bellwether_alerts::matcher::{Matcher, MatcherSyntax};
use bellwether_alerts::silence::{Mute, Silence, SilenceError, SilenceSpec};
use bellwether_alerts::time_interval::Recurrence;
use bellwether_model::MatchOp;
use serde::{Deserialize, Serialize};

use super::intake::optional_time;
use super::refusal::Refusal;
use crate::params::format_time_with_ms;

/// A silence as it is listed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ListedSilence {
    id: String,
    status: SilenceStatus,
    updated_at: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<String, String>,
    comment: String,
    created_by: String,
    ends_at: String,
    matchers: Vec<ListedMatcher>,
    starts_at: String,
    /// `firing` if it lets the ends of alerts through; Alertmanager does not have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    mute: Option<&'static str>,
    /// The times at which it holds, if not always; Alertmanager does not have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    recurs: Option<String>,
}

#[derive(Debug, Serialize)]
struct SilenceStatus {
    state: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ListedMatcher {
    is_equal: bool,
    is_regex: bool,
    name: String,
    value: String,
}

impl ListedSilence {
    pub(super) fn new(silence: &Silence, now_ms: i64) -> Self {
        let spec = &silence.spec;
        Self {
            id: silence.id.to_string(),
            status: SilenceStatus { state: spec.state(now_ms).as_str() },
            updated_at: format_time_with_ms(silence.updated_at_ms),
            annotations: spec.annotations.clone(),
            comment: spec.comment.clone(),
            created_by: spec.created_by.clone(),
            ends_at: format_time_with_ms(spec.ends_at_ms),
            matchers: spec.matchers.iter().map(ListedMatcher::new).collect(),
            starts_at: format_time_with_ms(spec.starts_at_ms),
            mute: (spec.mute != Mute::default()).then(|| spec.mute.as_str()),
            recurs: spec.recurs.as_ref().map(|recurs| recurs.as_written().to_owned()),
        }
    }
}

impl ListedMatcher {
    fn new(matcher: &Matcher) -> Self {
        Self {
            is_equal: !matcher.op().is_negative(),
            is_regex: matches!(matcher.op(), MatchOp::Re | MatchOp::Nre),
            name: matcher.name().to_owned(),
            value: matcher.value().to_owned(),
        }
    }
}

/// A silence as it is sent. What must be there is checked afterwards, for the words of Alertmanager.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SentSilence {
    #[serde(default)]
    pub(super) id: Option<String>,
    #[serde(default)]
    matchers: Option<Vec<SentMatcher>>,
    #[serde(default, deserialize_with = "optional_time")]
    starts_at: Option<i64>,
    #[serde(default, deserialize_with = "optional_time")]
    ends_at: Option<i64>,
    #[serde(default)]
    created_by: Option<String>,
    #[serde(default)]
    comment: Option<String>,
    #[serde(default)]
    annotations: Option<BTreeMap<String, String>>,
    #[serde(default)]
    mute: Option<String>,
    #[serde(default)]
    recurs: Option<String>,
}

/// A matcher as it is sent.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SentMatcher {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    value: Option<String>,
    #[serde(default)]
    is_regex: Option<bool>,
    #[serde(default)]
    is_equal: Option<bool>,
}

impl SentSilence {
    /// What it says, or what is wrong with it.
    pub(super) fn spec(self, now_ms: i64) -> Result<SilenceSpec, Refusal> {
        let required = |field: &str| Refusal::required(field);
        let comment = self.comment.ok_or_else(|| required("comment"))?;
        let created_by = self.created_by.ok_or_else(|| required("createdBy"))?;
        let ends_at_ms = self.ends_at.ok_or_else(|| required("endsAt"))?;
        let sent = self.matchers.ok_or_else(|| required("matchers"))?;
        let starts_at_ms = self.starts_at.ok_or_else(|| required("startsAt"))?;
        let matchers = read_matchers(sent)?;
        if starts_at_ms >= ends_at_ms {
            let message = "Failed to create silence: start time must be before end time";
            return Err(Refusal::bad_request(message));
        }
        if ends_at_ms < now_ms {
            let message = "Failed to create silence: end time can't be in the past";
            return Err(Refusal::bad_request(message));
        }
        let invalid = |error: SilenceError| Refusal::bad_request(format_args!("silence invalid: {error}"));
        let mute = self.mute.map(|mute| mute.parse::<Mute>().map_err(invalid)).transpose()?;
        let recurs = self.recurs.filter(|text| !text.is_empty()).map(|text| {
            Recurrence::parse(&text).map_err(|error| invalid(SilenceError::Recurrence(error.to_string())))
        });
        Ok(SilenceSpec {
            matchers,
            starts_at_ms,
            ends_at_ms,
            created_by,
            comment,
            annotations: self.annotations.unwrap_or_default(),
            mute: mute.unwrap_or_default(),
            recurs: recurs.transpose()?,
        })
    }
}

/// The matchers that were sent, or what is wrong with them.
pub(crate) fn read_matchers(sent: Vec<SentMatcher>) -> Result<Vec<Matcher>, Refusal> {
    if sent.is_empty() {
        return Err(Refusal::invalid(612, "matchers in body should have at least 1 items".to_owned()));
    }
    sent.into_iter().enumerate().map(|(idx, matcher)| matcher.read(idx)).collect()
}

impl SentMatcher {
    fn read(self, idx: usize) -> Result<Matcher, Refusal> {
        let required = |field: &str| Refusal::required(&format!("matchers.{idx}.{field}"));
        let is_regex = self.is_regex.ok_or_else(|| required("isRegex"))?;
        let name = self.name.ok_or_else(|| required("name"))?;
        let value = self.value.ok_or_else(|| required("value"))?;
        let op = match (is_regex, self.is_equal.unwrap_or(true)) {
            (false, true) => MatchOp::Eq,
            (false, false) => MatchOp::Ne,
            (true, true) => MatchOp::Re,
            (true, false) => MatchOp::Nre,
        };
        let invalid = |why: String| {
            Refusal::bad_request(format_args!("silence invalid: invalid label matcher {idx}: {why}"))
        };
        if !MatcherSyntax::default().is_label_name(&name) {
            return Err(invalid(format!("invalid label name {name:?}")));
        }
        Matcher::new(op, name, value.as_str())
            .map_err(|error| invalid(format!("invalid regular expression {value:?}: {error}")))
    }
}
