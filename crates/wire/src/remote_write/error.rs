use crate::snappy::SnappyError;
use bellwether_protobuf::WireError;

/// Why nothing of a write request was taken. The sender must not send it again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiveError {
    /// The body cannot be decompressed.
    #[error(transparent)]
    Snappy(#[from] SnappyError),
    /// The content is not a `prometheus.WriteRequest`.
    #[error(transparent)]
    Message(#[from] WireError),
    /// The request holds too much.
    #[error("write request holds more than {limit} samples, exemplars and metadata entries")]
    TooManyEntries {
        /// The limit.
        limit: usize,
    },
}

impl ReceiveError {
    /// The HTTP status of the answer.
    pub fn status(&self) -> u16 {
        match self {
            Self::Snappy(SnappyError::CompressedTooLarge { .. } | SnappyError::DecodedTooLarge { .. })
            | Self::TooManyEntries { .. } => 413,
            Self::Snappy(_) | Self::Message(_) => 400,
        }
    }
}
