//! Where log lines go: standard error, for people or for programs.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::cli::{LogArgs, LogFormat, LogLevel};

/// The environment variable with a filter.
const VARIABLE: &str = "BELLWETHER_LOG";

/// Starts logging. `BELLWETHER_LOG` overrides the level with a filter such as `info,bellwether_scrape=debug`.
pub(crate) fn start(args: &LogArgs) {
    let level = match args.level {
        LogLevel::Debug => "debug",
        LogLevel::Info => "info",
        LogLevel::Warn => "warn",
        LogLevel::Error => "error",
    };
    // An empty variable is how some supervisors write none.
    let wanted = std::env::var(VARIABLE).ok().filter(|text| !text.trim().is_empty());
    let (filter, refused) = match wanted.as_deref().map(filter) {
        Some(Ok(filter)) => (filter, None),
        Some(Err(why)) => (EnvFilter::new(level), Some(why)),
        None => (EnvFilter::new(level), None),
    };
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match args.format {
        LogFormat::Logfmt => builder.with_ansi(false).init(),
        LogFormat::Json => builder.json().init(),
    }
    if let Some(why) = refused {
        tracing::warn!(level, "{VARIABLE} has no effect: {why}; write it like info,bellwether_scrape=debug");
    }
}

/// The filter that the variable asks for. A lone word that is no level would be the name of a part of the program that does not exist, and the
/// log would stay empty.
fn filter(text: &str) -> Result<EnvFilter, String> {
    let is_known = |directive: &str| {
        let target = directive.split(['=', '[']).next().unwrap_or_default();
        target.parse::<LevelFilter>().is_ok()
            || directive.contains(['=', '['])
            || target.starts_with("bellwether")
    };
    match text.split(',').map(str::trim).find(|directive| !is_known(directive)) {
        Some(unknown) => Err(format!("{unknown:?} is neither a level nor a part of the program")),
        None => EnvFilter::builder().parse(text).map_err(|error| error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_that_would_silence_the_log_are_refused() {
        for good in
            ["info", "WARN", "off", "debug,bellwether_scrape=trace", "bellwether_tsdb", "info,hyper=warn"]
        {
            assert!(filter(good).is_ok(), "{good}");
        }
        for bad in ["loud", "info,loud", "!!!==nonsense[[", "bellwether=loud"] {
            assert!(filter(bad).is_err(), "{bad}");
        }
    }
}
