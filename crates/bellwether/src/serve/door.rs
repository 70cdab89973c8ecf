//! The sockets, and what is answered there from the first moment on.

use std::sync::Arc;

use bellwether_api::{ConnectionLimits, Readiness, Replay, ReplayWatch, Surface, serve as serve_http};
use bellwether_model::Clock;
use bellwether_tsdb::ReplayProgress;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::cli::WebArgs;
use crate::web::Web;

/// What listens. Until the store is open, health is answered and everything else is told to wait.
pub(super) struct Door {
    pub(super) surface: Surface,
    pub(super) readiness: Arc<Readiness>,
    /// How far the store is with its log.
    pub(super) progress: Arc<ReplayProgress>,
    servers: Vec<JoinHandle<std::io::Result<()>>>,
}

impl Door {
    /// Serves all sockets until `stop`.
    pub(super) fn open(
        listeners: Vec<TcpListener>,
        args: &WebArgs,
        web: &Arc<Web>,
        clock: &Arc<dyn Clock>,
        stop: &CancellationToken,
    ) -> Self {
        if !web.in_force().get().keeps_strangers_out() {
            warn_if_open(&listeners);
        }
        tokio::spawn(Arc::clone(web).watch(stop.clone()));
        let progress = Arc::new(ReplayProgress::default());
        let readiness = Arc::new(Readiness::replaying(Arc::clone(clock), watch(&progress)));
        let surface = Surface::new(Arc::clone(&readiness), Arc::clone(web.in_force()));
        let limits =
            ConnectionLimits { max_connections: args.max_connections, ..ConnectionLimits::default() };
        let serve = |listener| {
            let stopped = stop.clone().cancelled_owned();
            tokio::spawn(serve_http(listener, surface.clone(), limits.clone(), stopped))
        };
        let servers = listeners.into_iter().map(serve).collect();
        Self { surface, readiness, progress, servers }
    }

    /// Waits until the last request is answered, after `stop`.
    pub(super) async fn closed(self) -> Surface {
        for server in self.servers {
            if let Ok(Err(error)) = server.await {
                tracing::error!(%error, "HTTP server failed");
            }
        }
        self.surface
    }
}

/// The progress of a replay in the words of the HTTP surface.
fn watch(progress: &Arc<ReplayProgress>) -> ReplayWatch {
    let progress = Arc::clone(progress);
    Box::new(move || {
        let status = progress.status();
        Replay {
            first_segment: status.first_segment,
            last_segment: status.last_segment,
            segment: status.segment,
            bytes: status.bytes,
            bytes_read: status.bytes_read,
        }
    })
}

/// Says so if strangers can reach the server without a password.
fn warn_if_open(listeners: &[TcpListener]) {
    for address in listeners.iter().filter_map(|l| l.local_addr().ok()) {
        if !address.ip().is_loopback() {
            tracing::warn!(%address, "listening beyond this machine without authentication: name users with --web.config.file, or put a proxy in front");
        }
    }
}
