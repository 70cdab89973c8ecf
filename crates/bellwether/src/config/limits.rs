use std::borrow::Cow;
use std::collections::BTreeMap;

use bellwether_model::{format_duration_ms, format_size, parse_duration_ms, parse_size};
use bellwether_yaml::{Decode, Errors, MapReader, MapValue, Node, Reported, Value};

use super::error::SectionError;

/// More labels than this no write request can have.
const MOST_LABELS: u64 = 1_000;
/// Longer names no write request can have.
const MOST_NAME_BYTES: u64 = 64 << 10;
/// More bytes the labels of a series cannot have.
const MOST_VALUE_BYTES: u64 = 1 << 20;

/// The `limits` section, which Prometheus does not have: what senders and targets may bring into the store.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LimitsConfig {
    /// For each tenant that is not named.
    pub default: TenantLimitsConfig,
    /// By the name of the tenant. What is not said there is as for the others.
    pub tenants: BTreeMap<String, TenantLimitsConfig>,
}

/// What a tenant may bring. 0 is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TenantLimitsConfig {
    /// Labels of a series.
    pub max_labels_per_series: u64,
    /// Bytes of a label name.
    pub max_label_name_bytes: u64,
    /// Bytes of a label value.
    pub max_label_value_bytes: u64,
    /// Series of one metric in memory.
    pub max_series_per_metric: u64,
    /// Series in memory.
    pub max_active_series: u64,
    /// Series that come into being in a minute.
    pub max_new_series_per_minute: u64,
    /// How far ahead of the clock a sample may be, in milliseconds.
    pub max_future_ms: i64,
}

impl Default for TenantLimitsConfig {
    fn default() -> Self {
        Self {
            max_labels_per_series: 64,
            max_label_name_bytes: 1 << 10,
            max_label_value_bytes: 4 << 10,
            max_series_per_metric: 1_000_000,
            max_active_series: 2_000_000,
            max_new_series_per_minute: 0,
            max_future_ms: 10 * 60 * 1000,
        }
    }
}

impl Decode<'_> for LimitsConfig {
    fn type_name() -> Cow<'static, str> {
        "config.LimitsConfig".into()
    }

    fn decode(node: Node<'_>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "config.LimitsConfig", errors)?;
        let default = read(&mut map, &TenantLimitsConfig::default());
        let named: BTreeMap<String, Node<'_>> = map.or_default("tenants");
        let mut tenants = BTreeMap::new();
        for (name, node) in named {
            if name.is_empty() {
                map.reject(node, SectionError::NamelessTenant);
                continue;
            }
            match read_tenant(node, &default, map.errors()) {
                Ok(limits) => drop(tenants.insert(name, limits)),
                Err(reported) => map.fail(reported),
            }
        }
        map.finish()?;
        Ok(Self { default, tenants })
    }
}

/// The limits of a named tenant, which are those of the others where it says nothing.
fn read_tenant(
    node: Node<'_>,
    default: &TenantLimitsConfig,
    errors: &mut Errors,
) -> Result<TenantLimitsConfig, Reported> {
    let mut map = MapReader::new(node, "config.TenantLimitsConfig", errors)?;
    let limits = read(&mut map, default);
    map.finish()?;
    Ok(limits)
}

fn read(map: &mut MapReader<'_, '_>, default: &TenantLimitsConfig) -> TenantLimitsConfig {
    let limits = TenantLimitsConfig {
        max_labels_per_series: map.or("max_labels_per_series", default.max_labels_per_series),
        max_label_name_bytes: map.parse_or("max_label_name_bytes", default.max_label_name_bytes, parse_size),
        max_label_value_bytes: map.parse_or(
            "max_label_value_bytes",
            default.max_label_value_bytes,
            parse_size,
        ),
        max_series_per_metric: map.or("max_series_per_metric", default.max_series_per_metric),
        max_active_series: map.or("max_active_series", default.max_active_series),
        max_new_series_per_minute: map.or("max_new_series_per_minute", default.max_new_series_per_minute),
        max_future_ms: map.parse_or("max_future", default.max_future_ms, parse_duration_ms),
    };
    for (field, value, most, range) in [
        ("max_labels_per_series", limits.max_labels_per_series, MOST_LABELS, "at most 1000"),
        ("max_label_name_bytes", limits.max_label_name_bytes, MOST_NAME_BYTES, "at most 64KiB"),
        ("max_label_value_bytes", limits.max_label_value_bytes, MOST_VALUE_BYTES, "at most 1MiB"),
    ] {
        if value > most {
            map.reject(map.place(field), SectionError::OutOfRange { field, range });
        }
    }
    limits
}

impl LimitsConfig {
    /// Nothing if all is as it would be without the section.
    pub(super) fn to_value(&self) -> Value {
        let mut map = self.default.to_map(TenantLimitsConfig::default());
        let mut tenants = MapValue::new();
        for (name, limits) in &self.tenants {
            tenants.set(name, limits.to_map(self.default));
        }
        map.set_if("tenants", tenants);
        map.into()
    }
}

impl TenantLimitsConfig {
    /// What is not as in `other`.
    fn to_map(self, other: Self) -> MapValue {
        let mut map = MapValue::new();
        let mut set = |name: &str, differs: bool, value: Value| {
            if differs {
                map.set(name, value);
            }
        };
        for (name, own, other) in [
            ("max_labels_per_series", self.max_labels_per_series, other.max_labels_per_series),
            ("max_series_per_metric", self.max_series_per_metric, other.max_series_per_metric),
            ("max_active_series", self.max_active_series, other.max_active_series),
            ("max_new_series_per_minute", self.max_new_series_per_minute, other.max_new_series_per_minute),
        ] {
            set(name, own != other, own.into());
        }
        for (name, own, other) in [
            ("max_label_name_bytes", self.max_label_name_bytes, other.max_label_name_bytes),
            ("max_label_value_bytes", self.max_label_value_bytes, other.max_label_value_bytes),
        ] {
            set(name, own != other, format_size(own).into());
        }
        let (own, other) = (self.max_future_ms, other.max_future_ms);
        set("max_future", own != other, format_duration_ms(own).into());
        map
    }
}
