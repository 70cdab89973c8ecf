use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Where the messages of the demo go: it takes everything and keeps nothing, so that people can see what is sent and nothing leaves the machine.
///
/// It stops when it is dropped.
#[derive(Debug)]
pub struct Inbox {
    address: SocketAddr,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Inbox {
    /// Listens on a port of this machine that the system chooses.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        let task = tokio::spawn(async move {
            let app = Router::new().fallback(take);
            // It ends only when it is told to.
            let _ = axum::serve(listener, app).with_graceful_shutdown(stopped).await;
        });
        Ok(Self { address, stop, task })
    }

    /// Where it is, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        self.stop.cancel();
        self.task.abort();
    }
}

/// The word with which the hooks of Slack answer; others look at the status only.
async fn take() -> &'static str {
    "ok"
}
