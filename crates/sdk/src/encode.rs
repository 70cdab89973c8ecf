//! From records to an exposition.

use bellwether_exposition::{
    Family, MetricType, Number, OutputFormat, Part, Sample, Writer, render_label_name, render_label_value,
};

use std::sync::Arc;

use crate::collector;
use crate::core::Core;
use crate::counter::CounterHandle;
use crate::gauge::GaugeHandle;
use crate::histogram::HistogramHandle;
use crate::labels::Values;
use crate::record::{Record, ValueBytes};
use crate::state_set;

/// Values that went to an overflow series.
const OVERFLOW: Family<'_> = Family {
    name: "bellwether_sdk_overflow",
    metric_type: MetricType::Counter,
    help: "Values that went to the overflow series of a family because of a limit.",
    unit: "",
};

pub(crate) fn encode(
    families: &[&'static Core],
    collectors: &[Arc<collector::State>],
    out: &mut String,
    format: OutputFormat,
) {
    let mut writer = Writer::new(out, format);
    for core in families {
        let mut labels = LabelText::new(core, format);
        let mut records = core.records().peekable();
        if records.peek().is_none() {
            continue;
        }
        writer.family(&Family {
            name: core.description.name,
            metric_type: core.description.metric_type,
            help: core.description.help,
            unit: core.description.unit,
        });
        for record in records {
            labels.render(core, record);
            series(&mut writer, core, record, &mut labels);
        }
    }
    let overflowed = || families.iter().filter(|core| core.overflowed() > 0);
    if overflowed().next().is_some() {
        writer.family(&OVERFLOW);
        for core in overflowed() {
            let sample = Sample::new(Part::Value, Number::Count(core.overflowed()));
            writer.sample(&sample, [("family", core.description.name)]);
        }
    }
    collector::encode(collectors, &mut writer);
    writer.finish();
}

fn series(writer: &mut Writer<'_>, core: &Core, record: Record, labels: &mut LabelText) {
    if core.description.metric_type == MetricType::StateSet {
        let state = state_set::state(record.array());
        return labels.each_state(core, |idx, labels| {
            let is_it = Number::Count(u64::from(state == Some(idx)));
            writer.rendered_sample(&Sample::new(Part::Value, is_it), labels);
        });
    }
    let labels = labels.text.as_str();
    let mut write = |part, bound, value| {
        writer.rendered_sample(&Sample { bound, ..Sample::new(part, value) }, labels);
    };
    match core.description.metric_type {
        MetricType::Counter => match CounterHandle::of(record).parts() {
            (whole, 0.0) => write(Part::Value, None, Number::Count(whole)),
            (whole, rest) => write(Part::Value, None, Number::Float(whole as f64 + rest)),
        },
        MetricType::Histogram => {
            let (sum, counts) = HistogramHandle::of(core.description.bounds, record).read();
            let mut count = 0;
            for (bound, n) in core.description.bounds.iter().chain([&f64::INFINITY]).zip(counts) {
                count += n;
                write(Part::Bucket, Some(*bound), Number::Count(count));
            }
            write(Part::Sum, None, Number::Float(sum));
            write(Part::Count, None, Number::Count(count));
        }
        MetricType::Info => write(Part::Value, None, Number::Count(1)),
        _ => write(Part::Value, None, Number::Float(GaugeHandle::of(record).get())),
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
    fn new(core: &Core, format: OutputFormat) -> Self {
        let rendered = |value: &&str| {
            let mut out = String::new();
            render_label_value(&mut out, value);
            out
        };
        let mut fields = Vec::new();
        for (idx, field) in core.description.fields.iter().enumerate() {
            let mut name = String::from(if idx == 0 { "" } else { "," });
            render_label_name(&mut name, format.escaping, field.name);
            let closed = match field.values {
                Values::Closed(values) => Some(values.iter().map(rendered).collect()),
                Values::Open(_) => None,
            };
            fields.push((name, closed));
        }
        let mut states = (String::new(), core.description.states.iter().map(rendered).collect());
        render_label_name(&mut states.0, format.escaping, core.description.name);
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
