use bellwether_yaml::Secret;
use serde_json::json;

use super::shorten::{fitted, shorten, shorten_html, shorten_lines};
use super::{Call, MessageError, Notification};
use crate::config::{DiscordReceiver, MsTeamsReceiver, TeamsFormat, TelegramReceiver};

/// What the services take at most, in characters.
const DISCORD_USERNAME_CHARS_MAX: usize = 80;
const DISCORD_CONTENT_CHARS_MAX: usize = 2000;
const DISCORD_TITLE_CHARS_MAX: usize = 256;
const DISCORD_MESSAGE_CHARS_MAX: usize = 4096;
/// In units of UTF-16, of which a character has one or two.
const TELEGRAM_UNITS_MAX: usize = 4096;
/// The whole message, in bytes.
const MSTEAMS_BYTES_MAX: usize = 28 << 10;
/// What a heading of a card needs at most, in characters; Teams names no limit of its own.
const MSTEAMS_TITLE_CHARS_MAX: usize = 1024;
/// Red, and green, as a number and as Teams wants them.
const FIRING_COLOR: u32 = 0x00b0_0020;
const RESOLVED_COLOR: u32 = 0x001b_6e3c;

/// A message card for a connector, an adaptive card for a workflow.
pub(super) fn msteams(
    receiver: &MsTeamsReceiver,
    notification: &Notification<'_>,
) -> Result<Call, MessageError> {
    let title = shorten(&notification.text("title", &receiver.title)?, MSTEAMS_TITLE_CHARS_MAX);
    let summary = shorten(&notification.text("summary", &receiver.summary)?, MSTEAMS_TITLE_CHARS_MAX);
    let text = notification.prose("text", &receiver.text)?;
    let firing = notification.is_firing();
    let card = |text: &str| match receiver.format {
        TeamsFormat::Connector => json!({
            "@context": "http://schema.org/extensions",
            "@type": "MessageCard",
            "title": title,
            "summary": summary,
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
    let message = fitted(&text, MSTEAMS_BYTES_MAX, card);
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
    let content = notification.text("content", &receiver.content)?;
    let title = notification.text("title", &receiver.title)?;
    let description = notification.prose("message", &receiver.message)?;
    let mut message = json!({
        "content": shorten_lines(&content, DISCORD_CONTENT_CHARS_MAX),
        "embeds": [{
            "title": shorten(&title, DISCORD_TITLE_CHARS_MAX),
            "description": shorten_lines(&description, DISCORD_MESSAGE_CHARS_MAX),
            "color": color(notification),
        }],
    });
    for (name, template, max) in [
        ("username", &receiver.username, DISCORD_USERNAME_CHARS_MAX),
        ("avatar_url", &receiver.avatar_url, usize::MAX),
    ] {
        let value = shorten(&notification.text(name, template)?, max);
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
    let is_html = receiver.parse_mode == "HTML";
    let text = if is_html {
        notification.html("message", &receiver.message)?
    } else {
        notification.prose("message", &receiver.message)?
    };
    let text = text.trim();
    // Marks that are opened and not closed are refused. In Markdown nobody can tell which are.
    let chars_max = telegram_chars_max(text);
    let is_cut = text.chars().count() > chars_max;
    let parse_mode = if is_cut && !is_html { "" } else { receiver.parse_mode.as_str() };
    let text = if is_html { shorten_html(text, chars_max) } else { shorten_lines(text, chars_max) };
    let chat_id = receiver.chat_id.read()?;
    let mut message = json!({
        // A number is one to Telegram, a name of a channel is text.
        "chat_id": chat_id.reveal().parse::<i64>().map_or_else(|_| chat_id.reveal().into(), serde_json::Value::from),
        "text": text,
        "disable_notification": receiver.disable_notifications,
        "disable_web_page_preview": true,
    });
    if !parse_mode.is_empty() {
        message["parse_mode"] = parse_mode.into();
    }
    if receiver.message_thread_id != 0 {
        message["message_thread_id"] = receiver.message_thread_id.into();
    }
    let base = receiver.api_url.as_str().trim_end_matches('/');
    let url = format!("{base}/bot{}/sendMessage", receiver.bot_token.read()?.reveal());
    Ok(Call::post_json(Secret::new(url), &message))
}

/// So many of the first characters of a text are certainly not too many.
fn telegram_chars_max(text: &str) -> usize {
    let wide = text.chars().take(TELEGRAM_UNITS_MAX).filter(|c| c.len_utf16() > 1).count();
    (TELEGRAM_UNITS_MAX - wide).max(TELEGRAM_UNITS_MAX / 2)
}
