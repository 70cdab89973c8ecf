use bellwether_protobuf::Fields;

use crate::Escaped;
use crate::name::{continues_label_name, continues_metric_name, starts_label_name};
use crate::protobuf::{LabelFields, MetricSeries};

/// One sample: a series, its value and what else the exposition says about it. Borrowed from the exposition.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Series<'a> {
    identity: Identity<'a>,
    expected: bool,
    /// The value; any NaN is the one of [`NORMAL_NAN_BITS`](crate::NORMAL_NAN_BITS). Of a native histogram, the sum of the observations.
    pub value: f64,
    /// The time of the sample in milliseconds since the Unix epoch, if the target gives one.
    pub timestamp_ms: Option<i64>,
    /// When the series began to count, in milliseconds since the Unix epoch. Only a reader that was asked for it with
    /// [`CreatedHandling::StartTimestamp`](crate::CreatedHandling) knows it.
    pub start_timestamp_ms: Option<i64>,
    /// The exemplar of the sample.
    pub exemplar: Option<Exemplar<'a>>,
}

/// What a series is told by.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Identity<'a> {
    /// How a text format writes it.
    Text(&'a [u8]),
    /// The parts of the message that it comes from.
    Metric(MetricSeries<'a>),
}

impl<'a> Series<'a> {
    pub(crate) fn new(raw: &'a [u8], expected: bool, value: f64) -> Self {
        Self {
            identity: Identity::Text(raw),
            expected,
            value,
            timestamp_ms: None,
            start_timestamp_ms: None,
            exemplar: None,
        }
    }

    /// A sample of a protobuf exposition.
    pub(crate) fn of_metric(metric: MetricSeries<'a>, expected: bool, value: f64) -> Self {
        Self { identity: Identity::Metric(metric), ..Self::new(&[], expected, value) }
    }

    /// The series as a text format writes it: name and labels, escapes and blanks included. Empty for protobuf, which has no such place.
    pub fn raw(&self) -> &'a [u8] {
        match self.identity {
            Identity::Text(raw) => raw,
            Identity::Metric(_) => &[],
        }
    }

    /// Bytes that stand for the series, so that it can be looked up before any label is read: in expositions of one format the same bytes always
    /// mean the same series, and different formats have different bytes. They are those of [`raw`](Self::raw), or are put together in
    /// `scratch`, whose content is replaced.
    #[inline]
    pub fn key<'s>(&self, scratch: &'s mut Vec<u8>) -> &'s [u8]
    where
        'a: 's,
    {
        match &self.identity {
            Identity::Text(raw) => raw,
            Identity::Metric(metric) => {
                metric.write_key(scratch);
                scratch
            }
        }
    }

    /// Whether it is the series that [`Reader::next_expecting`](crate::Reader::next_expecting) was told to expect.
    pub fn is_expected(&self) -> bool {
        self.expected
    }

    /// The metric that a protobuf series is a part of.
    pub(crate) fn metric(&self) -> Option<&MetricSeries<'a>> {
        match &self.identity {
            Identity::Text(_) => None,
            Identity::Metric(metric) => Some(metric),
        }
    }

    /// The metric name, wherever it stands. In protobuf that is the name of the family, which the parts of histograms and summaries share.
    pub fn name(&self) -> Escaped<'a> {
        let raw = match self.identity {
            Identity::Text(raw) => raw,
            Identity::Metric(metric) => return Escaped::plain(metric.family),
        };
        let len = raw.iter().take_while(|b| continues_metric_name(**b)).count();
        if len > 0 {
            return Escaped::quoted(as_str(&raw[..len]));
        }
        Items::new(raw)
            .find_map(|item| match item {
                Item::Name(name) => Some(name),
                Item::Label(_) => None,
            })
            .unwrap_or(Escaped::quoted(""))
    }

    /// The labels in the order in which they are written, without the metric name. Names may repeat: the formats do not forbid it. The bounds of
    /// buckets and quantiles are no labels in protobuf.
    pub fn labels(&self) -> RawLabels<'a> {
        match self.identity {
            Identity::Text(raw) => RawLabels::of_text(raw),
            Identity::Metric(metric) => RawLabels::of_fields(Fields::new(metric.labels)),
        }
    }
}

/// An exemplar of a sample, borrowed from the exposition.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Exemplar<'a> {
    labels: ExemplarLabels<'a>,
    /// The observed value.
    pub value: f64,
    /// When it was observed, in milliseconds since the Unix epoch, if the target says so.
    pub timestamp_ms: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum ExemplarLabels<'a> {
    Text(&'a [u8]),
    Fields(Fields<'a>),
}

impl<'a> Exemplar<'a> {
    /// `raw_labels` is what stands from the opening brace on, up to and including the closing one.
    pub(crate) fn new(raw_labels: &'a [u8], value: f64) -> Self {
        Self { labels: ExemplarLabels::Text(raw_labels), value, timestamp_ms: None }
    }

    /// The exemplar of a protobuf exposition with the fields `message`.
    pub(crate) fn of_message(message: Fields<'a>, value: f64, timestamp_ms: Option<i64>) -> Self {
        Self { labels: ExemplarLabels::Fields(message), value, timestamp_ms }
    }

    /// The labels in the order in which they are written.
    pub fn labels(&self) -> RawLabels<'a> {
        match self.labels {
            ExemplarLabels::Text(raw) => RawLabels::of_text(raw),
            ExemplarLabels::Fields(message) => RawLabels::of_fields(message),
        }
    }
}

/// A label as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawLabel<'a> {
    /// The label name.
    pub name: Escaped<'a>,
    /// The label value.
    pub value: Escaped<'a>,
}

/// The labels of a series or an exemplar, found while iterating.
#[derive(Debug, Clone)]
pub struct RawLabels<'a> {
    source: LabelSource<'a>,
}

#[derive(Debug, Clone)]
enum LabelSource<'a> {
    Text(Items<'a>),
    Fields(LabelFields<'a>),
}

impl<'a> RawLabels<'a> {
    fn of_text(raw: &'a [u8]) -> Self {
        Self { source: LabelSource::Text(Items::new(raw)) }
    }

    fn of_fields(message: Fields<'a>) -> Self {
        Self { source: LabelSource::Fields(LabelFields::new(message)) }
    }
}

impl<'a> Iterator for RawLabels<'a> {
    type Item = RawLabel<'a>;

    fn next(&mut self) -> Option<RawLabel<'a>> {
        match &mut self.source {
            LabelSource::Text(items) => items.find_map(|item| match item {
                Item::Label(label) => Some(label),
                Item::Name(_) => None,
            }),
            LabelSource::Fields(fields) => fields.next(),
        }
    }
}

/// What stands between two commas of a label section.
#[derive(Debug, Clone, Copy)]
enum Item<'a> {
    /// A quoted metric name.
    Name(Escaped<'a>),
    Label(RawLabel<'a>),
}

/// Cuts a label section into items. The reader has accepted the section before, so this only has to find the borders, for both formats at
/// once; on bytes that no reader accepted, it ends early.
#[derive(Debug, Clone)]
struct Items<'a> {
    rest: &'a [u8],
}

impl<'a> Items<'a> {
    /// Starts behind the first brace of `raw`; a series without braces has no items.
    fn new(raw: &'a [u8]) -> Self {
        let open = memchr::memchr(b'{', raw).map_or(raw.len(), |idx| idx + 1);
        Self { rest: &raw[open..] }
    }

    /// Text 0.0.4 allows blanks anywhere and lets commas be missing; NUL bytes count as blanks where the tokenizer steps over them.
    fn skip(&mut self, separators: &[u8]) {
        let len = self.rest.iter().take_while(|b| separators.contains(b)).count();
        self.rest = &self.rest[len..];
    }

    fn take(&mut self, len: usize) -> Option<&'a str> {
        let (taken, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(as_str(taken))
    }

    /// The string whose opening quote comes next.
    fn take_quoted(&mut self) -> Option<&'a str> {
        self.rest = self.rest.strip_prefix(b"\"")?;
        let len = closing_quote(self.rest)?;
        let content = self.take(len)?;
        self.rest = &self.rest[1..];
        Some(content)
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = Item<'a>;

    fn next(&mut self) -> Option<Item<'a>> {
        const BLANKS: &[u8] = b" \t\0";
        self.skip(b", \t\0");
        let name = if starts_label_name(*self.rest.first()?) {
            let len = self.rest.iter().take_while(|b| continues_label_name(**b)).count();
            self.take(len)?
        } else {
            self.take_quoted()?
        };
        self.skip(BLANKS);
        let Some(rest) = self.rest.strip_prefix(b"=") else {
            return Some(Item::Name(Escaped::quoted(name)));
        };
        self.rest = rest;
        self.skip(BLANKS);
        let value = self.take_quoted()?;
        Some(Item::Label(RawLabel { name: Escaped::quoted(name), value: Escaped::quoted(value) }))
    }
}

/// The position of the first quote that no backslash precedes.
fn closing_quote(text: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let idx = from + memchr::memchr2(b'"', b'\\', text.get(from..)?)?;
        if text[idx] == b'"' {
            return Some(idx);
        }
        from = idx + 2;
    }
}

/// The reader has checked that names and values are UTF-8; bytes that no reader accepted count as empty.
fn as_str(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(raw: &str) -> Vec<(String, String)> {
        let labels = Series::new(raw.as_bytes(), false, 0.0).labels();
        labels.map(|l| (l.name.as_written().to_owned(), l.value.as_written().to_owned())).collect()
    }

    #[test]
    fn finds_names_and_labels() {
        let check = |raw: &str, name: &str, want: &[(&str, &str)]| {
            assert_eq!(Series::new(raw.as_bytes(), false, 0.0).name().as_written(), name, "{raw}");
            let got = labels(raw);
            let got: Vec<_> = got.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            assert_eq!(got, want, "{raw}");
        };
        check("up", "up", &[]);
        check("up{}", "up", &[]);
        check(r#"up{a="1",b="2"}"#, "up", &[("a", "1"), ("b", "2")]);
        check("up { a = \"1\"\tb= \"2\" , }", "up", &[("a", "1"), ("b", "2")]);
        check(r#"{"a.b","x y"="\"}{,",c=""}"#, "a.b", &[("x y", "\\\"}{,"), ("c", "")]);
        check(r#"{q="1","a.b",r="2"}"#, "a.b", &[("q", "1"), ("r", "2")]);
        check(r#"up{a="\\"}"#, "up", &[("a", "\\\\")]);
    }

    #[test]
    fn ends_early_on_what_no_reader_accepted() {
        assert!(labels("up{a=").is_empty());
        assert!(labels("up{a=\"x").is_empty());
        assert!(labels("up{a=\"x\\").is_empty());
        assert!(labels("up{+}").is_empty());
        assert_eq!(Series::new(b"{", false, 0.0).name().as_written(), "");
    }
}
