//! How much memory the process may use, and how much it uses.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bellwether_api::{ActiveQueries, MemoryLevel, ProcessMemory};
use bellwether_model::{AppendBatch, AppendError, AppendReport, Appender, Tenant, format_size};
use bellwether_tsdb::Tsdb;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

/// Memory of a machine that does not tell.
const UNKNOWN_MEMORY: u64 = 4 << 30;
/// The process may use this share of what there is unless it is told otherwise, in percent.
const DEFAULT_SHARE: u64 = 80;
/// How often somebody looks how much is used, when little is left and when much is.
const SHORTEST_LOOK: Duration = Duration::from_millis(100);
const LONGEST_LOOK: Duration = Duration::from_secs(1);
/// How fast the process takes memory at most, in bytes a second: what is left must last until the next look.
const FASTEST_GROWTH: f64 = (2_u64 << 30) as f64;
/// How long after a query was cancelled its memory may take to become free, before the next one is cancelled.
const CANCEL_INTERVAL: Duration = Duration::from_millis(500);
/// How often the log says that memory is short.
const LOG_INTERVAL: Duration = Duration::from_secs(10);

/// What the machine or the control group has.
pub(crate) fn available() -> u64 {
    let paths = memory_limit_files(&fs::read_to_string("/proc/self/cgroup").unwrap_or_default());
    let limits = paths.iter().filter_map(|path| limit_in(path));
    limits.chain(machine_memory()).min().unwrap_or(UNKNOWN_MEMORY)
}

/// What the process may use: what the flag says, or a share of what there is.
pub(crate) fn limit(flag: Option<u64>) -> u64 {
    flag.unwrap_or_else(|| available() / 100 * DEFAULT_SHARE)
}

/// The files in which the kernel tells the limit of the control group, of both versions. In a container its own group is the root of what it sees.
fn memory_limit_files(own_groups: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for line in own_groups.lines() {
        let mut fields = line.splitn(3, ':');
        let (_, Some(controllers), Some(group)) = (fields.next(), fields.next(), fields.next()) else {
            continue;
        };
        let (root, file) = match controllers {
            "" => ("/sys/fs/cgroup", "memory.max"),
            _ if controllers.split(',').any(|c| c == "memory") => {
                ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
            }
            _ => continue,
        };
        let root = Path::new(root);
        files.extend([root.join(group.trim_start_matches('/')).join(file), root.join(file)]);
    }
    files
}

/// The limit that a file of the kernel tells; `None` if there is none.
fn limit_in(file: &Path) -> Option<u64> {
    fs::read_to_string(file).ok()?.trim().parse().ok()
}

fn machine_memory() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let kib = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    kib.trim().trim_end_matches(" kB").parse::<u64>().ok()?.checked_mul(1024)
}

/// The resident memory of the process that is not a mapped file: the kernel takes back the pages of files by itself. `None` where there is no `/proc`.
fn used() -> Option<u64> {
    let pages = private_pages(&fs::read_to_string("/proc/self/statm").ok()?)?;
    Some(pages * rustix::param::page_size() as u64)
}

/// From the line of `/proc/self/statm`: all pages, those that are resident, and those of them that are of files or shared.
fn private_pages(statm: &str) -> Option<u64> {
    let mut fields = statm.split_ascii_whitespace().skip(1).map(str::parse::<u64>);
    let (resident, shared) = (fields.next()?.ok()?, fields.next()?.ok()?);
    Some(resident.saturating_sub(shared))
}

/// When to look again if so many bytes can be taken before something must be done.
fn next_look(left_bytes: u64) -> Duration {
    Duration::from_secs_f64(left_bytes as f64 / FASTEST_GROWTH).clamp(SHORTEST_LOOK, LONGEST_LOOK)
}

/// Looks how much memory is used until the server stops, and cancels queries when it must.
pub(crate) async fn watch(memory: Arc<ProcessMemory>, queries: Arc<ActiveQueries>, stop: CancellationToken) {
    let mut wait = Duration::ZERO;
    let mut last_cancelled: Option<Instant> = None;
    let mut last_said: Option<Instant> = None;
    let is_over = |since: Option<Instant>, wait| since.is_none_or(|since| since.elapsed() >= wait);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = sleep(wait) => {}
        }
        let Some(used) = used() else { return };
        memory.note(used);
        wait = next_look(memory.left_bytes());
        let level = memory.level();
        if level == MemoryLevel::Enough {
            continue;
        }
        if is_over(last_said, LOG_INTERVAL) {
            last_said = Some(Instant::now());
            let (used, limit) = (format_size(used), format_size(memory.limit_bytes()));
            tracing::warn!(%used, %limit, state = level.as_str(), "memory is short (--memory.limit)");
        }
        if level >= MemoryLevel::CancelQueries
            && is_over(last_cancelled, CANCEL_INTERVAL)
            && let Some((id, bytes)) = queries.kill_largest(&memory)
        {
            last_cancelled = Some(Instant::now());
            tracing::warn!(id, bytes, "query cancelled because memory is short");
        }
    }
}

/// The store, which takes nothing while there is no memory for it. Scrapes fail for that reason then.
#[derive(Debug)]
pub(crate) struct MemoryBound {
    pub(crate) store: Tsdb,
    pub(crate) memory: Arc<ProcessMemory>,
}

impl Appender for MemoryBound {
    fn append(&self, tenant: &Tenant, batch: &AppendBatch) -> Result<AppendReport, AppendError> {
        match self.memory.refuse_write() {
            Some(why) => Err(AppendError::OutOfMemory(why)),
            None => self.store.append(tenant, batch),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_tells_what_is_used() {
        assert_eq!(private_pages("5000 1200 300 400 0 600 0\n"), Some(900));
        assert_eq!(private_pages("5000 1200\n"), None);
        assert!(used().is_some_and(|bytes| (1 << 16..1 << 40).contains(&bytes)));
        let (unsaid, said) = (limit(None), limit(Some(5)));
        assert!(unsaid > 0 && unsaid <= available() / 100 * 80);
        assert_eq!(said, 5);
    }

    #[test]
    fn the_less_is_left_the_sooner_somebody_looks_again() {
        let looks = [0, 1 << 28, 1 << 30, u64::MAX].map(next_look);
        assert_eq!(looks, [100, 125, 500, 1000].map(Duration::from_millis));
    }

    #[test]
    fn control_groups_of_both_versions_are_looked_at() {
        let found = memory_limit_files("5:cpu,memory:/a/b\n1:name=systemd:/x\n0::/c\nnonsense\n");
        let want = [
            "/sys/fs/cgroup/memory/a/b/memory.limit_in_bytes",
            "/sys/fs/cgroup/memory/memory.limit_in_bytes",
            "/sys/fs/cgroup/c/memory.max",
            "/sys/fs/cgroup/memory.max",
        ];
        assert_eq!(found, want.map(PathBuf::from));
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("memory.max");
        for (text, limit) in [("max\n", None), ("1048576\n", Some(1 << 20))] {
            fs::write(&file, text).expect("written");
            assert_eq!(limit_in(&file), limit);
        }
    }
}
