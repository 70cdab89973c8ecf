//! Remote read: the messages `prometheus.ReadRequest`, `prometheus.ReadResponse` and, in frames, `prometheus.ChunkedReadResponse`.
mod bits;
mod error;
mod frame;
mod histogram_chunk;
mod request;
mod response;
mod xor_chunk;

pub use error::ReadError;
pub use frame::{ChunkedSeries, FrameReader, SampleColumns, SeriesFrames};
pub use request::{ReadLimits, ReadQuery, ReadRequest, ReadResponseType, receive_read, write_read_request};
pub use response::{
    ReadResponse, ReadSeries, append_query_result, append_result_series, compress_read_response,
    receive_read_response,
};
pub use xor_chunk::{MAX_CHUNK_SAMPLES, XorChunkError, decode_xor_chunk, encode_xor_chunk};
