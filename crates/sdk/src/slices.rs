//! Counts by slices of time, one word each: the number of the slice in the high half, how often something came in it in the low half.
//!
//! A word changes in one step. So it is whole at every moment, for whoever copies it and when its process is killed, and it takes neither a lock nor a journal.

use crate::sync::atomic::{AtomicU64, Ordering};

/// What a word says. Nothing came in a slice whose word is 0.
#[derive(Clone, Copy)]
struct Slice {
    number: u32,
    n: u32,
}

impl Slice {
    fn unpack(word: u64) -> Self {
        Self { number: (word >> 32) as u32, n: word as u32 }
    }

    fn pack(self) -> u64 {
        u64::from(self.number) << 32 | u64::from(self.n)
    }

    /// Both together. Of two slices with the same word the earlier one is out of the window by now.
    fn and(self, other: Self) -> Self {
        match self.number.cmp(&other.number) {
            std::cmp::Ordering::Less => other,
            std::cmp::Ordering::Equal => Self { n: self.n.saturating_add(other.n), ..self },
            std::cmp::Ordering::Greater => self,
        }
    }
}

/// Counts one event in a slice of a window that has as many of them as there are words. Who comes so late that a later slice has the word is counted there.
pub(crate) fn count(words: &[AtomicU64], number: u32) {
    let Some(place) = (number as usize).checked_rem(words.len()) else { return };
    let word = &words[place];
    let mut old = word.load(Ordering::Relaxed);
    loop {
        let there = Slice::unpack(old);
        let new = there.and(Slice { number: number.max(there.number), n: 1 }).pack();
        match word.compare_exchange_weak(old, new, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => return,
            Err(now) => old = now,
        }
    }
}

/// What two processes counted in the same place.
pub(crate) fn sum(a: u64, b: u64) -> u64 {
    Slice::unpack(a).and(Slice::unpack(b)).pack()
}

/// What a word becomes that is `now`, when what came to a copy of it elsewhere, between `copied` and `last`, came to it as well.
pub(crate) fn caught_up(now: u64, copied: u64, last: u64) -> u64 {
    let (before, after) = (Slice::unpack(copied), Slice::unpack(last));
    let of_before = if before.number == after.number { before.n } else { 0 };
    sum(now, Slice { n: after.n.saturating_sub(of_before), ..after }.pack())
}

/// Those slices of a window that ends with the slice `last` in which something came, and how often it did.
pub(crate) fn counted(words: &[u64], last: u32) -> impl Iterator<Item = (u32, u64)> {
    let len = words.len() as u64;
    let slices = words.iter().map(|word| Slice::unpack(*word));
    let is_within =
        move |slice: &Slice| slice.number <= last && u64::from(last - slice.number) < len && slice.n > 0;
    slices.filter(is_within).map(|slice| (slice.number, u64::from(slice.n)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const N: usize = 4;

    /// The words of a process that counted in slices, one after the other.
    fn words(slices: &[u32]) -> Vec<u64> {
        let words: [AtomicU64; N] = std::array::from_fn(|_| AtomicU64::new(0));
        for number in slices {
            count(&words, *number);
        }
        words.iter().map(|word| word.load(Ordering::Relaxed)).collect()
    }

    fn total(words: &[u64], last: u32) -> u64 {
        counted(words, last).map(|(_, n)| n).sum()
    }

    #[test]
    fn what_is_older_than_the_window_is_gone() {
        let slices = words(&[10, 10, 11, 13]);
        assert_eq!([10, 12, 13, 14, 15, 16, 17].map(|last| total(&slices, last)), [2, 3, 4, 2, 1, 1, 0]);
        let later = words(&[10, 10, 11, 13, 14]);
        assert_eq!(total(&later, 14), 3, "the word of slice 10 is used again");
        let late = words(&[14, 10]);
        assert_eq!(total(&late, 14), 2, "who is late is counted in the slice that has the word now");
    }

    #[test]
    fn a_count_ends_at_what_its_half_of_the_word_holds() {
        let full = Slice { number: 7, n: u32::MAX }.pack();
        let word = AtomicU64::new(full);
        count(std::slice::from_ref(&word), 7);
        assert_eq!((word.into_inner(), sum(full, full)), (full, full));
    }

    #[test]
    fn what_came_to_a_copy_is_caught_up_with() {
        let word = |number, n| Slice { number, n }.pack();
        // Five were copied; then two came here, and three there.
        assert_eq!(caught_up(word(1, 7), word(1, 5), word(1, 8)), word(1, 10));
        assert_eq!(caught_up(word(1, 7), word(1, 5), word(5, 3)), word(5, 3), "a slice began there");
        assert_eq!(caught_up(word(5, 2), word(1, 5), word(1, 8)), word(5, 2), "a slice began here");
        assert_eq!(caught_up(word(5, 2), word(1, 5), word(5, 3)), word(5, 5), "a slice began in both");
    }

    proptest! {
        /// However events are spread over processes, and in whatever order their words are added up: it is what one process would have counted that saw all of them.
        #[test]
        fn processes_add_up_to_what_one_would_have_counted(
            mut events in prop::collection::vec((1_u32..40, 0_usize..5), 0..200),
            order in Just([0_usize, 1, 2, 3, 4]).prop_shuffle(),
        ) {
            events.sort_unstable();
            let of = |process: Option<usize>| -> Vec<u64> {
                let of_it = events.iter().filter(|(_, by)| process.is_none_or(|process| process == *by));
                words(&of_it.map(|(number, _)| *number).collect::<Vec<_>>())
            };
            let add = |a: Vec<u64>, b: Vec<u64>| a.into_iter().zip(b).map(|(a, b)| sum(a, b)).collect::<Vec<_>>();
            let all = order.iter().map(|process| of(Some(*process))).fold(vec![0; N], add);
            prop_assert_eq!(&all, &of(None));
            let last = events.last().map_or(0, |(number, _)| *number);
            let expected = events.iter().filter(|(number, _)| last - number < N as u32).count();
            prop_assert_eq!(total(&all, last), expected as u64);
        }
    }
}
