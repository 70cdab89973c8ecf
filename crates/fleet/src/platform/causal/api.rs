use super::catalogue as c;
use crate::metrics::{Counter, Exporter, Gauge, HistogramId, Trace};
use crate::sim::{Breaker, BreakerState, Cache, Dice, Pool, Process};

/// A route of the API.
pub(super) struct Handler {
    pub(super) method: &'static str,
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

pub(super) const CACHE_TYPES: [&str; 3] = ["graph", "metrics", "analysis"];
pub(super) const POOLS: [(&str, usize); 2] = [("neo4j", 8), ("timescale", 12)];
pub(super) const NEO4J: usize = 0;
pub(super) const TIMESCALE: usize = 1;
pub(super) const BREAKERS: [&str; 2] = ["explainer", "notifier"];
pub(super) const EXPLAINER: usize = 0;
pub(super) const NOTIFIER: usize = 1;
pub(super) const QUEUES: [&str; 2] = ["analysis", "exports"];

const fn handler(method: &'static str, route: &'static str, weight: f64, ok: u16) -> Handler {
    let (cache_type, pool) = (None, None);
    Handler { method, route, weight, ok, client_error: 404, client_error_share: 0.0, cache_type, pool }
}

pub(super) static HANDLERS: [Handler; 8] = [
    Handler { cache_type: Some(0), pool: Some(NEO4J), ..handler("GET", "/api/graph/stats", 12.0, 200) },
    Handler {
        cache_type: Some(0),
        pool: Some(NEO4J),
        client_error_share: 0.02,
        ..handler("GET", "/api/graph/nodes/{node_id}", 38.0, 200)
    },
    Handler {
        cache_type: Some(1),
        pool: Some(TIMESCALE),
        ..handler("GET", "/api/metrics/employees", 20.0, 200)
    },
    Handler {
        cache_type: Some(2),
        pool: Some(TIMESCALE),
        client_error_share: 0.01,
        ..handler("GET", "/api/analysis/{analysis_id}", 22.0, 200)
    },
    Handler {
        pool: Some(TIMESCALE),
        client_error: 422,
        client_error_share: 0.03,
        ..handler("POST", "/api/analysis", 2.2, 202)
    },
    Handler { pool: Some(TIMESCALE), client_error: 422, ..handler("POST", "/api/exports", 0.26, 202) },
    Handler { pool: Some(TIMESCALE), client_error: 409, ..handler("POST", "/api/interventions", 1.2, 201) },
    handler("GET", "/health/live", 4.0, 200),
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
    ids: ApiInstruments,
}

struct ApiInstruments {
    /// Per handler: the statuses it may answer with.
    requests: Vec<Vec<(u16, Counter)>>,
    duration: Vec<HistogramId>,
    in_progress: Gauge,
    /// Per layer and type: hits, misses, bytes, entries.
    caches: [[(Counter, Counter, Gauge, Gauge); 3]; 2],
    /// Per pool: active, idle, waiting, size.
    pools: [[Gauge; 4]; 2],
    pool_timeouts: [Counter; 2],
    queue_depth: [Gauge; 2],
    enqueued: [Counter; 2],
    /// Per breaker: the three states, the code.
    breaker_states: [([Gauge; 3], Gauge); 2],
    breaker_failures: [Counter; 2],
    breaker_successes: [Counter; 2],
    graph: (Gauge, Gauge),
    graph_update: HistogramId,
}

/// What all API processes see alike.
pub(super) struct Surroundings<'a> {
    pub(super) redis_cache: &'a [Cache; 3],
    pub(super) queue_depth: [usize; 2],
    pub(super) graph: (f64, f64),
}

impl Api {
    pub(super) fn new(process: &mut Process, slowness: f64) -> Self {
        Self {
            in_progress: 0,
            memory_cache: Self::memory_caches(),
            pools: POOLS.map(|(_, size)| Pool::new(size)),
            breakers: BREAKERS.map(|_| Breaker::new()),
            slowness,
            ids: ApiInstruments::register(&mut process.exporter),
        }
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

    /// Looks in the process' own cache, then in Redis.
    pub(super) fn cached(
        &mut self,
        exporter: &mut Exporter,
        redis: &mut [Cache; 3],
        cache_type: usize,
        dice: &mut Dice,
    ) -> Option<&'static str> {
        for (layer, cache) in
            [&mut self.memory_cache[cache_type], &mut redis[cache_type]].into_iter().enumerate()
        {
            let (hits, misses, ..) = self.ids.caches[layer][cache_type];
            if cache.lookup(dice) {
                exporter.inc(hits);
                return Some(["memory", "redis"][layer]);
            }
            exporter.inc(misses);
        }
        None
    }

    pub(super) fn answer(
        &mut self,
        exporter: &mut Exporter,
        request: &Request,
        status: u16,
        seconds: f64,
        now_ms: i64,
    ) {
        self.in_progress -= 1;
        let counters = &self.ids.requests[request.handler];
        let counter = counters.iter().find(|(it, _)| *it == status).map(|(_, counter)| *counter);
        exporter.inc(counter.expect("BUG: a status that the handler does not list"));
        let traced = request.trace.map(|trace| (trace, now_ms));
        exporter.observe(self.ids.duration[request.handler], seconds, traced);
    }

    pub(super) fn pool_timeout(&self, exporter: &mut Exporter, pool: usize) {
        exporter.inc(self.ids.pool_timeouts[pool]);
    }

    pub(super) fn enqueued(&self, exporter: &mut Exporter, queue: usize) {
        exporter.inc(self.ids.enqueued[queue]);
    }

    pub(super) fn breaker_call(
        &mut self,
        exporter: &mut Exporter,
        breaker: usize,
        worked: bool,
        now_ms: i64,
    ) {
        self.breakers[breaker].record(now_ms, worked);
        let counters = if worked { self.ids.breaker_successes } else { self.ids.breaker_failures };
        exporter.inc(counters[breaker]);
    }

    pub(super) fn graph_updated(&self, exporter: &mut Exporter, seconds: f64, traced: Option<(Trace, i64)>) {
        exporter.observe(self.ids.graph_update, seconds, traced);
    }

    pub(super) fn set_gauges(&self, exporter: &mut Exporter, around: &Surroundings<'_>) {
        let ids = &self.ids;
        exporter.set(ids.in_progress, f64::from(self.in_progress));
        for (layer, caches) in [&self.memory_cache, around.redis_cache].into_iter().enumerate() {
            for (cache, (_, _, bytes, entries)) in caches.iter().zip(ids.caches[layer]) {
                exporter.set(bytes, cache.bytes());
                exporter.set(entries, cache.entries as f64);
            }
        }
        for (pool, gauges) in self.pools.iter().zip(ids.pools) {
            let values = [pool.active(), pool.idle(), pool.waiting(), pool.size()];
            for (gauge, value) in gauges.into_iter().zip(values) {
                exporter.set(gauge, value as f64);
            }
        }
        for (gauge, depth) in ids.queue_depth.into_iter().zip(around.queue_depth) {
            exporter.set(gauge, depth as f64);
        }
        for (breaker, (states, code)) in self.breakers.iter().zip(ids.breaker_states) {
            let state = breaker.state();
            exporter.set(code, f64::from(state as u8));
            for (gauge, it) in states.into_iter().zip(BREAKER_STATES) {
                exporter.set(gauge, f64::from(u8::from(it.0 == state)));
            }
        }
        exporter.set(ids.graph.0, around.graph.0);
        exporter.set(ids.graph.1, around.graph.1);
    }
}

const BREAKER_STATES: [(BreakerState, &str); 3] =
    [(BreakerState::Closed, "closed"), (BreakerState::Open, "open"), (BreakerState::HalfOpen, "half_open")];

impl ApiInstruments {
    fn register(e: &mut Exporter) -> Self {
        let mut requests = Vec::new();
        for it in &HANDLERS {
            let statuses = [it.ok, it.client_error, 500, 503];
            let counter = |status: u16| {
                let labels = [it.method, it.route, &status.to_string()];
                (status, e.counter(&c::HTTP_REQUESTS, &labels))
            };
            requests.push(statuses.map(counter).to_vec());
        }
        let duration = HANDLERS
            .iter()
            .map(|it| e.histogram(&c::HTTP_REQUEST_DURATION, &[it.method, it.route]))
            .collect();
        Self {
            requests,
            duration,
            in_progress: e.gauge(&c::HTTP_REQUESTS_INPROGRESS, &[]),
            caches: ["memory", "redis"].map(|layer| {
                CACHE_TYPES.map(|it| {
                    let labels = [layer, it];
                    (
                        e.counter(&c::CACHE_HITS, &labels),
                        e.counter(&c::CACHE_MISSES, &labels),
                        e.gauge(&c::CACHE_SIZE, &labels),
                        e.gauge(&c::CACHE_ITEMS, &labels),
                    )
                })
            }),
            pools: POOLS.map(|(pool, _)| {
                [&c::POOL_ACTIVE, &c::POOL_IDLE, &c::POOL_WAITING, &c::POOL_MAX]
                    .map(|family| e.gauge(family, &[pool]))
            }),
            pool_timeouts: POOLS.map(|(pool, _)| e.counter(&c::POOL_TIMEOUTS, &[pool])),
            queue_depth: QUEUES.map(|queue| e.gauge(&c::QUEUE_DEPTH, &[queue])),
            enqueued: QUEUES.map(|queue| e.counter(&c::QUEUE_ENQUEUED, &[queue])),
            breaker_states: BREAKERS.map(|breaker| {
                let states = BREAKER_STATES.map(|(_, state)| e.gauge(&c::BREAKER_STATE, &[breaker, state]));
                (states, e.gauge(&c::BREAKER_STATE_CODE, &[breaker]))
            }),
            breaker_failures: BREAKERS.map(|breaker| e.counter(&c::BREAKER_FAILURES, &[breaker])),
            breaker_successes: BREAKERS.map(|breaker| e.counter(&c::BREAKER_SUCCESSES, &[breaker])),
            graph: (e.gauge(&c::GRAPH_NODES, &[]), e.gauge(&c::GRAPH_EDGES, &[])),
            graph_update: e.histogram(&c::GRAPH_UPDATE_DURATION, &[]),
        }
    }
}
