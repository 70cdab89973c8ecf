//! The protobuf wire format, without a message compiler: fields are read one by one, borrowed from the message.
mod read;
mod write;

pub use read::WireError;
pub(crate) use read::{Field, Fields};
pub(crate) use write::{MessageWriter, push_varint};
