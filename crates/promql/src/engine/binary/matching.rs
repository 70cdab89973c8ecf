use bellwether_model::{Labels, METRIC_NAME};

use crate::engine::error::QueryError;
use crate::engine::label_groups::LabelGroups;
use crate::engine::state::QueryState;
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
    pub(super) fn new(
        query: &QueryState,
        left: &[Labels],
        right: &[Labels],
        matching: &VectorMatching,
    ) -> Result<Self, QueryError> {
        let mut groups = LabelGroups::new(query, left.len() + right.len())?;
        let mut group_of = |labels: &Labels| groups.of(labels, |l| is_matched(matching, l.name));
        let left = left.iter().map(&mut group_of).collect::<Result<_, _>>()?;
        let right = right.iter().map(&mut group_of).collect::<Result<_, _>>()?;
        Ok(Self { left, right, n_groups: groups.len() })
    }
}

/// The labels on which a series is matched: those of `on`, or all but those of `ignoring` and the name.
pub(super) fn matched_labels(labels: &Labels, matching: &VectorMatching) -> Labels {
    labels.retain(|l| is_matched(matching, l.name))
}

fn is_matched(matching: &VectorMatching, name: &str) -> bool {
    let listed = || matching.labels.iter().any(|l| l == name);
    if matching.on { listed() } else { name != METRIC_NAME && !listed() }
}
