use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use futures_util::FutureExt as _;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::control::{Control, Orders};
use super::pace::Pace;
use super::store::{Fetched, store, store_end};
use super::{Environment, LoopConfig};
use crate::error::ScrapeError;
use crate::ingest::{Ingest, Refused};
use crate::schedule::{Schedule, Timestamps};
use crate::target::{ActiveTarget, Outcome};
use crate::workspace::Workspace;

/// Scrapes one target until it is told to stop.
pub(crate) struct ScrapeLoop {
    target: Arc<ActiveTarget>,
    control: Arc<Control>,
    env: Arc<Environment>,
    config: Arc<LoopConfig>,
    schedule: Schedule,
    timestamps: Timestamps,
    /// `None` only while another thread has it.
    ingest: Option<Box<Ingest>>,
    pace: Pace,
    phase: Phase,
    has_scraped: bool,
    /// The store refused samples of the last scrape.
    was_refused: bool,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    Scraping,
    /// The target is gone. Its series are ended only after it had time to come back under other settings, and with a time at
    /// which it would have been scraped.
    Retiring(Wait),
}

#[derive(Debug, Clone, Copy)]
enum Wait {
    /// For the next scrape that would have been; its time will be that of the markers.
    FirstScrape,
    /// For the one after it.
    SecondScrape { stale_ms: i64 },
    /// For a tenth of the interval more, so that whoever has taken over is sure to have stored something.
    Until { end: Instant, stale_ms: i64 },
}

impl ScrapeLoop {
    pub(crate) fn new(target: Arc<ActiveTarget>, control: Arc<Control>, env: Arc<Environment>) -> Self {
        let Orders { config, .. } = control.orders();
        Self {
            schedule: schedule(&config, &target, &env),
            timestamps: Timestamps::new(config.interval),
            ingest: None,
            target,
            control,
            env,
            config,
            pace: Pace::default(),
            phase: Phase::Scraping,
            has_scraped: false,
            was_refused: false,
        }
    }

    /// Runs until the target has been retired or the server shuts down; in the latter case no series is ended, because they
    /// go on after the restart.
    pub(crate) async fn run(mut self) {
        self.run_to_the_end().await;
        self.control.finish();
    }

    async fn run_to_the_end(&mut self) {
        let shutdown = self.env.shutdown.clone();
        self.announce_next_scrape();
        loop {
            let wake = match self.phase {
                Phase::Retiring(Wait::Until { end, .. }) => end,
                _ => self.schedule.next(),
            };
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return,
                () = self.control.changed() => {
                    self.obey();
                    if !self.has_scraped && self.control.try_end() {
                        return;
                    }
                }
                () = sleep_until(wake) => match self.phase {
                    Phase::Scraping => self.scrape().await,
                    Phase::Retiring(wait) => {
                        if self.retire_further(wait).await {
                            return;
                        }
                    }
                }
            }
        }
    }

    /// Adopts the latest orders. What did not change goes on undisturbed.
    fn obey(&mut self) {
        let Orders { config, retire, .. } = self.control.orders();
        if config.interval != self.config.interval {
            self.schedule = schedule(&config, &self.target, &self.env);
            self.timestamps = Timestamps::new(config.interval);
        }
        if config.ingest != self.config.ingest
            && let Some(ingest) = &mut self.ingest
        {
            ingest.set_settings(Arc::clone(&config.ingest));
        }
        self.config = config;
        self.phase = match (retire, self.phase) {
            (false, _) => Phase::Scraping,
            (true, Phase::Scraping) => Phase::Retiring(Wait::FirstScrape),
            (true, retiring) => retiring,
        };
        self.announce_next_scrape();
    }

    async fn scrape(&mut self) {
        let started_ms = self.env.clock.now_ms();
        let started = self.env.clock.monotonic();
        let ts_ms = self.timestamps.stamp(started_ms);
        let mut workspace = self.env.workspaces.take();
        let shutdown = self.env.shutdown.clone();
        let result = tokio::select! {
            biased;
            () = shutdown.cancelled() => return,
            result = self.fetch(&mut workspace.body) => result,
        };
        let fetched = Fetched { started_ms, ts_ms, started, result };
        match self.store(fetched, workspace).await {
            Some((outcome, refused)) => self.note(outcome, refused),
            None => self.note(Outcome::bug(started_ms), Refused::default()),
        }
        self.has_scraped = true;
        let missed = self.schedule.advance(Instant::now());
        self.timestamps.skip(missed);
        self.env.counters.scrapes_missed.add(missed as usize);
        self.target.status.lock().missed_scrapes += u64::from(missed);
        self.announce_next_scrape();
    }

    async fn fetch(&self, body: &mut Vec<u8>) -> Result<String, ScrapeError> {
        if let Some((targets, limit)) = self.config.target_limit_exceeded {
            return Err(ScrapeError::TargetLimit { targets, limit });
        }
        let deadline = Instant::now() + self.config.timeout;
        // A panic that ended this task would end the scrapes of the target for good.
        let fetch = AssertUnwindSafe(async { self.config.fetch.fetch(body, deadline).await }).catch_unwind();
        match timeout_at(deadline, fetch).await {
            Ok(Ok(result)) => result,
            Ok(Err(_panic)) => Err(ScrapeError::Bug),
            Err(_) => Err(ScrapeError::Deadline),
        }
    }

    /// Reads and stores what came: here if that was quick the last time, else on a thread that may block. `None` if it went wrong in a way that
    /// is our fault.
    async fn store(&mut self, fetched: Fetched, mut workspace: Workspace) -> Option<(Outcome, Refused)> {
        let permits = Arc::clone(&self.env.ingest_permits);
        let here = self.pace.is_quick(workspace.body.len()).then(|| permits.try_acquire().ok()).flatten();
        let (env, config, target) =
            (Arc::clone(&self.env), Arc::clone(&self.config), Arc::clone(&self.target));
        let mut ingest = self.take_ingest();
        let work = move || {
            let started = env.clock.monotonic();
            let outcome = store(fetched, &mut ingest, &mut workspace, &config, &target, &env);
            env.workspaces.give_back(workspace);
            (ingest, outcome, env.clock.monotonic().saturating_sub(started))
        };
        let done = if here.is_some() {
            catch_unwind(AssertUnwindSafe(work)).map_err(|_| "it panicked".to_owned())
        } else {
            let _permit = permits.acquire().await.expect("BUG: the semaphore is never closed");
            tokio::task::spawn_blocking(work).await.map_err(|error| error.to_string())
        };
        match done {
            Ok((ingest, outcome, took)) => {
                self.ingest = Some(ingest);
                self.pace.record(took);
                Some(outcome)
            }
            Err(error) => {
                // One broken target must not take the others with it. It starts anew with an empty cache.
                tracing::error!(target = self.target.url.shown(), %error, "scrape ended by a bug");
                self.pace = Pace::default();
                None
            }
        }
    }

    /// The state of the series, to be handed to a thread that may block; it begins with the first scrape.
    fn take_ingest(&mut self) -> Box<Ingest> {
        let settings = &self.config.ingest;
        let fresh = || Box::new(Ingest::new(Arc::clone(settings), Arc::clone(&self.target.metadata)));
        self.ingest.take().unwrap_or_else(fresh)
    }

    fn note(&mut self, outcome: Outcome, refused: Refused) {
        let target = self.target.url.shown();
        if let Some(error) = &outcome.error {
            tracing::debug!(target, %error, "scrape failed");
        }
        let is_refused = !refused.is_empty();
        if is_refused && !self.was_refused {
            let Refused { example, out_of_order, duplicates, out_of_bounds, limit, other, exemplars } =
                refused;
            tracing::warn!(
                target,
                out_of_order,
                duplicates,
                out_of_bounds,
                limit,
                other,
                exemplars,
                example,
                "samples refused by the store"
            );
        }
        self.was_refused = is_refused;
        self.target.status.lock().last = Some(outcome);
    }

    /// Takes the next step on the way to the end, which is reached when this returns true.
    async fn retire_further(&mut self, wait: Wait) -> bool {
        let now = Instant::now();
        let next = match wait {
            Wait::FirstScrape => Wait::SecondScrape { stale_ms: self.env.clock.now_ms() },
            Wait::SecondScrape { stale_ms } => {
                Wait::Until { end: now + self.schedule.interval() / 10, stale_ms }
            }
            Wait::Until { stale_ms, .. } => {
                if !self.control.try_end() {
                    // The target came back this very moment; the order is heard next.
                    return false;
                }
                self.end_series(stale_ms).await;
                return true;
            }
        };
        self.schedule.advance(now);
        self.phase = Phase::Retiring(next);
        false
    }

    async fn end_series(&mut self, stale_ms: i64) {
        let mut ingest = self.take_ingest();
        let env = Arc::clone(&self.env);
        let work = tokio::task::spawn_blocking(move || {
            let mut workspace = env.workspaces.take();
            store_end(stale_ms, &mut ingest, &mut workspace, &env);
            env.workspaces.give_back(workspace);
        });
        if let Err(error) = work.await {
            tracing::error!(target = self.target.url.shown(), %error, "end of series ended by a bug");
        }
    }

    fn announce_next_scrape(&self) {
        let wait = self.schedule.next().saturating_duration_since(Instant::now());
        let next_ms = self.env.clock.now_ms() + wait.as_millis() as i64;
        let scrapes = matches!(self.phase, Phase::Scraping);
        self.target.status.lock().next_scrape_ms = scrapes.then_some(next_ms);
    }
}

fn schedule(config: &LoopConfig, target: &ActiveTarget, env: &Environment) -> Schedule {
    let identity = target.identity;
    let hash = (identity as u64) ^ ((identity >> 64) as u64) ^ env.offset_seed;
    Schedule::new(config.interval, hash, Instant::now(), env.clock.now_ms())
}
