use super::FloatHistogram;
use super::bucket::Side;
use super::span::{Span, SpanBuilder, indices};

impl FloatHistogram {
    /// Removes empty buckets from both ends of each span and joins spans whose distance is at most `max_empty_buckets`; a longer run of
    /// empty buckets inside a span cuts it.
    pub fn compact(&mut self, max_empty_buckets: u32) {
        for side in [Side::Positive, Side::Negative] {
            let (spans, counts) = self.side_mut(side);
            if !is_compact(spans, counts, max_empty_buckets) {
                (*spans, *counts) = compacted(spans, counts, max_empty_buckets);
            }
        }
    }
}

/// Whether no bucket is empty and no span is near enough to be joined to the one before: the common case after arithmetic.
fn is_compact(spans: &[Span], counts: &[f64], max_empty_buckets: u32) -> bool {
    counts.iter().all(|v| *v != 0.0)
        && spans.iter().all(|s| s.length > 0)
        && spans.iter().skip(1).all(|s| i64::from(s.offset) > i64::from(max_empty_buckets))
}

fn compacted(spans: &[Span], counts: &[f64], max_empty_buckets: u32) -> (Vec<Span>, Vec<f64>) {
    let (mut kept, mut kept_counts) = (SpanBuilder::default(), Vec::with_capacity(counts.len()));
    let mut previous: Option<i32> = None;
    for (idx, count) in indices(spans).zip(counts).filter(|(_, count)| **count != 0.0) {
        if let Some(previous) = previous {
            let gap = idx.wrapping_sub(previous).wrapping_sub(1);
            if i64::from(gap) <= i64::from(max_empty_buckets) {
                for empty in 0..gap {
                    kept.push(previous.wrapping_add(1 + empty));
                    kept_counts.push(0.0);
                }
            }
        }
        kept.push(idx);
        kept_counts.push(*count);
        previous = Some(idx);
    }
    (kept.finish(), kept_counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compacts() {
        let check = |spans: &[(i32, u32)], counts: &[f64], limit, want_spans: &[(i32, u32)], want: &[f64]| {
            let to_spans = |s: &[(i32, u32)]| {
                s.iter().map(|(offset, length)| Span { offset: *offset, length: *length }).collect()
            };
            let mut h = FloatHistogram {
                positive_spans: to_spans(spans),
                positive_buckets: counts.to_vec(),
                ..FloatHistogram::default()
            };
            h.compact(limit);
            let want_spans: Vec<Span> = to_spans(want_spans);
            assert_eq!(
                (&h.positive_spans, &h.positive_buckets[..]),
                (&want_spans, want),
                "{spans:?} {counts:?} {limit}"
            );
        };
        check(&[(-2, 1), (2, 3)], &[1.0, 3.3, 4.2, 0.1], 0, &[(-2, 1), (2, 3)], &[1.0, 3.3, 4.2, 0.1]);
        check(&[(-2, 2), (0, 2)], &[0.0, 1.0, 2.0, 0.0], 0, &[(-1, 2)], &[1.0, 2.0]);
        check(&[(0, 5)], &[1.0, 0.0, 0.0, 1.0, 1.0], 0, &[(0, 1), (2, 2)], &[1.0, 1.0, 1.0]);
        check(&[(0, 5)], &[1.0, 0.0, 0.0, 1.0, 1.0], 2, &[(0, 5)], &[1.0, 0.0, 0.0, 1.0, 1.0]);
        check(&[(0, 2), (1, 2)], &[1.0, 0.0, 1.0, 1.0], 2, &[(0, 5)], &[1.0, 0.0, 0.0, 1.0, 1.0]);
        check(&[(3, 2), (1, 0)], &[0.0, 0.0], 3, &[], &[]);
    }
}
