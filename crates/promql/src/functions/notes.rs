use bellwether_model::Labels;
use bellwether_model::histogram::{AddOutcome, HistogramError};

use crate::engine::{Annotations, HistogramOperation, Remark};
use crate::syntax::TextSpan;

/// What a function has to say about a series beside its result.
///
/// A function says the same thing for most windows of a series, so what was said before costs only a comparison.
#[derive(Debug)]
pub(crate) struct Notes<'a> {
    labels: &'a Labels,
    span: TextSpan,
    annotations: &'a mut Annotations,
    /// What was said about this series.
    said: u16,
}

/// The things that can be said, as bits.
#[derive(Debug, Clone, Copy)]
enum Said {
    MixedFloatsHistograms = 1,
    MixedExponentialCustom = 1 << 1,
    NotCounter = 1 << 2,
    NotGauge = 1 << 3,
    HistogramsIgnored = 1 << 4,
    StartTimeOverlap = 1 << 5,
    ReconciledAddition = 1 << 6,
    ReconciledSubtraction = 1 << 7,
    ReconciledAggregation = 1 << 8,
    Collision = 1 << 9,
}

impl<'a> Notes<'a> {
    /// Notes about the series with these labels; the annotations will point at `span`.
    pub(crate) fn new(labels: &'a Labels, span: TextSpan, annotations: &'a mut Annotations) -> Self {
        Self { labels, span, annotations, said: 0 }
    }

    pub(crate) fn mixed_floats_histograms(&mut self) {
        self.say(Said::MixedFloatsHistograms, |metric| Remark::MixedFloatsHistograms { metric });
    }

    pub(crate) fn mixed_exponential_custom(&mut self) {
        self.say(Said::MixedExponentialCustom, |metric| Remark::MixedExponentialCustom { metric });
    }

    pub(crate) fn not_a_counter(&mut self) {
        self.say(Said::NotCounter, |metric| Remark::NotCounter { metric });
    }

    pub(crate) fn not_a_gauge(&mut self) {
        self.say(Said::NotGauge, |metric| Remark::NotGauge { metric });
    }

    pub(crate) fn histograms_ignored(&mut self) {
        self.say(Said::HistogramsIgnored, |metric| Remark::HistogramIgnoredInMixedRange { metric });
    }

    pub(crate) fn start_time_overlap(&mut self) {
        self.say(Said::StartTimeOverlap, |metric| Remark::StartTimeOverlap { metric });
    }

    pub(crate) fn counter_reset_collision(&mut self) {
        let during = HistogramOperation::Aggregation;
        self.say(Said::Collision, |_| Remark::CounterResetCollision { during });
    }

    /// A quantile outside of 0 to 1.
    pub(crate) fn invalid_quantile(&mut self, q: f64) {
        self.annotations.add(Remark::InvalidQuantile { got: q.into() }, self.span);
    }

    /// Says what combining two histograms met with; `None` if they could not be combined.
    pub(crate) fn combined(
        &mut self,
        outcome: Result<AddOutcome, HistogramError>,
        during: HistogramOperation,
    ) -> Option<()> {
        if outcome.is_err() {
            self.mixed_exponential_custom();
        }
        if outcome.ok()?.bounds_reconciled {
            self.bounds_reconciled(during);
        }
        Some(())
    }

    pub(crate) fn bounds_reconciled(&mut self, during: HistogramOperation) {
        let said = match during {
            HistogramOperation::Addition => Said::ReconciledAddition,
            HistogramOperation::Subtraction => Said::ReconciledSubtraction,
            HistogramOperation::Aggregation => Said::ReconciledAggregation,
        };
        self.say(said, |_| Remark::CustomBucketsReconciled { during });
    }

    fn say(&mut self, what: Said, remark: impl FnOnce(String) -> Remark) {
        if self.said & what as u16 == 0 {
            self.said |= what as u16;
            self.annotations.add(remark(self.labels.metric_name().to_owned()), self.span);
        }
    }
}
