//! `bellwether check`: files are judged without starting anything.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bellwether::config::{AlertmanagerSetup, Config, LoadOptions, Warning, WebConfig, load_objectives};
use bellwether_lint::{Finding, Place, Report, RuleSource, Severity, counted};
use bellwether_rules::RuleFileOptions;
use clap::{Args, Subcommand};

use crate::files::{self, Unreadable};
use crate::report::{ReportFormat, read, refuse, show, unreadable};
use crate::web::unusable;

/// What can be checked.
#[derive(Debug, Subcommand)]
pub(crate) enum CheckCommand {
    /// Server configuration files, with the target and rule files that they name.
    Config(CheckArgs),
    /// Rule files.
    Rules(CheckArgs),
    /// Files with objectives: OpenSLO v1, the short form of Sloth, or the own form.
    Slo(CheckArgs),
    /// Configurations of Alertmanager, with the templates that they name.
    Alertmanager(CheckArgs),
    /// Files with TLS, users and headers of the HTTP surface, as Prometheus' `--web.config.file`.
    Web(CheckArgs),
}

/// What is checked and how it is shown.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// The files.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// How findings are shown.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: ReportFormat,
    /// What is legal and without effect is a finding as well, and the exit code 3.
    #[arg(long)]
    strict: bool,
}

/// Judges one file: what is wrong goes into the report, and if nothing is, the answer is what to say about it.
type Judge = fn(&Path, &[u8], &mut Report) -> Option<String>;

/// Runs one command.
pub(crate) fn check(command: &CheckCommand) -> anyhow::Result<ExitCode> {
    let (CheckCommand::Config(args)
    | CheckCommand::Rules(args)
    | CheckCommand::Slo(args)
    | CheckCommand::Alertmanager(args)
    | CheckCommand::Web(args)) = command;
    let mut report = Report { is_strict: args.strict, ..Report::default() };
    let judge: Judge = match command {
        CheckCommand::Config(_) => config,
        CheckCommand::Rules(_) => rules,
        CheckCommand::Alertmanager(_) => alertmanager,
        CheckCommand::Web(_) => web,
        CheckCommand::Slo(_) => {
            objectives(&args.files, &mut report);
            return show(&report, args.format);
        }
    };
    for file in &args.files {
        let Some(bytes) = read(file, &mut report) else { continue };
        if let Some(said) = judge(file, &bytes, &mut report) {
            report.good.push(format!("{}: {said}", file.display()));
        }
    }
    show(&report, args.format)
}

/// Judges files with objectives together: two of one name would write the same series.
fn objectives(files: &[PathBuf], report: &mut Report) {
    let files: Vec<PathBuf> = files.iter().filter(|file| read(file, report).is_some()).cloned().collect();
    let (found, errors) = load_objectives(&files);
    for file in &files {
        let name = file.display().to_string();
        if errors.errors().iter().all(|error| error.source_name() != name) {
            let n = found.iter().filter(|objective| *objective.source == name).count();
            report.good.push(format!("{name}: valid, {}", counted(n, "objective")));
        }
    }
    refuse("invalid-slo", errors, report);
}

fn config(file: &Path, _: &[u8], report: &mut Report) -> Option<String> {
    match Config::load(file, LoadOptions::from_process()) {
        Ok(loaded) => {
            warn(&loaded.warnings, report);
            let unreadable = files::unreadable(&loaded.config, &loaded.job_places);
            let mut is_good = unreadable.is_empty();
            report.findings.extend(unreadable.into_iter().map(|problem| unreadable_file(file, problem)));
            let scheme = loaded.config.global.scrape.validation_scheme;
            let options = RuleFileOptions { scheme, ..RuleFileOptions::default() };
            for rule_file in loaded.config.rule_file_paths() {
                let bytes = read(&rule_file, report);
                is_good &=
                    bytes.is_some_and(|bytes| rules_as(&options, &rule_file, &bytes, report).is_some());
            }
            is_good.then(|| format!("valid, {}", counted(loaded.config.scrape_configs.len(), "scrape job")))
        }
        Err(errors) => {
            refuse("invalid-config", errors, report);
            None
        }
    }
}

fn rules(file: &Path, bytes: &[u8], report: &mut Report) -> Option<String> {
    rules_as(&RuleFileOptions::default(), file, bytes, report)
}

/// The same for a server that reads rule files in another way.
fn rules_as(options: &RuleFileOptions, file: &Path, bytes: &[u8], report: &mut Report) -> Option<String> {
    let name = file.display().to_string();
    match RuleSource::parse_as(&name, bytes, options) {
        Ok(source) => {
            let warnings = source.file.warnings.iter();
            report.findings.extend(warnings.map(|message| to_know(Place::file(&name), message)));
            let n = source.file.groups.iter().map(|group| group.rules.len()).sum();
            Some(format!("valid, {}", counted(n, "rule")))
        }
        Err(findings) => {
            report.findings.extend(findings);
            None
        }
    }
}

fn alertmanager(file: &Path, _: &[u8], report: &mut Report) -> Option<String> {
    match AlertmanagerSetup::load(file) {
        Ok((setup, warnings)) => {
            warn(&warnings, report);
            Some(format!("valid, {}", counted(setup.config.receivers.len(), "receiver")))
        }
        Err(errors) => {
            refuse("invalid-alertmanager", errors, report);
            None
        }
    }
}

fn web(file: &Path, bytes: &[u8], report: &mut Report) -> Option<String> {
    match WebConfig::parse(&file.display().to_string(), bytes) {
        Ok(config) => {
            let mut is_good = true;
            for (field, path) in config.named_files() {
                if let Err(error) = std::fs::File::open(path) {
                    is_good = false;
                    let message = format!("{field} {} cannot be read: {error}", path.display());
                    report.findings.push(unreadable_file(file, Unreadable { place: None, message }));
                }
            }
            if is_good && let Some(problem) = unusable(file) {
                is_good = false;
                report.findings.push(unreadable_file(file, Unreadable { place: None, message: problem }));
            }
            is_good.then(|| format!("valid, {}", counted(config.users.len(), "user")))
        }
        Err(errors) => {
            report.findings.extend(errors.iter().map(|error| Finding::refusal("invalid-web-config", error)));
            None
        }
    }
}

/// What is legal and will surprise.
fn warn(warnings: &[Warning], report: &mut Report) {
    let place = |warning: &Warning| Place::point(&*warning.source_name, warning.position);
    report.findings.extend(warnings.iter().map(|warning| to_know(place(warning), &warning.message)));
}

fn to_know(place: Place, message: &str) -> Finding {
    Finding::new("without-effect", Severity::Info, place, message)
}

/// A file that the configuration `named_in` names.
fn unreadable_file(named_in: &Path, problem: Unreadable) -> Finding {
    let place = problem.place.unwrap_or_else(|| Place::file(named_in.display().to_string()));
    unreadable(place, problem.message)
}
