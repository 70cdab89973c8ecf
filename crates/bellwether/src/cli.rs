//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// Observability in one binary: scrapes, stores, answers and shows the metrics of AI-agent and workflow platforms.
#[derive(Debug, Parser)]
#[command(name = "bellwether", version, about, max_term_width = 110)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What the program can do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check files without running anything.
    #[command(subcommand)]
    Check(CheckCommand),
    /// Run test files.
    #[command(subcommand)]
    Test(TestCommand),
}

/// What can be checked.
#[derive(Debug, Subcommand)]
pub(crate) enum CheckCommand {
    /// Server configuration files, with the target and rule files that they name.
    Config {
        /// The files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Rule files.
    Rules {
        /// The files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
}

/// Which kinds of test files can be run.
#[derive(Debug, Subcommand)]
pub(crate) enum TestCommand {
    /// PromQL test scripts.
    Promql {
        /// The scripts.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Leave out the extra checks of instant queries (range agreement and step invariance).
        #[arg(long)]
        no_extra_checks: bool,
    },
    /// Rule unit-test files, as `promtool test rules` reads them.
    Rules {
        /// The unit-test files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Run only the test groups whose name matches one of these regular expressions.
        #[arg(long = "run", value_name = "REGEX")]
        run: Vec<String>,
    },
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn is_consistent() {
        Cli::command().debug_assert();
    }
}
