use bellwether_model::AppendBatch;
use parking_lot::Mutex;

/// More memory than this is not kept in one body buffer: a single huge target must not fix it for good.
const MAX_KEPT_BYTES: usize = 8 << 20;
/// The same for the samples of one batch.
const MAX_KEPT_SAMPLES: usize = 64 << 10;

/// The memory that one scrape needs while it runs. Scrapes are spread over the interval, so a few serve thousands of targets.
#[derive(Debug, Default)]
pub(crate) struct Workspace {
    pub(crate) body: Vec<u8>,
    pub(crate) batch: AppendBatch,
}

/// Workspaces that no scrape uses at the moment.
#[derive(Debug)]
pub(crate) struct Workspaces {
    idle: Mutex<Vec<Workspace>>,
    max_idle: usize,
}

impl Workspaces {
    pub(crate) fn new(max_idle: usize) -> Self {
        Self { idle: Mutex::new(Vec::new()), max_idle }
    }

    pub(crate) fn take(&self) -> Workspace {
        self.idle.lock().pop().unwrap_or_default()
    }

    pub(crate) fn give_back(&self, mut workspace: Workspace) {
        workspace.body.clear();
        workspace.batch.clear();
        if workspace.body.capacity() > MAX_KEPT_BYTES || workspace.batch.samples.capacity() > MAX_KEPT_SAMPLES
        {
            return;
        }
        let mut idle = self.idle.lock();
        if idle.len() < self.max_idle {
            idle.push(workspace);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_used_again_within_bounds() {
        let workspaces = Workspaces::new(1);
        let with = |bytes| Workspace { body: Vec::with_capacity(bytes), ..Workspace::default() };
        workspaces.give_back(with(1000));
        workspaces.give_back(with(2000));
        assert!(workspaces.take().body.capacity() >= 1000);
        assert_eq!(workspaces.take().body.capacity(), 0);
        workspaces.give_back(with(MAX_KEPT_BYTES + 1));
        assert_eq!(workspaces.take().body.capacity(), 0);
    }
}
