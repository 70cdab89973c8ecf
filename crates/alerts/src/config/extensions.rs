//! What Alertmanager does not have: the section `bellwether`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bellwether_model::parse_duration_ms;
use bellwether_yaml::{Decode, Errors, MapReader, Node, Reported};

use crate::silence::{CommentPattern, SilencePolicy};

/// The section; without it all is as in Alertmanager.
#[derive(Debug, Clone)]
pub struct Extensions {
    /// More about receivers, by their names.
    pub receivers: BTreeMap<String, ReceiverExtensions>,
    /// What silences must be like.
    pub silences: SilencePolicy,
    /// How much there may be.
    pub limits: Limits,
    /// Whether the other receivers are told when one of them cannot be.
    pub tell_failures: bool,
}

/// More about a receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReceiverExtensions {
    /// Whether who was told that an alert fires is told when it is over even if the alert is silenced, inhibited or time-muted by then.
    pub resolve_if_notified: bool,
    /// At most so many messages per minute, through all integrations together; 0 for any number.
    pub max_per_minute: u32,
}

/// How much there may be of what others choose. 0 is any number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// Alerts of one `alertname`. More are not taken.
    pub alerts_per_alertname: usize,
    /// Groups of one route. The alerts of more are one group together.
    pub groups_per_route: usize,
    /// Alerts in one notification. It says how many more there are.
    pub alerts_per_notification: usize,
}

impl Default for Extensions {
    fn default() -> Self {
        Self {
            receivers: BTreeMap::new(),
            silences: SilencePolicy::default(),
            limits: Limits::default(),
            tell_failures: true,
        }
    }
}

impl Extensions {
    /// What is said about a receiver.
    pub fn receiver(&self, name: &str) -> ReceiverExtensions {
        self.receivers.get(name).copied().unwrap_or_default()
    }
}

impl Decode<'_> for Extensions {
    fn type_name() -> Cow<'static, str> {
        "bellwether".into()
    }

    fn decode(node: Node<'_>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "bellwether", errors)?;
        let extensions = Self {
            receivers: map.or_default("receivers"),
            silences: map.optional::<Policy>("silences").map(|policy| policy.0).unwrap_or_default(),
            limits: map.or_default("limits"),
            tell_failures: map.or("tell_failures", true),
        };
        map.finish()?;
        Ok(extensions)
    }
}

impl Decode<'_> for ReceiverExtensions {
    fn type_name() -> Cow<'static, str> {
        "bellwether.receivers".into()
    }

    fn decode(node: Node<'_>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "bellwether.receivers", errors)?;
        let receiver = Self {
            resolve_if_notified: map.or_default("resolve_if_notified"),
            max_per_minute: map.or_default("max_per_minute"),
        };
        map.finish()?;
        Ok(receiver)
    }
}

impl Decode<'_> for Limits {
    fn type_name() -> Cow<'static, str> {
        "bellwether.limits".into()
    }

    fn decode(node: Node<'_>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "bellwether.limits", errors)?;
        let limits = Self {
            alerts_per_alertname: map.or_default("alerts_per_alertname"),
            groups_per_route: map.or_default("groups_per_route"),
            alerts_per_notification: map.or_default("alerts_per_notification"),
        };
        map.finish()?;
        Ok(limits)
    }
}

/// How a policy is written.
struct Policy(SilencePolicy);

impl Decode<'_> for Policy {
    fn type_name() -> Cow<'static, str> {
        "bellwether.silences".into()
    }

    fn decode(node: Node<'_>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "bellwether.silences", errors)?;
        let default = SilencePolicy::default();
        let policy = SilencePolicy {
            max_count: map.or("max_count", default.max_count),
            max_bytes: map.or("max_bytes", default.max_bytes),
            max_duration_ms: map.parse_optional("max_duration", parse_duration_ms),
            comment: map.parse_optional("comment", CommentPattern::new),
        };
        map.finish()?;
        Ok(Self(policy))
    }
}
