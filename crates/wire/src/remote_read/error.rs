use bellwether_model::RegexError;

use crate::snappy::SnappyError;
use bellwether_protobuf::WireError;

/// Why a read request or its answer cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The body cannot be decompressed.
    #[error(transparent)]
    Snappy(#[from] SnappyError),
    /// The content is not the message that was expected.
    #[error(transparent)]
    Message(#[from] WireError),
    /// A text is not UTF-8.
    #[error("{0} is not UTF-8")]
    Text(&'static str),
    /// The type of a matcher is none of the four.
    #[error("invalid matcher type {0}")]
    MatcherType(u64),
    /// The regular expression of a matcher is not valid.
    #[error("matcher on label {name:?}: {source}")]
    Regex {
        /// The name of the label.
        name: String,
        /// What is wrong.
        #[source]
        source: RegexError,
    },
    /// None of the forms of answers that the client takes is known.
    #[error(
        "server does not support any of the requested response types: {0:?}; supported: SAMPLES (0), STREAMED_XOR_CHUNKS (1)"
    )]
    ResponseTypes(Vec<u64>),
    /// The request asks for too much.
    #[error("read request has more than the {limit} {what} allowed")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// A frame is cut off, larger than allowed, or its checksum does not hold.
    #[error("frame {frame}: {reason}")]
    Frame {
        /// Its number, from 0.
        frame: usize,
        /// What does not hold.
        reason: String,
    },
}

impl ReadError {
    /// The HTTP status of the answer.
    pub fn status(&self) -> u16 {
        match self {
            Self::Snappy(SnappyError::CompressedTooLarge { .. } | SnappyError::DecodedTooLarge { .. }) => 413,
            _ => 400,
        }
    }
}
