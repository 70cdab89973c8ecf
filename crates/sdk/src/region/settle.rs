//! From a copy of a region to one whose series are each of one moment, as far as their cells say something only together: those of sketches and of exemplars.
//!
//! No process waits for that: as with a seqlock, a series is copied again until nothing about it changed meanwhile, and a change that is under way is undone in the copy. So it is also with what a
//! process left that was killed in the middle of a change.

use std::io;

use super::image::Image;
use super::layout::{self, Damage};
use super::schema::{Cell, Schema};
use crate::exemplar;
use crate::record::{HEAD, State};

/// How often a series is copied that changes all the time. What changes it are values of a size that never came before, minutes of summaries that begin, and whoever absorbs.
const TRIES: usize = 64;

/// Where words are copied from once more: so many from a place on.
pub(crate) type Source<'s> = &'s mut dyn FnMut(usize, usize) -> io::Result<Vec<u64>>;

/// Why a copy cannot be made consistent.
#[derive(Debug)]
pub(crate) enum Unsettled {
    Damage(Damage),
    Source(io::Error),
}

/// Puts consistent series in the place of those in a copy of a region. Without a source nobody counts there any more. Returns how many are left out: they change all the time, or hold what no process
/// writes.
pub(crate) fn settle(words: &mut [u64], mut source: Option<Source<'_>>) -> Result<usize, Unsettled> {
    let image = Image::read(words).map_err(Unsettled::Damage)?;
    let families = image.families.iter().filter(|family| Cells::has_some_together(&family.schema));
    let families: Vec<(Schema, Vec<usize>)> = families
        .map(|family| (family.schema.clone(), family.series.iter().map(|series| series.at).collect()))
        .collect();
    let mut n_left_out = 0;
    for (schema, places) in families {
        let cells = Cells::of(&schema);
        let n = HEAD + schema.cells.len();
        for at in places {
            let mut series = layout::slice(words, at, n).map_err(Unsettled::Damage)?.to_vec();
            let is_settled = cells.settle(&mut series, &mut |before| match &mut source {
                Some(source) => source(at, n),
                None => Ok(before.to_vec()),
            });
            let record = &mut words[at..at + n];
            if is_settled.map_err(Unsettled::Source)? {
                record.copy_from_slice(&series);
            } else {
                record[1] = State::Removed as u64 | u64::from(record[1] as u32);
                n_left_out += 1;
            }
        }
    }
    Ok(n_left_out)
}

/// The cells of a family that say something only together.
struct Cells<'s> {
    schema: &'s Schema,
    /// Where each exemplar begins.
    exemplars: Vec<usize>,
}

impl<'s> Cells<'s> {
    fn has_some_together(schema: &Schema) -> bool {
        schema.cells.iter().any(|cell| matches!(cell, Cell::Sketch | Cell::Exemplar))
    }

    fn of(schema: &'s Schema) -> Self {
        Self { schema, exemplars: schema.exemplars() }
    }

    /// Settles a series, of which its record up to the cells is given. Returns false if it cannot be.
    fn settle(
        &self,
        series: &mut Vec<u64>,
        again: &mut dyn FnMut(&[u64]) -> io::Result<Vec<u64>>,
    ) -> io::Result<bool> {
        let version =
            |words: &[u64]| self.schema.distribution().map(|it| it.journal().version(&words[HEAD..]));
        let mut before = std::mem::take(series);
        for _ in 0..TRIES {
            *series = again(&before)?;
            let after = again(series)?;
            if version(&before) != version(&after) {
                before = after;
                continue;
            }
            let cells = &mut series[HEAD..];
            for at in &self.exemplars {
                // One that is just being written is not worth another look.
                if before[HEAD + at] != after[HEAD + at] {
                    cells[*at] = 1;
                }
                exemplar::settle(&mut cells[*at..*at + exemplar::N_CELLS]);
            }
            return Ok(self
                .schema
                .distribution()
                .is_none_or(|it| it.journal().settle(cells) && it.is_possible(cells)));
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;
    use crate::region::testkit;

    const N: u64 = 20_000;

    #[test]
    fn what_is_copied_while_it_is_counted_fits_together() {
        let family = testkit::families().iter().position(|f| f.name == "sizes").expect("it is there");
        let (words, _) = testkit::region(testkit::header(1), &vec![(family, 0, [1, 1, 1])]);
        let (at, n) = {
            let image = Image::read(&words).expect("it is whole");
            let sizes = image.families.iter().find(|f| f.schema.name == "sizes").expect("it is there");
            (sizes.series[0].at + HEAD, sizes.schema.cells.len())
        };
        let words: &[AtomicU64] = Vec::leak(words.into_iter().map(AtomicU64::new).collect());
        let copy = |at: usize, n: usize| -> Vec<u64> {
            words[at..at + n].iter().map(|word| word.load(Ordering::Acquire)).collect()
        };
        let (n_before, _) = testkit::counts(&copy(at, n));
        let (begun, done) = (AtomicU64::new(0), AtomicU64::new(0));
        let mut n_settled = 0;
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let cells = &words[at..at + n];
                for n in 1..=N {
                    begun.store(n, Ordering::SeqCst);
                    testkit::observe(cells, f64::exp2((n * 37 % 80) as f64 - 40.0));
                    done.store(n, Ordering::SeqCst);
                    if n % 16 == 0 {
                        testkit::absorb_nothing(cells);
                    }
                }
            });
            loop {
                let least = done.load(Ordering::SeqCst);
                let mut copied = copy(0, words.len());
                let left_out = settle(&mut copied, Some(&mut |at, n| Ok(copy(at, n)))).expect("it is whole");
                let most = begun.load(Ordering::SeqCst);
                if left_out == 0 {
                    let (in_sketch, classic) = testkit::counts(&copied[at..at + n]);
                    for counted in [in_sketch - n_before, classic - n_before] {
                        assert!((least..=most).contains(&counted), "{least} <= {counted} <= {most}");
                    }
                    n_settled += 1;
                }
                if least == N {
                    break;
                }
            }
        });
        assert!(n_settled > 0);
    }
}
