use std::collections::BTreeMap;
use std::time::Duration;

use bellwether_model::{QueryContext, QueryMemory};
use parking_lot::Mutex;

/// Makes the contexts of the queries of rules, and cancels those that run when the server stops.
#[derive(Debug)]
pub(crate) struct Contexts {
    timeout: Duration,
    memory: QueryMemory,
    running: Mutex<Running>,
}

#[derive(Debug, Default)]
struct Running {
    next_run: u64,
    /// The contexts that each run has made.
    runs: BTreeMap<u64, Vec<QueryContext>>,
    is_stopped: bool,
}

impl Contexts {
    pub(crate) fn new(timeout: Duration, memory: QueryMemory) -> Self {
        Self { timeout, memory, running: Mutex::default() }
    }

    /// Begins a run; its contexts are forgotten when it is dropped.
    pub(crate) fn begin(&self) -> RunContexts<'_> {
        let mut running = self.running.lock();
        running.next_run += 1;
        let run = running.next_run;
        running.runs.insert(run, Vec::new());
        RunContexts { contexts: self, run }
    }

    /// Cancels all queries, those that are still to begin included.
    pub(crate) fn cancel(&self) {
        let mut running = self.running.lock();
        running.is_stopped = true;
        running.runs.values().flatten().for_each(QueryContext::cancel);
    }
}

/// The contexts of one run of a group.
pub(crate) struct RunContexts<'a> {
    contexts: &'a Contexts,
    run: u64,
}

impl RunContexts<'_> {
    /// A context whose time starts now.
    pub(crate) fn new_context(&self) -> QueryContext {
        let cx = QueryContext::sharing(Some(self.contexts.timeout), &self.contexts.memory);
        let mut running = self.contexts.running.lock();
        if running.is_stopped {
            cx.cancel();
        }
        running.runs.entry(self.run).or_default().push(cx.clone());
        cx
    }
}

impl Drop for RunContexts<'_> {
    fn drop(&mut self) {
        self.contexts.running.lock().runs.remove(&self.run);
    }
}
