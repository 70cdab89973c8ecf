use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::Labels;

/// All label names and values of a part, each with its place in the sorted list, before the part is written.
#[derive(Debug, Default)]
pub(crate) struct Dictionary {
    names: Vec<Box<str>>,
    /// Per name, sorted.
    values: Vec<Vec<Box<str>>>,
}

impl Dictionary {
    /// The names, sorted.
    pub(super) fn names(&self) -> &[Box<str>] {
        &self.names
    }

    /// The values of the name with that place, sorted.
    pub(super) fn values(&self, name: usize) -> &[Box<str>] {
        &self.values[name]
    }

    /// The places of a name and a value that were collected.
    pub(super) fn find(&self, name: &str, value: &str) -> Option<(u32, u32)> {
        let name = self.names.binary_search_by(|n| n.as_ref().cmp(name)).ok()?;
        let value = self.values[name].binary_search_by(|v| v.as_ref().cmp(value)).ok()?;
        Some((name as u32, value as u32))
    }
}

/// Collects the labels of all series that will be in a part.
#[derive(Debug, Default)]
pub(crate) struct DictionaryBuilder {
    names: BTreeMap<Box<str>, BTreeSet<Box<str>>>,
}

impl DictionaryBuilder {
    pub(crate) fn add(&mut self, labels: &Labels) {
        for label in labels {
            if !self.names.contains_key(label.name) {
                self.names.insert(label.name.into(), BTreeSet::new());
            }
            let values = self.names.get_mut(label.name).expect("BUG: the name was inserted above");
            if !values.contains(label.value) {
                values.insert(label.value.into());
            }
        }
    }

    pub(crate) fn finish(self) -> Dictionary {
        let mut dictionary = Dictionary::default();
        for (name, values) in self.names {
            dictionary.names.push(name);
            dictionary.values.push(values.into_iter().collect());
        }
        dictionary
    }
}

impl<'a> FromIterator<&'a Labels> for Dictionary {
    fn from_iter<T: IntoIterator<Item = &'a Labels>>(series: T) -> Self {
        let mut builder = DictionaryBuilder::default();
        for labels in series {
            builder.add(labels);
        }
        builder.finish()
    }
}
