//! The threads that serve sockets and timers.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;

/// Stack of each thread. The evaluator recurses into the tree of a query, which may be 500 levels high; a level takes some kilobytes, in a build
/// without optimisation above 5. Memory is taken only for what is used.
const STACK_BYTES: usize = 16 << 20;
/// How long threads that are still at work may keep the process alive after everything is closed.
const LAST_WORK: Duration = Duration::from_secs(2);

/// Runs `future` on the threads that serve sockets and timers.
pub(crate) fn block_on(future: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("bellwether-io")
        .thread_stack_size(STACK_BYTES)
        .build()
        .context("cannot start threads")?;
    let outcome = runtime.block_on(future);
    // Work that does not hear that it is no longer wanted, such as opening a file that hangs, must not keep the process alive.
    runtime.shutdown_timeout(LAST_WORK);
    outcome
}
