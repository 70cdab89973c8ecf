//! What may be spent, and what was.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::window::{MAX_NAMES, cut};
use crate::labels::OVERFLOW;
use crate::{LabelValue, Labels};

/// What a budget is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, LabelValue)]
pub enum BudgetUnit {
    /// US dollars.
    Usd,
    /// Tokens of language models.
    Tokens,
    /// Calls.
    Calls,
    /// Seconds.
    Seconds,
}

#[derive(Labels)]
pub(super) struct BudgetLabels<'a> {
    pub(super) budget: &'a str,
    pub(super) unit: BudgetUnit,
}

#[derive(Labels)]
pub(super) struct BudgetName<'a> {
    pub(super) budget: &'a str,
}

/// How much of a budget is used.
#[derive(Debug, Clone, PartialEq)]
pub struct Budget {
    /// Its name.
    pub name: String,
    /// What it is counted in.
    pub unit: BudgetUnit,
    /// What was spent since the limit was set, or since the start if there is none.
    pub used: f64,
    /// What may be spent. `None` if nobody said.
    pub limit: Option<f64>,
    /// How often it was overrun since the start.
    pub exceeded: u64,
}

impl Budget {
    /// The part of the limit that is used, in percent. `None` without a limit.
    pub fn used_percent(&self) -> Option<f64> {
        self.limit.filter(|limit| *limit > 0.0).map(|limit| self.used / limit * 100.0)
    }

    fn is_overrun(&self) -> bool {
        self.limit.is_some_and(|limit| self.used > limit)
    }
}

/// The budgets of a service. Their names are not forgotten, so there is a limit.
#[derive(Debug, Default)]
pub(super) struct Budgets(Mutex<BTreeMap<String, Budget>>);

impl Budgets {
    /// Begins with a limit: nothing of it is used.
    pub(super) fn limit(&self, name: &str, unit: BudgetUnit, limit: f64) {
        Self::with(&mut self.lock(), name, unit, |budget| {
            (budget.unit, budget.used, budget.limit) = (unit, 0.0, Some(limit));
        });
    }

    /// Spends some. Returns whether this was what overran it.
    pub(super) fn spend(&self, name: &str, unit: BudgetUnit, amount: f64) -> bool {
        Self::with(&mut self.lock(), name, unit, |budget| {
            let was_overrun = budget.is_overrun();
            budget.used += amount;
            let is_overrun = budget.is_overrun() && !was_overrun;
            budget.exceeded += u64::from(is_overrun);
            is_overrun
        })
    }

    /// All of them, in the order of their names.
    pub(super) fn all(&self) -> Vec<Budget> {
        self.lock().values().cloned().collect()
    }

    fn with<T>(
        budgets: &mut BTreeMap<String, Budget>,
        name: &str,
        unit: BudgetUnit,
        change: impl FnOnce(&mut Budget) -> T,
    ) -> T {
        let name = cut(name);
        let has_room = budgets.len() < MAX_NAMES || budgets.contains_key(name);
        let name = if has_room { name } else { OVERFLOW };
        let fresh = || Budget { name: name.to_owned(), unit, used: 0.0, limit: None, exceeded: 0 };
        change(budgets.entry(name.to_owned()).or_insert_with(fresh))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Budget>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
