use std::fmt::Write as _;

use crate::name::{is_legacy_label_name, is_legacy_name};
use crate::{EscapingScheme, MetricType, OutputFormat, write_float, write_openmetrics_float};

/// What is said once about all series of a metric family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Family<'a> {
    /// The name, without the suffixes of single series; a counter's `_total` and an info's `_info` may be part of it or not.
    pub name: &'a str,
    /// The type.
    pub metric_type: MetricType,
    /// A sentence about the family; empty if there is none.
    pub help: &'a str,
    /// The base unit, which the name must end in (`seconds` in `request_seconds`); empty if there is none. OpenMetrics only.
    pub unit: &'a str,
}

/// Which series of a family a sample belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The series that bears the name of the family: a gauge, a state, a quantile, an untyped series; also the `_total` of a counter
    /// and the `_info` of an info family.
    Value,
    /// `_bucket`
    Bucket,
    /// `_count`, or `_gcount` of a gauge histogram
    Count,
    /// `_sum`, or `_gsum` of a gauge histogram
    Sum,
}

/// A sample value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    /// Any number.
    Float(f64),
    /// A count of events, written without a fraction.
    Count(u64),
}

/// One sample: all of it but the labels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample<'a> {
    /// Which series of the family.
    pub part: Part,
    /// The upper bound of a bucket (`le`) or the rank of a quantile (`quantile`), written as the format wants it.
    pub bound: Option<f64>,
    /// The value.
    pub value: Number,
    /// The time in milliseconds since the Unix epoch; `None` stands for the time of the scrape.
    pub timestamp_ms: Option<i64>,
    /// An example of what was counted. OpenMetrics only.
    pub exemplar: Option<SampleExemplar<'a>>,
}

impl Sample<'_> {
    /// A sample with nothing but a value.
    pub fn new(part: Part, value: Number) -> Self {
        Self { part, bound: None, value, timestamp_ms: None, exemplar: None }
    }
}

/// An exemplar to be written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SampleExemplar<'a> {
    /// Pairs of name and value, for instance a `trace_id`. OpenMetrics allows 128 characters in total; the caller sees to that.
    pub labels: &'a [(&'a str, &'a str)],
    /// The observed value.
    pub value: f64,
    /// When it was observed, in milliseconds since the Unix epoch.
    pub timestamp_ms: Option<i64>,
}

/// Writes an exposition in text 0.0.4 or OpenMetrics 1.0: families one after the other, each followed by its samples, then
/// [`finish`](Self::finish).
///
/// The output is valid whatever values and names hold, except that no reader takes NUL bytes in names; that families do not repeat and
/// counts do not go down is up to the caller. Text
/// 0.0.4 has no units, exemplars, `_created` series and only five types; what it cannot say is left out, and the other types are written
/// as the one that comes closest.
#[derive(Debug)]
pub struct Writer<'b> {
    out: &'b mut String,
    format: OutputFormat,
    metric_type: MetricType,
    /// The family's name as this format writes it, with `_total` or `_info` if the type wants it, not quoted.
    value_name: String,
    /// As above, without `_total` and `_info`.
    base_name: String,
    /// Whether names must be quoted.
    quoted: bool,
}

impl<'b> Writer<'b> {
    /// Writes behind what `out` holds already.
    pub fn new(out: &'b mut String, format: OutputFormat) -> Self {
        Self {
            out,
            format,
            metric_type: MetricType::Unknown,
            value_name: String::new(),
            base_name: String::new(),
            quoted: false,
        }
    }

    /// Starts a family.
    pub fn family(&mut self, family: &Family<'_>) {
        self.metric_type = family.metric_type;
        self.set_names(family.name);
        let openmetrics = self.is_openmetrics();
        if !family.help.is_empty() {
            self.metadata_start("# HELP ");
            // OpenMetrics escapes quotes here too.
            write_escaped(self.out, family.help, openmetrics);
            self.out.push('\n');
        }
        self.metadata_start("# TYPE ");
        self.out.push_str(if openmetrics {
            family.metric_type.as_str()
        } else {
            text_type(family.metric_type)
        });
        self.out.push('\n');
        let is_suffix = !family.unit.is_empty()
            && self.base_name.strip_suffix(family.unit).is_some_and(|n| n.ends_with('_'));
        if openmetrics && is_suffix {
            self.metadata_start("# UNIT ");
            self.out.push_str(family.unit);
            self.out.push('\n');
        }
    }

    /// Writes a sample of the current family.
    pub fn sample<'l>(&mut self, sample: &Sample<'_>, labels: impl IntoIterator<Item = (&'l str, &'l str)>) {
        let mut open = self.series_start(self.suffix(sample.part), sample.part == Part::Value);
        for (name, value) in labels {
            open = self.next_label(open);
            write_label(self.out, self.format.escaping, name, value);
        }
        self.sample_end(open, sample);
    }

    /// Writes a sample of the current family whose labels were rendered by [`render_labels`] before.
    pub fn rendered_sample(&mut self, sample: &Sample<'_>, labels: &str) {
        let mut open = self.series_start(self.suffix(sample.part), sample.part == Part::Value);
        if !labels.is_empty() {
            open = self.next_label(open);
            self.out.push_str(labels);
        }
        self.sample_end(open, sample);
    }

    /// What stands around the labels of a sample of the series that bears the name of the current family: the name, with a brace if there are labels, and what is between them and
    /// the number. Between the two go labels as [`render_labels`] has them; the number and a line feed end the line.
    ///
    /// For whoever has so many samples that a call for each of them is too slow, and appends them with [`lines`](Self::lines).
    pub fn frame(&mut self, has_labels: bool) -> (String, &'static str) {
        let at = self.out.len();
        let is_open = self.series_start("", true);
        if has_labels {
            self.next_label(is_open);
        }
        (self.out.split_off(at), if is_open || has_labels { "} " } else { " " })
    }

    /// Appends samples of the current family that are written already, see [`frame`](Self::frame).
    pub fn lines(&mut self, lines: &str) {
        self.out.push_str(lines);
    }

    /// Says since when the series with these labels, rendered by [`render_labels`], counts. Only OpenMetrics counters, histograms and
    /// summaries can say so.
    pub fn created(&mut self, labels: &str, start_timestamp_ms: i64) {
        let can_say =
            matches!(self.metric_type, MetricType::Counter | MetricType::Histogram | MetricType::Summary);
        if !self.is_openmetrics() || !can_say {
            return;
        }
        let mut open = self.series_start("_created", false);
        if !labels.is_empty() {
            open = self.next_label(open);
            self.out.push_str(labels);
        }
        self.close(open);
        self.out.push(' ');
        write_seconds(self.out, start_timestamp_ms);
        self.out.push('\n');
    }

    /// Ends the exposition: OpenMetrics wants a last line that says so.
    pub fn finish(self) {
        if self.is_openmetrics() {
            self.out.push_str("# EOF\n");
        }
    }

    fn is_openmetrics(&self) -> bool {
        self.format.syntax.is_openmetrics()
    }

    fn set_names(&mut self, name: &str) {
        let suffix = match self.metric_type {
            MetricType::Counter => "_total",
            MetricType::Info => "_info",
            _ => "",
        };
        let base = name.strip_suffix(suffix).unwrap_or(name);
        let escaping = self.format.escaping;
        self.value_name.clear();
        self.base_name.clear();
        escaping.write_name(&mut self.base_name, base);
        if suffix.is_empty() {
            self.value_name.push_str(&self.base_name);
        } else {
            // The suffix is part of the name that is escaped, as in Prometheus clients.
            escaping.write_name(&mut self.value_name, &format!("{base}{suffix}"));
            if self.value_name.ends_with(suffix) {
                let len = self.value_name.len() - suffix.len();
                self.base_name.clear();
                self.base_name.push_str(&self.value_name[..len]);
            }
        }
        self.quoted = !is_legacy_name(&self.base_name);
    }

    /// Writes the keyword and the name of the family. Text 0.0.4 names the series of counters and infos instead.
    fn metadata_start(&mut self, keyword: &str) {
        self.out.push_str(keyword);
        let name = if self.is_openmetrics() { &self.base_name } else { &self.value_name };
        if self.quoted {
            self.out.push('"');
            write_escaped(self.out, name, true);
            self.out.push('"');
        } else {
            self.out.push_str(name);
        }
        self.out.push(' ');
    }

    fn suffix(&self, part: Part) -> &'static str {
        let gauge = self.metric_type == MetricType::GaugeHistogram;
        match part {
            Part::Value => "",
            Part::Bucket => "_bucket",
            Part::Count if gauge => "_gcount",
            Part::Count => "_count",
            Part::Sum if gauge => "_gsum",
            Part::Sum => "_sum",
        }
    }

    /// Writes the name of a series. Returns whether a brace is open.
    fn series_start(&mut self, suffix: &str, is_value: bool) -> bool {
        let name = if is_value { &self.value_name } else { &self.base_name };
        if self.quoted {
            self.out.push_str("{\"");
            write_escaped(self.out, name, true);
        } else {
            self.out.push_str(name);
        }
        self.out.push_str(suffix);
        if self.quoted {
            self.out.push('"');
        }
        self.quoted
    }

    /// Writes what stands in front of a label. Returns that a brace is open now.
    fn next_label(&mut self, open: bool) -> bool {
        self.out.push(if open { ',' } else { '{' });
        true
    }

    fn close(&mut self, open: bool) {
        if open {
            self.out.push('}');
        }
    }

    fn sample_end(&mut self, mut open: bool, sample: &Sample<'_>) {
        let openmetrics = self.is_openmetrics();
        if let Some(bound) = sample.bound {
            open = self.next_label(open);
            self.out.push_str(if self.metric_type == MetricType::Summary { "quantile=\"" } else { "le=\"" });
            if openmetrics {
                write_openmetrics_float(self.out, bound);
            } else {
                write_float(self.out, bound);
            }
            self.out.push('"');
        }
        self.close(open);
        self.out.push(' ');
        match sample.value {
            Number::Count(count) => self.out.push_str(itoa::Buffer::new().format(count)),
            Number::Float(value) if openmetrics => write_openmetrics_float(self.out, value),
            Number::Float(value) => write_float(self.out, value),
        }
        if let Some(timestamp_ms) = sample.timestamp_ms {
            self.out.push(' ');
            if openmetrics {
                write_seconds(self.out, timestamp_ms);
            } else {
                push(self.out, format_args!("{timestamp_ms}"));
            }
        }
        if let Some(exemplar) = sample.exemplar.filter(|_| openmetrics) {
            self.out.push_str(" # {");
            for (idx, (name, value)) in exemplar.labels.iter().enumerate() {
                if idx > 0 {
                    self.out.push(',');
                }
                write_label(self.out, self.format.escaping, name, value);
            }
            self.out.push_str("} ");
            write_openmetrics_float(self.out, exemplar.value);
            if let Some(timestamp_ms) = exemplar.timestamp_ms {
                self.out.push(' ');
                write_seconds(self.out, timestamp_ms);
            }
        }
        self.out.push('\n');
    }
}

/// Renders labels as they stand between the braces, without the braces, so that a series that is written again and again renders its labels
/// once. The result fits every syntax with the same escaping scheme.
pub fn render_labels<'l>(
    out: &mut String,
    escaping: EscapingScheme,
    labels: impl IntoIterator<Item = (&'l str, &'l str)>,
) {
    for (idx, (name, value)) in labels.into_iter().enumerate() {
        if idx > 0 {
            out.push(',');
        }
        write_label(out, escaping, name, value);
    }
}

fn write_label(out: &mut String, escaping: EscapingScheme, name: &str, value: &str) {
    render_label_name(out, escaping, name);
    render_label_value(out, value);
}

/// Renders the name of a label and what stands between it and the value. With [`render_label_value`] behind it, this is one label of [`render_labels`].
pub fn render_label_name(out: &mut String, escaping: EscapingScheme, name: &str) {
    if is_legacy_label_name(name) && escaping != EscapingScheme::Dots {
        out.push_str(name);
    } else {
        let mut escaped = String::with_capacity(name.len());
        escaping.write_name(&mut escaped, name);
        if is_legacy_label_name(&escaped) {
            out.push_str(&escaped);
        } else {
            out.push('"');
            write_escaped(out, &escaped, true);
            out.push('"');
        }
    }
    out.push_str("=\"");
}

/// Renders the value of a label and the quote behind it.
pub fn render_label_value(out: &mut String, value: &str) {
    write_escaped(out, value, true);
    out.push('"');
}

/// Appends `text` with backslashes and newlines escaped, and quotes if they would end it.
fn write_escaped(out: &mut String, text: &str, escape_quotes: bool) {
    let mut rest = text;
    while let Some(idx) = memchr::memchr3(b'\\', b'\n', b'"', rest.as_bytes()) {
        let (plain, special) = rest.split_at(idx);
        out.push_str(plain);
        match special.as_bytes()[0] {
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            _ if escape_quotes => out.push_str("\\\""),
            _ => out.push('"'),
        }
        rest = &special[1..];
    }
    out.push_str(rest);
}

/// Writes milliseconds as seconds, exactly.
fn write_seconds(out: &mut String, timestamp_ms: i64) {
    let sign = if timestamp_ms < 0 { "-" } else { "" };
    let magnitude = timestamp_ms.unsigned_abs();
    push(out, format_args!("{sign}{}.{:03}", magnitude / 1000, magnitude % 1000));
}

fn text_type(metric_type: MetricType) -> &'static str {
    match metric_type {
        MetricType::Counter => "counter",
        MetricType::Gauge | MetricType::Info | MetricType::StateSet => "gauge",
        MetricType::Histogram | MetricType::GaugeHistogram => "histogram",
        MetricType::Summary => "summary",
        MetricType::Unknown => "untyped",
    }
}

fn push(out: &mut String, args: std::fmt::Arguments<'_>) {
    out.write_fmt(args).expect("BUG: writing to a string cannot fail");
}
