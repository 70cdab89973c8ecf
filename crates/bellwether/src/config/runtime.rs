use std::borrow::Cow;

use bellwether_yaml::{Decode, Errors, MapReader, MapValue, Node, Reported, Value};

/// The `runtime` section of Prometheus. It is read and shown; a program without a garbage collector has nothing to tune.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuntimeConfig {
    /// How much the heap of a Go program may grow between collections, in percent.
    pub gogc: i64,
}

impl Default for RuntimeConfig {
    fn default() -> Self {
        Self { gogc: 75 }
    }
}

impl Decode<'_> for RuntimeConfig {
    fn type_name() -> Cow<'static, str> {
        "config.RuntimeConfig".into()
    }

    fn decode(node: Node<'_>, errors: &mut Errors) -> Result<Self, Reported> {
        let default = Self::default();
        let mut map = MapReader::new(node, "config.RuntimeConfig", errors)?;
        let gogc = map.or("gogc", default.gogc);
        map.finish()?;
        Ok(if gogc == 0 { default } else { Self { gogc } })
    }
}

impl RuntimeConfig {
    pub(super) fn to_value(&self) -> Value {
        let mut map = MapValue::new();
        map.set("gogc", self.gogc);
        map.into()
    }
}
