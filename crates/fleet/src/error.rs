use std::net::SocketAddr;

use crate::rate::ArrivalRate;

/// Why the fleet did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FleetError {
    /// An endpoint's address cannot be used.
    #[error(
        "cannot listen on {addr} for the demo service {instance}: {source}; choose another base port or let the system choose"
    )]
    Bind {
        /// The address.
        addr: SocketAddr,
        /// The service that should have had it.
        instance: &'static str,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The base port leaves no room for all services.
    #[error("base port {base} is too high: the demo fleet needs {needed} ports in a row")]
    PortRange {
        /// The first port that was asked for.
        base: u16,
        /// How many ports the fleet needs.
        needed: usize,
    },
    /// Time would stand still or run backwards.
    #[error("time scale {0} is not a positive number")]
    TimeScale(f64),
    /// Nothing would arrive, or more than the simulation can keep up with.
    #[error("{0} arrivals per second: the demo fleet takes more than 0 and at most {max}", max = ArrivalRate::MAX)]
    Rate(f64),
    /// The simulation of the past did not end.
    #[error("the simulation of the past was cut off: {0}")]
    WarmUp(#[source] tokio::task::JoinError),
}
