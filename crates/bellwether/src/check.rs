//! `bellwether check`: files are judged without starting anything.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bellwether::config::{Config, LoadOptions};
use bellwether_rules::{RuleFile, RuleFileOptions};
use bellwether_scrape::config::matching_files;

use crate::files;

/// Judges server configuration files and the rule files that they name.
pub(crate) fn config(paths: &[PathBuf]) -> anyhow::Result<ExitCode> {
    let (mut out, mut err) = (std::io::stdout().lock(), std::io::stderr().lock());
    let mut all_good = true;
    for file in paths {
        match Config::load(file, LoadOptions::from_process()) {
            Ok(loaded) => {
                for warning in &loaded.warnings {
                    writeln!(err, "warning: {warning}")?;
                }
                let unreadable = files::unreadable(&loaded.config, &loaded.job_places);
                for problem in &unreadable {
                    writeln!(err, "{problem}")?;
                }
                let mut good = unreadable.is_empty();
                for rule_file in loaded.config.rule_files.iter().flat_map(|pattern| matching_files(pattern)) {
                    good &= rule_file_is_good(&rule_file, &mut err)?;
                }
                all_good &= good;
                if good {
                    writeln!(
                        out,
                        "{}: valid, {} scrape jobs",
                        file.display(),
                        loaded.config.scrape_configs.len()
                    )?;
                }
            }
            Err(errors) => {
                all_good = false;
                writeln!(err, "{}", errors.with_excerpts())?;
            }
        }
    }
    Ok(if all_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Judges rule files.
pub(crate) fn rules(files: &[PathBuf]) -> anyhow::Result<ExitCode> {
    let (mut out, mut err) = (std::io::stdout().lock(), std::io::stderr().lock());
    let mut all_good = true;
    for file in files {
        let good = rule_file_is_good(file, &mut err)?;
        all_good &= good;
        if good {
            writeln!(out, "{}: valid", file.display())?;
        }
    }
    Ok(if all_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn rule_file_is_good(file: &Path, err: &mut impl std::io::Write) -> std::io::Result<bool> {
    match RuleFile::load(file, &RuleFileOptions::default()) {
        Ok(loaded) => {
            for warning in loaded.warnings {
                writeln!(err, "warning: {}: {warning}", file.display())?;
            }
            Ok(true)
        }
        Err(error) => {
            writeln!(err, "{error}")?;
            Ok(false)
        }
    }
}
