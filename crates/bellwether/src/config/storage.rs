use std::borrow::Cow;

use bellwether_model::{format_duration_ms, format_size, parse_duration_ms, parse_size};
use bellwether_yaml::{Decode, Errors, MapReader, MapValue, Node, Reported, Value};

use super::error::SectionError;

const DEFAULT_MAX_EXEMPLARS: i64 = 100_000;

/// The `storage` section.
#[derive(Debug, Clone, PartialEq)]
pub struct StorageConfig {
    /// How samples are stored.
    pub tsdb: TsdbConfig,
    /// How many exemplars are kept; none if zero or negative.
    pub max_exemplars: i64,
}

impl Default for StorageConfig {
    fn default() -> Self {
        Self { tsdb: TsdbConfig::default(), max_exemplars: DEFAULT_MAX_EXEMPLARS }
    }
}

/// How samples are stored.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TsdbConfig {
    /// How far behind the newest sample of a series a sample may be; 0 to refuse samples out of order.
    pub out_of_order_time_window_ms: i64,
    /// The share of stale series in the head, between 0 and 1, from which on they are moved out early; 0 for never.
    pub stale_series_compaction_threshold: f64,
    /// What is deleted.
    pub retention: RetentionConfig,
    /// How the values of new chunks are written; `None` for the default.
    pub float_encoding: Option<FloatEncoding>,
}

/// What is deleted. A limit that is not set leaves the command line in charge.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RetentionConfig {
    /// Samples older than this; 0 if not set.
    pub time_ms: i64,
    /// The oldest samples beyond this size; 0 if not set.
    pub size_bytes: u64,
    /// The oldest samples beyond this share of the disk, in percent; 0 if not set.
    pub percentage: f64,
}

/// How the values of a chunk are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FloatEncoding {
    /// Gorilla's encoding.
    Xor,
    /// Its successor, which can hold start timestamps.
    Xor2,
}

impl FloatEncoding {
    /// The name used in configuration files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Xor => "xor",
            Self::Xor2 => "xor2",
        }
    }

    fn parse(name: &str) -> Result<Option<Self>, SectionError> {
        let found = [Self::Xor, Self::Xor2].into_iter().find(|encoding| encoding.as_str() == name);
        found.map(Some).ok_or_else(|| SectionError::FloatEncoding(name.to_owned()))
    }
}

impl Decode<'_> for StorageConfig {
    fn type_name() -> Cow<'static, str> {
        "config.StorageConfig".into()
    }

    fn decode(node: Node<'_>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "config.StorageConfig", errors)?;
        let storage = Self {
            tsdb: map.or_default("tsdb"),
            max_exemplars: map.optional::<Exemplars>("exemplars").map_or(DEFAULT_MAX_EXEMPLARS, |e| e.0),
        };
        map.finish()?;
        Ok(storage)
    }
}

struct Exemplars(i64);

impl Decode<'_> for Exemplars {
    fn type_name() -> Cow<'static, str> {
        "config.ExemplarsConfig".into()
    }

    fn decode(node: Node<'_>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "config.ExemplarsConfig", errors)?;
        let exemplars = Self(map.or_default("max_exemplars"));
        map.finish()?;
        Ok(exemplars)
    }
}

impl Decode<'_> for TsdbConfig {
    fn type_name() -> Cow<'static, str> {
        "config.plain".into()
    }

    fn decode(node: Node<'_>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "config.plain", errors)?;
        let tsdb = Self {
            out_of_order_time_window_ms: map.parse_or("out_of_order_time_window", 0, parse_duration_ms),
            stale_series_compaction_threshold: map.or_default("stale_series_compaction_threshold"),
            retention: map.or_default("retention"),
            float_encoding: map.optional::<ChunkEncoding>("chunk_encoding").and_then(|e| e.0),
        };
        map.finish()?;
        Ok(tsdb)
    }
}

struct ChunkEncoding(Option<FloatEncoding>);

impl Decode<'_> for ChunkEncoding {
    fn type_name() -> Cow<'static, str> {
        "config.TSDBChunkEncodingConfig".into()
    }

    fn decode(node: Node<'_>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "config.TSDBChunkEncodingConfig", errors)?;
        let encoding = Self(map.parse_or("floats", None, FloatEncoding::parse));
        map.finish()?;
        Ok(encoding)
    }
}

impl Decode<'_> for RetentionConfig {
    fn type_name() -> Cow<'static, str> {
        "config.TSDBRetentionConfig".into()
    }

    fn decode(node: Node<'_>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "config.TSDBRetentionConfig", errors)?;
        let negative_size = |text: &str| text.strip_prefix('-').is_some_and(|size| parse_size(size).is_ok());
        let retention = Self {
            time_ms: map.parse_or("time", 0, parse_duration_ms),
            size_bytes: map.parse_or(
                "size",
                0,
                |text| -> Result<u64, Box<dyn std::error::Error + Send + Sync>> {
                    if negative_size(text) {
                        let field = "storage.tsdb.retention.size";
                        return Err(
                            SectionError::OutOfRange { field, range: "greater than or equal to 0" }.into()
                        );
                    }
                    Ok(parse_size(text)?)
                },
            ),
            percentage: map.or_default("percentage"),
        };
        if !(0.0..=100.0).contains(&retention.percentage) {
            let field = "storage.tsdb.retention.percentage";
            map.reject(
                map.place("percentage"),
                SectionError::OutOfRange { field, range: "in the range [0, 100]" },
            );
        }
        map.finish()?;
        Ok(retention)
    }
}

impl StorageConfig {
    pub(super) fn to_value(&self) -> Value {
        let mut map = MapValue::new();
        map.set_if("tsdb", self.tsdb.to_value());
        if self.max_exemplars != DEFAULT_MAX_EXEMPLARS {
            let mut exemplars = MapValue::new();
            exemplars.set("max_exemplars", self.max_exemplars);
            map.set("exemplars", exemplars);
        }
        map.into()
    }
}

impl TsdbConfig {
    fn to_value(&self) -> Value {
        let mut map = MapValue::new();
        if self.out_of_order_time_window_ms > 0 {
            map.set("out_of_order_time_window", format_duration_ms(self.out_of_order_time_window_ms));
        }
        map.set_if("stale_series_compaction_threshold", self.stale_series_compaction_threshold);
        let mut retention = MapValue::new();
        if self.retention.time_ms > 0 {
            retention.set("time", format_duration_ms(self.retention.time_ms));
        }
        if self.retention.size_bytes > 0 {
            retention.set("size", format_size(self.retention.size_bytes));
        }
        retention.set_if("percentage", self.retention.percentage);
        map.set_if("retention", retention);
        if let Some(encoding) = self.float_encoding {
            let mut encodings = MapValue::new();
            encodings.set("floats", encoding.as_str());
            map.set("chunk_encoding", encodings);
        }
        map.into()
    }
}
