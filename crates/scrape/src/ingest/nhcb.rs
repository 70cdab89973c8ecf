use bellwether_exposition::{EventReader, Exemplar as WrittenExemplar, LabelBuf, Series, TypeAndUnitLabels};
use bellwether_model::histogram::ClassicHistogram;
use bellwether_model::{Exemplar, FloatHistogram, LabelsBuilder, METRIC_NAME};

/// Separates the parts of a key; it occurs in no UTF-8 text.
const SEPARATOR: u8 = 0xff;

/// Collects the lines of classic histograms, one histogram at a time, and gives each of them its native form with custom buckets.
///
/// The lines of a histogram stand together; whatever else comes ends it.
#[derive(Debug, Default)]
pub(crate) struct ClassicHistograms {
    current: Collected,
    /// The line that was looked at last.
    line: Group,
    exposed: LabelBuf,
}

/// What the lines of one histogram have in common.
#[derive(Debug, Default)]
struct Group {
    /// Name and labels without `le`, as one text; no line of an exposition looks like it.
    key: Vec<u8>,
    labels: LabelBuf,
}

#[derive(Debug, Default)]
struct Collected {
    group: Group,
    histogram: ClassicHistogram,
    timestamp_ms: Option<i64>,
    start_timestamp_ms: Option<i64>,
    exemplars: Vec<Exemplar>,
    /// A line has a value that no histogram can have.
    broken: bool,
}

/// A histogram whose lines have all been read.
#[derive(Debug)]
pub(crate) struct Converted<'c> {
    /// Stands for the series in the cache, where other series have the bytes of their line.
    pub(crate) key: &'c [u8],
    pub(crate) labels: &'c LabelBuf,
    pub(crate) histogram: FloatHistogram,
    pub(crate) timestamp_ms: Option<i64>,
    pub(crate) start_timestamp_ms: Option<i64>,
    /// Those that have a time; the others could not be told from repetitions.
    pub(crate) exemplars: &'c [Exemplar],
}

/// Which part of a histogram a line is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Part {
    /// Observations up to a bound.
    Bucket(f64),
    Count,
    Sum,
}

impl ClassicHistograms {
    /// Forgets what an earlier body left.
    pub(crate) fn clear(&mut self) {
        self.current.clear();
    }

    /// Looks at a line. `None` if it is no part of a classic histogram; then the histogram so far is complete.
    pub(crate) fn look_at<'a>(
        &mut self,
        reader: &impl EventReader<'a>,
        series: &Series<'a>,
        schema: TypeAndUnitLabels,
    ) -> Option<Part> {
        if !reader.is_classic_histogram() {
            return None;
        }
        reader.read_labels(series, schema, &mut self.exposed);
        let (_, name) = self.exposed.iter().find(|(label, _)| *label == METRIC_NAME)?;
        let (base, part) = split_name(name, &self.exposed)?;
        let Group { key, labels } = &mut self.line;
        key.clear();
        labels.clear();
        for (name, value) in self.exposed.iter().filter(|(name, _)| *name != "le") {
            let value = if name == METRIC_NAME { base } else { value };
            labels.push(name, value);
            for text in [name, value] {
                key.extend_from_slice(text.as_bytes());
                key.push(SEPARATOR);
            }
        }
        Some(part)
    }

    /// Whether the line that was looked at belongs to another histogram than the ones before.
    pub(crate) fn is_other(&self) -> bool {
        !self.current.group.key.is_empty() && self.current.group.key != self.line.key
    }

    /// Adds the line that was looked at.
    pub(crate) fn add(&mut self, part: Part, series: &Series<'_>) {
        let current = &mut self.current;
        if current.group.key.is_empty() {
            std::mem::swap(&mut current.group, &mut self.line);
        }
        let added = match part {
            Part::Bucket(bound) => current.histogram.set_bucket(bound, series.value),
            Part::Count => current.histogram.set_count(series.value),
            Part::Sum => {
                current.histogram.set_sum(series.value);
                Ok(())
            }
        };
        current.broken |= added.is_err();
        current.timestamp_ms = series.timestamp_ms;
        current.start_timestamp_ms = current.start_timestamp_ms.or(series.start_timestamp_ms);
        if let Some(exemplar) = &series.exemplar
            && let Some(ts_ms) = exemplar.timestamp_ms
        {
            let exemplar = Exemplar { labels: exemplar_labels(exemplar), value: exemplar.value, ts_ms };
            current.exemplars.push(exemplar);
        }
    }

    /// The histogram so far, if there is one and it makes sense; the next line begins another.
    pub(crate) fn take(&mut self, take: impl FnOnce(Converted<'_>)) {
        let current = &mut self.current;
        if current.group.key.is_empty() {
            return;
        }
        if !current.broken
            && let Ok(histogram) = current.histogram.to_native()
        {
            current.exemplars.sort_by_key(|exemplar| exemplar.ts_ms);
            take(Converted {
                key: &current.group.key,
                labels: &current.group.labels,
                histogram,
                timestamp_ms: current.timestamp_ms,
                start_timestamp_ms: current.start_timestamp_ms,
                exemplars: &current.exemplars,
            });
        }
        current.clear();
    }
}

impl Collected {
    fn clear(&mut self) {
        self.group.key.clear();
        self.histogram.clear();
        self.timestamp_ms = None;
        self.start_timestamp_ms = None;
        self.exemplars.clear();
        self.broken = false;
    }
}

/// The name of the histogram, and which part of it a series of that name is.
fn split_name<'n>(name: &'n str, exposed: &LabelBuf) -> Option<(&'n str, Part)> {
    if let Some(base) = name.strip_suffix("_bucket") {
        let (_, bound) = exposed.iter().find(|(label, _)| *label == "le")?;
        let bound =
            bellwether_exposition::parse_value(bound.as_bytes()).ok().filter(|bound| !bound.is_nan())?;
        return Some((base, Part::Bucket(bound)));
    }
    let parts = [("_count", Part::Count), ("_sum", Part::Sum)];
    parts.into_iter().find_map(|(suffix, part)| name.strip_suffix(suffix).map(|base| (base, part)))
}

/// The labels of an exemplar.
pub(crate) fn exemplar_labels(exemplar: &WrittenExemplar<'_>) -> bellwether_model::Labels {
    let mut builder = LabelsBuilder::new();
    let (mut name, mut value) = (String::new(), String::new());
    for label in exemplar.labels() {
        builder.set(label.name.unescape(&mut name), label.value.unescape(&mut value));
    }
    builder.build()
}
