use bellwether_yaml::Secret;
use serde_json::{Map, Value as Json, json};

use super::hook::expanded;
use super::{Call, MessageError, Notification, incident_key, shorten};
use crate::config::{OpsGenieReceiver, PagerDutyKey, PagerDutyReceiver};

/// What the services take at most.
const PAGERDUTY_SUMMARY_CHARS_MAX: usize = 1024;
const PAGERDUTY_BYTES_MAX: usize = 512 << 10;
const OPSGENIE_MESSAGE_CHARS_MAX: usize = 130;
const OPSGENIE_DESCRIPTION_CHARS_MAX: usize = 15_000;
const OPSGENIE_NOTE_CHARS_MAX: usize = 25_000;
/// What an event needs and nobody said.
const SEVERITY: &str = "error";

/// An event of the Events API, version 2 for a routing key, version 1 for a service key.
pub(super) fn pagerduty(
    receiver: &PagerDutyReceiver,
    notification: &Notification<'_>,
) -> Result<Call, MessageError> {
    let text = |field, template: &str| notification.text(field, template);
    let action = if notification.is_firing() { "trigger" } else { "resolve" };
    let summary = shorten(&text("description", &receiver.description)?, PAGERDUTY_SUMMARY_CHARS_MAX);
    let mut details = Map::new();
    for (name, template) in &receiver.details {
        details.insert(name.clone(), expanded(template, notification)?);
    }
    let key = incident_key(notification.group_key);
    let (client, client_url) = (text("client", &receiver.client)?, text("client_url", &receiver.client_url)?);
    let mut event = match &receiver.key {
        PagerDutyKey::Service(service_key) => {
            return Ok(Call::post_json(
                Secret::new("https://events.pagerduty.com/generic/2010-04-15/create_event.json"),
                &json!({
                    "service_key": text("service_key", service_key.read()?.reveal())?,
                    "incident_key": key, "event_type": action, "description": summary,
                    "client": client, "client_url": client_url, "details": details,
                }),
            ));
        }
        PagerDutyKey::Routing(routing_key) => {
            let severity = text("severity", &receiver.severity)?;
            json!({
                "routing_key": text("routing_key", routing_key.read()?.reveal())?,
                "dedup_key": key,
                "event_action": action,
                "client": client,
                "client_url": client_url,
                "payload": {
                    "summary": summary,
                    "source": text("source", &receiver.source)?,
                    "severity": if severity.is_empty() { SEVERITY } else { &severity },
                    "custom_details": details,
                },
            })
        }
    };
    for (name, field, template) in [
        ("class", "class", &receiver.class),
        ("component", "component", &receiver.component),
        ("group", "group", &receiver.group),
    ] {
        let value = text(field, template)?;
        if !value.is_empty() {
            event["payload"][name] = value.into();
        }
    }
    event["images"] = pictures(receiver, notification)?;
    event["links"] = links(receiver, notification)?;
    if event.to_string().len() > PAGERDUTY_BYTES_MAX {
        // The list of alerts is what grows; the rest says that there is something.
        event["payload"]["custom_details"] =
            json!({"error": "the details were too large for an event and were left out"});
    }
    Ok(Call::post_json(Secret::new(receiver.url.as_str()), &event))
}

/// Pictures that have an address.
fn pictures(receiver: &PagerDutyReceiver, notification: &Notification<'_>) -> Result<Json, MessageError> {
    let mut pictures = Vec::new();
    for image in &receiver.images {
        let [src, alt, href] =
            [&image.src, &image.alt, &image.href].map(|it| notification.text("images", it));
        let (src, alt, href) = (src?, alt?, href?);
        if !src.is_empty() {
            pictures.push(json!({"src": src, "alt": alt, "href": href}));
        }
    }
    Ok(pictures.into())
}

/// Links that lead somewhere.
fn links(receiver: &PagerDutyReceiver, notification: &Notification<'_>) -> Result<Json, MessageError> {
    let mut links = Vec::new();
    for link in &receiver.links {
        let (href, text) = (notification.text("links", &link.href)?, notification.text("links", &link.text)?);
        if !href.is_empty() {
            links.push(json!({"href": href, "text": text}));
        }
    }
    Ok(links.into())
}

/// Opens an alert, or closes it; changes the texts of one that is open if that is wanted.
pub(super) fn opsgenie(
    receiver: &OpsGenieReceiver,
    notification: &Notification<'_>,
) -> Result<Vec<Call>, MessageError> {
    let alias = incident_key(notification.group_key);
    let base = format!("{}/v2/alerts", receiver.api_url.as_str().trim_end_matches('/'));
    let key = format!("GenieKey {}", receiver.api_key.read()?.reveal());
    let call = |method, url: String, body: &Json| {
        let mut call = Call::json(method, Secret::new(url), body.to_string());
        call.headers.push(("authorization".to_owned(), Secret::new(key.as_str())));
        call
    };
    let text = |field, template: &str| notification.text(field, template);
    let source = text("source", &receiver.source)?;
    if !notification.is_firing() {
        let body = json!({"source": source});
        return Ok(vec![call("POST", format!("{base}/{alias}/close?identifierType=alias"), &body)]);
    }
    let message = shorten(&text("message", &receiver.message)?, OPSGENIE_MESSAGE_CHARS_MAX);
    let description = shorten(&text("description", &receiver.description)?, OPSGENIE_DESCRIPTION_CHARS_MAX);
    let mut details: Map<String, Json> = notification
        .data
        .common_labels
        .iter()
        .flat_map(|labels| labels.0.iter().map(|(name, value)| (name.clone(), value.as_str().into())))
        .collect();
    for (name, template) in &receiver.details {
        details.insert(name.clone(), text("details", template)?.into());
    }
    let words = |field, template: &str| -> Result<Vec<String>, MessageError> {
        let list = text(field, template)?;
        Ok(list.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect())
    };
    let mut body = json!({
        "alias": alias, "message": message, "description": description, "details": details, "source": source,
        "responders": responders(receiver, notification)?,
        "tags": words("tags", &receiver.tags)?,
        "actions": words("actions", &receiver.actions)?,
    });
    for (name, field, template) in [
        ("entity", "entity", &receiver.entity),
        ("note", "note", &receiver.note),
        ("priority", "priority", &receiver.priority),
    ] {
        let value = shorten(&text(field, template)?, OPSGENIE_NOTE_CHARS_MAX);
        if !value.is_empty() {
            body[name] = value.into();
        }
    }
    let mut calls = vec![call("POST", base.clone(), &body)];
    if receiver.update_alerts {
        let changed = |what: &str, text: &str| {
            call("PUT", format!("{base}/{alias}/{what}?identifierType=alias"), &json!({what: text}))
        };
        calls.extend([changed("message", &message), changed("description", &description)]);
    }
    Ok(calls)
}

/// Who is to do something. `teams` is a list of names.
fn responders(receiver: &OpsGenieReceiver, notification: &Notification<'_>) -> Result<Json, MessageError> {
    let mut responders = Vec::new();
    for responder in &receiver.responders {
        let kind = notification.text("responders", &responder.kind)?.to_lowercase();
        let name = notification.text("responders", &responder.name)?;
        if kind == "teams" {
            let teams = name.split(',').map(str::trim).filter(|team| !team.is_empty());
            responders.extend(teams.map(|team| json!({"type": "team", "name": team})));
            continue;
        }
        let mut out = json!({"type": kind});
        let (id, username) = (
            notification.text("responders", &responder.id)?,
            notification.text("responders", &responder.username)?,
        );
        for (field, value) in [("id", id), ("name", name), ("username", username)] {
            if !value.is_empty() {
                out[field] = value.into();
            }
        }
        responders.push(out);
    }
    Ok(responders.into())
}
