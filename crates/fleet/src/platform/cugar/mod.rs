//! The CUGAr platform: two gateway processes that run agent executions (model calls, tools, domains, people's approvals) against
//! shared budgets.
mod gateway;
mod instruments;

use std::collections::BTreeMap;

use bellwether_sdk::Registry;

use self::gateway::{BUDGETS, CONTENT, DOMAINS, Gateway, RESEARCH, TOOLS, WEB_SEARCH};
use self::instruments::Verdict;
use super::Platform;
use crate::incident::{IncidentId, Script, Trouble};
use crate::metrics::Trace;
use crate::sim::{Agenda, Dice, Health, Process, SECOND_MS, Simulation, Traffic, derive, ms, recycled_at};

/// Budgets are refilled this often.
const BUDGET_WINDOW_MS: i64 = 10 * 60 * SECOND_MS;
/// Nobody answered an approval for this long: the execution fails.
const APPROVAL_TIMEOUT_S: f64 = 180.0;
/// Further attempts at a tool.
const TOOL_RETRIES: u32 = 2;
/// The new planner fails one execution of this many.
const PLANNER_FAILS_EVERY: u64 = 7;

pub(super) struct Cugar {
    seed: u64,
    now_ms: i64,
    agenda: Agenda<Event>,
    dice: Dice,
    traffic: Traffic,
    script: Script,
    trouble: Trouble,
    processes: Vec<Process>,
    gateways: Vec<Gateway>,
    executions_started: u64,
    /// What was spent of the budgets since they were filled.
    spent: [f64; 3],
    approvals_asked: u64,
    /// Approvals that wait for somebody.
    pending: BTreeMap<u64, Approval>,
}

/// An execution on its way.
#[derive(Clone, Copy)]
struct Execution {
    process: usize,
    incarnation: u32,
    number: u64,
    start_ms: i64,
    /// Time spent waiting for people.
    waited_ms: i64,
    budget: usize,
    /// Tool calls that it still has to make.
    tools_left: u32,
    trace: Option<Trace>,
}

#[derive(Clone, Copy)]
struct Approval {
    execution: Execution,
    asked_ms: i64,
}

/// What an execution does next.
#[derive(Clone, Copy)]
enum Step {
    /// The plan is there.
    Planned,
    /// The current tool answered: tool, attempt.
    Tool(usize, u32),
    /// The domain answered: domain, attempt.
    Domain(usize, u32),
    /// The answer is written.
    Done,
    /// It cannot go on.
    Failed,
}

#[derive(Clone, Copy)]
enum Event {
    Second,
    Arrival,
    Step(Execution, Step),
    /// Somebody looks at an approval.
    Look(u64),
    ApprovalTimeout(u64),
}

impl Cugar {
    pub(super) fn new(seed: u64, begin_ms: i64) -> Self {
        let job = "cugar-api";
        let (processes, gateways) = [("cugar-1", 8_800.0, 1.0), ("cugar-2", 3_300.0, 1.08)]
            .map(|(instance, age_s, slowness)| {
                let registry = Registry::new();
                let gateway = Gateway::new(&registry, slowness);
                (Process::new(job, instance, begin_ms, age_s, registry), gateway)
            })
            .into_iter()
            .unzip();
        let mut agenda = Agenda::new();
        agenda.plan(begin_ms, Event::Second);
        agenda.plan(begin_ms, Event::Arrival);
        Self {
            seed: derive(seed, "cugar restarts"),
            now_ms: begin_ms,
            agenda,
            dice: Dice::new(seed, "cugar"),
            traffic: Traffic {
                seed: derive(seed, "cugar executions"),
                peak_per_s: 2.0,
                night_share: 0.55,
                busiest_hour: 16.0,
            },
            script: Script::of(Platform::Cugar),
            trouble: Trouble::NONE,
            processes,
            gateways,
            executions_started: 0,
            spent: [0.0; 3],
            approvals_asked: 0,
            pending: BTreeMap::new(),
        }
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Second => self.second(),
            Event::Arrival => {
                if self.trouble.level(IncidentId::CugarSchedulerStopped) < 0.5 {
                    self.start_execution();
                }
                let gap = self.dice.gap_s(self.traffic.rate_per_s(self.now_ms));
                self.agenda.plan(self.now_ms + ms(gap), Event::Arrival);
            }
            Event::Step(execution, step) => {
                if self.processes[execution.process].incarnation == execution.incarnation {
                    self.step(execution, step);
                }
            }
            Event::Look(number) => self.look(number),
            Event::ApprovalTimeout(number) => self.decide(number, Verdict::Timeout),
        }
    }

    fn second(&mut self) {
        let away_before = self.approvers_away();
        self.trouble = self.script.trouble_at(self.now_ms);
        if away_before && !self.approvers_away() {
            // They come back to a list and work it off.
            let waiting: Vec<u64> = self.pending.keys().copied().collect();
            for number in waiting {
                let delay_s = self.dice.between(3.0, 40.0);
                self.agenda.plan(self.now_ms + ms(delay_s), Event::Look(number));
            }
        }
        if self.now_ms.rem_euclid(BUDGET_WINDOW_MS) < SECOND_MS {
            self.spent = [0.0; 3];
            self.gateways.iter().for_each(Gateway::budgets_refilled);
        }
        for idx in 0..self.processes.len() {
            if self.trouble.is_over() && recycled_at(self.seed, idx, self.now_ms) {
                self.processes[idx].stop();
                self.processes[idx].start(self.now_ms);
                self.gateways[idx].restarted();
                self.pending.retain(|_, approval| approval.execution.process != idx);
            }
        }
        self.agenda.plan(self.now_ms + SECOND_MS, Event::Second);
    }

    fn approvers_away(&self) -> bool {
        self.trouble.level(IncidentId::CugarApproversAway) >= 0.5
    }

    fn start_execution(&mut self) {
        let process = self.dice.weighted(&[0.54, 0.46]);
        self.executions_started += 1;
        let execution = Execution {
            process,
            incarnation: self.processes[process].incarnation,
            number: self.executions_started,
            start_ms: self.now_ms,
            waited_ms: 0,
            budget: self.dice.weighted(&BUDGETS.each_ref().map(|it| it.share)),
            tools_left: 1 + self.dice.index(3) as u32,
            trace: self.dice.trace(),
        };
        self.gateways[process].execution_began();
        self.call_model(execution, 0.5, Step::Planned);
    }

    /// Asks the model, twice if it refuses.
    fn call_model(&mut self, execution: Execution, median_s: f64, then: Step) {
        let refusing = 0.4 * self.trouble.level(IncidentId::CugarProviderOutage);
        let slow = 1.0 + 8.0 * self.trouble.level(IncidentId::CugarSlowModel);
        let slowness = self.gateways[execution.process].slowness * slow;
        let mut seconds = 0.0;
        for _ in 0..2 {
            let refused = self.dice.chance(0.003 + refusing);
            if !refused {
                seconds += self.dice.around(median_s, 0.4) * slowness;
                return self.plan_step(execution, seconds, then);
            }
            seconds += self.dice.around(0.25, 0.3);
        }
        self.plan_step(execution, seconds, Step::Failed);
    }

    fn call_tool(&mut self, execution: Execution, tool: usize, attempt: u32) {
        let seconds = self.dice.around(0.12, 0.6);
        self.plan_step(execution, seconds, Step::Tool(tool, attempt));
    }

    fn call_domain(&mut self, execution: Execution, domain: usize, attempt: u32) {
        let seconds = self.dice.around(0.09, 0.5);
        self.plan_step(execution, seconds, Step::Domain(domain, attempt));
    }

    fn plan_step(&mut self, execution: Execution, seconds: f64, step: Step) {
        self.agenda.plan(self.now_ms + ms(seconds), Event::Step(execution, step));
    }

    fn step(&mut self, mut execution: Execution, step: Step) {
        let process = execution.process;
        match step {
            Step::Planned => {
                let regression = self.trouble.level(IncidentId::CugarPlannerRegression) >= 0.5;
                if regression && execution.number.is_multiple_of(PLANNER_FAILS_EVERY) {
                    return self.end(execution, false);
                }
                let domain = self.dice.weighted(&DOMAINS.map(|(_, share)| share));
                self.call_domain(execution, domain, 1);
            }
            Step::Domain(domain, attempt) => {
                let broken = self.trouble.level(IncidentId::CugarDomainBroken);
                let broken = if domain == CONTENT { 0.4 * broken } else { 0.0 };
                let worked = !self.dice.chance(0.001 + broken);
                self.gateways[process].domain_called(domain, worked);
                match (worked, attempt) {
                    (true, _) => self.next_tool(execution),
                    (false, 1) => self.call_domain(execution, domain, 2),
                    (false, _) => self.end(execution, false),
                }
            }
            Step::Tool(tool, attempt) => {
                let flapping = self.trouble.level(IncidentId::CugarToolFlapping);
                let flapping = if tool == WEB_SEARCH { 0.33 * flapping } else { 0.0 };
                let worked = !self.dice.chance(0.006 + flapping);
                self.gateways[process].tool_called(tool, worked);
                match (worked, attempt <= TOOL_RETRIES) {
                    (true, _) => {
                        execution.tools_left -= 1;
                        self.next_tool(execution);
                    }
                    (false, true) => self.call_tool(execution, tool, attempt + 1),
                    (false, false) => self.end(execution, false),
                }
            }
            Step::Done => self.end(execution, true),
            Step::Failed => self.end(execution, false),
        }
    }

    fn next_tool(&mut self, execution: Execution) {
        if execution.tools_left > 0 {
            let tool = self.dice.weighted(&TOOLS.map(|(_, share)| share));
            self.call_tool(execution, tool, 1);
        } else if self.dice.chance(0.035) {
            self.ask(execution);
        } else {
            self.call_model(execution, 0.4, Step::Done);
        }
    }

    // --- approvals ---

    fn ask(&mut self, execution: Execution) {
        self.approvals_asked += 1;
        let number = self.approvals_asked;
        self.pending.insert(number, Approval { execution, asked_ms: self.now_ms });
        let look_s = self.dice.around(38.0, 0.35);
        self.agenda.plan(self.now_ms + ms(look_s), Event::Look(number));
        self.agenda.plan(self.now_ms + ms(APPROVAL_TIMEOUT_S), Event::ApprovalTimeout(number));
    }

    fn look(&mut self, number: u64) {
        if !self.approvers_away() {
            let verdict = if self.dice.chance(0.07) { Verdict::Rejected } else { Verdict::Approved };
            self.decide(number, verdict);
        }
    }

    fn decide(&mut self, number: u64, verdict: Verdict) {
        let Some(Approval { mut execution, asked_ms }) = self.pending.remove(&number) else { return };
        let wait_ms = self.now_ms - asked_ms;
        self.gateways[execution.process].approval_ended(verdict, wait_ms);
        execution.waited_ms += wait_ms;
        match verdict {
            Verdict::Approved => self.call_model(execution, 0.4, Step::Done),
            Verdict::Rejected | Verdict::Timeout => self.end(execution, false),
        }
    }

    // --- the end ---

    fn end(&mut self, execution: Execution, worked: bool) {
        let Execution { process, budget, start_ms, waited_ms, trace, .. } = execution;
        let runaway = self.trouble.level(IncidentId::CugarBudgetRunaway);
        let runaway = if budget == RESEARCH { 1.0 + 40.0 * runaway } else { 1.0 };
        let amount = (self.dice.around(BUDGETS[budget].median, 0.5) * runaway * 100.0).round() / 100.0;
        self.spent[budget] += amount;
        let exceeded = self.spent[budget] > BUDGETS[budget].limit;
        let seconds = (self.now_ms - start_ms - waited_ms) as f64 / 1000.0 + 0.001 * self.dice.unit();
        let gateway = &mut self.gateways[process];
        gateway.spent(budget, amount, exceeded);
        gateway.execution_ended(worked, seconds, self.now_ms, trace);
    }
}

impl Simulation for Cugar {
    fn advance_to(&mut self, ts_ms: i64) {
        while let Some((at_ms, event)) = self.agenda.next(ts_ms) {
            self.now_ms = at_ms;
            self.handle(event);
        }
        // The window of the golden signals moves on even if nothing happens.
        self.now_ms = self.now_ms.max(ts_ms);
        self.gateways.iter().for_each(|gateway| gateway.set_gauges(self.now_ms));
    }

    fn processes(&self) -> &[Process] {
        &self.processes
    }

    fn health(&self, process: usize) -> Health {
        let gateway = &self.gateways[process];
        let signals = gateway.golden_signals(self.now_ms);
        let mut health = Health::of(vec![("event_stream", true)]);
        health.figures.push(("total_executions", gateway.ended as f64));
        if let Some(signals) = signals {
            health.figures.extend([
                ("success_rate", signals.success_rate),
                ("error_rate", 1.0 - signals.success_rate),
                ("latency_p95_ms", signals.latency_ms[1]),
            ]);
        }
        health
    }

    fn arrivals(&mut self) -> Vec<&mut Traffic> {
        vec![&mut self.traffic]
    }

    fn script(&mut self) -> &mut Script {
        &mut self.script
    }
}
