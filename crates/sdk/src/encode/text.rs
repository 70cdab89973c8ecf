//! The text formats.

use bellwether_exposition::{
    Family, Number, OutputFormat, Part, Sample, Writer, render_label_name, render_label_value,
};

use super::lines::Lines;
use super::{Sink, with_exemplar};
use crate::alias::Named;
use crate::core::Core;
use crate::counter::CounterHandle;
use crate::exemplar::Exemplar;
use crate::gauge::GaugeHandle;
use crate::histogram::HistogramHandle;
use crate::kind::Kind;
use crate::labels::Values;
use crate::native::NativeHistogramHandle;
use crate::record::{Record, ValueBytes};
use crate::sharded::ShardedCounterHandle;
use crate::state_set;
use crate::summary::SummaryHandle;

impl Sink for Writer<'_> {
    fn family(&mut self, family: &Family<'_>) {
        self.family(family);
    }

    fn number(&mut self, label: &str, value: &str, number: Number) {
        self.sample(&Sample::new(Part::Value, number), [(label, value)]);
    }
}

/// Writes a family and its series, if there are some.
pub(super) fn family(writer: &mut Writer<'_>, named: Named, format: OutputFormat) {
    let core = named.core;
    let mut records = core.records().peekable();
    if records.peek().is_none() {
        return;
    }
    writer.family(&named.metadata());
    let mut lines = Lines::new(writer, named, format);
    match &core.description.kind {
        Kind::Counter { has_exemplars: false } | Kind::ObservedCounter => {
            return lines.write(writer, records, |record| counter(CounterHandle::of(false, record)));
        }
        Kind::ShardedCounter => {
            return lines
                .write(writer, records, |record| Number::Count(ShardedCounterHandle::of(record).get()));
        }
        Kind::Gauge { .. } => {
            return lines
                .write(writer, records, |record| Number::Float(GaugeHandle::of(false, record).get()));
        }
        _ => {}
    }
    let mut labels = LabelText::new(named, format);
    for record in records {
        labels.render(core, record);
        series(writer, named, record, &mut labels);
    }
}

/// A count is written as one as long as nobody added a fraction.
fn counter(handle: CounterHandle) -> Number {
    match handle.parts() {
        (whole, 0.0) => Number::Count(whole),
        (whole, rest) => Number::Float(whole as f64 + rest),
    }
}

fn series(writer: &mut Writer<'_>, named: Named, record: Record, labels: &mut LabelText) {
    let (core, may_have_exemplars) = (named.core, named.may_have_exemplars());
    let mut write = |part, bound, value, exemplar: Option<Exemplar>| {
        with_exemplar(exemplar.filter(|_| may_have_exemplars), |exemplar| {
            let sample = Sample { bound, exemplar, ..Sample::new(part, value) };
            writer.rendered_sample(&sample, &labels.text);
        });
    };
    match &core.description.kind {
        Kind::Counter { has_exemplars } => {
            let handle = CounterHandle::of(*has_exemplars, record);
            write(Part::Value, None, counter(handle), handle.exemplar());
        }
        Kind::ObservedCounter | Kind::ShardedCounter | Kind::Gauge { .. } => {
            unreachable!("BUG: lines of one number are written by `Lines`");
        }
        Kind::Histogram { bounds, has_exemplars } => {
            let histogram = HistogramHandle::of(bounds, *has_exemplars, record);
            let (sum, counts) = histogram.read();
            let mut exemplars = histogram.exemplars();
            let mut count = 0;
            for (bound, n) in bounds.iter().chain([&f64::INFINITY]).zip(counts) {
                count += n;
                let exemplar = exemplars.next().flatten();
                write(Part::Bucket, Some(*bound), Number::Count(count), exemplar);
            }
            write(Part::Sum, None, Number::Float(sum), None);
            write(Part::Count, None, Number::Count(count), None);
        }
        Kind::NativeHistogram(shape) => {
            let histogram = NativeHistogramHandle::of(shape, record);
            let classic = histogram.classic();
            let counts = classic.cumulative.iter().chain([&classic.count]);
            let bounds = shape.bounds.iter().chain([&f64::INFINITY]);
            for ((bound, count), exemplar) in bounds.zip(counts).zip(&classic.exemplars) {
                write(Part::Bucket, Some(*bound), Number::Count(*count), *exemplar);
            }
            write(Part::Sum, None, Number::Float(histogram.sum()), None);
            write(Part::Count, None, Number::Count(classic.count), None);
        }
        Kind::Summary(shape) => {
            let summary = SummaryHandle::of(shape, record);
            let distribution = summary.distribution();
            for rank in shape.quantiles {
                write(Part::Value, Some(*rank), Number::Float(distribution.quantile(*rank)), None);
            }
            let (count, sum) = summary.totals();
            write(Part::Sum, None, Number::Float(sum), None);
            write(Part::Count, None, Number::Count(count), None);
        }
        Kind::StateSet(_) => {
            let state = state_set::state(record.array());
            labels.each_state(core, |idx, labels| {
                let is_it = Number::Count(u64::from(state == Some(idx)));
                writer.rendered_sample(&Sample::new(Part::Value, is_it), labels);
            });
        }
        Kind::Info => write(Part::Value, None, Number::Count(1), None),
        Kind::Recent(_) => {}
    }
}

/// Renders the labels of one series of a family after the other.
struct LabelText {
    /// Of each label what stands in front of its value, and the ends of all values if they are a closed set.
    fields: Vec<(String, Option<Vec<String>>)>,
    /// Of a state set: what stands in front of the state, and the states.
    states: (String, Vec<String>),
    text: String,
    open: ValueBytes,
}

impl LabelText {
    fn new(named: Named, format: OutputFormat) -> Self {
        let core = named.core;
        let rendered = |value: &&str| {
            let mut out = String::new();
            render_label_value(&mut out, value);
            out
        };
        let mut fields = Vec::new();
        for (idx, field) in core.description.fields.iter().enumerate() {
            let mut name = String::from(if idx == 0 { "" } else { "," });
            render_label_name(&mut name, format.escaping, named.label(field.name));
            let closed = match field.values {
                Values::Closed(values) => Some(values.iter().map(rendered).collect()),
                Values::Open(_) => None,
            };
            fields.push((name, closed));
        }
        let states: &[&str] = match &core.description.kind {
            Kind::StateSet(states) => states,
            _ => &[],
        };
        let mut states = (String::new(), states.iter().map(rendered).collect());
        render_label_name(&mut states.0, format.escaping, named.metadata().name);
        Self { fields, states, text: String::new(), open: ValueBytes::default() }
    }

    /// Calls `write` with the labels of each state.
    fn each_state(&mut self, core: &Core, mut write: impl FnMut(usize, &str)) {
        if !core.description.fields.is_empty() {
            self.text.push(',');
        }
        self.text.push_str(&self.states.0);
        let len = self.text.len();
        for (idx, state) in self.states.1.iter().enumerate() {
            self.text.truncate(len);
            self.text.push_str(state);
            write(idx, &self.text);
        }
    }

    fn render(&mut self, core: &Core, record: Record) {
        let n_open = self.fields.iter().filter(|(_, closed)| closed.is_none()).count();
        record.read_values(core.description.n_cells, n_open, &mut self.open);
        self.text.clear();
        let mut closed_index = record.closed_index() as usize;
        let mut open = self.open.iter();
        for (name, closed) in &self.fields {
            self.text.push_str(name);
            match closed {
                Some(values) => {
                    self.text.push_str(&values[closed_index % values.len()]);
                    closed_index /= values.len();
                }
                None => render_label_value(&mut self.text, open.next().unwrap_or_default()),
            }
        }
    }
}
