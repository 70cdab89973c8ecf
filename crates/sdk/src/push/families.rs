//! What is pushed: the families of a registry as an exposition says them.

use bellwether_exposition::{
    CreatedHandling, EscapingScheme, Event, LabelBuf, MetricType, OutputFormat, ParseError, Reader, Syntax,
    TypeAndUnitLabels,
};

use crate::registry::Registry;

#[derive(Debug, Default, PartialEq)]
pub(super) struct Family {
    /// Without the suffixes of its samples.
    pub(super) name: String,
    pub(super) metric_type: MetricType,
    pub(super) help: String,
    pub(super) unit: String,
    pub(super) samples: Vec<Sample>,
}

#[derive(Debug, PartialEq)]
pub(super) struct Sample {
    pub(super) name: String,
    /// Without the name, in the order of their names.
    pub(super) labels: Vec<(String, String)>,
    pub(super) value: f64,
}

impl Family {
    /// What a series of it is called that is a plain value.
    pub(super) fn series_name(&self) -> String {
        let suffix = match self.metric_type {
            MetricType::Counter => "_total",
            MetricType::Info => "_info",
            _ => "",
        };
        format!("{}{suffix}", self.name)
    }
}

/// Reads the families out of the exposition, so that what is pushed is what a scrape would have found.
pub(super) fn gather(registry: &Registry) -> Result<Vec<Family>, ParseError> {
    let mut body = String::new();
    registry.encode(
        &mut body,
        OutputFormat { syntax: Syntax::OpenMetrics1_0_0, escaping: EscapingScheme::Underscores },
    );
    let mut families: Vec<Family> = Vec::new();
    let mut reader = Reader::openmetrics(body.as_bytes(), CreatedHandling::StartTimestamp);
    let mut labels = LabelBuf::new();
    let mut scratch = String::new();
    while let Some(event) = reader.next() {
        match event? {
            Event::Help { family, text } => {
                let text = text.unescape(&mut scratch).to_owned();
                of(&mut families, family.unescape(&mut scratch)).help = text;
            }
            Event::Type { family, metric_type } => {
                of(&mut families, family.unescape(&mut scratch)).metric_type = metric_type;
            }
            Event::Unit { family, unit } => {
                unit.clone_into(&mut of(&mut families, family.unescape(&mut scratch)).unit);
            }
            Event::Series(series) => {
                reader.read_labels(&series, TypeAndUnitLabels::Omit, &mut labels);
                let all = labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
                let (name, mut labels): (Vec<_>, Vec<_>) = all.partition(|(name, _)| name == "__name__");
                labels.sort_unstable();
                let name = name.into_iter().next().map(|(_, name)| name).unwrap_or_default();
                let sample = Sample { name, labels, value: series.value };
                if let Some(family) = families.last_mut() {
                    family.samples.push(sample);
                }
            }
            Event::Comment(_) | Event::Histogram { .. } => {}
        }
    }
    Ok(families)
}

/// The family that is being read, which has this name.
fn of<'f>(families: &'f mut Vec<Family>, name: &str) -> &'f mut Family {
    if families.last().is_none_or(|last| last.name != name) {
        families.push(Family { name: name.to_owned(), ..Family::default() });
    }
    let last = families.len() - 1;
    &mut families[last]
}
