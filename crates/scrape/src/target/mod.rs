//! Targets: which labels they have, where they are, how they fare.

mod active;
mod labels;
mod status;
mod url;

pub use labels::TargetError;
pub use status::Health;
pub use url::GlobalAddress;

pub(crate) use active::ActiveTarget;
pub(crate) use labels::{Built, TargetLabels, TargetSpec, trace};
pub(crate) use status::Outcome;
#[cfg(test)]
pub(crate) use url::TargetUrl;
