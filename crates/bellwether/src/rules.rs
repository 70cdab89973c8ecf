//! The rules of the server: which there are, where they are evaluated, and who is told.

use std::sync::Arc;
use std::time::Duration;

use bellwether::config::Config;
use bellwether_alerts::alertmanager::Alertmanager;
use bellwether_lint::RuleSource;
use bellwether_model::{Clock, Labels, QueryMemory, Queryable, Tenant, format_duration_ms};
use bellwether_promql::engine::QueryEngine;
use bellwether_promql::syntax::ParserOptions;
use bellwether_rules::slo::{Objective, rule_files};
use bellwether_rules::{
    Environment, GroupDefaults, GroupSource, Manager, ManagerOptions, RuleFile, RuleFileOptions,
};
use bellwether_scrape::ScrapeManager;
use bellwether_state::StateStore;
use clap::Args;
use tokio::time::Instant;

use crate::cli::{at_least_one, duration_ms, positive_duration_ms};
use crate::memory::MemoryBound;
use crate::operations::Checked;
use crate::rule_lint::RuleLint;
use crate::told::Told;

/// How long evaluations may go on after their queries were cancelled.
const EVALUATION_DRAIN: Duration = Duration::from_secs(3);
/// How long alerts that wait may take to be sent when the server stops.
const SENDING_DRAIN: Duration = Duration::from_secs(3);

/// What stands for the file of the rules that come with the server.
const BUILTIN_FILE: &str = "bellwether";
const BUILTIN_RULES: &[u8] = include_bytes!("builtin.rules.yml");

/// The rules that come with the server.
pub(crate) fn builtin_rules() -> RuleFile {
    RuleFile::parse(BUILTIN_FILE, BUILTIN_RULES, &RuleFileOptions::default())
        .unwrap_or_else(|errors| panic!("BUG: the rules that come with the server are wrong\n{errors}"))
}

/// Flags of the rules. The names are those of Prometheus.
#[derive(Debug, Clone, Args)]
pub(crate) struct RulesArgs {
    /// How many rules are evaluated at once beside those that must be evaluated in the order of their group.
    #[arg(long = "rules.max-concurrent-evals", value_name = "NUMBER", default_value_t = 4, value_parser = at_least_one)]
    max_concurrent_evals: usize,
    /// How long to wait before an alert that fires is sent again.
    #[arg(long = "rules.alert.resend-delay", value_name = "DURATION", default_value = "1m", value_parser = positive_duration_ms)]
    resend_delay_ms: i64,
    /// How long the server may have been away for alerts to be taken up again.
    #[arg(long = "rules.alert.for-outage-tolerance", value_name = "DURATION", default_value = "1h", value_parser = duration_ms)]
    outage_tolerance_ms: i64,
    /// How long an alert that was pending waits at least after a start, if only its samples tell since when it is.
    #[arg(long = "rules.alert.for-grace-period", value_name = "DURATION", default_value = "10m", value_parser = duration_ms)]
    for_grace_period_ms: i64,
}

impl RulesArgs {
    /// The same for samples that leave no doubt since when alerts are active: none waits longer than it must.
    pub(crate) fn for_known_past(self) -> Self {
        Self { for_grace_period_ms: 0, ..self }
    }

    /// The flags by their names, for the list of all flags.
    pub(crate) fn listed(&self) -> [(&'static str, String); 4] {
        [
            ("rules.alert.for-grace-period", format_duration_ms(self.for_grace_period_ms)),
            ("rules.alert.for-outage-tolerance", format_duration_ms(self.outage_tolerance_ms)),
            ("rules.alert.resend-delay", format_duration_ms(self.resend_delay_ms)),
            ("rules.max-concurrent-evals", self.max_concurrent_evals.to_string()),
        ]
    }
}

/// The rules of a configuration.
#[derive(Clone)]
pub(crate) struct RuleSet {
    /// Their groups: of rule files, of objectives, and those that come with the server.
    pub(crate) groups: Vec<GroupSource>,
    /// The texts that the groups were read from, by the names of their files.
    texts: Arc<[RuleText]>,
    /// How they were read.
    options: RuleFileOptions,
}

/// A rule file: its name and what stands in it.
type RuleText = (String, Vec<u8>);

impl RuleSet {
    /// Reads the rule files that the configuration names, and makes the rules of its objectives. The error has a line per problem.
    pub(crate) fn load(
        config: &Config,
        objectives: &[Objective],
        parser: ParserOptions,
    ) -> Result<Self, String> {
        let options = RuleFileOptions { scheme: config.global.scrape.validation_scheme, parser };
        let (mut groups, mut texts, mut problems) = (Vec::new(), Vec::new(), Vec::new());
        for path in config.rule_file_paths() {
            match std::fs::read(&path) {
                Ok(bytes) => texts.push((path.display().to_string(), bytes)),
                Err(error) => problems.push(format!("{}: {error}", path.display())),
            }
        }
        let of_objectives = rule_files(objectives).into_iter();
        texts.extend(of_objectives.map(|(name, text)| (name.to_string(), text.into_bytes())));
        if config.rules.builtin_alerts {
            texts.push((BUILTIN_FILE.to_owned(), BUILTIN_RULES.to_vec()));
        }
        for (name, bytes) in &texts {
            match RuleFile::parse(name, bytes, &options) {
                Ok(read) => {
                    for warning in &read.warnings {
                        tracing::warn!(file = name, %warning, "rule file");
                    }
                    let groups_of_file = read.groups.into_iter();
                    groups.extend(
                        groups_of_file.map(|definition| GroupSource { file: name.clone(), definition }),
                    );
                }
                Err(errors) => problems.push(errors.to_string()),
            }
        }
        if problems.is_empty() {
            Ok(Self { groups, texts: texts.into(), options })
        } else {
            Err(problems.join("\n"))
        }
    }

    /// The rules with the places of everything in them.
    pub(crate) fn sources(&self) -> Vec<RuleSource> {
        let sources = self.texts.iter().map(|(name, bytes)| {
            RuleSource::parse_as(name, bytes, &self.options).unwrap_or_else(|findings| {
                panic!("BUG: {name} was read before and now has {} problems", findings.len())
            })
        });
        sources.collect()
    }
}

/// What rules are evaluated over.
pub(crate) struct Surroundings {
    pub(crate) engine: Arc<dyn QueryEngine>,
    pub(crate) appender: Arc<MemoryBound>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) state: StateStore,
    /// The router of this process, which is told about alerts.
    pub(crate) router: Alertmanager,
    pub(crate) query_timeout: Duration,
    /// The memory of expressions of rules, which is not that of users' queries.
    pub(crate) query_memory: QueryMemory,
    /// The URL under which users reach the server.
    pub(crate) external_url: String,
}

/// The rules that run, and who is told what they find.
#[derive(Clone)]
pub(crate) struct Rules {
    pub(crate) manager: Manager,
    pub(crate) told: Arc<Told>,
    pub(crate) lint: RuleLint,
}

impl Rules {
    /// Evaluates the rules of a configuration. What is known of alerts from before is read first.
    pub(crate) fn start(
        args: &RulesArgs,
        surroundings: Surroundings,
        config: &Checked,
        scrape: &ScrapeManager,
    ) -> anyhow::Result<Self> {
        tokio::task::block_in_place(|| {
            let rules = Self::new(args, surroundings)?;
            rules.apply(config, scrape).map_err(anyhow::Error::msg)?;
            Ok(rules)
        })
    }

    fn new(args: &RulesArgs, surroundings: Surroundings) -> anyhow::Result<Self> {
        let Surroundings {
            engine,
            appender,
            clock,
            state,
            router,
            query_timeout,
            query_memory,
            external_url,
        } = surroundings;
        let store: Arc<dyn Queryable> = Arc::new(appender.store.clone());
        let (external_labels, tenant) = (Labels::empty(), Tenant::default());
        let told = Arc::new(Told::new(router, Arc::clone(&clock)));
        let manager = Manager::new(ManagerOptions {
            environment: Environment { engine, appender, tenant, external_labels, external_url },
            clock,
            sink: Arc::<Told>::clone(&told),
            state: Some(state),
            store: Some(store),
            query_timeout,
            query_memory,
            max_concurrent_evals: args.max_concurrent_evals,
            resend_delay_ms: args.resend_delay_ms,
            outage_tolerance_ms: args.outage_tolerance_ms,
            for_grace_period_ms: args.for_grace_period_ms,
        })?;
        Ok(Self { manager, told, lint: RuleLint::default() })
    }

    /// Evaluates these rules of a configuration from now on, and tells whom it names. Nothing changes if certificates of Alertmanagers cannot be read. Blocks, and
    /// must be called with tokio around.
    pub(crate) fn apply(&self, checked: &Checked, scrape: &ScrapeManager) -> Result<(), String> {
        let Checked { config, rules, catalogue, .. } = checked;
        self.told.apply(config, scrape).map_err(|error| format!("alerting.alertmanagers: {error}"))?;
        let defaults = GroupDefaults {
            interval_ms: config.global.evaluation_interval_ms,
            query_offset_ms: config.global.rule_query_offset_ms,
        };
        let external_labels = Labels::from_pairs(&config.global.external_labels);
        self.manager.apply(rules.groups.clone(), defaults, external_labels);
        self.lint.look_at(config, catalogue, rules.clone());
        Ok(())
    }

    /// Ends evaluations, then sends what others have not been told yet.
    pub(crate) async fn shutdown(&self) {
        if !self.manager.shutdown(Instant::now() + EVALUATION_DRAIN).await {
            tracing::warn!("some rules were still being evaluated");
        }
        if !self.told.external.shutdown(Instant::now() + SENDING_DRAIN).await {
            tracing::warn!("some alerts could not be sent to other Alertmanagers in time");
        }
    }
}
