//! From records to an exposition.
mod protobuf;
mod text;

use std::sync::Arc;

use bellwether_exposition::{
    EscapingScheme, Family, MetricType, Number, OutputFormat, ProtobufWriter, SampleExemplar, Writer,
};

use crate::collector;
use crate::core::Core;
use crate::exemplar::Exemplar;

/// Values that went to an overflow series.
const OVERFLOW: Family<'_> = Family {
    name: "bellwether_sdk_overflow",
    metric_type: MetricType::Counter,
    help: "Values that went to the overflow series of a family because of a limit.",
    unit: "",
};

/// What is exposed together.
pub(crate) struct Source<'s> {
    pub(crate) families: &'s [&'static Core],
    pub(crate) collectors: &'s [Arc<collector::State>],
}

/// What takes single numbers, in whatever format.
pub(crate) trait Sink {
    fn family(&mut self, family: &Family<'_>);

    /// A number of the family with one label.
    fn number(&mut self, label: &str, value: &str, number: Number);
}

impl Source<'_> {
    /// Appends everything in a text format.
    pub(crate) fn encode_text(&self, out: &mut String, format: OutputFormat) {
        let mut writer = Writer::new(out, format);
        for core in self.families {
            text::family(&mut writer, core, format);
        }
        self.encode_own(&mut writer);
        writer.finish();
    }

    /// Appends everything as protobuf.
    pub(crate) fn encode_protobuf(&self, out: &mut Vec<u8>, escaping: EscapingScheme) {
        let mut writer = ProtobufWriter::new(out, escaping);
        for core in self.families {
            protobuf::family(&mut writer, core, escaping);
        }
        self.encode_own(&mut protobuf::Numbers { writer: &mut writer, escaping });
        writer.finish();
    }

    /// What is known about the families and collectors themselves.
    fn encode_own(&self, sink: &mut impl Sink) {
        let overflowed = || self.families.iter().filter(|core| core.overflowed() > 0);
        if overflowed().next().is_some() {
            sink.family(&OVERFLOW);
            for core in overflowed() {
                sink.number("family", core.description.name, Number::Count(core.overflowed()));
            }
        }
        collector::encode(self.collectors, sink);
    }
}

/// What is said about a family.
fn metadata(core: &Core) -> Family<'static> {
    Family {
        name: core.description.name,
        metric_type: core.description.kind.metric_type(),
        help: core.description.help,
        unit: core.description.unit,
    }
}

/// Calls `write` with an exemplar as the formats want it.
fn with_exemplar<T>(exemplar: Option<Exemplar>, write: impl FnOnce(Option<SampleExemplar<'_>>) -> T) -> T {
    let Some(Exemplar { trace, value, timestamp_ms }) = exemplar else { return write(None) };
    let (trace_id, span_id) = (format!("{:032x}", trace.trace_id), format!("{:016x}", trace.span_id));
    let labels = [("trace_id", trace_id.as_str()), ("span_id", span_id.as_str())];
    write(Some(SampleExemplar { labels: &labels, value, timestamp_ms: Some(timestamp_ms) }))
}
