//! Remote write 1.0: the message `prometheus.WriteRequest`, compressed with Snappy.
mod content;
mod decode;
mod encode;
mod error;
mod histogram;
mod known;
mod labels;
mod limits;
mod receiver;
mod rejected;
mod sources;

pub use content::{WriteContentError, check_write_content};
pub use decode::{DecodedWrite, decode_write_request, receive_write};
pub use encode::{
    HistogramSample, Sample, WireHistogram, WriteRequestWriter, WriteSeries, compress_write_request,
};
pub(crate) use encode::{write_labels, write_series};
pub use error::ReceiveError;
pub use limits::WriteLimits;
pub use receiver::{WriteError, WriteReceiver};
pub use rejected::{Rejected, WriteRefusal, describe_rejections};
