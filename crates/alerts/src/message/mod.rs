//! Messages: what services are sent to tell somebody.
//!
//! Nothing is sent here. [`messages`] makes requests and mails, which a [`Sender`](crate::send::Sender) sends; so each can be held against what the service documents.

mod call;
mod chat;
mod hook;
mod mail;
mod pager;
mod shorten;
mod slack;
mod trial;

use std::fmt::Write as _;
use std::sync::Arc;

use bellwether_template::{Definitions, ExecError, Functions, ParseError};

pub use call::Call;
pub(crate) use call::is_secret_header;
pub use mail::{Mail, Thread};
pub use slack::Posted;
pub use trial::{Unmakable, unmakable};

use crate::config::{Integration, IntegrationKind, SecretSourceError};
use crate::dedup::Reason;
use crate::digest;
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
    /// What this news is called by: the same if it has to be told again, even by another run.
    pub idempotency_key: &'n str,
    /// Why.
    pub reason: Reason,
    /// The templates.
    pub templates: &'n Templates,
    /// The message that the group has already, if the service lets messages be changed or answered.
    pub posted: Option<Posted>,
}

/// Something to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// A request over HTTP.
    Call(Call),
    /// A mail.
    Mail(Mail),
}

impl Message {
    /// Where it goes, as it may be shown.
    pub fn shown_url(&self) -> String {
        match self {
            Self::Call(call) => call.shown_url(),
            Self::Mail(mail) => mail.shown_url(),
        }
    }

    /// What it says, as it may be shown.
    pub fn shown_body(&self) -> String {
        match self {
            Self::Call(call) => call.shown_body(),
            Self::Mail(mail) => mail.shown_body(),
        }
    }
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

/// What tells somebody, in its order.
pub fn messages(
    integration: &Integration,
    notification: &Notification<'_>,
) -> Result<Vec<Message>, MessageError> {
    let call = match &integration.kind {
        IntegrationKind::Webhook(it) => hook::webhook(it, notification)?,
        IntegrationKind::Http(it) => hook::http(it, notification)?,
        IntegrationKind::Slack(it) => return Ok(requests(slack::messages(it, notification)?)),
        IntegrationKind::PagerDuty(it) => pager::pagerduty(it, notification)?,
        IntegrationKind::OpsGenie(it) => return Ok(requests(pager::opsgenie(it, notification)?)),
        IntegrationKind::MsTeams(it) => chat::msteams(it, notification)?,
        IntegrationKind::Discord(it) => chat::discord(it, notification)?,
        IntegrationKind::Telegram(it) => chat::telegram(it, notification)?,
        IntegrationKind::Email(it) => return Ok(vec![Message::Mail(mail::mail(it, notification)?)]),
        IntegrationKind::Foreign(it) => return Err(MessageError::Unsupported(it.kind)),
    };
    Ok(vec![Message::Call(call)])
}

fn requests(calls: Vec<Call>) -> Vec<Message> {
    calls.into_iter().map(Message::Call).collect()
}

impl Notification<'_> {
    /// The text of a field.
    fn text(&self, field: &'static str, template: &str) -> Result<String, MessageError> {
        Ok(self.render(field, template, false)?.0)
    }

    /// The text of a field that a service needs; the key of the group instead of nothing.
    fn needed(&self, field: &'static str, template: &str) -> Result<String, MessageError> {
        let text = self.text(field, template)?;
        Ok(if text.trim().is_empty() { self.group_key.to_owned() } else { text })
    }

    /// The text of a field that people read and that may have several lines. If alerts are left out of it, it says how many.
    fn prose(&self, field: &'static str, template: &str) -> Result<String, MessageError> {
        Ok(with_more(self.render(field, template, false)?))
    }

    /// The same with marks that have a meaning: what alerts say is escaped.
    fn html(&self, field: &'static str, template: &str) -> Result<String, MessageError> {
        Ok(with_more(self.render(field, template, true)?))
    }

    /// A text with as many of the alerts as templates may go through, the firing ones first: rather less than nothing. Beside it, how many are left out.
    fn render(
        &self,
        field: &'static str,
        template: &str,
        html: bool,
    ) -> Result<(String, usize), MessageError> {
        let mut data = Arc::clone(&self.data);
        loop {
            match self.templates.text(template, &data, html) {
                Ok(text) => return Ok((text, data.truncated_alerts)),
                Err(RenderError::Execute(ExecError::Limit { .. })) if data.alerts.len() > 1 => {
                    data = Arc::new(half(&data));
                }
                Err(source) => return Err(MessageError::Template { field, source: Box::new(source) }),
            }
        }
    }

    fn is_firing(&self) -> bool {
        self.data.status() == Status::Firing
    }
}

/// The same with half of the alerts.
fn half(data: &Data) -> Data {
    let mut half = data.clone();
    half.alerts.sort_by_key(|alert| alert.status != Status::Firing);
    half.truncated_alerts += half.alerts.len().div_ceil(2);
    half.alerts.truncate(half.alerts.len() / 2);
    half
}

/// A text with a line about alerts that are left out, unless it tells of them itself.
fn with_more((mut text, more): (String, usize)) -> String {
    if more > 0 && !text.contains(&format!("{more} more alert")) {
        let line_end = if text.is_empty() { "" } else { "\n" };
        write!(text, "{line_end}… {more} more alerts").expect("BUG: writing to a string cannot fail");
    }
    text
}

/// A name for a group that says nothing about it and is always the same: the SHA-256 of its key, as services want it to tell one incident from another.
fn incident_key(group_key: &str) -> String {
    digest::of_text(group_key)
}
