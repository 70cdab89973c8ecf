use std::borrow::Cow;

use bellwether_outbound::Destination;
use bellwether_template::Record as _;
use bellwether_yaml::{Secret, Value as Yaml};
use serde_json::{Map, Value as Json};

use super::{Call, MessageError, Notification};
use crate::config::{HookUrl, HttpReceiver, UrlTemplate, WebhookReceiver};
use crate::notification::Data;

/// The header of services that take each request once.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Alertmanager's JSON, version 4, and why it is sent.
pub(super) fn webhook(
    receiver: &WebhookReceiver,
    notification: &Notification<'_>,
) -> Result<Call, MessageError> {
    let (url, destination) = url(&receiver.url, notification)?;
    if let Some(payload) = &receiver.payload {
        let call = Call::post_json(url, &expanded(payload, notification)?);
        return Ok(with_key(Call { destination, ..call }, notification));
    }
    let (data, truncated) = shortened(&notification.data, receiver.max_alerts);
    let mut message: Map<String, Json> =
        serde_json::from_str(&data.json()).expect("BUG: what a notification tells is JSON");
    message.insert("version".to_owned(), "4".into());
    message.insert("groupKey".to_owned(), notification.group_key.into());
    message.insert("truncatedAlerts".to_owned(), truncated.into());
    message.insert("notificationReason".to_owned(), notification.reason.as_str().into());
    let call = Call::post_json(url, &Json::Object(message));
    Ok(with_key(Call { destination, ..call }, notification))
}

pub(super) fn http(receiver: &HttpReceiver, notification: &Notification<'_>) -> Result<Call, MessageError> {
    let method = match receiver.method.as_str() {
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        _ => "POST",
    };
    let (url, destination) = url(&receiver.url, notification)?;
    let call = Call::json(method, url, notification.text("body", &receiver.body)?);
    let mut call = with_key(Call { destination, ..call }, notification);
    for (name, template) in &receiver.headers {
        let text = notification.text("headers", template)?;
        call.headers.retain(|(there, _)| !there.eq_ignore_ascii_case(name));
        call.headers.push((name.clone(), Secret::new(text)));
    }
    Ok(call)
}

/// The request with the key by which a service knows that it was told this already (draft-ietf-httpapi-idempotency-key-header).
fn with_key(mut call: Call, notification: &Notification<'_>) -> Call {
    let key = Secret::new(notification.idempotency_key.to_owned());
    call.headers.push((IDEMPOTENCY_KEY.to_owned(), key));
    call
}

/// Where to, with its template filled in, and who chose the host.
fn url(url: &HookUrl, notification: &Notification<'_>) -> Result<(Secret, Destination), MessageError> {
    let written = match url {
        HookUrl::Inline(template) => template.reveal().to_owned(),
        HookUrl::File(file) => file.read()?.reveal().to_owned(),
    };
    let text = notification.text("url", &written)?;
    match UrlTemplate::parse(&text) {
        Ok(_) if !text.contains("{{") => Ok((Secret::new(text), destination(&written))),
        _ => Err(MessageError::Value {
            field: "url",
            problem: "not an http or https URL",
            got: "<secret>".to_owned(),
        }),
    }
}

/// Alerts choose the host if a template begins before the path does.
fn destination(written: &str) -> Destination {
    let host = written.find("://").map(|at| at + "://".len());
    let path = host.and_then(|host| Some(host + written[host..].find('/')?));
    match written.find("{{") {
        Some(template) if path.is_none_or(|path| template < path) => Destination::Foreign,
        _ => Destination::Configured,
    }
}

/// At most so many alerts with what these have in common, and how many there are more; 0 for all.
fn shortened(data: &Data, max_alerts: usize) -> (Cow<'_, Data>, usize) {
    let truncated = if max_alerts == 0 { 0 } else { data.alerts.len().saturating_sub(max_alerts) };
    if truncated == 0 {
        return (Cow::Borrowed(data), data.truncated_alerts);
    }
    let alerts = data.alerts[..max_alerts].to_vec();
    let group_labels = data.group_labels.clone().unwrap_or_default();
    let left = Data {
        route_labels: data.route_labels.clone(),
        truncated_alerts: data.truncated_alerts,
        ..Data::of(&data.receiver, group_labels, alerts, &data.external_url)
    };
    (Cow::Owned(left), truncated + data.truncated_alerts)
}

/// A document whose texts are templates. A text that is a template for JSON stands for it.
pub(super) fn expanded(value: &Yaml, notification: &Notification<'_>) -> Result<Json, MessageError> {
    Ok(match value {
        Yaml::Null => Json::Null,
        Yaml::Bool(b) => (*b).into(),
        Yaml::Int(n) => i64::try_from(*n).map_or_else(|_| n.to_string().into(), Json::from),
        Yaml::Float(v) => (*v).into(),
        Yaml::Str(template) => {
            let text = notification.text("payload", template)?;
            let is_json = template.contains("{{") && text.starts_with(['{', '[']);
            match is_json.then(|| serde_json::from_str(&text)) {
                Some(Ok(json)) => json,
                _ => text.into(),
            }
        }
        Yaml::List(items) | Yaml::FlowList(items) => {
            let items: Result<Vec<Json>, MessageError> =
                items.iter().map(|item| expanded(item, notification)).collect();
            items?.into()
        }
        Yaml::Map(map) => {
            let mut out = Map::new();
            for (name, value) in map.iter() {
                out.insert(notification.text("payload", name)?, expanded(value, notification)?);
            }
            out.into()
        }
    })
}
