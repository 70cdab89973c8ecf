use std::borrow::Cow;

use bellwether_yaml::{Decode, Errors, MapReader, MapValue, Node, Reported, Value};

/// The `rules` section, which Prometheus does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RulesConfig {
    /// Whether the server watches itself with rules that come with it.
    pub builtin_alerts: bool,
}

impl Default for RulesConfig {
    fn default() -> Self {
        Self { builtin_alerts: true }
    }
}

impl Decode<'_> for RulesConfig {
    fn type_name() -> Cow<'static, str> {
        "config.RulesConfig".into()
    }

    fn decode(node: Node<'_>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "config.RulesConfig", errors)?;
        let builtin_alerts = map.or("builtin_alerts", Self::default().builtin_alerts);
        map.finish()?;
        Ok(Self { builtin_alerts })
    }
}

impl RulesConfig {
    /// Nothing if all is as it would be without the section.
    pub(super) fn to_value(self) -> Value {
        let mut map = MapValue::new();
        if self != Self::default() {
            map.set("builtin_alerts", self.builtin_alerts);
        }
        map.into()
    }
}
