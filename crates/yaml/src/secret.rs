use std::borrow::Cow;
use std::fmt;

use zeroize::Zeroizing;

use crate::decode::Decode;
use crate::error::{Errors, Reported};
use crate::node::Node;
use crate::value::Value;

/// What stands in place of a secret wherever configuration is shown.
const PLACEHOLDER: &str = "<secret>";

/// A password, token or key. Its content is never shown, not even by `{:?}`, and is wiped when it is dropped.
///
/// ```
/// let secret = bellwether_yaml::Secret::new("hunter2");
/// assert_eq!(format!("{secret:?}"), "<secret>");
/// assert_eq!(secret.reveal(), "hunter2");
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// A secret with this content.
    pub fn new(content: impl Into<String>) -> Self {
        Self(Zeroizing::new(content.into()))
    }

    /// The content. Whoever calls this must not log it, store it or put it into an error.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether no secret is set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What to show: `<secret>`, or `null` if none is set.
    pub fn to_value(&self) -> Value {
        if self.is_empty() { Value::Null } else { Value::str(PLACEHOLDER) }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_empty() { "<none>" } else { PLACEHOLDER })
    }
}

impl<'d> Decode<'d> for Secret {
    fn type_name() -> Cow<'static, str> {
        "config.Secret".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        node.decode_text("config.Secret", errors).map(Self::new)
    }
}
