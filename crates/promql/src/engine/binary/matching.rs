use std::collections::HashMap;

use bellwether_model::{Labels, METRIC_NAME};

use crate::syntax::VectorMatching;

/// The series of both sides by the labels that they are matched on.
#[derive(Debug)]
pub(super) struct MatchGroups {
    /// For each series of the left side its group.
    pub(super) left: Vec<usize>,
    /// For each series of the right side its group.
    pub(super) right: Vec<usize>,
    pub(super) n_groups: usize,
}

impl MatchGroups {
    pub(super) fn new(left: &[Labels], right: &[Labels], matching: &VectorMatching) -> Self {
        let mut groups: HashMap<Labels, usize> = HashMap::new();
        let mut group_of = |labels: &Labels| {
            let next = groups.len();
            *groups.entry(matched_labels(labels, matching)).or_insert(next)
        };
        let left = left.iter().map(&mut group_of).collect();
        let right = right.iter().map(&mut group_of).collect();
        Self { left, right, n_groups: groups.len() }
    }

    /// The series of each group, in order.
    pub(super) fn members(&self, side: &[usize]) -> Vec<Vec<usize>> {
        let mut members = vec![Vec::new(); self.n_groups];
        for (series, group) in side.iter().enumerate() {
            members[*group].push(series);
        }
        members
    }
}

/// The labels on which a series is matched: those of `on`, or all but those of `ignoring` and the name.
pub(super) fn matched_labels(labels: &Labels, matching: &VectorMatching) -> Labels {
    let listed = |name: &str| matching.labels.iter().any(|l| l == name);
    if matching.on {
        labels.retain(|l| listed(l.name))
    } else {
        labels.retain(|l| l.name != METRIC_NAME && !listed(l.name))
    }
}
