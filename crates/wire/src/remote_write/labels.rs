use std::fmt::Write as _;
use std::ops::Range;

use bellwether_model::{Labels, METRIC_NAME};

use super::limits::WriteLimits;
use bellwether_protobuf::{Fields, WireError};

/// How much of an offending label set a message shows: labels, and bytes of each name and value.
const MAX_SHOWN_LABELS: usize = 16;
const MAX_SHOWN_BYTES: usize = 128;

/// The keys of the two strings of a label: field 1 and field 2, with a length.
const NAME_KEY: u8 = 1 << 3 | 2;
const VALUE_KEY: u8 = 2 << 3 | 2;

/// Where a label lies in the message.
#[derive(Debug, Clone)]
struct RawLabel {
    name: Range<usize>,
    value: Range<usize>,
}

/// Collects the labels of one series after the other, reusing its memory.
#[derive(Debug)]
pub(super) struct LabelCollector<'a> {
    message: &'a [u8],
    raw: Vec<RawLabel>,
    /// The labels of the series that is being built.
    pairs: Vec<(&'a str, &'a str)>,
    /// How many labels the series has, those beyond the limit included.
    n_labels: usize,
    /// The stretch of the message that holds the labels.
    stretch: Range<usize>,
}

impl<'a> LabelCollector<'a> {
    /// A collector for labels in `message`, the outermost one.
    pub(super) fn new(message: &'a [u8]) -> Self {
        Self { message, raw: Vec::new(), pairs: Vec::new(), n_labels: 0, stretch: 0..0 }
    }

    pub(super) fn clear(&mut self) {
        self.raw.clear();
        self.n_labels = 0;
    }

    /// Reads a label message. Labels beyond the limit are only counted, so that a series of a million empty labels takes no memory.
    #[inline]
    pub(super) fn push(&mut self, message: Fields<'a>, limits: &WriteLimits) -> Result<(), WireError> {
        let stretch = message.span();
        self.stretch = if self.n_labels == 0 { stretch } else { self.stretch.start..stretch.end };
        let label = match ordinary_label(message) {
            Some(label) => label,
            None => read_label(message)?,
        };
        self.n_labels += 1;
        if self.n_labels <= limits.max_labels_per_series {
            self.raw.push(label);
        }
        Ok(())
    }

    /// The labels of a series, or why it cannot be stored. Labels without a value are left out.
    pub(super) fn series(&mut self, limits: &WriteLimits) -> Result<Labels, String> {
        self.build_pairs(limits)?;
        if !self.pairs.iter().any(|(name, _)| *name == METRIC_NAME) {
            return Err(self.invalid());
        }
        Ok(Labels::from_sorted(self.pairs.iter().copied()))
    }

    /// The labels of an exemplar, which need no name.
    pub(super) fn exemplar(&mut self, limits: &WriteLimits) -> Result<Labels, String> {
        self.build_pairs(limits)?;
        Ok(Labels::from_sorted(self.pairs.iter().copied()))
    }

    fn build_pairs(&mut self, limits: &WriteLimits) -> Result<(), String> {
        if self.n_labels > limits.max_labels_per_series {
            return Err(format!(
                "series has {} labels, more than the {} allowed (labels per series), got {}",
                self.n_labels,
                limits.max_labels_per_series,
                self.shown()
            ));
        }
        self.put_in_order()?;
        let (text, text_start) = (self.text(), self.stretch.start);
        self.pairs.clear();
        for label in &self.raw {
            if label.name.is_empty() {
                return Err(self.invalid());
            }
            if label.name.len() > limits.max_name_bytes || label.value.len() > limits.max_value_bytes {
                return Err(self.too_long(label, limits));
            }
            if label.value.is_empty() {
                continue;
            }
            let piece =
                |range: &Range<usize>| match text.get(range.start - text_start..range.end - text_start) {
                    Some(piece) => Some(piece),
                    None => std::str::from_utf8(&self.message[range.clone()]).ok(),
                };
            let (Some(name), Some(value)) = (piece(&label.name), piece(&label.value)) else {
                return Err(self.invalid());
            };
            self.pairs.push((name, value));
        }
        Ok(())
    }

    /// Sorts the labels by name, unless they are sorted, and refuses repeated names.
    fn put_in_order(&mut self) -> Result<(), String> {
        let message = self.message;
        let name = |label: &RawLabel| &message[label.name.clone()];
        if self.raw.windows(2).all(|pair| name(&pair[0]) < name(&pair[1])) {
            return Ok(());
        }
        self.raw.sort_by(|a, b| name(a).cmp(name(b)));
        match self.raw.windows(2).find(|pair| name(&pair[0]) == name(&pair[1])) {
            Some(pair) => Err(format!(
                "invalid labels for series, labels {}, duplicated label {}",
                self.shown(),
                String::from_utf8_lossy(shorten(name(&pair[0])))
            )),
            None => Ok(()),
        }
    }

    /// The stretch of the message that holds the labels, as text. Labels usually stand together, and the bytes between their strings are
    /// ASCII as long as the strings are short, so one check replaces one for each string. If not, the text is empty and each string must
    /// be checked by itself.
    fn text(&self) -> &'a str {
        std::str::from_utf8(&self.message[self.stretch.clone()]).unwrap_or("")
    }

    #[cold]
    fn invalid(&self) -> String {
        format!("invalid metric name or labels, got {}", self.shown())
    }

    #[cold]
    fn too_long(&self, label: &RawLabel, limits: &WriteLimits) -> String {
        let (side, len, limit) = if label.name.len() > limits.max_name_bytes {
            ("name", label.name.len(), limits.max_name_bytes)
        } else {
            ("value", label.value.len(), limits.max_value_bytes)
        };
        format!(
            "label {side} of {len} bytes exceeds the limit of {limit} bytes (label {side} length), label {:?} in {}",
            String::from_utf8_lossy(shorten(&self.message[label.name.clone()])),
            self.shown()
        )
    }

    /// The labels as Prometheus prints them, shortened.
    fn shown(&self) -> String {
        let mut out = "{".to_owned();
        for (idx, label) in self.raw.iter().take(MAX_SHOWN_LABELS).enumerate() {
            let separator = if idx > 0 { ", " } else { "" };
            let shown = |range: &Range<usize>| String::from_utf8_lossy(shorten(&self.message[range.clone()]));
            let (name, value) = (shown(&label.name), shown(&label.value));
            write!(out, "{separator}{name}={value:?}").expect("BUG: writing to a string cannot fail");
        }
        out.push_str(if self.n_labels > MAX_SHOWN_LABELS { ", ...}" } else { "}" });
        out
    }
}

fn shorten(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.len().min(MAX_SHOWN_BYTES)]
}

/// A label as nearly every sender writes it: the name, then the value, both short.
#[inline]
fn ordinary_label(mut message: Fields<'_>) -> Option<RawLabel> {
    let name = message.next_short(NAME_KEY)?;
    let value = message.next_short(VALUE_KEY)?;
    message.is_empty().then(|| RawLabel { name: name.span(), value: value.span() })
}

/// `prometheus.Label`
fn read_label(mut message: Fields<'_>) -> Result<RawLabel, WireError> {
    let start = message.span().start;
    let mut label = RawLabel { name: start..start, value: start..start };
    while let Some(field) = message.next_field()? {
        match field.number {
            1 => label.name = field.span()?,
            2 => label.value = field.span()?,
            _ => {}
        }
    }
    Ok(label)
}
