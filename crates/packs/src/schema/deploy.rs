//! How the pieces run: what is scraped, which services there are, who is told.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bellwether_yaml::{Decode, Errors, MapReader, Node, Position, Reported};

use super::expression::positive_duration;
use super::metric::Metric;
use super::spanned::Spanned;
use super::word::words;

/// Targets that are scraped in the same way.
#[derive(Debug, Clone)]
pub struct Scrape {
    /// The job.
    pub job: Spanned<String>,
    /// The hosts, each with or without a port.
    pub targets: Vec<Spanned<String>>,
    /// The port of targets without one.
    pub port: Option<Spanned<u16>>,
    /// The path.
    pub path: String,
    /// How the targets are asked.
    pub scheme: Scheme,
    /// The file with the bearer token that the targets want to see, as the server finds it.
    pub token_file: Option<String>,
    /// How often, in milliseconds; the server's interval if not given.
    pub interval_ms: Option<i64>,
    /// How long a scrape may take, in milliseconds; the server's if not given.
    pub timeout_ms: Option<i64>,
    /// Labels of all series of the targets.
    pub labels: BTreeMap<String, String>,
    /// What of the pack the targets expose, by groups and names of metrics; `None` for all of it.
    pub exposes: Option<Vec<Spanned<String>>>,
    /// Lint rules that do not apply, each with the reason.
    pub allow: BTreeMap<String, String>,
    /// Where it stands.
    pub position: Position,
}

words! {
    /// How targets are asked.
    Scheme = "scheme" {
        /// In clear text.
        Http = "http",
        /// Over TLS.
        Https = "https",
    }
}

/// A process or container of the set-up that the pack describes.
#[derive(Debug, Clone)]
pub struct Service {
    /// The name; in containers it is also the host name.
    pub name: Spanned<String>,
    /// The ports it listens on.
    pub ports: Vec<Spanned<u16>>,
    /// The host it runs on, for services that share one. Services in containers have a host each.
    pub host: Option<String>,
    /// Whether it runs in a container of its own.
    pub container: bool,
    /// The image with its version, if it runs in a container.
    pub image: Option<Spanned<String>>,
    /// Volumes by the path at which they are mounted.
    pub volumes: BTreeMap<String, Spanned<String>>,
    /// Environment variables.
    pub env: BTreeMap<String, String>,
    /// Lint rules that do not apply, each with the reason.
    pub allow: BTreeMap<String, String>,
    /// Where it stands.
    pub position: Position,
}

/// Who is told about alerts.
#[derive(Debug, Clone)]
pub struct Receiver {
    /// The name.
    pub name: Spanned<String>,
    /// How.
    pub kind: ReceiverKind,
    /// Where: a URL, an address of mail, the key of PagerDuty. What is secret stands in a file, named as `file:PATH`.
    pub to: String,
    /// The file with the bearer token that a webhook wants to see, as the Alertmanager finds it.
    pub token_file: Option<String>,
    /// The server that mail is handed to, as `host:port`.
    pub via: Option<String>,
    /// The sender of mail.
    pub from: Option<String>,
    /// Only alerts of these severities; all if none are given.
    pub severities: Vec<super::alert::Severity>,
    /// Where it stands.
    pub position: Position,
}

words! {
    /// How somebody is told.
    ReceiverKind = "type of receiver" {
        /// A POST with JSON.
        Webhook = "webhook",
        /// A message in Slack.
        Slack = "slack",
        /// A mail.
        Email = "email",
        /// An incident in PagerDuty.
        Pagerduty = "pagerduty",
    }
}

/// An HTTP route that the application serves.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// The path, `{name}` standing for a parameter.
    pub path: Spanned<String>,
    /// The method.
    pub method: String,
    /// The service that serves it.
    pub service: Option<Spanned<String>>,
    /// The port.
    pub port: Option<u16>,
    /// A sentence about it.
    pub help: String,
    /// What it returns.
    pub returns: String,
    /// Which metrics its answer is made of.
    pub uses: Vec<Spanned<String>>,
}

/// Something whose health the application watches.
#[derive(Debug, Clone)]
pub struct HealthCheck {
    /// The name, a value of the label of the health metrics.
    pub name: Spanned<String>,
    /// Whether the application is not ready without it.
    pub critical: bool,
    /// How often it is checked, in milliseconds.
    pub interval_ms: i64,
    /// How long a check may take, in milliseconds.
    pub timeout_ms: i64,
    /// A sentence about it.
    pub help: String,
}

/// A setting of the application.
#[derive(Debug, Clone)]
pub struct Setting {
    /// The environment variable or the key.
    pub name: Spanned<String>,
    /// The default.
    pub default: String,
    /// All values, if they are known.
    pub values: Vec<String>,
    /// A sentence about it.
    pub help: String,
}

impl<'d> Decode<'d> for Scrape {
    fn type_name() -> Cow<'static, str> {
        "pack.scrape".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "pack.scrape", errors)?;
        let scrape = Self {
            job: map.required("job").unwrap_or_default(),
            targets: map.or_default("targets"),
            port: map.optional("port"),
            path: map.optional("path").unwrap_or_else(|| "/metrics".to_owned()),
            scheme: map.optional("scheme").unwrap_or(Scheme::Http),
            token_file: map.optional("token_file"),
            interval_ms: map.parse_optional("interval", positive_duration),
            timeout_ms: map.parse_optional("timeout", positive_duration),
            labels: map.or_default("labels"),
            exposes: map.optional("exposes"),
            allow: map.or_default("allow"),
            position: node.position(),
        };
        if let Some(target) = scrape.targets.iter().find(|t| scrape.port.is_none() && !t.contains(':')) {
            let place = map.place("targets");
            map.reject(place, format!("{target} has no port; write one behind it or give `port`"));
        }
        map.finish()?;
        Ok(scrape)
    }
}

impl Scrape {
    /// The targets with their ports.
    pub fn addresses(&self) -> Vec<String> {
        let with_port = |target: &Spanned<String>| match &self.port {
            Some(port) if !target.contains(':') => format!("{target}:{port}"),
            _ => target.value.clone(),
        };
        self.targets.iter().map(with_port).collect()
    }

    /// Whether the targets expose this metric of the pack.
    pub fn promises(&self, metric: &Metric) -> bool {
        let is_named = |name: &Spanned<String>| name.value == metric.group || name.value == metric.name.value;
        self.exposes.as_ref().is_none_or(|exposed| exposed.iter().any(is_named))
    }
}

impl<'d> Decode<'d> for Service {
    fn type_name() -> Cow<'static, str> {
        "pack.service".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "pack.service", errors)?;
        let service = Self {
            name: map.required("name").unwrap_or_default(),
            ports: map.or_default("ports"),
            host: map.optional("host"),
            container: map.or("container", false),
            image: map.optional("image"),
            volumes: map.or_default("volumes"),
            env: map.or_default("env"),
            allow: map.or_default("allow"),
            position: node.position(),
        };
        map.finish()?;
        Ok(service)
    }
}

impl<'d> Decode<'d> for Receiver {
    fn type_name() -> Cow<'static, str> {
        "pack.receiver".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "pack.receiver", errors)?;
        let receiver = Self {
            name: map.required("name").unwrap_or_default(),
            kind: map.required("type").unwrap_or(ReceiverKind::Webhook),
            to: map.required("to").unwrap_or_default(),
            token_file: map.optional("token_file"),
            via: map.optional("via"),
            from: map.optional("from"),
            severities: map.or_default("severities"),
            position: node.position(),
        };
        let is_mail = receiver.kind == ReceiverKind::Email;
        if !map.has_failed() && (is_mail != receiver.via.is_some() || is_mail != receiver.from.is_some()) {
            let why = if is_mail { "mail needs" } else { "only mail has" };
            map.reject(node, format!("{why} `via`, the server it is handed to, and `from`, its sender"));
        }
        if receiver.token_file.is_some() && receiver.kind != ReceiverKind::Webhook {
            let place = map.place("token_file");
            map.reject(place, "only webhooks have a `token_file`");
        }
        map.finish()?;
        Ok(receiver)
    }
}

impl<'d> Decode<'d> for Endpoint {
    fn type_name() -> Cow<'static, str> {
        "pack.endpoint".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "pack.endpoint", errors)?;
        let endpoint = Self {
            path: map.required("path").unwrap_or_default(),
            method: map.optional("method").unwrap_or_else(|| "GET".to_owned()),
            service: map.optional("service"),
            port: map.optional("port"),
            help: map.or_default("help"),
            returns: map.or_default("returns"),
            uses: map.or_default("uses"),
        };
        map.finish()?;
        Ok(endpoint)
    }
}

impl<'d> Decode<'d> for HealthCheck {
    fn type_name() -> Cow<'static, str> {
        "pack.health_check".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "pack.health_check", errors)?;
        let check = Self {
            name: map.required("name").unwrap_or_default(),
            critical: map.or("critical", false),
            interval_ms: map.parse_or("interval", 15_000, positive_duration),
            timeout_ms: map.parse_or("timeout", 5_000, positive_duration),
            help: map.or_default("help"),
        };
        map.finish()?;
        Ok(check)
    }
}

impl<'d> Decode<'d> for Setting {
    fn type_name() -> Cow<'static, str> {
        "pack.setting".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "pack.setting", errors)?;
        let setting = Self {
            name: map.required("name").unwrap_or_default(),
            default: map.or_default("default"),
            values: map.or_default("values"),
            help: map.or_default("help"),
        };
        map.finish()?;
        Ok(setting)
    }
}
