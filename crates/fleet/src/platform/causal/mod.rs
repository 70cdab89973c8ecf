//! The causal platform: two API processes with caches, pools and breakers in front of shared stores, and three workers that take
//! tasks off shared queues.
mod api;
mod worker;

use std::collections::VecDeque;

use bellwether_sdk::Registry;

use self::api::{
    Api, BREAKERS, EXPLAINER, GET_ANALYSIS, GET_NODE, HANDLERS, MEMORY, NEO4J, NOTIFIER, POST_ANALYSIS,
    POST_EXPORT, POST_INTERVENTION, Request, Surroundings,
};
use self::worker::{ANALYSIS, ATTEMPTS_MAX, EXPORT, TASK_KINDS, TASK_TIMEOUT_S, Task, TaskEnd, Worker};
use super::Platform;
use crate::incident::{IncidentId, Script, Trouble};
use crate::sim::{
    Acquired, Agenda, Cache, Dice, Health, Process, SECOND_MS, Simulation, Traffic, derive, ms, recycled_at,
};

const APIS: usize = 2;
const WORKERS: usize = 3;
/// Callers wait this long for a connection.
const POOL_WAIT_S: f64 = 10.0;
/// A graph query is killed after this time.
const QUERY_TIMEOUT_S: f64 = 75.0;
/// Calls behind a breaker give up after this time.
const CALL_TIMEOUT_S: f64 = 4.0;
/// So large is the share of its calls that the explanation service fails before it is gone: too few to open a breaker for long.
const EXPLAINER_FAILING: f64 = 0.3;
/// So many tasks wait in a queue; callers who bring another one are turned away.
const QUEUE_MAX: usize = 10_000;
/// The import keeps this many analyses waiting.
const IMPORT_BACKLOG: f64 = 160.0;

pub(super) struct Causal {
    seed: u64,
    now_ms: i64,
    agenda: Agenda<Event>,
    dice: Dice,
    traffic: Traffic,
    script: Script,
    trouble: Trouble,
    /// The APIs, then the workers.
    processes: Vec<Process>,
    apis: Vec<Api>,
    workers: Vec<Worker>,
    redis: [Cache; 3],
    queues: [VecDeque<Task>; 2],
    tasks_started: u64,
    graph_nodes: f64,
    graph_edges: f64,
}

#[derive(Clone, Copy)]
enum Event {
    Second,
    Arrival,
    GraphUpdate,
    /// A connection's work is done.
    QueryDone(Request, usize),
    /// Patience for a connection ends: process, its incarnation, pool, ticket.
    PoolTimeout(usize, u32, usize, u64),
    /// A call behind a breaker ended.
    CallDone(Request, usize, bool),
    Answer(Request, u16),
    TaskEnd {
        worker: usize,
        number: u64,
        started_ms: i64,
        end: TaskEnd,
    },
    Requeue(Task),
    /// An approved intervention is carried out: worker, its incarnation.
    Intervene(usize, u32),
}

impl Causal {
    pub(super) fn new(seed: u64, begin_ms: i64) -> Self {
        let (apis, api_processes): (_, Vec<Process>) =
            [("causal-api-1", 9_400.0, 1.0), ("causal-api-2", 7_100.0, 1.15)]
                .map(|(instance, age_s, slowness)| {
                    let registry = Registry::new();
                    let api = Api::new(&registry, slowness);
                    (api, Process::new("api", instance, begin_ms, age_s, registry))
                })
                .into_iter()
                .unzip();
        let (workers, worker_processes): (_, Vec<Process>) = [
            ("causal-worker-1", 15_300.0, 1.0),
            ("causal-worker-2", 4_200.0, 0.95),
            ("causal-worker-3", 11_900.0, 1.1),
        ]
        .map(|(instance, age_s, slowness)| {
            let registry = Registry::new();
            let worker = Worker::new(&registry, slowness);
            (worker, Process::new("worker", instance, begin_ms, age_s, registry))
        })
        .into_iter()
        .unzip();
        let processes = api_processes.into_iter().chain(worker_processes).collect();
        let mut agenda = Agenda::new();
        for event in [Event::Second, Event::Arrival, Event::GraphUpdate] {
            agenda.plan(begin_ms, event);
        }
        Self {
            seed: derive(seed, "causal restarts"),
            now_ms: begin_ms,
            agenda,
            dice: Dice::new(seed, "causal"),
            traffic: Traffic {
                seed: derive(seed, "causal requests"),
                peak_per_s: 16.0,
                night_share: 0.5,
                busiest_hour: 13.0,
            },
            script: Script::of(Platform::Causal),
            trouble: Trouble::NONE,
            processes,
            apis,
            workers,
            redis: Api::redis_caches(),
            queues: [VecDeque::new(), VecDeque::new()],
            tasks_started: 0,
            graph_nodes: 12_480.0,
            graph_edges: 51_900.0,
        }
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Second => self.second(),
            Event::Arrival => {
                self.arrive();
                let gap = self.dice.gap_s(self.traffic.rate_per_s(self.now_ms));
                self.agenda.plan(self.now_ms + ms(gap), Event::Arrival);
            }
            Event::GraphUpdate => self.update_graph(),
            Event::QueryDone(request, pool) => {
                if self.is_alive(&request) {
                    if let Some(next) = self.apis[request.api].pools[pool].release() {
                        self.query(next, pool);
                    }
                    self.after_query(request);
                }
            }
            Event::PoolTimeout(api, incarnation, pool, ticket) => {
                if self.processes[api].incarnation == incarnation
                    && let Some(request) = self.apis[api].pools[pool].give_up(ticket)
                {
                    self.pool_timeout(request, pool);
                }
            }
            Event::CallDone(request, breaker, worked) => {
                if self.is_alive(&request) {
                    self.apis[request.api].breaker_call(breaker, worked, self.now_ms);
                    // Without the other side's answer the reply is poorer, not wrong.
                    self.answer(request, HANDLERS[request.handler].ok);
                }
            }
            Event::Answer(request, status) => {
                if self.is_alive(&request) {
                    self.answer(request, status);
                }
            }
            Event::TaskEnd { worker, number, started_ms, end } => {
                self.end_task(worker, number, started_ms, end);
            }
            Event::Requeue(task) => {
                self.queues[task.kind].push_back(task);
                self.assign(task.kind);
            }
            Event::Intervene(worker, incarnation) => {
                if self.processes[APIS + worker].incarnation == incarnation {
                    self.intervene(worker);
                }
            }
        }
    }

    fn is_alive(&self, request: &Request) -> bool {
        self.processes[request.api].incarnation == request.incarnation
    }

    fn second(&mut self) {
        let was = self.trouble;
        self.trouble = self.script.trouble_at(self.now_ms);
        let eviction = self.trouble.level(IncidentId::CausalCacheThrashing);
        for api in &mut self.apis {
            api.memory_cache.iter_mut().for_each(|cache| cache.second(eviction));
            api.pools.iter_mut().for_each(crate::sim::Pool::second);
        }
        self.redis.iter_mut().for_each(|cache| cache.second(eviction));
        self.lose_and_find(was, IncidentId::CausalApiLost, 1);
        self.lose_and_find(was, IncidentId::CausalWorkerLost, APIS + 1);
        for idx in 0..self.processes.len() {
            if self.processes[idx].reachable
                && self.trouble.is_over()
                && recycled_at(self.seed, idx, self.now_ms)
            {
                self.stop(idx);
                self.start(idx);
            }
        }
        self.import();
        self.agenda.plan(self.now_ms + SECOND_MS, Event::Second);
    }

    /// Stops a process when the incident reaches its height, and starts another one when it fades.
    fn lose_and_find(&mut self, was: Trouble, id: IncidentId, process: usize) {
        let lost = |trouble: Trouble| trouble.level(id) >= 0.5;
        match (lost(was), lost(self.trouble)) {
            (false, true) => self.stop(process),
            (true, false) => self.start(process),
            _ => {}
        }
    }

    fn stop(&mut self, process: usize) {
        self.processes[process].stop();
        if process < APIS {
            self.apis[process].forget();
            return;
        }
        // The broker delivers unacknowledged tasks again.
        for (_, task) in std::mem::take(&mut self.workers[process - APIS].running) {
            self.queues[task.kind].push_front(task);
        }
        self.assign(ANALYSIS);
        self.assign(EXPORT);
    }

    fn start(&mut self, process: usize) {
        self.processes[process].start(self.now_ms);
        match process.checked_sub(APIS) {
            None => self.apis[process].start(),
            Some(worker) => self.workers[worker].start(),
        }
        self.assign(ANALYSIS);
        self.assign(EXPORT);
    }

    // --- requests ---

    fn arrive(&mut self) {
        // The load balancer knows which processes answer.
        let weights = [0.52, 0.48];
        let up: Vec<f64> =
            (0..APIS).map(|it| if self.processes[it].reachable { weights[it] } else { 0.0 }).collect();
        if up.iter().sum::<f64>() == 0.0 {
            return;
        }
        let api = self.dice.weighted(&up);
        let handler = self.dice.weighted(&HANDLERS.each_ref().map(|it| it.weight));
        let request = Request {
            api,
            incarnation: self.processes[api].incarnation,
            handler,
            start_ms: self.now_ms,
            trace: self.dice.trace(),
        };
        self.apis[api].in_progress += 1;

        let route = &HANDLERS[handler];
        let think_s = self.dice.around(0.004, 0.5) * self.apis[api].slowness;
        if self.dice.chance(route.client_error_share) {
            return self.answer_in(request, think_s, route.client_error);
        }
        let broken = self.trouble.level(IncidentId::CausalBadDeploy) * 0.33;
        let broken = if matches!(handler, GET_NODE | GET_ANALYSIS) { broken } else { 0.0 };
        if self.dice.chance(0.001 + broken) {
            return self.answer_in(request, think_s, 500);
        }
        if let Some(cache_type) = route.cache_type {
            let layer = self.apis[api].cached(&mut self.redis, cache_type, &mut self.dice);
            if let Some(layer) = layer {
                let lookup_s = if layer == MEMORY { 0.000_2 } else { 0.002 };
                return self.after_data(request, think_s + lookup_s);
            }
        }
        match route.pool {
            None => self.answer_in(request, think_s, route.ok),
            Some(pool) => match self.apis[api].pools[pool].acquire(request) {
                Acquired::Connection => self.query(request, pool),
                Acquired::Refused => self.pool_timeout(request, pool),
                Acquired::Wait(ticket) => {
                    let event = Event::PoolTimeout(api, request.incarnation, pool, ticket);
                    self.agenda.plan(self.now_ms + ms(POOL_WAIT_S), event);
                }
            },
        }
    }

    /// The request has a connection: its query runs.
    fn query(&mut self, request: Request, pool: usize) {
        let median = if pool == NEO4J { 0.045 } else { 0.018 };
        let slow = if pool == NEO4J { self.trouble.level(IncidentId::CausalGraphStoreSlow) } else { 0.0 };
        let seconds = self.dice.around(median, 0.6) * self.apis[request.api].slowness * (1.0 + 1400.0 * slow);
        self.agenda.plan(self.now_ms + ms(seconds.min(QUERY_TIMEOUT_S)), Event::QueryDone(request, pool));
    }

    fn pool_timeout(&mut self, request: Request, pool: usize) {
        self.apis[request.api].pool_timeout(pool);
        self.answer(request, 503);
    }

    /// The query's result is there.
    fn after_query(&mut self, request: Request) {
        let seconds = (self.now_ms - request.start_ms) as f64 / 1000.0;
        if seconds >= QUERY_TIMEOUT_S {
            return self.answer(request, 503);
        }
        let queue = match request.handler {
            POST_ANALYSIS => Some(ANALYSIS),
            POST_EXPORT => Some(EXPORT),
            _ => None,
        };
        if let Some(kind) = queue {
            if self.queues[kind].len() >= QUEUE_MAX {
                return self.answer(request, 503);
            }
            self.enqueue(request.api, kind);
        }
        self.after_data(request, 0.001);
    }

    /// All data are there; some answers need somebody else's help.
    fn after_data(&mut self, request: Request, so_far_s: f64) {
        let breaker = match request.handler {
            GET_ANALYSIS if self.dice.chance(0.3) => EXPLAINER,
            POST_INTERVENTION => NOTIFIER,
            _ => return self.answer_in(request, so_far_s, HANDLERS[request.handler].ok),
        };
        debug_assert!(breaker < BREAKERS.len(), "BUG: unknown breaker");
        if !self.apis[request.api].breakers[breaker].admit(self.now_ms) {
            return self.answer_in(request, so_far_s, HANDLERS[request.handler].ok);
        }
        let down = match self.trouble.level(IncidentId::CausalExplainerDown) {
            _ if breaker != EXPLAINER => 0.0,
            level if level < 1.0 => (8.0 * level).min(1.0) * EXPLAINER_FAILING,
            _ => 1.0,
        };
        let worked = !self.dice.chance(0.004 + down);
        let median = if breaker == EXPLAINER { 0.32 } else { 0.12 };
        let call_s = if worked { self.dice.around(median, 0.35) } else { CALL_TIMEOUT_S };
        self.agenda.plan(self.now_ms + ms(so_far_s + call_s), Event::CallDone(request, breaker, worked));
    }

    fn answer_in(&mut self, request: Request, seconds: f64, status: u16) {
        self.agenda.plan(self.now_ms + ms(seconds), Event::Answer(request, status));
    }

    fn answer(&mut self, request: Request, status: u16) {
        // Events fall on whole milliseconds; answers do not.
        let seconds = (self.now_ms - request.start_ms) as f64 / 1000.0 + 0.001 * self.dice.unit();
        self.apis[request.api].answer(&request, status, seconds, self.now_ms);
    }

    // --- the graph ---

    fn update_graph(&mut self) {
        let api = self.dice.index(APIS);
        if self.processes[api].reachable {
            let slow = 1.0 + 40.0 * self.trouble.level(IncidentId::CausalGraphStoreSlow);
            let seconds = self.dice.around(0.18, 0.7) * slow;
            let traced = self.dice.trace().map(|trace| (trace, self.now_ms));
            self.apis[api].graph_updated(seconds, traced);
            let grown = self.dice.between(0.0, 4.0).floor();
            // Old observations are pruned, so the graph does not grow for ever.
            let pruned = if self.graph_nodes > 13_500.0 { 240.0 } else { 0.0 };
            self.graph_nodes += grown - pruned;
            self.graph_edges += (grown * 4.1).round() - pruned * 4.0;
        }
        let gap = self.dice.gap_s(1.0 / 12.0);
        self.agenda.plan(self.now_ms + ms(gap), Event::GraphUpdate);
    }

    // --- tasks ---

    fn enqueue(&mut self, api: usize, kind: usize) {
        self.apis[api].enqueued(kind);
        self.queues[kind].push_back(Task { kind, attempt: 1 });
        self.assign(kind);
    }

    fn import(&mut self) {
        let backlog = (self.trouble.level(IncidentId::CausalBulkImport) * IMPORT_BACKLOG) as usize;
        while self.queues[ANALYSIS].len() < backlog {
            self.enqueue(0, ANALYSIS);
        }
    }

    /// Hands waiting tasks to the least busy workers.
    fn assign(&mut self, kind: usize) {
        while !self.queues[kind].is_empty() {
            let free = (0..WORKERS).filter(|it| {
                self.processes[APIS + it].reachable
                    && self.workers[*it].running(kind) < TASK_KINDS[kind].slots
            });
            let Some(worker) = free.min_by_key(|it| self.workers[*it].running(kind)) else { return };
            let Some(task) = self.queues[kind].pop_front() else { return };
            self.start_task(worker, task);
        }
    }

    fn start_task(&mut self, worker: usize, task: Task) {
        self.tasks_started += 1;
        let number = self.tasks_started;
        self.workers[worker].started(number, task);

        let kind = &TASK_KINDS[task.kind];
        let throttled =
            if task.kind == EXPORT { self.trouble.level(IncidentId::CausalExportStorageSlow) } else { 0.0 };
        let slow = self.workers[worker].slowness * (1.0 + 7.0 * throttled);
        let full_s = self.dice.around(kind.median_s, kind.spread) * slow;
        let poison =
            if task.kind == ANALYSIS { self.trouble.level(IncidentId::CausalPoisonTasks) } else { 0.0 };
        let (end, seconds) = if self.dice.chance(0.4 * poison) {
            (TaskEnd::Failure, full_s * self.dice.between(0.1, 0.5))
        } else if full_s > TASK_TIMEOUT_S {
            (TaskEnd::Timeout, TASK_TIMEOUT_S)
        } else if self.dice.chance(0.02) {
            let end = if task.attempt < ATTEMPTS_MAX { TaskEnd::Retry } else { TaskEnd::Failure };
            (end, full_s * self.dice.unit())
        } else {
            (TaskEnd::Success, full_s)
        };
        let event = Event::TaskEnd { worker, number, started_ms: self.now_ms, end };
        self.agenda.plan(self.now_ms + ms(seconds), event);
    }

    fn end_task(&mut self, worker: usize, number: u64, started_ms: i64, end: TaskEnd) {
        let Some(task) = self.workers[worker].ended(number) else { return };
        let seconds = (self.now_ms - started_ms) as f64 / 1000.0;
        let traced = self.dice.trace().map(|trace| (trace, self.now_ms));
        self.workers[worker].completed(task.kind, end, seconds, traced);
        if task.kind == EXPORT && end != TaskEnd::Retry {
            let written = (end == TaskEnd::Success).then(|| self.dice.around(2.4e6, 1.0).round());
            self.workers[worker].exported(written, seconds);
        }
        match end {
            TaskEnd::Retry => {
                let pause_s = 5.0 * f64::from(1 << task.attempt);
                let again = Task { attempt: task.attempt + 1, ..task };
                self.agenda.plan(self.now_ms + ms(pause_s), Event::Requeue(again));
            }
            TaskEnd::Success if task.kind == ANALYSIS && self.dice.chance(0.08) => {
                self.workers[worker].proposed();
                if self.dice.chance(0.7) {
                    let pause_s = self.dice.between(20.0, 90.0);
                    let incarnation = self.processes[APIS + worker].incarnation;
                    self.agenda.plan(self.now_ms + ms(pause_s), Event::Intervene(worker, incarnation));
                }
            }
            _ => {}
        }
        self.assign(task.kind);
    }

    fn intervene(&mut self, worker: usize) {
        let worked = self.dice.chance(0.94);
        let rolled_back = self.dice.chance(if worked { 0.04 } else { 0.7 });
        self.workers[worker].executed(worked, rolled_back);
    }

    fn set_gauges(&mut self) {
        let queue_depth = [self.queues[ANALYSIS].len(), self.queues[EXPORT].len()];
        let graph = (self.graph_nodes, self.graph_edges);
        let around = Surroundings { redis_cache: &self.redis, queue_depth, graph };
        self.apis.iter().for_each(|api| api.set_gauges(&around));
        self.workers.iter().for_each(|worker| worker.set_gauges(queue_depth));
    }
}

impl Simulation for Causal {
    fn advance_to(&mut self, ts_ms: i64) {
        while let Some((at_ms, event)) = self.agenda.next(ts_ms) {
            self.now_ms = at_ms;
            self.handle(event);
        }
        self.set_gauges();
    }

    fn processes(&self) -> &[Process] {
        &self.processes
    }

    fn health(&self, process: usize) -> Health {
        let Some(api) = self.apis.get(process) else { return Health::of(vec![("broker", true)]) };
        let closed = |it: usize| api.breakers[it].state() == crate::sim::BreakerState::Closed;
        let free = |it: usize| api.pools[it].waiting() == 0;
        Health::of(vec![
            ("neo4j", free(NEO4J)),
            ("timescale", free(api::TIMESCALE)),
            ("explainer", closed(EXPLAINER)),
            ("notifier", closed(NOTIFIER)),
        ])
    }

    fn arrivals(&mut self) -> Vec<&mut Traffic> {
        vec![&mut self.traffic]
    }

    fn script(&mut self) -> &mut Script {
        &mut self.script
    }
}
