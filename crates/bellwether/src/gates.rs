//! How many requests of each kind are worked on at once.

use std::sync::Arc;

use tokio::sync::Semaphore;

/// Places for requests. In safe mode most of them are withheld.
#[derive(Debug)]
pub(crate) struct Gates {
    pub(crate) queries: Gate,
    pub(crate) reads: Gate,
}

/// Places for one kind of requests.
#[derive(Debug)]
pub(crate) struct Gate {
    pub(crate) places: Arc<Semaphore>,
    withheld: usize,
}

impl Gate {
    /// A gate with `limit` places, of which at most `open` can be used until all are given.
    fn new(limit: usize, open: usize) -> Self {
        let limit = limit.clamp(1, Semaphore::MAX_PERMITS);
        let open = open.clamp(1, limit);
        Self { places: Arc::new(Semaphore::new(open)), withheld: limit - open }
    }

    fn give_all(&mut self) {
        self.places.add_permits(std::mem::take(&mut self.withheld));
    }
}

impl Gates {
    /// In safe mode one query and one remote read are worked on at once.
    pub(crate) fn new(queries: usize, reads: usize, is_safe_mode: bool) -> Self {
        let gate = |limit| Gate::new(limit, if is_safe_mode { 1 } else { limit });
        Self { queries: gate(queries), reads: gate(reads) }
    }

    /// Safe mode is over.
    pub(crate) fn give_all(&mut self) {
        for gate in [&mut self.queries, &mut self.reads] {
            gate.give_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn safe_mode_withholds_places_for_a_while() {
        let open = |gates: &Gates| [&gates.queries, &gates.reads].map(|gate| gate.places.available_permits());
        let mut gates = Gates::new(20, usize::MAX, true);
        assert_eq!(open(&gates), [1, 1]);
        gates.give_all();
        assert_eq!(open(&gates), [20, Semaphore::MAX_PERMITS]);
        gates.give_all();
        assert_eq!(open(&gates), [20, Semaphore::MAX_PERMITS]);
        assert_eq!(open(&Gates::new(20, 10, false)), [20, 10]);
    }
}
