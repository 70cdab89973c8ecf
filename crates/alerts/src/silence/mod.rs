//! Silences: alerts about which somebody has said that nobody is to be told for a while.

mod error;
mod id;
mod policy;
mod set;
mod spec;

pub use error::SilenceError;
pub use id::SilenceId;
pub use policy::{CommentPattern, SilencePolicy};
pub use set::{RETENTION_MS, Silences};
pub use spec::{Mute, Silence, SilenceSpec, SilenceState};
