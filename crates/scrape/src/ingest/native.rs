//! Native histograms from the exposition into the model, as fine as the job wants them.
use bellwether_exposition::{BucketSide, NativeCounts, NativeHistogram, NativeHistograms, NativePart};
use bellwether_model::FloatHistogram;
use bellwether_model::histogram::{
    CounterResetHint, Histogram, HistogramError, MAX_EXPONENTIAL_SCHEMA, MIN_EXPONENTIAL_SCHEMA, Span,
    is_exponential_schema,
};

use crate::config::ScrapeConfig;

/// What becomes of histograms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HistogramSettings {
    pub(crate) native: NativeHistograms,
    pub(crate) classic: ClassicHandling,
    /// Buckets of a native histogram; 0 for no limit.
    pub(crate) bucket_limit: usize,
    /// The finest resolution of a native histogram.
    pub(crate) max_schema: i32,
}

/// What becomes of classic histograms that have no native form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClassicHandling {
    /// They are stored as they come.
    Keep,
    /// They become native histograms with custom buckets.
    Convert,
    /// Both.
    ConvertAndKeep,
}

/// A native histogram has more buckets than allowed at whatever resolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooManyBuckets;

impl HistogramSettings {
    /// Everything as it comes, native histograms left out.
    #[cfg(any(test, feature = "bench"))]
    pub(crate) const CLASSIC: Self = Self {
        native: NativeHistograms::Ignore,
        classic: ClassicHandling::Keep,
        bucket_limit: 0,
        max_schema: MAX_EXPONENTIAL_SCHEMA,
    };

    /// Everything in all its forms.
    #[cfg(feature = "bench")]
    pub(crate) const ALL: Self =
        Self { native: NativeHistograms::Beside, classic: ClassicHandling::ConvertAndKeep, ..Self::CLASSIC };

    pub(crate) fn new(config: &ScrapeConfig) -> Self {
        let keeps_classic = config.always_scrape_classic_histograms;
        Self {
            native: match (config.native_histograms, keeps_classic) {
                (false, _) => NativeHistograms::Ignore,
                (true, false) => NativeHistograms::Instead,
                (true, true) => NativeHistograms::Beside,
            },
            classic: match (config.convert_classic_histograms, keeps_classic) {
                (false, _) => ClassicHandling::Keep,
                (true, false) => ClassicHandling::Convert,
                (true, true) => ClassicHandling::ConvertAndKeep,
            },
            bucket_limit: config.native_histogram_bucket_limit,
            max_schema: schema_with_factor(config.native_histogram_min_bucket_factor),
        }
    }

    /// Merges buckets until the histogram is as coarse as the job wants it.
    pub(super) fn reduce(&self, histogram: &mut FloatHistogram) -> Result<(), TooManyBuckets> {
        histogram.reduce_resolution(self.max_schema);
        if self.bucket_limit == 0 {
            return Ok(());
        }
        let n_buckets = |h: &FloatHistogram| h.positive_buckets.len() + h.negative_buckets.len();
        while n_buckets(histogram) > self.bucket_limit {
            if !is_exponential_schema(histogram.schema) || histogram.schema == MIN_EXPONENTIAL_SCHEMA {
                return Err(TooManyBuckets);
            }
            histogram.reduce_resolution(histogram.schema - 1);
        }
        Ok(())
    }
}

/// The finest schema whose buckets grow by at least `factor`; the finest of all if that is no growth.
fn schema_with_factor(factor: f64) -> i32 {
    if factor <= 1.0 {
        return MAX_EXPONENTIAL_SCHEMA;
    }
    let schema = -factor.log2().log2();
    (schema.floor() as i32).clamp(MIN_EXPONENTIAL_SCHEMA, MAX_EXPONENTIAL_SCHEMA)
}

/// The buckets on one side of zero.
#[derive(Default)]
struct Side {
    spans: Vec<Span>,
    deltas: Vec<i64>,
    counts: Vec<f64>,
}

/// The histogram as it is stored: checked, with float counts, without empty buckets.
pub(super) fn to_model(exposed: &NativeHistogram<'_>) -> Result<FloatHistogram, HistogramError> {
    let (mut positive, mut negative) = (Side::default(), Side::default());
    exposed.each_part(|side, part| {
        let side = match side {
            BucketSide::Positive => &mut positive,
            BucketSide::Negative => &mut negative,
        };
        match part {
            NativePart::Span { offset, length } => side.spans.push(Span { offset, length }),
            NativePart::Delta(delta) => side.deltas.push(delta),
            NativePart::Count(count) => side.counts.push(count),
        }
    });
    let counter_reset_hint =
        if exposed.is_gauge { CounterResetHint::Gauge } else { CounterResetHint::Unknown };
    let mut histogram = match exposed.counts {
        NativeCounts::Integers { count, zero_count } => {
            let mut histogram = Histogram {
                counter_reset_hint,
                schema: exposed.schema,
                zero_threshold: exposed.zero_threshold,
                zero_count,
                count,
                sum: exposed.sum,
                positive_spans: positive.spans,
                negative_spans: negative.spans,
                positive_deltas: positive.deltas,
                negative_deltas: negative.deltas,
                custom_values: None,
            };
            histogram.admit()?;
            histogram.to_float()
        }
        NativeCounts::Floats { count, zero_count } => {
            let mut histogram = FloatHistogram {
                counter_reset_hint,
                schema: exposed.schema,
                zero_threshold: exposed.zero_threshold,
                zero_count,
                count,
                sum: exposed.sum,
                positive_spans: positive.spans,
                negative_spans: negative.spans,
                positive_buckets: positive.counts,
                negative_buckets: negative.counts,
                custom_values: None,
            };
            histogram.admit()?;
            histogram
        }
    };
    histogram.compact(0);
    Ok(histogram)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_factor_chooses_the_schema() {
        let check = |factor, want| assert_eq!(schema_with_factor(factor), want, "{factor}");
        check(0.0, 8);
        check(1.0, 8);
        check(1.002, 8);
        check(1.1, 2);
        check(2.0, 0);
        check(4.0, -1);
        check(65_536.0, -4);
        check(1e300, -4);
        check(f64::INFINITY, -4);
        check(f64::NAN, 0);
    }

    #[test]
    fn reduces_until_it_fits() {
        let histogram = || FloatHistogram {
            schema: 3,
            count: 8.0,
            positive_spans: vec![Span { offset: 1, length: 8 }],
            positive_buckets: vec![1.0; 8],
            ..FloatHistogram::default()
        };
        let check = |bucket_limit, max_schema, want: Result<(i32, &[f64]), TooManyBuckets>| {
            let settings = HistogramSettings { bucket_limit, max_schema, ..HistogramSettings::CLASSIC };
            let mut histogram = histogram();
            let got = settings.reduce(&mut histogram);
            assert_eq!(got.map(|()| (histogram.schema, &*histogram.positive_buckets)), want);
        };
        check(0, 8, Ok((3, &[1.0; 8])));
        check(8, 8, Ok((3, &[1.0; 8])));
        check(5, 8, Ok((2, &[2.0; 4])));
        check(0, 1, Ok((1, &[4.0, 4.0])));
        check(1, 2, Ok((0, &[8.0])));
        let settings = HistogramSettings { bucket_limit: 1, ..HistogramSettings::CLASSIC };
        let mut both_sides = histogram();
        both_sides.negative_spans = vec![Span { offset: 0, length: 1 }];
        both_sides.negative_buckets = vec![1.0];
        assert_eq!(settings.reduce(&mut both_sides), Err(TooManyBuckets));
        let mut custom = histogram();
        custom.schema = bellwether_model::histogram::CUSTOM_BUCKETS_SCHEMA;
        assert_eq!(settings.reduce(&mut custom), Err(TooManyBuckets));
    }
}
