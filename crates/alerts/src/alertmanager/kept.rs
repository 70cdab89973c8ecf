//! How things look in the store of the state. `docs/formats/state.md` describes it.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::{Alert, Fingerprint, Labels, MatchOp};
use bellwether_state::{Change, Record};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::config::IntegrationId;
use crate::dedup::LogEntry;
use crate::digest;
use crate::failing::FailingReceiver;
use crate::matcher::Matcher;
use crate::message::Posted;
use crate::router::{GroupClock, GroupId, KnownAlert, LogKey};
use crate::silence::{Silence, SilenceId, SilenceSpec};
use crate::time_interval::Recurrence;

pub(super) const SILENCE: &str = "alertmanager.silence";
pub(super) const ALERT: &str = "alertmanager.alert";
pub(super) const GROUP: &str = "alertmanager.group";
pub(super) const LOG: &str = "alertmanager.log";
pub(super) const UNSURE: &str = "alertmanager.unsure";
pub(super) const FAILING: &str = "alertmanager.failing";
pub(super) const ALIVE: &str = "alertmanager.alive";

/// Why a record is not understood.
type DecodeError = Box<dyn std::error::Error + Send + Sync>;

/// Texts by name.
pub(super) type Texts = BTreeMap<String, String>;

#[derive(Serialize, Deserialize)]
struct KeptSilence {
    id: String,
    matchers: Vec<KeptMatcher>,
    starts_at_ms: i64,
    ends_at_ms: i64,
    updated_at_ms: i64,
    created_by: String,
    comment: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    annotations: Texts,
    mute: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    recurs: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct KeptMatcher {
    name: String,
    op: String,
    value: String,
}

#[derive(Serialize, Deserialize)]
struct KeptAlert {
    labels: Texts,
    annotations: Texts,
    starts_at_ms: i64,
    ends_at_ms: Option<i64>,
    generator_url: String,
    updated_at_ms: i64,
    timed_out: bool,
}

#[derive(Serialize, Deserialize)]
struct KeptGroup {
    route: String,
    labels: Texts,
    next_flush_ms: i64,
    has_flushed: bool,
}

#[derive(Serialize, Deserialize)]
struct KeptEntry {
    group_key: String,
    receiver: String,
    integration: IntegrationId,
    firing: Vec<u64>,
    resolved: Vec<u64>,
    owed: Vec<u64>,
    notified_at_ms: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    posted: Option<Posted>,
}

#[derive(Serialize, Deserialize)]
struct KeptUnsure {
    group_key: String,
    receiver: String,
    integration: IntegrationId,
    firing: Vec<u64>,
}

#[derive(Serialize, Deserialize)]
struct Alive {
    at_ms: i64,
}

fn put(kind: &'static str, key: String, value: &impl Serialize) -> Change {
    let value = serde_json::to_vec(value).expect("BUG: what is kept is JSON");
    Change::Put { kind, key, value }
}

fn decode<T: DeserializeOwned>(record: &Record) -> Result<T, DecodeError> {
    Ok(serde_json::from_slice(&record.value)?)
}

pub(super) fn texts(labels: &Labels) -> Texts {
    labels.iter().map(|label| (label.name.to_owned(), label.value.to_owned())).collect()
}

pub(super) fn silence(silence: &Silence) -> Change {
    let Silence { id, spec, updated_at_ms } = silence;
    let matchers = spec.matchers.iter().map(|matcher| KeptMatcher {
        name: matcher.name().to_owned(),
        op: matcher.op().as_str().to_owned(),
        value: matcher.value().to_owned(),
    });
    let kept = KeptSilence {
        id: id.to_string(),
        matchers: matchers.collect(),
        starts_at_ms: spec.starts_at_ms,
        ends_at_ms: spec.ends_at_ms,
        updated_at_ms: *updated_at_ms,
        created_by: spec.created_by.clone(),
        comment: spec.comment.clone(),
        annotations: spec.annotations.clone(),
        mute: spec.mute.as_str().to_owned(),
        recurs: spec.recurs.as_ref().map(|recurs| recurs.as_written().to_owned()),
    };
    put(SILENCE, kept.id.clone(), &kept)
}

pub(super) fn no_silence(id: SilenceId) -> Change {
    Change::Delete { kind: SILENCE, key: id.to_string() }
}

pub(super) fn read_silence(record: &Record) -> Result<Silence, DecodeError> {
    let kept: KeptSilence = decode(record)?;
    let matcher = |matcher: KeptMatcher| -> Result<Matcher, DecodeError> {
        let ops = [MatchOp::Eq, MatchOp::Ne, MatchOp::Re, MatchOp::Nre];
        let op = ops.into_iter().find(|op| op.as_str() == matcher.op).ok_or("an unknown operator")?;
        Ok(Matcher::new(op, matcher.name, matcher.value)?)
    };
    let matchers: Result<Vec<Matcher>, DecodeError> = kept.matchers.into_iter().map(matcher).collect();
    let spec = SilenceSpec {
        matchers: matchers?,
        starts_at_ms: kept.starts_at_ms,
        ends_at_ms: kept.ends_at_ms,
        created_by: kept.created_by,
        comment: kept.comment,
        annotations: kept.annotations,
        mute: kept.mute.parse()?,
        recurs: kept.recurs.map(|text| Recurrence::parse(&text).map_err(|e| e.to_string())).transpose()?,
    };
    Ok(Silence { id: kept.id.parse()?, spec, updated_at_ms: kept.updated_at_ms })
}

pub(super) fn alert(fingerprint: Fingerprint, known: Option<&KnownAlert>) -> Change {
    let key = fingerprint.to_string();
    let Some(known) = known else { return Change::Delete { kind: ALERT, key } };
    let alert = &known.alert;
    let kept = KeptAlert {
        labels: texts(&alert.labels),
        annotations: texts(&alert.annotations),
        starts_at_ms: alert.starts_at_ms,
        ends_at_ms: alert.ends_at_ms,
        generator_url: alert.generator_url.clone(),
        updated_at_ms: known.updated_at_ms,
        timed_out: known.timed_out,
    };
    put(ALERT, key, &kept)
}

pub(super) fn read_alert(record: &Record) -> Result<KnownAlert, DecodeError> {
    let kept: KeptAlert = decode(record)?;
    let alert = Alert {
        labels: Labels::from_pairs(kept.labels),
        annotations: Labels::from_pairs(kept.annotations),
        starts_at_ms: kept.starts_at_ms,
        ends_at_ms: kept.ends_at_ms,
        generator_url: kept.generator_url,
    };
    Ok(KnownAlert { alert, updated_at_ms: kept.updated_at_ms, timed_out: kept.timed_out })
}

pub(super) fn group(id: &GroupId, clock: Option<GroupClock>) -> Change {
    let key = digest::of_parts([&*id.route, &id.labels.to_string()]);
    let Some(clock) = clock else { return Change::Delete { kind: GROUP, key } };
    let kept = KeptGroup {
        route: id.route.clone(),
        labels: texts(&id.labels),
        next_flush_ms: clock.next_flush_ms,
        has_flushed: clock.has_flushed,
    };
    put(GROUP, key, &kept)
}

pub(super) fn read_group(record: &Record) -> Result<(GroupId, GroupClock), DecodeError> {
    let kept: KeptGroup = decode(record)?;
    let id = GroupId { route: kept.route, labels: Labels::from_pairs(kept.labels) };
    Ok((id, GroupClock { next_flush_ms: kept.next_flush_ms, has_flushed: kept.has_flushed }))
}

fn digest_of(LogKey { group_key, receiver, integration }: &LogKey) -> String {
    digest::of_parts([group_key.as_str(), receiver, &integration.to_string()])
}

fn numbers(set: &BTreeSet<Fingerprint>) -> Vec<u64> {
    set.iter().map(|id| id.0).collect()
}

fn fingerprints(numbers: Vec<u64>) -> BTreeSet<Fingerprint> {
    numbers.into_iter().map(Fingerprint).collect()
}

pub(super) fn entry(log_key: &LogKey, entry: Option<&LogEntry>) -> Change {
    let LogKey { group_key, receiver, integration } = log_key;
    let key = digest_of(log_key);
    let Some(entry) = entry else { return Change::Delete { kind: LOG, key } };
    let kept = KeptEntry {
        group_key: group_key.clone(),
        receiver: receiver.clone(),
        integration: integration.clone(),
        firing: numbers(&entry.firing),
        resolved: numbers(&entry.resolved),
        owed: numbers(&entry.owed),
        notified_at_ms: entry.notified_at_ms,
        posted: entry.posted.clone(),
    };
    put(LOG, key, &kept)
}

pub(super) fn read_entry(record: &Record) -> Result<(LogKey, LogEntry), DecodeError> {
    let kept: KeptEntry = decode(record)?;
    let entry = LogEntry {
        firing: fingerprints(kept.firing),
        resolved: fingerprints(kept.resolved),
        owed: fingerprints(kept.owed),
        notified_at_ms: kept.notified_at_ms,
        posted: kept.posted,
    };
    let key = LogKey { group_key: kept.group_key, receiver: kept.receiver, integration: kept.integration };
    Ok((key, entry))
}

pub(super) fn unsure(log_key: &LogKey, firing: Option<&BTreeSet<Fingerprint>>) -> Change {
    let LogKey { group_key, receiver, integration } = log_key;
    let key = digest_of(log_key);
    let Some(firing) = firing else { return Change::Delete { kind: UNSURE, key } };
    let kept = KeptUnsure {
        group_key: group_key.clone(),
        receiver: receiver.clone(),
        integration: integration.clone(),
        firing: numbers(firing),
    };
    put(UNSURE, key, &kept)
}

pub(super) fn read_unsure(record: &Record) -> Result<(LogKey, BTreeSet<Fingerprint>), DecodeError> {
    let KeptUnsure { group_key, receiver, integration, firing } = decode(record)?;
    Ok((LogKey { group_key, receiver, integration }, fingerprints(firing)))
}

pub(super) fn failing(receiver: &FailingReceiver) -> Change {
    put(FAILING, digest::of_parts([receiver.receiver.as_str()]), receiver)
}

pub(super) fn read_failing(record: &Record) -> Result<FailingReceiver, DecodeError> {
    decode(record)
}

/// That the program runs at `at_ms`.
pub(super) fn alive(at_ms: i64) -> Change {
    put(ALIVE, String::new(), &Alive { at_ms })
}

pub(super) fn read_alive(record: &Record) -> Result<i64, DecodeError> {
    Ok(decode::<Alive>(record)?.at_ms)
}
