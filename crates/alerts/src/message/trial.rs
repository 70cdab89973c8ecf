//! What keeps messages from being made whatever they are about, found before anybody has to be told.

use std::sync::Arc;

use bellwether_model::{Alert, Labels};

use super::{MessageError, Notification, Templates, messages};
use crate::config::Config;
use crate::dedup::Reason;
use crate::library::RenderError;
use crate::notification::{Data, Kv};

/// An integration that cannot tell anybody anything as things are.
#[derive(Debug, thiserror::Error)]
#[error("receiver {receiver:?} cannot be told by {kind}: {error}")]
pub struct Unmakable {
    /// The name of the receiver.
    pub receiver: String,
    /// Its place in the list of receivers, counted from 0.
    pub receiver_index: usize,
    /// The kind of the integration.
    pub kind: &'static str,
    /// A text that is no template, or a secret that cannot be read.
    #[source]
    pub error: MessageError,
}

/// Makes a message for each integration and keeps those that fail for a reason that does not lie in what is told.
pub fn unmakable(config: &Config, templates: &Templates) -> Vec<Unmakable> {
    let alert = Alert {
        labels: Labels::from_pairs([("alertname", "Example")]),
        annotations: Labels::default(),
        starts_at_ms: 0,
        ends_at_ms: None,
        generator_url: String::new(),
    };
    let mut found = Vec::new();
    for (receiver_index, receiver) in config.receivers.iter().enumerate() {
        let data = Data::new(&receiver.name, Kv::default(), std::slice::from_ref(&alert), "", 0);
        let notification = Notification {
            data: Arc::new(data),
            group_key: "{}:{}",
            idempotency_key: "",
            reason: Reason::FirstNotification,
            templates,
            posted: None,
        };
        for integration in &receiver.integrations {
            match messages(integration, &notification) {
                Err(error) if is_certain(&error) => found.push(Unmakable {
                    receiver: receiver.name.clone(),
                    receiver_index,
                    kind: integration.kind.name(),
                    error,
                }),
                _ => {}
            }
        }
    }
    found
}

/// Whether it does not depend on the alerts. A template that fails may do so only for the example.
fn is_certain(error: &MessageError) -> bool {
    match error {
        MessageError::Template { source, .. } => matches!(**source, RenderError::Parse(_)),
        MessageError::Secret(_) => true,
        MessageError::Value { .. } | MessageError::Unsupported(_) => false,
    }
}
