/// What kind of metric a family is, with the parameters that its series share.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Counter,
    Gauge,
    /// Finite upper bounds, increasing.
    Histogram(&'static [f64]),
}

/// One metric family of a platform's catalogue.
#[derive(Debug)]
pub(crate) struct Family {
    /// The family's name as OpenMetrics has it: a counter's without `_total`, an info's without `_info`.
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// What is counted or measured, in the catalogue's words (`seconds`, `requests`).
    pub(crate) unit: &'static str,
    pub(crate) help: &'static str,
    pub(crate) labels: &'static [&'static str],
}

impl Family {
    pub(crate) const fn counter(
        name: &'static str,
        unit: &'static str,
        labels: &'static [&'static str],
        help: &'static str,
    ) -> Self {
        Self { name, kind: Kind::Counter, unit, help, labels }
    }

    pub(crate) const fn gauge(
        name: &'static str,
        unit: &'static str,
        labels: &'static [&'static str],
        help: &'static str,
    ) -> Self {
        Self { name, kind: Kind::Gauge, unit, help, labels }
    }

    pub(crate) const fn histogram(
        name: &'static str,
        unit: &'static str,
        labels: &'static [&'static str],
        bounds: &'static [f64],
        help: &'static str,
    ) -> Self {
        Self { name, kind: Kind::Histogram(bounds), unit, help, labels }
    }
}
