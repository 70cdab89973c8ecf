//! Telling somebody that a family has more series than it may.

use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::clock::{Clock, milliseconds};

/// A family is told of once in so long.
const EVERY: Duration = Duration::from_mins(1);

/// Values of a family went to its overflow series. Displayed, it is a line for a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overflow {
    /// The family.
    pub family: &'static str,
    /// How many values did so, since the family was registered.
    pub total: u64,
}

impl fmt::Display for Overflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { family, total } = self;
        write!(
            f,
            "{family}: {total} values went to its overflow series; give its labels fewer values, with `#[label(normalise)]` for instance, or raise `max_series` or `max`"
        )
    }
}

type Listener = Box<dyn Fn(Overflow) + Send + Sync + UnwindSafe + RefUnwindSafe>;

/// Who is told, if somebody is.
pub(crate) type Listeners = Arc<OnceLock<Listener>>;

/// Tells of one family, not too often.
pub(crate) struct Bell {
    listeners: Listeners,
    clock: Clock,
    /// When it told the last time, in milliseconds since the Unix epoch; 0 for never.
    last: AtomicU64,
}

impl Bell {
    pub(crate) fn new(listeners: Listeners, clock: Clock) -> Self {
        Self { listeners, clock, last: AtomicU64::new(0) }
    }

    pub(crate) fn ring(&self, overflow: Overflow) {
        let Some(listener) = self.listeners.get() else { return };
        let (now, last) = (milliseconds((self.clock)()).max(1), self.last.load(Ordering::Relaxed));
        let is_time = last == 0 || now.saturating_sub(last) >= milliseconds(EVERY);
        // Of several who see that it is time, one does it.
        let is_ours = || self.last.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if is_time && is_ours() {
            listener(overflow);
        }
    }
}
