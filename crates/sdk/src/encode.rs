//! From records to an exposition.
mod lines;
mod protobuf;
mod text;

use std::sync::Arc;

use bellwether_exposition::{
    EscapingScheme, Family, MetricType, Number, OutputFormat, ProtobufWriter, SampleExemplar, Writer,
    is_in_family,
};

use crate::alias::{Alias, Named};
use crate::collector;
use crate::core::Core;
use crate::exemplar::Exemplar;
use crate::region::Lease;

/// Values that went to an overflow series.
const OVERFLOW: Family<'_> = Family {
    name: "bellwether_sdk_overflow",
    metric_type: MetricType::Counter,
    help: "Values that went to the overflow series of a family because of a limit.",
    unit: "",
};

/// What is exposed together.
pub(crate) struct Source {
    pub(crate) families: Vec<&'static Core>,
    /// Other names of some of them, in the order of their names.
    pub(crate) aliases: Vec<(&'static str, &'static [Alias])>,
    pub(crate) collectors: Vec<Arc<collector::State>>,
    /// Names of series or families; only families that one of them belongs to are exposed. All, if there are none.
    pub(crate) names: Vec<String>,
    /// What the series of several processes are added up in.
    pub(crate) _lease: Option<Lease>,
}

/// What takes single numbers, in whatever format.
pub(crate) trait Sink {
    fn family(&mut self, family: &Family<'_>);

    /// A number of the family with one label.
    fn number(&mut self, label: &str, value: &str, number: Number);
}

impl Source {
    /// Appends everything in a text format.
    pub(crate) fn encode_text(&self, out: &mut String, format: OutputFormat) {
        let mut writer = Writer::new(out, format);
        for named in self.families().filter(|named| named.fits(format)) {
            text::family(&mut writer, named, format);
        }
        self.encode_own(&mut writer);
        writer.finish();
    }

    /// Appends everything as protobuf.
    pub(crate) fn encode_protobuf(&self, out: &mut Vec<u8>, escaping: EscapingScheme) {
        let mut writer = ProtobufWriter::new(out, escaping);
        for named in self.families() {
            protobuf::family(&mut writer, named, escaping);
        }
        self.encode_own(&mut protobuf::Numbers { writer: &mut writer, escaping });
        writer.finish();
    }

    fn families(&self) -> impl Iterator<Item = Named> {
        let all = self.families.iter().flat_map(|core| Named::all(core, self.aliases_of(core)));
        all.filter(|named| is_asked_for(&self.names, &named.metadata()))
    }

    /// Sums over processes are other families than those that were registered, and have their names.
    fn aliases_of(&self, core: &Core) -> &'static [Alias] {
        let place = self.aliases.binary_search_by_key(&core.description.name, |(name, _)| name);
        place.map_or(&[], |idx| self.aliases[idx].1)
    }

    /// What is known about the families and collectors themselves.
    fn encode_own(&self, sink: &mut impl Sink) {
        let names = &self.names;
        let mut sink = Filtered { sink, names, is_open: true };
        let overflowed = || self.families.iter().filter(|core| core.overflowed() > 0);
        if overflowed().next().is_some() {
            sink.family(&OVERFLOW);
            for core in overflowed() {
                sink.number("family", core.description.name, Number::Count(core.overflowed()));
            }
        }
        collector::encode(&self.collectors, &mut sink);
    }
}

/// Lets only those families through that are asked for.
struct Filtered<'f, S> {
    sink: &'f mut S,
    names: &'f [String],
    /// Whether the family that is being written is one of them.
    is_open: bool,
}

impl<S: Sink> Sink for Filtered<'_, S> {
    fn family(&mut self, family: &Family<'_>) {
        self.is_open = is_asked_for(self.names, family);
        if self.is_open {
            self.sink.family(family);
        }
    }

    fn number(&mut self, label: &str, value: &str, number: Number) {
        if self.is_open {
            self.sink.number(label, value, number);
        }
    }
}

/// Whether one of the names is that of the family or of one of its series, or there are none.
fn is_asked_for(names: &[String], family: &Family<'_>) -> bool {
    let is_it = |name: &String| is_in_family(name, family.name, family.metric_type);
    names.is_empty() || names.iter().any(is_it)
}

/// Calls `write` with an exemplar as the formats want it.
fn with_exemplar<T>(exemplar: Option<Exemplar>, write: impl FnOnce(Option<SampleExemplar<'_>>) -> T) -> T {
    let Some(Exemplar { trace, value, timestamp_ms }) = exemplar else { return write(None) };
    let (trace_id, span_id) = (format!("{:032x}", trace.trace_id), format!("{:016x}", trace.span_id));
    let labels = [("trace_id", trace_id.as_str()), ("span_id", span_id.as_str())];
    write(Some(SampleExemplar { labels: &labels, value, timestamp_ms: Some(timestamp_ms) }))
}
