//! `google.protobuf.Timestamp`
use bellwether_protobuf::Field;

use super::error::{FieldError, InField};

/// A time in milliseconds since the Unix epoch; what lies beyond is cut off at the ends of `i64`.
pub(super) fn read_timestamp(field: &Field<'_>, name: &'static str) -> Result<i64, FieldError> {
    let (mut seconds, mut nanos) = (0_i64, 0_i64);
    let mut message = field.message().in_field(name)?;
    while let Some(field) = message.next_field().in_field(name)? {
        match field.number {
            1 => seconds = field.varint().in_field("Timestamp.seconds")? as i64,
            2 => nanos = field.varint().in_field("Timestamp.nanos")? as i64,
            _ => {}
        }
    }
    Ok(seconds.saturating_mul(1000).saturating_add(nanos / 1_000_000))
}
