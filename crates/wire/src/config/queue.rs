use std::borrow::Cow;

use bellwether_model::{format_duration_ms, parse_duration_ms};
use bellwether_yaml::{Decode, Errors, MapReader, MapValue, Node, Reported, Value};

use super::error::WireConfigError;

/// How samples wait for being sent (`queue_config`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueConfig {
    /// Samples that one shard holds before reading stops.
    pub capacity: i64,
    /// Most shards that send at the same time.
    pub max_shards: i64,
    /// Fewest shards that send at the same time; at most `max_shards`.
    pub min_shards: i64,
    /// Most samples of one request.
    pub max_samples_per_send: i64,
    /// How long a sample waits for others to be sent with.
    pub batch_send_deadline_ms: i64,
    /// How long to wait before the first repetition; doubled each time.
    pub min_backoff_ms: i64,
    /// How long to wait at most; at least `min_backoff_ms`.
    pub max_backoff_ms: i64,
    /// Whether a request that was refused for its rate is repeated.
    pub retry_on_rate_limit: bool,
    /// Samples older than this are not sent; 0 for no limit.
    pub sample_age_limit_ms: i64,
}

impl Default for QueueConfig {
    fn default() -> Self {
        Self {
            capacity: 10_000,
            max_shards: 50,
            min_shards: 1,
            max_samples_per_send: 2_000,
            batch_send_deadline_ms: 5_000,
            min_backoff_ms: 30,
            max_backoff_ms: 5_000,
            retry_on_rate_limit: false,
            sample_age_limit_ms: 0,
        }
    }
}

impl Decode<'_> for QueueConfig {
    fn type_name() -> Cow<'static, str> {
        "config.QueueConfig".into()
    }

    fn decode(node: Node<'_>, errors: &mut Errors) -> Result<Self, Reported> {
        let defaults = Self::default();
        let mut map = MapReader::new(node, "config.QueueConfig", errors)?;
        let queue = Self {
            capacity: map.or("capacity", defaults.capacity),
            max_shards: map.or("max_shards", defaults.max_shards),
            min_shards: map.or("min_shards", defaults.min_shards),
            max_samples_per_send: map.or("max_samples_per_send", defaults.max_samples_per_send),
            batch_send_deadline_ms: map.parse_or(
                "batch_send_deadline",
                defaults.batch_send_deadline_ms,
                parse_duration_ms,
            ),
            min_backoff_ms: map.parse_or("min_backoff", defaults.min_backoff_ms, parse_duration_ms),
            max_backoff_ms: map.parse_or("max_backoff", defaults.max_backoff_ms, parse_duration_ms),
            retry_on_rate_limit: map.or_default("retry_on_http_429"),
            sample_age_limit_ms: map.parse_or("sample_age_limit", 0, parse_duration_ms),
        };
        if !map.has_failed() {
            queue.check(&mut map);
        }
        map.finish()?;
        Ok(queue)
    }
}

impl QueueConfig {
    fn check(&self, map: &mut MapReader<'_, '_>) {
        let positive = [
            ("max_samples_per_send", self.max_samples_per_send),
            ("capacity", self.capacity),
            ("max_shards", self.max_shards),
            ("min_shards", self.min_shards),
        ];
        for (field, value) in positive {
            if value <= 0 {
                map.reject(map.place(field), WireConfigError::QueueNotPositive(field));
            }
        }
        if self.max_shards < self.min_shards && !map.has_failed() {
            let refusal = WireConfigError::QueueOrder("max_shards", "min_shards");
            map.reject(map.place("max_shards"), refusal);
        }
        if self.max_backoff_ms < self.min_backoff_ms {
            let refusal = WireConfigError::QueueOrder("max_backoff", "min_backoff");
            map.reject(map.place("max_backoff"), refusal);
        }
    }

    pub(super) fn to_value(&self) -> Value {
        let mut map = MapValue::new();
        map.set("capacity", self.capacity);
        map.set("max_shards", self.max_shards);
        map.set("min_shards", self.min_shards);
        map.set("max_samples_per_send", self.max_samples_per_send);
        map.set("batch_send_deadline", format_duration_ms(self.batch_send_deadline_ms));
        map.set("min_backoff", format_duration_ms(self.min_backoff_ms));
        map.set("max_backoff", format_duration_ms(self.max_backoff_ms));
        map.set_if("retry_on_http_429", self.retry_on_rate_limit);
        if self.sample_age_limit_ms > 0 {
            map.set("sample_age_limit", format_duration_ms(self.sample_age_limit_ms));
        }
        map.into()
    }
}

/// How the metadata of metrics is sent (`metadata_config`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetadataConfig {
    /// Whether it is sent at all.
    pub send: bool,
    /// How often.
    pub send_interval_ms: i64,
    /// Most entries of one request.
    pub max_samples_per_send: i64,
}

impl Default for MetadataConfig {
    fn default() -> Self {
        Self { send: true, send_interval_ms: 60_000, max_samples_per_send: 2_000 }
    }
}

impl Decode<'_> for MetadataConfig {
    fn type_name() -> Cow<'static, str> {
        "config.MetadataConfig".into()
    }

    fn decode(node: Node<'_>, errors: &mut Errors) -> Result<Self, Reported> {
        let defaults = Self::default();
        let mut map = MapReader::new(node, "config.MetadataConfig", errors)?;
        let metadata = Self {
            send: map.or("send", defaults.send),
            send_interval_ms: map.parse_or("send_interval", defaults.send_interval_ms, parse_duration_ms),
            max_samples_per_send: map.or("max_samples_per_send", defaults.max_samples_per_send),
        };
        map.finish()?;
        Ok(metadata)
    }
}

impl MetadataConfig {
    pub(super) fn to_value(&self) -> Value {
        let mut map = MapValue::new();
        map.set("send", self.send);
        map.set("send_interval", format_duration_ms(self.send_interval_ms));
        map.set_if("max_samples_per_send", self.max_samples_per_send);
        map.into()
    }
}
