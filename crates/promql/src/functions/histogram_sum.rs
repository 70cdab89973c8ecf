use std::sync::Arc;

use bellwether_model::histogram::{HistogramError, HistogramSum};
use bellwether_model::{CounterResetHint, FloatHistogram};

use super::notes::Notes;
use crate::engine::HistogramOperation;

/// The sum of histograms, of which there is at least one; `None`, with a note, if they cannot be added.
pub(super) fn sum(histograms: &[Arc<FloatHistogram>], notes: &mut Notes<'_>) -> Option<FloatHistogram> {
    combine(histograms, notes, |list| {
        let (sum, reconciled) = prefix_sum(list)?;
        Ok((sum.finish(), reconciled))
    })
}

/// The mean of histograms, of which there is at least one; `None`, with a note, if they cannot be added.
pub(super) fn mean(histograms: &[Arc<FloatHistogram>], notes: &mut Notes<'_>) -> Option<FloatHistogram> {
    combine(histograms, notes, |list| {
        let (mut sum, mut reconciled) = (HistogramSum::new(FloatHistogram::clone(&list[0])), false);
        for (added, h) in list.iter().enumerate().skip(1) {
            reconciled |= sum.add(h)?.bounds_reconciled;
            if sum.has_overflow() {
                return incremental_mean(list, added);
            }
        }
        sum.divide(list.len() as f64);
        Ok((sum.finish(), reconciled))
    })
}

type Combined = Result<(FloatHistogram, bool), HistogramError>;

fn combine(
    histograms: &[Arc<FloatHistogram>],
    notes: &mut Notes<'_>,
    combine: impl FnOnce(&[Arc<FloatHistogram>]) -> Combined,
) -> Option<FloatHistogram> {
    let Ok((result, reconciled)) = combine(histograms) else {
        notes.mixed_exponential_custom();
        return None;
    };
    let seen = |hint| histograms.iter().any(|h| h.counter_reset_hint == hint);
    if seen(CounterResetHint::Reset) && seen(CounterResetHint::NotReset) {
        notes.counter_reset_collision();
    }
    if reconciled {
        notes.bounds_reconciled(HistogramOperation::Aggregation);
    }
    Some(result)
}

fn prefix_sum(list: &[Arc<FloatHistogram>]) -> Result<(HistogramSum, bool), HistogramError> {
    let (mut sum, mut reconciled) = (HistogramSum::new(FloatHistogram::clone(&list[0])), false);
    for h in &list[1..] {
        reconciled |= sum.add(h)?.bounds_reconciled;
    }
    Ok((sum, reconciled))
}

/// The mean when the sum of more than the first `n` histograms is too large for a float: from there on, the mean itself is corrected with each
/// histogram. This loses more to rounding, so it is only done when it has to be.
fn incremental_mean(list: &[Arc<FloatHistogram>], n: usize) -> Combined {
    let (mut mean, mut reconciled) = prefix_sum(&list[..n])?;
    mean.divide(n as f64);
    for (added, h) in list.iter().enumerate().skip(n) {
        let count = (added + 1) as f64;
        let mut share = FloatHistogram::clone(h);
        share.divide(count);
        mean.scale((count - 1.0) / count);
        reconciled |= mean.add(&share)?.bounds_reconciled;
    }
    Ok((mean.finish(), reconciled))
}
