use std::fmt::Write as _;

use super::{MessageError, Notification, incident_key};
use crate::config::EmailReceiver;

/// So many characters of the name of a group are enough to tell its thread from others.
const THREAD_KEY_CHARS: usize = 16;

/// A mail, without what is only known when it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// The mail server, as it may be shown.
    pub server: String,
    /// What the mail is called by: the same if it has to be sent again, even by another run.
    pub key: String,
    /// From whom, as in a header.
    pub from: String,
    /// To whom, as in a header.
    pub to: String,
    /// All headers but those of the time and the parts.
    pub headers: Vec<(String, String)>,
    /// The message without marks; empty for none.
    pub text: String,
    /// The message with marks; empty for none.
    pub html: String,
    /// What the thread is called by that the mail belongs to.
    pub thread: Option<Thread>,
}

/// The thread of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thread {
    key: String,
    by_date: bool,
}

impl Thread {
    /// The name of the mail that the thread begins with, which nobody ever gets. `date` is that of today.
    pub(crate) fn root(&self, date: &str) -> String {
        format!("<alert-{}-{}@bellwether>", self.key, if self.by_date { date } else { "" })
    }
}

/// A mail with what Alertmanager writes into it.
pub(super) fn mail(receiver: &EmailReceiver, notification: &Notification<'_>) -> Result<Mail, MessageError> {
    let one_line = |field, template: &str| {
        // A line break would begin another header.
        Ok::<_, MessageError>(notification.text(field, template)?.replace(|c: char| c.is_control(), " "))
    };
    let (from, to) = (one_line("from", &receiver.from)?, one_line("to", &receiver.to)?);
    let mut headers = Vec::new();
    for (name, template) in &receiver.headers {
        headers.push((name.clone(), one_line("headers", template)?));
    }
    for (name, value) in [("From", &from), ("To", &to)] {
        if !headers.iter().any(|(there, _)| there == name) {
            headers.push((name.to_owned(), value.clone()));
        }
    }
    // A part that nobody wrote has nothing to say about alerts that are left out either.
    let is_written = |template: &&String| !template.is_empty();
    let html = Some(&receiver.html).filter(is_written).map(|it| notification.html("html", it)).transpose()?;
    let text =
        Some(&receiver.text).filter(is_written).map(|it| notification.prose("text", it)).transpose()?;
    let mut key = incident_key(notification.group_key);
    key.truncate(THREAD_KEY_CHARS);
    Ok(Mail {
        server: format!("smtp://{}:{}", receiver.smarthost.host, receiver.smarthost.port),
        key: notification.idempotency_key.to_owned(),
        from,
        to,
        headers,
        text: text.unwrap_or_default(),
        html: html.unwrap_or_default(),
        thread: receiver.threading.then_some(Thread { key, by_date: receiver.thread_by_date }),
    })
}

impl Mail {
    pub(super) fn shown_url(&self) -> String {
        self.server.clone()
    }

    /// The headers, and the text, or the one with marks if there is no other.
    pub(super) fn shown_body(&self) -> String {
        let mut out = String::new();
        for (name, value) in &self.headers {
            writeln!(out, "{name}: {value}").expect("BUG: writing to a string cannot fail");
        }
        let body = if self.text.is_empty() { &self.html } else { &self.text };
        out + "\n" + body
    }
}
