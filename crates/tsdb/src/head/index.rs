use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use bellwether_model::{Labels, StorageError};
use hashbrown::HashMap;

use crate::select::LabelIndex;

use super::SeriesId;

/// The label names and values of the series in the head, and which series have them.
///
/// Series are the numbers that the head gives them ([`super::SeriesId`]).
#[derive(Debug, Default)]
pub(crate) struct HeadIndex {
    /// All series, sorted.
    all: Vec<u32>,
    names: BTreeMap<Box<str>, BTreeMap<Box<str>, Vec<u32>>>,
    /// How many name/value pairs there are.
    n_pairs: usize,
}

impl HeadIndex {
    /// Adds a series.
    pub(crate) fn insert(&mut self, id: u32, labels: &Labels) {
        insert_sorted(&mut self.all, id);
        for label in labels {
            // Looking twice is cheaper than allocating a key that is usually there.
            if !self.names.contains_key(label.name) {
                self.names.insert(label.name.into(), BTreeMap::new());
            }
            let values = self.names.get_mut(label.name).expect("BUG: the name was inserted above");
            if let Some(list) = values.get_mut(label.value) {
                insert_sorted(list, id);
            } else {
                values.insert(label.value.into(), vec![id]);
                self.n_pairs += 1;
            }
        }
    }

    /// Removes series, given with their labels.
    pub(crate) fn remove(&mut self, gone: &[(u32, Labels)]) {
        let ids: BTreeSet<u32> = gone.iter().map(|(id, _)| *id).collect();
        self.all.retain(|id| !ids.contains(id));
        let mut pairs = BTreeSet::new();
        for (_, labels) in gone {
            pairs.extend(labels.iter().map(|l| (l.name, l.value)));
        }
        for (name, value) in pairs {
            let Some(values) = self.names.get_mut(name) else { continue };
            let Some(list) = values.get_mut(value) else { continue };
            list.retain(|id| !ids.contains(id));
            if list.is_empty() {
                values.remove(value);
                self.n_pairs -= 1;
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
    pub(crate) fn names(&self) -> impl Iterator<Item = (&str, &BTreeMap<Box<str>, Vec<u32>>)> {
        self.names.iter().map(|(name, values)| (name.as_ref(), values))
    }

    /// The values of a name with their series, sorted.
    pub(crate) fn values(&self, name: &str) -> Option<&BTreeMap<Box<str>, Vec<u32>>> {
        self.names.get(name)
    }

    /// The series that have the label, with the value if one is given; in no order.
    pub(crate) fn with_label(&self, name: &str, value: Option<&str>) -> Vec<u32> {
        let Some(values) = self.names.get(name) else { return Vec::new() };
        match value {
            Some(value) => values.get(value).cloned().unwrap_or_default(),
            None => values.values().flatten().copied().collect(),
        }
    }

    /// How many bytes of memory the index takes, roughly.
    pub(crate) fn memory(&self) -> usize {
        let lists = self.names.values().flatten();
        let lists: usize = lists.map(|(value, ids)| entry_memory(value, ids.capacity())).sum();
        lists + self.all.capacity() * 4
    }
}

/// Collects the series of many label sets before they are entered into an index: that way each name and value has to be put in its place only once.
#[derive(Debug, Default)]
pub(crate) struct IndexBuilder {
    all: Vec<u32>,
    names: HashMap<String, HashMap<String, Vec<u32>>>,
}

impl IndexBuilder {
    /// Adds a series.
    pub(crate) fn insert(&mut self, id: SeriesId, labels: &Labels) {
        self.all.push(id.0);
        for label in labels {
            let values = self.names.entry_ref(label.name).or_default();
            values.entry_ref(label.value).or_default().push(id.0);
        }
    }
}

impl HeadIndex {
    /// Enters the series that were collected, which the index does not have.
    pub(crate) fn extend(&mut self, built: IndexBuilder) {
        merge_lists(&mut self.all, built.all);
        for (name, values) in built.names {
            let known = self.names.entry(name.into()).or_default();
            let before = known.len();
            for (value, list) in values {
                merge_lists(known.entry(value.into()).or_default(), list);
            }
            self.n_pairs += known.len() - before;
        }
    }
}

fn merge_lists(list: &mut Vec<u32>, more: Vec<u32>) {
    if list.is_empty() {
        *list = more;
    } else {
        list.extend(more);
    }
    list.sort_unstable();
    list.shrink_to_fit();
}

/// How many bytes of memory a value takes with a list of so many series, roughly.
pub(crate) fn entry_memory(value: &str, n_series: usize) -> usize {
    value.len() + 64 + n_series * 4
}

fn insert_sorted(list: &mut Vec<u32>, id: u32) {
    match list.last() {
        // New series have the highest numbers, unless they take the place of one that is gone.
        Some(last) if *last >= id => {
            if let Err(at) = list.binary_search(&id) {
                list.insert(at, id);
            }
        }
        _ => list.push(id),
    }
}

impl LabelIndex for HeadIndex {
    fn all(&self) -> Vec<u32> {
        self.all.clone()
    }

    fn with_value(&self, name: &str, value: &str, out: &mut Vec<u32>) -> Result<(), StorageError> {
        if let Some(list) = self.names.get(name).and_then(|values| values.get(value)) {
            out.extend_from_slice(list);
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
                out.extend_from_slice(list);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    }
}
