use std::path::PathBuf;
use std::time::Duration;

use bellwether_model::parse_duration_ms;
use clap::{Args, Subcommand, ValueEnum};
use url::Url;

use super::time_argument::{Step, TimeArgument};

/// What can be asked.
#[derive(Debug, Subcommand)]
pub(crate) enum QueryCommand {
    /// Evaluate an expression at one time.
    Instant {
        /// The expression; put `--` in front of one that starts with a minus sign.
        expr: String,
        /// When: RFC 3339, Unix seconds, `now` or relative to now, as in `-1h`. The server's now by default.
        #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
        time: Option<TimeArgument>,
        /// Whom to ask and how to show the answer.
        #[command(flatten)]
        common: AskArgs,
    },
    /// Evaluate an expression at each step of a time range.
    Range {
        /// The expression; put `--` in front of one that starts with a minus sign.
        expr: String,
        /// The first time, in any form of `--time` of `query instant`; an hour before the end by default.
        #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
        start: Option<TimeArgument>,
        /// The last time, likewise.
        #[arg(long, value_name = "TIME", allow_hyphen_values = true, default_value = "now")]
        end: TimeArgument,
        /// The distance of the evaluations, as in `15s` or in seconds; a 250th of the range by default.
        #[arg(long, value_name = "DURATION")]
        step: Option<Step>,
        /// Whom to ask and how to show the answer.
        #[command(flatten)]
        common: AskArgs,
    },
    /// List the series that match selectors.
    Series {
        /// A selector; may be repeated, and a series that matches any is listed.
        #[arg(long = "match", value_name = "SELECTOR", required = true)]
        matches: Vec<String>,
        /// Among which series to look.
        #[command(flatten)]
        window: WindowArgs,
        /// Whom to ask and how to show the answer.
        #[command(flatten)]
        common: AskArgs,
    },
    /// List the names of labels, or the values of one.
    Labels {
        /// The label whose values are listed; without it, the names of all labels are.
        name: Option<String>,
        /// Only what series have that match this selector; may be repeated.
        #[arg(long = "match", value_name = "SELECTOR")]
        matches: Vec<String>,
        /// Among which series to look.
        #[command(flatten)]
        window: WindowArgs,
        /// Whom to ask and how to show the answer.
        #[command(flatten)]
        common: AskArgs,
    },
    /// Tell how many buckets of histograms are in use.
    Analyze {
        /// What is analysed.
        #[arg(long = "type", value_name = "TYPE", default_value = "histogram")]
        kind: AnalyzeType,
        /// A selector of native histograms or of the `_bucket` series of classic ones; may be repeated.
        #[arg(long = "match", value_name = "SELECTOR", required = true)]
        matches: Vec<String>,
        /// How much time is looked at.
        #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = positive_duration)]
        duration: Duration,
        /// The end of that time, in any form of `--time` of `query instant`; the server's now by default.
        #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
        time: Option<TimeArgument>,
        /// Whom to ask and how to show the answer.
        #[command(flatten)]
        common: AskArgs,
    },
}

/// What `query analyze` can look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum AnalyzeType {
    /// Classic and native histograms.
    Histogram,
}

/// Among which series a listing looks.
#[derive(Debug, Args)]
pub(crate) struct WindowArgs {
    /// Only series with samples at or after this time, in any form of `--time` of `query instant`.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) start: Option<TimeArgument>,
    /// Only series with samples at or before this time.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) end: Option<TimeArgument>,
    /// List at most so many.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) limit: Option<u64>,
}

/// Whom to ask.
#[derive(Debug, Args)]
pub(crate) struct WhomArgs {
    /// The server; a user name and a password in it are sent as basic authentication.
    #[arg(long, visible_alias = "url", value_name = "URL", env = "BELLWETHER_URL", hide_env_values = true, default_value = "http://127.0.0.1:9090", value_parser = server_url)]
    pub(crate) server: Url,
    /// A file with settings of the HTTP client (`basic_auth`, `authorization`, `tls_config`, ...), as in `scrape_configs`.
    #[arg(long = "http.config.file", value_name = "FILE")]
    pub(crate) http_config_file: Option<PathBuf>,
    /// How long to wait for the answer.
    #[arg(long, value_name = "DURATION", default_value = "2m", value_parser = positive_duration)]
    pub(crate) timeout: Duration,
}

/// Whom to ask and how to show the answer.
#[derive(Debug, Args)]
pub(crate) struct AskArgs {
    /// Whom to ask.
    #[command(flatten)]
    pub(crate) whom: WhomArgs,
    /// How to show the answer.
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub(crate) format: Format,
}

/// How an answer is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Aligned columns, for people.
    Table,
    /// The `data` of the server's answer, for programs.
    Json,
    /// One value a line, each with all its digits.
    Plain,
}

pub(crate) fn server_url(text: &str) -> Result<Url, String> {
    let example = "write it like http://127.0.0.1:9090";
    let url = Url::parse(text).map_err(|e| format!("{e}; {example}"))?;
    if matches!(url.scheme(), "http" | "https") && url.host().is_some() {
        Ok(url)
    } else {
        Err(format!("not an HTTP address; {example}"))
    }
}

pub(crate) fn positive_duration(text: &str) -> Result<Duration, String> {
    match parse_duration_ms(text) {
        Ok(ms) if ms > 0 => Ok(Duration::from_millis(ms.unsigned_abs())),
        Ok(_) => Err("it must be greater than zero".to_owned()),
        Err(e) => Err(format!("{e}; write it like 30s or 1h30m")),
    }
}
