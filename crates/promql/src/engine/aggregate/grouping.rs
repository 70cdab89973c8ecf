use std::collections::HashMap;

use bellwether_model::{Labels, METRIC_NAME};

use crate::engine::plan::AggregatePlan;

/// The groups of an aggregation, in the order in which they were met.
#[derive(Debug)]
pub(super) struct Groups {
    /// The labels of each group.
    pub(super) labels: Vec<Labels>,
    /// For each series its group.
    pub(super) of_series: Vec<usize>,
}

impl Groups {
    pub(super) fn new(series: &[Labels], plan: &AggregatePlan) -> Self {
        let mut known: HashMap<Labels, usize> = HashMap::new();
        let mut groups = Self { labels: Vec::new(), of_series: Vec::with_capacity(series.len()) };
        for labels in series {
            let projected = group_labels(labels, plan);
            let group = *known.entry(projected).or_insert_with_key(|projected| {
                groups.labels.push(projected.clone());
                groups.labels.len() - 1
            });
            groups.of_series.push(group);
        }
        groups
    }

    pub(super) fn len(&self) -> usize {
        self.labels.len()
    }

    /// The series of each group, in order.
    pub(super) fn members(&self) -> Vec<Vec<usize>> {
        let mut members = vec![Vec::new(); self.len()];
        for (series, group) in self.of_series.iter().enumerate() {
            members[*group].push(series);
        }
        members
    }
}

/// The labels that a series has in common with its group.
pub(super) fn group_labels(labels: &Labels, plan: &AggregatePlan) -> Labels {
    let listed = |name: &str| plan.grouping.binary_search_by(|l| l.as_str().cmp(name)).is_ok();
    if plan.without {
        labels.retain(|l| l.name != METRIC_NAME && !listed(l.name))
    } else if plan.grouping.is_empty() {
        Labels::empty()
    } else {
        labels.retain(|l| listed(l.name))
    }
}
