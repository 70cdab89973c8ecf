//! How much memory queries may use, and what that is if nobody says anything.

use bellwether_model::{QueryMemory, format_size};

use crate::cli::QueryArgs;
use crate::memory;

/// All queries together get this share of the memory that the process may use.
const SHARE_OF_QUERIES: u64 = 4;
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
        let together = args.max_memory.unwrap_or_else(|| memory::available() / SHARE_OF_QUERIES);
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
        assert!(unsaid.together <= memory::available() / 4);
        assert!(unsaid.per_query <= unsaid.together / 2);
    }
}
