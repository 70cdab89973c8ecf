//! `bellwether pack`: catalogues of metrics, and what is made of them.

mod check;
mod findings;
mod weaver;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use bellwether_lint::{Finding, Report};
use bellwether_packs::catalogue::Catalogue;
use bellwether_packs::diff::{diff, may_break};
use bellwether_packs::generate::{OutputKind, generate};
use bellwether_packs::lint::{Level, RULES, lint};
use bellwether_packs::schema::{LoadError, Pack, json_schema};
use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};

use check::CheckArgs;

use crate::report::{ReportFormat, read, show};
use crate::terminal::print;

/// What can be done with packs.
#[derive(Debug, Subcommand)]
pub(crate) enum PackCommand {
    /// Say what is wrong with packs.
    Lint {
        /// The packs.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// How findings are shown.
        #[arg(long, visible_alias = "output", value_name = "FORMAT", default_value = "text")]
        format: ReportFormat,
        /// What is only good to know is a finding as well.
        #[arg(long)]
        strict: bool,
    },
    /// Make files of a pack without errors.
    Gen {
        /// The pack: a file, or the name of one that comes with the program.
        pack: String,
        /// The folder for the files; it is made if it is not there.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// What is made: rules, aliases, rule-tests, scrape, alertmanager, dashboards, reference, rust; everything if not given.
        #[arg(long, value_name = "KIND", value_delimiter = ',', value_parser = output_kind)]
        kinds: Vec<OutputKind>,
    },
    /// Compare what an application exposes with what packs promise.
    Check(CheckArgs),
    /// Say what a new version of a pack changes for those who rely on the old one. The exit code is 1 if it breaks something and its version does not say so.
    Diff {
        /// The old version.
        old: PathBuf,
        /// The new version.
        new: PathBuf,
        /// How changes are shown.
        #[arg(long, visible_alias = "output", value_name = "FORMAT", default_value = "text")]
        format: ChangesFormat,
    },
    /// Print a pack with the metrics of a registry of OpenTelemetry's Weaver (`definition/2`).
    Import {
        /// What the pack is called.
        name: String,
        /// The files of the registry, or its folder.
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<PathBuf>,
    },
    /// Make a registry of OpenTelemetry's Weaver (`definition/2`) of the metrics of a pack.
    Export {
        /// The pack.
        file: PathBuf,
        /// The folder for the files; it is made if it is not there.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// What the registry is known as, with its version at the end; made of name and version if not given.
        #[arg(long, value_name = "URL")]
        schema_url: Option<String>,
    },
    /// Print the JSON Schema of packs, for editors.
    Schema,
}

/// How changes are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ChangesFormat {
    /// One line each, for people.
    Text,
    /// One object with a list, for programs.
    Json,
}

fn output_kind(text: &str) -> Result<OutputKind, String> {
    let kind = OutputKind::ALL.iter().find(|kind| kind.as_str() == text);
    kind.copied().ok_or_else(|| format!("there are {}", OutputKind::WORDS.join(", ")))
}

/// Runs one command.
pub(crate) fn pack(command: PackCommand) -> anyhow::Result<ExitCode> {
    match command {
        PackCommand::Lint { files, format, strict } => lint_files(&files, format, strict),
        PackCommand::Gen { pack, out, kinds } => {
            generate_files(&pack, &out, if kinds.is_empty() { OutputKind::ALL } else { &kinds })
        }
        PackCommand::Check(args) => check::check(&args),
        PackCommand::Diff { old, new, format } => diff_files(&old, &new, format),
        PackCommand::Import { name, paths } => weaver::import(&name, &paths),
        PackCommand::Export { file, out, schema_url } => weaver::export(&file, &out, schema_url.as_deref()),
        PackCommand::Schema => {
            print(&format!("{:#}\n", json_schema()))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn lint_files(files: &[PathBuf], format: ReportFormat, is_strict: bool) -> anyhow::Result<ExitCode> {
    let demands = RULES.iter().map(|rule| (rule.id, rule.demands)).collect();
    let mut report = Report { demands, is_strict, ..Report::default() };
    for file in files {
        let Some(bytes) = read(file, &mut report) else { continue };
        match Pack::parse(&file.display().to_string(), &bytes) {
            Ok(pack) => {
                let found = lint(&pack);
                if found.iter().all(|finding| finding.level != Level::Error) {
                    report.good.push(format!("{}: valid", file.display()));
                }
                report.findings.extend(found.iter().map(findings::of_lint));
            }
            Err(errors) => {
                report.findings.extend(errors.iter().map(|error| Finding::refusal("invalid-pack", error)));
            }
        }
    }
    show(&report, format)
}

/// The pack in the file of this name, or the one that is called so and comes with the program.
fn load(name: &str) -> Result<Arc<Pack>, LoadError> {
    let path = Path::new(name);
    match Catalogue::built_in().get(name) {
        Some(pack) if !path.exists() => Ok(Arc::clone(pack)),
        _ => Ok(Arc::new(Pack::load(path)?)),
    }
}

fn generate_files(pack: &str, out: &Path, kinds: &[OutputKind]) -> anyhow::Result<ExitCode> {
    let pack = load(pack)?;
    let files = generate(&pack, kinds).map_err(|refused| {
        let lines: Vec<String> = refused.findings.iter().map(ToString::to_string).collect();
        anyhow!("nothing is made of a pack with errors:\n{}", lines.join("\n"))
    })?;
    std::fs::create_dir_all(out).with_context(|| out.display().to_string())?;
    let mut made = String::new();
    for file in files {
        let path = out.join(&file.name);
        let text = match std::fs::read_to_string(&path) {
            Ok(present) => file.over(&present),
            Err(_) => file.text,
        };
        std::fs::write(&path, text).with_context(|| path.display().to_string())?;
        writeln!(made, "{}", path.display())?;
    }
    print(&made)?;
    Ok(ExitCode::SUCCESS)
}

fn diff_files(old: &Path, new: &Path, format: ChangesFormat) -> anyhow::Result<ExitCode> {
    let (old, new) = (Pack::load(old)?, Pack::load(new)?);
    let changes = diff(&old, &new);
    let n_breaking = changes.iter().filter(|change| change.breaking).count();
    let may_break = may_break(&old, &new);
    let is_good = n_breaking == 0 || may_break;
    let mut text = String::new();
    match format {
        ChangesFormat::Text => {
            for change in &changes {
                writeln!(text, "{change}")?;
            }
            let (from, to) = (&old.version, &new.version);
            let remedy = if is_good { "" } else { "; what breaks needs a new major version" };
            writeln!(
                text,
                "{} changes from {from} to {to}, {n_breaking} of them breaking{remedy}",
                changes.len()
            )?;
        }
        ChangesFormat::Json => {
            let changes: Vec<Value> = changes
                .iter()
                .map(|change| {
                    json!({
                        "kind": change.kind.as_str(),
                        "breaking": change.breaking,
                        "name": change.name,
                        "file": change.source,
                        "line": change.position.line,
                        "column": change.position.column,
                        "message": change.message,
                    })
                })
                .collect();
            let answer =
                json!({ "valid": is_good, "old": old.version, "new": new.version, "changes": changes });
            writeln!(text, "{answer:#}")?;
        }
    }
    print(&text)?;
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
