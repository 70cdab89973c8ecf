//! Evaluates one group at its slots, until it is told to stop.

use std::sync::Arc;
use std::time::Duration;

use bellwether_model::Alert;
use parking_lot::Mutex;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::journal::Happened;
use super::restore::{from_samples, has_samples};
use super::schedule::Schedule;
use super::stats::Counted;
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
    /// What has become of its alerts and could not be written down yet.
    pub(crate) unwritten: Mutex<Vec<Happened>>,
    /// Cancelled when the group is no longer wanted, or the server stops.
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
    // However this ends, the next one of that name need not wait for it.
    let _ended = running.ended.clone().drop_guard();
    if let Some(old) = old {
        tokio::select! {
            () = shared.stop.cancelled() => return,
            () = old.ended.cancelled() => {}
        }
        let (with, heir) = (Arc::clone(&shared), Arc::clone(&running));
        // A thread that panicked has said so.
        let _ = tokio::task::spawn_blocking(move || {
            forget_alerts(&with, &old, Some(&heir), with.options.clock.now_ms());
            heir.group.take_over(&old.group);
        })
        .await;
    }
    let mut past = past(&shared, &running).await;
    let mut next_ms = running.schedule.next_after(shared.options.clock.now_ms());
    // A group that takes longer than its interval is always late, and never sleeps.
    while !running.stop.is_cancelled() {
        let now_ms = shared.options.clock.now_ms();
        let Some((slot_ms, missed)) = running.schedule.due(next_ms, now_ms) else {
            // After the clock was set back, what is next is what is next by the clock.
            next_ms = next_ms.min(running.schedule.next_after(now_ms));
            let wait_ms = (next_ms - now_ms).min(LONGEST_SLEEP_MS);
            let wait = sleep(Duration::from_millis(wait_ms.unsigned_abs()));
            running.stop.run_until_cancelled(wait).await;
            continue;
        };
        let place = running.stop.run_until_cancelled(Arc::clone(&shared.places).acquire_owned()).await;
        // Closed never: nobody closes it.
        let Some(Ok(place)) = place else { break };
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
}

/// Writes down that alerts of `old` are over whose rules `heir` does not have.
fn forget_alerts(shared: &Shared, old: &Running, heir: Option<&Running>, at_ms: i64) {
    if let Some(journal) = &shared.journal
        && let Err(error) = journal.inherit(old, heir, at_ms)
    {
        let (file, group) = (&old.file, old.name());
        tracing::error!(file, group, %error, "that alerts are over because their rules are gone could not be kept");
    }
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
        forget_alerts(&shared, &running, None, gone_at_ms);
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
    let outbox = Outbox { shared, running, slot_ms, waiting: Mutex::new(Waiting::since(started)) };
    for step in running.group.steps() {
        running.group.run_step(step, &run, &|rule, evaluated| outbox.take(rule, evaluated));
    }
    let samples = outbox.close();
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

/// Takes what rules bring, from several threads, and passes it on.
struct Outbox<'a> {
    shared: &'a Shared,
    running: &'a Running,
    slot_ms: i64,
    waiting: Mutex<Waiting>,
}

/// What nobody has been told yet.
struct Waiting {
    changes: Vec<Happened>,
    due: Vec<Alert>,
    /// Since when there may be something, by the clock that is never set.
    since: Duration,
    /// How many samples were stored so far.
    samples: usize,
}

impl Waiting {
    fn since(since: Duration) -> Self {
        Self { changes: Vec::new(), due: Vec::new(), since, samples: 0 }
    }
}

impl Outbox<'_> {
    /// Takes what one rule brought, and passes everything on if something may have waited for long.
    fn take(&self, rule: usize, evaluated: Evaluated) {
        report(self.running, rule, &evaluated);
        let now = self.shared.options.clock.monotonic();
        let mut waiting = self.waiting.lock();
        let at_ms = self.slot_ms;
        let changes = evaluated.changes.into_iter().map(|change| Happened { rule, at_ms, change });
        waiting.changes.extend(changes);
        waiting.due.extend(evaluated.due);
        waiting.samples += evaluated.outcome.samples;
        if now.saturating_sub(waiting.since) >= OUTBOX_WAIT {
            let samples = waiting.samples;
            let full = std::mem::replace(&mut *waiting, Waiting { samples, ..Waiting::since(now) });
            drop(waiting);
            self.deliver(full);
        }
    }

    /// Passes on the rest. Returns how many samples all rules have stored.
    fn close(self) -> usize {
        let rest = std::mem::replace(&mut *self.waiting.lock(), Waiting::since(Duration::ZERO));
        let samples = rest.samples;
        self.deliver(rest);
        samples
    }

    /// First what must not be forgotten is written down, then others are told. If it cannot be written, they are told all the same: a page twice is better than none.
    fn deliver(&self, Waiting { changes, due, .. }: Waiting) {
        if let Some(journal) = &self.shared.journal {
            let mut unwritten = self.running.unwritten.lock();
            unwritten.extend(changes);
            if let Err(error) = journal.record(self.running, self.slot_ms, &mut unwritten) {
                let (file, group) = (&self.running.file, self.running.name());
                tracing::error!(file, group, %error, "the states of alerts could not be kept; a restart now would begin with older ones");
            }
        }
        if !due.is_empty() {
            self.shared.options.sink.send(&due);
        }
    }
}
