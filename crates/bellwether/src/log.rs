//! Where log lines go: standard error, for people or for programs.

use tracing_subscriber::EnvFilter;

use crate::cli::{LogArgs, LogFormat, LogLevel};

/// Starts logging. `BELLWETHER_LOG` overrides the level with a filter such as `info,bellwether_scrape=debug`.
pub(crate) fn start(args: &LogArgs) {
    let level = match args.level {
        LogLevel::Debug => "debug",
        LogLevel::Info => "info",
        LogLevel::Warn => "warn",
        LogLevel::Error => "error",
    };
    let filter = EnvFilter::try_from_env("BELLWETHER_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match args.format {
        LogFormat::Logfmt => builder.with_ansi(false).init(),
        LogFormat::Json => builder.json().init(),
    }
}
