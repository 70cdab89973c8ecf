use bellwether_exposition::OutputFormat;
use bellwether_sdk::{Exposition, Request};
use parking_lot::Mutex;

use crate::platform::Platform;
use crate::rate::ArrivalRate;
use crate::sim::{Health, Process, Simulation};

/// All platforms, each advanced on its own when somebody looks at it.
pub(crate) struct World {
    platforms: Vec<(Platform, Mutex<Box<dyn Simulation>>)>,
    rate: ArrivalRate,
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
    /// Platforms on which nothing has happened yet, and as much will arrive as usually.
    pub(crate) fn new(seed: u64, begin_ms: i64, platforms: &[Platform]) -> Self {
        let simulate = |it: &Platform| (*it, Mutex::new(it.simulate(seed, begin_ms)));
        Self { platforms: platforms.iter().map(simulate).collect(), rate: ArrivalRate::USUAL }
    }

    /// The same platforms, on which so much arrives from now on.
    pub(crate) fn at_rate(mut self, rate: ArrivalRate) -> Self {
        for (_, simulation) in &mut self.platforms {
            for traffic in simulation.get_mut().arrivals() {
                traffic.peak_per_s *= rate.per_s() / self.rate.per_s();
            }
        }
        Self { rate, ..self }
    }

    /// The same platforms in a fleet that opens at `started_ms` with an incident.
    pub(crate) fn opened_at(mut self, started_ms: i64) -> Self {
        for (_, simulation) in &mut self.platforms {
            let script = simulation.get_mut().script();
            *script = script.opened_at(started_ms);
        }
        self
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_rate_is_what_the_platforms_say_of_themselves() {
        let peaks = Platform::ALL.into_iter().flat_map(|platform| {
            let mut simulation = platform.simulate(1, 0);
            simulation.arrivals().into_iter().map(|it| it.peak_per_s).collect::<Vec<_>>()
        });
        let all: f64 = peaks.sum();
        assert!((all - ArrivalRate::USUAL.per_s()).abs() < 1e-9, "{all}");
    }
}
