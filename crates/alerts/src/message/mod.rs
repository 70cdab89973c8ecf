//! Messages: what services are sent to tell somebody.
//!
//! Nothing is sent here. [`calls`] makes the requests, which whoever runs the router sends; so each can be held against what the service documents.

mod chat;
mod hook;
mod pager;
mod slack;

use std::fmt::Write as _;
use std::sync::Arc;

use bellwether_template::{Definitions, Functions, ParseError};
use bellwether_yaml::Secret;

use crate::config::{Integration, IntegrationKind, SecretSourceError};
use crate::dedup::Reason;
use crate::library::{RenderError, render, with_route_labels};
use crate::notification::{Data, Status};

/// The templates that are there unless the user says otherwise, under the names that Alertmanager has for them.
const DEFAULT_TEMPLATES: &str = include_str!("default.tmpl");

/// The templates of one configuration.
#[derive(Debug, Clone)]
pub struct Templates {
    functions: Functions,
    definitions: Definitions,
}

impl Templates {
    /// The default templates and those of `files`, each with its name, which may define them anew. `functions` are those of [`functions`](crate::library::functions).
    pub fn new<'f>(
        functions: Functions,
        files: impl IntoIterator<Item = (&'f str, &'f str)>,
    ) -> Result<Self, ParseError> {
        let mut definitions = Definitions::default();
        let known = with_route_labels(&functions);
        for (name, text) in [("default.tmpl", DEFAULT_TEMPLATES)].into_iter().chain(files) {
            definitions.add(name, text, &known)?;
        }
        Ok(Self { functions, definitions })
    }

    /// A text over what is told.
    pub fn text(&self, text: &str, data: &Arc<Data>, html: bool) -> Result<String, RenderError> {
        if !text.contains("{{") {
            return Ok(text.to_owned());
        }
        render(text, data, html, &self.functions, &self.definitions)
    }
}

/// What is to be told, and with which words.
#[derive(Debug, Clone)]
pub struct Notification<'n> {
    /// What is told.
    pub data: Arc<Data>,
    /// The key of the group.
    pub group_key: &'n str,
    /// Why.
    pub reason: Reason,
    /// The templates.
    pub templates: &'n Templates,
}

/// A request to a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The method.
    pub method: &'static str,
    /// Where to; whoever knows it may be able to send as well.
    pub url: Secret,
    /// Headers, of which some are secrets.
    pub headers: Vec<(String, Secret)>,
    /// The body.
    pub body: String,
}

/// Why no message could be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MessageError {
    /// A template fails.
    #[error("{field}: {source}")]
    Template {
        /// The field of the configuration.
        field: &'static str,
        /// What is wrong.
        #[source]
        source: Box<RenderError>,
    },
    /// A secret cannot be read now.
    #[error(transparent)]
    Secret(#[from] SecretSourceError),
    /// What a template made is not what it should be.
    #[error("{field}: {problem}: {got:?}")]
    Value {
        /// The field of the configuration.
        field: &'static str,
        /// What is wrong.
        problem: &'static str,
        /// What came out.
        got: String,
    },
    /// The integration is not supported.
    #[error("{0} is not supported")]
    Unsupported(&'static str),
}

/// The requests that tell somebody, in their order. Mails are no requests: [`Unsupported`](MessageError::Unsupported) here.
pub fn calls(integration: &Integration, notification: &Notification<'_>) -> Result<Vec<Call>, MessageError> {
    let call = match &integration.kind {
        IntegrationKind::Webhook(it) => hook::webhook(it, notification)?,
        IntegrationKind::Http(it) => hook::http(it, notification)?,
        IntegrationKind::Slack(it) => slack::message(it, notification)?,
        IntegrationKind::PagerDuty(it) => pager::pagerduty(it, notification)?,
        IntegrationKind::OpsGenie(it) => return pager::opsgenie(it, notification),
        IntegrationKind::MsTeams(it) => chat::msteams(it, notification)?,
        IntegrationKind::Discord(it) => chat::discord(it, notification)?,
        IntegrationKind::Telegram(it) => chat::telegram(it, notification)?,
        IntegrationKind::Email(_) => return Err(MessageError::Unsupported("a mail as a request")),
        IntegrationKind::Foreign(it) => return Err(MessageError::Unsupported(it.kind)),
    };
    Ok(vec![call])
}

impl Notification<'_> {
    /// The text of a field.
    fn text(&self, field: &'static str, template: &str) -> Result<String, MessageError> {
        self.templates
            .text(template, &self.data, false)
            .map_err(|source| MessageError::Template { field, source: Box::new(source) })
    }

    fn is_firing(&self) -> bool {
        self.data.status() == Status::Firing
    }
}

impl Call {
    fn post_json(url: Secret, body: &serde_json::Value) -> Self {
        Self::json("POST", url, body.to_string())
    }

    fn json(method: &'static str, url: Secret, body: String) -> Self {
        let content_type = ("content-type".to_owned(), Secret::new("application/json"));
        Self { method, url, headers: vec![content_type], body }
    }
}

/// At most so many characters; what is cut off is told by an ellipsis.
fn shorten(text: &str, max_chars: usize) -> String {
    if text.chars().count() <= max_chars {
        return text.to_owned();
    }
    text.chars().take(max_chars.saturating_sub(1)).chain(['…']).collect()
}

/// A name for a group that says nothing about it and is always the same: the SHA-256 of its key, as services want it to tell one incident from another.
fn incident_key(group_key: &str) -> String {
    use sha2::Digest as _;

    let mut key = String::with_capacity(64);
    for byte in sha2::Sha256::digest(group_key.as_bytes()) {
        write!(key, "{byte:02x}").expect("BUG: writing to a string cannot fail");
    }
    key
}
