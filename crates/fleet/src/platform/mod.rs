//! The five platforms.
mod causal;
mod cugar;
mod dag;
mod devskyy;
mod genesis;

use std::fmt;

use crate::sim::Simulation;

/// A platform that the fleet simulates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Platform {
    /// A dashboard backend and the agents behind it.
    Genesis,
    /// A workflow engine with an HTTP API.
    Dag,
    /// An HTTP API with background workers.
    Causal,
    /// An agent system that reports golden signals.
    Cugar,
    /// An e-commerce platform with machine learning.
    Devskyy,
}

impl Platform {
    /// All platforms, in the order in which incidents visit them.
    pub const ALL: [Self; 5] = [Self::Genesis, Self::Dag, Self::Causal, Self::Cugar, Self::Devskyy];

    /// The value of the `platform` label.
    pub fn name(self) -> &'static str {
        match self {
            Self::Genesis => "genesis",
            Self::Dag => "dag",
            Self::Causal => "causal",
            Self::Cugar => "cugar",
            Self::Devskyy => "devskyy",
        }
    }

    /// One line about what is simulated.
    pub fn description(self) -> &'static str {
        match self {
            Self::Genesis => "dashboard backend and the hosts that run its fifteen agents",
            Self::Dag => "workflow engine: queued workflow runs, parallel nodes, retries, artifacts",
            Self::Causal => "HTTP API with caches, connection pools and breakers, and background workers",
            Self::Cugar => "agent gateway: executions, tools, budgets, approvals by people",
            Self::Devskyy => "e-commerce platform with models, vector search, webhooks and data protection",
        }
    }

    /// The platform as it is at `begin_ms`; its future depends on `seed` alone.
    pub(crate) fn simulate(self, seed: u64, begin_ms: i64) -> Box<dyn Simulation> {
        match self {
            Self::Genesis => Box::new(genesis::Genesis::new(seed, begin_ms)),
            Self::Dag => Box::new(dag::Dag::new(seed, begin_ms)),
            Self::Causal => Box::new(causal::Causal::new(seed, begin_ms)),
            Self::Cugar => Box::new(cugar::Cugar::new(seed, begin_ms)),
            Self::Devskyy => Box::new(devskyy::Devskyy::new(seed, begin_ms)),
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
