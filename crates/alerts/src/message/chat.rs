use bellwether_yaml::Secret;
use serde_json::json;

use super::{Call, MessageError, Notification, shorten};
use crate::config::{DiscordReceiver, MsTeamsReceiver, TeamsFormat, TelegramReceiver};

/// What the services take at most, in characters.
const DISCORD_CONTENT_CHARS_MAX: usize = 2000;
const DISCORD_TITLE_CHARS_MAX: usize = 256;
const DISCORD_MESSAGE_CHARS_MAX: usize = 4096;
const TELEGRAM_CHARS_MAX: usize = 4096;
/// Red, and green, as a number and as Teams wants them.
const FIRING_COLOR: u32 = 0x00b0_0020;
const RESOLVED_COLOR: u32 = 0x001b_6e3c;

/// A message card for a connector, an adaptive card for a workflow.
pub(super) fn msteams(
    receiver: &MsTeamsReceiver,
    notification: &Notification<'_>,
) -> Result<Call, MessageError> {
    let title = notification.text("title", &receiver.title)?;
    let text = notification.text("text", &receiver.text)?;
    let firing = notification.is_firing();
    let message = match receiver.format {
        TeamsFormat::Connector => json!({
            "@context": "http://schema.org/extensions",
            "@type": "MessageCard",
            "title": title,
            "summary": notification.text("summary", &receiver.summary)?,
            "text": text,
            "themeColor": format!("{:06x}", color(notification)),
        }),
        TeamsFormat::Workflow => json!({
            "type": "message",
            "attachments": [{
                "contentType": "application/vnd.microsoft.card.adaptive",
                "contentUrl": null,
                "content": {
                    "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                    "type": "AdaptiveCard",
                    "version": "1.4",
                    "msteams": {"width": "Full"},
                    "body": [
                        {
                            "type": "TextBlock", "text": title, "weight": "Bolder", "size": "Medium", "wrap": true,
                            "style": "heading", "color": if firing { "Attention" } else { "Good" },
                        },
                        {"type": "TextBlock", "text": text, "wrap": true},
                    ],
                },
            }],
        }),
    };
    Ok(Call::post_json(receiver.webhook_url.read()?, &message))
}

fn color(notification: &Notification<'_>) -> u32 {
    if notification.is_firing() { FIRING_COLOR } else { RESOLVED_COLOR }
}

/// A message with one embed.
pub(super) fn discord(
    receiver: &DiscordReceiver,
    notification: &Notification<'_>,
) -> Result<Call, MessageError> {
    let text = |field, template: &str, max| {
        Ok::<_, MessageError>(shorten(&notification.text(field, template)?, max))
    };
    let mut message = json!({
        "content": text("content", &receiver.content, DISCORD_CONTENT_CHARS_MAX)?,
        "embeds": [{
            "title": text("title", &receiver.title, DISCORD_TITLE_CHARS_MAX)?,
            "description": text("message", &receiver.message, DISCORD_MESSAGE_CHARS_MAX)?,
            "color": color(notification),
        }],
    });
    for (name, field, template) in
        [("username", "username", &receiver.username), ("avatar_url", "avatar_url", &receiver.avatar_url)]
    {
        let value = notification.text(field, template)?;
        if !value.is_empty() {
            message[name] = value.into();
        }
    }
    Ok(Call::post_json(receiver.webhook_url.read()?, &message))
}

/// A call of the bot's method `sendMessage`.
pub(super) fn telegram(
    receiver: &TelegramReceiver,
    notification: &Notification<'_>,
) -> Result<Call, MessageError> {
    let html = receiver.parse_mode == "HTML";
    let text = notification
        .templates
        .text(&receiver.message, &notification.data, html)
        .map_err(|source| MessageError::Template { field: "message", source: Box::new(source) })?;
    let chat_id = receiver.chat_id.read()?;
    let mut message = json!({
        // A number is one to Telegram, a name of a channel is text.
        "chat_id": chat_id.reveal().parse::<i64>().map_or_else(|_| chat_id.reveal().into(), serde_json::Value::from),
        "text": shorten(text.trim(), TELEGRAM_CHARS_MAX),
        "disable_notification": receiver.disable_notifications,
        "disable_web_page_preview": true,
    });
    if !receiver.parse_mode.is_empty() {
        message["parse_mode"] = receiver.parse_mode.as_str().into();
    }
    if receiver.message_thread_id != 0 {
        message["message_thread_id"] = receiver.message_thread_id.into();
    }
    let base = receiver.api_url.as_str().trim_end_matches('/');
    let url = format!("{base}/bot{}/sendMessage", receiver.bot_token.read()?.reveal());
    Ok(Call::post_json(Secret::new(url), &message))
}
