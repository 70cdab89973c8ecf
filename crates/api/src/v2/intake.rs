//! `POST alerts`: what other servers and tools tell us of.

use std::collections::BTreeMap;
use std::fmt;

use axum::extract::{Request, State};
use axum::response::Response;
use bellwether_alerts::matcher::MatcherSyntax;
use bellwether_model::{Alert, Labels};
use http::StatusCode;
use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::json_body::JsonBody;
use super::refusal::Refusal;
use crate::envelope;
use crate::params::parse_rfc3339_ms;
use crate::state::AppState;
use crate::work::blocking;

/// Largest body, in bytes. Prometheus sends 256 alerts at a time.
const MAX_BODY_BYTES: usize = 16 << 20;
/// So many alerts may come at once.
const MAX_ALERTS: usize = 50_000;
/// The time that Go has for none: the beginning of the year 1, in milliseconds.
const NO_TIME_MS: i64 = -62_135_596_800_000;

/// An alert as it is sent.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SentAlert {
    labels: Option<BTreeMap<String, String>>,
    annotations: Option<BTreeMap<String, String>>,
    #[serde(default, deserialize_with = "optional_time")]
    starts_at: Option<i64>,
    #[serde(default, deserialize_with = "optional_time")]
    ends_at: Option<i64>,
    #[serde(default, rename = "generatorURL")]
    generator_url: Option<String>,
}

/// The alerts of a request.
struct SentAlerts(Vec<SentAlert>);

impl<'de> Deserialize<'de> for SentAlerts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(SentAlertsVisitor)
    }
}

/// Takes no more alerts than allowed: the shortest ones take fifty times their text in memory.
struct SentAlertsVisitor;

impl<'de> Visitor<'de> for SentAlertsVisitor {
    type Value = SentAlerts;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of alerts")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<SentAlerts, A::Error> {
        let mut alerts = Vec::new();
        while let Some(alert) = seq.next_element()? {
            if alerts.len() == MAX_ALERTS {
                return Err(A::Error::custom(format_args!(
                    "there are more than the {MAX_ALERTS} alerts allowed at once"
                )));
            }
            alerts.push(alert);
        }
        Ok(SentAlerts(alerts))
    }
}

/// Reads a time; none at all, an empty one and the one that Go writes for none are none.
pub(super) fn optional_time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?.filter(|text| !text.is_empty());
    let ts_ms = text.map(|text| parse_rfc3339_ms(&text)).transpose().map_err(serde::de::Error::custom)?;
    Ok(ts_ms.filter(|ts_ms| *ts_ms != NO_TIME_MS))
}

/// Takes alerts. Those that are right are taken even if others are not, and then the answer says what is wrong with these.
pub(super) async fn post_alerts(
    State(state): State<AppState>,
    request: Request,
) -> Result<Response, Refusal> {
    let body = JsonBody::read(&state, request, "alerts", MAX_BODY_BYTES).await?;
    let body = body.ok_or_else(|| Refusal::required("alerts"))?;
    // There may be many, and the state store may make it wait.
    blocking("taking the alerts", move || take(&state, &body)).await?
}

fn take(state: &AppState, body: &JsonBody) -> Result<Response, Refusal> {
    let sent: Option<SentAlerts> = body.parse()?;
    let SentAlerts(sent) = sent.ok_or_else(|| Refusal::required("alerts"))?;
    let now_ms = state.clock.now_ms();
    let (mut alerts, mut refused) = (Vec::with_capacity(sent.len()), Vec::new());
    for (idx, alert) in sent.into_iter().enumerate() {
        let labels = alert.labels.ok_or_else(|| Refusal::required(&format!("{idx}.labels")))?;
        let times = times(alert.starts_at, alert.ends_at, now_ms);
        let texts = (labels, alert.annotations.unwrap_or_default());
        match check(texts, times, alert.generator_url.unwrap_or_default()) {
            Ok(alert) => alerts.push(alert),
            Err(why) => refused.push(why),
        }
    }
    state.alert_stats.count_invalid(refused.len());
    state.alertmanager.insert(alerts);
    if refused.is_empty() {
        return Ok(envelope::empty(StatusCode::OK));
    }
    let message = refused.join("; ");
    tracing::warn!(%message, "alerts refused");
    Err(Refusal::bad_request(message))
}

/// When an alert begins and ends: one that says only when it ends begins then, and one that says nothing begins now.
fn times(starts_at_ms: Option<i64>, ends_at_ms: Option<i64>, now_ms: i64) -> (i64, Option<i64>) {
    (starts_at_ms.or(ends_at_ms).unwrap_or(now_ms), ends_at_ms)
}

/// The alert, or what is wrong with it in the words of Alertmanager.
fn check(
    (mut labels, annotations): (BTreeMap<String, String>, BTreeMap<String, String>),
    (starts_at_ms, ends_at_ms): (i64, Option<i64>),
    generator_url: String,
) -> Result<Alert, String> {
    labels.retain(|_, value| !value.is_empty());
    if ends_at_ms.is_some_and(|end| end < starts_at_ms) {
        return Err("start time must be before end time".to_owned());
    }
    if labels.is_empty() {
        return Err("at least one label pair required".to_owned());
    }
    let syntax = MatcherSyntax::default();
    for (what, names) in [("invalid label set", labels.keys()), ("invalid annotations", annotations.keys())] {
        if let Some(name) = names.into_iter().find(|name| !syntax.is_label_name(name)) {
            return Err(format!("{what}: invalid name {name:?}"));
        }
    }
    Ok(Alert {
        labels: Labels::from_pairs(labels),
        annotations: Labels::from_pairs(annotations),
        starts_at_ms,
        ends_at_ms,
        generator_url: if is_link(&generator_url) { generator_url } else { String::new() },
    })
}

/// Whether a browser may follow it: messages and pages make links of it, and strangers send it. The alert counts more than its link, which is left out else.
fn is_link(url: &str) -> bool {
    ["http://", "https://", "/"].iter().any(|beginning| url.starts_with(beginning))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn alerts_are_judged_as_alertmanager_does() {
        let judge = |labels: &[(&str, &str)], annotations: &[(&str, &str)], times| {
            check((texts(labels), texts(annotations)), times, String::new())
                .map(|alert| alert.labels.to_string())
        };
        let fine = (5, None);
        assert_eq!(judge(&[("a", "1"), ("b", "")], &[], fine), Ok("{a=\"1\"}".to_owned()));
        assert_eq!(judge(&[("a", "")], &[], fine), Err("at least one label pair required".to_owned()));
        assert_eq!(judge(&[("", "1")], &[], fine), Err("invalid label set: invalid name \"\"".to_owned()));
        assert_eq!(
            judge(&[("a", "1")], &[("", "x")], fine),
            Err("invalid annotations: invalid name \"\"".to_owned())
        );
        assert_eq!(
            judge(&[("a", "1")], &[], (5, Some(4))),
            Err("start time must be before end time".to_owned())
        );
    }

    #[test]
    fn an_alert_without_times_begins_now() {
        assert_eq!(times(None, None, 9), (9, None));
        assert_eq!(times(None, Some(5), 9), (5, Some(5)));
        assert_eq!(times(Some(1), Some(5), 9), (1, Some(5)));
    }

    #[test]
    fn times_that_are_none() {
        let read = |text: &str| -> Result<SentAlert, _> { serde_json::from_str(text) };
        for none in
            ["{}", r#"{"startsAt":null}"#, r#"{"startsAt":""}"#, r#"{"startsAt":"0001-01-01T00:00:00Z"}"#]
        {
            assert_eq!(read(none).expect("read").starts_at, None, "{none}");
        }
        assert_eq!(
            read(r#"{"startsAt":"1970-01-01T01:00:01.5+01:00"}"#).expect("read").starts_at,
            Some(1500)
        );
        assert!(read(r#"{"startsAt":"yesterday"}"#).is_err());
    }

    #[test]
    fn only_so_many_alerts_come_at_once() {
        let read = |n: usize| {
            let sent: Result<SentAlerts, _> = serde_json::from_str(&format!("[{}]", vec!["{}"; n].join(",")));
            sent.map(|alerts| alerts.0.len()).map_err(|error| error.to_string())
        };
        assert_eq!(read(MAX_ALERTS), Ok(MAX_ALERTS));
        let refused = read(MAX_ALERTS + 1).expect_err("too many");
        assert!(refused.starts_with("there are more than the 50000 alerts allowed at once"), "{refused}");
    }

    #[test]
    fn only_links_are_kept_as_links() {
        for (url, want) in
            [("http://x/graph?a", true), ("/graph", true), ("javascript:alert(1)", false), ("", false)]
        {
            assert_eq!(is_link(url), want, "{url}");
        }
    }
}
