//! What the simulated processes need beside their instruments: exemplars at simulated times, and quantiles of the last minutes.
mod recent;
mod trace;

pub(crate) use recent::{RecentValues, quantile};
pub(crate) use trace::{Trace, observe};
