//! The Genesis platform: a dashboard backend, and three hosts that run fifteen agents which take tasks off two queues.
mod agent;
mod backend;

use bellwether_sdk::{LabelValue as _, Registry};

use self::agent::{AGENTS, AGENTS_PER_HOST, Agent, DEFAULT, PRIORITY, QA_AGENT, QUEUES, REPORTERS};
use self::backend::{Answer, Backend, Surroundings};
use super::Platform;
use crate::generated::genesis::{Genesis as Metrics, Status, Upstream};
use crate::incident::{IncidentId, Script, Trouble};
use crate::sim::{
    Agenda, Dice, Health, Process, SECOND_MS, Simulation, Traffic, Usage, derive, ms, recycled_at, registered,
};

/// The scheduled report keeps this many tasks waiting.
const FLOOD: f64 = 150.0;
/// Data sources are probed this often.
const PROBE_EVERY_MS: i64 = 15 * SECOND_MS;
const MIB: f64 = 1024.0 * 1024.0;

pub(super) struct Genesis {
    seed: u64,
    now_ms: i64,
    agenda: Agenda<Event>,
    dice: Dice,
    traffic: Traffic,
    requests: Traffic,
    script: Script,
    trouble: Trouble,
    /// The backend, then the agent hosts.
    processes: Vec<Process>,
    resources: Vec<Resources>,
    agents: Vec<Agent>,
    backend: Backend,
}

/// What a process uses.
struct Resources {
    /// Processor seconds since the last second began.
    work: f64,
    base_bytes: f64,
    /// Grows with the work until the collector runs.
    garbage_bytes: f64,
    usage: Usage,
}

#[derive(Clone, Copy)]
enum Event {
    Second,
    Arrival,
    /// Somebody opens a page of the dashboard.
    Request,
    /// The backend sends an answer; the incarnation of its process.
    Answer(Answer, u32),
    /// An agent's task ended: agent, the incarnation of its host.
    TaskEnd(usize, u32, Status),
}

impl Genesis {
    pub(super) fn new(seed: u64, begin_ms: i64) -> Self {
        let processes = [
            ("genesis-backend", "genesis-backend", 12_700.0, 190.0),
            ("genesis-agents", "genesis-agents-1", 9_900.0, 340.0),
            ("genesis-agents", "genesis-agents-2", 5_600.0, 310.0),
            ("genesis-agents", "genesis-agents-3", 16_100.0, 365.0),
        ];
        let registries = processes.map(|_| Registry::new());
        let resources = processes.iter().zip(&registries);
        let resources = resources.map(|((.., mib), it)| Resources::new(Usage::new(it), mib * MIB)).collect();
        let agent =
            |(idx, name): (usize, &&'static str)| Agent::new(registered(&registries[host_of(idx)]), name);
        let agents = AGENTS.iter().enumerate().map(agent).collect();
        // A gauge without labels is there as soon as it is registered; only the backend knows how many agents are active.
        for host in &registries[1..] {
            registered::<Metrics>(host).active_agents.remove(());
        }
        let backend = Backend::new(registered(&registries[0]), Dice::new(seed, "genesis backend"));
        let processes = processes.into_iter().zip(registries);
        let processes = processes
            .map(|((job, instance, age_s, _), it)| Process::new(job, instance, begin_ms, age_s, it))
            .collect();
        let mut agenda = Agenda::new();
        for event in [Event::Second, Event::Arrival, Event::Request] {
            agenda.plan(begin_ms, event);
        }
        Self {
            seed: derive(seed, "genesis restarts"),
            now_ms: begin_ms,
            agenda,
            dice: Dice::new(seed, "genesis"),
            traffic: Traffic {
                seed: derive(seed, "genesis tasks"),
                peak_per_s: 5.0,
                night_share: 0.55,
                busiest_hour: 12.0,
            },
            requests: Traffic {
                seed: derive(seed, "genesis requests"),
                peak_per_s: 1.6,
                night_share: 0.35,
                busiest_hour: 11.0,
            },
            script: Script::of(Platform::Genesis),
            trouble: Trouble::NONE,
            processes,
            resources,
            agents,
            backend,
        }
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Second => self.second(),
            Event::Arrival => {
                let agent = self.dice.index(AGENTS.len());
                let queue = if self.dice.chance(0.2) { PRIORITY } else { DEFAULT };
                self.submit(agent, queue);
                let gap = self.dice.gap_s(self.traffic.rate_per_s(self.now_ms));
                self.agenda.plan(self.now_ms + ms(gap), Event::Arrival);
            }
            Event::Request => {
                if self.processes[0].reachable {
                    let answer = self.backend.ask(self.surroundings());
                    let at_ms = self.now_ms + ms(answer.seconds);
                    self.agenda.plan(at_ms, Event::Answer(answer, self.processes[0].incarnation));
                    self.resources[0].work += 0.003;
                }
                let gap = self.dice.gap_s(self.requests.rate_per_s(self.now_ms));
                self.agenda.plan(self.now_ms + ms(gap), Event::Request);
            }
            Event::Answer(answer, incarnation) => {
                if self.processes[0].incarnation == incarnation {
                    self.backend.answer(answer, self.now_ms);
                }
            }
            Event::TaskEnd(agent, incarnation, end) => {
                let host = host_of(agent);
                if self.processes[host].incarnation == incarnation {
                    self.agents[agent].ended(end, self.now_ms);
                    self.assign(agent);
                }
            }
        }
    }

    fn second(&mut self) {
        let was_lost = self.backend_is_lost();
        self.trouble = self.script.trouble_at(self.now_ms);
        match (was_lost, self.backend_is_lost()) {
            (false, true) => self.processes[0].stop(),
            (true, false) => self.start(0),
            _ => {}
        }
        for idx in 0..self.processes.len() {
            if self.trouble.is_over() && recycled_at(self.seed, idx, self.now_ms) {
                self.restart(idx);
            }
            let idle_work = self.dice.between(0.01, 0.04);
            self.resources[idx].second(idle_work);
        }
        if self.now_ms.rem_euclid(PROBE_EVERY_MS) < SECOND_MS && self.processes[0].reachable {
            self.backend.probe(self.surroundings());
        }
        let flood = (self.trouble.level(IncidentId::GenesisTaskFlood) * FLOOD) as usize;
        for agent in REPORTERS {
            while self.agents[agent].waiting() < flood / REPORTERS.len() {
                self.submit(agent, DEFAULT);
            }
        }
        self.agenda.plan(self.now_ms + SECOND_MS, Event::Second);
    }

    fn backend_is_lost(&self) -> bool {
        self.trouble.level(IncidentId::GenesisBackendLost) >= 0.5
    }

    /// What the backend has to cope with.
    fn surroundings(&self) -> Surroundings {
        let level = |id| self.trouble.level(id);
        let traces = |id| (level(id) >= 0.5).then_some(Upstream::Traces);
        Surroundings {
            unreachable: traces(IncidentId::GenesisTraceStoreDown),
            hanging: traces(IncidentId::GenesisTraceStoreHangs),
            metrics_slowness: 1.0 + 14.0 * level(IncidentId::GenesisMetricServerSlow),
            is_made_up: level(IncidentId::GenesisWrongEnvironment) >= 0.5,
        }
    }

    fn restart(&mut self, process: usize) {
        self.processes[process].stop();
        self.start(process);
    }

    fn start(&mut self, process: usize) {
        self.processes[process].start(self.now_ms);
        self.resources[process].restarted();
        if process == 0 {
            self.backend.restarted();
        }
        for agent in (0..AGENTS.len()).filter(|it| host_of(*it) == process) {
            self.agents[agent].restarted();
            self.assign(agent);
        }
    }

    fn submit(&mut self, agent: usize, queue: usize) {
        self.resources[0].work += 0.004;
        self.agents[agent].waiting[queue] += 1;
        self.assign(agent);
    }

    fn assign(&mut self, agent: usize) {
        let host = host_of(agent);
        while self.agents[agent].take(self.now_ms) {
            let failing =
                if agent == QA_AGENT { self.trouble.level(IncidentId::GenesisAgentFailing) } else { 0.0 };
            let dice = &mut self.dice;
            let (end, seconds) = if dice.chance(0.002_5 + 0.35 * failing) {
                (Status::Failure, dice.around(0.9, 0.5))
            } else if dice.chance(0.001) {
                (Status::Cancelled, dice.around(0.6, 0.5))
            } else if dice.chance(0.000_5) {
                (Status::Timeout, 30.0)
            } else {
                (Status::Success, dice.around(1.6, 0.45))
            };
            self.resources[host].work += 0.12 * seconds.min(4.0);
            let incarnation = self.processes[host].incarnation;
            self.agenda.plan(self.now_ms + ms(seconds), Event::TaskEnd(agent, incarnation, end));
        }
    }

    fn set_gauges(&mut self) {
        let active = self.agents.iter().filter(|it| it.is_active(self.now_ms)).count();
        let waiting = |queue: usize| self.agents.iter().map(|it| it.waiting[queue]).sum::<usize>();
        let queues = QUEUES.into_iter().enumerate();
        self.backend.set_gauges(active, queues.map(|(idx, queue)| (queue, waiting(idx))));
        for (idx, (resources, process)) in self.resources.iter().zip(&self.processes).enumerate() {
            let agents = self.agents.iter().enumerate().filter(|(agent, _)| host_of(*agent) == idx);
            let busy = agents.map(|(_, agent)| agent.running).sum();
            resources.set_gauges(process.started_ms, busy);
        }
    }
}

/// The process that runs an agent.
fn host_of(agent: usize) -> usize {
    1 + agent / AGENTS_PER_HOST
}

impl Resources {
    fn new(usage: Usage, base_bytes: f64) -> Self {
        Self { work: 0.0, base_bytes, garbage_bytes: 0.0, usage }
    }

    fn second(&mut self, idle_work: f64) {
        let work = self.work + idle_work;
        self.work = 0.0;
        self.usage.spent(work);
        self.garbage_bytes += work * 3.0 * MIB;
        if self.garbage_bytes > 0.4 * self.base_bytes {
            self.garbage_bytes = 0.0;
        }
    }

    fn restarted(&mut self) {
        self.garbage_bytes = 0.0;
        self.usage.restarted();
    }

    fn set_gauges(&self, started_ms: i64, agents_busy: usize) {
        self.usage.set(started_ms, self.base_bytes + self.garbage_bytes, agents_busy);
    }
}

impl Simulation for Genesis {
    fn advance_to(&mut self, ts_ms: i64) {
        while let Some((at_ms, event)) = self.agenda.next(ts_ms) {
            self.now_ms = at_ms;
            self.handle(event);
        }
        self.now_ms = self.now_ms.max(ts_ms);
        self.set_gauges();
    }

    fn processes(&self) -> &[Process] {
        &self.processes
    }

    fn health(&self, process: usize) -> Health {
        if process > 0 {
            return Health::of(vec![("broker", true)]);
        }
        let up = self.backend.upstream_up;
        Health::of(Upstream::VALUES.iter().copied().zip(up).collect())
    }

    fn arrivals(&mut self) -> Vec<&mut Traffic> {
        vec![&mut self.traffic]
    }

    fn script(&mut self) -> &mut Script {
        &mut self.script
    }
}
