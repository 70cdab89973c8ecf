use bellwether_sdk::{CounterHandle, GaugeHandle, HistogramHandle};

use super::WORKED;
use crate::generated::devskyy as pack;
use crate::generated::devskyy::{Devskyy, Outcome, QueryType};
use crate::sim::{Cache, Dice};

/// Databases with the size of a host's pool: five connections per worker, two for reports.
pub(super) const DATABASES: [(&str, usize); 2] = [("devskyy", 20), ("analytics", 8)];
pub(super) const MAIN: usize = 0;
pub(super) const ANALYTICS: usize = 1;
/// Those that the simulation asks.
const QUERY_TYPES: [QueryType; 4] =
    [QueryType::Select, QueryType::Insert, QueryType::Update, QueryType::Delete];
pub(super) const CACHES: [&str; 2] = ["products", "sessions"];
pub(super) const PRODUCTS: usize = 0;
pub(super) const SESSIONS: usize = 1;

pub(super) struct DataInstruments {
    /// Per database: active, idle, size.
    pools: [[GaugeHandle; 3]; 2],
    /// Per database, by [`QueryType`].
    query_duration: [[HistogramHandle; 4]; 2],
    /// Per database and type: worked, failed.
    queries: [[[CounterHandle; 2]; 4]; 2],
    /// Per database: committed, rolled back.
    transactions: [[HistogramHandle; 2]; 2],
    caches: [CacheInstruments; 2],
}

struct CacheInstruments {
    hits: CounterHandle,
    misses: CounterHandle,
    entries: GaugeHandle,
    bytes: GaugeHandle,
}

impl DataInstruments {
    pub(super) fn of(devskyy: &Devskyy) -> Self {
        Self {
            pools: DATABASES.map(|(database, _)| {
                let labels = pack::DbConnectionsActiveLabels { database };
                [devskyy.db_connections_active, devskyy.db_connections_idle, devskyy.db_pool_size]
                    .map(|family| family.with(labels))
            }),
            query_duration: DATABASES.map(|(database, _)| {
                QUERY_TYPES.map(|query_type| {
                    let labels = pack::DbQueryDurationSecondsLabels { database, query_type };
                    devskyy.db_query_duration_seconds.with(labels)
                })
            }),
            queries: DATABASES.map(|(database, _)| {
                QUERY_TYPES.map(|query_type| {
                    WORKED.map(|status| {
                        devskyy.db_queries.with(pack::DbQueriesLabels { database, query_type, status })
                    })
                })
            }),
            transactions: DATABASES.map(|(database, _)| {
                [Outcome::Commit, Outcome::Rollback].map(|outcome| {
                    let labels = pack::DbTransactionDurationSecondsLabels { database, outcome };
                    devskyy.db_transaction_duration_seconds.with(labels)
                })
            }),
            caches: CACHES.map(|cache| {
                let labels = pack::CacheHitsLabels { cache };
                CacheInstruments {
                    hits: devskyy.cache_hits.with(labels),
                    misses: devskyy.cache_misses.with(labels),
                    entries: devskyy.cache_size.with(labels),
                    bytes: devskyy.cache_memory_bytes.with(labels),
                }
            }),
        }
    }

    pub(super) fn queried(&self, database: usize, query_type: QueryType, seconds: f64, worked: bool) {
        self.query_duration[database][query_type as usize].observe(seconds);
        self.queries[database][query_type as usize][usize::from(!worked)].inc();
    }

    pub(super) fn transaction_ended(&self, database: usize, seconds: f64, committed: bool) {
        self.transactions[database][usize::from(!committed)].observe(seconds);
    }

    pub(super) fn lookup(&self, cache_idx: usize, cache: &mut Cache, dice: &mut Dice) -> bool {
        let hit = cache.lookup(dice);
        let CacheInstruments { hits, misses, .. } = &self.caches[cache_idx];
        let counter = if hit { hits } else { misses };
        counter.inc();
        hit
    }

    /// Sets the gauges of a pool: active, idle, size.
    pub(super) fn set_pool(&self, database: usize, values: [usize; 3]) {
        for (gauge, value) in self.pools[database].into_iter().zip(values) {
            gauge.set(value as f64);
        }
    }

    pub(super) fn set_caches(&self, caches: &[Cache; 2]) {
        for (cache, instruments) in caches.iter().zip(&self.caches) {
            instruments.entries.set(cache.entries as f64);
            instruments.bytes.set(cache.bytes());
        }
    }
}
