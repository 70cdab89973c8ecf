//! From files to [`Config`].

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bellwether_packs::catalogue::Catalogue;
use bellwether_rules::slo::Objective;
use bellwether_scrape::config::{ScrapeConfig, ScrapeSpec, matching_files};
use bellwether_wire::config::{OtlpConfig, RemoteReadConfig, RemoteWriteConfig, RemoteWriteSpec};
use bellwether_yaml::{At, Decode, Dialect, Document, Error, Errors, MapReader, Node, Reported};

use super::alerting::AlertingSpec;
use super::alertmanager::{self, Findings};
use super::error::{ConfigErrors, SectionError};
use super::expand::expand;
use super::file::{Config, Owner};
use super::global::GlobalConfig;
use super::include::{IncludedFile, read_patterns};
use super::limits::LimitsConfig;
use super::packs;
use super::rules::RulesConfig;
use super::runtime::RuntimeConfig;
use super::slos::Slos;
use super::storage::StorageConfig;
use super::tracing::TracingConfig;
use super::warning::{Place, Warning};

/// Whether the server stores samples itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// It does.
    #[default]
    Server,
    /// It only sends them on, and has neither rules nor alerts.
    Agent,
}

/// What loading takes from its surroundings.
#[derive(Clone, Copy)]
pub struct LoadOptions<'a> {
    /// Which sections are allowed.
    pub mode: Mode,
    /// The value of an environment variable, for references in `external_labels`.
    pub environment: &'a dyn Fn(&str) -> Option<String>,
}

impl LoadOptions<'static> {
    /// A server with the environment of the process.
    pub fn from_process() -> Self {
        Self { mode: Mode::Server, environment: &|name| std::env::var(name).ok() }
    }
}

/// A configuration, and what its author should know about it.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// Everything the program runs on.
    pub config: Config,
    /// What will surprise.
    pub warnings: Vec<Warning>,
    /// Where each job stands, as `FILE:LINE:COLUMN`, for problems that show only when the job is started.
    pub job_places: BTreeMap<String, String>,
    /// The packs that come with the program, and those of the files that the configuration names.
    pub catalogue: Catalogue,
    /// The objectives of the files that the configuration names.
    pub slos: Vec<Objective>,
}

impl Config {
    /// Reads the file `path` and the files that it includes. Packs and objectives are read, rule files are not.
    pub fn load(path: &Path, options: LoadOptions<'_>) -> Result<Loaded, ConfigErrors> {
        let name = path.to_string_lossy();
        match std::fs::read(path) {
            Ok(bytes) => Self::parse(&name, &bytes, options),
            Err(error) => {
                let errors = Error::in_file(name.into_owned(), error).into();
                Err(ConfigErrors { errors, texts: BTreeMap::new() })
            }
        }
    }

    /// Reads a configuration from memory; `name` is its file name, in whose folder relative file names start.
    pub fn parse(name: &str, bytes: &[u8], options: LoadOptions<'_>) -> Result<Loaded, ConfigErrors> {
        let mut loader = Loader {
            options,
            errors: Errors::new(),
            warnings: Vec::new(),
            texts: BTreeMap::new(),
            jobs: BTreeMap::new(),
            catalogue: Catalogue::built_in(),
            slos: Slos::default(),
        };
        let config = loader.read_main(name, bytes);
        match config {
            Some(config) if loader.errors.is_empty() => {
                let places = loader.jobs.into_iter().map(|(job, place)| (job, place.to_string()));
                Ok(Loaded {
                    config,
                    warnings: loader.warnings,
                    job_places: places.collect(),
                    catalogue: loader.catalogue,
                    slos: loader.slos.into_objectives(),
                })
            }
            _ => Err(ConfigErrors { errors: loader.errors, texts: loader.texts }),
        }
    }
}

/// The file as the user wrote it. Elements that could not be read are left out and in the list of errors.
struct FileSpec<'d> {
    global: At<'d, GlobalConfig>,
    /// Whether the `global` section could not be read, so that nothing that depends on it can be checked.
    global_failed: bool,
    runtime: Option<At<'d, RuntimeConfig>>,
    alerting: At<'d, AlertingSpec<'d>>,
    alertmanager: Option<Node<'d>>,
    rule_files: At<'d, Vec<PathBuf>>,
    rules: RulesConfig,
    scrape_config_files: Vec<PathBuf>,
    scrape_configs: Vec<ScrapeSpec<'d>>,
    storage: StorageConfig,
    limits: LimitsConfig,
    packs: Vec<At<'d, PathBuf>>,
    slos: Vec<At<'d, PathBuf>>,
    tracing: Option<TracingConfig>,
    remote_write: Vec<At<'d, RemoteWriteSpec<'d>>>,
    remote_read: Vec<At<'d, RemoteReadConfig>>,
    otlp: At<'d, OtlpConfig>,
}

impl<'d> Decode<'d> for FileSpec<'d> {
    fn type_name() -> Cow<'static, str> {
        "config.plain".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "config.plain", errors)?;
        let global = map.optional("global");
        let global_failed = map.has_failed();
        let file = Self {
            global: global.unwrap_or(At { value: GlobalConfig::default(), node }),
            global_failed,
            runtime: map.optional("runtime"),
            alerting: At { value: map.or_default("alerting"), node: map.place("alerting") },
            alertmanager: map.get("alertmanager"),
            rule_files: At {
                value: values(read_patterns(&mut map, "rule_files", "rule")),
                node: map.place("rule_files"),
            },
            rules: map.or_default("rules"),
            scrape_config_files: values(read_patterns(&mut map, "scrape_config_files", "scrape config")),
            scrape_configs: map.list("scrape_configs", "empty or null scrape config section"),
            storage: map.or_default("storage"),
            limits: map.or_default("limits"),
            packs: read_patterns(&mut map, "packs", "pack"),
            slos: read_patterns(&mut map, "slos", "objectives"),
            tracing: map.optional("tracing"),
            remote_write: map.list("remote_write", "empty or null remote write config section"),
            remote_read: map.list("remote_read", "empty or null remote read config section"),
            otlp: At { value: map.or_default("otlp"), node: map.place("otlp") },
        };
        // What could be read is still checked, so that one run reports as much as possible.
        let _ = map.finish();
        Ok(file)
    }
}

fn values<T>(list: Vec<At<'_, T>>) -> Vec<T> {
    list.into_iter().map(|at| at.value).collect()
}

struct Loader<'a> {
    options: LoadOptions<'a>,
    errors: Errors,
    warnings: Vec<Warning>,
    texts: BTreeMap<String, Arc<str>>,
    /// The names of the jobs so far, with their places.
    jobs: BTreeMap<String, Place>,
    catalogue: Catalogue,
    slos: Slos,
}

impl Loader<'_> {
    fn read_main(&mut self, name: &str, bytes: &[u8]) -> Option<Config> {
        let document = self.parse_document(name, bytes)?;
        if document.has_more() {
            let message =
                "only the first document of the file is read; what follows the next \"---\" has no effect";
            self.warnings.push(Warning::at(document.root(), message));
        }
        let file = FileSpec::decode(document.root(), &mut self.errors).ok()?;
        self.check_mode(&file);
        self.check_remote_names(&file);
        if file.global_failed {
            return None;
        }
        self.resolve(file)
    }

    fn resolve(&mut self, file: FileSpec<'_>) -> Option<Config> {
        let mut global = file.global.value;
        let scheme = global.scrape.validation_scheme;
        if let Err(error) = file.otlp.value.translation_strategy.check(scheme) {
            self.errors.reject(file.otlp.node.place("translation_strategy"), error);
        }
        if let Some(runtime) = &file.runtime {
            let message = "runtime.gogc has no effect: Bellwether has no garbage collector to tune";
            self.warnings.push(Warning::at(runtime.node, message));
        }
        let mut scrape_configs = Vec::with_capacity(file.scrape_configs.len());
        for spec in file.scrape_configs {
            scrape_configs.extend(self.resolve_job(spec, &global));
        }
        let n_own_scrape_configs = scrape_configs.len();
        for path in file.scrape_config_files.iter().flat_map(|pattern| matching_files(pattern)) {
            self.read_included(&path, &global, &mut scrape_configs);
        }
        packs::read(&file.packs, &mut self.catalogue, &mut self.errors, &mut self.texts);
        self.slos.read(&file.slos, &mut self.errors, &mut self.texts);
        let alerting = file.alerting.value.resolve(scheme, &mut self.errors);
        let alertmanager = file.alertmanager.and_then(|node| {
            let Self { errors, warnings, texts, .. } = self;
            alertmanager::read(node, &mut Findings { errors, warnings, texts }).ok()
        });
        let write_places: Vec<Place> = file.remote_write.iter().map(|at| Place::of(at.node)).collect();
        let remote_write: Vec<RemoteWriteConfig> = file
            .remote_write
            .into_iter()
            .filter_map(|spec| spec.value.resolve(scheme, &mut self.errors).ok())
            .collect();
        self.expand_external_labels(file.global.node, &mut global);
        let config = Config {
            global,
            runtime: file.runtime.map(|at| at.value).unwrap_or_default(),
            alerting: alerting.ok()?,
            alertmanager,
            rule_files: file.rule_files.value,
            rules: file.rules,
            scrape_config_files: file.scrape_config_files,
            scrape_configs,
            n_own_scrape_configs,
            storage: file.storage,
            limits: file.limits,
            packs: values(file.packs),
            slos: values(file.slos),
            tracing: file.tracing,
            remote_write,
            remote_read: file.remote_read.into_iter().map(|at| at.value).collect(),
            otlp: file.otlp.value,
        };
        self.warn_unsupported(&config, &Place::of(file.alerting.node), &write_places);
        Some(config)
    }

    fn warn_unsupported(&mut self, config: &Config, alerting: &Place, remote_write: &[Place]) {
        for unsupported in config.unsupported() {
            let place = match &unsupported.owner {
                Owner::Job(name) => self.jobs.get(name),
                Owner::Alertmanager(_) => Some(alerting),
                Owner::RemoteWrite(idx) => remote_write.get(*idx),
            };
            let warning = place.map(|place| place.clone().warning(unsupported.to_string()));
            self.warnings.extend(warning);
        }
    }

    fn resolve_job(&mut self, spec: ScrapeSpec<'_>, global: &GlobalConfig) -> Option<ScrapeConfig> {
        let At { value: name, node } = spec.job_name.clone();
        match self.jobs.entry(name) {
            Entry::Vacant(vacant) => {
                vacant.insert(Place::of(node));
            }
            Entry::Occupied(first) => {
                let refusal =
                    SectionError::DuplicateJob { name: first.key().clone(), first: first.get().to_string() };
                self.errors.reject(node, refusal);
            }
        }
        spec.resolve(&global.scrape, &mut self.errors).ok()
    }

    /// Reads a file with further jobs.
    fn read_included(&mut self, path: &Path, global: &GlobalConfig, jobs: &mut Vec<ScrapeConfig>) {
        let name = path.to_string_lossy();
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) => {
                self.errors.push(Error::in_file(name.into_owned(), error));
                return;
            }
        };
        let Some(document) = self.parse_document(&name, &bytes) else { return };
        let Ok(file) = IncludedFile::decode(document.root(), &mut self.errors) else { return };
        for spec in file.scrape_configs {
            jobs.extend(self.resolve_job(spec, global));
        }
    }

    fn parse_document(&mut self, name: &str, bytes: &[u8]) -> Option<Document> {
        self.texts.insert(name.to_owned(), String::from_utf8_lossy(bytes).into());
        Document::parse(name, bytes, Dialect::V2).map_err(|error| self.errors.push(error)).ok()
    }

    fn check_mode(&mut self, file: &FileSpec<'_>) {
        if self.options.mode == Mode::Server {
            return;
        }
        let mut refuse = |node: Node<'_>, section| {
            self.errors.reject(node, SectionError::NotInAgentMode(section));
        };
        if !file.alerting.value.is_empty() {
            refuse(file.alerting.node, "alerting");
        }
        if let Some(node) = file.alertmanager {
            refuse(node, "alertmanager");
        }
        if !file.rule_files.value.is_empty() {
            refuse(file.rule_files.node, "rule_files");
        }
        if let [first, ..] = file.slos.as_slice() {
            refuse(first.node, "slos");
        }
        if let [first, ..] = file.remote_read.as_slice() {
            refuse(first.node, "remote_read");
        }
    }

    /// Sections without a name get one later, so only given names can clash.
    fn check_remote_names(&mut self, file: &FileSpec<'_>) {
        let write: Vec<_> = file.remote_write.iter().map(|at| (at.value.name(), at.node)).collect();
        let read: Vec<_> = file.remote_read.iter().map(|at| (at.value.name.as_str(), at.node)).collect();
        self.check_names("remote write", &write);
        self.check_names("remote read", &read);
    }

    fn check_names(&mut self, kind: &'static str, names: &[(&str, Node<'_>)]) {
        for (idx, (name, node)) in names.iter().enumerate() {
            if !name.is_empty() && names[..idx].iter().any(|(earlier, _)| earlier == name) {
                let refusal = SectionError::DuplicateRemote { kind, name: (*name).to_owned() };
                self.errors.reject(node.place("name"), refusal);
            }
        }
    }

    fn expand_external_labels(&mut self, global_node: Node<'_>, global: &mut GlobalConfig) {
        for (label, value) in &mut global.external_labels {
            let expanded = expand(value, |variable| {
                let found = (self.options.environment)(variable).unwrap_or_default();
                if found.is_empty() {
                    let message =
                        format!("environment variable {variable:?} in external label {label:?} is empty");
                    self.warnings.push(Warning::at(global_node.place("external_labels"), message));
                }
                found
            });
            *value = expanded;
        }
    }
}
