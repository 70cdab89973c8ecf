use bellwether_model::{QueryInterrupt, StorageError};

use crate::syntax::{DurationError, ParseErrors, TextSpan};

/// Why a query has no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QueryError {
    /// The query is not valid PromQL.
    #[error(transparent)]
    Parse(#[from] ParseErrors),
    /// A request parameter is not acceptable.
    #[error("invalid parameter {name:?}: {reason}")]
    Parameter {
        /// The name that the parameter has in the HTTP API.
        name: &'static str,
        /// What is wrong with its value.
        reason: String,
    },
    /// The query cannot be evaluated with the given data or times. The messages are those of Prometheus.
    #[error("{0}")]
    Execution(String),
    /// The time of the query is used up.
    #[error("query timed out in {during}")]
    TimedOut {
        /// What was going on.
        during: &'static str,
    },
    /// The client left or an operator killed the query.
    #[error("query was canceled in {during}")]
    Cancelled {
        /// What was going on.
        during: &'static str,
    },
    /// The query would hold more samples at once than the limit allows.
    #[error("query processing would load too many samples into memory in {during}")]
    TooManySamples {
        /// What was going on.
        during: &'static str,
    },
    /// The query, or all queries together, would use more memory than they may.
    #[error("{0}")]
    Memory(QueryInterrupt),
    /// The store could not answer.
    #[error("expanding series: {0}")]
    Storage(#[source] StorageError),
}

impl QueryError {
    pub(crate) fn execution(message: impl Into<String>) -> Self {
        Self::Execution(message.into())
    }
}

const EVALUATION: &str = "expression evaluation";

impl From<QueryInterrupt> for QueryError {
    fn from(interrupt: QueryInterrupt) -> Self {
        match interrupt {
            QueryInterrupt::Cancelled => Self::Cancelled { during: EVALUATION },
            QueryInterrupt::TimedOut(_) => Self::TimedOut { during: EVALUATION },
            memory => Self::Memory(memory),
        }
    }
}

impl From<StorageError> for QueryError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Interrupted(interrupt) => interrupt.into(),
            other => Self::Storage(other),
        }
    }
}

/// The place is given as Prometheus does: as the first and the last byte of the duration.
impl From<DurationError> for QueryError {
    fn from(error: DurationError) -> Self {
        let (DurationError::NotPositive { span }
        | DurationError::OutOfRange { span }
        | DurationError::DivisionByZero { span }
        | DurationError::ModuloByZero { span }) = error;
        let TextSpan { start, end } = span;
        Self::Execution(format!("{start}:{end}: {error}"))
    }
}
