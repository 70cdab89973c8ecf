//! Remote write and the other wire protocols, to and from the model.
//!
//! [`receive_write`] turns the body of a remote write request into an [`AppendBatch`](bellwether_model::AppendBatch) and says what it had to
//! leave out; [`describe_rejections`] words that, together with what the store refused, for the sender. [`check_write_content`] looks at
//! the headers first. [`WriteRequestWriter`] is the counterpart for sending. The decoder is written for this one message: it
//! borrows from the body, and nothing that a body claims about its size is believed before it is checked against [`WriteLimits`].
//!
//! [`receive_read`] does the same for a remote read. Its answer is one message, which [`append_result_series`] builds, or a stream of
//! [`SeriesFrames`] with chunks in the encoding of Prometheus; [`receive_read_response`] and [`FrameReader`] read them.
//!
//! ```
//! use bellwether_model::Labels;
//! use bellwether_wire::{Sample, WriteLimits, WriteRequestWriter, WriteSeries, compress_write_request, receive_write};
//!
//! let labels = Labels::from_pairs([("__name__", "up"), ("job", "node")]);
//! let (mut message, mut body) = (Vec::new(), Vec::new());
//! let mut writer = WriteRequestWriter::new(&mut message);
//! let samples = [Sample { ts_ms: 1_700_000_000_000, value: 1.0 }];
//! writer.series(&WriteSeries { labels: &labels, samples: &samples, exemplars: &[], histograms: &[] });
//! compress_write_request(&message, &mut body)?;
//!
//! let decoded = receive_write(&body, &WriteLimits::default(), &mut Vec::new())?;
//! assert!(decoded.rejected.is_empty());
//! assert_eq!(decoded.batch.samples[0].labels, labels);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
pub mod config;
mod remote_read;
mod remote_write;
mod snappy;

pub use bellwether_protobuf::WireError;
pub use remote_read::{
    ChunkedSeries, FrameReader, MAX_CHUNK_SAMPLES, ReadError, ReadLimits, ReadQuery, ReadRequest,
    ReadResponse, ReadResponseType, ReadSeries, SampleColumns, SeriesFrames, XorChunkError,
    append_query_result, append_result_series, compress_read_response, decode_xor_chunk, encode_xor_chunk,
    receive_read, receive_read_response, write_read_request,
};
pub use remote_write::{
    DecodedWrite, HistogramSample, ReceiveError, Rejected, Sample, WireHistogram, WriteContentError,
    WriteError, WriteLimits, WriteReceiver, WriteRefusal, WriteRequestWriter, WriteSeries,
    check_write_content, compress_write_request, decode_write_request, describe_rejections, receive_write,
};
pub use snappy::SnappyError;
