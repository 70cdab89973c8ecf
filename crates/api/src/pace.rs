//! Which questions were answered so quickly the last time that handing them to another thread would cost more than the answer does.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::active::Question;

/// Below this a question counts as quick. Handing it over and back costs about a fifth of this.
const QUICK: Duration = Duration::from_micros(300);
/// How many questions are remembered. A power of two.
const SLOTS: usize = 1 << 12;
const SLOT_MASK: u64 = SLOTS as u64 - 1;

/// What questions have cost: a table of fixed size in which a newer question takes the place of an older one.
///
/// A wrong guess is possible, since data grow: whoever trusts it bounds what a mistake can cost.
#[derive(Debug)]
pub struct Pace {
    /// Hashes of the questions that were quick; 0 for none.
    quick: Box<[AtomicU64]>,
    hasher: RandomState,
    at_once: AtomicU64,
    given_up: AtomicU64,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            quick: (0..SLOTS).map(|_| AtomicU64::new(0)).collect(),
            hasher: RandomState::new(),
            at_once: AtomicU64::new(0),
            given_up: AtomicU64::new(0),
        }
    }
}

/// A question in the table: what is asked where, whoever asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PaceKey(u64);

impl Pace {
    pub(crate) fn key(&self, question: &Question) -> PaceKey {
        PaceKey(self.hasher.hash_one((&question.requester.path, &question.text, question.window)).max(1))
    }

    /// Whether the question was quick the last time.
    pub(crate) fn is_quick(&self, key: PaceKey) -> bool {
        self.slot(key).load(Ordering::Relaxed) == key.0
    }

    /// Remembers how long the answer took.
    pub(crate) fn record(&self, key: PaceKey, took: Duration) {
        let slot = self.slot(key);
        if took <= QUICK {
            slot.store(key.0, Ordering::Relaxed);
        } else {
            // Another question of the same slot keeps its place.
            let _ = slot.compare_exchange(key.0, 0, Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    /// Counts a guess: the question was answered at once, or had to be given up.
    pub(crate) fn count(&self, is_answered: bool) {
        let counter = if is_answered { &self.at_once } else { &self.given_up };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// How many questions were answered at once, and how many had to be given up.
    pub(crate) fn counts(&self) -> [u64; 2] {
        [&self.at_once, &self.given_up].map(|counter| counter.load(Ordering::Relaxed))
    }

    fn slot(&self, key: PaceKey) -> &AtomicU64 {
        &self.quick[(key.0 & SLOT_MASK) as usize]
    }
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;
    use crate::active::Window;
    use crate::requester::Requester;

    fn question(text: &str, length_ms: i64) -> Question {
        Question {
            kind: "query",
            text: text.to_owned(),
            window: Window { length_ms, step_ms: 0 },
            requester: Requester {
                peer: ([127, 0, 0, 1], 9).into(),
                method: Method::GET,
                path: String::new(),
            },
        }
    }

    #[test]
    fn remembers_the_last_time_of_each_question() {
        let pace = Pace::default();
        let (up, day) = (pace.key(&question("up", 0)), pace.key(&question("up", 86_400_000)));
        assert_ne!(up, day, "the same text over a day is another question");
        assert!(!pace.is_quick(up), "nothing is known of it");
        pace.record(up, QUICK);
        assert!(pace.is_quick(up) && !pace.is_quick(day));
        pace.record(up, QUICK * 2);
        assert!(!pace.is_quick(up), "it was slow the last time");
    }
}
