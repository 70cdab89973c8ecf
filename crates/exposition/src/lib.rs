//! The exposition formats of Prometheus in both directions: text 0.0.4, OpenMetrics 1.0, and protobuf.
//!
//! A [`Reader`] turns a scraped body into [`Event`]s that borrow from it: help texts, types, units and [`Series`]. It knows no label
//! set and allocates nothing for an ordinary line: a scraper looks at the bytes of a series first, and only those that it does not know are
//! decoded into a [`LabelBuf`]. What the readers accept, and the words in which they refuse the rest, are those of Prometheus 3;
//! [`validate_openmetrics`] checks every rule of OpenMetrics instead. [`select_format`] and [`accept_header`] belong to the scraping side of
//! HTTP, [`ExpositionFormat::negotiate`] to the serving side.
//!
//! A [`ProtobufReader`] finds the same events in delimited `io.prometheus.client.MetricFamily` messages, and native histograms beside them; what is
//! common to both is [`EventReader`].
//!
//! A [`Writer`] writes families and their samples in either text format, a [`ProtobufWriter`] as protobuf.
//!
//! ```
//! use bellwether_exposition::{Event, LabelBuf, Reader, TypeAndUnitLabels};
//!
//! let body = b"# TYPE http_requests_total counter\nhttp_requests_total{path=\"/\",code=\"200\"} 1027\n";
//! let mut reader = Reader::text(body);
//! let mut labels = LabelBuf::new();
//! while let Some(event) = reader.next() {
//!     if let Event::Series(series) = event? {
//!         assert_eq!(series.raw(), b"http_requests_total{path=\"/\",code=\"200\"}");
//!         assert_eq!(series.value, 1027.0);
//!         reader.read_labels(&series, TypeAndUnitLabels::Omit, &mut labels);
//!         let pairs: Vec<_> = labels.iter().collect();
//!         assert_eq!(pairs, [("__name__", "http_requests_total"), ("path", "/"), ("code", "200")]);
//!     }
//! }
//! # Ok::<(), bellwether_exposition::ParseError>(())
//! ```
//!
//! ```
//! use bellwether_exposition::{Family, MetricType, Number, OutputFormat, Part, Sample, Writer};
//!
//! let mut body = String::new();
//! let mut writer = Writer::new(&mut body, OutputFormat::FALLBACK);
//! writer.family(&Family { name: "up", metric_type: MetricType::Gauge, help: "Whether it is.", unit: "" });
//! writer.sample(&Sample::new(Part::Value, Number::Count(1)), [("job", "node")]);
//! writer.finish();
//! assert_eq!(body, "# HELP up Whether it is.\n# TYPE up gauge\nup{job=\"node\"} 1\n");
//! ```
#[cfg(feature = "conformance")]
pub mod conformance;
mod content_type;
mod error;
mod escaped;
mod event;
mod family;
mod float;
mod label_buf;
mod media_type;
mod metric_type;
mod name;
mod negotiate;
mod number;
mod protobuf;
mod protocol;
mod quote;
mod reader;
mod series;
mod strict;
#[cfg(feature = "testkit")]
pub mod testkit;
mod words;
mod writer;

pub use content_type::{BodyFormat, ContentTypeError, SelectedFormat, select_format};
pub use error::{ParseError, Place};
pub use escaped::Escaped;
pub use event::Event;
pub use family::is_in_family;
pub use float::{write_float, write_normalized_label_value, write_openmetrics_float};
pub use label_buf::LabelBuf;
pub use media_type::MediaTypeError;
pub use metric_type::MetricType;
pub use name::EscapingScheme;
pub use negotiate::{ExpositionFormat, Offer, OutputFormat, Syntax};
pub use number::{NORMAL_NAN_BITS, ParseNumberError, parse_value};
pub use protobuf::{
    BucketSample, BucketSide, HistogramSample, MAX_NATIVE_BUCKETS, NativeCounts, NativeHistogram,
    NativeHistograms, NativePart, NativeSample, ProtobufReader, ProtobufWriter, render_protobuf_label,
};
pub use protocol::{ScrapeProtocol, accept_header, timeout_header_value};
pub use reader::{CreatedHandling, EventReader, Reader, TypeAndUnitLabels};
pub use series::{Exemplar, RawLabel, RawLabels, Series};
pub use strict::validate_openmetrics;
pub use writer::{
    Family, Number, Part, Sample, SampleExemplar, Writer, render_label_name, render_label_value,
    render_labels,
};
