use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::config::TargetGroup;
use crate::counters::Counters;
use crate::run::Environment;

/// All target groups of one source, shared.
pub(crate) type Groups = Arc<Vec<TargetGroup>>;

pub(super) type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// No source is asked more often than this, whatever its configuration says.
const MIN_REFRESH: Duration = Duration::from_secs(1);

/// What a source has found, for the pool that scrapes it.
pub(crate) struct Feed {
    state: Mutex<State>,
    notify: Arc<Notify>,
    env: Arc<Environment>,
}

#[derive(Default)]
struct State {
    groups: Groups,
    last_error: Option<String>,
    last_refresh_ms: Option<i64>,
}

impl std::fmt::Debug for Feed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Feed").finish_non_exhaustive()
    }
}

impl Feed {
    pub(super) fn new(notify: Arc<Notify>, env: Arc<Environment>) -> Self {
        Self { state: Mutex::default(), notify, env }
    }

    /// Publishes what an attempt brought. After a failure the groups stay as they are.
    pub(super) fn publish(&self, found: Result<Vec<TargetGroup>, String>) {
        match found {
            Ok(groups) => self.publish_partly(groups, None),
            Err(error) => self.set_error(&mut self.state.lock(), Some(error)),
        }
    }

    /// Publishes groups although a part of the attempt may have failed.
    pub(super) fn publish_partly(&self, groups: Vec<TargetGroup>, error: Option<String>) {
        let mut state = self.state.lock();
        state.last_refresh_ms = Some(self.env.clock.now_ms());
        if *state.groups != groups {
            state.groups = Arc::new(groups);
            self.notify.notify_one();
        }
        self.set_error(&mut state, error);
    }

    /// The same error again is no news.
    fn set_error(&self, state: &mut State, error: Option<String>) {
        if let Some(error) = &error {
            self.env.counters.discovery_failures.inc();
            if state.last_error.as_ref() != Some(error) {
                tracing::warn!(error, "target discovery failed, keeping the targets found before");
            }
        }
        state.last_error = error;
    }

    pub(super) fn counters(&self) -> &Counters {
        &self.env.counters
    }

    pub(super) fn groups(&self) -> Groups {
        Arc::clone(&self.state.lock().groups)
    }

    pub(super) fn last_error(&self) -> Option<String> {
        self.state.lock().last_error.clone()
    }

    pub(super) fn last_refresh_ms(&self) -> Option<i64> {
        self.state.lock().last_refresh_ms
    }
}

/// How often a source is asked.
pub(super) fn refresh_interval(ms: i64) -> Duration {
    Duration::from_millis(ms.max(0).unsigned_abs()).max(MIN_REFRESH)
}
