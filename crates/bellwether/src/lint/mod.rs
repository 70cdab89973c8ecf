//! `bellwether lint`: what is legal in rule files and probably not meant.

mod live;
mod types;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use bellwether::config::{Config, LoadOptions, Loaded};
use bellwether_alerts::config::{Config as AlertmanagerConfig, ConfigOptions};
use bellwether_lint::{
    AlertmanagerFile, Demand, Finding, LiveOptions, Options, Report, RuleSource, learn, lint, lint_live,
};
use bellwether_model::{AnchoredRegex, Clock as _, SystemClock};
use bellwether_packs::catalogue::{Catalogue, runbook_page};
use bellwether_rules::slo::{Objective, rule_files};
use bellwether_rules::{RuleFile, RuleFileOptions, RuleGroup};
use clap::{Args, Subcommand};
use url::Url;

use crate::query::{positive_duration, server_url};
use crate::report::{ReportFormat, read, refuse, show};
use crate::rules::builtin_rules;
use live::LiveServer;
pub(crate) use types::promised_types;

/// The largest page whose headings are looked for.
const MAX_PAGE_BYTES: u64 = 4 << 20;

/// What can be linted.
#[derive(Debug, Subcommand)]
pub(crate) enum LintCommand {
    /// Rule files: name all that belong together.
    Rules(LintArgs),
}

/// What is linted, and what is known around it.
#[derive(Debug, Args)]
pub(crate) struct LintArgs {
    /// The rule files; without any, those that the configuration names.
    files: Vec<PathBuf>,
    /// A server configuration, for intervals, external labels and rule files.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// An Alertmanager configuration, to judge whether alerts get to somebody.
    #[arg(long, value_name = "FILE")]
    alertmanager: Option<PathBuf>,
    /// How findings are shown.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: ReportFormat,
    /// A label that alerts must have, and what its value must match; may be repeated, empty for none.
    #[arg(long = "require-label", value_name = "NAME[=REGEX]", default_value = "severity", value_parser = demand)]
    labels: Vec<Demanded>,
    /// An annotation that alerts must have, likewise.
    #[arg(long = "require-annotation", value_name = "NAME[=REGEX]", default_value = "summary", value_parser = demand)]
    annotations: Vec<Demanded>,
    /// Also ask a running server, this one's kind or a Prometheus, which series there are, and what rules would have done and do cost.
    #[arg(long, value_name = "URL", value_parser = server_url)]
    live: Option<Url>,
    /// How far back the server is asked.
    #[arg(long, value_name = "DURATION", default_value = "7d", value_parser = positive_duration, requires = "live")]
    live_lookback: Duration,
    /// How long all questions together may take.
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = positive_duration, requires = "live")]
    live_timeout: Duration,
    /// As often as this an alert may have fired in the time that is looked at.
    #[arg(long, value_name = "NUMBER", default_value_t = LiveOptions::default().max_firings, requires = "live")]
    max_firings: usize,
    /// Also follow links to runbooks that are URLs.
    #[arg(long, requires = "live")]
    check_links: bool,
    /// What is only good to know is a finding as well.
    #[arg(long)]
    strict: bool,
}

/// A demand of the command line; an empty one stands for none.
#[derive(Debug, Clone)]
struct Demanded(Option<Demand>);

fn demand(text: &str) -> Result<Demanded, String> {
    let (name, pattern) = match text.split_once('=') {
        Some((name, pattern)) => (name, Some(AnchoredRegex::new(pattern).map_err(|e| e.to_string())?)),
        None => (text, None),
    };
    Ok(Demanded((!name.is_empty()).then(|| Demand { name: name.to_owned(), pattern })))
}

/// Runs one command.
pub(crate) fn run(command: &LintCommand) -> anyhow::Result<ExitCode> {
    let LintCommand::Rules(args) = command;
    let mut report = Report { is_strict: args.strict, ..Report::default() };
    let demands = |list: &[Demanded]| list.iter().filter_map(|demanded| demanded.0.clone()).collect();
    let mut options = Options {
        labels: demands(&args.labels),
        annotations: demands(&args.annotations),
        groups_elsewhere: builtin_rules().groups,
        metric_types: promised_types(&Catalogue::built_in()),
        read_file: read_page,
        now_ms: SystemClock::new().now_ms(),
        ..Options::default()
    };
    let (mut files, mut rule_options) = (args.files.clone(), RuleFileOptions::default());
    if let Some(path) = &args.config {
        let Loaded { config, slos, catalogue, .. } = match Config::load(path, LoadOptions::from_process()) {
            Ok(loaded) => loaded,
            Err(errors) => {
                refuse("invalid-config", errors, &mut report);
                return show(&report, args.format);
            }
        };
        options.groups_elsewhere = groups_besides(&config, &slos);
        options.metric_types = promised_types(&catalogue);
        rule_options = RuleFileOptions { scheme: config.global.scrape.validation_scheme, ..rule_options };
        if files.is_empty() {
            files = config.rule_file_paths();
        }
        take_config(&config, &mut options);
    }
    if files.is_empty() {
        bail!("no rule files: name some, or a configuration that names some with --config");
    }
    if let Some(path) = &args.alertmanager {
        options.alertmanager = alertmanager(path, &mut report);
    }
    let sources = load(&files, &rule_options, &mut report);
    report.findings.extend(match &args.live {
        None => lint(&sources, &options),
        Some(url) => ask(url, args, &sources, &mut options)?,
    });
    say_what_is_good(&files, &mut report);
    show(&report, args.format)
}

/// As [`lint`], with what a server tells.
fn ask(
    url: &Url,
    args: &LintArgs,
    sources: &[RuleSource],
    options: &mut Options,
) -> anyhow::Result<Vec<Finding>> {
    let server = LiveServer::new(url.clone(), args.live_timeout)?;
    learn(&server, options)?;
    let live = LiveOptions {
        lookback_ms: args.live_lookback.as_millis() as i64,
        max_firings: args.max_firings,
        check_links: args.check_links,
        ..LiveOptions::default()
    };
    Ok(lint_live(sources, options, &server, &live)?)
}

/// The rules that a server evaluates beside those of rule files: of objectives, and its own.
fn groups_besides(config: &Config, objectives: &[Objective]) -> Vec<RuleGroup> {
    let files = rule_files(objectives).into_iter().map(|(name, text)| {
        let read = RuleFile::parse(&name, text.as_bytes(), &RuleFileOptions::default());
        read.unwrap_or_else(|errors| panic!("BUG: reading objectives checks their rules\n{errors}"))
    });
    let builtin = config.rules.builtin_alerts.then(builtin_rules);
    files.chain(builtin).flat_map(|file| file.groups).collect()
}

/// Takes over what a server configuration says about the rules' surroundings.
pub(crate) fn take_config(config: &Config, options: &mut Options) {
    options.evaluation_interval_ms = config.global.evaluation_interval_ms;
    options.external_labels = config.global.external_labels.clone();
    let intervals = config.scrape_configs.iter().map(|job| (job.job_name.clone(), job.interval_ms));
    options.scrape_intervals_ms = intervals.collect();
}

/// The text of a page, if it is one that fits: of a file, or of a page that comes with the program and that its UI shows under the same path.
pub(crate) fn read_page(path: &Path) -> Option<String> {
    let Some(size) = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file).map(|it| it.len())
    else {
        return path.to_str().and_then(runbook_page).map(str::to_owned);
    };
    if size > MAX_PAGE_BYTES {
        return Some(String::new());
    }
    std::fs::read(path).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

fn alertmanager(path: &Path, report: &mut Report) -> Option<AlertmanagerFile> {
    let name = path.display().to_string();
    let bytes = read(path, report)?;
    match AlertmanagerConfig::parse(&name, &bytes, ConfigOptions::default()) {
        Ok(config) => Some(AlertmanagerFile { name, config }),
        Err(errors) => {
            let refusals = errors.iter().map(|error| Finding::refusal("invalid-alertmanager", error));
            report.findings.extend(refusals);
            None
        }
    }
}

/// The files that a server would take, each once; what is wrong with the others goes into the report.
fn load(files: &[PathBuf], options: &RuleFileOptions, report: &mut Report) -> Vec<RuleSource> {
    let (mut sources, mut known) = (Vec::new(), BTreeSet::new());
    for file in files.iter().filter(|file| known.insert((*file).clone())) {
        let Some(bytes) = read(file, report) else { continue };
        match RuleSource::parse_as(&file.display().to_string(), &bytes, options) {
            Ok(source) => sources.push(source),
            Err(findings) => report.findings.extend(findings),
        }
    }
    sources
}

fn say_what_is_good(files: &[PathBuf], report: &mut Report) {
    let mut told: BTreeSet<&str> =
        report.findings.iter().map(|finding| finding.place.file.as_str()).collect();
    let names: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
    for name in &names {
        if told.insert(name) {
            report.good.push(format!("{name}: nothing to say"));
        }
    }
}
