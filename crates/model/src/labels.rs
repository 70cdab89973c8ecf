use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::name::is_legacy_label_name;
use crate::quote::write_go_quoted;

/// The label that carries the metric name.
pub const METRIC_NAME: &str = "__name__";

/// The length prefix of a string that needs the long form: 127, then four base-128 digits.
const LONG: u8 = 0x7f;
/// Room for a typical label set: ten labels of thirty bytes.
const TYPICAL_LEN: usize = 320;
/// Longest name or value the encoding can hold: four base-128 digits.
const MAX_LEN: usize = (1 << 28) - 1;

/// One label of a [`Labels`], borrowed from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Label<'a> {
    /// The label name, for instance `job`.
    pub name: &'a str,
    /// The label value; never empty, because an empty value means that the label is absent.
    pub value: &'a str,
}

/// A label set: name/value pairs sorted by the bytes of the name, each name at most once, no empty value.
///
/// The whole set is one shared allocation, so a clone is a reference count and equality is one comparison of
/// bytes. Each string is preceded by its length; the lengths are written as ASCII, so the allocation is valid UTF-8
/// and slicing it needs no `unsafe`. The empty set is no allocation at all, so that its clones share no count either.
#[derive(Clone)]
pub struct Labels(Option<Arc<str>>);

impl Labels {
    /// The empty label set.
    pub const fn empty() -> Self {
        Self(None)
    }

    /// `encoded` is what [`push_str`] wrote.
    fn from_encoded(encoded: &str) -> Self {
        Self((!encoded.is_empty()).then(|| Arc::from(encoded)))
    }

    fn encoded(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }

    /// Builds a label set from pairs in any order. Pairs with an empty value are left out; of pairs with the same name the last one
    /// wins.
    pub fn from_pairs<N: AsRef<str>, V: AsRef<str>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        let mut builder = LabelsBuilder::new();
        for (name, value) in pairs {
            builder.set(name.as_ref(), value.as_ref());
        }
        builder.build()
    }

    /// Builds a label set from pairs that are already sorted by name, unique and without empty values.
    ///
    /// This is the fast path of parsers and of the index; the order is checked in debug builds.
    pub fn from_sorted<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        // Nearly every label set fits, and growing step by step costs more than the labels.
        let mut buf = String::with_capacity(TYPICAL_LEN);
        #[cfg(debug_assertions)]
        let mut previous: Option<&str> = None;
        for (name, value) in pairs {
            #[cfg(debug_assertions)]
            {
                assert!(previous.is_none_or(|p| p < name), "BUG: label names out of order at {name:?}");
                assert!(!value.is_empty(), "BUG: label {name:?} has an empty value");
                previous = Some(name);
            }
            push_str(&mut buf, name);
            push_str(&mut buf, value);
        }
        Self::from_encoded(&buf)
    }

    /// The value of the label `name`, or `None` if the label set has no such label.
    pub fn get(&self, name: &str) -> Option<&str> {
        for label in self {
            match label.name.cmp(name) {
                Ordering::Less => {}
                Ordering::Equal => return Some(label.value),
                Ordering::Greater => return None,
            }
        }
        None
    }

    /// Whether the label set has a label `name`.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The metric name, or the empty string if there is none.
    pub fn metric_name(&self) -> &str {
        self.get(METRIC_NAME).unwrap_or("")
    }

    /// Whether there is no label at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The number of labels.
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// The labels in the order of their names.
    pub fn iter(&self) -> Iter<'_> {
        Iter { rest: self.encoded() }
    }

    /// A builder that starts with these labels.
    pub fn to_builder(&self) -> LabelsBuilder {
        LabelsBuilder { labels: self.iter().map(|l| (l.name.to_owned(), l.value.to_owned())).collect() }
    }

    /// A copy without the label `name`.
    #[must_use]
    pub fn without(&self, name: &str) -> Self {
        if self.has(name) { self.retain(|l| l.name != name) } else { self.clone() }
    }

    /// A copy without the metric name.
    #[must_use]
    pub fn without_metric_name(&self) -> Self {
        self.without(METRIC_NAME)
    }

    /// A copy with only the labels for which `keep` returns true.
    #[must_use]
    pub fn retain(&self, mut keep: impl FnMut(Label<'_>) -> bool) -> Self {
        let mut scratch = LabelsScratch(String::with_capacity(self.encoded().len()));
        scratch.retain(self, &mut keep);
        scratch.to_labels()
    }

    /// The canonical encoding: equal label sets, and only those, have equal bytes. It is the input of series hashes and is
    /// valid only inside one process; files have their own formats.
    pub fn as_bytes(&self) -> &[u8] {
        self.encoded().as_bytes()
    }

    /// XXH3-128 over the canonical encoding: the identity of a series across parts. A match must still be verified by comparing labels
    /// before two series are treated as one.
    pub fn hash128(&self) -> u128 {
        xxhash_rust::xxh3::xxh3_128(self.as_bytes())
    }

    /// XXH3-64 over the canonical encoding.
    pub fn hash64(&self) -> u64 {
        xxhash_rust::xxh3::xxh3_64(self.as_bytes())
    }
}

impl Default for Labels {
    fn default() -> Self {
        Self::empty()
    }
}

impl PartialEq for Labels {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b) || a == b,
            (None, None) => true,
            _ => false,
        }
    }
}

impl Eq for Labels {}

impl Hash for Labels {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.encoded().hash(state);
    }
}

/// Label sets compare label by label, name before value, as upstream sorts results.
impl Ord for Labels {
    fn cmp(&self, other: &Self) -> Ordering {
        self.iter().cmp(other.iter())
    }
}

impl PartialOrd for Labels {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<'a> IntoIterator for &'a Labels {
    type Item = Label<'a>;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl<N: AsRef<str>, V: AsRef<str>> FromIterator<(N, V)> for Labels {
    fn from_iter<T: IntoIterator<Item = (N, V)>>(iter: T) -> Self {
        Self::from_pairs(iter)
    }
}

/// Written as PromQL writes a series: `up{job="node"}`, with names that are not plain identifiers in quotes.
impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.metric_name();
        let plain = !name.is_empty() && crate::name::is_legacy_metric_name(name);
        if plain {
            f.write_str(name)?;
            if self.len() == 1 {
                return Ok(());
            }
        }
        f.write_str("{")?;
        let mut first = true;
        if !plain && !name.is_empty() {
            write_go_quoted(f, name.as_bytes())?;
            first = false;
        }
        for label in self.iter().filter(|l| l.name != METRIC_NAME) {
            if !first {
                f.write_str(", ")?;
            }
            first = false;
            if is_legacy_label_name(label.name) {
                f.write_str(label.name)?;
            } else {
                write_go_quoted(f, label.name.as_bytes())?;
            }
            f.write_str("=")?;
            write_go_quoted(f, label.value.as_bytes())?;
        }
        f.write_str("}")
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The labels of a [`Labels`] in the order of their names.
#[derive(Debug, Clone)]
pub struct Iter<'a> {
    rest: &'a str,
}

impl<'a> Iter<'a> {
    fn take(&mut self) -> Option<&'a str> {
        let bytes = self.rest.as_bytes();
        let first = *bytes.first()?;
        let (start, len) = if first < LONG {
            (1, usize::from(first))
        } else {
            (5, bytes[1..5].iter().fold(0, |n, d| (n << 7) | usize::from(*d)))
        };
        let s = &self.rest[start..start + len];
        self.rest = &self.rest[start + len..];
        Some(s)
    }
}

/// Memory in which a label set is put together that may turn out to be known already, so that only new ones are allocated.
///
/// ```
/// use bellwether_model::{Labels, LabelsScratch};
///
/// let up = Labels::from_pairs([("__name__", "up"), ("job", "node")]);
/// let mut scratch = LabelsScratch::default();
/// scratch.retain(&up, |label| label.name == "job");
/// assert_eq!(scratch.to_labels(), Labels::from_pairs([("job", "node")]));
/// ```
#[derive(Debug, Clone, Default)]
pub struct LabelsScratch(String);

impl LabelsScratch {
    /// Replaces the content with the labels for which `keep` returns true.
    pub fn retain(&mut self, labels: &Labels, mut keep: impl FnMut(Label<'_>) -> bool) {
        self.0.clear();
        let mut iter = labels.iter();
        loop {
            let before = iter.rest;
            let Some(label) = iter.next() else { return };
            if keep(label) {
                // The encoding of a label does not depend on its neighbours.
                self.0.push_str(&before[..before.len() - iter.rest.len()]);
            }
        }
    }

    /// The hash that [`Labels::hash64`] has for the same labels.
    pub fn hash64(&self) -> u64 {
        xxhash_rust::xxh3::xxh3_64(self.0.as_bytes())
    }

    /// The content as a label set.
    pub fn to_labels(&self) -> Labels {
        Labels::from_encoded(&self.0)
    }
}

impl PartialEq<Labels> for LabelsScratch {
    fn eq(&self, labels: &Labels) -> bool {
        self.0 == labels.encoded()
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = Label<'a>;

    fn next(&mut self) -> Option<Label<'a>> {
        let name = self.take()?;
        let value = self.take()?;
        Some(Label { name, value })
    }
}

fn push_str(buf: &mut String, s: &str) {
    let len = s.len();
    assert!(len <= MAX_LEN, "BUG: label of {len} bytes; limits are checked where labels enter");
    if len < usize::from(LONG) {
        buf.push(char::from(len as u8));
    } else {
        buf.push(char::from(LONG));
        for shift in [21, 14, 7, 0] {
            buf.push(char::from(((len >> shift) & 0x7f) as u8));
        }
    }
    buf.push_str(s);
}

/// Collects labels in any order and builds a [`Labels`].
#[derive(Debug, Clone, Default)]
pub struct LabelsBuilder {
    /// Sorted by name, unique, no empty values.
    labels: Vec<(String, String)>,
}

impl LabelsBuilder {
    /// An empty builder.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the label `name`; an empty value removes it.
    pub fn set(&mut self, name: &str, value: &str) -> &mut Self {
        match self.find(name) {
            Ok(idx) if value.is_empty() => {
                self.labels.remove(idx);
            }
            Ok(idx) => {
                value.clone_into(&mut self.labels[idx].1);
            }
            Err(_) if value.is_empty() => {}
            Err(idx) => self.labels.insert(idx, (name.to_owned(), value.to_owned())),
        }
        self
    }

    /// Removes the label `name`, if it is there.
    pub fn remove(&mut self, name: &str) -> &mut Self {
        if let Ok(idx) = self.find(name) {
            self.labels.remove(idx);
        }
        self
    }

    /// Keeps only the labels for which `keep` returns true.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &str) -> bool) -> &mut Self {
        self.labels.retain(|(n, v)| keep(n, v));
        self
    }

    /// The value of the label `name`, or `None`.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.find(name).ok().map(|idx| self.labels[idx].1.as_str())
    }

    /// The labels in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = Label<'_>> {
        self.labels.iter().map(|(name, value)| Label { name, value })
    }

    /// Whether there is no label.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The number of labels.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// The label set.
    pub fn build(&self) -> Labels {
        if self.labels.is_empty() {
            return Labels::empty();
        }
        Labels::from_sorted(self.labels.iter().map(|(n, v)| (n.as_str(), v.as_str())))
    }

    fn find(&self, name: &str) -> Result<usize, usize> {
        self.labels.binary_search_by(|(n, _)| n.as_str().cmp(name))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sorts_and_drops_empty_values() {
        let labels = Labels::from_pairs([("b", "2"), ("a", "1"), ("c", ""), ("a", "3")]);
        let pairs: Vec<_> = labels.iter().map(|l| (l.name, l.value)).collect();
        assert_eq!(pairs, [("a", "3"), ("b", "2")]);
        assert_eq!(labels.get("c"), None);
        assert_eq!(labels.len(), 2);
    }

    #[test]
    fn writes_as_promql() {
        let check = |pairs: &[(&str, &str)], want: &str| {
            assert_eq!(Labels::from_pairs(pairs.iter().copied()).to_string(), want);
        };
        check(&[], "{}");
        check(&[("__name__", "up")], "up");
        check(&[("__name__", "up"), ("job", "a\"b\n")], r#"up{job="a\"b\n"}"#);
        check(&[("__name__", "a.b"), ("x.y", "1"), ("z", "2")], r#"{"a.b", "x.y"="1", z="2"}"#);
        check(&[("job", "x")], r#"{job="x"}"#);
    }

    #[test]
    fn orders_by_name_then_value_then_length() {
        let l = |pairs: &[(&str, &str)]| Labels::from_pairs(pairs.iter().copied());
        assert!(l(&[("a", "1")]) < l(&[("a", "2")]));
        assert!(l(&[("a", "2")]) < l(&[("b", "1")]));
        assert!(l(&[("a", "1")]) < l(&[("a", "1"), ("b", "1")]));
        // The long form of the length prefix must not disturb the order.
        assert!(l(&[("a", &"x".repeat(300))]) < l(&[("a", "y")]));
    }

    proptest! {
        #[test]
        fn holds_what_it_was_given(pairs in proptest::collection::btree_map(".{0,200}", ".{1,200}", 0..12)) {
            let labels = Labels::from_pairs(pairs.iter());
            let back: Vec<_> = labels.iter().map(|l| (l.name.to_owned(), l.value.to_owned())).collect();
            let want: Vec<_> = pairs.clone().into_iter().collect();
            prop_assert_eq!(back, want);
            for (n, v) in &pairs {
                prop_assert_eq!(labels.get(n), Some(v.as_str()));
            }
            prop_assert_eq!(labels.to_builder().build(), labels);
        }

        #[test]
        fn order_is_that_of_the_pairs(
            a in proptest::collection::btree_map("[a-c]{1,2}", "[a-c]{1,130}", 0..4),
            b in proptest::collection::btree_map("[a-c]{1,2}", "[a-c]{1,130}", 0..4),
        ) {
            let want = a.iter().cmp(b.iter());
            prop_assert_eq!(Labels::from_pairs(&a).cmp(&Labels::from_pairs(&b)), want);
        }
    }
}
