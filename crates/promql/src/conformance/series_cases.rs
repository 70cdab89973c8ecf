use std::path::Path;

use bellwether_model::{Labels, is_stale_nan, parse_float};
use serde_json::Value;

use super::{ConformanceError, SuiteOutcome, run_cases};
use crate::syntax::{SequenceValue, SeriesDescription, parse_series};

/// Series lines, with the labels and values they stand for.
pub fn series_syntax(dir: &Path) -> Result<Option<SuiteOutcome>, ConformanceError> {
    run_cases("series-syntax", &dir.join("promqltest/series-syntax.json"), |case| {
        let line = case["series"].as_str().ok_or("the series is no text")?;
        let expect = &case["expect"];
        match (parse_series(line), &expect["error"]) {
            (Ok(series), Value::Null) => compare(&series, expect),
            (Ok(series), _) => Err(format!("accepted as {series:?}")),
            (Err(e), Value::Null) => Err(format!("refused: {e}")),
            (Err(e), Value::String(want)) if *want != e.to_string() => {
                Err(format!("got {e:?}, want {want:?}"))
            }
            (Err(_), _) => Ok(()),
        }
    })
}

fn compare(got: &SeriesDescription, want: &Value) -> Result<(), String> {
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let labels = want["labels"].as_object().ok_or("there are no labels")?;
    let labels = Labels::from_pairs(labels.iter().map(|(name, value)| (name, text(value))));
    if labels != got.labels {
        return Err(format!("labels: got {}, want {labels}", got.labels));
    }
    let values = want["values"].as_array().ok_or("there are no values")?;
    let matches = |got: &SequenceValue, want: &str| match got {
        SequenceValue::Omitted => want == "_",
        SequenceValue::Float(v) if is_stale_nan(*v) => want == "stale",
        SequenceValue::Float(v) => {
            parse_float(want).is_some_and(|want| want == *v || want.is_nan() && v.is_nan())
        }
        SequenceValue::Histogram { .. } => false,
    };
    let same = got.values.len() == values.len()
        && got.values.iter().zip(values).all(|(got, want)| matches(got, &text(want)));
    if same { Ok(()) } else { Err(format!("values: got {:?}, want {values:?}", got.values)) }
}
