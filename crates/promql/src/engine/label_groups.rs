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

/// The series of each group, in order.
#[derive(Debug)]
pub(super) struct Members {
    /// Where the series of each group begin, and where those of the last one end.
    starts: Vec<usize>,
    series: Vec<usize>,
}

impl Members {
    /// From the group of each series.
    pub(super) fn new(group_of: &[usize], n_groups: usize) -> Self {
        let mut starts = vec![0; n_groups + 1];
        for group in group_of {
            starts[group + 1] += 1;
        }
        let mut before = 0;
        for start in &mut starts {
            before += *start;
            *start = before;
        }
        let mut next = starts.clone();
        let mut series = vec![0; group_of.len()];
        for (idx, group) in group_of.iter().enumerate() {
            series[next[*group]] = idx;
            next[*group] += 1;
        }
        Self { starts, series }
    }

    pub(super) fn of(&self, group: usize) -> &[usize] {
        &self.series[self.starts[group]..self.starts[group + 1]]
    }

    /// The groups in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[usize]> {
        self.starts.windows(2).map(|edge| &self.series[edge[0]..edge[1]])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_are_listed_by_group() {
        let members = Members::new(&[2, 0, 2, 3], 4);
        assert_eq!(members.iter().collect::<Vec<_>>(), [&[1][..], &[], &[0, 2], &[3]]);
        assert_eq!(members.of(2), [0, 2]);
        assert_eq!(Members::new(&[], 0).iter().count(), 0);
    }
}
