use bellwether_model::StorageError;

use crate::part::{Part, PartError};
use crate::select::LabelIndex;

/// The series of a part, for selection.
pub(crate) struct PartIndex<'a>(pub(crate) &'a Part);

impl LabelIndex for PartIndex<'_> {
    fn all(&self) -> Vec<u32> {
        (0..self.0.n_series()).collect()
    }

    fn with_value(&self, name: &str, value: &str, out: &mut Vec<u32>) -> Result<(), StorageError> {
        Ok(self.0.postings(name, value, out)?)
    }

    fn with_values(
        &self,
        name: &str,
        prefix: &str,
        accept: &mut dyn FnMut(&str) -> bool,
        out: &mut Vec<u32>,
    ) -> Result<(), StorageError> {
        let mut accepted = Vec::new();
        self.0.for_each_value(name, prefix, |ordinal, value| {
            if accept(value) {
                accepted.push(ordinal);
            }
            true
        })?;
        let lists = accepted.into_iter().try_for_each(|ordinal| self.0.postings_at(name, ordinal, out));
        lists.map_err(|e: PartError| e.into())
    }
}
