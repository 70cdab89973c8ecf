//! `io.prometheus.client.Exemplar`
use bellwether_protobuf::Field;

use super::error::{FieldError, InField};
use super::label::{LABEL, check_labels};
use super::number::normal;
use super::timestamp::read_timestamp;
use crate::Exemplar;

/// Reads an exemplar with all its labels checked: there are few of them.
pub(super) fn read_exemplar<'a>(field: &Field<'a>) -> Result<Exemplar<'a>, FieldError> {
    let message = field.message().in_field("Exemplar")?;
    check_labels(message)?;
    let (mut value, mut timestamp_ms) = (0.0, None);
    let mut fields = message;
    while let Some(field) = fields.next_field().in_field("Exemplar")? {
        match field.number {
            LABEL => {}
            2 => value = normal(field.double().in_field("Exemplar.value")?),
            3 => timestamp_ms = Some(read_timestamp(&field, "Exemplar.timestamp")?),
            _ => {}
        }
    }
    Ok(Exemplar::of_message(message, value, timestamp_ms))
}
