use std::borrow::Cow;

use bellwether_outbound::ConfigUrl;
use bellwether_yaml::{Decode, Errors, MapReader, Node, Reported};

use super::{Context, IntegrationKind, text};
use crate::config::global::read_url;
use crate::config::{ConfigError, SecretSource};

/// Where messages of bots go, and alone can be changed later.
const POST_MESSAGE: &str = "https://slack.com/api/chat.postMessage";

/// A message to Slack. All texts are templates.
#[derive(Debug, Clone, PartialEq)]
pub struct SlackReceiver {
    /// Where to.
    pub way: SlackWay,
    /// The channel or user.
    pub channel: String,
    /// As who.
    pub username: String,
    /// The colour of the bar beside the message.
    pub color: String,
    /// The first line.
    pub title: String,
    /// What it leads to.
    pub title_link: String,
    /// What stands above the message.
    pub pretext: String,
    /// The message.
    pub text: String,
    /// The message of a bot beside its attachment.
    pub message_text: String,
    /// Pairs below the text.
    pub fields: Vec<SlackField>,
    /// Whether pairs stand beside each other.
    pub short_fields: bool,
    /// What stands below the message.
    pub footer: String,
    /// The message where there are no colours and columns.
    pub fallback: String,
    /// What buttons tell who made them.
    pub callback_id: String,
    /// The picture of the sender, by its name.
    pub icon_emoji: String,
    /// The picture of the sender, by its address.
    pub icon_url: String,
    /// A picture in the message.
    pub image_url: String,
    /// A small picture beside it.
    pub thumb_url: String,
    /// Whether names of channels and users become links.
    pub link_names: bool,
    /// In which texts marks have a meaning.
    pub mrkdwn_in: Vec<String>,
    /// Buttons.
    pub actions: Vec<SlackAction>,
    /// Whether the first message of a group is changed instead of sending another one.
    pub update_message: bool,
    /// Whether what follows the first message of a group is told in its thread. Only Bellwether has this.
    pub thread_replies: bool,
}

/// How messages get to Slack.
#[derive(Debug, Clone, PartialEq)]
pub enum SlackWay {
    /// An incoming webhook; its address is a secret.
    Hook(SecretSource),
    /// A bot.
    App {
        /// Its token.
        token: SecretSource,
        /// Where messages are posted.
        url: ConfigUrl,
    },
}

impl SlackWay {
    /// Where a bot posts messages, which alone can be changed and answered later. `None` for a hook.
    ///
    /// A bot may also be written as the address that takes its messages, with its token as the credentials of the request.
    pub fn bot(&self) -> Option<&str> {
        match self {
            Self::App { url, .. } => Some(url.as_str()),
            Self::Hook(SecretSource::Inline(url)) => Some(url.reveal()).filter(|url| *url == POST_MESSAGE),
            Self::Hook(SecretSource::File(_)) => None,
        }
    }
}

/// A pair below the text of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlackField {
    /// Its heading.
    pub title: String,
    /// Its text.
    pub value: String,
    /// Whether it leaves room for another one beside it; if nothing is said, the message decides.
    pub short: Option<bool>,
}

/// A button.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlackAction {
    /// The kind, such as `button`.
    pub kind: String,
    /// What stands on it.
    pub text: String,
    /// What it opens.
    pub url: String,
    /// How it looks.
    pub style: String,
    /// What it tells who made it.
    pub name: String,
    /// The same.
    pub value: String,
    /// Asked before: title, text, yes, no.
    pub confirm: Option<[String; 4]>,
}

pub(super) fn read(map: &mut MapReader<'_, '_>, context: &Context<'_>) -> Option<IntegrationKind> {
    let way = read_way(map, context);
    let receiver = SlackReceiver {
        channel: map.or_default("channel"),
        username: text(map, "username", r#"{{ template "slack.default.username" . }}"#),
        color: text(map, "color", r#"{{ if eq .Status "firing" }}danger{{ else }}good{{ end }}"#),
        title: text(map, "title", r#"{{ template "slack.default.title" . }}"#),
        title_link: text(map, "title_link", r#"{{ template "slack.default.titlelink" . }}"#),
        pretext: text(map, "pretext", r#"{{ template "slack.default.pretext" . }}"#),
        text: text(map, "text", r#"{{ template "slack.default.text" . }}"#),
        message_text: map.or_default("message_text"),
        fields: map.or_default("fields"),
        short_fields: map.or_default("short_fields"),
        footer: text(map, "footer", r#"{{ template "slack.default.footer" . }}"#),
        fallback: text(map, "fallback", r#"{{ template "slack.default.fallback" . }}"#),
        callback_id: text(map, "callback_id", r#"{{ template "slack.default.callbackid" . }}"#),
        icon_emoji: text(map, "icon_emoji", r#"{{ template "slack.default.iconemoji" . }}"#),
        icon_url: text(map, "icon_url", r#"{{ template "slack.default.iconurl" . }}"#),
        image_url: map.or_default("image_url"),
        thumb_url: map.or_default("thumb_url"),
        link_names: map.or_default("link_names"),
        mrkdwn_in: map
            .optional("mrkdwn_in")
            .unwrap_or_else(|| ["fallback", "pretext", "text"].map(str::to_owned).to_vec()),
        actions: map.or_default("actions"),
        update_message: map.or_default("update_message"),
        thread_replies: map.or_default("thread_replies"),
        way: way?,
    };
    for (field, is_set) in
        [("update_message", receiver.update_message), ("thread_replies", receiver.thread_replies)]
    {
        if is_set && receiver.way.bot().is_none() {
            map.reject(map.place(field), ConfigError::NeedsBot(field));
            return None;
        }
    }
    Some(IntegrationKind::Slack(Box::new(receiver)))
}

/// A hook or a bot, of the receiver or of all. `None` was reported.
fn read_way(map: &mut MapReader<'_, '_>, context: &Context<'_>) -> Option<SlackWay> {
    let had_failed = map.has_failed();
    let hook = SecretSource::read_url_fields(map, "api_url", "api_url_file", "api_url & api_url_file");
    let token = SecretSource::read_fields(map, "app_token", "app_token_file", "app_token & app_token_file");
    let url = read_url(map, "app_url", &context.global.slack_app_url);
    if map.has_failed() && !had_failed {
        return None;
    }
    let global = context.global;
    let (hook, token) = match (hook, token) {
        (None, None) => (global.slack_api_url.clone(), global.slack_app_token.clone()),
        own => own,
    };
    match (hook, token) {
        (Some(_), Some(_)) => {
            let both = "app_token/app_token_file & api_url/api_url_file";
            map.reject(map.place("app_token"), ConfigError::AtMostOne(both));
            None
        }
        (Some(hook), None) => Some(SlackWay::Hook(hook)),
        (None, Some(token)) => Some(SlackWay::App { token, url }),
        (None, None) => {
            let what = "Slack API URL nor App token set either inline or in a file";
            map.reject(map.node(), ConfigError::NotSet(what));
            None
        }
    }
}

impl Decode<'_> for SlackField {
    fn type_name() -> Cow<'static, str> {
        "config.SlackField".into()
    }

    fn decode(node: Node<'_>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "config.SlackField", errors)?;
        let field = Self {
            title: map.or_default("title"),
            value: map.or_default("value"),
            short: map.optional("short"),
        };
        for (name, text, what) in [
            ("title", &field.title, "title in Slack field configuration"),
            ("value", &field.value, "value in Slack field configuration"),
        ] {
            if text.is_empty() {
                map.reject(map.place(name), ConfigError::Missing(what));
            }
        }
        map.finish()?;
        Ok(field)
    }
}

impl Decode<'_> for SlackAction {
    fn type_name() -> Cow<'static, str> {
        "config.SlackAction".into()
    }

    fn decode(node: Node<'_>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "config.SlackAction", errors)?;
        let action = Self {
            kind: map.or_default("type"),
            text: map.or_default("text"),
            url: map.or_default("url"),
            style: map.or_default("style"),
            name: map.or_default("name"),
            value: map.or_default("value"),
            confirm: map.optional::<Confirmation>("confirm").map(|confirm| confirm.0),
        };
        if action.kind.is_empty() {
            map.reject(node, ConfigError::Missing("type in Slack action configuration"));
        }
        if action.text.is_empty() {
            map.reject(node, ConfigError::Missing("text in Slack action configuration"));
        }
        if action.url.is_empty() && action.name.is_empty() {
            map.reject(node, ConfigError::Missing("name or url in Slack action configuration"));
        }
        map.finish()?;
        Ok(action)
    }
}

/// What is asked before a button does something: title, text, yes, no.
struct Confirmation([String; 4]);

impl Decode<'_> for Confirmation {
    fn type_name() -> Cow<'static, str> {
        "config.SlackConfirmationField".into()
    }

    fn decode(node: Node<'_>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "config.SlackConfirmationField", errors)?;
        let texts = ["title", "text", "ok_text", "dismiss_text"].map(|name| map.or_default::<String>(name));
        if texts[1].is_empty() {
            map.reject(node, ConfigError::Missing("text in Slack confirmation configuration"));
        }
        map.finish()?;
        Ok(Self(texts))
    }
}
