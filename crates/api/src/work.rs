//! Work that must not run on the threads that serve sockets.

use std::time::Duration;

use bellwether_model::QueryContext;

use crate::error::{ApiError, ErrorKind};
use crate::state::AppState;

/// Cancels the query when the client leaves: the handler's future is dropped then, and this with it.
struct CancelOnDrop(QueryContext);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// Waits for a place among the running queries, then runs `work` on a thread of its own. The time spent waiting counts.
pub(crate) async fn on_query_thread<T: Send + 'static>(
    state: &AppState,
    timeout: Duration,
    work: impl FnOnce(&AppState, &QueryContext) -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    let cx = QueryContext::new(Some(timeout), state.settings.query_memory_bytes);
    let cancel = CancelOnDrop(cx.clone());
    let place =
        match tokio::time::timeout(timeout, std::sync::Arc::clone(&state.query_gate).acquire_owned()).await {
            Ok(Ok(place)) => place,
            Ok(Err(_)) => return Err(ApiError::unavailable("the server is stopping")),
            Err(_) => {
                let message = format!(
                    "query timed out in query queue: {} queries run already (--query.max-concurrency)",
                    state.settings.query_concurrency
                );
                return Err(ApiError { kind: ErrorKind::Timeout, message });
            }
        };
    let state = state.clone();
    let outcome = tokio::task::spawn_blocking(move || {
        let _place = place;
        work(&state, &cx)
    })
    .await;
    drop(cancel);
    outcome.unwrap_or_else(|_| Err(ApiError::internal("the query ended unexpectedly; the log says more")))
}
