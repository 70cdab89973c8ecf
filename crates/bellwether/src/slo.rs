//! `bellwether slo`: files with objectives, without a server.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use bellwether_rules::slo::{self, Objective};
use bellwether_yaml::MapValue;
use clap::Subcommand;

use crate::terminal::print;

/// What can be done with objectives.
#[derive(Debug, Subcommand)]
pub(crate) enum SloCommand {
    /// Print the rules that are made of objectives, as a rule file.
    Export {
        /// Files with objectives: OpenSLO v1, the short form of Sloth, or the own form.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Print what alertmanager.yml needs instead, so that a slower alert is not sent while a faster one fires.
        #[arg(long)]
        inhibit_rules: bool,
    },
}

/// Runs a command.
pub(crate) fn slo(command: SloCommand) -> anyhow::Result<ExitCode> {
    let SloCommand::Export { files, inhibit_rules } = command;
    let (objectives, problems) = read(&files);
    if !tell(&problems)? {
        return Ok(ExitCode::FAILURE);
    }
    let made = if inhibit_rules {
        let mut file = MapValue::new();
        file.set("inhibit_rules", slo::inhibit_rules(&objectives));
        file.into()
    } else {
        slo::rules(&objectives)
    };
    print(&made.to_yaml())?;
    Ok(ExitCode::SUCCESS)
}

/// The objectives of files, and what is wrong with these: a line for each problem, with its place.
pub(crate) fn read(files: &[PathBuf]) -> (Vec<Objective>, Vec<String>) {
    let (mut objectives, mut problems): (Vec<Objective>, Vec<String>) = (Vec::new(), Vec::new());
    for file in files {
        let name = file.display().to_string();
        let found = match std::fs::read(file) {
            Ok(bytes) => slo::read(&name, &bytes),
            Err(error) => {
                problems.push(format!("{name}: {error}"));
                continue;
            }
        };
        match found {
            Ok(found) => {
                for objective in &found {
                    let known = objectives.iter().find(|known| known.id() == objective.id());
                    let twice = known.map(|known| {
                        let (id, first) = (objective.id(), &known.source);
                        format!("{name}:{}: the objective {id:?} is already in {first}", objective.position)
                    });
                    problems.extend(twice);
                }
                objectives.extend(found);
            }
            Err(errors) => problems.extend(errors.iter().map(ToString::to_string)),
        }
    }
    (objectives, problems)
}

/// Writes problems to standard error; `true` if there are none.
fn tell(problems: &[String]) -> std::io::Result<bool> {
    let mut err = std::io::stderr().lock();
    for problem in problems {
        writeln!(err, "{problem}")?;
    }
    Ok(problems.is_empty())
}
