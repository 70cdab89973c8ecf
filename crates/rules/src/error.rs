use std::path::PathBuf;

use bellwether_model::{AppendError, Rejection};
use bellwether_promql::engine::QueryError;

/// Why rule files could not be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RuleFileError {
    /// The file cannot be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The file is not a valid rule file; every problem is listed with its place.
    #[error(transparent)]
    Invalid(#[from] bellwether_yaml::Errors),
}

/// Why a rule could not be evaluated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvalError {
    /// The expression failed.
    #[error("{0}")]
    Query(#[from] QueryError),
    /// The expression yields something that a rule cannot store.
    #[error("rule result is not a vector or scalar")]
    NotAVector,
    /// Two elements of the result have the same labels after the rule's own labels were applied.
    #[error("vector contains metrics with the same labelset after applying {0} labels")]
    DuplicateLabels(&'static str),
    /// More results than the group allows.
    #[error("exceeded limit of {limit} with {got} {what}")]
    Limit {
        /// The limit of the group.
        limit: usize,
        /// How many there are.
        got: usize,
        /// `series` or `alerts`.
        what: &'static str,
    },
    /// The store refused some of the results.
    #[error("{refused} of {of} samples were not stored, the first because of: {first}")]
    Refused {
        /// How many.
        refused: usize,
        /// Of how many.
        of: usize,
        /// Why the first of them.
        first: Rejection,
    },
    /// The results could not be stored.
    #[error("storing the results: {0}")]
    Append(#[from] AppendError),
}
