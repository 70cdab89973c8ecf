//! The protobuf wire format without a message compiler: fields are read one by one, borrowed from the message, and written one by one.
//!
//! [`Fields`] knows no message type. Whoever reads one matches on [`Field::number`] and says what the bits mean; a claim about a length is
//! checked against the bytes that are there before anything is done with it, nothing recurses, and an error names the byte. [`MessageWriter`]
//! is the counterpart.
//!
//! ```
//! use bellwether_protobuf::{Fields, MessageWriter, WireError};
//!
//! let mut message = Vec::new();
//! let mut writer = MessageWriter::new(&mut message);
//! writer.string(1, "up");
//! writer.double(2, 1.0);
//!
//! let mut fields = Fields::new(&message);
//! while let Some(field) = fields.next_field()? {
//!     match field.number {
//!         1 => assert_eq!(field.bytes()?, b"up"),
//!         2 => assert_eq!(field.double()?, 1.0),
//!         _ => {}
//!     }
//! }
//! # Ok::<(), WireError>(())
//! ```
mod read;
mod write;

pub use read::{Field, Fields, WireError};
pub use write::{MessageWriter, push_varint};
