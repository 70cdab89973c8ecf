//! What the head may take of the memory, and what gives when it takes more.

use bellwether_model::{Labels, Limit, OverLimit, format_size};

use crate::head::start_of;

use super::Store;
use super::append::shown;

/// From this share of the budget on, in percent, the head is cut early: before anything has to be refused.
const CUT_AT_PERCENT: usize = 80;
/// The head is only cut early if samples take at least this share of the budget, in percent: what series take stays, and parts should not be crumbs.
const WORTH_CUTTING_PERCENT: usize = 10;

/// How much memory series and samples take that are not in parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct HeadMemory {
    /// Bytes that they take, roughly.
    pub used_bytes: usize,
    /// Bytes that they may take; `None`: any number.
    pub budget_bytes: Option<usize>,
}

impl Store {
    pub(super) fn head_memory(&self) -> HeadMemory {
        HeadMemory { used_bytes: self.head.memory(), budget_bytes: self.options.memory_budget_bytes }
    }

    /// Refuses a new series if the head takes more than it may.
    pub(super) fn check_memory(&self, labels: &Labels) -> Result<(), Box<OverLimit>> {
        let Some(budget) = self.options.memory_budget_bytes else { return Ok(()) };
        let used = self.head.memory();
        if used < budget {
            return Ok(());
        }
        let what = format!(
            "the samples and series in memory take {}, more than the {} allowed (storage.memory-budget), so new series have to wait, at {}",
            format_size(used as u64),
            format_size(budget as u64),
            shown(labels)
        );
        Err(Box::new(OverLimit { limit: Limit::HeadMemory, what }))
    }

    /// The time before which the head should be cut although it is not time yet, if it takes too much memory: complete ranges of two hours, or all if there are none.
    pub(super) fn early_cut(&self) -> Option<i64> {
        let budget = self.options.memory_budget_bytes?;
        let share = |percent: usize| budget / 100 * percent;
        if self.head.memory() < share(CUT_AT_PERCENT)
            || self.head.sample_memory() < share(WORTH_CUTTING_PERCENT)
        {
            return None;
        }
        let newest = start_of(self.head.ranges.maxt()?);
        // Timestamps end long before the latest time there is.
        Some(if self.head.ranges.mint()? < newest { newest } else { i64::MAX })
    }
}
