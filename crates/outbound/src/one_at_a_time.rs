use std::sync::Arc;

use tokio::sync::Mutex;

/// Runs blocking work on a thread of its own, one piece at a time.
///
/// A file system or a resolver that hangs keeps the thread that waits for it, even when the request has long been given up. With one
/// queue per source, a source that hangs costs one thread, and not one for each request until none is left for anybody.
#[derive(Debug, Default)]
pub(crate) struct OneAtATime {
    busy: Arc<Mutex<()>>,
}

impl OneAtATime {
    /// Runs `work` when the work before it has ended.
    pub(crate) async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        // The guard goes along, so that the queue stays closed even if this future is dropped.
        let busy = Arc::clone(&self.busy).lock_owned().await;
        let result = tokio::task::spawn_blocking(move || {
            let _busy = busy;
            work()
        });
        result.await.expect("BUG: work on files does not panic")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn work_that_was_given_up_still_blocks_the_queue() {
        let queue = OneAtATime::default();
        let (release, hang) = mpsc::channel::<()>();
        let hanging = queue.run(move || hang.recv());
        assert!(timeout(Duration::from_millis(10), hanging).await.is_err());
        assert!(timeout(Duration::from_millis(10), queue.run(|| 1)).await.is_err());
        release.send(()).expect("it hangs");
        assert_eq!(queue.run(|| 2).await, 2);
    }
}
