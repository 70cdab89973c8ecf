//! Work that must not run on the threads that serve sockets.

use std::sync::Arc;
use std::time::Duration;

use bellwether_model::QueryContext;

use crate::active::Question;
use crate::error::{ApiError, ErrorKind};
use crate::state::AppState;

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

/// Waits for a place among the running queries, then runs `work` on a thread of its own. The time spent waiting counts.
///
/// Until the thread has stopped, the query is in the list of the active ones; whoever kills it there ends the waiting at once.
pub(crate) async fn on_query_thread<T: Send + 'static>(
    state: &AppState,
    question: Question,
    timeout: Duration,
    work: impl FnOnce(&AppState, &QueryContext) -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    behind_gate(state, Gate::Queries, question, timeout, work).await
}

/// The same behind any gate.
pub(crate) async fn behind_gate<T: Send + 'static>(
    state: &AppState,
    gate: Gate,
    question: Question,
    timeout: Duration,
    work: impl FnOnce(&AppState, &QueryContext) -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    let cx = QueryContext::new(Some(timeout), state.settings.query_memory_bytes);
    let _cancel = CancelOnDrop(cx.clone());
    let active = state.active_queries.enter(question, cx.clone(), &*state.clock);
    let places = match gate {
        Gate::Queries => &state.query_gate,
        Gate::Reads => &state.read_gate,
    };
    let mut killed = std::pin::pin!(active.killed());
    let place = tokio::select! {
        biased;
        () = &mut killed => return Err(killed_by_operator()),
        place = tokio::time::timeout(timeout, Arc::clone(places).acquire_owned()) => match place {
            Ok(Ok(place)) => place,
            Ok(Err(_)) => return Err(ApiError::unavailable("the server is stopping")),
            Err(_) => return Err(queue_timeout(state, gate)),
        },
    };
    active.set_running();
    let state = state.clone();
    let running = tokio::task::spawn_blocking(move || {
        let _active = active;
        let _place = place;
        work(&state, &cx)
    });
    tokio::select! {
        biased;
        // The thread stops at its next check; the client need not wait for that.
        () = &mut killed => Err(killed_by_operator()),
        outcome = running => outcome
            .unwrap_or_else(|_| Err(ApiError::internal("the query ended unexpectedly; the log says more"))),
    }
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

fn killed_by_operator() -> ApiError {
    ApiError { kind: ErrorKind::Canceled, message: "query was cancelled by an operator".to_owned() }
}
