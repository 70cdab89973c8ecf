//! `io.prometheus.client.LabelPair`
use bellwether_protobuf::{Field, Fields};

use super::error::{FieldError, InField};
use crate::{Escaped, RawLabel};

/// The number of the field that holds a label, in a `Metric` as in an `Exemplar`.
pub(super) const LABEL: u32 = 1;

/// The labels among the fields of a message; other fields are stepped over. Ends early on what was not checked before.
#[derive(Debug, Clone)]
pub(crate) struct LabelFields<'a> {
    message: Fields<'a>,
}

impl<'a> LabelFields<'a> {
    pub(crate) fn new(message: Fields<'a>) -> Self {
        Self { message }
    }
}

impl<'a> Iterator for LabelFields<'a> {
    type Item = RawLabel<'a>;

    fn next(&mut self) -> Option<RawLabel<'a>> {
        while let Ok(Some(field)) = self.message.next_field() {
            if field.number == LABEL {
                return read_label(&field).ok();
            }
        }
        None
    }
}

/// Whether all labels among the fields of a message can be read.
pub(super) fn check_labels(mut message: Fields<'_>) -> Result<(), FieldError> {
    while let Some(field) = message.next_field().in_field("Metric")? {
        if field.number == LABEL {
            let label = read_label(&field)?;
            if label.name.as_written().is_empty() {
                return Err(FieldError::new("empty label name", field.offset(), "LabelPair.name"));
            }
        }
    }
    Ok(())
}

fn read_label<'a>(field: &Field<'a>) -> Result<RawLabel<'a>, FieldError> {
    let mut message = field.message().in_field("Metric.label")?;
    let (mut name, mut value) = ("", "");
    while let Some(field) = message.next_field().in_field("LabelPair")? {
        match field.number {
            1 => name = read_text(&field, "LabelPair.name")?,
            2 => value = read_text(&field, "LabelPair.value")?,
            _ => {}
        }
    }
    Ok(RawLabel { name: Escaped::plain(name), value: Escaped::plain(value) })
}

/// A string, which must be UTF-8.
pub(super) fn read_text<'a>(field: &Field<'a>, name: &'static str) -> Result<&'a str, FieldError> {
    let bytes = field.bytes().in_field(name)?;
    std::str::from_utf8(bytes).map_err(|_| FieldError::new("invalid UTF-8", field.offset(), name))
}
