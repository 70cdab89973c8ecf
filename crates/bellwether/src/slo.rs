//! `bellwether slo`: files with objectives, without a server.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use bellwether::config::load_objectives;
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
    let (objectives, errors) = load_objectives(&files);
    if !errors.errors().is_empty() {
        bail!("nothing is made of files with mistakes:\n{}", errors.with_excerpts());
    }
    let made = if inhibit_rules { inhibition(&objectives).into() } else { slo::rules(&objectives) };
    print(&made.to_yaml())?;
    Ok(ExitCode::SUCCESS)
}

/// What an alertmanager.yml needs so that a slower alert is not sent while a faster one fires.
pub(crate) fn inhibition(objectives: &[Objective]) -> MapValue {
    let mut file = MapValue::new();
    file.set("inhibit_rules", slo::inhibit_rules(objectives));
    file
}

#[cfg(test)]
mod tests {
    use bellwether_alerts::inhibit::Inhibitor;
    use bellwether_model::{Alert, Labels};
    use bellwether_yaml::Value;

    use crate::operations::ConfigSource;

    use super::*;

    const SLO: &str = "slo: {name: a, objective: 99, bad: e_total, total: t_total}\n";

    #[test]
    fn slower_burns_are_inhibited_unless_somebody_does_not_want_it() {
        let dir = tempfile::tempdir().expect("a folder");
        let slo = dir.path().join("slo.yml");
        std::fs::write(&slo, SLO).expect("written");
        let (objectives, _) = load_objectives(std::slice::from_ref(&slo));
        let load = |more: &str| {
            let file = dir.path().join("bellwether.yml");
            std::fs::write(&file, format!("slos: [slo.yml]\n{more}")).expect("written");
            let source = ConfigSource { file: Some(file), ..ConfigSource::default() };
            source.load().unwrap_or_else(|problems| panic!("{problems}")).alertmanager.config
        };
        let built_in = |more: &str| -> Vec<bool> {
            load(more).inhibit_rules.iter().map(|rule| rule.is_built_in).collect()
        };
        assert_eq!(built_in(""), [true; 3]);
        assert!(built_in("rules: {inhibit_slower_burns: false}\n").is_empty());
        let exported = Value::from(inhibition(&objectives)).to_yaml().replace('\n', "\n  ");
        let own =
            format!("alertmanager:\n  route: {{receiver: r}}\n  receivers: [{{name: r}}]\n  {exported}\n");
        assert_eq!(built_in(&own), [false; 3], "not doubled");
        assert!(!load("").original().to_yaml().contains("inhibit_rules"), "what was written is shown");

        let labels = |burn, id| Labels::from_pairs([("alertname", "B"), ("slo_id", id), ("burn", burn)]);
        let mut inhibitor = Inhibitor::new(load("").inhibit_rules.clone());
        inhibitor.see(&Alert {
            labels: labels("medium", "a"),
            annotations: Labels::empty(),
            starts_at_ms: 0,
            ends_at_ms: None,
            generator_url: String::new(),
        });
        let is_inhibited = |burn, id| inhibitor.is_inhibited(&labels(burn, id), 1);
        assert!(is_inhibited("slow", "a") && is_inhibited("long", "a"));
        assert!(!is_inhibited("fast", "a") && !is_inhibited("medium", "a") && !is_inhibited("slow", "b"));
    }
}
