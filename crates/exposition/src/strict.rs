//! The strict side of OpenMetrics 1.0: what a validator demands beyond what a scrape needs.
mod family;
mod histogram;
mod timestamp;

use std::collections::BTreeSet;

use family::OpenFamily;
use timestamp::Timestamp;

use crate::{CreatedHandling, Event, ParseError, RawLabels, Reader, Series};

/// The labels of a sample, sorted and unescaped.
type LabelSet = Vec<(String, String)>;

/// How many characters the labels of an exemplar may have in total.
const MAX_EXEMPLAR_CHARS: usize = 128;

/// Checks that `body` is valid OpenMetrics 1.0 by every rule of the specification, for linting and for tests of exporters.
///
/// This is much stricter than a scrape: it also checks the order of families, series and timestamps, the names and values that each type allows, the
/// shape of histograms and the size of exemplars. Quoted (UTF-8) names are accepted. The error names the first line that
/// breaks a rule; for rules about a whole family, the line where the family starts.
pub fn validate_openmetrics(body: &[u8]) -> Result<(), ParseError> {
    let mut reader = Reader::openmetrics(body, CreatedHandling::Series);
    let mut validator = Validator::default();
    while let Some(event) = reader.next() {
        let offset = reader.entry_start();
        let result = match event? {
            Event::Series(series) => {
                let rest = &body[offset + series.raw().len()..];
                Sample::new(&series, rest).and_then(|sample| validator.sample(offset, &sample))
            }
            Event::Help { family, .. } => {
                validator.metadata(offset, family.as_written()).and_then(OpenFamily::declare_help)
            }
            Event::Type { family, metric_type } => {
                validator.metadata(offset, family.as_written()).and_then(|f| f.declare_type(metric_type))
            }
            Event::Unit { family, unit } => {
                validator.metadata(offset, family.as_written()).and_then(|f| f.declare_unit(unit))
            }
            Event::Comment(_) | Event::Histogram { .. } => Ok(()),
        };
        result.map_err(|violation| violation.at(body, offset))?;
    }
    validator.finish().map_err(|violation| violation.at(body, body.len()))
}

/// A broken rule. Without a place of its own it is about the current line.
#[derive(Debug)]
struct Violation {
    reason: String,
    offset: Option<usize>,
}

impl Violation {
    fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), offset: None }
    }

    fn at(self, body: &[u8], line: usize) -> ParseError {
        ParseError::at(body, self.offset.unwrap_or(line), self.reason)
    }
}

/// A sample line, taken apart.
#[derive(Debug)]
struct Sample {
    name: String,
    labels: LabelSet,
    value: f64,
    timestamp: Option<Timestamp>,
    has_exemplar: bool,
}

impl Sample {
    /// `rest` starts behind the series; a number or the end of the line follows.
    fn new(series: &Series<'_>, rest: &[u8]) -> Result<Self, Violation> {
        let mut name = String::new();
        series.name().unescape_onto(&mut name);
        if name.is_empty() {
            return Err(Violation::new("empty metric name"));
        }
        if series.raw().ends_with(b",}") {
            return Err(Violation::new("comma behind the last label"));
        }
        if let Some(exemplar) = series.exemplar {
            let labels = label_set(exemplar.labels())?;
            let n_chars: usize = labels.iter().map(|(n, v)| n.chars().count() + v.chars().count()).sum();
            if n_chars > MAX_EXEMPLAR_CHARS {
                return Err(Violation::new(format!(
                    "exemplar labels have {n_chars} characters, more than the {MAX_EXEMPLAR_CHARS} allowed"
                )));
            }
        }
        Ok(Self {
            name,
            labels: label_set(series.labels())?,
            value: series.value,
            timestamp: series.timestamp_ms.and_then(|_| Timestamp::behind_value(rest)),
            has_exemplar: series.exemplar.is_some(),
        })
    }

    fn label(&self, name: &str) -> Option<&str> {
        self.labels.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    fn labels_without(&self, name: &str) -> LabelSet {
        self.labels.iter().filter(|(n, _)| n != name).cloned().collect()
    }
}

fn label_set(raw: RawLabels<'_>) -> Result<LabelSet, Violation> {
    let (mut name, mut value) = (String::new(), String::new());
    let mut labels: LabelSet = raw
        .map(|label| (label.name.unescape(&mut name).to_owned(), label.value.unescape(&mut value).to_owned()))
        .collect();
    labels.sort();
    match labels.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        Some(pair) => Err(Violation::new(format!("duplicate label {:?}", pair[0].0))),
        None => Ok(labels),
    }
}

/// The state between lines.
#[derive(Debug, Default)]
struct Validator {
    family: Option<OpenFamily>,
    /// The names that earlier families took: their own and those of their series.
    taken: BTreeSet<String>,
}

impl Validator {
    /// The family that a metadata line at `offset` is about.
    fn metadata(&mut self, offset: usize, name: &str) -> Result<&mut OpenFamily, Violation> {
        if let Some(family) = &self.family
            && family.is_named(name)
            && family.has_samples()
        {
            return Err(Violation::new(format!("metadata of {name:?} behind its samples")));
        }
        let continues = self.family.as_ref().is_some_and(|family| family.is_named(name));
        if !continues {
            self.finish()?;
        }
        Ok(self.family.get_or_insert_with(|| OpenFamily::new(name, offset)))
    }

    fn sample(&mut self, offset: usize, sample: &Sample) -> Result<(), Violation> {
        let continues = self.family.as_ref().is_some_and(|family| family.allows(&sample.name));
        if !continues {
            self.finish()?;
        }
        let family = self.family.get_or_insert_with(|| OpenFamily::new(&sample.name, offset));
        family.add(sample)
    }

    /// Closes the current family.
    fn finish(&mut self) -> Result<(), Violation> {
        let Some(family) = self.family.take() else { return Ok(()) };
        let offset = Some(family.offset());
        for name in family.names() {
            if !self.taken.insert(name.clone()) {
                return Err(Violation {
                    reason: format!("name {name:?} is already taken by another family"),
                    offset,
                });
            }
        }
        family.finish().map_err(|violation| Violation { offset, ..violation })
    }
}
