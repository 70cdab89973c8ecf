use bellwether_sdk::{CounterHandle, GaugeHandle, HistogramHandle, Registry, StateSetHandle};

use crate::generated::causal as pack;
use crate::generated::causal::{Causal, CircuitBreaker, Method};
use crate::metrics::{Trace, observe};
use crate::sim::{Breaker, BreakerState, Cache, Dice, Pool, registered};

/// A route of the API.
pub(super) struct Handler {
    pub(super) method: Method,
    pub(super) route: &'static str,
    /// Its share of the requests.
    pub(super) weight: f64,
    /// The status of a good answer.
    pub(super) ok: u16,
    /// The status of a bad request.
    pub(super) client_error: u16,
    /// How many requests are bad.
    pub(super) client_error_share: f64,
    /// What may be cached: index into [`CACHE_TYPES`].
    pub(super) cache_type: Option<usize>,
    /// Where its data are: index into [`POOLS`]; `None` needs none.
    pub(super) pool: Option<usize>,
}

const CACHE_LAYERS: [&str; 2] = ["memory", "redis"];
pub(super) const MEMORY: usize = 0;
pub(super) const CACHE_TYPES: [&str; 3] = ["graph", "metrics", "analysis"];
pub(super) const POOLS: [(pack::Pool, usize); 2] = [(pack::Pool::Neo4j, 8), (pack::Pool::Timescale, 12)];
pub(super) const NEO4J: usize = 0;
pub(super) const TIMESCALE: usize = 1;
pub(super) const BREAKERS: [&str; 2] = ["explainer", "notifier"];
pub(super) const EXPLAINER: usize = 0;
pub(super) const NOTIFIER: usize = 1;
pub(super) const QUEUES: [&str; 2] = ["analysis", "exports"];

const fn handler(method: Method, route: &'static str, weight: f64, ok: u16) -> Handler {
    let (cache_type, pool) = (None, None);
    Handler { method, route, weight, ok, client_error: 404, client_error_share: 0.0, cache_type, pool }
}

pub(super) static HANDLERS: [Handler; 8] = [
    Handler { cache_type: Some(0), pool: Some(NEO4J), ..handler(Method::Get, "/api/graph/stats", 12.0, 200) },
    Handler {
        cache_type: Some(0),
        pool: Some(NEO4J),
        client_error_share: 0.02,
        ..handler(Method::Get, "/api/graph/nodes/{node_id}", 38.0, 200)
    },
    Handler {
        cache_type: Some(1),
        pool: Some(TIMESCALE),
        ..handler(Method::Get, "/api/metrics/employees", 20.0, 200)
    },
    Handler {
        cache_type: Some(2),
        pool: Some(TIMESCALE),
        client_error_share: 0.01,
        ..handler(Method::Get, "/api/analysis/{analysis_id}", 22.0, 200)
    },
    Handler {
        pool: Some(TIMESCALE),
        client_error: 422,
        client_error_share: 0.03,
        ..handler(Method::Post, "/api/analysis", 2.2, 202)
    },
    Handler { pool: Some(TIMESCALE), client_error: 422, ..handler(Method::Post, "/api/exports", 0.26, 202) },
    Handler {
        pool: Some(TIMESCALE),
        client_error: 409,
        ..handler(Method::Post, "/api/interventions", 1.2, 201)
    },
    handler(Method::Get, "/health/live", 4.0, 200),
];
pub(super) const GET_NODE: usize = 1;
pub(super) const GET_ANALYSIS: usize = 3;
pub(super) const POST_ANALYSIS: usize = 4;
pub(super) const POST_EXPORT: usize = 5;
pub(super) const POST_INTERVENTION: usize = 6;

/// A request on its way through the API.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request {
    pub(super) api: usize,
    pub(super) incarnation: u32,
    pub(super) handler: usize,
    pub(super) start_ms: i64,
    pub(super) trace: Option<Trace>,
}

/// One API process: what it holds and what it reports.
pub(super) struct Api {
    pub(super) in_progress: u32,
    pub(super) memory_cache: [Cache; 3],
    pub(super) pools: [Pool<Request>; 2],
    pub(super) breakers: [Breaker; 2],
    /// How slow it is, compared with the other ones.
    pub(super) slowness: f64,
    metrics: Causal,
    ids: ApiInstruments,
}

/// The series of one process.
struct ApiInstruments {
    /// Per handler: the statuses it may answer with.
    requests: Vec<[(u16, CounterHandle); 4]>,
    duration: Vec<HistogramHandle>,
    in_progress: GaugeHandle,
    /// Per layer and type.
    caches: [[CacheInstruments; 3]; 2],
    pools: [PoolInstruments; 2],
    queues: [(GaugeHandle, CounterHandle); 2],
    breakers: [BreakerInstruments; 2],
    nodes: GaugeHandle,
    edges: GaugeHandle,
    graph_update: HistogramHandle,
}

#[derive(Clone, Copy)]
struct CacheInstruments {
    hits: CounterHandle,
    misses: CounterHandle,
    bytes: GaugeHandle,
    items: GaugeHandle,
}

struct PoolInstruments {
    active: GaugeHandle,
    peak: GaugeHandle,
    idle: GaugeHandle,
    waiting: GaugeHandle,
    max: GaugeHandle,
    timeouts: CounterHandle,
}

struct BreakerInstruments {
    state: StateSetHandle<CircuitBreaker>,
    code: GaugeHandle,
    failures: CounterHandle,
    successes: CounterHandle,
}

/// What all API processes see alike.
pub(super) struct Surroundings<'a> {
    pub(super) redis_cache: &'a [Cache; 3],
    pub(super) queue_depth: [usize; 2],
    pub(super) graph: (f64, f64),
}

impl Api {
    pub(super) fn new(registry: &Registry, slowness: f64) -> Self {
        let metrics = registered(registry);
        // What has no labels is there as soon as it is registered, also what only workers count.
        registry.remove_all_series();
        Self {
            in_progress: 0,
            memory_cache: Self::memory_caches(),
            pools: POOLS.map(|(_, size)| Pool::new(size)),
            breakers: BREAKERS.map(|_| Breaker::new()),
            slowness,
            metrics,
            ids: ApiInstruments::of(&metrics),
        }
    }

    /// A new process counts from zero.
    pub(super) fn start(&mut self) {
        self.ids = ApiInstruments::of(&self.metrics);
    }

    fn memory_caches() -> [Cache; 3] {
        [
            Cache::new(0.66, 20.0, 240.0, 2_600.0, 300),
            Cache::new(0.72, 15.0, 180.0, 900.0, 150),
            Cache::new(0.68, 15.0, 300.0, 14_000.0, 200),
        ]
    }

    pub(super) fn redis_caches() -> [Cache; 3] {
        [
            Cache::new(0.55, 30.0, 900.0, 2_600.0, 900),
            Cache::new(0.60, 20.0, 600.0, 900.0, 400),
            Cache::new(0.60, 20.0, 1200.0, 14_000.0, 700),
        ]
    }

    /// The process died: what it held is gone, its successor starts cold.
    pub(super) fn forget(&mut self) {
        self.in_progress = 0;
        self.memory_cache.iter_mut().for_each(Cache::flush);
        self.pools.iter_mut().for_each(Pool::reset);
        self.breakers = BREAKERS.map(|_| Breaker::new());
    }

    /// Looks in the process' own cache, then in Redis. The layer that has the answer, by its index.
    pub(super) fn cached(
        &mut self,
        redis: &mut [Cache; 3],
        cache_type: usize,
        dice: &mut Dice,
    ) -> Option<usize> {
        let layers = [&mut self.memory_cache[cache_type], &mut redis[cache_type]];
        for (layer, (cache, ids)) in layers.into_iter().zip(&self.ids.caches).enumerate() {
            if cache.lookup(dice) {
                ids[cache_type].hits.inc();
                return Some(layer);
            }
            ids[cache_type].misses.inc();
        }
        None
    }

    pub(super) fn answer(&mut self, request: &Request, status: u16, seconds: f64, now_ms: i64) {
        self.in_progress -= 1;
        let counters = &self.ids.requests[request.handler];
        let counter = counters.iter().find(|(it, _)| *it == status).map(|(_, counter)| *counter);
        counter.expect("BUG: a status that the handler does not list").inc();
        let traced = request.trace.map(|trace| (trace, now_ms));
        observe(self.ids.duration[request.handler], seconds, traced);
    }

    pub(super) fn pool_timeout(&self, pool: usize) {
        self.ids.pools[pool].timeouts.inc();
    }

    pub(super) fn enqueued(&self, queue: usize) {
        self.ids.queues[queue].1.inc();
    }

    pub(super) fn breaker_call(&mut self, breaker: usize, worked: bool, now_ms: i64) {
        self.breakers[breaker].record(now_ms, worked);
        let ids = &self.ids.breakers[breaker];
        let counter = if worked { ids.successes } else { ids.failures };
        counter.inc();
    }

    pub(super) fn graph_updated(&self, seconds: f64, traced: Option<(Trace, i64)>) {
        observe(self.ids.graph_update, seconds, traced);
    }

    pub(super) fn set_gauges(&self, around: &Surroundings<'_>) {
        let ids = &self.ids;
        ids.in_progress.set(f64::from(self.in_progress));
        for (caches, ids) in [&self.memory_cache, around.redis_cache].into_iter().zip(&ids.caches) {
            for (cache, ids) in caches.iter().zip(ids) {
                ids.bytes.set(cache.bytes());
                ids.items.set(cache.entries as f64);
            }
        }
        for (pool, ids) in self.pools.iter().zip(&ids.pools) {
            ids.active.set(pool.active() as f64);
            ids.peak.set(pool.peak() as f64);
            ids.idle.set(pool.idle() as f64);
            ids.waiting.set(pool.waiting() as f64);
            ids.max.set(pool.size() as f64);
        }
        for ((gauge, _), depth) in ids.queues.iter().zip(around.queue_depth) {
            gauge.set(depth as f64);
        }
        for (breaker, ids) in self.breakers.iter().zip(&ids.breakers) {
            let state = breaker.state();
            ids.code.set(f64::from(state as u8));
            ids.state.set(match state {
                BreakerState::Closed => CircuitBreaker::Closed,
                BreakerState::Open => CircuitBreaker::Open,
                BreakerState::HalfOpen => CircuitBreaker::HalfOpen,
            });
        }
        let (nodes, edges) = around.graph;
        ids.nodes.set(nodes);
        ids.edges.set(edges);
    }
}

impl ApiInstruments {
    /// All series that an API counts in, at zero if they are new or were removed.
    fn of(causal: &Causal) -> Self {
        let requests = |it: &Handler| {
            [it.ok, it.client_error, 500, 503].map(|status| {
                let (method, handler, text) = (it.method, it.route, status.to_string());
                let labels = pack::HttpRequestsLabels { method, handler, status: &text };
                (status, causal.http_requests.with(labels))
            })
        };
        let duration = |it: &Handler| {
            let (method, handler) = (it.method, it.route);
            let labels = pack::HttpRequestDurationSecondsLabels { method, handler };
            causal.http_request_duration_seconds.with(labels)
        };
        Self {
            requests: HANDLERS.iter().map(requests).collect(),
            duration: HANDLERS.iter().map(duration).collect(),
            in_progress: causal.http_requests_inprogress.with(()),
            caches: CACHE_LAYERS
                .map(|layer| CACHE_TYPES.map(|cache_type| CacheInstruments::of(causal, layer, cache_type))),
            pools: POOLS.map(|(pool, _)| PoolInstruments::of(causal, pool)),
            queues: QUEUES.map(|queue_name| {
                let labels = pack::QueueDepthLabels { queue_name };
                (causal.queue_depth.with(labels), causal.queue_enqueued.with(labels))
            }),
            breakers: BREAKERS.map(|breaker| {
                let labels = pack::CircuitBreakerLabels { breaker };
                BreakerInstruments {
                    state: causal.circuit_breaker.with(labels),
                    code: causal.circuit_breaker_state.with(labels),
                    failures: causal.circuit_breaker_failures.with(labels),
                    successes: causal.circuit_breaker_successes.with(labels),
                }
            }),
            nodes: causal.graph_nodes.with(()),
            edges: causal.graph_edges.with(()),
            graph_update: causal.graph_update_duration_seconds.with(()),
        }
    }
}

impl CacheInstruments {
    fn of(causal: &Causal, cache_layer: &str, cache_type: &str) -> Self {
        let labels = pack::CacheHitsLabels { cache_layer, cache_type };
        Self {
            hits: causal.cache_hits.with(labels),
            misses: causal.cache_misses.with(labels),
            bytes: causal.cache_size_bytes.with(labels),
            items: causal.cache_items.with(labels),
        }
    }
}

impl PoolInstruments {
    fn of(causal: &Causal, pool: pack::Pool) -> Self {
        let labels = pack::ConnectionPoolActiveConnectionsLabels { pool };
        Self {
            active: causal.connection_pool_active_connections.with(labels),
            peak: causal.connection_pool_active_connections_peak.with(labels),
            idle: causal.connection_pool_idle_connections.with(labels),
            waiting: causal.connection_pool_waiting_requests.with(labels),
            max: causal.connection_pool_max_connections.with(labels),
            timeouts: causal.connection_pool_timeouts.with(labels),
        }
    }
}
