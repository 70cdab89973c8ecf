//! Faster forms of some functions, for all windows of a series of floats at once.
//!
//! Each stands beside its plain form and yields the same bits, which a property test holds.

use std::collections::VecDeque;

use bellwether_model::histogram::kahan_add;
use bellwether_model::{QueryContext, QueryInterrupt};

use super::rate::{Change, Extrapolation};
use super::variance::variances;

/// How many samples may be looked at between two looks at the deadline.
const SAMPLES_PER_CHECK: usize = 64 * 1024;
/// So far an edge is looked for one by one; beyond, by halves.
const NEAR: usize = 8;
const BITS: usize = u64::BITS as usize;

/// The floats of a series, free of staleness markers, and the windows in which a function looks at them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FloatRow<'a> {
    pub(crate) ts: &'a [i64],
    pub(crate) vals: &'a [f64],
    pub(crate) windows: Windows,
    pub(crate) context: &'a QueryContext,
}

/// Windows of one width whose ends are equally far apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Windows {
    /// Where the first window ends.
    pub(crate) first_end_ms: i64,
    /// How far each ends behind the one before; 0 if all are the same.
    pub(crate) advance_ms: i64,
    pub(crate) range_ms: i64,
    pub(crate) n: usize,
}

/// The results of a row.
#[derive(Debug)]
pub(crate) struct FloatSink<'a> {
    /// One value per window.
    pub(crate) vals: &'a mut [f64],
    /// One bit per window.
    pub(crate) present: &'a mut [u64],
}

/// How much was looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// The samples of all windows together.
    pub(crate) total: usize,
    /// Those of the largest window.
    pub(crate) largest: usize,
}

/// A function of whole rows.
pub(crate) type RowKernel = fn(&FloatRow<'_>, &mut FloatSink<'_>) -> Result<Seen, QueryInterrupt>;

impl Windows {
    /// Visits all windows in order, each with its end and with the number of times up to there.
    pub(crate) fn ends(&self, ts: &[i64], mut visit: impl FnMut(usize, i64, usize)) {
        let mut to = 0;
        for window in 0..self.n {
            let end_ms = self.first_end_ms.saturating_add(self.advance_ms.saturating_mul(window as i64));
            to = first_after(ts, to, end_ms);
            visit(window, end_ms, to);
        }
    }
}

impl FloatSink<'_> {
    /// Replaces each value by what `f` makes of it and its position, or removes it.
    pub(crate) fn map(&mut self, mut f: impl FnMut(usize, f64) -> Option<f64>) {
        for ((chunk, vals), present) in self.vals.chunks_mut(BITS).enumerate().zip(&mut *self.present) {
            let (first, mut word) = (chunk * BITS, *present);
            while word != 0 {
                let bit = word.trailing_zeros() as usize;
                word &= word - 1;
                match f(first + bit, vals[bit]) {
                    Some(v) => vals[bit] = v,
                    None => *present &= !(1 << bit),
                }
            }
        }
    }

    pub(crate) fn set(&mut self, window: usize, v: f64) {
        self.vals[window] = v;
        self.present[window / BITS] |= 1 << (window % BITS);
    }
}

/// A window that is not empty.
#[derive(Debug, Clone, Copy)]
struct At {
    window: usize,
    end_ms: i64,
    /// The samples from here
    from: usize,
    /// to before here.
    to: usize,
}

impl FloatRow<'_> {
    /// Visits the windows that are not empty, in order.
    fn walk(&self, mut visit: impl FnMut(At)) -> Result<Seen, QueryInterrupt> {
        let (mut from, mut since_check) = (0, 0);
        let (mut seen, mut interrupted) = (Seen::default(), Ok(()));
        self.windows.ends(self.ts, |window, end_ms, to| {
            from = first_after(self.ts, from, end_ms.saturating_sub(self.windows.range_ms));
            if from >= to || interrupted.is_err() {
                return;
            }
            seen.total += to - from;
            seen.largest = seen.largest.max(to - from);
            since_check += to - from;
            if since_check > SAMPLES_PER_CHECK {
                since_check = 0;
                interrupted = self.context.check();
            }
            visit(At { window, end_ms, from, to });
        });
        interrupted.map(|()| seen)
    }
}

/// The position of the first time after `ms`, which is not before `at`.
fn first_after(ts: &[i64], mut at: usize, ms: i64) -> usize {
    let near = ts.len().min(at + NEAR);
    while at < near {
        if ts[at] > ms {
            return at;
        }
        at += 1;
    }
    at + ts[at..].partition_point(|t| *t <= ms)
}

pub(super) fn rate(row: &FloatRow<'_>, sink: &mut FloatSink<'_>) -> Result<Seen, QueryInterrupt> {
    change(row, Change::Rate, sink)
}

pub(super) fn increase(row: &FloatRow<'_>, sink: &mut FloatSink<'_>) -> Result<Seen, QueryInterrupt> {
    change(row, Change::Increase, sink)
}

pub(super) fn delta(row: &FloatRow<'_>, sink: &mut FloatSink<'_>) -> Result<Seen, QueryInterrupt> {
    change(row, Change::Delta, sink)
}

#[inline(always)]
fn change(row: &FloatRow<'_>, what: Change, sink: &mut FloatSink<'_>) -> Result<Seen, QueryInterrupt> {
    let FloatRow { ts, vals, windows, .. } = *row;
    // Resets are rare, so they are looked for once and not in each window.
    let resets: Vec<usize> = if what.is_counter() {
        let pairs = vals.windows(2).enumerate();
        pairs.filter(|(_, pair)| pair[1] < pair[0]).map(|(idx, _)| idx + 1).collect()
    } else {
        Vec::new()
    };
    let mut passed = 0;
    row.walk(|At { window, end_ms, from, to }| {
        if to - from < 2 {
            return;
        }
        let (first, last) = (vals[from], vals[to - 1]);
        let mut result = last - first;
        while resets.get(passed).is_some_and(|reset| *reset <= from) {
            passed += 1;
        }
        for reset in resets[passed..].iter().take_while(|reset| **reset < to) {
            result += vals[reset - 1];
        }
        let zero_share = if result > 0.0 && first >= 0.0 { Some(first / result) } else { None };
        let factor = Extrapolation {
            first_ms: ts[from],
            last_ms: ts[to - 1],
            n: to - from,
            start_ms: end_ms.saturating_sub(windows.range_ms),
            end_ms,
        }
        .factor(what, zero_share);
        sink.set(window, result * factor);
    })
}

pub(super) fn count_over_time(row: &FloatRow<'_>, sink: &mut FloatSink<'_>) -> Result<Seen, QueryInterrupt> {
    row.walk(|At { window, from, to, .. }| sink.set(window, (to - from) as f64))
}

pub(super) fn present_over_time(
    row: &FloatRow<'_>,
    sink: &mut FloatSink<'_>,
) -> Result<Seen, QueryInterrupt> {
    row.walk(|At { window, .. }| sink.set(window, 1.0))
}

pub(super) fn first_over_time(row: &FloatRow<'_>, sink: &mut FloatSink<'_>) -> Result<Seen, QueryInterrupt> {
    row.walk(|At { window, from, .. }| sink.set(window, row.vals[from]))
}

pub(super) fn last_over_time(row: &FloatRow<'_>, sink: &mut FloatSink<'_>) -> Result<Seen, QueryInterrupt> {
    row.walk(|At { window, to, .. }| sink.set(window, row.vals[to - 1]))
}

pub(super) fn sum_over_time(row: &FloatRow<'_>, sink: &mut FloatSink<'_>) -> Result<Seen, QueryInterrupt> {
    row.walk(|At { window, from, to, .. }| {
        let sum = row.vals[from..to].iter().fold((0.0, 0.0), |(sum, c), v| kahan_add(*v, sum, c));
        sink.set(window, if sum.0.is_infinite() { sum.0 } else { sum.0 + sum.1 });
    })
}

pub(super) fn avg_over_time(row: &FloatRow<'_>, sink: &mut FloatSink<'_>) -> Result<Seen, QueryInterrupt> {
    row.walk(|At { window, from, to, .. }| {
        sink.set(window, super::avg_over_time::mean(&row.vals[from..to]));
    })
}

pub(super) fn max_over_time(row: &FloatRow<'_>, sink: &mut FloatSink<'_>) -> Result<Seen, QueryInterrupt> {
    extreme(row, sink, |v, found| v > found)
}

pub(super) fn min_over_time(row: &FloatRow<'_>, sink: &mut FloatSink<'_>) -> Result<Seen, QueryInterrupt> {
    extreme(row, sink, |v, found| v < found)
}

/// The first of the values that win in each window. NaN loses against everything, so it never waits for its turn.
#[inline(always)]
fn extreme(
    row: &FloatRow<'_>,
    sink: &mut FloatSink<'_>,
    wins: impl Fn(f64, f64) -> bool,
) -> Result<Seen, QueryInterrupt> {
    let vals = row.vals;
    // The positions of those that win as soon as all before them have left the window.
    let mut waiting: VecDeque<usize> = VecDeque::new();
    let mut next = 0;
    row.walk(|At { window, from, to, .. }| {
        next = next.max(from);
        for (idx, v) in vals.iter().enumerate().take(to).skip(next) {
            if v.is_nan() {
                continue;
            }
            while waiting.back().is_some_and(|last| wins(*v, vals[*last])) {
                waiting.pop_back();
            }
            waiting.push_back(idx);
        }
        next = to;
        while waiting.front().is_some_and(|idx| *idx < from) {
            waiting.pop_front();
        }
        sink.set(window, waiting.front().map_or(vals[to - 1], |idx| vals[*idx]));
    })
}

pub(super) fn irate(row: &FloatRow<'_>, sink: &mut FloatSink<'_>) -> Result<Seen, QueryInterrupt> {
    last_two(row, sink, |previous, last, seconds| {
        (if last < previous { last } else { last - previous }) / seconds
    })
}

pub(super) fn idelta(row: &FloatRow<'_>, sink: &mut FloatSink<'_>) -> Result<Seen, QueryInterrupt> {
    last_two(row, sink, |previous, last, _| last - previous)
}

/// What `f` makes of the last two values of each window and the seconds between them.
#[inline(always)]
fn last_two(
    row: &FloatRow<'_>,
    sink: &mut FloatSink<'_>,
    f: impl Fn(f64, f64, f64) -> f64,
) -> Result<Seen, QueryInterrupt> {
    row.walk(|At { window, from, to, .. }| {
        if to - from >= 2 {
            let seconds = (row.ts[to - 1] - row.ts[to - 2]) as f64 / 1000.0;
            sink.set(window, f(row.vals[to - 2], row.vals[to - 1], seconds));
        }
    })
}

pub(super) fn changes(row: &FloatRow<'_>, sink: &mut FloatSink<'_>) -> Result<Seen, QueryInterrupt> {
    count_pairs(row, sink, |a, b| a != b && !(a.is_nan() && b.is_nan()))
}

pub(super) fn resets(row: &FloatRow<'_>, sink: &mut FloatSink<'_>) -> Result<Seen, QueryInterrupt> {
    count_pairs(row, sink, |a, b| b < a)
}

/// How many pairs of neighbours in each window are as `is_counted` wants them.
#[inline(always)]
fn count_pairs(
    row: &FloatRow<'_>,
    sink: &mut FloatSink<'_>,
    is_counted: impl Fn(f64, f64) -> bool,
) -> Result<Seen, QueryInterrupt> {
    // For each sample how many pairs there are up to it.
    let mut counts = Vec::with_capacity(row.vals.len());
    counts.extend(row.vals.first().map(|_| 0_u32));
    let mut count = 0;
    for pair in row.vals.windows(2) {
        count += u32::from(is_counted(pair[0], pair[1]));
        counts.push(count);
    }
    row.walk(|At { window, from, to, .. }| sink.set(window, f64::from(counts[to - 1] - counts[from])))
}

pub(super) fn stdvar_over_time(row: &FloatRow<'_>, sink: &mut FloatSink<'_>) -> Result<Seen, QueryInterrupt> {
    variance(row, sink, |v| v)
}

pub(super) fn stddev_over_time(row: &FloatRow<'_>, sink: &mut FloatSink<'_>) -> Result<Seen, QueryInterrupt> {
    variance(row, sink, f64::sqrt)
}

#[inline(always)]
fn variance(
    row: &FloatRow<'_>,
    sink: &mut FloatSink<'_>,
    finish: impl Fn(f64) -> f64,
) -> Result<Seen, QueryInterrupt> {
    const AT_ONCE: usize = 4;

    let vals = |at: &At| &row.vals[at.from..at.to];
    let mut compute = |windows: &mut Vec<At>| {
        if let [a, b, c, d] = &windows[..] {
            let variances: [f64; AT_ONCE] = variances([vals(a), vals(b), vals(c), vals(d)]);
            windows.iter().zip(variances).for_each(|(at, v)| sink.set(at.window, finish(v)));
        } else {
            for at in &*windows {
                let [v] = variances([vals(at)]);
                sink.set(at.window, finish(v));
            }
        }
        windows.clear();
    };
    let mut windows: Vec<At> = Vec::with_capacity(AT_ONCE);
    let seen = row.walk(|at| {
        if windows.len() == AT_ONCE
            || windows.first().is_some_and(|first| vals(first).len() != vals(&at).len())
        {
            compute(&mut windows);
        }
        windows.push(at);
    })?;
    compute(&mut windows);
    Ok(seen)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::notes::Notes;
    use super::super::table::{Implementation, implementation};
    use super::super::window::{Floats, Histograms, Window};
    use super::*;
    use crate::engine::Annotations;
    use crate::syntax::{RangeMode, TextSpan};
    use bellwether_model::{Labels, Value};

    const KERNELS: [(&str, RowKernel); 17] = [
        ("avg_over_time", avg_over_time),
        ("changes", changes),
        ("count_over_time", count_over_time),
        ("delta", delta),
        ("first_over_time", first_over_time),
        ("idelta", idelta),
        ("increase", increase),
        ("irate", irate),
        ("last_over_time", last_over_time),
        ("max_over_time", max_over_time),
        ("min_over_time", min_over_time),
        ("present_over_time", present_over_time),
        ("rate", rate),
        ("resets", resets),
        ("stddev_over_time", stddev_over_time),
        ("stdvar_over_time", stdvar_over_time),
        ("sum_over_time", sum_over_time),
    ];

    /// What the plain form says about a window.
    fn plain(name: &str, row: &FloatRow<'_>, window: usize) -> Option<f64> {
        let Implementation::Range(function) = implementation(name) else { panic!("{name}") };
        let end_ms = row.windows.first_end_ms + row.windows.advance_ms * window as i64;
        let start_ms = end_ms - row.windows.range_ms;
        let (from, to) =
            (row.ts.partition_point(|t| *t <= start_ms), row.ts.partition_point(|t| *t <= end_ms));
        if from >= to {
            return None;
        }
        let window = Window {
            floats: Floats { ts: &row.ts[from..to], vals: &row.vals[from..to], start_ts: &[] },
            histograms: Histograms { ts: &[], vals: &[], start_ts: &[] },
            start_ms,
            end_ms,
            eval_ms: end_ms,
            mode: RangeMode::Plain,
            args: &[],
        };
        let (labels, mut annotations) = (Labels::empty(), Annotations::default());
        let mut notes = Notes::new(&labels, TextSpan::default(), &mut annotations);
        match (function.call)(&window, &mut notes)? {
            Value::Float(v) => Some(v),
            Value::Histogram(_) => panic!("a histogram from floats"),
        }
    }

    fn value() -> impl Strategy<Value = f64> {
        prop_oneof![
            8 => (0_i32..50).prop_map(f64::from),
            2 => any::<f64>(),
            1 => Just(f64::NAN),
            1 => Just(-0.0),
            1 => Just(f64::INFINITY),
        ]
    }

    proptest! {
        #[test]
        fn rows_equal_windows(
            samples in prop::collection::vec((1_i64..40, value()), 0..60),
            first_end_ms in -50_i64..400,
            advance_ms in prop_oneof![Just(0_i64), 1_i64..60],
            range_ms in 1_i64..400,
            n in 1_usize..70,
        ) {
            let mut at = 0;
            let ts: Vec<i64> = samples.iter().map(|(gap, _)| { at += gap; at }).collect();
            let vals: Vec<f64> = samples.iter().map(|(_, v)| *v).collect();
            let context = QueryContext::unbounded();
            let windows = Windows { first_end_ms, advance_ms, range_ms, n };
            let row = FloatRow { ts: &ts, vals: &vals, windows, context: &context };
            for (name, kernel) in KERNELS {
                let (mut got, mut present) = (vec![0.0; n], vec![0; n.div_ceil(BITS)]);
                let mut sink = FloatSink { vals: &mut got, present: &mut present };
                kernel(&row, &mut sink).expect("no limit");
                for window in 0..n {
                    let is_present = present[window / BITS] >> (window % BITS) & 1 == 1;
                    let got = is_present.then(|| got[window]);
                    let want = plain(name, &row, window);
                    // Which NaN it is, nobody can see.
                    let same = match (got, want) {
                        (Some(got), Some(want)) => got.to_bits() == want.to_bits() || got.is_nan() && want.is_nan(),
                        (got, want) => got.is_none() && want.is_none(),
                    };
                    prop_assert!(same, "{name} window {window}: {got:?} instead of {want:?}");
                }
            }
        }
    }
}
