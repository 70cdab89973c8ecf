use std::borrow::Cow;
use std::collections::BTreeMap;

use bellwether_outbound::ConfigUrl;
use bellwether_yaml::{Decode, Errors, MapReader, Node, Reported, Value};

use super::{Context, IntegrationKind, text};
use crate::config::global::read_url;
use crate::config::{ConfigError, SecretSource};
use crate::library::check_template;

/// An event for PagerDuty. All texts are templates.
#[derive(Debug, Clone, PartialEq)]
pub struct PagerDutyReceiver {
    /// Where to.
    pub url: ConfigUrl,
    /// The key of the service.
    pub key: PagerDutyKey,
    /// Who tells.
    pub client: String,
    /// Where that can be seen.
    pub client_url: String,
    /// What is wrong, in one line.
    pub description: String,
    /// What else is known, by name; text or more of the kind.
    pub details: BTreeMap<String, Value>,
    /// Pictures.
    pub images: Vec<Image>,
    /// Links.
    pub links: Vec<Link>,
    /// Where it is wrong.
    pub source: String,
    /// How bad it is: `critical`, `error`, `warning` or `info`.
    pub severity: String,
    /// What kind of thing it is.
    pub class: String,
    /// What part of the source.
    pub component: String,
    /// What it belongs to.
    pub group: String,
}

/// Which API of PagerDuty takes the events.
#[derive(Debug, Clone, PartialEq)]
pub enum PagerDutyKey {
    /// The Events API v2.
    Routing(SecretSource),
    /// The one before.
    Service(SecretSource),
}

/// A picture of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Where the picture is.
    pub src: String,
    /// What it is.
    pub alt: String,
    /// What it leads to.
    pub href: String,
}

/// A link of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Where to.
    pub href: String,
    /// What stands there.
    pub text: String,
}

/// An alert for OpsGenie. All texts are templates.
#[derive(Debug, Clone, PartialEq)]
pub struct OpsGenieReceiver {
    /// Where OpsGenie is.
    pub api_url: ConfigUrl,
    /// The key to it.
    pub api_key: SecretSource,
    /// What is wrong, in one line.
    pub message: String,
    /// The same at length.
    pub description: String,
    /// Who tells.
    pub source: String,
    /// What else is known, by name.
    pub details: BTreeMap<String, String>,
    /// What it is about.
    pub entity: String,
    /// Who is to do something.
    pub responders: Vec<Responder>,
    /// What can be done.
    pub actions: String,
    /// Words to find it by, separated by commas.
    pub tags: String,
    /// A remark.
    pub note: String,
    /// `P1` to `P5`.
    pub priority: String,
    /// Whether the texts of an alert that is open are changed too.
    pub update_alerts: bool,
}

/// Somebody of whom OpsGenie knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Responder {
    /// By one of these three.
    pub id: String,
    /// The name of a team, a schedule or an escalation.
    pub name: String,
    /// The name of a user.
    pub username: String,
    /// `team`, `teams`, `user`, `escalation` or `schedule`.
    pub kind: String,
}

/// What PagerDuty is told beside the description unless the user says otherwise.
const DETAILS: [(&str, &str); 4] = [
    ("firing", "{{ .Alerts.Firing | toJson }}"),
    ("resolved", "{{ .Alerts.Resolved | toJson }}"),
    ("num_firing", "{{ .Alerts.Firing | len }}"),
    ("num_resolved", "{{ .Alerts.Resolved | len }}"),
];

pub(super) fn read_pagerduty(map: &mut MapReader<'_, '_>, context: &Context<'_>) -> Option<IntegrationKind> {
    let had_failed = map.has_failed();
    let routing =
        SecretSource::read_fields(map, "routing_key", "routing_key_file", "routing_key & routing_key_file");
    let service =
        SecretSource::read_fields(map, "service_key", "service_key_file", "service_key & service_key_file");
    let mut details: BTreeMap<String, Value> =
        DETAILS.map(|(name, text)| (name.to_owned(), Value::str(text))).into();
    details.extend(map.or_default::<BTreeMap<String, Value>>("details"));
    let client = text(map, "client", r#"{{ template "pagerduty.default.client" . }}"#);
    let source: String = map.or_default("source");
    let key = match (routing, service) {
        (Some(key), None) => PagerDutyKey::Routing(key),
        (None, Some(key)) => PagerDutyKey::Service(key),
        _ if map.has_failed() && !had_failed => return None,
        (Some(_), Some(_)) => {
            map.reject(map.node(), ConfigError::AtMostOne("routing_key & service_key"));
            return None;
        }
        (None, None) => {
            map.reject(map.node(), ConfigError::Missing("service or routing key in PagerDuty config"));
            return None;
        }
    };
    let receiver = PagerDutyReceiver {
        url: read_url(map, "url", &context.global.pagerduty_url),
        client_url: text(map, "client_url", r#"{{ template "pagerduty.default.clientURL" . }}"#),
        description: text(map, "description", r#"{{ template "pagerduty.default.description" . }}"#),
        images: map.or_default("images"),
        links: map.or_default("links"),
        severity: map.or_default("severity"),
        class: map.or_default("class"),
        component: map.or_default("component"),
        group: map.or_default("group"),
        source: if source.is_empty() { client.clone() } else { source },
        client,
        details,
        key,
    };
    Some(IntegrationKind::PagerDuty(Box::new(receiver)))
}

pub(super) fn read_opsgenie(map: &mut MapReader<'_, '_>, context: &Context<'_>) -> Option<IntegrationKind> {
    let had_failed = map.has_failed();
    let own = SecretSource::read_fields(map, "api_key", "api_key_file", "api_key & api_key_file");
    if map.has_failed() && !had_failed {
        return None;
    }
    let Some(api_key) = own.or_else(|| context.global.opsgenie_api_key.clone()) else {
        map.reject(map.node(), ConfigError::NotSet("global OpsGenie API Key set either inline or in a file"));
        return None;
    };
    let receiver = OpsGenieReceiver {
        api_url: read_url(map, "api_url", &context.global.opsgenie_api_url),
        api_key,
        message: text(map, "message", r#"{{ template "opsgenie.default.message" . }}"#),
        description: text(map, "description", r#"{{ template "opsgenie.default.description" . }}"#),
        source: text(map, "source", r#"{{ template "opsgenie.default.source" . }}"#),
        details: map.or_default("details"),
        entity: map.or_default("entity"),
        responders: map.or_default("responders"),
        actions: map.or_default("actions"),
        tags: map.or_default("tags"),
        note: map.or_default("note"),
        priority: map.or_default("priority"),
        update_alerts: map.or_default("update_alerts"),
    };
    Some(IntegrationKind::OpsGenie(Box::new(receiver)))
}

impl Decode<'_> for Image {
    fn type_name() -> Cow<'static, str> {
        "config.PagerdutyImage".into()
    }

    fn decode(node: Node<'_>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "config.PagerdutyImage", errors)?;
        let image =
            Self { src: map.or_default("src"), alt: map.or_default("alt"), href: map.or_default("href") };
        map.finish()?;
        Ok(image)
    }
}

impl Decode<'_> for Link {
    fn type_name() -> Cow<'static, str> {
        "config.PagerdutyLink".into()
    }

    fn decode(node: Node<'_>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "config.PagerdutyLink", errors)?;
        let link = Self { href: map.or_default("href"), text: map.or_default("text") };
        map.finish()?;
        Ok(link)
    }
}

impl Decode<'_> for Responder {
    fn type_name() -> Cow<'static, str> {
        "config.OpsGenieConfigResponder".into()
    }

    fn decode(node: Node<'_>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "config.OpsGenieConfigResponder", errors)?;
        let responder = Self {
            id: map.or_default("id"),
            name: map.or_default("name"),
            username: map.or_default("username"),
            kind: map.or_default("type"),
        };
        if responder.id.is_empty() && responder.name.is_empty() && responder.username.is_empty() {
            map.reject(node, ConfigError::Missing("id, username or name of an OpsGenie responder"));
        }
        let kinds = ["team", "teams", "user", "escalation", "schedule"];
        if responder.kind.contains("{{") {
            // It is one of these only when it has been filled in.
            if let Err(error) = check_template(&responder.kind) {
                map.reject(map.place("type"), ConfigError::Template(error.to_string()));
            }
        } else if !kinds.contains(&responder.kind.to_lowercase().as_str()) {
            let want = "team, teams, user, escalation or schedule";
            let got = responder.kind.clone();
            map.reject(
                map.place("type"),
                ConfigError::Unknown { what: "type of an OpsGenie responder", got, want },
            );
        }
        map.finish()?;
        Ok(responder)
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, ConfigOptions};

    #[test]
    fn the_type_of_a_responder_is_one_or_a_template() {
        let refusal = |kind: &str| {
            let text = format!(
                "route: {{receiver: r}}\nreceivers: [{{name: r, opsgenie_configs: [{{api_key: k, responders: [{{name: n, type: '{kind}'}}]}}]}}]\n"
            );
            let read = Config::parse("alertmanager.yml", text.as_bytes(), ConfigOptions::default());
            read.err().map(|errors| errors.to_string())
        };
        assert_eq!(refusal("Team"), None);
        assert_eq!(refusal("{{ .CommonLabels.kind }}"), None);
        let said = refusal("{{ nope }}").expect("there is no such function");
        assert!(
            said.starts_with("alertmanager.yml:2:") && said.contains("function \"nope\" not defined"),
            "{said}"
        );
        assert!(refusal("boss").is_some_and(|said| said.contains("unknown type of an OpsGenie responder")));
    }
}
