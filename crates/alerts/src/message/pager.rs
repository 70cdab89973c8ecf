use bellwether_yaml::Secret;
use serde_json::{Map, Value as Json, json};

use super::hook::expanded;
use super::shorten::{shorten, shorten_lines};
use super::{Call, MessageError, Notification, incident_key};
use crate::config::{OpsGenieReceiver, PagerDutyKey, PagerDutyReceiver};

const PAGERDUTY_V1_URL: &str = "https://events.pagerduty.com/generic/2010-04-15/create_event.json";
/// What the services take at most.
const PAGERDUTY_SUMMARY_CHARS_MAX: usize = 1024;
const PAGERDUTY_BYTES_MAX: usize = 512_000;
const OPSGENIE_MESSAGE_CHARS_MAX: usize = 130;
const OPSGENIE_DESCRIPTION_CHARS_MAX: usize = 15_000;
const OPSGENIE_NOTE_CHARS_MAX: usize = 25_000;
const OPSGENIE_ENTITY_CHARS_MAX: usize = 512;
const OPSGENIE_SOURCE_CHARS_MAX: usize = 100;
/// Of the names and the values of all details together.
const OPSGENIE_DETAILS_CHARS_MAX: usize = 8000;
const OPSGENIE_TAGS_MAX: usize = 20;
const OPSGENIE_ACTIONS_MAX: usize = 10;
const OPSGENIE_WORD_CHARS_MAX: usize = 50;
/// What OpsGenie refuses alerts for that say anything else; it takes one that says nothing for `P3`.
const PRIORITIES: [&str; 5] = ["P1", "P2", "P3", "P4", "P5"];
/// PagerDuty refuses events that say anything else.
const SEVERITIES: [&str; 4] = ["critical", "error", "warning", "info"];
/// For an event whose severity is none of these.
const SEVERITY: &str = "error";

/// An event of the Events API, version 2 for a routing key, version 1 for a service key.
pub(super) fn pagerduty(
    receiver: &PagerDutyReceiver,
    notification: &Notification<'_>,
) -> Result<Call, MessageError> {
    let (url, field, key) = match &receiver.key {
        PagerDutyKey::Service(key) => (PAGERDUTY_V1_URL, "service_key", key),
        PagerDutyKey::Routing(key) => (receiver.url.as_str(), "routing_key", key),
    };
    let key = Secret::new(notification.text(field, key.read()?.reveal())?);
    let mut details = Map::new();
    for (name, template) in &receiver.details {
        details.insert(name.clone(), expanded(template, notification)?);
    }
    let mut event = event(receiver, notification, &key, &details)?;
    if event.to_string().len() > PAGERDUTY_BYTES_MAX {
        // The list of alerts is what grows; the rest says that there is something.
        let left_out = json!({"error": "the details were too large for an event and were left out"});
        match event.get_mut("payload") {
            Some(payload) => payload["custom_details"] = left_out,
            None => event["details"] = left_out,
        }
    }
    let mut call = Call::post_json(Secret::new(url), &event);
    call.secrets.push(key);
    Ok(call)
}

fn event(
    receiver: &PagerDutyReceiver,
    notification: &Notification<'_>,
    key: &Secret,
    details: &Map<String, Json>,
) -> Result<Json, MessageError> {
    let text = |field, template: &str| notification.text(field, template);
    let action = if notification.is_firing() { "trigger" } else { "resolve" };
    let summary = notification.needed("description", &receiver.description)?;
    let summary = shorten(&summary, PAGERDUTY_SUMMARY_CHARS_MAX);
    let incident = incident_key(notification.group_key);
    let (client, client_url) = (text("client", &receiver.client)?, text("client_url", &receiver.client_url)?);
    if let PagerDutyKey::Service(_) = receiver.key {
        return Ok(json!({
            "service_key": key.reveal(), "incident_key": incident, "event_type": action,
            "description": summary, "client": client, "client_url": client_url, "details": details,
        }));
    }
    let severity = text("severity", &receiver.severity)?.trim().to_lowercase();
    let mut payload = json!({
        "summary": summary,
        "source": notification.needed("source", &receiver.source)?,
        "severity": if SEVERITIES.contains(&severity.as_str()) { &severity } else { SEVERITY },
        "custom_details": details,
    });
    for (name, template) in
        [("class", &receiver.class), ("component", &receiver.component), ("group", &receiver.group)]
    {
        let value = text(name, template)?;
        if !value.is_empty() {
            payload[name] = value.into();
        }
    }
    Ok(json!({
        "routing_key": key.reveal(), "dedup_key": incident, "event_action": action,
        "client": client, "client_url": client_url, "payload": payload,
        "images": pictures(receiver, notification)?, "links": links(receiver, notification)?,
    }))
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
    let source = shorten(&text("source", &receiver.source)?, OPSGENIE_SOURCE_CHARS_MAX);
    if !notification.is_firing() {
        let body = json!({"source": source});
        return Ok(vec![call("POST", format!("{base}/{alias}/close?identifierType=alias"), &body)]);
    }
    let message = shorten(&notification.needed("message", &receiver.message)?, OPSGENIE_MESSAGE_CHARS_MAX);
    let description = notification
        .prose("description", &receiver.description)
        .map(|it| shorten_lines(&it, OPSGENIE_DESCRIPTION_CHARS_MAX))?;
    let words = |field, template: &str, max| -> Result<Vec<String>, MessageError> {
        let list = text(field, template)?;
        let words = list.split(',').map(str::trim).filter(|word| !word.is_empty());
        Ok(words.take(max).map(|word| shorten(word, OPSGENIE_WORD_CHARS_MAX)).collect())
    };
    let mut body = json!({
        "alias": alias, "message": message, "description": description, "source": source,
        "details": details(receiver, notification)?,
        "responders": responders(receiver, notification)?,
        "tags": words("tags", &receiver.tags, OPSGENIE_TAGS_MAX)?,
        "actions": words("actions", &receiver.actions, OPSGENIE_ACTIONS_MAX)?,
    });
    for (name, template, max) in [
        ("entity", &receiver.entity, OPSGENIE_ENTITY_CHARS_MAX),
        ("note", &receiver.note, OPSGENIE_NOTE_CHARS_MAX),
    ] {
        let value = shorten(&text(name, template)?, max);
        if !value.is_empty() {
            body[name] = value.into();
        }
    }
    let priority = text("priority", &receiver.priority)?.trim().to_uppercase();
    if PRIORITIES.contains(&priority.as_str()) {
        body["priority"] = priority.into();
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

/// The details that the user wants, then the labels that all alerts have; as much as OpsGenie takes.
fn details(receiver: &OpsGenieReceiver, notification: &Notification<'_>) -> Result<Json, MessageError> {
    let mut details = Map::new();
    let mut room = OPSGENIE_DETAILS_CHARS_MAX;
    let mut add = |name: &str, value: &str| {
        room = room.saturating_sub(name.chars().count());
        if room > 0 && !details.contains_key(name) {
            let value = shorten(value, room);
            room -= value.chars().count();
            details.insert(name.to_owned(), value.into());
        }
    };
    for (name, template) in &receiver.details {
        add(name, &notification.text("details", template)?);
    }
    for (name, value) in notification.data.common_labels.iter().flat_map(|labels| &labels.0) {
        add(name, value);
    }
    Ok(details.into())
}

/// Who is to do something, as far as there is somebody: OpsGenie refuses an alert for somebody without a name. `teams` is a list of names.
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
        if out.as_object().is_some_and(|fields| fields.len() > 1) {
            responders.push(out);
        }
    }
    Ok(responders.into())
}
