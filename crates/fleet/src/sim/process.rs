use bellwether_exposition::OutputFormat;
use bellwether_sdk::{Exposition, MetricSet, Registry, Request};

use super::Traffic;
use crate::incident::Script;

/// One process of a platform, with its own metrics endpoint.
#[derive(Debug)]
pub(crate) struct Process {
    /// The value of its `job` label.
    pub(crate) job: &'static str,
    /// The value of its `instance` label.
    pub(crate) instance: &'static str,
    /// What it counts in, with the modules that are generated from packs.
    registry: Registry,
    /// When it started last.
    pub(crate) started_ms: i64,
    /// Whether it answers at all.
    pub(crate) reachable: bool,
    /// Counts its starts. Work that began under another start is lost.
    pub(crate) incarnation: u32,
}

impl Process {
    /// A process that was started some hours before `begin_ms`, so that uptimes do not all look alike.
    pub(crate) fn new(
        job: &'static str,
        instance: &'static str,
        begin_ms: i64,
        age_s: f64,
        registry: Registry,
    ) -> Self {
        let started_ms = begin_ms - (age_s * 1000.0) as i64;
        Self { job, instance, registry, started_ms, reachable: true, incarnation: 0 }
    }

    /// The process dies: it answers nothing and loses what it was doing.
    pub(crate) fn stop(&mut self) {
        self.reachable = false;
        self.incarnation += 1;
    }

    /// A new process takes its place and counts from zero. All series are gone until they are asked for again.
    pub(crate) fn start(&mut self, ts_ms: i64) {
        self.reachable = true;
        self.started_ms = ts_ms;
        self.registry.remove_all_series();
    }

    /// What it exposes in a text format.
    pub(crate) fn exposition(&self, format: OutputFormat) -> String {
        let mut out = String::new();
        self.registry.encode(&mut out, format);
        out
    }

    /// What it answers to a scrape.
    pub(crate) fn answer(&self, request: &Request<'_>) -> Exposition {
        self.registry.expose(request)
    }
}

/// A set of metrics in the registry of a process.
pub(crate) fn registered<M: MetricSet>(registry: &Registry) -> M {
    M::register(registry).expect("BUG: the names, units and labels are right")
}

/// What a process answers to health checks.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Health {
    /// Whether it can do its work.
    pub(crate) ready: bool,
    /// `healthy`, `degraded` or `unhealthy`.
    pub(crate) status: &'static str,
    /// What it depends on, and whether that works.
    pub(crate) components: Vec<(&'static str, bool)>,
    /// Figures that this platform's health answer carries.
    pub(crate) figures: Vec<(&'static str, f64)>,
}

impl Health {
    /// Ready if all components work; degraded if some do.
    pub(crate) fn of(components: Vec<(&'static str, bool)>) -> Self {
        let ready = components.iter().all(|(_, works)| *works);
        let status = match ready {
            true => "healthy",
            false if components.iter().any(|(_, works)| *works) => "degraded",
            false => "unhealthy",
        };
        Self { ready, status, components, figures: Vec::new() }
    }
}

/// One platform: some processes and what they share. Chance is drawn by events only, never by looking, so the course of things does
/// not depend on how often somebody scrapes.
pub(crate) trait Simulation: Send {
    /// Lets everything happen up to `ts_ms` and brings the gauges up to date. An earlier time changes nothing.
    fn advance_to(&mut self, ts_ms: i64);

    /// The processes, always the same ones in the same order.
    fn processes(&self) -> &[Process];

    /// The health of a process that is reachable.
    fn health(&self, process: usize) -> Health;

    /// All that arrives here from outside, and may become more or less.
    fn arrivals(&mut self) -> Vec<&mut Traffic>;

    /// What goes wrong here.
    fn script(&mut self) -> &mut Script;
}

/// A process is replaced by a fresh one, without a gap, at most this often.
const RECYCLE_SPAN_MS: i64 = 90 * 60 * 1000;

/// Whether a process is replaced in this second, unless something else goes on: deployments, recycled workers. Counters
/// then begin again at zero.
pub(crate) fn recycled_at(seed: u64, process: usize, ts_ms: i64) -> bool {
    let span = ts_ms.div_euclid(RECYCLE_SPAN_MS);
    let due_ms = super::dice::hash(seed, 100 + process as u64, span) * RECYCLE_SPAN_MS as f64;
    ts_ms.rem_euclid(RECYCLE_SPAN_MS) / 1000 == due_ms as i64 / 1000
}
