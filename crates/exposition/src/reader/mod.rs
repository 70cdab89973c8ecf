//! The pull parser of both text formats, and what it has in common with that of protobuf.
mod created;
mod exact;
mod fast;
mod lexer;
mod scanner;
#[cfg(test)]
mod tests;

use created::{CreatedLines, has_created_lines, is_created_line};
use lexer::Dialect;
use scanner::Scanner;

use crate::{Escaped, Event, LabelBuf, MetricType, ParseError, Series, family, float};

/// What a scrape asks of a reader, whatever the format.
pub trait EventReader<'a> {
    /// The next entry, which is probably a sample of the series whose [`key`](Series::key) is `expected`; nothing is expected if that is empty.
    /// See [`Reader::next_expecting`].
    fn next_expecting(&mut self, expected: &[u8]) -> Option<Result<Event<'a>, ParseError>>;

    /// Takes the next line if it says nothing but a value of the series that was written as `expected`. See [`Reader::take_value`].
    fn take_value(&mut self, _expected: &[u8]) -> Option<f64> {
        None
    }

    /// Writes the labels of the sample that was returned last to `labels` as Prometheus stores them. See [`Reader::read_labels`].
    fn read_labels(&self, series: &Series<'a>, schema: TypeAndUnitLabels, labels: &mut LabelBuf);

    /// Whether the sample that was returned last comes from a family of histograms, and not from one that was told in its native form already.
    fn is_classic_histogram(&self) -> bool;
}

/// What the scanner finds: an event or an error.
type Entry<'a> = Result<Event<'a>, ParseError>;

/// The metric name as a label.
const METRIC_NAME: &str = "__name__";
/// The type of the family as a label.
const METRIC_TYPE: &str = "__type__";
/// The unit of the family as a label.
const METRIC_UNIT: &str = "__unit__";

/// What becomes of the `_created` lines of OpenMetrics counters, histograms and summaries, and of the creation timestamps of protobuf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CreatedHandling {
    /// Lines are series like any other; the timestamps of protobuf are left out.
    Series,
    /// They become the start timestamp of the series they belong to; lines are not reported themselves.
    StartTimestamp,
}

/// Whether series carry the type and unit of their family as labels (the feature `type-and-unit-labels`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TypeAndUnitLabels {
    /// No; labels of these names are labels like any other.
    Omit,
    /// As `__type__` and `__unit__`, which replace what the target wrote under these names.
    Add,
}

/// Reads an exposition entry by entry, borrowing from it.
///
/// `next` returns the entries in the order of the body, then `None`; after an error it returns `None` too. A sample comes as
/// [`Series`], whose bytes can be looked up before any label is decoded. A caller who knows which series comes next, because it did in the
/// last scrape, calls [`next_expecting`](Self::next_expecting) and saves the look-up as well.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    scanner: Scanner<'a>,
    created: Option<CreatedLines<'a>>,
    /// The family of the last metadata line.
    family: Escaped<'a>,
    type_line: Declared<'a, MetricType>,
    unit_line: Declared<'a, &'a str>,
    done: bool,
}

/// What the last metadata line of one kind said.
#[derive(Debug, Clone, Copy)]
struct Declared<'a, T> {
    family: Escaped<'a>,
    value: T,
}

impl<'a> Reader<'a> {
    /// Reads text 0.0.4, as leniently as Prometheus.
    pub fn text(body: &'a [u8]) -> Self {
        Self::new(Scanner::new(body, Dialect::Text), None)
    }

    /// Reads OpenMetrics 1.0, as leniently as Prometheus.
    pub fn openmetrics(body: &'a [u8], created: CreatedHandling) -> Self {
        let created = (created == CreatedHandling::StartTimestamp).then(CreatedLines::default);
        Self::new(Scanner::new(body, Dialect::OpenMetrics), created)
    }

    fn new(scanner: Scanner<'a>, created: Option<CreatedLines<'a>>) -> Self {
        let nothing = Escaped::quoted("");
        Self {
            scanner,
            created,
            family: nothing,
            type_line: Declared { family: nothing, value: MetricType::Unknown },
            unit_line: Declared { family: nothing, value: "" },
            done: false,
        }
    }

    /// As `next`, for a caller who expects the series that was written as `expected`, the [`raw`](Series::raw) bytes of a series that a reader
    /// of the same format returned before. If it comes, its labels are not looked at again and
    /// [`is_expected`](Series::is_expected) says so; if something else comes, it is returned as ever.
    #[inline]
    pub fn next_expecting(&mut self, expected: &[u8]) -> Option<Result<Event<'a>, ParseError>> {
        if !self.done && self.created.is_none() {
            let sample = self.scanner.fast_sample(expected);
            if sample.is_some() {
                return sample;
            }
        }
        self.next_entry(expected)
    }

    /// Takes the next line if it is the series that was written as `expected`, a value and nothing more: then it is not an event, which would be
    /// built and moved, but just this value. Everything else is left to [`next_expecting`](Self::next_expecting).
    #[inline]
    pub fn take_value(&mut self, expected: &[u8]) -> Option<f64> {
        if self.done || self.created.is_some() {
            return None;
        }
        self.scanner.take_value(expected)
    }

    /// The type of the last `# TYPE` line. It decides which label values are normalised, whether the series belongs to that family or not.
    pub fn last_type(&self) -> MetricType {
        self.type_line.value
    }

    /// The type and the unit of the family that the series `name` (unescaped) belongs to; unknown and empty if the last metadata
    /// lines were about another family.
    pub fn type_and_unit_of(&self, name: &str) -> (MetricType, &'a str) {
        let belongs_to = |family: Escaped<'_>| {
            let mut scratch = String::new();
            let family = family.unescape(&mut scratch);
            match self.scanner.lexer.dialect() {
                Dialect::Text => family::is_in_family(name, family, self.type_line.value),
                Dialect::OpenMetrics => family::is_named_like_family(name, family),
            }
        };
        let metric_type =
            if belongs_to(self.type_line.family) { self.type_line.value } else { MetricType::Unknown };
        let unit = if belongs_to(self.unit_line.family) { self.unit_line.value } else { "" };
        (metric_type, unit)
    }

    /// Writes the labels of `series`, the event that was returned last, to `labels` as Prometheus stores them: the metric name first, then the
    /// others in the order in which they are written; unescaped, bucket bounds and quantiles normalised. Repeated names and empty
    /// values are kept: what becomes of them is the caller's decision.
    pub fn read_labels(&self, series: &Series<'a>, schema: TypeAndUnitLabels, labels: &mut LabelBuf) {
        labels.clear();
        let write_name = |text: &mut String| series.name().unescape_onto(text);
        let replaced = push_schema(labels, write_name, schema, |name| self.type_and_unit_of(name));
        for label in series.labels().filter(|label| !replaced.has(label.name)) {
            let name = label.name;
            let is_bound = name.means("le") || name.means("quantile");
            labels.push_with(
                |text| name.unescape_onto(text),
                |text, start| {
                    label.value.unescape_onto(text);
                    if is_bound {
                        normalize(text, start, self.last_type(), name.as_written());
                    }
                },
            );
        }
    }

    /// Where the entry that was returned last starts in the body.
    pub(crate) fn entry_start(&self) -> usize {
        self.scanner.entry_start
    }

    fn next_entry(&mut self, expected: &[u8]) -> Option<Result<Event<'a>, ParseError>> {
        while !self.done {
            let mut entry = self.scanner.entry(expected);
            match &mut entry {
                Some(Ok(Event::Series(series))) => {
                    if !self.fold_created(series) {
                        continue;
                    }
                }
                Some(Ok(Event::Type { family, metric_type })) => {
                    self.family = *family;
                    self.type_line = Declared { family: *family, value: *metric_type };
                }
                Some(Ok(Event::Unit { family, unit })) => {
                    self.family = *family;
                    self.unit_line = Declared { family: *family, value: unit };
                }
                Some(Ok(Event::Help { family, .. })) => self.family = *family,
                Some(Ok(Event::Comment(_) | Event::Histogram { .. })) => {}
                Some(Err(_)) | None => self.done = true,
            }
            return entry;
        }
        None
    }

    /// Gives `series` its start timestamp. Returns whether it is to be reported.
    fn fold_created(&mut self, series: &mut Series<'a>) -> bool {
        let Some(created) = &mut self.created else { return true };
        let metric_type = self.type_line.value;
        if !has_created_lines(metric_type) {
            created.forget();
            return true;
        }
        if is_created_line(series) {
            return false;
        }
        let family_len = self.family.as_written().len();
        series.start_timestamp_ms =
            created.start_timestamp_ms(series, metric_type, family_len, &self.scanner);
        true
    }
}

impl<'a> EventReader<'a> for Reader<'a> {
    #[inline]
    fn next_expecting(&mut self, expected: &[u8]) -> Option<Result<Event<'a>, ParseError>> {
        Reader::next_expecting(self, expected)
    }

    #[inline]
    fn take_value(&mut self, expected: &[u8]) -> Option<f64> {
        Reader::take_value(self, expected)
    }

    fn read_labels(&self, series: &Series<'a>, schema: TypeAndUnitLabels, labels: &mut LabelBuf) {
        Reader::read_labels(self, series, schema, labels);
    }

    fn is_classic_histogram(&self) -> bool {
        self.last_type() == MetricType::Histogram
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = Result<Event<'a>, ParseError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.next_expecting(&[])
    }
}

/// Which labels of the target are replaced by those of the schema.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Replaced {
    name: bool,
    metric_type: bool,
    unit: bool,
}

impl Replaced {
    pub(crate) fn has(self, name: Escaped<'_>) -> bool {
        (self.name && name.means(METRIC_NAME))
            || (self.metric_type && name.means(METRIC_TYPE))
            || (self.unit && name.means(METRIC_UNIT))
    }
}

/// Appends the metric name and, if they are wanted, the type and the unit that `type_and_unit_of` knows for that name.
pub(crate) fn push_schema<'a>(
    labels: &mut LabelBuf,
    write_name: impl FnOnce(&mut String),
    schema: TypeAndUnitLabels,
    type_and_unit_of: impl FnOnce(&str) -> (MetricType, &'a str),
) -> Replaced {
    labels.push_with(|text| text.push_str(METRIC_NAME), |text, _| write_name(text));
    if schema == TypeAndUnitLabels::Omit {
        return Replaced::default();
    }
    let name = labels.get(0).map_or("", |(_, name)| name);
    let (metric_type, unit) = type_and_unit_of(name);
    let replaced = Replaced {
        name: !name.is_empty(),
        metric_type: metric_type != MetricType::Unknown,
        unit: !unit.is_empty(),
    };
    if !replaced.name {
        labels.pop();
    }
    if replaced.metric_type {
        labels.push(METRIC_TYPE, metric_type.as_str());
    }
    if replaced.unit {
        labels.push(METRIC_UNIT, unit);
    }
    replaced
}

/// Replaces the label value that starts at `start` of `text` by its normal form.
fn normalize(text: &mut String, start: usize, metric_type: MetricType, name: &str) {
    if let Some(bound) = float::bound(metric_type, name, &text[start..]) {
        text.truncate(start);
        float::write_openmetrics_float(text, bound);
    }
}

/// Seconds as milliseconds, cut off like Prometheus does; `None` for what is no time.
fn to_ms(seconds: f64) -> Option<i64> {
    seconds.is_finite().then_some((seconds * 1000.0) as i64)
}
