use std::sync::Arc;
use std::time::Duration;

use bellwether_model::{AppendBatch, AppendError, AppendReport, OverLimit};

use super::{Environment, LoopConfig};
use crate::error::ScrapeError;
use crate::ingest::{Counts, ExtraReport, Ingest, Refused, Report};
use crate::inspect::ScrapedBody;
use crate::target::{ActiveTarget, Outcome};
use crate::workspace::Workspace;

/// What a scrape brought.
pub(super) struct Fetched {
    /// The beginning by the wall clock, the same on the grid, and by the monotonic clock.
    pub(super) started_ms: i64,
    pub(super) ts_ms: i64,
    pub(super) started: Duration,
    /// The `Content-Type` of the body in the workspace.
    pub(super) result: Result<String, ScrapeError>,
}

/// Reads what a scrape brought and stores it. Runs where it may block.
pub(super) fn store(
    fetched: Fetched,
    ingest: &mut Ingest,
    workspace: &mut Workspace,
    config: &LoopConfig,
    target: &ActiveTarget,
    env: &Environment,
) -> (Outcome, Refused) {
    let Fetched { started_ms, ts_ms, started, result } = fetched;
    let Workspace { body, batch } = workspace;
    let body_too_large = result.as_ref().is_err_and(ScrapeError::is_body_too_large);
    if result.is_err() {
        body.clear();
    }
    let (counts, result) = match result {
        Ok(content_type) => ingest.read(body, &content_type, ts_ms, batch),
        Err(error) => {
            ingest.read_nothing(batch);
            (Counts::default(), Err(error))
        }
    };
    let duration = env.clock.monotonic().saturating_sub(started);
    let report = Report {
        up: result.is_ok(),
        duration_seconds: duration.as_secs_f64(),
        samples_scraped: counts.total,
        samples_post_relabel: counts.post_relabel,
        series_added: counts.series_added,
        extra: ExtraReport {
            timeout_seconds: config.timeout.as_secs_f64(),
            sample_limit: config.ingest.sample_limit,
            body_size_bytes: if body_too_large { -1 } else { body.len() as i64 },
        },
    };
    ingest.finish(result.is_ok(), &report, ts_ms, batch);
    let body_bytes = body.len();
    if let (Some(inspector), Ok(()), Some(format)) = (&env.inspector, &result, ingest.format()) {
        let (job, url) = (config.job.as_ref(), target.url.shown());
        inspector.look(&ScrapedBody { job, url, format, bytes: body, started_ms });
    }
    env.counters.scrapes.inc();
    env.counters.samples_scraped.add(counts.total);
    env.counters.body_bytes.add(body_bytes);
    let (refused, result) = match append(ingest, batch, env) {
        (Ok(report), None) => (stored(&report, ts_ms, ingest, workspace, env), result),
        (Ok(report), Some(first)) => {
            let refused = stored(&report, ts_ms, ingest, workspace, env);
            let error = ScrapeError::SeriesLimit { first, refused: refused.limit };
            (refused, result.and(Err(error)))
        }
        (Err(error), _) => {
            env.counters.batches_not_stored.inc();
            ingest.not_stored();
            if matches!(error, AppendError::TooLarge(_) | AppendError::Limit(_)) {
                store_failure(&report, ts_ms, ingest, workspace, env);
            }
            (Refused::default(), result.and(Err(error.into())))
        }
    };
    count(&counts, &refused, result.as_ref().err(), env);
    if let (Err(error), Some(log)) = (&result, &config.failure_log)
        && log.write(started_ms, &config.job, target.url.shown(), &error.to_string()).is_err()
    {
        env.counters.failure_log_errors.inc();
    }
    let outcome = Outcome {
        started_ms,
        duration,
        error: result.err().map(Arc::new),
        samples_scraped: counts.total,
        samples_post_relabel: counts.post_relabel,
        series_added: counts.series_added,
        body_bytes,
    };
    (outcome, refused)
}

/// Stores what a scrape brought. If there may be no more series, those that are there go on, and the scrape has failed for the reason that is returned beside the report;
/// a series that must not be at all is a fault of the target, which costs it the whole scrape, as the limits of its job do.
fn append(
    ingest: &mut Ingest,
    batch: &mut AppendBatch,
    env: &Environment,
) -> (Result<AppendReport, AppendError>, Option<Box<OverLimit>>) {
    match ingest.append(&*env.appender, &env.tenant, batch) {
        Err(AppendError::Limit(over)) if over.limit.counts_series() => {
            ingest.report_down(batch);
            (ingest.append(&*env.appender, &env.tenant, batch), Some(over))
        }
        outcome => (outcome, None),
    }
}

/// Stores that the scrape failed, after its samples turned out to be too many at once or against a limit: the store takes the few of the report, and who watches
/// `up` must hear of it.
fn store_failure(
    report: &Report,
    ts_ms: i64,
    ingest: &mut Ingest,
    workspace: &mut Workspace,
    env: &Environment,
) {
    let batch = &mut workspace.batch;
    ingest.read_nothing(batch);
    ingest.finish(false, &Report { up: false, ..*report }, ts_ms, batch);
    match ingest.append(&*env.appender, &env.tenant, batch) {
        Ok(report) => {
            stored(&report, ts_ms, ingest, workspace, env);
        }
        Err(error) => {
            ingest.not_stored();
            tracing::warn!(%error, "report of a scrape that the store refused not stored");
        }
    }
}

/// Stores markers for all series of a target that is scraped no more.
pub(super) fn store_end(ts_ms: i64, ingest: &mut Ingest, workspace: &mut Workspace, env: &Environment) {
    let batch = &mut workspace.batch;
    ingest.end(ts_ms, batch);
    match ingest.append(&*env.appender, &env.tenant, batch) {
        Ok(report) => env.counters.samples_stored.add(report.stored()),
        Err(error) => {
            env.counters.batches_not_stored.inc();
            tracing::warn!(%error, markers = batch.n_samples(), "stale markers of a removed target not stored");
        }
    }
}

fn stored(
    report: &AppendReport,
    ts_ms: i64,
    ingest: &mut Ingest,
    workspace: &mut Workspace,
    env: &Environment,
) -> Refused {
    env.counters.samples_stored.add(report.stored());
    let batch = &mut workspace.batch;
    let refused = ingest.stored(report, ts_ms, batch);
    if !batch.is_empty() {
        // Rare, and the series ends by itself after the lookback time if this fails.
        if let Err(error) = env.appender.append(&env.tenant, batch) {
            tracing::debug!(%error, "stale markers of refused samples not stored");
        }
    }
    refused
}

fn count(counts: &Counts, refused: &Refused, error: Option<&ScrapeError>, env: &Environment) {
    let counters = &env.counters;
    counters.samples_duplicate.add(counts.duplicates + refused.duplicates);
    counters.samples_out_of_bounds.add(refused.out_of_bounds);
    counters.samples_out_of_order.add(refused.out_of_order);
    counters.samples_over_store_limit.add(refused.limit);
    counters.samples_refused.add(refused.other);
    counters.exemplars_refused.add(refused.exemplars);
    let Some(error) = error else { return };
    counters.scrapes_failed.inc();
    match error {
        ScrapeError::SeriesLimit { .. } | ScrapeError::Storage(AppendError::Limit(_)) => {
            counters.store_limits_exceeded.inc();
        }
        ScrapeError::SampleLimit { .. } => counters.sample_limit_exceeded.inc(),
        ScrapeError::BucketLimit { .. } => counters.bucket_limit_exceeded.inc(),
        ScrapeError::Labels(crate::ingest::SampleLabelsError::Limit(_)) => {
            counters.label_limits_exceeded.inc();
        }
        error if error.is_body_too_large() => counters.body_size_limit_exceeded.inc(),
        _ => {}
    }
}
