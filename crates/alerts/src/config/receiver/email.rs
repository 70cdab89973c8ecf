use std::collections::BTreeMap;

use bellwether_outbound::TlsConfig;
use bellwether_yaml::MapReader;

use super::{Context, IntegrationKind, text};
use crate::config::{ConfigError, SecretSource, Smarthost, SmtpAuth};

/// A mail. Addresses, headers and texts are templates.
#[derive(Debug, Clone, PartialEq)]
pub struct EmailReceiver {
    /// To whom; several addresses are separated by commas.
    pub to: String,
    /// From whom.
    pub from: String,
    /// How the server calls itself.
    pub hello: String,
    /// The mail server.
    pub smarthost: Smarthost,
    /// Who the mail server takes us for.
    pub auth: SmtpAuth,
    /// Further headers by their names in the usual capitals, `Subject` among them.
    pub headers: BTreeMap<String, String>,
    /// The message with marks; empty for none.
    pub html: String,
    /// The message without; empty for none.
    pub text: String,
    /// Whether it is sent over TLS only.
    pub require_tls: bool,
    /// Whether TLS begins with the connection; if nothing is said, on port 465.
    pub implicit_tls: Option<bool>,
    /// Certificates and TLS versions.
    pub tls: TlsConfig,
    /// Whether the mails of a group follow each other in one thread.
    pub threading: bool,
    /// Whether each day has a thread of its own.
    pub thread_by_date: bool,
}

pub(super) fn read(map: &mut MapReader<'_, '_>, context: &Context<'_>) -> Option<IntegrationKind> {
    let had_failed = map.has_failed();
    let global = context.global;
    let non_empty = |own: String, inherited: &str| if own.is_empty() { inherited.to_owned() } else { own };
    let to: String = map.or_default("to");
    if to.is_empty() {
        map.reject(map.node(), ConfigError::Missing("to address in email config"));
    }
    let smarthost: Smarthost = map.parse_optional("smarthost", Smarthost::parse).unwrap_or_default();
    let smarthost = if smarthost.is_empty() { global.smtp_smarthost.clone() } else { smarthost };
    if smarthost.is_empty() {
        map.reject(map.node(), ConfigError::NotSet("global SMTP smarthost set"));
    }
    let from = non_empty(map.or_default("from"), &global.smtp_from);
    if from.is_empty() {
        map.reject(map.node(), ConfigError::NotSet("global SMTP from set"));
    }
    let password = SecretSource::read_fields(
        map,
        "auth_password",
        "auth_password_file",
        "auth_password & auth_password_file",
    );
    let secret =
        SecretSource::read_fields(map, "auth_secret", "auth_secret_file", "auth_secret & auth_secret_file");
    let (threading, thread_by_date) = read_threading(map);
    let receiver = EmailReceiver {
        to,
        from,
        hello: non_empty(map.or_default("hello"), &global.smtp_hello),
        smarthost,
        auth: SmtpAuth {
            username: non_empty(map.or_default("auth_username"), &global.smtp_auth.username),
            password: password.or_else(|| global.smtp_auth.password.clone()),
            secret: secret.or_else(|| global.smtp_auth.secret.clone()),
            identity: non_empty(map.or_default("auth_identity"), &global.smtp_auth.identity),
        },
        headers: read_headers(map),
        html: text(map, "html", r#"{{ template "email.default.html" . }}"#),
        text: map.or_default("text"),
        require_tls: map.optional("require_tls").unwrap_or(global.smtp_require_tls),
        implicit_tls: map.optional("force_implicit_tls").or(global.smtp_force_implicit_tls),
        tls: map.optional("tls_config").unwrap_or_else(|| global.smtp_tls.clone()),
        threading,
        thread_by_date,
    };
    if map.has_failed() && !had_failed {
        return None;
    }
    Some(IntegrationKind::Email(Box::new(receiver)))
}

/// The headers with their names in the usual capitals, in which no two may be the same.
fn read_headers(map: &mut MapReader<'_, '_>) -> BTreeMap<String, String> {
    let mut headers = BTreeMap::new();
    for (name, value) in map.or_default::<BTreeMap<String, String>>("headers") {
        let name = canonical(&name);
        if headers.insert(name.clone(), value).is_some() {
            map.reject(map.place("headers"), ConfigError::RepeatedHeader(name));
        }
    }
    headers
        .entry("Subject".to_owned())
        .or_insert_with(|| r#"{{ template "email.default.subject" . }}"#.to_owned());
    headers
}

/// `sUbject` as `Subject`.
fn canonical(name: &str) -> String {
    let mut starts_word = true;
    name.chars()
        .map(|c| {
            let cased = if starts_word { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
            starts_word = c == '-';
            cased
        })
        .collect()
}

fn read_threading(map: &mut MapReader<'_, '_>) -> (bool, bool) {
    let Some(node) = map.get("threading").filter(|node| !node.is_null()) else { return (false, false) };
    let mut by_date = String::new();
    let mut enabled = false;
    let read = MapReader::new(node, "config.ThreadingConfig", map.errors()).and_then(|mut section| {
        enabled = section.or_default("enabled");
        by_date = section.or("thread_by_date", "daily".to_owned());
        section.finish()
    });
    if let Err(reported) = read {
        map.fail(reported);
    }
    if !["", "daily", "none"].contains(&by_date.as_str()) {
        let refusal =
            ConfigError::Unknown { what: "thread_by_date", got: by_date.clone(), want: "daily or none" };
        map.reject(node.place("thread_by_date"), refusal);
    }
    (enabled, by_date == "daily")
}
