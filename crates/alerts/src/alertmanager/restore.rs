//! A router with what the last run knew.

use std::sync::Arc;

use bellwether_state::{Record, StateError, StateStore};

use super::kept;
use crate::config::Config;
use crate::failing::FailingReceiver;
use crate::router::{KnownAlert, Router};
use crate::silence::Silences;

/// The router of the last run, at `now_ms`.
pub(super) fn router(config: Arc<Config>, state: &StateStore, now_ms: i64) -> Result<Router, StateError> {
    let mut silences = Silences::new(config.extensions.silences.clone());
    silences.put(read(state, kept::SILENCE, kept::read_silence)?);
    let log = read(state, kept::LOG, kept::read_entry)?;
    let alive_ms = read(state, kept::ALIVE, kept::read_alive)?.into_iter().max().unwrap_or(now_ms);
    let resolve_timeout_ms = config.global.resolve_timeout_ms;
    let mut alerts = read(state, kept::ALERT, kept::read_alert)?;
    for known in &mut alerts {
        wait_for_news(known, alive_ms, now_ms, resolve_timeout_ms);
    }
    let mut router = Router::new(config, silences, log);
    let clocks = read(state, kept::GROUP, kept::read_group)?;
    let unsure = read(state, kept::UNSURE, kept::read_unsure)?;
    router.restore(alerts, clocks, unsure, now_ms);
    Ok(router)
}

/// The receivers that could not be told something in the last run.
pub(super) fn failing(state: &StateStore) -> Result<Vec<FailingReceiver>, StateError> {
    read(state, kept::FAILING, kept::read_failing)
}

/// An alert ends when its sender has said nothing for long; while the program did not run the sender could not say anything. So one that fired when it ended has as much time left as it had
/// then, but not more than `resolve_timeout_ms`.
fn wait_for_news(known: &mut KnownAlert, alive_ms: i64, now_ms: i64, resolve_timeout_ms: i64) {
    let Some(end_ms) = known.alert.ends_at_ms.filter(|end| *end > alive_ms) else { return };
    let left_ms = (end_ms - alive_ms).min(resolve_timeout_ms);
    known.alert.ends_at_ms = Some(end_ms.max(now_ms + left_ms));
}

/// All records of a kind. One that cannot be understood is told and left out: the others are worth more than an error.
fn read<T, E: std::fmt::Display>(
    state: &StateStore,
    kind: &str,
    read: impl Fn(&Record) -> Result<T, E>,
) -> Result<Vec<T>, StateError> {
    let records = state.records(kind)?;
    let mut out = Vec::with_capacity(records.len());
    for record in &records {
        match read(record) {
            Ok(value) => out.push(value),
            Err(error) => {
                tracing::error!(kind, key = record.key, %error, "a record of the state is not understood and left out");
            }
        }
    }
    Ok(out)
}
