use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use crate::rate::ArrivalRate;

/// How the fleet is run.
#[derive(Debug, Clone)]
pub struct FleetOptions {
    /// The address that all services listen on. Loopback unless somebody else has to scrape them.
    pub bind: IpAddr,
    /// The ports that they listen on.
    pub ports: Ports,
    /// Decides what happens: equal seeds and times, equal metrics.
    pub seed: u64,
    /// Simulated seconds per second of the clock. At 1 the incidents' lengths fit the `for` of the alerts, and exemplars and start
    /// times are those of the clock; at other values they are simulated times.
    pub time_scale: f64,
    /// How much arrives on the platforms.
    pub rate: ArrivalRate,
    /// Whether something is wrong when the fleet starts: alerts wait, and so would those who look. Otherwise it depends on the time alone what goes wrong.
    pub opening: bool,
    /// How far back the simulated past reaches, for [`Fleet::history`](crate::Fleet::history). Each hour costs about a
    /// tenth of a second of processor time at start, and more in proportion to the rate.
    pub past: Duration,
}

/// The ports of the simulated services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ports {
    /// Whatever the system has free.
    Ephemeral,
    /// This port and the ones after it, in the order of [`Fleet::targets`](crate::Fleet::targets).
    From(u16),
}

impl Default for FleetOptions {
    fn default() -> Self {
        Self {
            bind: IpAddr::V4(Ipv4Addr::LOCALHOST),
            ports: Ports::Ephemeral,
            seed: 1,
            time_scale: 1.0,
            rate: ArrivalRate::USUAL,
            opening: false,
            past: Duration::from_hours(3),
        }
    }
}
