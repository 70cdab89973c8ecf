//! The DevSkyy platform: two hosts, each with four web workers that count together, that sell things with the help of
//! models, vector search and agents, and that owe people answers about their data.
mod business;
mod data;
mod host;
mod ml;
mod protection;
mod web;

use std::collections::VecDeque;

use bellwether_sdk::{LabelValue as _, Registry};

use self::business::{BusinessInstruments, ORDER_CREATED, ORDER_PAID, USER_REGISTERED};
use self::data::{ANALYTICS, DATABASES, DataInstruments, MAIN, PRODUCTS, SESSIONS};
use self::host::{COMPONENTS, Machine, overall};
use self::ml::{AGENTS, BERT, GPT, INDEXES, MODELS, MlInstruments};
use self::protection::ProtectionInstruments;
use self::web::{
    Answer, CART, CHECKOUT, ENDPOINTS, Fault, GDPR, HEALTH, LIST, PREDICT, PRODUCT, REGISTER, Request,
    SEARCH, WebInstruments,
};
use super::Platform;
use crate::generated::devskyy::{
    Component, Devskyy as Metrics, HealthStatus, OrdersStatus, QueryType, RequestType, Status,
};
use crate::incident::{IncidentId, Script, Trouble};
use crate::metrics::Trace;
use crate::sim::{
    Acquired, Agenda, Cache, Dice, Health, Pool, Process, SECOND_MS, SimulatedClock, Simulation, Traffic,
    derive, ms, recycled_at, registered,
};

/// What worked, and what failed.
const WORKED: [Status; 2] = [Status::Success, Status::Error];
const WORKERS: usize = 4;
/// Callers wait this long for a connection.
const POOL_WAIT_S: f64 = 3.0;
/// Requests about people's data that are worked off at a time.
const GDPR_SLOTS: usize = 6;
/// And so many wait; further ones are turned away.
const GDPR_WAITING_MAX: usize = 2_000;
const MIB: f64 = 1024.0 * 1024.0;

pub(super) struct Devskyy {
    seed: u64,
    now_ms: i64,
    clock: SimulatedClock,
    agenda: Agenda<Event>,
    dice: Dice,
    traffic: Traffic,
    agent_traffic: Traffic,
    script: Script,
    trouble: Trouble,
    processes: Vec<Process>,
    hosts: Vec<Host>,
    gdpr_waiting: VecDeque<GdprRequest>,
    gdpr_running: usize,
    vectors: [f64; 2],
    accuracy: [f64; 2],
}

/// What a host holds. Its registry adds up what the workers count, and keeps the counts of workers that ended.
struct Host {
    web: WebInstruments,
    data: DataInstruments,
    ml: MlInstruments,
    protection: ProtectionInstruments,
    business: BusinessInstruments,
    machine: Machine,
    /// Per worker: how often it was started, and the requests under way.
    workers: [(u32, u32); WORKERS],
    pool: Pool<Request>,
    /// Analytics connections: used by reports, and leaked.
    reports: usize,
    leaked: usize,
    caches: [Cache; 2],
    active_users: f64,
    agents_loaded: f64,
    slowness: f64,
}

#[derive(Clone, Copy)]
struct GdprRequest {
    host: usize,
    request_type: RequestType,
}

#[derive(Clone, Copy)]
enum Event {
    Second,
    Arrival,
    AgentTask,
    Report(usize),
    ReportDone(usize, i64),
    CleanUp,
    QueryDone(Request, bool),
    PoolTimeout(usize, u64),
    Answer(Request, Result<u16, Fault>),
    AgentDone { host: usize, agent: usize, started_ms: i64 },
    GdprDone(GdprRequest, i64),
    Pay { host: usize, value_usd: f64 },
    Refund { host: usize },
    Deliver { host: usize, event: usize, attempt: u32 },
}

impl Devskyy {
    pub(super) fn new(seed: u64, begin_ms: i64) -> Self {
        let clock = SimulatedClock::default();
        clock.set(begin_ms);
        let (processes, hosts) = [("devskyy-web-1", 31_000.0, 1.0), ("devskyy-web-2", 18_500.0, 1.12)]
            .map(|(instance, age_s, slowness)| {
                let registry = clock.registry();
                let host = Host::new(&registry, slowness);
                (Process::new("devskyy", instance, begin_ms, age_s, registry), host)
            })
            .into_iter()
            .unzip();
        let mut agenda = Agenda::new();
        for event in [
            Event::Second,
            Event::Arrival,
            Event::AgentTask,
            Event::CleanUp,
            Event::Report(0),
            Event::Report(1),
        ] {
            agenda.plan(begin_ms, event);
        }
        Self {
            seed: derive(seed, "devskyy restarts"),
            now_ms: begin_ms,
            clock,
            agenda,
            dice: Dice::new(seed, "devskyy"),
            traffic: Traffic {
                seed: derive(seed, "devskyy requests"),
                peak_per_s: 14.0,
                night_share: 0.5,
                busiest_hour: 19.0,
            },
            agent_traffic: Traffic {
                seed: derive(seed, "devskyy agents"),
                peak_per_s: 0.5,
                night_share: 0.7,
                busiest_hour: 11.0,
            },
            script: Script::of(Platform::Devskyy),
            trouble: Trouble::NONE,
            processes,
            hosts,
            gdpr_waiting: VecDeque::new(),
            gdpr_running: 0,
            vectors: INDEXES.map(|(_, _, vectors)| vectors),
            accuracy: [MODELS[BERT].accuracy, MODELS[GPT].accuracy],
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
            Event::AgentTask => {
                self.start_agent();
                let gap = self.dice.gap_s(self.agent_traffic.rate_per_s(self.now_ms));
                self.agenda.plan(self.now_ms + ms(gap), Event::AgentTask);
            }
            Event::Report(host) => self.start_report(host),
            Event::ReportDone(host, started_ms) => self.end_report(host, started_ms),
            Event::CleanUp => self.clean_up(),
            Event::QueryDone(request, worked) => {
                if let Some(next) = self.hosts[request.host].pool.release() {
                    self.query(next);
                }
                self.after_query(request, worked);
            }
            Event::PoolTimeout(host, ticket) => {
                if let Some(request) = self.hosts[host].pool.give_up(ticket) {
                    self.answer(request, Err(Fault::Database));
                }
            }
            Event::Answer(request, outcome) => self.answer(request, outcome),
            Event::AgentDone { host, agent, started_ms } => self.end_agent(host, agent, started_ms),
            Event::GdprDone(request, started_ms) => self.end_gdpr(request, started_ms),
            Event::Pay { host, value_usd } => self.pay(host, value_usd),
            Event::Refund { host } => self.hosts[host].business.order(OrdersStatus::Refunded, 0.0),
            Event::Deliver { host, event, attempt } => self.deliver(host, event, attempt),
        }
    }

    fn level(&self, id: IncidentId) -> f64 {
        self.trouble.level(id)
    }

    fn second(&mut self) {
        self.trouble = self.script.trouble_at(self.now_ms);
        let importing = self.level(IncidentId::DevskyyBatchImport);
        let bloat = self.level(IncidentId::DevskyyModelCacheBloat);
        let leak = self.level(IncidentId::DevskyyConnectionLeak);
        let wanted_users = 14.0 * self.traffic.rate_per_s(self.now_ms);
        for idx in 0..self.hosts.len() {
            for worker in 0..WORKERS {
                if self.trouble.is_over() && recycled_at(self.seed, idx * WORKERS + worker, self.now_ms) {
                    self.recycle(idx, worker);
                }
            }
            let import_work = if idx == 0 { self.dice.between(7.0, 7.8) * importing } else { 0.0 };
            let host = &mut self.hosts[idx];
            // The import takes what is left; requests still get their share.
            host.machine.work = host.machine.work.max(import_work);
            host.machine.second();
            host.pool.second();
            host.caches.iter_mut().for_each(|cache| cache.second(0.0));
            host.machine.bloat_bytes = if idx == 1 { bloat * 7_600.0 * MIB } else { 0.0 };
            host.leaked = ((leak * DATABASES[ANALYTICS].1 as f64) as usize).min(DATABASES[ANALYTICS].1);
            let pull = (wanted_users * 0.5 - host.active_users) * 0.02;
            host.active_users = (host.active_users + pull + self.dice.between(-1.0, 1.0)).max(0.0);
            host.agents_loaded += (AGENTS.len() as f64 - host.agents_loaded) * 0.01;
        }
        if self.now_ms.rem_euclid(600 * SECOND_MS) < SECOND_MS {
            // Evaluation runs every ten minutes.
            for (accuracy, model) in self.accuracy.iter_mut().zip(&MODELS) {
                *accuracy = (model.accuracy + self.dice.between(-0.012, 0.012)).clamp(0.0, 1.0);
            }
        }
        self.agenda.plan(self.now_ms + SECOND_MS, Event::Second);
    }

    /// A worker is replaced: what it was doing is lost, its successor loads the models again.
    fn recycle(&mut self, host: usize, worker: usize) {
        let (life, active) = self.hosts[host].workers[worker];
        self.hosts[host].workers[worker] = (life + 1, 0);
        debug_assert!(active < 10_000, "BUG: requests of a worker were never answered");
        for (model, it) in MODELS.iter().enumerate() {
            let seconds = self.dice.around(it.load_s, 0.25);
            self.hosts[host].ml.loaded(model, seconds);
        }
    }

    // --- requests ---

    fn arrive(&mut self) {
        let host = self.dice.weighted(&[0.53, 0.47]);
        let worker = self.dice.index(WORKERS);
        let endpoint = self.dice.weighted(&ENDPOINTS.each_ref().map(|it| it.weight));
        let life = self.hosts[host].workers[worker].0;
        let request =
            Request { host, worker, life, endpoint, start_ms: self.now_ms, trace: self.dice.trace() };
        self.hosts[host].workers[worker].1 += 1;
        self.hosts[host].machine.work += 0.18;

        let think_s = self.dice.around(0.003, 0.5) * self.hosts[host].slowness;
        if self.dice.chance(ENDPOINTS[endpoint].client_error.1) {
            return self.answer_in(request, think_s, Ok(ENDPOINTS[endpoint].client_error.0));
        }
        let broken = self.level(IncidentId::DevskyyPaymentErrors);
        let upstream = match endpoint {
            LIST | PRODUCT => 0.16 * broken,
            CHECKOUT => 0.5 * broken,
            _ => 0.0,
        };
        if self.dice.chance(upstream) {
            return self.answer_in(request, think_s + 0.08, Err(Fault::Upstream));
        }
        if self.dice.chance(0.001) {
            return self.answer_in(request, think_s, Err(Fault::Internal));
        }
        let session_s = if endpoint == HEALTH { 0.0 } else { self.session(host) };
        match endpoint {
            HEALTH => self.answer_in(request, think_s, Ok(200)),
            PREDICT => {
                let seconds = self.predict(host, BERT, request.trace);
                self.answer_in(request, think_s + session_s + seconds, Ok(200));
            }
            SEARCH => {
                let seconds = self.search(host);
                self.answer_in(request, think_s + session_s + seconds, Ok(200));
            }
            LIST | PRODUCT if self.cached(host, PRODUCTS) => {
                self.answer_in(request, think_s + 0.001, Ok(200));
            }
            _ => match self.hosts[host].pool.acquire(request) {
                Acquired::Connection => self.query(request),
                Acquired::Refused => self.answer(request, Err(Fault::Database)),
                Acquired::Wait(ticket) => {
                    self.agenda.plan(self.now_ms + ms(POOL_WAIT_S), Event::PoolTimeout(host, ticket));
                }
            },
        }
    }

    /// Time to find the caller's session.
    fn session(&mut self, host: usize) -> f64 {
        let known = self.cached(host, SESSIONS);
        self.dice.around(if known { 0.000_8 } else { 0.003 }, 0.4)
    }

    fn cached(&mut self, host: usize, cache: usize) -> bool {
        let Host { data, caches, .. } = &mut self.hosts[host];
        data.lookup(cache, &mut caches[cache], &mut self.dice)
    }

    /// The request has a connection: its queries run.
    fn query(&mut self, request: Request) {
        let (query_type, median) = match request.endpoint {
            LIST => (QueryType::Select, 0.022),
            PRODUCT => (QueryType::Select, 0.006),
            CART => (QueryType::Update, 0.009),
            _ => (QueryType::Insert, 0.011),
        };
        let slowness = self.hosts[request.host].slowness;
        let seconds = self.dice.around(median, 0.5) * slowness;
        let worked = !self.dice.chance(0.000_5);
        let data = &self.hosts[request.host].data;
        data.queried(MAIN, query_type, seconds, worked);
        if query_type != QueryType::Select {
            data.transaction_ended(MAIN, seconds * 1.3 + 0.001, worked);
        }
        self.agenda.plan(self.now_ms + ms(seconds), Event::QueryDone(request, worked));
    }

    fn after_query(&mut self, request: Request, worked: bool) {
        if !worked {
            return self.answer(request, Err(Fault::Database));
        }
        let host = request.host;
        let ok = Ok(ENDPOINTS[request.endpoint].ok);
        match request.endpoint {
            CHECKOUT => {
                let scoring = 2.6 * self.level(IncidentId::DevskyyCheckoutSlow);
                let scoring_s = if scoring > 0.0 { self.dice.around(scoring, 0.2) } else { 0.0 };
                let payment_s = self.dice.around(0.14, 0.3);
                self.order(host);
                self.answer_in(request, payment_s + scoring_s, ok);
            }
            REGISTER => {
                self.hosts[host].business.registered();
                self.plan_delivery(host, USER_REGISTERED, 1, 0.2);
                self.answer_in(request, 0.06, ok);
            }
            GDPR if self.gdpr_waiting.len() >= GDPR_WAITING_MAX => {
                self.answer(request, Err(Fault::Overload));
            }
            GDPR => {
                let erasure = self.dice.chance(0.45);
                let request_type = if erasure { RequestType::Delete } else { RequestType::Export };
                self.gdpr_waiting.push_back(GdprRequest { host, request_type });
                self.start_gdpr();
                self.answer(request, ok);
            }
            _ => self.answer(request, ok),
        }
    }

    fn answer_in(&mut self, request: Request, seconds: f64, outcome: Result<u16, Fault>) {
        self.agenda.plan(self.now_ms + ms(seconds), Event::Answer(request, outcome));
    }

    fn answer(&mut self, request: Request, outcome: Result<u16, Fault>) {
        let host = &mut self.hosts[request.host];
        let (life, active) = &mut host.workers[request.worker];
        if *life != request.life {
            return;
        }
        *active -= 1;
        let endpoint = &ENDPOINTS[request.endpoint];
        let response_bytes = if outcome.is_ok() { endpoint.response_bytes } else { 90.0 };
        let answer = Answer {
            outcome,
            seconds: (self.now_ms - request.start_ms) as f64 / 1000.0 + 0.001 * self.dice.unit(),
            request_bytes: self.dice.around(endpoint.request_bytes, 0.3).round(),
            response_bytes: self.dice.around(response_bytes, 0.35).round(),
            now_ms: self.now_ms,
        };
        host.web.answered(&request, &answer);
        host.machine.transferred(answer.request_bytes + 620.0, answer.response_bytes + 410.0);
    }

    // --- models ---

    fn predict(&mut self, host: usize, model: usize, trace: Option<Trace>) -> f64 {
        let seconds = self.dice.around(MODELS[model].median_s, 0.4) * self.hosts[host].slowness;
        let worked = !self.dice.chance(0.002);
        let traced = trace.map(|trace| (trace, self.now_ms));
        self.hosts[host].ml.predicted(model, seconds, worked, traced);
        seconds
    }

    fn search(&mut self, host: usize) -> f64 {
        let index = usize::from(self.dice.chance(0.15));
        let embedding_s = self.dice.around(0.014, 0.4);
        let search_s = self.dice.around([0.009, 0.021][index], 0.5) * self.hosts[host].slowness;
        let worked = !self.dice.chance(0.001);
        self.hosts[host].ml.embedded(embedding_s, true);
        self.hosts[host].ml.searched(index, search_s, worked);
        embedding_s + search_s
    }

    fn start_agent(&mut self) {
        let host = self.dice.index(self.hosts.len());
        let agent = self.dice.weighted(&[0.2, 0.3, 0.2, 0.3]);
        let confidence = (1.0 - self.dice.around(0.14, 0.6)).clamp(0.0, 1.0);
        self.hosts[host].ml.agent_chosen(agent, confidence);
        self.hosts[host].agents_loaded =
            (self.hosts[host].agents_loaded + 0.2).min(AGENTS.len() as f64 * 2.0);
        self.hosts[host].machine.work += 0.25;
        let trace = self.dice.trace();
        let calls = 1 + self.dice.index(3);
        let seconds: f64 = (0..calls).map(|_| self.predict(host, GPT, trace)).sum();
        if self.dice.chance(0.2) {
            // What agents write is indexed.
            self.vectors[self.dice.index(2)] += 1.0;
        }
        let event = Event::AgentDone { host, agent, started_ms: self.now_ms };
        self.agenda.plan(self.now_ms + ms(seconds + 0.2), event);
    }

    fn end_agent(&mut self, host: usize, agent: usize, started_ms: i64) {
        let seconds = (self.now_ms - started_ms) as f64 / 1000.0;
        let worked = !self.dice.chance(0.015);
        let traced = self.dice.trace().map(|trace| (trace, self.now_ms));
        self.hosts[host].ml.agent_ended(agent, seconds, worked, traced);
    }

    // --- orders and webhooks ---

    fn order(&mut self, host: usize) {
        let value_usd = (self.dice.around(58.0, 0.7) * 100.0).round() / 100.0;
        self.hosts[host].business.order(OrdersStatus::Placed, value_usd);
        self.plan_delivery(host, ORDER_CREATED, 1, 0.3);
        let delay_s = self.dice.around(20.0, 0.6);
        self.agenda.plan(self.now_ms + ms(delay_s), Event::Pay { host, value_usd });
    }

    fn pay(&mut self, host: usize, value_usd: f64) {
        if self.dice.chance(0.05) {
            return self.hosts[host].business.order(OrdersStatus::Cancelled, value_usd);
        }
        self.hosts[host].business.order(OrdersStatus::Paid, value_usd);
        self.hosts[host].machine.disk_bytes[1] += 60_000.0;
        self.plan_delivery(host, ORDER_PAID, 1, 0.3);
        if self.dice.chance(0.02) {
            let delay_s = self.dice.between(300.0, 2400.0);
            self.agenda.plan(self.now_ms + ms(delay_s), Event::Refund { host });
        }
    }

    fn plan_delivery(&mut self, host: usize, event: usize, attempt: u32, in_s: f64) {
        self.agenda.plan(self.now_ms + ms(in_s), Event::Deliver { host, event, attempt });
    }

    fn deliver(&mut self, host: usize, event: usize, attempt: u32) {
        // A receiver that is down stays down for a while: a second attempt is likelier to fail than a first one.
        let worked = !self.dice.chance(if attempt == 1 { 0.04 } else { 0.45 });
        let seconds = if worked { self.dice.around(0.12, 0.6) } else { self.dice.between(0.05, 5.0) };
        if self.hosts[host].business.delivered(event, attempt, seconds, worked) {
            let pause_s = 2.0 * f64::from(1 << attempt) * self.dice.between(0.8, 1.2);
            self.plan_delivery(host, event, attempt + 1, seconds + pause_s);
        }
    }

    // --- people's data ---

    fn start_gdpr(&mut self) {
        while self.gdpr_running < GDPR_SLOTS {
            let Some(request) = self.gdpr_waiting.pop_front() else { return };
            self.gdpr_running += 1;
            let erasure = request.request_type == RequestType::Delete;
            let legacy = if erasure { self.level(IncidentId::DevskyyGdprBacklog) } else { 0.0 };
            let legacy_s = if legacy > 0.0 { self.dice.around(95.0 * legacy, 0.15) } else { 0.0 };
            let seconds = legacy_s + self.dice.around(if erasure { 4.0 } else { 7.5 }, 0.4);
            self.agenda.plan(self.now_ms + ms(seconds), Event::GdprDone(request, self.now_ms));
        }
    }

    fn end_gdpr(&mut self, request: GdprRequest, started_ms: i64) {
        self.gdpr_running -= 1;
        let seconds = (self.now_ms - started_ms) as f64 / 1000.0;
        let worked = !self.dice.chance(0.01);
        let traced = self.dice.trace().map(|trace| (trace, self.now_ms));
        let erased = [1.0, self.dice.between(0.0, 12.0).floor(), self.dice.around(90.0, 0.8).round()];
        let query_s = self.dice.around(0.03, 0.5);
        let host = &self.hosts[request.host];
        host.protection.request_ended(request.request_type, seconds, worked, traced);
        if request.request_type == RequestType::Delete {
            host.data.queried(MAIN, QueryType::Delete, query_s, worked);
            host.data.transaction_ended(MAIN, query_s * 1.5, worked);
            if worked {
                host.protection.erased(erased);
            }
        }
        self.start_gdpr();
    }

    fn clean_up(&mut self) {
        let idx = self.dice.index(self.hosts.len());
        let seconds = self.dice.around(38.0, 0.5);
        let records = [120.0, 900.0, 6_000.0].map(|median| self.dice.around(median, 0.5).round());
        let freed = (records.iter().sum::<f64>() * 5_200.0).round();
        let host = &mut self.hosts[idx];
        host.protection.cleaned_up(seconds, records, freed);
        host.data.queried(MAIN, QueryType::Delete, seconds / 40.0, true);
        host.machine.disk_bytes[1] -= freed.min(host.machine.disk_bytes[1] * 0.01);
        let gap_s = self.dice.between(420.0, 780.0);
        self.agenda.plan(self.now_ms + ms(gap_s), Event::CleanUp);
    }

    // --- reports over the analytics database ---

    fn start_report(&mut self, host: usize) {
        let it = &mut self.hosts[host];
        if it.reports + it.leaked < DATABASES[ANALYTICS].1 {
            it.reports += 1;
            let seconds = self.dice.around(6.0, 0.5);
            self.agenda.plan(self.now_ms + ms(seconds), Event::ReportDone(host, self.now_ms));
        }
        let gap = self.dice.gap_s(1.0 / 9.0);
        self.agenda.plan(self.now_ms + ms(gap), Event::Report(host));
    }

    fn end_report(&mut self, host: usize, started_ms: i64) {
        let seconds = (self.now_ms - started_ms) as f64 / 1000.0;
        let worked = !self.dice.chance(0.003);
        let it = &mut self.hosts[host];
        it.reports -= 1;
        it.data.queried(ANALYTICS, QueryType::Select, seconds * 0.9, worked);
        it.data.transaction_ended(ANALYTICS, seconds, worked);
    }

    fn set_gauges(&self) {
        for (host, process) in self.hosts.iter().zip(&self.processes) {
            host.set_gauges((self.now_ms - process.started_ms) as f64 / 1000.0);
            for (gauge, accuracy) in host.ml.accuracy.into_iter().zip(self.accuracy) {
                gauge.set(accuracy);
            }
            for (gauge, vectors) in host.ml.index_size.into_iter().zip(self.vectors) {
                gauge.set(vectors);
            }
        }
    }
}

impl Host {
    fn new(registry: &Registry, slowness: f64) -> Self {
        let metrics: Metrics = registered(registry);
        Self {
            web: WebInstruments::of(&metrics),
            data: DataInstruments::of(&metrics),
            ml: MlInstruments::of(&metrics),
            protection: ProtectionInstruments::of(&metrics),
            business: BusinessInstruments::of(&metrics),
            machine: Machine::new(&metrics),
            workers: [(0, 0); WORKERS],
            pool: Pool::new(DATABASES[MAIN].1),
            reports: 0,
            leaked: 0,
            caches: [
                Cache::new(0.9, 60.0, 600.0, 3_100.0, 900),
                Cache::new(0.97, 20.0, 1800.0, 640.0, 2_000),
            ],
            active_users: 70.0,
            agents_loaded: AGENTS.len() as f64,
            slowness,
        }
    }

    /// Memory that depends on what goes on.
    fn working_bytes(&self) -> f64 {
        let caches: f64 = self.caches.iter().map(Cache::bytes).sum();
        caches + self.active_users * 2.0 * MIB + self.agents_loaded * 90.0 * MIB
    }

    fn healthy(&self) -> [bool; COMPONENTS.len()] {
        let database = self.reports + self.leaked < DATABASES[ANALYTICS].1 && self.pool.waiting() == 0;
        [database, true, self.machine.memory_share(self.working_bytes()) < 0.85]
    }

    fn set_gauges(&self, uptime_s: f64) {
        let active: u32 = self.workers.iter().map(|(_, active)| active).sum();
        self.web.active.set(f64::from(active));
        self.data.set_pool(MAIN, [self.pool.active(), self.pool.idle(), self.pool.size()]);
        let size = DATABASES[ANALYTICS].1;
        let used = (self.reports + self.leaked).min(size);
        self.data.set_pool(ANALYTICS, [used, (size - used).min(2), size]);
        self.data.set_caches(&self.caches);
        self.business.active_users.set(self.active_users.round());
        self.ml.agent_cache.set(self.agents_loaded.round());
        let working_bytes = self.working_bytes();
        self.machine.set_gauges(working_bytes, uptime_s, self.healthy());
        let (cpu, memory) = (self.machine.cpu_share(), self.machine.memory_share(working_bytes));
        let clusters = [[cpu, memory], [(0.2 + 0.9 * cpu).min(1.0), 0.35 + 0.3 * memory]];
        for (gauges, values) in self.ml.clusters.into_iter().zip(clusters) {
            for (gauge, value) in gauges.into_iter().zip(values) {
                gauge.set(value);
            }
        }
    }
}

impl Simulation for Devskyy {
    fn advance_to(&mut self, ts_ms: i64) {
        while let Some((at_ms, event)) = self.agenda.next(ts_ms) {
            self.now_ms = at_ms;
            self.clock.set(at_ms);
            self.handle(event);
        }
        self.now_ms = self.now_ms.max(ts_ms);
        self.clock.set(self.now_ms);
        self.set_gauges();
    }

    fn processes(&self) -> &[Process] {
        &self.processes
    }

    fn health(&self, process: usize) -> Health {
        let healthy = self.hosts[process].healthy();
        let health = Health::of(Component::VALUES.iter().copied().zip(healthy).collect());
        Health { status: HealthStatus::VALUES[overall(healthy) as usize], ..health }
    }

    fn arrivals(&mut self) -> Vec<&mut Traffic> {
        vec![&mut self.traffic, &mut self.agent_traffic]
    }

    fn script(&mut self) -> &mut Script {
        &mut self.script
    }
}
