//! The objectives that a server watches now.

use std::sync::{Arc, PoisonError, RwLock};

use super::compile::rules;
use super::objective::Objective;

/// An objective with its rules.
#[derive(Debug, Clone, PartialEq)]
pub struct Watched {
    /// The objective.
    pub objective: Objective,
    /// Its rules, as a rule file.
    pub rules: String,
}

/// The objectives in use; a reload changes them.
#[derive(Debug, Default)]
pub struct LiveObjectives(RwLock<Arc<[Arc<Watched>]>>);

impl LiveObjectives {
    /// The objectives, in the order of the files.
    pub fn current(&self) -> Arc<[Arc<Watched>]> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Watches these, and no others.
    pub fn set(&self, objectives: impl IntoIterator<Item = Objective>) {
        let watched = objectives.into_iter().map(|objective| {
            let rules = rules([&objective]).to_yaml();
            Arc::new(Watched { objective, rules })
        });
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = watched.collect();
    }
}
