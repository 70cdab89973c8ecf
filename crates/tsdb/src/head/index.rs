use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use bellwether_model::{Labels, StorageError};
use hashbrown::HashMap;

use crate::select::LabelIndex;

use super::SeriesId;
use super::postings::{IdSet, Postings};

/// The label names and values of the series in the head, and which series have them.
///
/// Series are the numbers that the head gives them ([`super::SeriesId`]).
#[derive(Debug, Default)]
pub(crate) struct HeadIndex {
    all: IdSet,
    names: BTreeMap<Box<str>, BTreeMap<Box<str>, Postings>>,
    /// How many name/value pairs there are.
    n_pairs: usize,
    /// Bytes of their values.
    value_bytes: usize,
    /// How many series the pairs have, taken together.
    n_entries: usize,
}

impl HeadIndex {
    /// Adds a series.
    pub(crate) fn insert(&mut self, id: u32, labels: &Labels) {
        self.all.insert(id);
        for label in labels {
            // Looking twice is cheaper than allocating a key that is usually there.
            if !self.names.contains_key(label.name) {
                self.names.insert(label.name.into(), BTreeMap::new());
            }
            let values = self.names.get_mut(label.name).expect("BUG: the name was inserted above");
            if let Some(list) = values.get_mut(label.value) {
                list.insert(id);
            } else {
                values.insert(label.value.into(), Postings::from(vec![id]));
                self.n_pairs += 1;
                self.value_bytes += label.value.len();
            }
            self.n_entries += 1;
        }
    }

    /// Removes series, given with their labels.
    pub(crate) fn remove(&mut self, gone: &[(u32, Labels)]) {
        let mut ids: Vec<u32> = gone.iter().map(|(id, _)| *id).collect();
        ids.sort_unstable();
        for id in &ids {
            self.all.remove(*id);
        }
        let mut pairs = BTreeSet::new();
        for (_, labels) in gone {
            pairs.extend(labels.iter().map(|l| (l.name, l.value)));
            self.n_entries = self.n_entries.saturating_sub(labels.len());
        }
        for (name, value) in pairs {
            let Some(values) = self.names.get_mut(name) else { continue };
            let Some(list) = values.get_mut(value) else { continue };
            list.remove(&ids);
            if list.is_empty() {
                values.remove(value);
                self.n_pairs -= 1;
                self.value_bytes -= value.len();
                if values.is_empty() {
                    self.names.remove(name);
                }
            }
        }
    }

    /// How many different name/value pairs there are.
    pub(crate) fn n_pairs(&self) -> usize {
        self.n_pairs
    }

    /// The names with their values, sorted; each value with its series.
    pub(crate) fn names(&self) -> impl Iterator<Item = (&str, &BTreeMap<Box<str>, Postings>)> {
        self.names.iter().map(|(name, values)| (name.as_ref(), values))
    }

    /// The values of a name with their series, sorted.
    pub(crate) fn values(&self, name: &str) -> Option<&BTreeMap<Box<str>, Postings>> {
        self.names.get(name)
    }

    /// The series that have the label, with the value if one is given; in no order.
    pub(crate) fn with_label(&self, name: &str, value: Option<&str>) -> Vec<u32> {
        let mut ids = Vec::new();
        let Some(values) = self.names.get(name) else { return ids };
        match value {
            Some(value) => values.get(value).into_iter().for_each(|list| list.read(&mut ids)),
            None => values.values().for_each(|list| list.read(&mut ids)),
        }
        ids
    }

    /// How many bytes of memory the index takes, roughly. Looks at no list.
    pub(crate) fn memory(&self) -> usize {
        self.value_bytes + self.n_pairs * PAIR_BYTES + self.n_entries * 5 / 4 + self.all.memory()
    }
}

/// Collects the series of many label sets before they are entered into an index: that way each name and value has to be put in its place only once.
#[derive(Debug, Default)]
pub(crate) struct IndexBuilder {
    all: IdSet,
    names: HashMap<String, HashMap<String, Vec<u32>>>,
}

impl IndexBuilder {
    /// Adds a series.
    pub(crate) fn insert(&mut self, id: SeriesId, labels: &Labels) {
        self.all.insert(id.0);
        for label in labels {
            let values = self.names.entry_ref(label.name).or_default();
            values.entry_ref(label.value).or_default().push(id.0);
        }
    }
}

impl HeadIndex {
    /// Enters the series that were collected, which the index does not have.
    pub(crate) fn extend(&mut self, built: IndexBuilder) {
        self.all.extend(&built.all);
        for (name, values) in built.names {
            let known = self.names.entry(name.into()).or_default();
            let before = known.len();
            for (value, list) in values {
                self.n_entries += list.len();
                let len = value.len();
                let list_of_value = known.entry(value.into()).or_insert_with(|| {
                    self.value_bytes += len;
                    Postings::default()
                });
                list_of_value.extend(list);
            }
            self.n_pairs += known.len() - before;
        }
    }
}

/// What a value and its list take in the index besides their content, roughly.
const PAIR_BYTES: usize = 64;

/// How many bytes of memory a value takes with a list of so many series, roughly.
pub(crate) fn entry_memory(value: &str, n_series: usize) -> usize {
    value.len() + PAIR_BYTES + n_series * 5 / 4
}

impl LabelIndex for HeadIndex {
    fn all(&self) -> Vec<u32> {
        self.all.ids()
    }

    fn with_value(&self, name: &str, value: &str, out: &mut Vec<u32>) -> Result<(), StorageError> {
        if let Some(list) = self.names.get(name).and_then(|values| values.get(value)) {
            list.read(out);
        }
        Ok(())
    }

    fn with_values(
        &self,
        name: &str,
        prefix: &str,
        accept: &mut dyn FnMut(&str) -> bool,
        out: &mut Vec<u32>,
    ) -> Result<(), StorageError> {
        let Some(values) = self.names.get(name) else { return Ok(()) };
        let range = values.range::<str, _>((Bound::Included(prefix), Bound::Unbounded));
        for (value, list) in range.take_while(|(value, _)| value.starts_with(prefix)) {
            if accept(value) {
                list.read(out);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_about_that_of_the_lists() {
        let mut index = HeadIndex::default();
        let mut built = IndexBuilder::default();
        for id in 0..20_000 {
            let labels = Labels::from_pairs([
                ("__name__", format!("metric_{}", id % 37)),
                ("instance", format!("host-{}:9100", id / 500)),
                ("job", "node".to_owned()),
            ]);
            if id < 10_000 {
                index.insert(id, &labels);
            } else {
                built.insert(SeriesId(id), &labels);
            }
        }
        index.extend(built);
        let lists = index.names.values().flatten();
        let lists: usize = lists.map(|(value, list)| value.len() + PAIR_BYTES + list.memory()).sum();
        let (memory, lists) = (index.memory(), lists + index.all.memory());
        assert!(lists * 9 / 10 < memory && memory < lists * 11 / 10, "{memory} {lists}");
    }

    #[test]
    fn forgets_what_no_series_has() {
        let labels = |a: &str, b: &str| Labels::from_pairs([("a", a), ("b", b)]);
        let mut index = HeadIndex::default();
        for (id, l) in
            [(5, labels("x", "1")), (3, labels("x", "2")), (9, labels("y", "1")), (3, labels("x", "2"))]
        {
            index.insert(id, &l);
        }
        assert_eq!((index.all(), index.n_pairs()), (vec![3, 5, 9], 4));
        let mut out = Vec::new();
        index.with_value("a", "x", &mut out).expect("in memory");
        assert_eq!(out, [3, 5]);
        index.remove(&[(3, labels("x", "2")), (9, labels("y", "1"))]);
        assert_eq!((index.all(), index.n_pairs()), (vec![5], 2));
        index.remove(&[(5, labels("x", "1"))]);
        assert_eq!(index.names().count(), 0);
        assert_eq!((index.value_bytes, index.n_entries), (0, 2), "of the one that was entered twice");
    }
}
