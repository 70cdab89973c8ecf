//! How much memory queries may use, and what that is if nobody says anything.

use std::fs;
use std::path::{Path, PathBuf};

use bellwether_model::{QueryMemory, format_size};

use crate::cli::QueryArgs;

/// All queries together get this share of the memory that the process may use.
const SHARE_OF_QUERIES: u64 = 4;
/// Memory of a machine that does not tell.
const UNKNOWN_MEMORY: u64 = 4 << 30;
/// No query gets more than this unless it is asked for.
const MOST_PER_QUERY: u64 = 2 << 30;

/// The limits of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct QueryMemoryLimits {
    together: u64,
    per_query: u64,
}

impl QueryMemoryLimits {
    /// What the flags say. By default all queries together get a quarter of the memory, and one of them at most half of that.
    pub(crate) fn new(args: &QueryArgs) -> Self {
        let together = args.max_memory.unwrap_or_else(|| {
            let paths = memory_limit_files(&fs::read_to_string("/proc/self/cgroup").unwrap_or_default());
            let limits = paths.iter().filter_map(|path| limit_in(path));
            limits.chain(machine_memory()).min().unwrap_or(UNKNOWN_MEMORY) / SHARE_OF_QUERIES
        });
        let per_query = args.max_memory_per_query.unwrap_or((together / 2).min(MOST_PER_QUERY));
        Self { together, per_query: per_query.min(together) }
    }

    pub(crate) fn budget(self) -> QueryMemory {
        let bytes = |limit: u64| usize::try_from(limit).unwrap_or(usize::MAX);
        QueryMemory::new(bytes(self.per_query), bytes(self.together))
    }

    /// The limit of all queries together, as a flag.
    pub(crate) fn together(self) -> String {
        format_size(self.together)
    }

    /// The limit of one query, as a flag.
    pub(crate) fn per_query(self) -> String {
        format_size(self.per_query)
    }
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

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::{Cli, Command};

    fn limits(flags: &[&str]) -> QueryMemoryLimits {
        let cli = Cli::try_parse_from(["bellwether", "serve"].iter().chain(flags)).expect("parses");
        let Command::Serve(args) = cli.command else { panic!("not serve") };
        QueryMemoryLimits::new(&args.query)
    }

    #[test]
    fn one_query_never_gets_everything_by_default() {
        let both = limits(&["--query.max-memory=1GiB"]);
        assert_eq!((both.together().as_str(), both.per_query().as_str()), ("1GiB", "512MiB"));
        assert_eq!(limits(&["--query.max-memory=100GiB"]).per_query(), "2GiB");
        let asked = limits(&["--query.max-memory=1GiB", "--query.max-memory-per-query=3GiB"]);
        assert_eq!(asked.per_query(), "1GiB");
        let unsaid = limits(&[]);
        assert!(unsaid.together <= machine_memory().expect("Linux tells") / 4);
        assert!(unsaid.per_query <= unsaid.together / 2);
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
