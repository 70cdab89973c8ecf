//! Who is told, and how.

mod chat;
mod email;
mod foreign;
mod hook;
mod pager;
mod slack;
mod url_template;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use bellwether_model::parse_duration_ms;
use bellwether_outbound::{HttpClientConfig, ProxyConfig};
use bellwether_yaml::{Errors, Kind, MapReader, Node, Reported};
use serde::{Deserialize, Serialize};

pub use chat::{DiscordReceiver, MsTeamsReceiver, TeamsFormat, TelegramReceiver};
pub use email::EmailReceiver;
pub use foreign::Foreign;
pub use hook::{HookUrl, HttpReceiver, WebhookReceiver};
pub use pager::{Image, Link, OpsGenieReceiver, PagerDutyKey, PagerDutyReceiver, Responder};
pub use slack::{SlackAction, SlackField, SlackReceiver, SlackWay};
pub use url_template::UrlTemplate;

use super::{ConfigError, Global};

/// Somebody who is told, in one way or several.
#[derive(Debug, Clone, PartialEq)]
pub struct Receiver {
    /// The name, which routes use.
    pub name: String,
    /// Words about it, by name; `name` is always among them.
    pub labels: Vec<(String, String)>,
    /// The ways in which it is told.
    pub integrations: Vec<Integration>,
}

/// What an integration is called by among those of its receiver: its kind, and which of that kind it is. So others may come and go without it being taken for another one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct IntegrationId {
    /// The name of its kind.
    pub kind: Cow<'static, str>,
    /// Which of that kind, counted from 0.
    pub nth: usize,
}

/// `slack[0]`.
impl fmt::Display for IntegrationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]", self.kind, self.nth)
    }
}

impl Receiver {
    /// The integrations with what they are called by.
    pub fn integrations_by_id(&self) -> impl Iterator<Item = (IntegrationId, &Integration)> {
        let mut seen: BTreeMap<&'static str, usize> = BTreeMap::new();
        self.integrations.iter().map(move |integration| {
            let kind = integration.kind.name();
            let next = seen.entry(kind).or_default();
            let nth = *next;
            *next += 1;
            (IntegrationId { kind: kind.into(), nth }, integration)
        })
    }
}

/// One way to tell somebody.
#[derive(Debug, Clone, PartialEq)]
pub struct Integration {
    /// What all ways have.
    pub common: Common,
    /// The way.
    pub kind: IntegrationKind,
}

/// What all ways to tell somebody have.
#[derive(Debug, Clone, PartialEq)]
pub struct Common {
    /// Whether it is told as well that alerts are over.
    pub send_resolved: bool,
    /// How requests are made.
    pub http: HttpClientConfig,
    /// How long one attempt may take, in milliseconds; 0 if nothing is said. Alertmanager has this for some kinds only.
    pub timeout_ms: i64,
}

/// The services and protocols.
#[derive(Debug, Clone, PartialEq)]
pub enum IntegrationKind {
    /// Alertmanager's JSON, posted to a URL.
    Webhook(WebhookReceiver),
    /// Any request, written by a template.
    Http(HttpReceiver),
    /// Slack.
    Slack(Box<SlackReceiver>),
    /// Mail.
    Email(Box<EmailReceiver>),
    /// PagerDuty.
    PagerDuty(Box<PagerDutyReceiver>),
    /// OpsGenie.
    OpsGenie(Box<OpsGenieReceiver>),
    /// Microsoft Teams.
    MsTeams(MsTeamsReceiver),
    /// Discord.
    Discord(DiscordReceiver),
    /// Telegram.
    Telegram(TelegramReceiver),
    /// One that Alertmanager has and that is not supported: it is checked and told of nothing.
    Foreign(Foreign),
}

impl IntegrationKind {
    /// The name that it has in metrics and messages.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Webhook(_) => "webhook",
            Self::Http(_) => "http",
            Self::Slack(_) => "slack",
            Self::Email(_) => "email",
            Self::PagerDuty(_) => "pagerduty",
            Self::OpsGenie(_) => "opsgenie",
            Self::MsTeams(teams) => teams.format.name(),
            Self::Discord(_) => "discord",
            Self::Telegram(_) => "telegram",
            Self::Foreign(foreign) => foreign.kind,
        }
    }
}

/// What an integration needs from around it when it is read.
pub(super) struct Context<'c> {
    pub(super) global: &'c Global,
}

/// Reads the fields of one kind of integration; those that all have are read before.
type ReadKind = fn(&mut MapReader<'_, '_>, &Context<'_>) -> Option<IntegrationKind>;

/// A list of integrations in a receiver.
struct Section {
    field: &'static str,
    /// What an empty element of the list is called.
    missing: &'static str,
    /// Whether the end of alerts is told unless nothing is said about it.
    send_resolved: bool,
    /// Whether an element may be empty, because all that it needs may stand in the global section.
    may_be_empty: bool,
    /// Whether own settings for requests leave the proxy as it is for all.
    keeps_proxy: bool,
    read: ReadKind,
}

const SECTIONS: [Section; 10] = [
    Section {
        field: "webhook_configs",
        missing: "webhook config",
        send_resolved: true,
        may_be_empty: false,
        keeps_proxy: false,
        read: hook::read_webhook,
    },
    Section {
        field: "http_configs",
        missing: "http config",
        send_resolved: true,
        may_be_empty: false,
        keeps_proxy: false,
        read: hook::read_http,
    },
    Section {
        field: "slack_configs",
        missing: "slack config",
        send_resolved: false,
        may_be_empty: true,
        keeps_proxy: false,
        read: slack::read,
    },
    Section {
        field: "email_configs",
        missing: "email config",
        send_resolved: false,
        may_be_empty: false,
        keeps_proxy: false,
        read: email::read,
    },
    Section {
        field: "pagerduty_configs",
        missing: "pagerduty config",
        send_resolved: true,
        may_be_empty: false,
        keeps_proxy: false,
        read: pager::read_pagerduty,
    },
    Section {
        field: "opsgenie_configs",
        missing: "opsgenie config",
        send_resolved: true,
        may_be_empty: true,
        keeps_proxy: false,
        read: pager::read_opsgenie,
    },
    Section {
        field: "msteams_configs",
        missing: "msteams config",
        send_resolved: true,
        may_be_empty: false,
        keeps_proxy: false,
        read: chat::read_msteams,
    },
    Section {
        field: "msteamsv2_configs",
        missing: "msteamsv2 config",
        send_resolved: true,
        may_be_empty: false,
        keeps_proxy: true,
        read: chat::read_msteamsv2,
    },
    Section {
        field: "discord_configs",
        missing: "discord config",
        send_resolved: true,
        may_be_empty: false,
        keeps_proxy: false,
        read: chat::read_discord,
    },
    Section {
        field: "telegram_configs",
        missing: "telegram config",
        send_resolved: true,
        may_be_empty: false,
        keeps_proxy: false,
        read: chat::read_telegram,
    },
];

impl Receiver {
    pub(super) fn read(node: Node<'_>, global: &Global, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "config.plain", errors)?;
        let name: String = map.or_default("name");
        if name.is_empty() {
            map.reject(node, ConfigError::Missing("name in receiver"));
        }
        let labels = read_labels(&mut map, &name);
        let context = Context { global };
        let mut integrations = Vec::new();
        for section in &SECTIONS {
            for node in elements(&mut map, section.field) {
                if node.is_null() && !section.may_be_empty {
                    map.reject(node, ConfigError::Missing(section.missing));
                    continue;
                }
                match read_integration(node, section, &context, map.errors()) {
                    Ok(integration) => integrations.push(integration),
                    Err(reported) => map.fail(reported),
                }
            }
        }
        foreign::read_all(&mut map, &context, &mut integrations);
        map.finish()?;
        Ok(Self { name, labels, integrations })
    }

    /// The kinds of integrations that are not supported.
    pub fn foreign(&self) -> impl Iterator<Item = &'static str> {
        self.integrations.iter().filter_map(|it| match &it.kind {
            IntegrationKind::Foreign(foreign) => Some(foreign.kind),
            _ => None,
        })
    }
}

fn read_labels(map: &mut MapReader<'_, '_>, name: &str) -> Vec<(String, String)> {
    let mut labels: BTreeMap<String, String> = map.or_default("labels");
    if let Some(label) = labels.get("name").filter(|label| *label != name) {
        let refusal = ConfigError::ReceiverLabel { name: name.to_owned(), label: label.clone() };
        map.reject(map.place("labels"), refusal);
    }
    labels.insert("name".to_owned(), name.to_owned());
    labels.into_iter().collect()
}

/// The elements of a list, whatever they are.
fn elements<'d>(map: &mut MapReader<'d, '_>, field: &'static str) -> Vec<Node<'d>> {
    map.or_default(field)
}

fn read_integration(
    node: Node<'_>,
    section: &Section,
    context: &Context<'_>,
    errors: &mut Errors,
) -> Result<Integration, Reported> {
    let mut map = MapReader::new(node, "config.plain", errors)?;
    let mut common = Common::read(&mut map, section.send_resolved, context);
    if section.keeps_proxy && common.http.proxy == ProxyConfig::default() {
        common.http.proxy = context.global.http.proxy.clone();
    }
    let kind = (section.read)(&mut map, context);
    let refused = map.finish();
    match (refused, kind) {
        (Ok(()), Some(kind)) => Ok(Integration { common, kind }),
        (Err(reported), _) => Err(reported),
        (Ok(()), None) => unreachable!("BUG: an integration that cannot be read was not reported"),
    }
}

impl Common {
    fn read(map: &mut MapReader<'_, '_>, send_resolved: bool, context: &Context<'_>) -> Self {
        let own: Option<HttpClientConfig> = map.optional("http_config");
        Self {
            send_resolved: map.or("send_resolved", send_resolved),
            http: own.unwrap_or_else(|| context.global.http.clone()),
            timeout_ms: map.parse_or("timeout", 0, parse_duration_ms),
        }
    }
}

/// A text of a notification: a template.
fn text(map: &mut MapReader<'_, '_>, field: &'static str, default: &str) -> String {
    map.or(field, default.to_owned())
}

/// Whether the node is there and has something in it.
fn is_filled(node: Option<Node<'_>>) -> bool {
    node.is_some_and(|node| match node.kind() {
        Kind::Scalar(scalar) => !node.is_null() && !scalar.text.is_empty(),
        Kind::Sequence => node.items().len() > 0,
        Kind::Mapping => node.entries().len() > 0,
    })
}
