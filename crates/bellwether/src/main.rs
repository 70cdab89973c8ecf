//! The `bellwether` program: reads the command line and runs one command.

mod alertmanager;
mod allocator;
mod backup;
mod cardinality;
mod check;
mod cli;
mod clock_watch;
mod demo;
mod features;
mod files;
mod gates;
mod lint;
mod listen;
mod log;
mod memory;
mod operations;
mod pack;
mod pack_inspector;
mod promql_text;
mod query;
mod query_journal;
mod query_memory;
mod report;
mod rule_lint;
mod rules;
mod runtime;
mod serve;
mod signals;
mod slo;
mod state;
mod storage;
mod storage_details;
mod storage_files;
mod terminal;
mod test_files;
mod test_receiver;
mod test_rules;
mod told;
mod web;

use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::{Cli, Command, TestCommand};

fn main() -> ExitCode {
    allocator::configure();
    let outcome = match Cli::parse().command {
        Command::Serve(args) => serve::serve(args),
        Command::Demo(args) => demo::demo(args),
        Command::Check(command) => check::check(&command),
        Command::Test(TestCommand::Promql { files, no_extra_checks }) => {
            test_files::promql(&files, no_extra_checks)
        }
        Command::Test(TestCommand::Rules(args)) => test_rules::rules(args),
        Command::Test(TestCommand::Receiver(args)) => test_receiver::run(&args),
        Command::Lint(command) => lint::run(&command),
        Command::Query(command) => query::query(command),
        Command::Promql(command) => promql_text::promql(command),
        Command::Pack(command) => pack::pack(command),
        Command::Slo(command) => slo::slo(command),
        Command::Storage(command) => storage_files::storage(&command),
        Command::Backup(args) => backup::backup(&args),
        Command::Restore { snapshot, data_dir } => backup::restore(&snapshot, &data_dir),
    };
    outcome.unwrap_or_else(|error| {
        // The chain of causes, innermost last; a configuration error has its own lines already.
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), "bellwether: {error:#}");
        ExitCode::FAILURE
    })
}
