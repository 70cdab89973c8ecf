use bellwether_model::{Label, Labels, LabelsScratch};
use hashbrown::HashTable;

/// Numbers the label sets that are left when some labels are taken away, in the order in which they are met. Known ones cost no allocation.
#[derive(Debug, Default)]
pub(super) struct LabelGroups {
    labels: Vec<Labels>,
    by_hash: HashTable<usize>,
    scratch: LabelsScratch,
}

impl LabelGroups {
    /// The number of what is left of `labels`.
    pub(super) fn of(&mut self, labels: &Labels, keep: impl FnMut(Label<'_>) -> bool) -> usize {
        let Self { labels: known, by_hash, scratch } = self;
        scratch.retain(labels, keep);
        let hash = scratch.hash64();
        if let Some(group) = by_hash.find(hash, |group| *scratch == known[*group]) {
            return *group;
        }
        let group = known.len();
        known.push(scratch.to_labels());
        by_hash.insert_unique(hash, group, |group| known[*group].hash64());
        group
    }

    pub(super) fn len(&self) -> usize {
        self.labels.len()
    }

    /// The label sets, by their numbers.
    pub(super) fn into_labels(self) -> Vec<Labels> {
        self.labels
    }
}
