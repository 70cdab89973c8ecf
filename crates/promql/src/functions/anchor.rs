use super::window::{Floats, Histograms, Window};
use crate::syntax::RangeMode;

/// The samples that a function compares with each other: those in the window and, anchored, the last sample before it, whichever kind
/// that is. `None` if an anchored window holds nothing to compare with the anchor.
pub(super) fn from_anchor<'a>(window: &Window<'a>) -> Option<(Floats<'a>, Histograms<'a>)> {
    let (floats, histograms) = (window.floats, window.histograms);
    if window.mode != RangeMode::Anchored {
        return Some((floats, histograms));
    }
    let before = |ts: &[i64]| ts.partition_point(|t| *t <= window.start_ms);
    let (n_floats, n_histograms) = (before(floats.ts), before(histograms.ts));
    if n_floats == floats.len() && n_histograms == histograms.len() {
        return None;
    }
    let last_float = n_floats.checked_sub(1).map(|idx| floats.ts[idx]);
    let last_histogram = n_histograms.checked_sub(1).map(|idx| histograms.ts[idx]);
    Some(match (last_float, last_histogram) {
        (None, None) => (floats, histograms),
        (float, histogram) if float >= histogram => {
            (floats.skip(n_floats - 1), histograms.skip(n_histograms))
        }
        _ => (floats.skip(n_floats), histograms.skip(n_histograms - 1)),
    })
}

/// One sample of a series that may hold floats and histograms.
#[derive(Debug, Clone, Copy)]
pub(super) enum Mixed<'a> {
    Float(f64),
    Histogram(&'a bellwether_model::FloatHistogram),
}

/// A sample with its time and start timestamp, in milliseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct MixedSample<'a> {
    pub(super) ts_ms: i64,
    pub(super) start_ms: i64,
    pub(super) value: Mixed<'a>,
}

/// Floats and histograms together, in time order.
pub(super) fn in_time_order<'a>(
    floats: Floats<'a>,
    histograms: Histograms<'a>,
) -> impl Iterator<Item = MixedSample<'a>> {
    let (mut next_float, mut next_histogram) = (0, 0);
    std::iter::from_fn(move || {
        let float = floats.ts.get(next_float).copied();
        let histogram = histograms.ts.get(next_histogram).copied();
        let (ts_ms, start_ms, value) = match (float, histogram) {
            (Some(float), histogram) if histogram.is_none_or(|h| float < h) => {
                next_float += 1;
                (float, floats.start(next_float - 1), Mixed::Float(floats.vals[next_float - 1]))
            }
            (_, histogram) => {
                next_histogram += 1;
                let idx = next_histogram - 1;
                (histogram?, histograms.start(idx), Mixed::Histogram(&histograms.vals[idx]))
            }
        };
        Some(MixedSample { ts_ms, start_ms, value })
    })
}
