use bellwether_yaml::Secret;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use super::shorten::{shorten, shorten_lines};
use super::{Call, MessageError, Notification};
use crate::config::{SlackReceiver, SlackWay};

/// Slack shows no more of a title.
const TITLE_CHARS_MAX: usize = 1024;
/// What Slack takes of the heading and the text of a field.
const FIELD_CHARS_MAX: usize = 2000;
/// What Slack takes of any other text.
const TEXT_CHARS_MAX: usize = 40_000;

/// A message that a service has, by what it wants to know it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Posted {
    /// Where it is.
    pub channel: String,
    /// Which of the messages there.
    pub id: String,
}

/// What tells somebody in Slack: a message; or if the group has one already, another text for that, or an answer to it, or both.
pub(super) fn messages(
    receiver: &SlackReceiver,
    notification: &Notification<'_>,
) -> Result<Vec<Call>, MessageError> {
    let message = message(receiver, notification)?;
    let posted = notification.posted.as_ref().filter(|_| receiver.update_message || receiver.thread_replies);
    let (Some(posted), Some(url)) = (posted, receiver.way.bot()) else {
        return Ok(vec![call(receiver, None, message)?]);
    };
    let with = |fields: [(&str, &str); 2]| {
        let mut message = message.clone();
        for (name, value) in fields {
            message.insert(name.to_owned(), value.into());
        }
        message
    };
    let mut calls = Vec::new();
    if receiver.update_message {
        let url = url.rsplit_once('/').map_or(url, |(base, _)| base);
        let changed = with([("channel", &posted.channel), ("ts", &posted.id)]);
        calls.push(call(receiver, Some(&format!("{url}/chat.update")), changed)?);
    }
    if receiver.thread_replies {
        let answer = with([("channel", &posted.channel), ("thread_ts", &posted.id)]);
        calls.push(call(receiver, None, answer)?);
    }
    Ok(calls)
}

/// A request with a message, to where messages go unless `url` says otherwise.
fn call(
    receiver: &SlackReceiver,
    url: Option<&str>,
    message: Map<String, Json>,
) -> Result<Call, MessageError> {
    let message = Json::Object(message);
    match &receiver.way {
        SlackWay::Hook(hook) => {
            let url = url.map_or_else(|| hook.read(), |url| Ok(Secret::new(url)))?;
            Ok(Call::post_json(url, &message))
        }
        SlackWay::App { token, url: to } => {
            let mut call = Call::post_json(Secret::new(url.unwrap_or(to.as_str())), &message);
            let token = Secret::new(format!("Bearer {}", token.read()?.reveal()));
            call.headers.push(("authorization".to_owned(), token));
            Ok(call)
        }
    }
}

/// A message with one attachment, as incoming webhooks and `chat.postMessage` take it.
fn message(
    receiver: &SlackReceiver,
    notification: &Notification<'_>,
) -> Result<Map<String, Json>, MessageError> {
    let text = |field, template: &str| {
        Ok::<_, MessageError>(shorten_lines(&notification.text(field, template)?, TEXT_CHARS_MAX))
    };
    let mut attachment = Map::new();
    let mut set = |name: &str, value: Json| {
        let is_empty = match &value {
            Json::String(text) => text.is_empty(),
            Json::Array(items) => items.is_empty(),
            _ => false,
        };
        if !is_empty {
            attachment.insert(name.to_owned(), value);
        }
    };
    set("title", shorten(&text("title", &receiver.title)?, TITLE_CHARS_MAX).into());
    set("text", shorten_lines(&notification.prose("text", &receiver.text)?, TEXT_CHARS_MAX).into());
    for (name, field, template) in [
        ("title_link", "title_link", &receiver.title_link),
        ("pretext", "pretext", &receiver.pretext),
        ("fallback", "fallback", &receiver.fallback),
        ("callback_id", "callback_id", &receiver.callback_id),
        ("image_url", "image_url", &receiver.image_url),
        ("thumb_url", "thumb_url", &receiver.thumb_url),
        ("footer", "footer", &receiver.footer),
        ("color", "color", &receiver.color),
    ] {
        set(name, text(field, template)?.into());
    }
    set("mrkdwn_in", receiver.mrkdwn_in.clone().into());
    set("fields", fields(receiver, notification)?);
    set("actions", actions(receiver, notification)?);
    let mut message = Map::new();
    for (name, field, template) in [
        ("channel", "channel", &receiver.channel),
        ("username", "username", &receiver.username),
        ("icon_emoji", "icon_emoji", &receiver.icon_emoji),
        ("icon_url", "icon_url", &receiver.icon_url),
        ("text", "message_text", &receiver.message_text),
    ] {
        let value = text(field, template)?;
        if !value.is_empty() {
            message.insert(name.to_owned(), value.into());
        }
    }
    if receiver.link_names {
        message.insert("link_names".to_owned(), true.into());
    }
    message.insert("attachments".to_owned(), json!([attachment]));
    Ok(message)
}

fn fields(receiver: &SlackReceiver, notification: &Notification<'_>) -> Result<Json, MessageError> {
    let field = |field: &crate::config::SlackField| {
        Ok(json!({
            "title": shorten(&notification.text("fields", &field.title)?, FIELD_CHARS_MAX),
            "value": shorten_lines(&notification.text("fields", &field.value)?, FIELD_CHARS_MAX),
            "short": field.short.unwrap_or(receiver.short_fields),
        }))
    };
    receiver.fields.iter().map(field).collect()
}

fn actions(receiver: &SlackReceiver, notification: &Notification<'_>) -> Result<Json, MessageError> {
    let action = |action: &crate::config::SlackAction| {
        let mut out = Map::new();
        for (name, template) in [
            ("type", &action.kind),
            ("text", &action.text),
            ("url", &action.url),
            ("style", &action.style),
            ("name", &action.name),
            ("value", &action.value),
        ] {
            let text = notification.text("actions", template)?;
            if !text.is_empty() {
                out.insert(name.to_owned(), text.into());
            }
        }
        if let Some(confirm) = &action.confirm {
            let mut asked = Map::new();
            for (name, template) in ["title", "text", "ok_text", "dismiss_text"].into_iter().zip(confirm) {
                let text = notification.text("actions", template)?;
                if !text.is_empty() {
                    asked.insert(name.to_owned(), text.into());
                }
            }
            out.insert("confirm".to_owned(), asked.into());
        }
        Ok(Json::Object(out))
    };
    receiver.actions.iter().map(action).collect()
}
