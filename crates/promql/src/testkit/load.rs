use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether_model::histogram::ClassicHistogram;
use bellwether_model::{
    AppendBatch, AppendEntry, Labels, LabelsBuilder, METRIC_NAME, Value, parse_duration_ms, parse_float,
};

use super::script::{Line, ScriptError};
use crate::syntax::{SequenceValue, parse_series, parse_start_timestamps};

/// The label of a classic bucket that holds its upper bound.
const BUCKET_LABEL: &str = "le";

/// Samples to be loaded.
#[derive(Debug)]
pub(super) struct Load {
    line: usize,
    step_ms: i64,
    /// Also load native histograms made from the classic ones.
    with_native: bool,
    series: BTreeMap<Labels, LoadSeries>,
}

#[derive(Debug)]
struct LoadSeries {
    values: Vec<SequenceValue>,
    /// For each value how far its start lies from its time; empty if no start is given.
    starts: Vec<Option<i64>>,
}

/// Reads a `load` block. If a label set occurs twice, the last line counts.
pub(super) fn read_load(first: Line<'_>, block: &[Line<'_>]) -> Result<Load, ScriptError> {
    let (command, step) = first.text.split_once(char::is_whitespace).unwrap_or((first.text, ""));
    let with_native = match command.to_ascii_lowercase().as_str() {
        "load" => false,
        "load_with_nhcb" => true,
        other => return Err(ScriptError::new(first.number, format!("invalid command {other:?}"))),
    };
    let step = step.trim();
    let step_ms = parse_duration_ms(step)
        .map_err(|e| ScriptError::new(first.number, format!("invalid step definition {step:?}: {e}")))?;
    let mut load = Load { line: first.number, step_ms, with_native, series: BTreeMap::new() };
    let mut starts = None;
    for line in block {
        let refuse = |message: String| ScriptError::new(line.number, message);
        if let Some(read) = parse_start_timestamps(line.text) {
            if starts.is_some() {
                return Err(refuse("start timestamps must be followed by their series".to_owned()));
            }
            starts = Some(read.map_err(|e| refuse(e.to_string()))?);
            continue;
        }
        let series = parse_series(line.text).map_err(|e| refuse(e.to_string()))?;
        let starts = match starts.take() {
            None => Vec::new(),
            Some(starts) => {
                if starts.labels != series.labels {
                    let (want, got) = (starts.labels, series.labels);
                    return Err(refuse(format!(
                        "expected the series {want} of the start timestamps, got {got}"
                    )));
                }
                let (want, got) = (series.values.len(), starts.offsets_ms.len());
                if want != got {
                    return Err(refuse(format!("{got} start timestamps for {want} values")));
                }
                starts.offsets_ms
            }
        };
        load.series.insert(series.labels, LoadSeries { values: series.values, starts });
    }
    if starts.is_some() {
        return Err(ScriptError::new(
            first.number,
            "start timestamps without series at the end of the block",
        ));
    }
    Ok(load)
}

impl Load {
    /// The samples in time order.
    pub(super) fn batch(&self) -> Result<AppendBatch, ScriptError> {
        let mut samples = Vec::new();
        for (labels, series) in &self.series {
            for (idx, value) in series.values.iter().enumerate() {
                let value = match value {
                    SequenceValue::Omitted => continue,
                    SequenceValue::Float(v) => Value::Float(*v),
                    SequenceValue::Histogram { histogram, .. } => Value::Histogram(Arc::clone(histogram)),
                };
                let ts_ms = self.step_ms.saturating_mul(idx as i64);
                let start_ts_ms = match series.starts.get(idx) {
                    Some(Some(offset_ms)) => ts_ms.saturating_add(*offset_ms),
                    _ => 0,
                };
                samples.push(AppendEntry { hint: None, labels: labels.clone(), ts_ms, start_ts_ms, value });
            }
        }
        if self.with_native {
            samples.extend(self.native_samples()?);
        }
        samples.sort_by_key(|sample| sample.ts_ms);
        Ok(AppendBatch { samples, ..AppendBatch::default() })
    }

    pub(super) fn line(&self) -> usize {
        self.line
    }

    /// The native form of the classic histograms of this block.
    fn native_samples(&self) -> Result<Vec<AppendEntry>, ScriptError> {
        let mut collected: BTreeMap<(Labels, usize), ClassicHistogram> = BTreeMap::new();
        for (labels, series) in &self.series {
            let Some((family, part)) = Part::of(labels) else { continue };
            for (idx, value) in series.values.iter().enumerate() {
                let SequenceValue::Float(v) = value else { continue };
                let histogram = collected.entry((family.clone(), idx)).or_default();
                let outcome = match part {
                    Part::Bucket(bound) => histogram.set_bucket(bound, *v),
                    Part::Count => histogram.set_count(*v),
                    Part::Sum => {
                        histogram.set_sum(*v);
                        Ok(())
                    }
                };
                outcome.map_err(|e| ScriptError::new(self.line, format!("{labels}: {e}")))?;
            }
        }
        let mut samples = Vec::with_capacity(collected.len());
        for ((labels, idx), histogram) in collected {
            if histogram.is_empty() {
                continue;
            }
            let native =
                histogram.to_native().map_err(|e| ScriptError::new(self.line, format!("{labels}: {e}")))?;
            let ts_ms = self.step_ms.saturating_mul(idx as i64);
            let value = Value::Histogram(Arc::new(native));
            samples.push(AppendEntry { hint: None, labels, ts_ms, start_ts_ms: 0, value });
        }
        Ok(samples)
    }
}

/// What a classic series says about its histogram.
#[derive(Debug, Clone, Copy)]
enum Part {
    Bucket(f64),
    Count,
    Sum,
}

impl Part {
    /// The histogram that a series belongs to, and what it says about it.
    fn of(labels: &Labels) -> Option<(Labels, Self)> {
        let name = labels.metric_name();
        let (family, part) = if let Some(family) = name.strip_suffix("_bucket") {
            (family, Self::Bucket(parse_float(labels.get(BUCKET_LABEL)?)?))
        } else if let Some(family) = name.strip_suffix("_count") {
            (family, Self::Count)
        } else {
            (name.strip_suffix("_sum")?, Self::Sum)
        };
        let mut builder: LabelsBuilder = labels.to_builder();
        builder.set(METRIC_NAME, family).remove(BUCKET_LABEL);
        Some((builder.build(), part))
    }
}
