//! Errors of a message on their way to the reader, which knows the family.
use bellwether_protobuf::WireError;

use crate::ParseError;
use crate::quote::quote;

/// What is wrong with which field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FieldError {
    error: WireError,
    /// The message type, and the field if one is known.
    field: &'static str,
}

impl FieldError {
    pub(super) fn new(reason: &'static str, offset: usize, field: &'static str) -> Self {
        Self { error: WireError::new(reason, offset), field }
    }

    /// The error of the reader. `family` is the name of the metric family, as far as it is known.
    #[cold]
    pub(super) fn in_family(self, family: &str) -> ParseError {
        let (reason, field) = (self.error.reason(), self.field);
        let mut text = format!("protobuf: {reason} in {field}");
        if !family.is_empty() {
            text.push_str(" of metric family ");
            text.push_str(&quote(family.as_bytes()));
        }
        ParseError::at_byte(self.error.offset(), text)
    }
}

/// Says which field an error of the wire format is about.
pub(super) trait InField<T> {
    fn in_field(self, field: &'static str) -> Result<T, FieldError>;
}

impl<T> InField<T> for Result<T, WireError> {
    #[inline]
    fn in_field(self, field: &'static str) -> Result<T, FieldError> {
        self.map_err(|error| FieldError { error, field })
    }
}
