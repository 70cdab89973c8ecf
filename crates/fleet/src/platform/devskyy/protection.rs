use super::catalogue as c;
use crate::metrics::{Counter, Exporter, HistogramId, Trace};

const REQUEST_TYPES: [&str; 2] = ["export", "delete"];
pub(super) const EXPORT: usize = 0;
pub(super) const ERASURE: usize = 1;
const DATA_TYPES: [&str; 3] = ["user_data", "orders", "activity"];

pub(super) struct ProtectionInstruments {
    requests: [[Counter; 2]; 2],
    duration: [HistogramId; 2],
    /// Exports, deletions: what the requests that went well add up to.
    served: [Counter; 2],
    records: [Counter; 3],
    runs: Counter,
    run_duration: HistogramId,
    run_records: [Counter; 3],
    run_freed: Counter,
}

impl ProtectionInstruments {
    pub(super) fn register(e: &mut Exporter) -> Self {
        Self {
            requests: REQUEST_TYPES
                .map(|it| ["success", "error"].map(|status| e.counter(&c::GDPR_REQUESTS, &[it, status]))),
            duration: REQUEST_TYPES.map(|it| e.histogram(&c::GDPR_DURATION, &[it])),
            served: [e.counter(&c::GDPR_EXPORTS, &[]), e.counter(&c::GDPR_DELETIONS, &[])],
            records: DATA_TYPES.map(|it| e.counter(&c::GDPR_RECORDS, &[it])),
            runs: e.counter(&c::RETENTION_RUNS, &[]),
            run_duration: e.histogram(&c::RETENTION_DURATION, &[]),
            run_records: DATA_TYPES.map(|it| e.counter(&c::RETENTION_RECORDS, &[it])),
            run_freed: e.counter(&c::RETENTION_FREED, &[]),
        }
    }

    pub(super) fn request_ended(
        &self,
        e: &mut Exporter,
        request_type: usize,
        seconds: f64,
        worked: bool,
        traced: Option<(Trace, i64)>,
    ) {
        e.inc(self.requests[request_type][usize::from(!worked)]);
        e.observe(self.duration[request_type], seconds, traced);
        if worked {
            e.inc(self.served[request_type]);
        }
    }

    pub(super) fn erased(&self, e: &mut Exporter, records: [f64; 3]) {
        for (counter, records) in self.records.into_iter().zip(records) {
            e.add(counter, records);
        }
    }

    pub(super) fn cleaned_up(&self, e: &mut Exporter, seconds: f64, records: [f64; 3], freed_bytes: f64) {
        e.inc(self.runs);
        e.observe(self.run_duration, seconds, None);
        e.add(self.run_freed, freed_bytes);
        for (counter, records) in self.run_records.into_iter().zip(records) {
            e.add(counter, records);
        }
    }
}
