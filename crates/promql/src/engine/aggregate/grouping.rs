use bellwether_model::{Labels, METRIC_NAME};

use crate::engine::error::QueryError;
use crate::engine::label_groups::{LabelGroups, Members};
use crate::engine::metadata_labels::METADATA_LABELS;
use crate::engine::plan::AggregatePlan;
use crate::engine::state::QueryState;

/// The groups of an aggregation, in the order in which they were met.
#[derive(Debug)]
pub(super) struct Groups {
    /// The labels of each group.
    pub(super) labels: Vec<Labels>,
    /// For each series its group.
    pub(super) of_series: Vec<usize>,
}

impl Groups {
    pub(super) fn new(
        query: &QueryState,
        series: &[Labels],
        plan: &AggregatePlan,
    ) -> Result<Self, QueryError> {
        if !plan.without && plan.grouping.is_empty() {
            query.keep(series.len().saturating_mul(size_of::<usize>()))?;
            let labels = if series.is_empty() { Vec::new() } else { vec![Labels::empty()] };
            return Ok(Self { labels, of_series: vec![0; series.len()] });
        }
        let mut groups = LabelGroups::new(query, series.len())?;
        let of_series: Result<_, QueryError> =
            series.iter().map(|labels| groups.of(labels, |l| stays(plan, l.name))).collect();
        Ok(Self { of_series: of_series?, labels: groups.into_labels() })
    }

    pub(super) fn len(&self) -> usize {
        self.labels.len()
    }

    /// The series of each group, in order.
    pub(super) fn members(&self) -> Members {
        Members::new(&self.of_series, self.len())
    }
}

/// The labels that a series has in common with its group.
pub(super) fn group_labels(labels: &Labels, plan: &AggregatePlan) -> Labels {
    labels.retain(|l| stays(plan, l.name))
}

/// Whether the members of a group have the label in common.
pub(super) fn stays(plan: &AggregatePlan, name: &str) -> bool {
    let listed = || plan.grouping.binary_search_by(|l| l.as_str().cmp(name)).is_ok();
    if plan.without { name != METRIC_NAME && !listed() } else { listed() }
}

/// Whether groups are told apart by labels that describe a metric.
pub(super) fn groups_by_metadata(plan: &AggregatePlan) -> bool {
    METADATA_LABELS.iter().any(|name| stays(plan, name))
}
