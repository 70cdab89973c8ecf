//! Evaluates one group at its slots, until it is told to stop.

use std::sync::Arc;
use std::time::Duration;

use bellwether_model::Alert;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::restore::{from_samples, has_samples};
use super::schedule::Schedule;
use super::stats::Counted;
use crate::alert::Change;
use crate::evaluation::Evaluated;
use crate::group::{Group, Run};

/// Nobody sleeps longer than this at once, so that a clock that was set is heard of.
const LONGEST_SLEEP_MS: i64 = 10_000;
/// How long an alert waits at most for the rules behind its own, in a group that takes long.
const OUTBOX_WAIT: Duration = Duration::from_millis(500);
/// The series of a group that is gone are ended after so many of its intervals, so that a group with another name can go on with them.
const INTERVALS_UNTIL_END: i64 = 2;

/// A group that is evaluated.
pub(crate) struct Running {
    pub(crate) file: String,
    pub(crate) group: Group,
    /// What its rules are called by in the journal.
    pub(crate) rule_keys: Vec<String>,
    pub(crate) schedule: Schedule,
    pub(crate) counted: Arc<Counted>,
    /// Whether it was there when the server was started.
    pub(crate) is_first: bool,
    /// Cancelled when the group is no longer wanted.
    pub(crate) stop: CancellationToken,
    /// Cancelled when it has ended its last evaluation.
    pub(crate) ended: CancellationToken,
}

impl Running {
    pub(crate) fn name(&self) -> &str {
        &self.group.definition().name
    }
}

/// Evaluates a group until it is no longer wanted. `old` is what it takes over from.
pub(crate) async fn drive(shared: Arc<Shared>, running: Arc<Running>, old: Option<Arc<Running>>) {
    if let Some(old) = old {
        tokio::select! {
            () = shared.stop.cancelled() => return,
            () = old.ended.cancelled() => {}
        }
        if let Some(journal) = &shared.journal {
            journal.inherit(&old, Some(&running), shared.options.clock.now_ms());
        }
        running.group.take_over(&old.group);
    }
    let mut past = past(&shared, &running).await;
    let mut next_ms = running.schedule.next_after(shared.options.clock.now_ms());
    loop {
        let now_ms = shared.options.clock.now_ms();
        let Some((slot_ms, missed)) = running.schedule.due(next_ms, now_ms) else {
            // After the clock was set back, what is next is what is next by the clock.
            next_ms = next_ms.min(running.schedule.next_after(now_ms));
            let wait_ms = (next_ms - now_ms).min(LONGEST_SLEEP_MS);
            tokio::select! {
                biased;
                () = shared.stop.cancelled() => break,
                () = running.stop.cancelled() => break,
                () = sleep(Duration::from_millis(wait_ms.unsigned_abs())) => {}
            }
            continue;
        };
        // Closed never: nobody closes it.
        let Ok(place) = Arc::clone(&shared.places).acquire_owned().await else { break };
        running.counted.slot(missed);
        let (with, what) = (Arc::clone(&shared), Arc::clone(&running));
        let evaluation = tokio::task::spawn_blocking(move || {
            let _place = place;
            evaluate(&with, &what, slot_ms, past);
            past.after_run(&with, &what, slot_ms)
        });
        if let Ok(later) = evaluation.await {
            past = later;
        } else {
            let (file, group) = (&running.file, running.name());
            tracing::error!(file, group, "BUG: the evaluation of a rule group ended unexpectedly");
        }
        next_ms = slot_ms + running.schedule.interval_ms();
    }
    running.ended.cancel();
}

/// What is known of the time before the server was started, where only samples tell of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Past {
    /// Everything that there is to know.
    Known,
    /// Samples tell it, once so many more evaluations have shown which alerts are active.
    InSamples(u8),
}

/// The alerts of a group must be there before it is known since when they are active, and data must have come in.
const RUNS_BEFORE_SAMPLES: u8 = 2;

impl Past {
    /// After an evaluation.
    fn after_run(self, shared: &Shared, running: &Running, slot_ms: i64) -> Self {
        match (self, &shared.options.store) {
            (Self::InSamples(runs), Some(store)) if runs <= 1 => {
                let tenant = &shared.options.environment.tenant;
                let restored = from_samples(running, (&**store, tenant), slot_ms, shared.tolerance());
                if let Err(error) = restored {
                    let (file, group) = (&running.file, running.name());
                    tracing::warn!(file, group, %error, "since when alerts are active could not be read from ALERTS_FOR_STATE");
                }
                Self::Known
            }
            (Self::InSamples(runs), Some(_)) => Self::InSamples(runs - 1),
            _ => Self::Known,
        }
    }
}

/// Whether samples must tell a group what was before the start.
async fn past(shared: &Arc<Shared>, running: &Arc<Running>) -> Past {
    let Some(store) = shared.options.store.clone().filter(|_| running.is_first && !shared.has_journal())
    else {
        return Past::Known;
    };
    let (shared, running) = (Arc::clone(shared), Arc::clone(running));
    let looking = tokio::task::spawn_blocking(move || {
        let (now_ms, tenant) = (shared.options.clock.now_ms(), &shared.options.environment.tenant);
        has_samples(&running, (&*store, tenant), now_ms, shared.tolerance())
    });
    match looking.await {
        Ok(Ok(true)) => Past::InSamples(RUNS_BEFORE_SAMPLES),
        _ => Past::Known,
    }
}

/// Ends the series of a group that is gone, after some time.
pub(crate) async fn end_series(shared: Arc<Shared>, running: Arc<Running>) {
    let gone_at_ms = shared.options.clock.now_ms();
    let wait_ms = INTERVALS_UNTIL_END * running.schedule.interval_ms();
    tokio::select! {
        () = shared.stop.cancelled() => return,
        () = sleep(Duration::from_millis(wait_ms.unsigned_abs())) => running.ended.cancelled().await,
    }
    let ending = tokio::task::spawn_blocking(move || {
        if let Some(journal) = &shared.journal {
            journal.inherit(&running, None, gone_at_ms);
        }
        let ended = running.group.end_series(&shared.environment(), gone_at_ms);
        if let Err(error) = ended {
            let (file, group) = (&running.file, running.name());
            tracing::warn!(file, group, %error, "the series of a rule group that is gone could not be ended");
        }
    });
    // A thread that panicked has said so.
    let _ = ending.await;
}

/// Evaluates the rules at one slot, and passes on what they bring.
fn evaluate(shared: &Shared, running: &Running, slot_ms: i64, past: Past) {
    let clock = &*shared.options.clock;
    let started = clock.monotonic();
    let environment = shared.environment();
    let contexts = shared.contexts.begin();
    let run = Run {
        ts_ms: slot_ms,
        environment: &environment,
        new_context: &|| contexts.new_context(),
        permits: &shared.permits,
        resend_delay_ms: shared.options.resend_delay_ms,
        writes_alert_series: past == Past::Known,
    };
    let mut outbox = Outbox::default();
    let mut samples = 0;
    for step in running.group.steps() {
        for (rule, evaluated) in running.group.run_step(step, &run) {
            report(running, rule, &evaluated);
            samples += evaluated.outcome.samples;
            outbox.changes.extend(evaluated.changes.into_iter().map(|change| (rule, change)));
            outbox.due.extend(evaluated.due);
        }
        if clock.monotonic().saturating_sub(outbox.sent_at.unwrap_or(started)) >= OUTBOX_WAIT {
            outbox.deliver(shared, running, slot_ms);
        }
    }
    outbox.deliver(shared, running, slot_ms);
    if let Err(error) = running.group.end_orphans(&run) {
        let (file, group) = (&running.file, running.name());
        tracing::warn!(file, group, %error, "the series of rules that are gone could not be ended yet");
    }
    running.counted.done(slot_ms, clock.monotonic().saturating_sub(started), samples);
}

/// Counts an evaluation, and says why it failed.
fn report(running: &Running, rule: usize, evaluated: &Evaluated) {
    running.counted.evaluated(evaluated.outcome.error.is_some());
    if let Some(error) = &evaluated.outcome.error {
        let (file, group) = (&running.file, running.name());
        let rule = &running.group.definition().rules[rule];
        let kind = if rule.is_alerting() { "alert" } else { "record" };
        tracing::warn!(file, group, kind, rule = rule.name(), %error, "a rule could not be evaluated");
    }
}

/// What rules bring and nobody has been told yet.
#[derive(Default)]
struct Outbox {
    changes: Vec<(usize, Change)>,
    due: Vec<Alert>,
    sent_at: Option<Duration>,
}

impl Outbox {
    /// First what must not be forgotten is written down, then others are told. If it cannot be written, they are told all the same: a page twice is better than none.
    fn deliver(&mut self, shared: &Shared, running: &Running, slot_ms: i64) {
        if let Some(journal) = &shared.journal
            && let Err(error) = journal.record(running, slot_ms, &self.changes)
        {
            let (file, group) = (&running.file, running.name());
            tracing::error!(file, group, %error, "the states of alerts could not be kept; a restart now would begin with older ones");
        }
        self.changes.clear();
        if !self.due.is_empty() {
            shared.options.sink.send(&std::mem::take(&mut self.due));
        }
        self.sent_at = Some(shared.options.clock.monotonic());
    }
}
