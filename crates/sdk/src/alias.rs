//! Names that families had before.

use bellwether_exposition::{Family, MetricType, OutputFormat};

use crate::core::Core;

/// A name under which a family is exposed as well, while dashboards and alerts move to its own one.
///
/// ```
/// use bellwether_sdk::{Alias, Opts, Registry};
///
/// const OLD: &[Alias] = &[Alias::new("shop_hits_total")];
/// let registry = Registry::new();
/// registry.counter::<()>(Opts::new("cache_hits", "Hits.").aliases(OLD))?.inc();
/// let text = registry.text();
/// assert!(text.contains("\ncache_hits_total 1\n") && text.contains("\nshop_hits_total 1\n"));
/// # Ok::<(), bellwether_sdk::RegisterError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alias {
    name: &'static str,
    labels: &'static [(&'static str, &'static str)],
}

impl Alias {
    /// The name as it is exposed: with `_total` if the old counter had it. A counter without it has no type there, and an info without `_info` is a gauge, because formats know none without.
    pub const fn new(name: &'static str) -> Self {
        Self { name, labels: &[] }
    }

    /// Labels that are called otherwise under this name: the name that the family has for each, and the old one.
    #[must_use]
    pub const fn labels(self, labels: &'static [(&'static str, &'static str)]) -> Self {
        Self { labels, ..self }
    }

    /// The name without the suffix that its type adds, and that type.
    pub(crate) fn family(&self, metric_type: MetricType) -> (&'static str, MetricType) {
        let (suffix, otherwise) = match metric_type {
            MetricType::Counter => ("_total", MetricType::Unknown),
            MetricType::Info => ("_info", MetricType::Gauge),
            _ => return (self.name, metric_type),
        };
        self.name.strip_suffix(suffix).map_or((self.name, otherwise), |name| (name, metric_type))
    }

    pub(crate) fn renamed(&self) -> &'static [(&'static str, &'static str)] {
        self.labels
    }

    /// What a label of the family is called.
    pub(crate) fn label(&self, name: &'static str) -> &'static str {
        self.labels.iter().find(|(new, _)| *new == name).map_or(name, |(_, old)| old)
    }
}

/// A family under one of its names.
#[derive(Clone, Copy)]
pub(crate) struct Named {
    pub(crate) core: &'static Core,
    /// `None` for its own.
    alias: Option<&'static Alias>,
    aliases: &'static [Alias],
}

impl Named {
    /// A family under its own name, and under each of these.
    pub(crate) fn all(core: &'static Core, aliases: &'static [Alias]) -> impl Iterator<Item = Self> {
        std::iter::once(None).chain(aliases.iter().map(Some)).map(move |alias| Self { core, alias, aliases })
    }

    /// What is said about the family.
    pub(crate) fn metadata(self) -> Family<'static> {
        let it = &self.core.description;
        let metric_type = it.kind.metric_type();
        let (name, metric_type) =
            self.alias.map_or((it.name, metric_type), |alias| alias.family(metric_type));
        // A unit is the end of a name.
        let ends_in_unit = name.strip_suffix(it.unit).is_some_and(|rest| rest.ends_with('_'));
        Family { name, metric_type, help: it.help, unit: if ends_in_unit { it.unit } else { "" } }
    }

    /// What a label of the family is called.
    pub(crate) fn label(self, name: &'static str) -> &'static str {
        self.alias.map_or(name, |alias| alias.label(name))
    }

    /// Whether the format has a way to say it: to OpenMetrics a counter and its name without `_total` are one family.
    pub(crate) fn fits(self, format: OutputFormat) -> bool {
        let metric_type = self.core.description.kind.metric_type();
        let it = self.metadata();
        let has_suffix = it.metric_type == metric_type;
        let is_there_with_suffix = it.name == self.core.description.name
            || self.aliases.iter().any(|alias| alias.family(metric_type) == (it.name, metric_type));
        has_suffix || !is_there_with_suffix || !format.syntax.is_openmetrics()
    }

    /// Whether exemplars may stand there: formats have none for what has no type.
    pub(crate) fn may_have_exemplars(self) -> bool {
        self.metadata().metric_type != MetricType::Unknown
    }
}
