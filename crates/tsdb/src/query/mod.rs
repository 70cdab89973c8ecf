//! Answering questions from head and parts.

mod part_index;
mod querier;
mod series_set;

pub(crate) use part_index::PartIndex;
pub(crate) use querier::StoreQuerier;
