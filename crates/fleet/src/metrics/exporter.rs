use bellwether_exposition::{EscapingScheme, render_labels};

use super::family::{Family, Kind};
use super::histogram::{Histogram, Trace};

/// The families and series of one process. Series are registered once, with all their label values, and addressed by handle.
#[derive(Debug, Default)]
pub(crate) struct Exporter {
    pub(crate) families: Vec<RegisteredFamily>,
}

/// A family with its series in the order of their registration.
#[derive(Debug)]
pub(crate) struct RegisteredFamily {
    pub(crate) family: &'static Family,
    pub(crate) series: Vec<Series>,
}

/// One label set and its value.
#[derive(Debug)]
pub(crate) struct Series {
    /// `name="value",...`, escaped, without braces; label values never change, so they are written once.
    pub(crate) labels: String,
    pub(crate) value: SeriesValue,
}

#[derive(Debug)]
pub(crate) enum SeriesValue {
    Counter(f64),
    /// `None` is not exposed: nothing is known yet.
    Gauge(Option<f64>),
    Histogram(Histogram),
}

/// Where a series stands in its exporter.
#[derive(Debug, Clone, Copy)]
struct Place {
    family: u16,
    series: u16,
}

/// Handle of a counter.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counter(Place);
/// Handle of a gauge.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gauge(Place);
/// Handle of a histogram.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HistogramId(Place);

impl Exporter {
    pub(crate) fn counter(&mut self, family: &'static Family, labels: &[&str]) -> Counter {
        assert!(matches!(family.kind, Kind::Counter), "BUG: {} is not a counter", family.name);
        Counter(self.register(family, labels, SeriesValue::Counter(0.0)))
    }

    pub(crate) fn gauge(&mut self, family: &'static Family, labels: &[&str]) -> Gauge {
        assert!(matches!(family.kind, Kind::Gauge), "BUG: {} is not a gauge", family.name);
        Gauge(self.register(family, labels, SeriesValue::Gauge(Some(0.0))))
    }

    pub(crate) fn histogram(&mut self, family: &'static Family, labels: &[&str]) -> HistogramId {
        let Kind::Histogram(bounds) = family.kind else { panic!("BUG: {} is not a histogram", family.name) };
        HistogramId(self.register(family, labels, SeriesValue::Histogram(Histogram::new(bounds))))
    }

    pub(crate) fn inc(&mut self, counter: Counter) {
        self.add(counter, 1.0);
    }

    pub(crate) fn add(&mut self, counter: Counter, by: f64) {
        debug_assert!(by >= 0.0, "BUG: a counter never falls");
        if let SeriesValue::Counter(value) = self.value(counter.0) {
            *value += by;
        }
    }

    pub(crate) fn set(&mut self, gauge: Gauge, to: impl Into<Option<f64>>) {
        if let SeriesValue::Gauge(value) = self.value(gauge.0) {
            *value = to.into();
        }
    }

    pub(crate) fn observe(&mut self, histogram: HistogramId, value: f64, traced: Option<(Trace, i64)>) {
        if let SeriesValue::Histogram(it) = self.value(histogram.0) {
            it.observe(value, traced);
        }
    }

    /// Starts from nothing, as a restarted process does. Handles stay valid.
    pub(crate) fn reset(&mut self) {
        for series in self.families.iter_mut().flat_map(|family| &mut family.series) {
            match &mut series.value {
                SeriesValue::Counter(value) => *value = 0.0,
                SeriesValue::Gauge(value) => *value = value.map(|_| 0.0),
                SeriesValue::Histogram(histogram) => histogram.reset(),
            }
        }
    }

    fn register(&mut self, family: &'static Family, values: &[&str], value: SeriesValue) -> Place {
        assert_eq!(family.labels.len(), values.len(), "BUG: {} has other labels", family.name);
        let idx = self.families.iter().position(|it| std::ptr::eq(it.family, family)).unwrap_or_else(|| {
            self.families.push(RegisteredFamily { family, series: Vec::new() });
            self.families.len() - 1
        });
        let pairs = family.labels.iter().copied().zip(values.iter().copied());
        let mut labels = String::new();
        // All names here are plain, so every scheme writes them alike.
        render_labels(&mut labels, EscapingScheme::Underscores, pairs);
        let all = &mut self.families[idx].series;
        all.push(Series { labels, value });
        Place { family: idx as u16, series: (all.len() - 1) as u16 }
    }

    fn value(&mut self, place: Place) -> &mut SeriesValue {
        &mut self.families[usize::from(place.family)].series[usize::from(place.series)].value
    }
}
