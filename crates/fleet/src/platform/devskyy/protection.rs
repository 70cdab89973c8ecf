use bellwether_sdk::{CounterHandle, HistogramHandle};

use super::WORKED;
use crate::generated::devskyy as pack;
use crate::generated::devskyy::{Devskyy, RequestType};
use crate::metrics::{Trace, observe};

const REQUEST_TYPES: [RequestType; 2] = [RequestType::Export, RequestType::Delete];
const DATA_TYPES: [&str; 3] = ["user_data", "orders", "activity"];

pub(super) struct ProtectionInstruments {
    /// By [`RequestType`]: worked, failed.
    requests: [[CounterHandle; 2]; 2],
    duration: [HistogramHandle; 2],
    records: [CounterHandle; 3],
    runs: CounterHandle,
    run_duration: HistogramHandle,
    run_records: [CounterHandle; 3],
    run_freed: CounterHandle,
}

impl ProtectionInstruments {
    pub(super) fn of(devskyy: &Devskyy) -> Self {
        let data = DATA_TYPES.map(|data_type| pack::GdprRecordsDeletedLabels { data_type });
        Self {
            requests: REQUEST_TYPES.map(|request_type| {
                WORKED.map(|status| {
                    devskyy.gdpr_requests.with(pack::GdprRequestsLabels { request_type, status })
                })
            }),
            duration: REQUEST_TYPES.map(|request_type| {
                let labels = pack::GdprProcessingDurationSecondsLabels { request_type };
                devskyy.gdpr_processing_duration_seconds.with(labels)
            }),
            records: data.map(|it| devskyy.gdpr_records_deleted.with(it)),
            runs: devskyy.data_retention_cleanups.with(()),
            run_duration: devskyy.data_retention_cleanup_duration_seconds.with(()),
            run_records: data.map(|it| devskyy.data_retention_records_deleted.with(it)),
            run_freed: devskyy.data_retention_storage_freed_bytes.with(()),
        }
    }

    pub(super) fn request_ended(
        &self,
        request_type: RequestType,
        seconds: f64,
        worked: bool,
        traced: Option<(Trace, i64)>,
    ) {
        self.requests[request_type as usize][usize::from(!worked)].inc();
        observe(self.duration[request_type as usize], seconds, traced);
    }

    pub(super) fn erased(&self, records: [f64; 3]) {
        for (counter, records) in self.records.into_iter().zip(records) {
            counter.add(records);
        }
    }

    pub(super) fn cleaned_up(&self, seconds: f64, records: [f64; 3], freed_bytes: f64) {
        self.runs.inc();
        self.run_duration.observe(seconds);
        self.run_freed.add(freed_bytes);
        for (counter, records) in self.run_records.into_iter().zip(records) {
            counter.add(records);
        }
    }
}
