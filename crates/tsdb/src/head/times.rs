use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::series::TAIL_ROWS;

/// How many times a column holds: a tail that joins in its last joinable row still finds room until it is sealed.
const COLUMN_ROWS: usize = 2 * TAIL_ROWS;
/// A column is made once so many tails in a row began at the same time: with fewer it takes more than it saves.
const SHARERS: u32 = 8;

/// The times of the newest samples of series that are written together, for instance those of one scrape.
///
/// Times are added at the end and never change, so whoever knows how many rows are theirs can read them at any time. They are added under the lock of the shard
/// only.
#[derive(Debug)]
pub(crate) struct TimeColumn {
    first_ms: i64,
    n: AtomicU32,
    /// The distance of each time from the first, in milliseconds.
    offsets: [AtomicU32; COLUMN_ROWS],
}

impl TimeColumn {
    fn new(first_ms: i64) -> Self {
        Self { first_ms, n: AtomicU32::new(1), offsets: [const { AtomicU32::new(0) }; COLUMN_ROWS] }
    }

    /// The time in a row.
    #[inline]
    pub(super) fn at(&self, row: usize) -> i64 {
        self.first_ms + i64::from(self.offsets[row].load(Ordering::Relaxed))
    }

    fn last_row(&self) -> usize {
        self.n.load(Ordering::Relaxed) as usize - 1
    }

    /// What a row is for a sample at a time.
    #[inline]
    pub(super) fn fit(&self, row: usize, ts_ms: i64) -> Fit {
        let Ok(offset) = u32::try_from(ts_ms.wrapping_sub(self.first_ms)) else { return Fit::No };
        let n = self.n.load(Ordering::Relaxed) as usize;
        if row < n {
            let is_it = self.offsets[row].load(Ordering::Relaxed) == offset;
            return if is_it { Fit::Known } else { Fit::No };
        }
        if row > n || row >= COLUMN_ROWS || offset <= self.offsets[n - 1].load(Ordering::Relaxed) {
            return Fit::No;
        }
        self.offsets[row].store(offset, Ordering::Relaxed);
        self.n.store(n as u32 + 1, Ordering::Relaxed);
        Fit::Added
    }
}

/// Whether a row of a column has the time of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    /// It has.
    Known,
    /// It has now: the row was added for it.
    Added,
    /// It has not, and never will.
    No,
}

/// Finds the column that a tail may share when it begins.
#[derive(Debug, Default)]
pub(super) struct TimeColumns {
    /// The column that got a time last.
    newest: Option<Arc<TimeColumn>>,
    /// The time at which tails began lately without a column, and how many.
    lonely: (i64, u32),
}

impl TimeColumns {
    /// A column whose last row is this time, for a tail that begins with it, and that row.
    pub(super) fn join(&mut self, ts_ms: i64) -> Option<(&Arc<TimeColumn>, u8)> {
        let fits = |column: &TimeColumn| {
            let row = column.last_row();
            row < TAIL_ROWS && column.at(row) == ts_ms
        };
        if !self.newest.as_deref().is_some_and(fits) {
            self.lonely = if self.lonely.0 == ts_ms { (ts_ms, self.lonely.1 + 1) } else { (ts_ms, 1) };
            if self.lonely.1 < SHARERS {
                return None;
            }
            self.newest = Some(Arc::new(TimeColumn::new(ts_ms)));
        }
        self.newest.as_ref().map(|column| (column, column.last_row() as u8))
    }

    /// Notes that a column got a time.
    pub(super) fn note(&mut self, column: &Arc<TimeColumn>) {
        self.newest = Some(Arc::clone(column));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_one_time_and_times_rise() {
        use Fit::{Added, Known, No};
        let column = TimeColumn::new(-5);
        let fits = [(0, -5), (0, -4), (2, 9), (1, -5), (1, 3), (1, 4), (1, 3), (2, i64::MAX), (2, 4)]
            .map(|(row, ts_ms)| column.fit(row, ts_ms));
        assert_eq!(fits, [Known, No, No, No, Added, No, Known, No, Added]);
        assert_eq!((0..3).map(|row| column.at(row)).collect::<Vec<_>>(), [-5, 3, 4]);
        let last = (3..100).take_while(|row| column.fit(*row, 100 + *row as i64) == Added).last();
        assert_eq!(last, Some(COLUMN_ROWS - 1), "it is full");
    }

    #[test]
    fn a_column_is_made_for_several_tails() {
        let mut columns = TimeColumns::default();
        for _ in 1..SHARERS {
            assert!(columns.join(7).is_none());
        }
        let (first, row) = columns.join(7).map(|(c, row)| (Arc::clone(c), row)).expect("enough of them");
        assert_eq!(row, 0);
        assert_eq!(first.fit(1, 9), Fit::Added);
        assert!(columns.join(8).is_none());
        assert!(columns.join(9).is_some_and(|(c, row)| Arc::ptr_eq(c, &first) && row == 1));
        for row in 2..=TAIL_ROWS {
            assert_eq!(first.fit(row, 10 + row as i64), Fit::Added);
        }
        assert!(columns.join(10 + TAIL_ROWS as i64).is_none(), "it would not last");
    }
}
