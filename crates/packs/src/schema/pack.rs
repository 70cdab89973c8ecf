use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use bellwether_yaml::{Decode, Dialect, Document, Errors, MapReader, Node, Reported};

use super::alert::{Alert, Recording, RuleGroup, Slo};
use super::dashboard::{Dashboard, Panel};
use super::deploy::{Endpoint, HealthCheck, Receiver, Scrape, Service, Setting};
use super::expression::{
    Expressions, InSection, Named, Quantiles, Rates, Ratios, Section, Values, positive_duration,
};
use super::fix::{Fix, Fixes};
use super::metric::{Bounds, Buckets, Metric, MetricKind};
use super::spanned::Spanned;

/// A catalogue: what one kind of application exposes, and what is made of it.
#[derive(Debug, Clone)]
pub struct Pack {
    /// The file, for messages.
    pub source: String,
    /// The name, a word in snake case.
    pub name: Spanned<String>,
    /// The version, `MAJOR.MINOR.PATCH`.
    pub version: String,
    /// What people call it; the name if not given.
    pub title: String,
    /// A paragraph about it.
    pub description: String,
    /// What all names of metrics begin with; empty for nothing.
    pub namespace: String,
    /// How far back rates, ratios and quantiles look if they say nothing, in milliseconds.
    pub window_ms: i64,
    /// Lists of upper bounds for histograms.
    pub buckets: BTreeMap<String, Vec<f64>>,
    /// The metrics.
    pub metrics: Vec<Metric>,
    /// Metrics of others that expressions here may use: those that every target has (`up`), and those of other packs.
    pub external: BTreeMap<String, MetricKind>,
    /// The named expressions, in the order of the sections.
    pub named: Vec<Named>,
    /// Groups of rules with settings of their own.
    pub groups: Vec<RuleGroup>,
    /// Series that the server computes.
    pub recordings: Vec<Recording>,
    /// The alerts.
    pub alerts: Vec<Alert>,
    /// The objectives.
    pub slos: Vec<Slo>,
    /// The page with a heading for each alert and objective that says what to do, as people can open it.
    pub runbooks: Option<String>,
    /// The dashboards. `panels` at the top of a pack is one dashboard.
    pub dashboards: Vec<Dashboard>,
    /// What is scraped.
    pub scrape: Vec<Scrape>,
    /// Which services there are.
    pub services: Vec<Service>,
    /// Who is told about alerts.
    pub receivers: Vec<Receiver>,
    /// Where the Alertmanagers are, as `host:port`. Empty if the server that evaluates the rules notifies by itself.
    pub alertmanagers: Vec<Spanned<String>>,
    /// The routes of the application.
    pub endpoints: Vec<Endpoint>,
    /// What the application watches.
    pub health: Vec<HealthCheck>,
    /// The settings of the application.
    pub settings: Vec<Setting>,
    /// How many entries other documentation says there are, which lint compares.
    pub counts: Option<Counts>,
    /// Defects of the application's own guide, and what became of them.
    pub fixes: Vec<Fix>,
    /// Lint rules that do not apply to the whole pack, each with the reason.
    pub allow: BTreeMap<String, String>,
}

/// How many entries there should be.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    /// Of all metrics.
    pub metrics: Option<Spanned<usize>>,
    /// Of metrics by type.
    pub types: BTreeMap<String, Spanned<usize>>,
    /// Of metrics by group.
    pub groups: BTreeMap<String, Spanned<usize>>,
    /// Of alerts.
    pub alerts: Option<Spanned<usize>>,
    /// Of panels.
    pub panels: Option<Spanned<usize>>,
}

/// Why a pack could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The file cannot be read.
    #[error("{path}: {source}")]
    Read {
        /// The file.
        path: String,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The file is not a pack; every problem is listed with its place.
    #[error(transparent)]
    Invalid(#[from] Errors),
}

impl Pack {
    /// Reads a pack from disk.
    pub fn load(path: &Path) -> Result<Self, LoadError> {
        let name = path.display().to_string();
        let bytes = std::fs::read(path).map_err(|source| LoadError::Read { path: name.clone(), source })?;
        Ok(Self::parse(&name, &bytes)?)
    }

    /// Reads a pack. Every problem of its form is in the error; whether it makes sense is a matter of [`lint`](crate::lint::lint).
    pub fn parse(name: &str, bytes: &[u8]) -> Result<Self, Errors> {
        let document = Document::parse(name, bytes, Dialect::V3)?;
        let pack: Self = document.decode()?;
        if document.has_more() {
            let mut errors = Errors::new();
            errors.reject(document.root(), "a file holds one pack, and this one has a second YAML document");
            return Err(errors);
        }
        Ok(pack)
    }

    /// The metric called `name`.
    pub fn metric(&self, name: &str) -> Option<&Metric> {
        self.metrics.iter().find(|metric| metric.name.value == name)
    }

    /// The expression called `name`.
    pub fn named(&self, name: &str) -> Option<&Named> {
        self.named.iter().find(|named| named.name.value == name)
    }

    /// The upper bounds of a histogram or summary, without the infinite one; `None` if it has none or they are unknown.
    pub fn bounds<'p>(&'p self, metric: &'p Metric) -> Option<&'p [f64]> {
        match metric.buckets.as_ref()?.value {
            Buckets::Named(ref name) => self.buckets.get(name).map(Vec::as_slice),
            Buckets::Bounds(ref bounds) => Some(bounds),
        }
    }

    /// Where the runbook of the alert or objective called `name` is; `None` if the pack has no page of runbooks.
    pub fn runbook_url(&self, name: &str) -> Option<String> {
        self.runbooks.as_ref().map(|page| format!("{page}#{}", name.to_lowercase()))
    }

    /// All panels of all dashboards.
    pub fn panels(&self) -> impl Iterator<Item = &Panel> {
        self.dashboards.iter().flat_map(|dashboard| &dashboard.panels)
    }
}

impl<'d> Decode<'d> for Pack {
    fn type_name() -> Cow<'static, str> {
        "pack".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "pack", errors)?;
        let name: Spanned<String> = map.required("pack").unwrap_or_default();
        let version: String = map.required("version").unwrap_or_default();
        let title = map.optional("title").unwrap_or_else(|| name.value.clone());
        let mut dashboards: Vec<Dashboard> = map.list("dashboards", "a dashboard needs a title");
        let panels: Vec<Panel> = map.list("panels", "a panel needs a title");
        if let Some(first) = panels.first() {
            let position = first.position;
            let title = Spanned { value: title.clone(), position };
            dashboards.insert(0, Dashboard { title, uid: None, variables: Vec::new(), panels, position });
        }
        let buckets: BTreeMap<String, Bounds> = map.or_default("buckets");
        let mut named = section::<Ratios>(&mut map, "ratios");
        named.extend(section::<Quantiles>(&mut map, "quantiles"));
        named.extend(section::<Rates>(&mut map, "rates"));
        named.extend(section::<Values>(&mut map, "values"));
        named.extend(section::<Expressions>(&mut map, "expressions"));
        let pack = Self {
            source: node.source().to_string(),
            name,
            version,
            title,
            description: map.or_default("description"),
            namespace: map.or_default("namespace"),
            window_ms: map.parse_or("window", DEFAULT_WINDOW_MS, positive_duration),
            buckets: buckets.into_iter().map(|(name, bounds)| (name, bounds.0)).collect(),
            metrics: map.list("metrics", "a metric needs a name"),
            external: map.optional("external").unwrap_or_default(),
            named,
            groups: map.list("groups", "a group needs a name"),
            recordings: map.list("recordings", "a recording needs a name"),
            alerts: map.list("alerts", "an alert needs a name"),
            slos: map.list("slos", "an objective needs a name"),
            runbooks: map.optional("runbooks"),
            dashboards,
            scrape: map.list("scrape", "what is scraped needs a job"),
            services: map.list("services", "a service needs a name"),
            receivers: map.list("receivers", "a receiver needs a name"),
            alertmanagers: map.or_default("alertmanagers"),
            endpoints: map.list("endpoints", "an endpoint needs a path"),
            health: map.list("health", "a health check needs a name"),
            settings: map.list("settings", "a setting needs a name"),
            counts: map.optional("counts"),
            fixes: map.optional::<Fixes>("fixes").map(|fixes| fixes.0).unwrap_or_default(),
            allow: map.or_default("allow"),
        };
        check_words(&mut map, &pack);
        map.finish()?;
        Ok(pack)
    }
}

/// How far back rates look if nothing is said.
const DEFAULT_WINDOW_MS: i64 = 5 * 60_000;

fn section<S: Section>(map: &mut MapReader<'_, '_>, name: &'static str) -> Vec<Named> {
    let entries: Vec<InSection<S>> = map.list(name, "an entry needs a name");
    entries.into_iter().map(InSection::into_named).collect()
}

/// Names become file names, types and labels: what cannot be one is refused here.
fn check_words(map: &mut MapReader<'_, '_>, pack: &Pack) {
    let is_word = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
            && text.len() <= 60
    };
    if !pack.name.is_empty() && !is_word(&pack.name) {
        let place = map.place("pack");
        map.reject(place, format!("{:?} is not a word in lower case such as dag", pack.name.value));
    }
    let numbers: Vec<&str> = pack.version.split('.').collect();
    let is_version = numbers.len() == 3 && numbers.iter().all(|n| n.parse::<u32>().is_ok());
    if !pack.version.is_empty() && !is_version {
        let place = map.place("version");
        map.reject(place, format!("{:?} is not a version such as 1.0.0", pack.version));
    }
}

impl<'d> Decode<'d> for Counts {
    fn type_name() -> Cow<'static, str> {
        "pack.counts".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "pack.counts", errors)?;
        let counts = Self {
            metrics: map.optional("metrics"),
            types: map.or_default("types"),
            groups: map.or_default("groups"),
            alerts: map.optional("alerts"),
            panels: map.optional("panels"),
        };
        map.finish()?;
        Ok(counts)
    }
}
