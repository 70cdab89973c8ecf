use bellwether_exposition::OutputFormat;
use bellwether_sdk::{Exposition, Request};
use parking_lot::Mutex;

use crate::platform::Platform;
use crate::sim::{Health, Process, Simulation};

/// All platforms, each advanced on its own when somebody looks at it.
pub(crate) struct World {
    platforms: Vec<(Platform, Mutex<Box<dyn Simulation>>)>,
}

/// A process of the world.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    platform: usize,
    process: usize,
}

/// What a process is called.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ProcessName {
    pub(crate) platform: Platform,
    pub(crate) job: &'static str,
    pub(crate) instance: &'static str,
}

impl World {
    pub(crate) fn new(seed: u64, begin_ms: i64, platforms: &[Platform]) -> Self {
        let simulate = |it: &Platform| (*it, Mutex::new(it.simulate(seed, begin_ms)));
        Self { platforms: platforms.iter().map(simulate).collect() }
    }

    /// All processes: those of a platform together, those of a job in a row.
    pub(crate) fn places(&self) -> Vec<(Place, ProcessName)> {
        let mut places = Vec::new();
        for (platform, (name, simulation)) in self.platforms.iter().enumerate() {
            for (process, it) in simulation.lock().processes().iter().enumerate() {
                let name = ProcessName { platform: *name, job: it.job, instance: it.instance };
                places.push((Place { platform, process }, name));
            }
        }
        places
    }

    /// Lets everything happen up to `ts_ms`.
    pub(crate) fn advance_to(&self, ts_ms: i64) {
        for (_, simulation) in &self.platforms {
            simulation.lock().advance_to(ts_ms);
        }
    }

    /// What the process exposes at `ts_ms`, or at the latest time that somebody has asked for before; `None` if it does not answer.
    pub(crate) fn expose(&self, place: Place, ts_ms: i64, format: OutputFormat) -> Option<String> {
        self.ask(place, ts_ms, |process| process.exposition(format))
    }

    /// The same as the process answers it to a scrape.
    pub(crate) fn answer(&self, place: Place, ts_ms: i64, request: &Request<'_>) -> Option<Exposition> {
        self.ask(place, ts_ms, |process| process.answer(request))
    }

    fn ask<T>(&self, place: Place, ts_ms: i64, question: impl FnOnce(&Process) -> T) -> Option<T> {
        let mut simulation = self.platforms[place.platform].1.lock();
        simulation.advance_to(ts_ms);
        Some(&simulation.processes()[place.process]).filter(|process| process.reachable).map(question)
    }

    /// The health of the process at `ts_ms`; `None` if it does not answer.
    pub(crate) fn health(&self, place: Place, ts_ms: i64) -> Option<Health> {
        let mut simulation = self.platforms[place.platform].1.lock();
        simulation.advance_to(ts_ms);
        simulation.processes()[place.process].reachable.then(|| simulation.health(place.process))
    }
}
