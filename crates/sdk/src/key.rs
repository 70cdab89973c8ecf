//! What a series is found by: the words that stand for the values of its open labels, and their hash.

use std::hash::{BuildHasher as _, RandomState};

use crate::record::each_word;

/// More words than this are not kept, but made again where they are needed: so many hold three values of 24 bytes.
const MAX_WORDS: usize = 12;

/// Room for the words of the values of some open labels, as [`each_word`] makes them.
pub(crate) type KeyWords = [u64; MAX_WORDS];

/// A power of two.
const N_KEYS: usize = 8;

/// Numbers that nobody else knows, so that nobody can choose values that all have the same hash.
pub(crate) struct HashKeys([u64; N_KEYS]);

impl Default for HashKeys {
    fn default() -> Self {
        let random = RandomState::new();
        Self(std::array::from_fn(|idx| random.hash_one(idx)))
    }
}

impl HashKeys {
    /// Writes the words of values where there is room for them, and tells them and the hash of them and a combination of closed values. `None` if there is not enough room.
    #[inline(always)]
    pub(crate) fn words_and_hash<'w>(
        &self,
        closed_index: u32,
        values: &[&str],
        room: &'w mut KeyWords,
    ) -> Option<(&'w [u64], u32)> {
        let mut hash = seed(closed_index);
        let mut n = 0;
        // The hash is made on the way: words that were just written would be waited for.
        let fit = each_word(values, |word| {
            hash ^= self.mixed(n, word);
            let free = room.get_mut(n);
            n += 1;
            free.map(|free| *free = word).is_some()
        });
        if fit { Some((room.get(..n)?, folded(hash))) } else { None }
    }

    /// The same hash of values with however many words.
    pub(crate) fn hash(&self, closed_index: u32, values: &[&str]) -> u32 {
        let mut hash = seed(closed_index);
        let mut n = 0;
        each_word(values, |word| {
            hash ^= self.mixed(n, word);
            n += 1;
            true
        });
        folded(hash)
    }

    /// What a word adds to the hash, by its place. It depends on no other word, so that the processor works at several at the same time.
    #[inline(always)]
    fn mixed(&self, n: usize, word: u64) -> u64 {
        let key = |n: usize| self.0[n % N_KEYS].wrapping_add(n as u64);
        let product = u128::from(word ^ key(n)) * u128::from(key(n + 1));
        product as u64 ^ (product >> 64) as u64
    }
}

#[inline(always)]
fn seed(closed_index: u32) -> u64 {
    u64::from(closed_index).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[inline(always)]
fn folded(hash: u64) -> u32 {
    (hash ^ hash >> 32) as u32
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// A series that was made with many words, or few, is found whichever way its hash is made.
        #[test]
        fn both_ways_to_a_hash_lead_to_the_same(
            values in prop::collection::vec(".{0,20}", 0..6),
            closed_index: u32,
        ) {
            let keys = HashKeys::default();
            let values: Vec<&str> = values.iter().map(String::as_str).collect();
            let mut expected = Vec::new();
            each_word(&values, |word| {
                expected.push(word);
                true
            });
            let mut room = KeyWords::default();
            match keys.words_and_hash(closed_index, &values, &mut room) {
                Some((words, hash)) => {
                    prop_assert_eq!(words, &expected);
                    prop_assert_eq!(hash, keys.hash(closed_index, &values));
                }
                None => prop_assert!(expected.len() > MAX_WORDS),
            }
        }
    }

    #[test]
    fn what_differs_a_little_has_another_hash() {
        let keys = HashKeys::default();
        let texts: Vec<String> = (0..2_000).map(|n| format!("phase-{n}")).collect();
        let mut hashes = HashSet::new();
        let mut n = 0;
        for text in &texts {
            for values in [[text.as_str(), "a"], ["a", text], [text, text]] {
                for closed_index in [0, 1] {
                    hashes.insert(keys.hash(closed_index, &values));
                    n += 1;
                }
            }
        }
        // Of 12,000 numbers of 32 bits there is one pair in sixty times.
        assert!(hashes.len() > n - 5, "{} of {n} differ", hashes.len());
    }
}
