//! What the server tells about itself: its version, its flags, and what of them the HTTP surface goes by.

use std::time::Duration;

use bellwether_api::{RemoteReadSettings, Settings};
use bellwether_model::{format_duration_ms, format_size};
use bellwether_promql::engine::EngineOptions;

use super::ServerArgs;
use crate::memory;
use crate::operations::ConfigSource;
use crate::query_memory::QueryMemoryLimits;
use crate::storage::{Retention, memory_budget};

pub(super) fn settings(
    args: &ServerArgs,
    route_prefix: String,
    engine: &EngineOptions,
    retention: Retention,
    memory: QueryMemoryLimits,
    source: &ConfigSource,
) -> Settings {
    Settings {
        flags: flags(args, &route_prefix, retention, memory, source),
        route_prefix,
        build: vec![
            ("version", env!("CARGO_PKG_VERSION").to_owned()),
            ("revision", option_env!("BELLWETHER_REVISION").unwrap_or("unknown").to_owned()),
            ("branch", String::new()),
            ("buildUser", String::new()),
            ("buildDate", String::new()),
            // Clients read this field; there is no Go here.
            ("goVersion", "none".to_owned()),
            ("product", "bellwether".to_owned()),
        ],
        demo: args.is_demo,
        remote_write_receiver: args.web.enable_remote_write_receiver,
        admin_api: args.web.enable_admin_api,
        lifecycle: args.web.enable_lifecycle,
        lookback_delta_ms: args.query.lookback_delta_ms,
        query_timeout: Duration::from_millis(args.query.timeout_ms.max(0).unsigned_abs()),
        query_concurrency: args.query.max_concurrency,
        remote_read: RemoteReadSettings {
            sample_limit: args.storage.remote_read_sample_limit,
            concurrent_limit: args.storage.remote_read_concurrent_limit,
            max_bytes_in_frame: args.storage.remote_read_max_bytes_in_frame,
        },
        features: Vec::new(),
        max_result_bytes: usize::try_from(args.query.max_result_bytes).unwrap_or(usize::MAX),
        parser: engine.parser,
        cors_origin: args.web.cors_origin.clone(),
        storage_path: args.storage.path.display().to_string(),
    }
}

/// The flags as `status/flags` shows them, under the names of the command line.
fn flags(
    args: &ServerArgs,
    route_prefix: &str,
    retention: Retention,
    memory: QueryMemoryLimits,
    source: &ConfigSource,
) -> Vec<(String, String)> {
    let ServerArgs { web, storage, query, memory: process, rules, features, .. } = args;
    let mut flags = vec![
        ("alertmanager.config.file", source.alertmanager.file()),
        ("config.file", source.file.as_ref().map(|p| p.display().to_string()).unwrap_or_default()),
        ("enable-feature", features.join(",")),
        ("memory.limit", format_size(memory::limit(process.limit))),
        ("query.lookback-delta", format_duration_ms(query.lookback_delta_ms)),
        ("query.max-concurrency", query.max_concurrency.to_string()),
        ("query.max-memory", memory.together()),
        ("query.max-memory-per-query", memory.per_query()),
        ("query.max-result-size", format_size(query.max_result_bytes)),
        ("query.refuse-after-crash", format_duration_ms(query.refuse_after_crash_ms)),
        ("query.max-samples", query.max_samples.to_string()),
        ("query.timeout", format_duration_ms(query.timeout_ms)),
        ("storage.memory-budget", format_size(memory_budget(storage))),
        ("storage.min-free", storage.min_free.map(format_size).unwrap_or_default()),
        ("storage.read-mode", format!("{:?}", storage.read_mode).to_lowercase()),
        ("storage.reserve", format_size(storage.reserve)),
        ("storage.remote.read-concurrent-limit", storage.remote_read_concurrent_limit.to_string()),
        ("storage.remote.read-max-bytes-in-frame", storage.remote_read_max_bytes_in_frame.to_string()),
        ("storage.remote.read-sample-limit", storage.remote_read_sample_limit.to_string()),
        ("storage.strict-reads", storage.strict_reads.to_string()),
        ("storage.tsdb.path", storage.path.display().to_string()),
        ("storage.tsdb.retention.size", retention.size()),
        ("storage.tsdb.retention.time", retention.time()),
        ("storage.wal-sync", format!("{:?}", storage.wal_sync).to_lowercase()),
        ("web.config.file", source.web.file()),
        ("web.cors.origin", web.cors_origin.as_ref().map(|r| r.pattern().to_owned()).unwrap_or_default()),
        ("web.enable-admin-api", web.enable_admin_api.to_string()),
        ("web.enable-lifecycle", web.enable_lifecycle.to_string()),
        ("web.enable-remote-write-receiver", web.enable_remote_write_receiver.to_string()),
        ("web.external-url", web.external_url.clone()),
        ("web.listen-address", web.listen_address.join(",")),
        ("web.max-connections", web.max_connections.to_string()),
        ("web.route-prefix", if route_prefix.is_empty() { "/" } else { route_prefix }.to_owned()),
    ];
    flags.extend(rules.listed());
    flags.sort_unstable();
    flags.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
