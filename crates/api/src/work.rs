//! Work that must not run on the threads that serve sockets.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use bellwether_model::QueryContext;
use tokio::time::Instant;

use crate::active::{KillReason, Question};
use crate::error::{ApiError, ErrorKind};
use crate::state::AppState;

/// How long after its deadline a query may take to say that it is over. Many queries at once share the processors, and then a thread may be late.
const GRACE: Duration = Duration::from_millis(100);

/// Runs what waits for locks or the disk, or takes long, on a thread that may. `what` stands in the error if it panics.
pub(crate) async fn blocking<T: Send + 'static>(
    what: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ApiError> {
    let ended = |_| ApiError::internal(format_args!("{what} ended unexpectedly; the log says more"));
    tokio::task::spawn_blocking(work).await.map_err(ended)
}

/// Cancels the query when the client leaves: the handler's future is dropped then, and this with it.
struct CancelOnDrop(QueryContext);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// What a query waits for: only so many run at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gate {
    /// What people ask.
    Queries,
    /// What other servers read.
    Reads,
}

/// How long a question that was quick the last time may keep a thread that serves sockets, before it starts anew on a thread of its own.
const TRIAL: Duration = Duration::from_millis(2);

/// Waits for a place among the running queries, then runs `work` on a thread of its own. The time spent waiting counts.
///
/// Until the thread has stopped, the query is in the list of the active ones; whoever kills it there ends the waiting at once.
///
/// A question that took next to no time when it was asked last is answered at once, on the thread that read it: being handed to another
/// thread and back would take the larger part of its time. If it takes longer now, it is given up and asked again in the ordinary way.
pub(crate) async fn on_query_thread<T: Send + 'static>(
    state: &AppState,
    question: Question,
    timeout: Duration,
    work: impl Fn(&AppState, &QueryContext) -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    state.memory.admit_query()?;
    let key = state.pace.key(&question);
    if state.pace.is_quick(key)
        && let Some(outcome) = at_once(state, &question, timeout, &work)
    {
        return outcome;
    }
    behind_gate(state, Gate::Queries, question, timeout, move |state, cx| {
        let begun = cx.elapsed();
        let outcome = work(state, cx);
        state.pace.record(key, cx.elapsed().saturating_sub(begun));
        outcome
    })
    .await
}

/// Runs `work` here; `None` if it has to wait for a place, would wait for a file, or takes longer than expected.
fn at_once<T>(
    state: &AppState,
    question: &Question,
    timeout: Duration,
    work: impl Fn(&AppState, &QueryContext) -> Result<T, ApiError>,
) -> Option<Result<T, ApiError>> {
    // The query log is a file.
    if timeout < TRIAL || state.query_log.is_enabled() {
        return None;
    }
    let _place = state.query_gate.try_acquire().ok()?;
    let cx = QueryContext::sharing(Some(TRIAL), &state.query_memory);
    let active = state.active_queries.enter(question.clone(), cx.clone(), &*state.clock);
    active.set_running();
    let outcome =
        catch_unwind(AssertUnwindSafe(|| work(state, &cx))).unwrap_or_else(|_| Err(ended_unexpectedly()));
    state.pace.record(state.pace.key(question), cx.elapsed());
    let is_answered = !matches!(outcome, Err(ApiError { kind: ErrorKind::Timeout, .. }));
    state.pace.count(is_answered);
    is_answered.then_some(outcome)
}

fn ended_unexpectedly() -> ApiError {
    ApiError::internal("the query ended unexpectedly; the log says more")
}

/// The same behind any gate.
pub(crate) async fn behind_gate<T: Send + 'static>(
    state: &AppState,
    gate: Gate,
    question: Question,
    timeout: Duration,
    work: impl FnOnce(&AppState, &QueryContext) -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    state.memory.admit_query()?;
    refuse_after_crash(state, &question)?;
    let deadline = Instant::now() + timeout;
    let cx = QueryContext::sharing(Some(timeout), &state.query_memory);
    let _cancel = CancelOnDrop(cx.clone());
    let active = state.active_queries.enter(question, cx.clone(), &*state.clock);
    let places = match gate {
        Gate::Queries => &state.query_gate,
        Gate::Reads => &state.read_gate,
    };
    let mut killed = std::pin::pin!(active.killed());
    let place = tokio::select! {
        biased;
        reason = &mut killed => return Err(killed_because(reason)),
        place = tokio::time::timeout(timeout, Arc::clone(places).acquire_owned()) => match place {
            Ok(Ok(place)) => place,
            Ok(Err(_)) => return Err(ApiError::unavailable("the server is stopping")),
            Err(_) => return Err(queue_timeout(state, gate)),
        },
    };
    let state = state.clone();
    let running = tokio::task::spawn_blocking(move || {
        let _noted = active.note_in(&state.query_journal);
        active.set_running();
        let _active = active;
        let _place = place;
        work(&state, &cx)
    });
    tokio::select! {
        biased;
        // The thread stops at its next check; the client need not wait for that.
        reason = &mut killed => Err(killed_because(reason)),
        () = tokio::time::sleep_until(deadline + GRACE) => Err(timed_out()),
        outcome = running => outcome
            .unwrap_or_else(|_| Err(ended_unexpectedly())),
    }
}

/// A query that ran when the server crashed may make it crash again, and then everything else with it.
fn refuse_after_crash(state: &AppState, question: &Question) -> Result<(), ApiError> {
    let now_ms = state.clock.now_ms();
    let crashed = state.query_journal.refused(question.kind, &question.text, now_ms);
    crashed.map_or(Ok(()), |query| Err(query.refusal(now_ms)))
}

fn queue_timeout(state: &AppState, gate: Gate) -> ApiError {
    let message = match gate {
        Gate::Queries => format!(
            "query timed out in query queue: {} queries run already (--query.max-concurrency)",
            state.settings.query_concurrency
        ),
        Gate::Reads => format!(
            "read timed out in its queue: {} reads run already (--storage.remote.read-concurrent-limit)",
            state.settings.remote_read.concurrent_limit
        ),
    };
    ApiError { kind: ErrorKind::Timeout, message }
}

/// In the words of Prometheus, as the engine says it.
fn timed_out() -> ApiError {
    let message = "query timed out in expression evaluation".to_owned();
    ApiError { kind: ErrorKind::Timeout, message }
}

fn killed_because(reason: KillReason) -> ApiError {
    match reason {
        KillReason::Operator => {
            ApiError { kind: ErrorKind::Canceled, message: "query was cancelled by an operator".to_owned() }
        }
        KillReason::Memory(why) => ApiError::unavailable(why),
    }
}
