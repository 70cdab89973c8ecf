use std::fmt::{self, Write as _};

use super::bucket::Side;
use super::span::indices;
use super::{Bucket, CounterResetHint, FloatHistogram};
use crate::float::format_float_go;

/// Written as Prometheus does: count, sum and the buckets that are not empty, from the lowest to the highest.
impl fmt::Display for FloatHistogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{count:{}, sum:{}", format_float_go(self.count), format_float_go(self.sum))?;
        let zero = Some(self.zero_bucket());
        let buckets = self.negative_buckets().rev().chain(zero).chain(self.positive_buckets());
        for bucket in buckets.filter(|b: &Bucket| b.count != 0.0) {
            write!(f, ", {bucket}")?;
        }
        f.write_str("}")
    }
}

/// Buckets farther apart than this are not written as one list: the gaps would have to be written as zeros.
const MAX_LIST: i64 = 1 << 20;

impl FloatHistogram {
    /// The histogram in the language of script tests, for instance `{{count:4 sum:5 buckets:[1 2 1]}}`.
    ///
    /// A histogram whose buckets are too far apart for a list is written as [`Display`](fmt::Display) writes it.
    pub fn test_expression(&self) -> String {
        let mut h = self.clone();
        h.compact(0);
        let width = |side| {
            let (spans, _) = h.side(side);
            let mut idx = indices(spans);
            match (idx.next(), idx.next_back()) {
                (Some(first), Some(last)) => i64::from(last) - i64::from(first),
                _ => 0,
            }
        };
        if width(Side::Positive).max(width(Side::Negative)) > MAX_LIST {
            return self.to_string();
        }
        h.compact(u32::MAX);
        let mut parts: Vec<String> = Vec::new();
        if h.schema != 0 {
            parts.push(format!("schema:{}", h.schema));
        }
        for (key, v) in
            [("count", h.count), ("sum", h.sum), ("z_bucket", h.zero_count), ("z_bucket_w", h.zero_threshold)]
        {
            if v != 0.0 {
                parts.push(format!("{key}:{}", format_float_go(v)));
            }
        }
        if h.uses_custom_buckets() {
            parts.push(format!("custom_values:{}", list(h.custom_bounds())));
        }
        match h.counter_reset_hint {
            CounterResetHint::Unknown => {}
            CounterResetHint::Reset => parts.push("counter_reset_hint:reset".to_owned()),
            CounterResetHint::NotReset => parts.push("counter_reset_hint:not_reset".to_owned()),
            CounterResetHint::Gauge => parts.push("counter_reset_hint:gauge".to_owned()),
        }
        for (side, offset_key, buckets_key) in
            [(Side::Positive, "offset", "buckets"), (Side::Negative, "n_offset", "n_buckets")]
        {
            let (spans, counts) = h.side(side);
            if let Some(first) = spans.first() {
                if first.offset != 0 {
                    parts.push(format!("{offset_key}:{}", first.offset));
                }
                parts.push(format!("{buckets_key}:{}", list(counts)));
            }
        }
        format!("{{{{{}}}}}", parts.join(" "))
    }
}

fn list(vals: &[f64]) -> String {
    let mut out = String::from("[");
    for (idx, v) in vals.iter().enumerate() {
        let gap = if idx > 0 { " " } else { "" };
        write!(out, "{gap}{}", format_float_go(*v)).expect("BUG: writing to a string cannot fail");
    }
    out.push(']');
    out
}
