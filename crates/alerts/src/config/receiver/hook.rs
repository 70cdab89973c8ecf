use std::collections::BTreeMap;
use std::path::PathBuf;

use bellwether_yaml::{MapReader, Value};
use http::HeaderName;

use super::{Context, IntegrationKind, UrlTemplate};
use crate::config::{ConfigError, SecretSource};

/// Alertmanager's JSON, posted to a URL.
#[derive(Debug, Clone, PartialEq)]
pub struct WebhookReceiver {
    /// Where to.
    pub url: HookUrl,
    /// Another body instead: every text in it is a template.
    pub payload: Option<Value>,
    /// At most so many alerts in one message; 0 for all.
    pub max_alerts: usize,
}

/// Any request.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpReceiver {
    /// Where to.
    pub url: HookUrl,
    /// `POST`, `PUT` or `PATCH`.
    pub method: String,
    /// Further headers; the values are templates.
    pub headers: BTreeMap<String, String>,
    /// The body: a template.
    pub body: String,
}

/// An address that is a secret.
#[derive(Debug, Clone, PartialEq)]
pub enum HookUrl {
    /// It stands in the configuration.
    Inline(UrlTemplate),
    /// It stands in a file.
    File(SecretSource),
}

const METHODS: &str = "POST, PUT or PATCH";

pub(super) fn read_webhook(map: &mut MapReader<'_, '_>, _: &Context<'_>) -> Option<IntegrationKind> {
    let url = HookUrl::read(map);
    let receiver = WebhookReceiver {
        payload: map.optional("payload"),
        max_alerts: map.or_default("max_alerts"),
        url: url?,
    };
    Some(IntegrationKind::Webhook(receiver))
}

pub(super) fn read_http(map: &mut MapReader<'_, '_>, _: &Context<'_>) -> Option<IntegrationKind> {
    let url = HookUrl::read(map);
    let method: String = map.or("method", "POST".to_owned());
    if !["POST", "PUT", "PATCH"].contains(&method.as_str()) {
        map.reject(map.place("method"), ConfigError::Unknown { what: "method", got: method, want: METHODS });
        return None;
    }
    let headers: BTreeMap<String, String> = map.or_default("headers");
    for name in headers.keys().filter(|name| HeaderName::from_bytes(name.as_bytes()).is_err()) {
        map.reject(map.place("headers").place(name), ConfigError::HeaderName(name.clone()));
    }
    let receiver =
        HttpReceiver { method, headers, body: super::text(map, "body", "{{ toJson . }}"), url: url? };
    Some(IntegrationKind::Http(receiver))
}

impl HookUrl {
    /// One of `url` and `url_file`; `None` was reported.
    fn read(map: &mut MapReader<'_, '_>) -> Option<Self> {
        let had_failed = map.has_failed();
        let url = map.parse_optional("url", UrlTemplate::parse);
        let file: PathBuf = map.or_default("url_file");
        let has_file = !file.as_os_str().is_empty();
        match url {
            None if map.has_failed() && !had_failed => None,
            Some(_) if has_file => {
                map.reject(map.place("url_file"), ConfigError::AtMostOne("url & url_file"));
                None
            }
            Some(url) => Some(Self::Inline(url)),
            None if has_file => Some(Self::File(SecretSource::File(file))),
            None => {
                map.reject(map.node(), ConfigError::OneOf("url or url_file"));
                None
            }
        }
    }
}
