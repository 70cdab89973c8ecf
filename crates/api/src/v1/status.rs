//! `status/*`: what runs, how it was started, and what it holds.

use axum::extract::State;
use axum::response::Response;
use serde_json::{Map, Value, json};

use crate::envelope;
use crate::error::ApiError;
use crate::params::{Params, format_time_ms};
use crate::state::{AppState, LastReload};
use crate::work::blocking;

/// How many entries the cardinality lists have unless the request says otherwise, as in Prometheus.
const DEFAULT_TOP: usize = 10;
/// The most that may be asked for.
const MAX_TOP: usize = 10_000;

pub(crate) async fn build_info(State(state): State<AppState>) -> Response {
    let info: Map<String, Value> = state
        .settings
        .build
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.as_str().into()))
        .collect();
    envelope::success(&Value::Object(info))
}

pub(crate) async fn runtime_info(State(state): State<AppState>) -> Response {
    let LastReload { loaded_at_ms, failure } = state.operations.last_reload();
    let (alarms, jumps) = (state.storage.alarms(), state.operations.clock_jumps());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let folder = std::env::current_dir().map(|d| d.display().to_string()).unwrap_or_default();
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    envelope::success(&json!({
        "startTime": format_time_ms(state.started_at_ms),
        "CWD": folder,
        "hostname": host.trim(),
        "serverTime": format_time_ms(state.clock.now_ms()),
        "reloadConfigSuccess": failure.is_none(),
        "lastConfigTime": format_time_ms(loaded_at_ms),
        "lastReloadFailure": failure.map(|f| json!({"time": format_time_ms(f.at_ms), "reason": f.reason})),
        "corruptionCount": alarms.corruptions,
        "damagedFiles": alarms.damaged_files,
        "safeMode": alarms.safe_mode,
        "clockJumps": jumps.count,
        "lastClockJump": if jumps.count > 0 { format_time_ms(jumps.last_at_ms) } else { String::new() },
        "lastClockJumpSeconds": jumps.last_ms as f64 / 1000.0,
        "goroutineCount": 0,
        "GOMAXPROCS": threads,
        "GOMEMLIMIT": 0,
        "GOGC": "",
        "GODEBUG": "",
        "memory": state.memory.to_json(),
        "storageRetention": state.operations.retention(),
        "storagePath": state.settings.storage_path,
        "demo": state.settings.demo,
        "unsupported": state.operations.unsupported(),
    }))
}

pub(crate) async fn flags(State(state): State<AppState>) -> Response {
    let flags: Map<String, Value> =
        state.settings.flags.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
    envelope::success(&Value::Object(flags))
}

pub(crate) async fn config(State(state): State<AppState>) -> Response {
    envelope::success(&json!({"yaml": state.operations.config_yaml()}))
}

/// How far replaying the log is, in segments. While that goes on, [`Surface`](crate::Surface) answers this.
pub(crate) async fn wal_replay(State(state): State<AppState>) -> Response {
    envelope::success(&state.readiness.wal_replay())
}

/// How the store is on disk, and how its upkeep goes.
pub(crate) async fn storage(State(state): State<AppState>) -> Result<Response, ApiError> {
    let details = blocking("reading the status", move || state.storage.details()).await?;
    Ok(envelope::success(&json!(details)))
}

pub(super) fn top(params: &Params) -> Result<usize, ApiError> {
    let Some(text) = params.get("limit") else { return Ok(DEFAULT_TOP) };
    match text.parse() {
        Ok(n) if n > MAX_TOP => Err(ApiError::bad_data(format_args!("limit must not exceed {MAX_TOP}"))),
        Ok(n) if n > 0 => Ok(n),
        _ => Err(ApiError::bad_data("limit must be a positive number")),
    }
}

pub(crate) async fn tsdb(State(state): State<AppState>, params: Params) -> Result<Response, ApiError> {
    let top = top(&params)?;
    let status = blocking("reading the status", move || state.storage.status(top)).await?;
    let list = |entries: &[(String, u64)]| -> Vec<Value> {
        entries.iter().map(|(name, value)| json!({"name": name, "value": value})).collect()
    };
    Ok(envelope::success(&json!({
        "headStats": {
            "numSeries": status.series,
            "numLabelPairs": status.label_pairs,
            "chunkCount": status.chunks,
            "minTime": status.mint,
            "maxTime": status.maxt,
        },
        "seriesCountByMetricName": list(&status.series_by_metric),
        "labelValueCountByLabelName": list(&status.values_by_label),
        "memoryInBytesByLabelName": list(&status.bytes_by_label),
        "seriesCountByLabelValuePair": list(&status.series_by_pair),
        "refusedByLimit": status.refused,
    })))
}
