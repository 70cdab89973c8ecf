use std::future::Future;

use crate::counter::Counter;
use crate::error::RegisterError;
use crate::histogram::Histogram;
use crate::registry::Registry;
use crate::track::{self, Status};
use crate::{LabelValue, Labels, MetricSet};

/// What a query does, by its first word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, LabelValue)]
#[expect(missing_docs, reason = "they are the words of SQL and Cypher")]
pub enum Verb {
    Select,
    Insert,
    Update,
    Delete,
    Merge,
    With,
    Match,
    Call,
    Create,
    Alter,
    Drop,
    Truncate,
    Begin,
    Commit,
    Rollback,
    /// Any other one.
    #[label(name = "_other")]
    Other,
}

impl Verb {
    const ALL: [Self; 15] = [
        Self::Select,
        Self::Insert,
        Self::Update,
        Self::Delete,
        Self::Merge,
        Self::With,
        Self::Match,
        Self::Call,
        Self::Create,
        Self::Alter,
        Self::Drop,
        Self::Truncate,
        Self::Begin,
        Self::Commit,
        Self::Rollback,
    ];

    /// The verb of a statement; comments and brackets in front of it are stepped over.
    ///
    /// ```
    /// use bellwether_sdk::domain::Verb;
    ///
    /// assert_eq!(Verb::of("-- all of them\n/* now */ (select 1)"), Verb::Select);
    /// assert_eq!(Verb::of("vacuum"), Verb::Other);
    /// ```
    pub fn of(statement: &str) -> Self {
        let mut rest = statement;
        loop {
            rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '(' || c == ';');
            let behind = if rest.starts_with("--") || rest.starts_with("//") {
                rest.split_once('\n')
            } else if rest.starts_with("/*") {
                rest.split_once("*/")
            } else {
                break;
            };
            rest = behind.map_or("", |(_, rest)| rest);
        }
        let end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let is_it = |verb: &Self| rest[..end].eq_ignore_ascii_case(Self::VALUES[verb.index()]);
        Self::ALL.into_iter().find(is_it).unwrap_or(Self::Other)
    }
}

#[derive(Labels)]
struct OfRun {
    operation: Verb,
    status: Status,
}

#[derive(Labels)]
struct OfOperation {
    operation: Verb,
}

#[derive(Debug, Clone, Copy, MetricSet)]
#[metrics(prefix = "db")]
struct Families {
    /// Queries that ended.
    queries: Counter<OfRun>,
    /// Time of a query.
    #[metric(unit = "seconds")]
    query_duration: Histogram<OfOperation>,
}

/// The queries of a service to its databases.
///
/// ```
/// use bellwether_sdk::Registry;
/// use bellwether_sdk::domain::{Queries, Verb};
///
/// let registry = Registry::new();
/// let queries = Queries::register(&registry)?;
/// let rows = queries.call(Verb::Select, || Ok::<u32, String>(7));
/// assert_eq!(rows, Ok(7));
/// assert!(registry.text().contains("db_queries_total{operation=\"select\",status=\"success\"} 1\n"));
/// # Ok::<(), bellwether_sdk::RegisterError>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Queries(Families);

/// Queries with the same verb inside of each other are one, whoever wraps whom.
const OPERATION: &str = "bellwether_sdk query";

impl Queries {
    /// Registers the families.
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        Families::register(registry).map(Self)
    }

    /// Runs a query that blocks.
    pub fn call<T, E>(&self, operation: Verb, query: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let record = self.record(operation);
        track::call(Self::key(operation), query, || (), |result| result.is_ok().into(), record)
    }

    /// Runs a query that is a future. If that is dropped, the query is `cancelled`.
    pub async fn track<T, E>(
        &self,
        operation: Verb,
        query: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let record = self.record(operation);
        track::future(Self::key(operation), query, || (), |result| result.is_ok().into(), record).await
    }

    /// A wrapper that runs the same query inside counts nothing a second time.
    fn key(operation: Verb) -> u64 {
        track::operation(OPERATION, &operation.index())
    }

    fn record(&self, operation: Verb) -> impl FnMut(Status, std::time::Duration) + use<> {
        let families = self.0;
        move |status, elapsed| {
            families.queries.with(OfRun { operation, status }).inc();
            families.query_duration.with(OfOperation { operation }).observe(elapsed.as_secs_f64());
        }
    }
}
