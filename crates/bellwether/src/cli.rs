//! The command line. Flags that Prometheus users know work under their names.

mod server;
mod values;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

pub(crate) use self::server::{
    AlertmanagerArgs, DemoArgs, LogArgs, LogFormat, LogLevel, MemoryArgs, QueryArgs, ReadModeArg, ServeArgs,
    StorageArgs, WalSync, WebArgs,
};
pub(crate) use self::values::{at_least_one, duration_ms, positive_duration_ms};

use crate::backup::BackupArgs;
use crate::check::CheckCommand;
use crate::lint::LintCommand;
use crate::pack::PackCommand;
use crate::promql_text::PromqlCommand;
use crate::query::QueryCommand;
use crate::slo::SloCommand;
use crate::storage_files::StorageCommand;
use crate::test_receiver::TestReceiverArgs;
use crate::test_rules::RuleTestArgs;

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
    /// Run the server. Without a configuration file, `bellwether.yml` or `prometheus.yml` of this folder is used if there is one, else a
    /// configuration that scrapes only this server.
    Serve(ServeArgs),
    /// Run the server with five simulated platforms, which it scrapes beside the targets of the configuration file, if there is one.
    Demo(DemoArgs),
    /// Check files without running anything.
    #[command(subcommand)]
    Check(CheckCommand),
    /// Say what is legal in files and probably not meant.
    #[command(subcommand)]
    Lint(LintCommand),
    /// Run test files.
    #[command(subcommand)]
    Test(TestCommand),
    /// Ask a running server: this one's kind, or a Prometheus.
    #[command(subcommand)]
    Query(QueryCommand),
    /// Lay out and explain PromQL expressions.
    #[command(subcommand)]
    Promql(PromqlCommand),
    /// Check packs, and make rules, dashboards, documentation and code of them.
    #[command(subcommand)]
    Pack(PackCommand),
    /// Make rules of objectives.
    #[command(subcommand)]
    Slo(SloCommand),
    /// Look into the folder of a store that no server uses.
    #[command(subcommand)]
    Storage(StorageCommand),
    /// Copy a store to another folder, with a list of all files and their checksums.
    Backup(BackupArgs),
    /// Make a store of a backup or a snapshot, if every file of it is whole.
    Restore {
        /// The backup, or a folder below `snapshots` of a store.
        snapshot: PathBuf,
        /// The folder of the new store, which is empty or not there.
        data_dir: PathBuf,
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
    Rules(RuleTestArgs),
    /// Send a marked test message through each integration of a receiver of notifications, once.
    Receiver(TestReceiverArgs),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn takes_the_flags_of_prometheus() {
        let cli = Cli::try_parse_from([
            "bellwether",
            "serve",
            "--web.listen-address=127.0.0.1:19190",
            "--storage.tsdb.path=/x",
            "--config.file=prometheus.yml",
            "--web.enable-remote-write-receiver",
            "--web.enable-admin-api",
            "--storage.tsdb.retention.time=100y",
            "--query.max-samples=1000000000",
            "--query.timeout=10m",
            "--log.level=warn",
        ])
        .expect("parses");
        let Command::Serve(args) = cli.command else { panic!("not serve") };
        assert_eq!(args.storage.retention_time_ms, Some(3_153_600_000_000));
        assert_eq!(args.query.timeout_ms, 600_000);
        assert_eq!(args.storage.remote_read_sample_limit, 50_000_000);
        assert!(args.web.enable_remote_write_receiver && args.web.enable_admin_api);
    }

    #[test]
    fn bad_values_say_how_to_write_them() {
        let error =
            Cli::try_parse_from(["bellwether", "serve", "--query.timeout=soon"]).expect_err("refused");
        assert!(error.to_string().contains("write it like 15d or 1h30m"), "{error}");
        let error = Cli::try_parse_from(["bellwether", "serve", "--web.cors.origin=("]).expect_err("refused");
        assert!(error.to_string().contains("missing closing )"), "{error}");
    }

    #[test]
    fn values_that_cannot_work_are_refused() {
        let parse = |flag: &str| Cli::try_parse_from(["bellwether", "serve", flag]);
        for (flag, why) in [
            ("--query.timeout=0s", "must be more than nothing"),
            ("--query.lookback-delta=0s", "must be more than nothing"),
            ("--query.max-concurrency=0", "must be from 1 to"),
            ("--query.max-concurrency=18446744073709551615", "must be from 1 to"),
            ("--query.max-samples=0", "must be from 1 to"),
            ("--query.max-memory=0", "must be more than nothing"),
            ("--memory.limit=0", "must be more than nothing"),
            ("--web.max-connections=0", "must be from 1 to"),
            ("--web.max-connections=18446744073709551615", "must be from 1 to"),
            ("--web.cors.origin=(", "missing closing )"),
            ("--web.external-url=::::", "must be a URL such as"),
            ("--web.external-url=ftp://x", "must be a URL such as"),
            ("--web.external-url=http://x/a?b", "a path consists of"),
            ("--web.route-prefix=a b?#", "a path consists of"),
            ("--web.route-prefix=/a/../b", "a path consists of"),
            ("--storage.min-free=some", "write it like 512MB or 10GB"),
            ("--storage.memory-budget=0", "must be more than nothing"),
        ] {
            let error = parse(flag).expect_err(flag).to_string();
            assert!(error.contains(why), "{flag}: {error}");
        }
        for flag in [
            "--web.external-url=https://x.example:8080/obs/bw/",
            "--web.route-prefix=/",
            "--storage.min-free=1MB",
        ] {
            assert!(parse(flag).is_ok(), "{flag}");
        }
    }
}
