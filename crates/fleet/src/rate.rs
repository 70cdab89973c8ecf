use std::fmt;

use crate::error::FleetError;

/// How much arrives: requests, tasks, executions and starts of workflows per second, on all platforms together, each of them at its busiest hour of a working day and
/// without bursts. Nights and weekends bring less, bursts more.
///
/// The platforms share it as they always do. What they can take stays as it is: beyond that pools run dry, queues fill and callers are turned away.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct ArrivalRate {
    per_s: f64,
}

impl ArrivalRate {
    /// What the platforms are made for. A test holds it against what they say of themselves.
    pub const USUAL: Self = Self { per_s: 44.4 };
    /// So much that an hour is still simulated in seconds, and a fleet that slept for a night catches up within a minute.
    pub const MAX: Self = Self { per_s: 1_000.0 };

    /// This many arrivals per second: more than none, and at most [`ArrivalRate::MAX`].
    pub fn new(per_s: f64) -> Result<Self, FleetError> {
        // Not a number is in no range.
        if per_s > 0.0 && per_s <= Self::MAX.per_s {
            Ok(Self { per_s })
        } else {
            Err(FleetError::Rate(per_s))
        }
    }

    /// Arrivals per second.
    pub fn per_s(self) -> f64 {
        self.per_s
    }
}

impl Default for ArrivalRate {
    fn default() -> Self {
        Self::USUAL
    }
}

impl fmt::Display for ArrivalRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.per_s.fmt(f)
    }
}
