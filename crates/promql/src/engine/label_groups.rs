use bellwether_model::{Label, Labels, LabelsScratch};
use hashbrown::HashTable;

use super::error::QueryError;
use super::pacer::{CELLS_PER_LABEL_SET, Pacer};
use super::state::QueryState;

/// For each series its group, and its place among the members of the group.
const BYTES_PER_SERIES: usize = 16;
/// A list of members.
const BYTES_PER_GROUP: usize = 32;

/// Numbers the label sets that are left when some labels are taken away, in the order in which they are met. Known ones cost no allocation.
pub(super) struct LabelGroups<'a> {
    query: &'a QueryState,
    pacer: Pacer,
    labels: Vec<Labels>,
    by_hash: HashTable<usize>,
    scratch: LabelsScratch,
}

impl<'a> LabelGroups<'a> {
    /// No group yet; memory for so many series is set aside.
    pub(super) fn new(query: &'a QueryState, n_series: usize) -> Result<Self, QueryError> {
        query.keep(n_series.saturating_mul(BYTES_PER_SERIES))?;
        Ok(Self {
            query,
            pacer: Pacer::new(&query.context),
            labels: Vec::new(),
            by_hash: HashTable::default(),
            scratch: LabelsScratch::default(),
        })
    }

    /// The number of what is left of `labels`.
    pub(super) fn of(
        &mut self,
        labels: &Labels,
        keep: impl FnMut(Label<'_>) -> bool,
    ) -> Result<usize, QueryError> {
        let Self { query, pacer, labels: known, by_hash, scratch } = self;
        pacer.work(CELLS_PER_LABEL_SET)?;
        scratch.retain(labels, keep);
        let hash = scratch.hash64();
        if let Some(group) = by_hash.find(hash, |group| *scratch == known[*group]) {
            return Ok(*group);
        }
        let group = known.len();
        let labels = scratch.to_labels();
        query.keep_labels(&labels)?;
        query.keep(BYTES_PER_GROUP)?;
        known.push(labels);
        by_hash.insert_unique(hash, group, |group| known[*group].hash64());
        Ok(group)
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
