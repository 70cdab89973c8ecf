//! The DAG platform: two engine processes that queue workflow runs, run their nodes in parallel with retries, and answer an API.
mod api;
mod instruments;
mod workflow;

use std::collections::{BTreeMap, VecDeque};

use bellwether_sdk::Registry;

use self::api::{ENDPOINTS, EXECUTE, READY, Request, STATUS};
use self::instruments::{End, GET, INSERT, Instruments, SELECT, SET, UPDATE};
use self::workflow::{ARTIFACTS, NODES, WORKFLOWS};
use super::Platform;
use crate::generated::dag::Dag as Metrics;
use crate::incident::{IncidentId, Script, Trouble};
use crate::metrics::observe;
use crate::sim::{
    Acquired, Agenda, Dice, Health, Pool, Process, SECOND_MS, Simulation, Traffic, Usage, derive, ms,
    recycled_at, registered,
};

/// A process runs this many workflows at a time; the others wait.
const CONCURRENCY_MAX: usize = 70;
/// So many wait in a process; who wants to start another one is turned away.
const QUEUE_MAX: usize = 10_000;
const POOL_SIZE: usize = 20;
/// Callers wait this long for a connection.
const POOL_WAIT_S: f64 = 10.0;
/// Connecting to a database that is away fails after this time.
const CONNECT_TIMEOUT_S: f64 = 2.0;
/// Further attempts at a node.
const RETRIES_MAX: u32 = 2;
/// A node that waits longer for the model endpoint asks a smaller model instead.
const MODEL_PATIENCE_S: f64 = 150.0;
/// Health checks run this often.
const HEALTH_EVERY_MS: i64 = 10 * SECOND_MS;
/// The kernel kills the leaking process; it is back after this time.
const KILLED_FOR_S: f64 = 6.0;
const MIB: f64 = 1024.0 * 1024.0;

pub(super) struct Dag {
    seed: u64,
    now_ms: i64,
    agenda: Agenda<Event>,
    dice: Dice,
    starts: Traffic,
    requests: Traffic,
    script: Script,
    trouble: Trouble,
    processes: Vec<Process>,
    engines: Vec<Engine>,
    runs_started: u64,
}

/// What one process holds.
struct Engine {
    metrics: Metrics,
    ids: Instruments,
    usage: Usage,
    queue: VecDeque<usize>,
    runs: BTreeMap<u64, Run>,
    active_nodes: usize,
    pool: Pool<Request>,
    websockets: f64,
    /// Processor seconds spent in this second, and their moving average.
    work: f64,
    load: f64,
    leaked_bytes: f64,
    healthy: [bool; 2],
    slowness: f64,
}

/// A workflow run.
struct Run {
    workflow: usize,
    start_ms: i64,
    stage: usize,
    nodes_left: usize,
    end: End,
}

/// A node run.
#[derive(Clone, Copy)]
struct NodeRun {
    process: usize,
    incarnation: u32,
    run: u64,
    node: usize,
    attempt: u32,
    start_ms: i64,
}

#[derive(Clone, Copy)]
enum Event {
    Second,
    /// Somebody starts a workflow.
    Start,
    /// Somebody asks for something else.
    Arrival,
    QueryDone(Request),
    PoolTimeout(usize, u32, u64),
    Answer(Request, u16),
    AttemptEnd(NodeRun, bool),
    Restarted(usize),
}

impl Dag {
    pub(super) fn new(seed: u64, begin_ms: i64) -> Self {
        let job = "dag-workflow-system";
        let (processes, engines) = [("dag-1", 20_100.0, 1.0), ("dag-2", 6_800.0, 1.1)]
            .map(|(instance, age_s, slowness)| {
                let registry = Registry::new();
                let engine = Engine::new(&registry, slowness);
                (Process::new(job, instance, begin_ms, age_s, registry), engine)
            })
            .into_iter()
            .unzip();
        let mut agenda = Agenda::new();
        for event in [Event::Second, Event::Start, Event::Arrival] {
            agenda.plan(begin_ms, event);
        }
        Self {
            seed: derive(seed, "dag restarts"),
            now_ms: begin_ms,
            agenda,
            dice: Dice::new(seed, "dag"),
            starts: Traffic {
                seed: derive(seed, "dag starts"),
                peak_per_s: 0.9,
                night_share: 0.62,
                busiest_hour: 15.0,
            },
            requests: Traffic {
                seed: derive(seed, "dag requests"),
                peak_per_s: 6.0,
                night_share: 0.5,
                busiest_hour: 14.0,
            },
            script: Script::of(Platform::Dag),
            trouble: Trouble::NONE,
            processes,
            engines,
            runs_started: 0,
        }
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Second => self.second(),
            Event::Start => {
                if self.trouble.level(IncidentId::DagStarterStopped) < 0.5 {
                    self.arrive(EXECUTE);
                }
                let gap = self.dice.gap_s(self.starts.rate_per_s(self.now_ms));
                self.agenda.plan(self.now_ms + ms(gap), Event::Start);
            }
            Event::Arrival => {
                let endpoint = self.dice.weighted(&ENDPOINTS.each_ref().map(|it| it.weight));
                self.arrive(endpoint);
                let gap = self.dice.gap_s(self.requests.rate_per_s(self.now_ms));
                self.agenda.plan(self.now_ms + ms(gap), Event::Arrival);
            }
            Event::QueryDone(request) => {
                if self.processes[request.process].incarnation == request.incarnation {
                    if let Some(next) = self.engines[request.process].pool.release() {
                        self.query(next);
                    }
                    if request.endpoint == EXECUTE && !self.enqueue(request) {
                        return self.answer(request, 503);
                    }
                    self.answer(request, ENDPOINTS[request.endpoint].ok);
                }
            }
            Event::PoolTimeout(process, incarnation, ticket) => {
                if self.processes[process].incarnation == incarnation
                    && let Some(request) = self.engines[process].pool.give_up(ticket)
                {
                    self.answer(request, 503);
                }
            }
            Event::Answer(request, status) => {
                if self.processes[request.process].incarnation == request.incarnation {
                    self.answer(request, status);
                }
            }
            Event::AttemptEnd(node_run, worked) => {
                if self.processes[node_run.process].incarnation == node_run.incarnation {
                    self.end_attempt(node_run, worked);
                }
            }
            Event::Restarted(process) => {
                self.start(process);
                self.start_runs(process);
            }
        }
    }

    fn database_is_away(&self) -> bool {
        self.trouble.level(IncidentId::DagDatabaseFailover) >= 0.5
    }

    fn engine_is_lost(&self) -> bool {
        self.trouble.level(IncidentId::DagEngineLost) >= 0.5
    }

    fn second(&mut self) {
        let leak_before = self.trouble.level(IncidentId::DagContextLeak);
        let was_lost = self.engine_is_lost();
        self.trouble = self.script.trouble_at(self.now_ms);
        match (was_lost, self.engine_is_lost()) {
            (false, true) => self.stop(1),
            (true, false) => self.start(1),
            _ => {}
        }
        let leak = self.trouble.level(IncidentId::DagContextLeak);
        if leak_before >= 1.0 && leak < 1.0 {
            self.stop(0);
            self.agenda.plan(self.now_ms + ms(KILLED_FOR_S), Event::Restarted(0));
        } else if leak > leak_before {
            self.engines[0].leaked_bytes = leak * 1900.0 * MIB;
        }
        let away = self.database_is_away();
        for idx in 0..self.processes.len() {
            if !self.processes[idx].reachable {
                continue;
            }
            if self.trouble.is_over() && recycled_at(self.seed, idx, self.now_ms) {
                self.stop(idx);
                self.start(idx);
            }
            self.engines[idx].second(&mut self.dice);
            if self.now_ms.rem_euclid(HEALTH_EVERY_MS) < SECOND_MS {
                self.engines[idx].healthy = [!away, true];
            }
            self.start_runs(idx);
        }
        self.agenda.plan(self.now_ms + SECOND_MS, Event::Second);
    }

    /// The process ends; its runs go back to the queue, which is kept in the database.
    fn stop(&mut self, process: usize) {
        self.processes[process].stop();
        let engine = &mut self.engines[process];
        for (_, run) in std::mem::take(&mut engine.runs) {
            engine.queue.push_front(run.workflow);
        }
        engine.active_nodes = 0;
        engine.pool.reset();
        engine.websockets = 0.0;
        engine.leaked_bytes = 0.0;
        engine.load = 0.0;
    }

    fn start(&mut self, process: usize) {
        self.processes[process].start(self.now_ms);
        let engine = &mut self.engines[process];
        engine.ids = Instruments::of(&engine.metrics);
        engine.usage.restarted();
    }

    // --- requests ---

    fn arrive(&mut self, endpoint: usize) {
        let up: Vec<f64> = self.processes.iter().map(|it| f64::from(u8::from(it.reachable))).collect();
        if up.iter().sum::<f64>() == 0.0 {
            return;
        }
        let process = self.dice.weighted(&up);
        let request = Request {
            process,
            incarnation: self.processes[process].incarnation,
            endpoint,
            workflow: self.dice.weighted(&WORKFLOWS.each_ref().map(|it| it.weight)),
            start_ms: self.now_ms,
            trace: self.dice.trace(),
        };
        self.engines[process].work += 0.012;
        let answer = if self.database_is_away() {
            let seconds = if endpoint == READY { 0.004 } else { CONNECT_TIMEOUT_S };
            Some((seconds, 503))
        } else if endpoint != READY && self.dice.chance(0.015) {
            Some((self.dice.around(0.004, 0.4), 404))
        } else if self.dice.chance(0.001) {
            Some((self.dice.around(0.01, 0.4), 500))
        } else {
            None
        };
        if let Some((seconds, status)) = answer {
            self.agenda.plan(self.now_ms + ms(seconds), Event::Answer(request, status));
            return;
        }
        match self.engines[process].pool.acquire(request) {
            Acquired::Connection => self.query(request),
            Acquired::Refused => self.answer(request, 503),
            Acquired::Wait(ticket) => {
                let event = Event::PoolTimeout(process, request.incarnation, ticket);
                self.agenda.plan(self.now_ms + ms(POOL_WAIT_S), event);
            }
        }
    }

    fn query(&mut self, request: Request) {
        let engine = &self.engines[request.process];
        let locked =
            if request.endpoint == STATUS { self.trouble.level(IncidentId::DagLockContention) } else { 0.0 };
        let lock_s = if locked > 0.0 { self.dice.around(8.0 * locked, 0.2) } else { 0.0 };
        let seconds = lock_s + self.dice.around(ENDPOINTS[request.endpoint].query_s, 0.6) * engine.slowness;
        let query_type = if request.endpoint == EXECUTE { INSERT } else { SELECT };
        engine.ids.query_duration[query_type].observe(seconds);
        self.agenda.plan(self.now_ms + ms(seconds + 0.001), Event::QueryDone(request));
    }

    fn answer(&mut self, request: Request, status: u16) {
        let seconds = (self.now_ms - request.start_ms) as f64 / 1000.0 + 0.001 * self.dice.unit();
        let ids = &self.engines[request.process].ids;
        let counters = &ids.requests[request.endpoint];
        let (_, counter) = counters
            .iter()
            .find(|(it, _)| *it == status)
            .expect("BUG: a status that the endpoint does not list");
        counter.inc();
        let traced = request.trace.map(|trace| (trace, self.now_ms));
        observe(ids.request_duration[request.endpoint], seconds, traced);
    }

    // --- workflow runs ---

    /// Puts the run that was asked for at the end of the queue, unless that is full.
    fn enqueue(&mut self, request: Request) -> bool {
        let queue = &mut self.engines[request.process].queue;
        if queue.len() >= QUEUE_MAX {
            return false;
        }
        queue.push_back(request.workflow);
        self.start_runs(request.process);
        true
    }

    /// Starts waiting runs while there is room. Claiming a run needs the database.
    fn start_runs(&mut self, process: usize) {
        if self.database_is_away() || !self.processes[process].reachable {
            return;
        }
        while self.engines[process].runs.len() < CONCURRENCY_MAX {
            let Some(workflow) = self.engines[process].queue.pop_front() else { return };
            self.runs_started += 1;
            let run = Run { workflow, start_ms: self.now_ms, stage: 0, nodes_left: 0, end: End::Success };
            self.engines[process].runs.insert(self.runs_started, run);
            self.store_query(process, UPDATE);
            self.start_stage(process, self.runs_started);
        }
    }

    fn start_stage(&mut self, process: usize, number: u64) {
        let Some(run) = self.engines[process].runs.get_mut(&number) else { return };
        let nodes = WORKFLOWS[run.workflow].stages[run.stage];
        run.nodes_left = nodes.len();
        for node in nodes {
            self.engines[process].active_nodes += 1;
            self.context_store(process, GET);
            let incarnation = self.processes[process].incarnation;
            let (attempt, start_ms) = (1, self.now_ms);
            self.attempt(NodeRun { process, incarnation, run: number, node: *node, attempt, start_ms });
        }
    }

    fn attempt(&mut self, node_run: NodeRun) {
        let node = &NODES[node_run.node];
        let engine = &mut self.engines[node_run.process];
        engine.work += 0.11;
        let (flaky, hangs) = if node.calls_model {
            let level = |id| self.trouble.level(id);
            (level(IncidentId::DagModelEndpointFlaky), level(IncidentId::DagModelEndpointHangs))
        } else {
            (0.0, 0.0)
        };
        let seconds = self.dice.around(node.median_s, 0.35) * engine.slowness * (1.0 + 40.0 * hangs);
        let worked = !self.dice.chance(0.012 + 0.55 * flaky);
        let seconds = if worked { seconds } else { seconds * self.dice.between(0.2, 1.0) };
        let event = Event::AttemptEnd(node_run, worked);
        self.agenda.plan(self.now_ms + ms(seconds.min(MODEL_PATIENCE_S)), event);
    }

    fn end_attempt(&mut self, node_run: NodeRun, worked: bool) {
        let NodeRun { process, run: number, node, attempt, start_ms, .. } = node_run;
        let Some(run) = self.engines[process].runs.get(&number) else { return };
        let given_up = run.end != End::Success;
        if !worked && attempt <= RETRIES_MAX && !given_up {
            self.engines[process].ids.node_retries[node].inc();
            return self.attempt(NodeRun { attempt: attempt + 1, ..node_run });
        }
        let end = match (given_up, worked) {
            (true, _) => End::Cancelled,
            (false, true) => End::Success,
            (false, false) => End::Failure,
        };
        self.engines[process].active_nodes -= 1;
        let seconds = (self.now_ms - start_ms) as f64 / 1000.0 + 0.001 * self.dice.unit();
        let traced = self.dice.trace().map(|trace| (trace, self.now_ms));
        let ids = &self.engines[process].ids;
        ids.node_ends[node][end as usize].inc();
        observe(ids.node_duration[node], seconds, traced);
        self.context_store(process, SET);
        self.store_query(process, UPDATE);
        if end == End::Success {
            self.judge(process, node);
        }
        self.after_node(process, number, end);
    }

    /// A node's results are stored, scored and checked.
    fn judge(&mut self, process: usize, node: usize) {
        let ids = &self.engines[process].ids;
        if let Some(kind) = NODES[node].artifact {
            ids.artifacts[kind].inc();
            ids.artifact_size[kind].observe(self.dice.around(ARTIFACTS[kind].1, 1.0).round());
        }
        if let Some(quality) = ids.quality[node] {
            quality.observe(1.0 - self.dice.around(0.1, 0.55).min(1.0));
        }
        if let Some(contract) = NODES[node].contract {
            let broken = self.dice.chance(0.03);
            ids.contracts[contract][usize::from(broken)].inc();
        }
    }

    fn after_node(&mut self, process: usize, number: u64, end: End) {
        let cancelled = self.dice.chance(0.002);
        let refused = self.dice.chance(0.004);
        let Some(run) = self.engines[process].runs.get_mut(&number) else { return };
        run.nodes_left -= 1;
        // Whoever asked for the run looks at it at the end and may refuse the result.
        let is_last = run.nodes_left == 0 && run.stage + 1 == WORKFLOWS[run.workflow].stages.len();
        if run.end == End::Success {
            run.end = match end {
                End::Success if cancelled => End::Cancelled,
                End::Success if refused && is_last => End::Failure,
                other => other,
            };
        }
        if run.nodes_left > 0 {
            return;
        }
        let workflow = &WORKFLOWS[run.workflow];
        run.stage += 1;
        if run.end == End::Success && run.stage < workflow.stages.len() {
            return self.start_stage(process, number);
        }
        let Some(run) = self.engines[process].runs.remove(&number) else { return };
        let seconds = (self.now_ms - run.start_ms) as f64 / 1000.0;
        let traced = self.dice.trace().map(|trace| (trace, self.now_ms));
        let ids = &self.engines[process].ids;
        ids.workflow_ends[run.workflow][run.end as usize].inc();
        observe(ids.workflow_duration[run.workflow], seconds, traced);
        self.store_query(process, UPDATE);
        self.start_runs(process);
    }

    /// The engine's own bookkeeping in the database; it waits for the database elsewhere.
    fn store_query(&mut self, process: usize, query_type: usize) {
        if !self.database_is_away() {
            let seconds = self.dice.around(0.003, 0.6);
            self.engines[process].ids.query_duration[query_type].observe(seconds);
        }
    }

    fn context_store(&mut self, process: usize, operation: usize) {
        let failed = self.dice.chance(0.002);
        self.engines[process].ids.context_store[operation][usize::from(failed)].inc();
    }
}

impl Engine {
    fn new(registry: &Registry, slowness: f64) -> Self {
        let metrics = registered(registry);
        Self {
            metrics,
            ids: Instruments::of(&metrics),
            usage: Usage::new(registry),
            queue: VecDeque::new(),
            runs: BTreeMap::new(),
            active_nodes: 0,
            pool: Pool::new(POOL_SIZE),
            websockets: 6.0,
            work: 0.0,
            load: 0.3,
            leaked_bytes: 0.0,
            healthy: [true, true],
            slowness,
        }
    }

    fn second(&mut self, dice: &mut Dice) {
        self.pool.second();
        self.load += (self.work - self.load) * 0.1;
        self.usage.spent(self.work);
        self.work = 0.0;
        // Watchers come with the runs that they watch, and leave late.
        let wanted = 5.0 + 0.6 * self.runs.len() as f64;
        let comes = dice.chance(0.08 * (wanted / (self.websockets + 1.0)).min(5.0));
        let leaves = dice.chance((0.08 * self.websockets / wanted).min(0.8));
        self.websockets += f64::from(u8::from(comes)) - f64::from(u8::from(leaves && self.websockets > 0.0));
    }

    fn set_gauges(&self, database_is_away: bool, started_ms: i64) {
        let ids = &self.ids;
        ids.active_workflows.set(self.runs.len() as f64);
        ids.queue_depth.set(self.queue.len() as f64);
        ids.active_nodes.set(self.active_nodes as f64);
        // The engine keeps one session per eight nodes, next to those of requests.
        let sessions = if database_is_away { 0 } else { self.pool.active() + self.active_nodes.div_ceil(8) };
        ids.connections.set(sessions.min(POOL_SIZE) as f64);
        ids.pool_size.set(POOL_SIZE as f64);
        let memory = 560.0 * MIB * self.slowness + 2.5 * MIB * self.runs.len() as f64 + self.leaked_bytes;
        ids.memory.set(memory.round());
        self.usage.set(started_ms, memory, self.active_nodes);
        ids.cpu.set((3.0 + 100.0 * self.load).min(99.0));
        ids.websockets.set(self.websockets);
        for (gauge, healthy) in ids.health.into_iter().zip(self.healthy) {
            gauge.set(f64::from(u8::from(healthy)));
        }
    }
}

impl Simulation for Dag {
    fn advance_to(&mut self, ts_ms: i64) {
        while let Some((at_ms, event)) = self.agenda.next(ts_ms) {
            self.now_ms = at_ms;
            self.handle(event);
        }
        let away = self.database_is_away();
        for (engine, process) in self.engines.iter().zip(&self.processes) {
            engine.set_gauges(away, process.started_ms);
        }
    }

    fn processes(&self) -> &[Process] {
        &self.processes
    }

    fn health(&self, process: usize) -> Health {
        let [database, redis] = self.engines[process].healthy;
        Health::of(vec![("database", database), ("redis", redis)])
    }

    fn arrivals(&mut self) -> Vec<&mut Traffic> {
        vec![&mut self.starts, &mut self.requests]
    }

    fn script(&mut self) -> &mut Script {
        &mut self.script
    }
}
