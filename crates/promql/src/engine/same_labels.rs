use std::collections::HashMap;

use bellwether_model::Labels;

use super::error::QueryError;
use super::operator::Rows;
use super::state::QueryState;

/// Joins rows that have the same labels, each in the place of the first. It is an error if two of them have a sample at the same step.
pub(crate) fn merge_same_labels(query: &QueryState, rows: Rows) -> Result<Rows, QueryError> {
    if !has_same_labels(&rows.labels) {
        return Ok(rows);
    }
    let mut merged = Rows::with_capacity(query, rows.len(), rows.block.n_steps())?;
    let mut places: HashMap<&Labels, usize> = HashMap::with_capacity(rows.len());
    for (labels, row) in rows.labels.iter().zip(rows.block.rows()) {
        if row.is_empty() {
            continue;
        }
        match places.get(labels) {
            None => {
                places.insert(labels, merged.len());
                merged.labels.push(labels.clone());
                merged.block.push_copy(row)?;
            }
            Some(place) => {
                if merged.block.row(*place).overlaps(row) {
                    return Err(same_labelset());
                }
                let mut target = merged.block.row_mut(*place);
                row.samples().try_for_each(|(step, sample)| target.set_sample(step, sample))?;
            }
        }
    }
    merged.block.settle()?;
    Ok(merged)
}

/// Whether any label set occurs twice.
pub(crate) fn has_same_labels(labels: &[Labels]) -> bool {
    let mut hashes: Vec<u128> = labels.iter().map(Labels::hash128).collect();
    hashes.sort_unstable();
    hashes.windows(2).any(|pair| pair[0] == pair[1])
}

/// The complaint that two samples of one step have the same labels.
pub(crate) fn same_labelset() -> QueryError {
    QueryError::execution("vector cannot contain metrics with the same labelset")
}
