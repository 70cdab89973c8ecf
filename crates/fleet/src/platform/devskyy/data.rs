use super::catalogue as c;
use crate::metrics::{Counter, Exporter, Gauge, HistogramId};
use crate::sim::{Cache, Dice};

/// Databases with the size of a host's pool: five connections per worker, two for reports.
pub(super) const DATABASES: [(&str, usize); 2] = [("devskyy", 20), ("analytics", 8)];
pub(super) const MAIN: usize = 0;
pub(super) const ANALYTICS: usize = 1;
const QUERY_TYPES: [&str; 4] = ["select", "insert", "update", "delete"];
pub(super) const SELECT: usize = 0;
pub(super) const INSERT: usize = 1;
pub(super) const UPDATE: usize = 2;
pub(super) const DELETE: usize = 3;
pub(super) const CACHES: [&str; 2] = ["products", "sessions"];
pub(super) const PRODUCTS: usize = 0;
pub(super) const SESSIONS: usize = 1;

pub(super) struct DataInstruments {
    /// Per database: active, idle, size.
    pools: [[Gauge; 3]; 2],
    query_duration: [[HistogramId; 4]; 2],
    /// Per database and type: worked, failed.
    queries: [[[Counter; 2]; 4]; 2],
    /// Per database: committed, rolled back.
    transactions: [[HistogramId; 2]; 2],
    /// Per cache: hits, misses, entries, bytes.
    caches: [(Counter, Counter, Gauge, Gauge); 2],
}

impl DataInstruments {
    pub(super) fn register(e: &mut Exporter) -> Self {
        Self {
            pools: DATABASES.map(|(it, _)| {
                [&c::DB_ACTIVE, &c::DB_IDLE, &c::DB_POOL_SIZE].map(|family| e.gauge(family, &[it]))
            }),
            query_duration: DATABASES
                .map(|(it, _)| QUERY_TYPES.map(|query| e.histogram(&c::DB_QUERY_DURATION, &[it, query]))),
            queries: DATABASES.map(|(it, _)| {
                QUERY_TYPES.map(|query| {
                    ["success", "error"].map(|status| e.counter(&c::DB_QUERIES, &[it, query, status]))
                })
            }),
            transactions: DATABASES.map(|(it, _)| {
                ["commit", "rollback"].map(|outcome| e.histogram(&c::DB_TRANSACTION_DURATION, &[it, outcome]))
            }),
            caches: CACHES.map(|it| {
                (
                    e.counter(&c::CACHE_HITS, &[it]),
                    e.counter(&c::CACHE_MISSES, &[it]),
                    e.gauge(&c::CACHE_SIZE, &[it]),
                    e.gauge(&c::CACHE_MEMORY, &[it]),
                )
            }),
        }
    }

    pub(super) fn queried(
        &self,
        e: &mut Exporter,
        database: usize,
        query_type: usize,
        seconds: f64,
        worked: bool,
    ) {
        e.observe(self.query_duration[database][query_type], seconds, None);
        e.inc(self.queries[database][query_type][usize::from(!worked)]);
    }

    pub(super) fn transaction_ended(&self, e: &mut Exporter, database: usize, seconds: f64, committed: bool) {
        e.observe(self.transactions[database][usize::from(!committed)], seconds, None);
    }

    pub(super) fn lookup(
        &self,
        e: &mut Exporter,
        cache_idx: usize,
        cache: &mut Cache,
        dice: &mut Dice,
    ) -> bool {
        let hit = cache.lookup(dice);
        let (hits, misses, ..) = self.caches[cache_idx];
        e.inc(if hit { hits } else { misses });
        hit
    }

    /// Sets the gauges of a pool: active, idle, size.
    pub(super) fn set_pool(&self, e: &mut Exporter, database: usize, values: [usize; 3]) {
        for (gauge, value) in self.pools[database].into_iter().zip(values) {
            e.set(gauge, value as f64);
        }
    }

    pub(super) fn set_caches(&self, e: &mut Exporter, caches: &[Cache; 2]) {
        for (cache, (_, _, entries, bytes)) in caches.iter().zip(self.caches) {
            e.set(entries, cache.entries as f64);
            e.set(bytes, cache.bytes());
        }
    }
}
