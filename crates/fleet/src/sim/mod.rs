//! The parts that the platforms are built from: chance, time, load, and the things that run short.
mod agenda;
mod breaker;
mod cache;
mod clock;
mod dice;
mod pool;
mod process;
mod traffic;
mod usage;

pub(crate) use agenda::Agenda;
pub(crate) use breaker::{Breaker, BreakerState};
pub(crate) use cache::Cache;
pub(crate) use clock::SimulatedClock;
pub(crate) use dice::{Dice, derive};
pub(crate) use pool::{Acquired, Pool};
pub(crate) use process::{Health, Process, Simulation, recycled_at, registered};
pub(crate) use traffic::Traffic;
pub(crate) use usage::Usage;

/// Milliseconds in a second, the resolution of the agenda.
pub(crate) const SECOND_MS: i64 = 1000;

/// A span of seconds in whole milliseconds, at least one, so that an effect never precedes its cause.
pub(crate) fn ms(seconds: f64) -> i64 {
    ((seconds * 1000.0).round() as i64).max(1)
}
