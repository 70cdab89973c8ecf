use bellwether_exposition::{
    Family as Description, MetricType, Number, OutputFormat, Part, Sample, SampleExemplar, Writer,
};

use super::exporter::{Exporter, RegisteredFamily, Series, SeriesValue};
use super::family::{Family, Kind};
use super::histogram::Histogram;

impl Exporter {
    /// Appends the exposition to `out`.
    pub(crate) fn write(&self, format: OutputFormat, out: &mut String) {
        let mut writer = Writer::new(out, format);
        for RegisteredFamily { family, series } in &self.families {
            writer.family(&describe(family));
            for it in series {
                write_series(&mut writer, it);
            }
        }
        writer.finish();
    }
}

fn describe(family: &Family) -> Description<'static> {
    let metric_type = match family.kind {
        Kind::Counter => MetricType::Counter,
        Kind::Gauge => MetricType::Gauge,
        Kind::Histogram(_) => MetricType::Histogram,
    };
    Description { name: family.name, metric_type, help: family.help, unit: family.unit }
}

fn write_series(writer: &mut Writer<'_>, Series { labels, value }: &Series) {
    match value {
        SeriesValue::Gauge(None) => {}
        SeriesValue::Counter(value) | SeriesValue::Gauge(Some(value)) => {
            writer.rendered_sample(&Sample::new(Part::Value, number(*value)), labels);
        }
        SeriesValue::Histogram(histogram) => write_histogram(writer, labels, histogram),
    }
}

fn write_histogram(writer: &mut Writer<'_>, labels: &str, it: &Histogram) {
    let bounds = it.bounds.iter().copied().chain([f64::INFINITY]);
    let mut cumulative = 0;
    for ((bound, count), exemplar) in bounds.zip(&it.counts).zip(&it.exemplars) {
        cumulative += count;
        let trace_id = exemplar.map(|it| format!("{:032x}", it.trace.0)).unwrap_or_default();
        let exemplar_labels = [("trace_id", trace_id.as_str())];
        let exemplar = exemplar.map(|it| SampleExemplar {
            labels: &exemplar_labels,
            value: it.value,
            timestamp_ms: Some(it.ts_ms),
        });
        let sample = Sample::new(Part::Bucket, Number::Count(cumulative));
        writer.rendered_sample(&Sample { bound: Some(bound), exemplar, ..sample }, labels);
    }
    writer.rendered_sample(&Sample::new(Part::Sum, Number::Float(it.sum)), labels);
    writer.rendered_sample(&Sample::new(Part::Count, Number::Count(cumulative)), labels);
}

/// Most values are counts of things and read better without a fraction.
fn number(value: f64) -> Number {
    const EXACT_BELOW: f64 = (1_u64 << 53) as f64;
    if value.fract() == 0.0 && (0.0..EXACT_BELOW).contains(&value) {
        Number::Count(value as u64)
    } else {
        Number::Float(value)
    }
}

#[cfg(test)]
mod tests {
    use bellwether_exposition::{EscapingScheme, Syntax};

    use super::*;
    use crate::metrics::Trace;

    static REQUESTS: Family = Family::counter("requests", "requests", &["path"], "Requests answered.");
    static TIME: Family = Family::histogram("time_seconds", "seconds", &[], &[0.5, 1.0], "Time taken.");
    static UNKNOWN: Family = Family::gauge("unknown", "things", &[], "Not known yet.");

    fn exporter() -> Exporter {
        let mut exporter = Exporter::default();
        let requests = exporter.counter(&REQUESTS, &["/a\"b"]);
        exporter.add(requests, 3.0);
        let time = exporter.histogram(&TIME, &[]);
        exporter.observe(time, 0.25, Some((Trace(0xab), 1500)));
        exporter.observe(time, 2.0, None);
        let unknown = exporter.gauge(&UNKNOWN, &[]);
        exporter.set(unknown, None);
        exporter
    }

    fn written(exporter: &Exporter, syntax: Syntax) -> String {
        let mut out = String::new();
        exporter.write(OutputFormat { syntax, escaping: EscapingScheme::Underscores }, &mut out);
        out
    }

    #[test]
    fn openmetrics_has_units_and_exemplars() {
        let expected = r#"# HELP requests Requests answered.
# TYPE requests counter
requests_total{path="/a\"b"} 3
# HELP time_seconds Time taken.
# TYPE time_seconds histogram
# UNIT time_seconds seconds
time_seconds_bucket{le="0.5"} 1 # {trace_id="000000000000000000000000000000ab"} 0.25 1.500
time_seconds_bucket{le="1.0"} 1
time_seconds_bucket{le="+Inf"} 2
time_seconds_sum 2.25
time_seconds_count 2
# HELP unknown Not known yet.
# TYPE unknown gauge
# EOF
"#;
        assert_eq!(written(&exporter(), Syntax::OpenMetrics1_0_0), expected);
    }

    #[test]
    fn text_knows_fewer_types() {
        let out = written(&exporter(), Syntax::Text0_0_4);
        assert!(out.contains("# TYPE requests_total counter\n"), "{out}");
        assert!(!out.contains("UNIT") && !out.contains("trace_id") && !out.contains("EOF"), "{out}");
    }

    #[test]
    fn a_restart_forgets_everything() {
        let mut exporter = exporter();
        exporter.reset();
        let out = written(&exporter, Syntax::Text0_0_4);
        for line in ["requests_total{path=\"/a\\\"b\"} 0\n", "time_seconds_count 0\n"] {
            assert!(out.contains(line), "{line}{out}");
        }
    }
}
