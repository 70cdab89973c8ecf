use std::borrow::Cow;

use bellwether_yaml::{Decode, Errors, MapReader, MapValue, Node, Reported, Value};

/// The `rules` section, which Prometheus does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RulesConfig {
    /// Whether the server watches itself with rules that come with it.
    pub builtin_alerts: bool,
    /// Whether the router of this program tells nobody of an alert on a budget while one of the same objective fires whose budget burns faster.
    pub inhibit_slower_burns: bool,
}

impl Default for RulesConfig {
    fn default() -> Self {
        Self { builtin_alerts: true, inhibit_slower_burns: true }
    }
}

impl Decode<'_> for RulesConfig {
    fn type_name() -> Cow<'static, str> {
        "config.RulesConfig".into()
    }

    fn decode(node: Node<'_>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "config.RulesConfig", errors)?;
        let usual = Self::default();
        let config = Self {
            builtin_alerts: map.or("builtin_alerts", usual.builtin_alerts),
            inhibit_slower_burns: map.or("inhibit_slower_burns", usual.inhibit_slower_burns),
        };
        map.finish()?;
        Ok(config)
    }
}

impl RulesConfig {
    /// Nothing if all is as it would be without the section.
    pub(super) fn to_value(self) -> Value {
        let mut map = MapValue::new();
        let usual = Self::default();
        for (name, value, usual) in [
            ("builtin_alerts", self.builtin_alerts, usual.builtin_alerts),
            ("inhibit_slower_burns", self.inhibit_slower_burns, usual.inhibit_slower_burns),
        ] {
            if value != usual {
                map.set(name, value);
            }
        }
        map.into()
    }
}
