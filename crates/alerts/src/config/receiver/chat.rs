use bellwether_outbound::ConfigUrl;
use bellwether_yaml::MapReader;

use super::{Context, IntegrationKind, is_filled, text};
use crate::config::global::read_url;
use crate::config::{ConfigError, SecretSource};

/// A message to Microsoft Teams. All texts are templates.
#[derive(Debug, Clone, PartialEq)]
pub struct MsTeamsReceiver {
    /// How messages are written.
    pub format: TeamsFormat,
    /// Where to; a secret.
    pub webhook_url: SecretSource,
    /// The heading.
    pub title: String,
    /// The message in one line; only connectors have it.
    pub summary: String,
    /// The message.
    pub text: String,
}

/// How Microsoft Teams takes messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TeamsFormat {
    /// A connector, as there were until 2025: a message card.
    Connector,
    /// A workflow: an adaptive card.
    Workflow,
}

impl TeamsFormat {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Connector => "msteams",
            Self::Workflow => "msteamsv2",
        }
    }
}

/// A message to Discord. All texts are templates.
#[derive(Debug, Clone, PartialEq)]
pub struct DiscordReceiver {
    /// Where to; a secret.
    pub webhook_url: SecretSource,
    /// What stands above the message.
    pub content: String,
    /// The heading.
    pub title: String,
    /// The message.
    pub message: String,
    /// As who.
    pub username: String,
    /// The picture of the sender.
    pub avatar_url: String,
}

/// A message to Telegram. All texts are templates.
#[derive(Debug, Clone, PartialEq)]
pub struct TelegramReceiver {
    /// Where Telegram is.
    pub api_url: ConfigUrl,
    /// The token of the bot.
    pub bot_token: SecretSource,
    /// The chat; a number as a rule.
    pub chat_id: SecretSource,
    /// The topic in the chat; 0 for none.
    pub message_thread_id: i64,
    /// The message.
    pub message: String,
    /// How marks in the message are meant: `HTML`, `Markdown`, `MarkdownV2`, or empty for plain text.
    pub parse_mode: String,
    /// Whether it comes without a sound.
    pub disable_notifications: bool,
}

pub(super) fn read_msteams(map: &mut MapReader<'_, '_>, _: &Context<'_>) -> Option<IntegrationKind> {
    let summary = text(map, "summary", r#"{{ template "msteams.default.summary" . }}"#);
    let title = text(map, "title", r#"{{ template "msteams.default.title" . }}"#);
    let message = text(map, "text", r#"{{ template "msteams.default.text" . }}"#);
    let webhook_url = read_webhook_url(map)?;
    let format = TeamsFormat::Connector;
    Some(IntegrationKind::MsTeams(MsTeamsReceiver { format, webhook_url, title, summary, text: message }))
}

pub(super) fn read_msteamsv2(map: &mut MapReader<'_, '_>, _: &Context<'_>) -> Option<IntegrationKind> {
    let title = text(map, "title", r#"{{ template "msteamsv2.default.title" . }}"#);
    let message = text(map, "text", r#"{{ template "msteamsv2.default.text" . }}"#);
    let webhook_url = read_webhook_url(map)?;
    let (format, summary) = (TeamsFormat::Workflow, String::new());
    Some(IntegrationKind::MsTeams(MsTeamsReceiver { format, webhook_url, title, summary, text: message }))
}

pub(super) fn read_discord(map: &mut MapReader<'_, '_>, _: &Context<'_>) -> Option<IntegrationKind> {
    let content = text(map, "content", r#"{{ template "discord.default.content" . }}"#);
    let title = text(map, "title", r#"{{ template "discord.default.title" . }}"#);
    let message = text(map, "message", r#"{{ template "discord.default.message" . }}"#);
    let (username, avatar_url) = (map.or_default("username"), map.or_default("avatar_url"));
    let webhook_url = read_webhook_url(map)?;
    Some(IntegrationKind::Discord(DiscordReceiver {
        webhook_url,
        content,
        title,
        message,
        username,
        avatar_url,
    }))
}

pub(super) fn read_telegram(map: &mut MapReader<'_, '_>, context: &Context<'_>) -> Option<IntegrationKind> {
    let had_failed = map.has_failed();
    let own = SecretSource::read_fields(map, "bot_token", "bot_token_file", "bot_token & bot_token_file");
    let chat_id = SecretSource::read_fields(map, "chat_id", "chat_id_file", "chat_id & chat_id_file");
    let api_url = read_url(map, "api_url", &context.global.telegram_api_url);
    let parse_mode: String = map.or("parse_mode", "HTML".to_owned());
    if !["", "Markdown", "MarkdownV2", "HTML"].contains(&parse_mode.as_str()) {
        let want = "Markdown, MarkdownV2, HTML or empty string";
        let refusal = ConfigError::Unknown { what: "parse_mode", got: parse_mode.clone(), want };
        map.reject(map.place("parse_mode"), refusal);
    }
    let message_thread_id = map.or_default("message_thread_id");
    let message = text(map, "message", r#"{{ template "telegram.default.message" . }}"#);
    let disable_notifications = map.or_default("disable_notifications");
    if map.has_failed() && !had_failed {
        return None;
    }
    let Some(bot_token) = own.or_else(|| context.global.telegram_bot_token.clone()) else {
        map.reject(map.node(), ConfigError::Missing("bot_token or bot_token_file on telegram_config"));
        return None;
    };
    // No chat has the number 0: that is what nothing is in upstream's files.
    let is_zero = |id: &SecretSource| matches!(id, SecretSource::Inline(id) if id.reveal() == "0");
    let Some(chat_id) = chat_id.filter(|id| !is_zero(id)) else {
        map.reject(map.node(), ConfigError::Missing("chat_id or chat_id_file on telegram_config"));
        return None;
    };
    Some(IntegrationKind::Telegram(TelegramReceiver {
        api_url,
        bot_token,
        chat_id,
        message_thread_id,
        message,
        parse_mode,
        disable_notifications,
    }))
}

/// One of `webhook_url` and `webhook_url_file`; `None` was reported.
fn read_webhook_url(map: &mut MapReader<'_, '_>) -> Option<SecretSource> {
    let is_given = is_filled(map.get("webhook_url")) || is_filled(map.get("webhook_url_file"));
    let both = "webhook_url & webhook_url_file";
    let url = SecretSource::read_url_fields(map, "webhook_url", "webhook_url_file", both);
    if url.is_none() && !is_given {
        map.reject(map.node(), ConfigError::OneOf("webhook_url or webhook_url_file"));
    }
    url
}
