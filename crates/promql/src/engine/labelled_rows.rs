use bellwether_model::{Labels, Value};
use hashbrown::HashMap;

use super::error::QueryError;
use super::operator::{Operator, Rows};
use super::same_labels::same_labelset;
use super::state::QueryState;

/// Rows that are found by their labels, for operations whose result labels depend on the data.
#[derive(Debug)]
pub(super) struct LabelledRows {
    rows: Rows,
    places: HashMap<Labels, usize>,
}

impl LabelledRows {
    pub(super) fn new(query: &QueryState, n_steps: usize) -> Result<Self, QueryError> {
        Ok(Self { rows: Rows::with_capacity(query, 0, n_steps)?, places: HashMap::new() })
    }

    /// The row with these labels; a new one gets the given flag.
    pub(super) fn place(
        &mut self,
        query: &QueryState,
        labels: &Labels,
        drop_name: bool,
    ) -> Result<usize, QueryError> {
        if let Some(place) = self.places.get(labels) {
            return Ok(*place);
        }
        query.keep_labels(labels)?;
        let place = self.rows.len();
        self.rows.labels.push(labels.clone());
        self.rows.block.push_row()?.set_drop_name(drop_name);
        self.places.insert(labels.clone(), place);
        Ok(place)
    }

    /// Puts a sample into a row; it is an error if the row has one at this step.
    pub(super) fn put(&mut self, place: usize, step: usize, value: Value) -> Result<(), QueryError> {
        if self.rows.block.row(place).sample(step).is_some() {
            return Err(same_labelset());
        }
        self.rows.block.row_mut(place).set(step, value)
    }

    /// The rows, to be changed in place.
    pub(super) fn rows_mut(&mut self) -> &mut Rows {
        &mut self.rows
    }

    pub(super) fn into_rows(mut self) -> Result<Rows, QueryError> {
        self.rows.block.settle()?;
        Ok(self.rows)
    }

    pub(super) fn into_operator(self) -> Result<Box<dyn Operator>, QueryError> {
        Ok(self.into_rows()?.into_operator())
    }
}
