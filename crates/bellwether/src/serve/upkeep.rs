//! What is done every few seconds as long as the server runs.

use std::sync::Arc;
use std::time::Duration;

use bellwether_tsdb::{Tsdb, TsdbError};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::clock_watch::ClockWatch;
use crate::gates::Gates;

/// How often the store cuts, drops and tidies up.
const MAINTENANCE_INTERVAL: Duration = Duration::from_secs(10);

/// Lets the store cut, drop and tidy up until the server stops, opens the gates when safe mode is over, and looks at the clock.
pub(super) async fn maintain(
    store: Tsdb,
    mut gates: Gates,
    clock_watch: Arc<ClockWatch>,
    stop: CancellationToken,
) {
    let mut tidy = interval(MAINTENANCE_INTERVAL);
    tidy.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = tidy.tick() => {}
        }
        clock_watch.look();
        let to_maintain = store.clone();
        match tokio::task::spawn_blocking(move || to_maintain.maintain()).await {
            Ok(Ok(_)) => {}
            Ok(Err(TsdbError::Closed)) => return,
            Ok(Err(error)) => tracing::error!(%error, "storage maintenance failed; it will be tried again"),
            Err(error) => {
                tracing::error!(%error, "storage maintenance ended by a bug; it will be tried again");
            }
        }
        if !store.starts().is_safe_mode {
            gates.give_all();
        }
    }
}
