use super::bucket::Side;
use super::custom_bounds::common_bounds;
use super::kahan::kahan_add;
use super::layout::{BucketMap, union};
use super::schema::is_exponential_schema;
use super::span::SpanBuilder;
use super::zero_bucket::drop_inner;
use super::{AddOutcome, FloatHistogram, HistogramError};

/// A sum of histograms that keeps, for each count, what rounding took from it (Kahan and Neumaier).
///
/// Adding one histogram after the other with [`FloatHistogram::add`] loses small counts beside large ones; this does not.
#[derive(Debug, Clone)]
pub struct HistogramSum {
    total: FloatHistogram,
    c: Compensation,
}

/// What rounding took from the counts of a histogram of the same layout.
#[derive(Debug, Clone, Default)]
struct Compensation {
    zero_count: f64,
    count: f64,
    sum: f64,
    positive: Vec<f64>,
    negative: Vec<f64>,
}

impl HistogramSum {
    /// A sum of one histogram.
    pub fn new(first: FloatHistogram) -> Self {
        let c = Compensation {
            positive: vec![0.0; first.positive_buckets.len()],
            negative: vec![0.0; first.negative_buckets.len()],
            ..Compensation::default()
        };
        Self { total: first, c }
    }

    /// Adds `other`, as [`FloatHistogram::add`] does.
    pub fn add(&mut self, other: &FloatHistogram) -> Result<AddOutcome, HistogramError> {
        self.total.check_compatible(other)?;
        let counter_reset_collision = self.total.combine_hint(other.counter_reset_hint);
        let mut outcome = AddOutcome { counter_reset_collision, bounds_reconciled: false };
        if self.total.same_grid(other) && same_layout(&self.total, other) {
            self.add_same_layout(other);
            return Ok(outcome);
        }
        let mut other = Self::new(other.clone());
        if self.total.uses_custom_buckets() {
            if self.total.custom_bounds() != other.total.custom_bounds() {
                outcome.bounds_reconciled = true;
                let common = common_bounds(self.total.custom_bounds(), other.total.custom_bounds());
                for h in [&mut *self, &mut other] {
                    let bounds = h.total.custom_bounds();
                    let kept = common.as_deref().unwrap_or(&[]);
                    let map = BucketMap::fewer_bounds(&h.total.positive_spans, bounds, kept);
                    h.rearrange(Side::Positive, map);
                    h.total.custom_values.clone_from(&common);
                }
            }
        } else {
            reconcile_zero_buckets(self, &mut other);
            let schema = self.total.schema.min(other.total.schema);
            self.reduce_resolution(schema);
            other.reduce_resolution(schema);
        }
        self.add_on_same_grid(&other);
        if outcome.bounds_reconciled {
            self.drop_empty_positive();
        }
        Ok(outcome)
    }

    /// Multiplies the sum.
    pub fn scale(&mut self, factor: f64) {
        self.total.scale(factor);
        self.c.for_each(|v| *v *= factor);
    }

    /// Divides the sum, which must not be by zero.
    pub fn divide(&mut self, divisor: f64) {
        debug_assert!(divisor != 0.0, "BUG: a sum is divided by the number of its parts");
        self.total.divide(divisor);
        self.c.for_each(|v| *v /= divisor);
    }

    /// Whether a count or the sum became infinite.
    pub fn has_overflow(&self) -> bool {
        self.total.has_overflow()
    }

    /// The sum as it stands, without what rounding took.
    pub fn uncompensated(&self) -> &FloatHistogram {
        &self.total
    }

    /// The sum.
    pub fn finish(self) -> FloatHistogram {
        let Self { total: mut h, c } = self;
        h.zero_count += c.zero_count;
        h.count += c.count;
        h.sum += c.sum;
        h.positive_buckets.iter_mut().zip(c.positive).for_each(|(v, c)| *v += c);
        h.negative_buckets.iter_mut().zip(c.negative).for_each(|(v, c)| *v += c);
        h
    }

    fn add_same_layout(&mut self, other: &FloatHistogram) {
        let (h, c) = (&mut self.total, &mut self.c);
        (h.zero_count, c.zero_count) = kahan_add(other.zero_count, h.zero_count, c.zero_count);
        (h.count, c.count) = kahan_add(other.count, h.count, c.count);
        (h.sum, c.sum) = kahan_add(other.sum, h.sum, c.sum);
        for (sums, cs, counts) in [
            (&mut h.positive_buckets, &mut c.positive, &other.positive_buckets),
            (&mut h.negative_buckets, &mut c.negative, &other.negative_buckets),
        ] {
            for ((sum, c), v) in sums.iter_mut().zip(cs).zip(counts) {
                (*sum, *c) = kahan_add(*v, *sum, *c);
            }
        }
    }

    fn add_on_same_grid(&mut self, other: &Self) {
        let add = |sum: &mut f64, c: &mut f64, v: f64, v_c: f64| {
            (*sum, *c) = kahan_add(v, *sum, *c);
            (*sum, *c) = kahan_add(v_c, *sum, *c);
        };
        let (h, c) = (&mut self.total, &mut self.c);
        add(&mut h.zero_count, &mut c.zero_count, other.total.zero_count, other.c.zero_count);
        add(&mut h.count, &mut c.count, other.total.count, other.c.count);
        add(&mut h.sum, &mut c.sum, other.total.sum, other.c.sum);
        for side in [Side::Positive, Side::Negative] {
            let (spans, _) = self.total.side(side);
            let (other_spans, other_counts) = other.total.side(side);
            let union = union(spans, other_spans);
            self.rearrange(side, union.left);
            let (_, counts) = self.total.side_mut(side);
            union.right.add_to_compensated(counts, self.c.side_mut(side), other_counts, other.c.side(side));
        }
    }

    /// Moves the counts of one side into another layout.
    fn rearrange(&mut self, side: Side, map: BucketMap) {
        let (spans, counts) = self.total.side_mut(side);
        let cs = self.c.side_mut(side);
        let (mut moved, mut moved_c) = (vec![0.0; map.len], vec![0.0; map.len]);
        map.add_to_compensated(&mut moved, &mut moved_c, counts, cs);
        (*counts, *cs) = (moved, moved_c);
        *spans = map.spans;
    }

    fn reduce_resolution(&mut self, schema: i32) {
        let from = self.total.schema;
        if schema >= from || !is_exponential_schema(schema) || !is_exponential_schema(from) {
            return;
        }
        for side in [Side::Positive, Side::Negative] {
            let map = BucketMap::coarser(self.total.side(side).0, from, schema);
            self.rearrange(side, map);
        }
        self.total.schema = schema;
    }

    fn widen_zero_bucket(&mut self, threshold: f64) {
        let widened = self.total.widened_zero_bucket(threshold);
        self.total.zero_threshold = widened.threshold;
        for (side, n) in [(Side::Positive, widened.n_positive), (Side::Negative, widened.n_negative)] {
            let (spans, counts) = self.total.side_mut(side);
            drop_inner(spans, n);
            let taken: Vec<f64> = counts.drain(..n).collect();
            let taken_c: Vec<f64> = self.c.side_mut(side).drain(..n).collect();
            let (sum, c) = (&mut self.total.zero_count, &mut self.c.zero_count);
            for v in taken.into_iter().zip(taken_c).flat_map(|(v, c)| [v, c]) {
                (*sum, *c) = kahan_add(v, *sum, *c);
            }
        }
    }

    /// Removes positive buckets in which nothing is left, not even a compensation.
    fn drop_empty_positive(&mut self) {
        let mut kept = SpanBuilder::default();
        let (mut counts, mut cs) = (Vec::new(), Vec::new());
        let old = super::span::indices(&self.total.positive_spans);
        for (idx, (v, c)) in old.zip(self.total.positive_buckets.iter().zip(&self.c.positive)) {
            if *v != 0.0 || *c != 0.0 {
                kept.push(idx);
                counts.push(*v);
                cs.push(*c);
            }
        }
        self.total.positive_spans = kept.finish();
        self.total.positive_buckets = counts;
        self.c.positive = cs;
    }
}

impl Compensation {
    fn side(&self, side: Side) -> &[f64] {
        match side {
            Side::Positive => &self.positive,
            Side::Negative => &self.negative,
        }
    }

    fn side_mut(&mut self, side: Side) -> &mut Vec<f64> {
        match side {
            Side::Positive => &mut self.positive,
            Side::Negative => &mut self.negative,
        }
    }

    fn for_each(&mut self, mut f: impl FnMut(&mut f64)) {
        f(&mut self.zero_count);
        f(&mut self.count);
        f(&mut self.sum);
        self.positive.iter_mut().for_each(&mut f);
        self.negative.iter_mut().for_each(&mut f);
    }
}

fn same_layout(a: &FloatHistogram, b: &FloatHistogram) -> bool {
    a.positive_spans == b.positive_spans && a.negative_spans == b.negative_spans
}

/// Widens the zero buckets of both until they are equally wide.
fn reconcile_zero_buckets(a: &mut HistogramSum, b: &mut HistogramSum) {
    loop {
        let (at, bt) = (a.total.zero_threshold, b.total.zero_threshold);
        if at > bt {
            b.widen_zero_bucket(at);
        } else if bt > at {
            a.widen_zero_bucket(bt);
        } else {
            return;
        }
    }
}
