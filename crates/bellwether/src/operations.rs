//! What the HTTP surface may ask of the program: reload, quit, the configuration in use.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bellwether::config::{AlertmanagerSetup, Config, LoadOptions, Loaded};
use bellwether_alerts::alertmanager::Alertmanager;
use bellwether_api::{ClockJumps, LastReload, Operations, QueryLog, ReloadFailure};
use bellwether_model::Clock;
use bellwether_packs::catalogue::Catalogue;
use bellwether_packs::live::LiveCheck;
use bellwether_promql::syntax::ParserOptions;
use bellwether_rules::slo::{LiveObjectives, Objective};
use bellwether_scrape::ScrapeManager;
use bellwether_tsdb::Tsdb;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::alertmanager::{AlertmanagerSource, Sender};
use crate::cli::StorageArgs;
use crate::clock_watch::ClockWatch;
use crate::files;
use crate::rules::{RuleSet, Rules};
use crate::slo::inhibition;
use crate::storage::{self, Retention};
use crate::web::Web;

/// So many problems of a reload that failed are told by the status.
const PROBLEMS_KEPT: usize = 50;

/// Where the configuration comes from.
#[derive(Debug, Clone, Default)]
pub(crate) struct ConfigSource {
    /// The file, if there is one.
    pub(crate) file: Option<PathBuf>,
    /// The configuration to use if there is no file, as YAML.
    pub(crate) fallback: String,
    /// Further jobs and rule files, as YAML: those of the demo fleet.
    pub(crate) extra: Vec<String>,
    /// What is watched beside the objectives of the configuration: those of the demo fleet.
    pub(crate) objectives: Vec<Objective>,
    /// Who is told about alerts.
    pub(crate) alertmanager: AlertmanagerSource,
    /// Which parts of the query language rules may use.
    pub(crate) parser: ParserOptions,
    /// How the HTTP surface is protected.
    pub(crate) web: Arc<Web>,
}

impl ConfigSource {
    /// Reads and checks everything: the configuration, the files that it includes, and the rule files. The error has a line per problem.
    pub(crate) fn load(&self) -> Result<Checked, String> {
        let options = LoadOptions::from_process;
        let loaded = match &self.file {
            Some(file) => Config::load(file, options()),
            None => Config::parse("built-in configuration", self.fallback.as_bytes(), options()),
        };
        let loaded = loaded.map_err(|errors| errors.to_string())?;
        for warning in &loaded.warnings {
            tracing::warn!(%warning, "configuration");
        }
        let Loaded { mut config, job_places, catalogue, mut slos, .. } = loaded;
        // Credentials may come later, and a rule file may be meant to; the server runs without them, as Prometheus does.
        for problem in files::unreadable(&config, &job_places) {
            tracing::warn!(%problem, "configuration");
        }
        for extra in &self.extra {
            let extra =
                Config::parse("demo fleet", extra.as_bytes(), options()).map_err(|e| e.to_string())?;
            config.scrape_configs.extend(extra.config.scrape_configs);
            config.rule_files.extend(extra.config.rule_files);
        }
        slos.extend(self.objectives.iter().cloned());
        let read = (self.alertmanager.load(&config), RuleSet::load(&config, &slos, self.parser));
        let (mut alertmanager, rules) = match read {
            (Ok(alertmanager), Ok(rules)) => (alertmanager, rules),
            (Err(of_alertmanager), Err(of_rules)) => return Err(format!("{of_alertmanager}\n{of_rules}")),
            (Err(problems), Ok(_)) | (Ok(_), Err(problems)) => return Err(problems),
        };
        if config.rules.inhibit_slower_burns && !slos.is_empty() {
            alertmanager = alertmanager.with_built_in_inhibition(inhibition(&slos));
        }
        Ok(Checked { config, alertmanager, rules, job_places, catalogue, slos })
    }
}

/// A configuration whose files are all readable and valid.
pub(crate) struct Checked {
    pub(crate) config: Config,
    /// The Alertmanager's own configuration.
    pub(crate) alertmanager: AlertmanagerSetup,
    /// The rules of its files and objectives.
    pub(crate) rules: RuleSet,
    job_places: BTreeMap<String, String>,
    /// The packs in use.
    pub(crate) catalogue: Catalogue,
    /// The objectives to watch.
    pub(crate) slos: Vec<Objective>,
}

impl Checked {
    /// Makes the jobs of the configuration those that are scraped.
    pub(crate) async fn apply(&self, scrape: &ScrapeManager) -> Result<(), String> {
        scrape.apply(self.config.scrape_configs.clone()).await.map_err(|error| {
            match error.job().and_then(|job| self.job_places.get(job)) {
                Some(place) => format!("{place}: {error}"),
                None => error.to_string(),
            }
        })
    }
}

/// Opens the file in which the configuration wants queries to be logged, if it names one.
pub(crate) fn open_query_log(config: &Config) -> Result<Option<File>, String> {
    let path = &config.global.query_log_file;
    if path.as_os_str().is_empty() {
        return Ok(None);
    }
    let opened = QueryLog::open(path);
    opened.map(Some).map_err(|e| format!("query_log_file {}: {e}", path.display()))
}

/// Problems as they are kept: those at the front, if there are very many. The log has them all.
fn first_lines(problems: &str) -> String {
    let mut lines: Vec<&str> = problems.lines().take(PROBLEMS_KEPT).collect();
    let left = problems.lines().skip(PROBLEMS_KEPT).count();
    let more = format!("and {left} more problems, which are in the log");
    if left > 0 {
        lines.push(&more);
    }
    lines.join("\n")
}

/// The running program.
pub(crate) struct Program {
    source: ConfigSource,
    store: Tsdb,
    storage: StorageArgs,
    scrape: ScrapeManager,
    rules: Rules,
    packs: Arc<LiveCheck>,
    slos: Arc<LiveObjectives>,
    query_log: Arc<QueryLog>,
    alertmanager: (Alertmanager, Sender),
    clock: Arc<dyn Clock>,
    clock_watch: Arc<ClockWatch>,
    stop: CancellationToken,
    state: Mutex<Current>,
    reloading: Mutex<()>,
}

struct Current {
    loaded: Checked,
    last_reload: LastReload,
}

impl Program {
    /// A program that runs on `loaded`.
    pub(crate) fn new(
        source: ConfigSource,
        loaded: Checked,
        store: (Tsdb, StorageArgs),
        (scrape, rules, packs, slos): (ScrapeManager, Rules, Arc<LiveCheck>, Arc<LiveObjectives>),
        (query_log, alertmanager): (Arc<QueryLog>, (Alertmanager, Sender)),
        (clock, clock_watch): (Arc<dyn Clock>, Arc<ClockWatch>),
        stop: CancellationToken,
    ) -> Self {
        let (store, storage) = store;
        let last_reload = LastReload { loaded_at_ms: clock.now_ms(), failure: None };
        Self {
            source,
            store,
            storage,
            scrape,
            rules,
            packs,
            slos,
            query_log,
            alertmanager,
            clock,
            clock_watch,
            stop,
            state: Mutex::new(Current { loaded, last_reload }),
            reloading: Mutex::default(),
        }
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Operations for Program {
    fn reload(&self) -> Result<(), String> {
        // One after the other, so that the file that was read last wins.
        let _one_at_a_time = self.reloading.lock().unwrap_or_else(PoisonError::into_inner);
        tracing::debug!("reading the configuration again");
        let read = self.source.web.read().and_then(|web| Ok((web, self.source.load()?)));
        let applied = read.and_then(|(web, checked)| {
            // The file is opened anew even under the same name: whoever rotates logs has moved the old one away.
            let query_log = open_query_log(&checked.config)?;
            // This runs on a thread that may block.
            let (alertmanager, sender) = &self.alertmanager;
            sender.set_config(alertmanager, &checked.alertmanager)?;
            let jobs = Handle::current().block_on(checked.apply(&self.scrape));
            let all = jobs.and_then(|()| self.rules.apply(&checked, &self.scrape));
            if let Err(problem) = all {
                // All of it or nothing.
                sender.set_config(alertmanager, &self.current().loaded.alertmanager)?;
                return Err(problem);
            }
            self.source.web.set(web);
            self.query_log.set_file(query_log);
            self.store.set_limits(storage::limits(&self.storage, &checked.config));
            self.packs.set_catalogue(checked.catalogue.clone());
            self.slos.set(checked.slos.clone());
            self.store.set_tenant_limits(storage::tenant_limits(&checked.config));
            Ok(checked)
        });
        match applied {
            Ok(checked) => {
                let mut current = self.current();
                current.loaded = checked;
                current.last_reload = LastReload { loaded_at_ms: self.clock.now_ms(), failure: None };
                tracing::info!("configuration reloaded");
                Ok(())
            }
            Err(problems) => {
                let failure = ReloadFailure { at_ms: self.clock.now_ms(), reason: first_lines(&problems) };
                self.current().last_reload.failure = Some(failure);
                tracing::error!(%problems, "configuration not reloaded, the old one stays in use");
                Err(problems)
            }
        }
    }

    fn quit(&self) {
        self.stop.cancel();
    }

    fn config_yaml(&self) -> String {
        self.current().loaded.config.to_yaml()
    }

    fn retention(&self) -> String {
        Retention::new(&self.storage, &self.current().loaded.config).to_string()
    }

    fn last_reload(&self) -> LastReload {
        self.current().last_reload.clone()
    }

    fn clock_jumps(&self) -> ClockJumps {
        self.clock_watch.jumps()
    }

    fn external_labels(&self) -> Vec<(String, String)> {
        let current = self.current();
        let labels = &current.loaded.config.global.external_labels;
        labels.iter().map(|(n, v)| (n.clone(), v.clone())).collect()
    }

    fn unsupported(&self) -> Vec<String> {
        self.current().loaded.config.unsupported().iter().map(ToString::to_string).collect()
    }
}
