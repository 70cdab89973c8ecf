use bellwether_yaml::Secret;
use serde_json::{Map, Value as Json, json};

use super::{Call, MessageError, Notification, shorten};
use crate::config::{SlackReceiver, SlackWay};

/// Slack shows no more of a title.
const TITLE_CHARS_MAX: usize = 1024;

/// A message with one attachment, as incoming webhooks and `chat.postMessage` take it.
pub(super) fn message(
    receiver: &SlackReceiver,
    notification: &Notification<'_>,
) -> Result<Call, MessageError> {
    let text = |field, template: &str| notification.text(field, template);
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
    for (name, field, template) in [
        ("title_link", "title_link", &receiver.title_link),
        ("pretext", "pretext", &receiver.pretext),
        ("text", "text", &receiver.text),
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
    let message = Json::Object(message);
    match &receiver.way {
        SlackWay::Hook(url) => Ok(Call::post_json(url.read()?, &message)),
        SlackWay::App { token, url } => {
            let mut call = Call::post_json(Secret::new(url.as_str()), &message);
            let token = Secret::new(format!("Bearer {}", token.read()?.reveal()));
            call.headers.push(("authorization".to_owned(), token));
            Ok(call)
        }
    }
}

fn fields(receiver: &SlackReceiver, notification: &Notification<'_>) -> Result<Json, MessageError> {
    let field = |field: &crate::config::SlackField| {
        Ok(json!({
            "title": notification.text("fields", &field.title)?,
            "value": notification.text("fields", &field.value)?,
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
