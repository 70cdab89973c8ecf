use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use bellwether_yaml::{Decode, Errors, Node, Position, Reported};

/// A value that knows where in its file it was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Its place.
    pub position: Position,
}

impl<T: Default> Default for Spanned<T> {
    fn default() -> Self {
        Self { value: T::default(), position: Position::START }
    }
}

impl<T> Deref for Spanned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: fmt::Display> fmt::Display for Spanned<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

impl<'d, T: Decode<'d>> Decode<'d> for Spanned<T> {
    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        Ok(Self { value: T::decode(node, errors)?, position: node.position() })
    }
}
