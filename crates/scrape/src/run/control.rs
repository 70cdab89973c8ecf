use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::LoopConfig;

/// What a scrape loop is told to do; the latest order counts.
pub(crate) struct Control {
    orders: Mutex<Orders>,
    changed: Notify,
    /// Cancelled when the loop has ended.
    end: CancellationToken,
}

#[derive(Clone)]
pub(super) struct Orders {
    pub(super) config: Arc<LoopConfig>,
    /// The target is gone: end its series, unless it comes back before.
    pub(super) retire: bool,
    /// The loop has begun to end the series, so it cannot go back.
    ended: bool,
}

impl Control {
    pub(crate) fn new(config: Arc<LoopConfig>) -> Self {
        Self {
            orders: Mutex::new(Orders { config, retire: false, ended: false }),
            changed: Notify::new(),
            end: CancellationToken::new(),
        }
    }

    /// Scrape from now on as `config` says. Returns false if the loop has ended and another one is needed.
    pub(crate) fn run(&self, config: Arc<LoopConfig>) -> bool {
        let mut orders = self.orders.lock();
        if orders.ended {
            return false;
        }
        orders.config = config;
        orders.retire = false;
        self.changed.notify_one();
        true
    }

    /// The target is gone.
    pub(crate) fn retire(&self) {
        self.orders.lock().retire = true;
        self.changed.notify_one();
    }

    /// Whether the target is gone.
    pub(crate) fn is_retired(&self) -> bool {
        self.orders.lock().retire
    }

    /// Waits until the loop has ended the series of its target.
    pub(crate) async fn ended(&self) {
        self.end.cancelled().await;
    }

    /// The loop has nothing more to do.
    pub(super) fn finish(&self) {
        self.end.cancel();
    }

    /// Whether the loop has ended.
    pub(crate) fn has_ended(&self) -> bool {
        self.orders.lock().ended
    }

    pub(super) fn orders(&self) -> Orders {
        self.orders.lock().clone()
    }

    /// Waits until there may be another order.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Ends the loop, unless the target has come back. From then on no order is heard.
    pub(super) fn try_end(&self) -> bool {
        let mut orders = self.orders.lock();
        orders.ended = orders.retire;
        orders.ended
    }
}
