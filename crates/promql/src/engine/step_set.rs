use bellwether_model::MemoryReservation;

use super::error::QueryError;
use super::state::QueryState;

const BITS: usize = u64::BITS as usize;

/// A set of steps, for computations that need to know where something is but not what.
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

    /// Adds the steps whose bits are set in `words`.
    pub(super) fn insert_all(&mut self, words: &[u64]) {
        self.words.iter_mut().zip(words).for_each(|(a, b)| *a |= b);
    }

    /// Leaves what is in `other`, too. Both sets have the same room.
    pub(super) fn intersect(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(a, b)| *a &= b);
    }

    /// Adds what is in `other`. Both sets have the same room.
    pub(super) fn unite(&mut self, other: &Self) {
        self.insert_all(&other.words);
    }
}

/// As many sets as there are groups, for steps alone; each starts with a new word, as the rows of a block do.
#[derive(Debug)]
pub(super) struct StepSets {
    words_per_set: usize,
    words: Vec<u64>,
    _memory: MemoryReservation,
}

impl StepSets {
    /// `n` empty sets that have room for the steps below `n_steps`.
    pub(super) fn new(query: &QueryState, n: usize, n_steps: usize) -> Result<Self, QueryError> {
        let words_per_set = n_steps.div_ceil(BITS);
        let n_words = n.saturating_mul(words_per_set);
        let memory = query.context.reserve(n_words.saturating_mul(8))?;
        Ok(Self { words_per_set, words: vec![0; n_words], _memory: memory })
    }

    pub(super) fn insert(&mut self, set: usize, step: usize) {
        self.words[set * self.words_per_set + step / BITS] |= 1 << (step % BITS);
    }

    pub(super) fn contains(&self, set: usize, step: usize) -> bool {
        self.words(set)[step / BITS] >> (step % BITS) & 1 == 1
    }

    /// Adds the steps whose bits are set in `words` to a set.
    pub(super) fn insert_all(&mut self, set: usize, words: &[u64]) {
        let n = self.words_per_set;
        self.words[set * n..][..n].iter_mut().zip(words).for_each(|(a, b)| *a |= b);
    }

    /// One bit per step: whether it is in the set.
    pub(super) fn words(&self, set: usize) -> &[u64] {
        &self.words[set * self.words_per_set..][..self.words_per_set]
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
