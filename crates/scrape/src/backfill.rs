use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bellwether_model::{AppendBatch, AppendError, AppendReport, Appender, Tenant};

use crate::config::{Discovery, ScrapeConfig};
use crate::ingest::{Counts, ExtraReport, Ingest, Report};
use crate::options::ScrapeOptions;
use crate::pool::JobSettings;
use crate::target::{Built, TargetLabels};

/// Stores what targets exposed in the past, by the same rules as a scrape: labels, relabelling, limits, staleness and the series that tell about
/// each scrape.
///
/// It knows the targets that stand in the configuration itself; those are told apart by job and address.
pub struct Backfill {
    targets: HashMap<(String, String), Past>,
    batch: AppendBatch,
}

/// The past of one target.
struct Past {
    ingest: Ingest,
    timeout: Duration,
    sample_limit: usize,
}

/// One answer of a target in the past.
#[derive(Debug, Clone, Copy)]
pub struct PastScrape<'a> {
    /// The job of the target.
    pub job: &'a str,
    /// The address of the target as it stands in the configuration.
    pub address: &'a str,
    /// When it answered, in milliseconds since the Unix epoch; per target in ascending order.
    pub ts_ms: i64,
    /// How long it took.
    pub duration: Duration,
    /// `Content-Type` and body, or `None` if it did not answer.
    pub answer: Option<(&'a str, &'a [u8])>,
}

/// Why a past scrape was not stored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackfillError {
    /// The configuration does not have the target, or relabelling drops it.
    #[error("job {job:?} has no target {address:?}")]
    UnknownTarget {
        /// The job.
        job: String,
        /// The address.
        address: String,
    },
    /// The store took nothing.
    #[error(transparent)]
    Append(#[from] AppendError),
}

impl Backfill {
    /// The targets that the jobs list themselves.
    pub fn new(jobs: &[ScrapeConfig], options: &ScrapeOptions) -> Self {
        let mut targets = HashMap::new();
        for job in jobs {
            let settings = JobSettings::new(job, options);
            let mut labels = TargetLabels::new(job);
            let groups = job.discovery.iter().flat_map(Discovery::static_groups);
            for group in groups {
                for (address, built) in group.targets.iter().zip(labels.of_group(group)) {
                    let Ok(Built::Active(spec)) = built else { continue };
                    let ingest = settings.ingest(job, &spec.labels);
                    let past = Past {
                        timeout: spec.timeout,
                        sample_limit: ingest.sample_limit,
                        ingest: Ingest::new(Arc::new(ingest), Arc::default()),
                    };
                    targets.insert((job.job_name.clone(), address.clone()), past);
                }
            }
        }
        Self { targets, batch: AppendBatch::default() }
    }

    /// Stores one scrape.
    pub fn store(
        &mut self,
        scrape: &PastScrape<'_>,
        tenant: &Tenant,
        appender: &dyn Appender,
    ) -> Result<AppendReport, BackfillError> {
        let key = (scrape.job.to_owned(), scrape.address.to_owned());
        let Some(Past { ingest, timeout, sample_limit }) = self.targets.get_mut(&key) else {
            let (job, address) = key;
            return Err(BackfillError::UnknownTarget { job, address });
        };
        let batch = &mut self.batch;
        let (counts, up) = if let Some((content_type, body)) = scrape.answer {
            let (counts, result) = ingest.read(body, content_type, scrape.ts_ms, batch);
            (counts, result.is_ok())
        } else {
            ingest.read_nothing(batch);
            (Counts::default(), false)
        };
        let body_bytes = scrape.answer.map_or(0, |(_, body)| body.len());
        let report = Report {
            up,
            duration_seconds: scrape.duration.as_secs_f64(),
            samples_scraped: counts.total,
            samples_post_relabel: counts.post_relabel,
            series_added: counts.series_added,
            extra: ExtraReport {
                timeout_seconds: timeout.as_secs_f64(),
                sample_limit: *sample_limit,
                body_size_bytes: body_bytes as i64,
            },
        };
        ingest.finish(up, &report, scrape.ts_ms, batch);
        // Whoever fills in the past is told what was refused.
        batch.stops_at_limit = false;
        match ingest.append(appender, tenant, batch) {
            Ok(report) => {
                ingest.stored(&report, scrape.ts_ms, batch);
                if !batch.is_empty() {
                    appender.append(tenant, batch)?;
                }
                Ok(report)
            }
            Err(error) => {
                ingest.not_stored();
                Err(error.into())
            }
        }
    }
}

impl std::fmt::Debug for Backfill {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Backfill").field("targets", &self.targets.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_config::job;
    use crate::test_store::TestStore;

    #[test]
    fn stores_the_past_as_scrapes_would_have() {
        let jobs = [job("{job_name: j, static_configs: [{targets: ['a:1'], labels: {zone: z}}]}")];
        let mut backfill = Backfill::new(&jobs, &ScrapeOptions::default());
        let store = TestStore::default();
        let at = |ts_ms, answer| PastScrape {
            job: "j",
            address: "a:1",
            ts_ms,
            duration: Duration::from_millis(2),
            answer,
        };
        let text = "text/plain; version=0.0.4";
        let tenant = Tenant::default();
        backfill.store(&at(1_000, Some((text, b"x 1\ny 2\n"))), &tenant, &store).expect("stored");
        backfill.store(&at(2_000, Some((text, b"x 3\n"))), &tenant, &store).expect("stored");
        backfill.store(&at(3_000, None), &tenant, &store).expect("stored");
        let labels = r#"{instance="a:1", job="j", zone="z"}"#;
        let check = |metric: &str, want: &[(i64, &str)]| {
            let samples = store.samples(&format!("{metric}{labels}"));
            let got: Vec<_> = samples.iter().map(|(ts, value)| (*ts, value.as_str())).collect();
            assert_eq!(got, want, "{metric}");
        };
        check("x", &[(1_000, "1"), (2_000, "3"), (3_000, "stale")]);
        check("y", &[(1_000, "2"), (2_000, "stale")]);
        check("up", &[(1_000, "1"), (2_000, "1"), (3_000, "0")]);
        check("scrape_samples_scraped", &[(1_000, "2"), (2_000, "1"), (3_000, "0")]);
        let unknown = PastScrape { address: "b:1", ..at(4_000, None) };
        let error = backfill.store(&unknown, &tenant, &store).expect_err("not a target");
        assert_eq!(error.to_string(), r#"job "j" has no target "b:1""#);
    }
}
