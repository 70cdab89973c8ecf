use bellwether_model::MemoryReservation;

use super::error::QueryError;
use super::state::QueryState;

const BITS: usize = u64::BITS as usize;

/// A set of steps, or of cells, for computations that need to know where something is but not what.
#[derive(Debug)]
pub(super) struct StepSet {
    words: Vec<u64>,
    _memory: MemoryReservation,
}

impl StepSet {
    /// An empty set that has room for the steps below `n`.
    pub(super) fn new(query: &QueryState, n: usize) -> Result<Self, QueryError> {
        let n_words = n.div_ceil(BITS);
        let memory = query.context.reserve(n_words.saturating_mul(8))?;
        Ok(Self { words: vec![0; n_words], _memory: memory })
    }

    pub(super) fn insert(&mut self, step: usize) {
        self.words[step / BITS] |= 1 << (step % BITS);
    }

    pub(super) fn contains(&self, step: usize) -> bool {
        self.words[step / BITS] >> (step % BITS) & 1 == 1
    }

    /// Leaves what is in `other`, too. Both sets have the same room.
    pub(super) fn intersect(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(a, b)| *a &= b);
    }

    /// Adds what is in `other`. Both sets have the same room.
    pub(super) fn unite(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(a, b)| *a |= b);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets() {
        let query = QueryState::for_tests();
        let of = |steps: &[usize]| {
            let mut set = StepSet::new(&query, 130).expect("fits");
            for step in steps {
                set.insert(*step);
            }
            set
        };
        let check = |set: &StepSet, want: &[usize]| {
            assert_eq!((0..130).filter(|step| set.contains(*step)).collect::<Vec<_>>(), want);
        };
        let other = of(&[0, 64, 129]);
        let mut set = of(&[63, 64, 129]);
        set.intersect(&other);
        check(&set, &[64, 129]);
        set.unite(&of(&[1]));
        check(&set, &[1, 64, 129]);
    }
}
