//! What services ask of a request, from their documentation. None of it is taken from what is sent.
use serde_json::Value as Json;

use crate::products::Request;

/// Whether a request is right; else what is wrong with it.
pub(crate) type Rule = fn(&Request) -> Result<(), String>;

fn need(holds: bool, what: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what.to_owned()) }
}

/// A text of so many characters at least and at most.
fn text(value: &Json, name: &str, chars: std::ops::RangeInclusive<usize>) -> Result<(), String> {
    let n = value[name].as_str().ok_or(format!("{name} is no text: {}", value[name]))?.chars().count();
    need(chars.contains(&n), &format!("{name} has {n} characters"))
}

/// The same for a text that need not be there.
fn optional(value: &Json, name: &str, chars: std::ops::RangeInclusive<usize>) -> Result<(), String> {
    if value[name].is_null() { Ok(()) } else { text(value, name, chars) }
}

fn one_of(value: &Json, name: &str, words: &[&str]) -> Result<(), String> {
    let got = value[name].as_str().unwrap_or("");
    need(words.contains(&got), &format!("{name} is {got:?}"))
}

fn list<'v>(value: &'v Json, name: &str, most: usize) -> Result<&'v [Json], String> {
    match &value[name] {
        Json::Null => Ok(&[]),
        Json::Array(items) if items.len() <= most => Ok(items),
        other => Err(format!("{name} is no list of at most {most}: {other}")),
    }
}

fn post(request: &Request, path: &str) -> Result<(), String> {
    need(request.method == "POST" && request.path == path, "not found")
}

pub(crate) fn any_json(request: &Request) -> Result<(), String> {
    need(request.method == "PUT", "method not allowed")?;
    request.json().map(drop)
}

/// <https://prometheus.io/docs/alerting/latest/configuration/#webhook_config>
pub(crate) fn webhook(request: &Request) -> Result<(), String> {
    post(request, "/hook")?;
    let body = request.json()?;
    one_of(&body, "version", &["4"])?;
    one_of(&body, "status", &["firing", "resolved"])?;
    text(&body, "groupKey", 1..=usize::MAX)?;
    text(&body, "receiver", 1..=usize::MAX)?;
    for alert in list(&body, "alerts", usize::MAX)? {
        one_of(alert, "status", &["firing", "resolved"])?;
        need(alert["labels"].is_object() && alert["annotations"].is_object(), "an alert has no labels")?;
        text(alert, "startsAt", 20..=35)?;
        text(alert, "endsAt", 20..=35)?;
        text(alert, "fingerprint", 16..=16)?;
    }
    need(!list(&body, "alerts", usize::MAX)?.is_empty(), "no alerts")
}

/// <https://api.slack.com/messaging/webhooks>, <https://api.slack.com/reference/messaging/attachments>
pub(crate) fn slack_hook(request: &Request) -> Result<(), String> {
    post(request, "/services/T0/B0/XXX")?;
    slack_message(&request.json()?)
}

/// <https://api.slack.com/methods/chat.postMessage>, <https://api.slack.com/methods/chat.update>
pub(crate) fn slack_method(request: &Request) -> Result<(), String> {
    need(request.header("authorization").starts_with("Bearer xoxb-"), "not_authed")?;
    let body = request.json()?;
    text(&body, "channel", 1..=80)?;
    match request.path.as_str() {
        "/api/chat.postMessage" => {}
        "/api/chat.update" => {
            let ts = body["ts"].as_str().ok_or("no ts")?;
            need(ts.split_once('.').is_some_and(|(s, us)| !s.is_empty() && !us.is_empty()), "bad ts")?;
            need(body["channel"].as_str().is_some_and(|id| id.starts_with('C')), "channel_not_found")?;
        }
        _ => return Err("unknown_method".to_owned()),
    }
    need(request.method == "POST", "method not allowed")?;
    slack_message(&body)
}

fn slack_message(body: &Json) -> Result<(), String> {
    optional(body, "text", 1..=40_000)?;
    let attachments = list(body, "attachments", 100)?;
    need(!attachments.is_empty() || body["text"].is_string(), "no_text")?;
    for attachment in attachments {
        for name in ["text", "pretext", "fallback"] {
            optional(attachment, name, 0..=40_000)?;
        }
        optional(attachment, "title", 0..=1024)?;
        let color = attachment["color"].as_str().unwrap_or("good");
        need(["good", "warning", "danger"].contains(&color) || color.starts_with('#'), "invalid color")?;
        for field in list(attachment, "fields", 100)? {
            text(field, "title", 1..=2000)?;
            text(field, "value", 1..=2000)?;
            need(field["short"].is_boolean(), "short is no boolean")?;
        }
        for action in list(attachment, "actions", 5)? {
            one_of(action, "type", &["button", "select"])?;
            text(action, "text", 1..=30)?;
            need(action["url"].is_string() || action["name"].is_string(), "an action does nothing")?;
        }
    }
    Ok(())
}

/// <https://developer.pagerduty.com/docs/send-alert-event>
pub(crate) fn pagerduty(request: &Request) -> Result<(), String> {
    post(request, "/v2/enqueue")?;
    need(request.body.len() <= 512_000, "event too large")?;
    let body = request.json()?;
    text(&body, "routing_key", 32..=32)?;
    one_of(&body, "event_action", &["trigger", "acknowledge", "resolve"])?;
    text(&body, "dedup_key", 1..=255)?;
    let payload = &body["payload"];
    text(payload, "summary", 1..=1024)?;
    text(payload, "source", 1..=1024)?;
    one_of(payload, "severity", &["critical", "warning", "error", "info"])?;
    need(payload["custom_details"].is_object(), "custom_details is no object")?;
    for link in list(&body, "links", 100)? {
        text(link, "href", 1..=4096)?;
    }
    for image in list(&body, "images", 100)? {
        text(image, "src", 1..=4096)?;
    }
    Ok(())
}

/// <https://docs.opsgenie.com/docs/alert-api>
pub(crate) fn opsgenie(request: &Request) -> Result<(), String> {
    need(request.header("authorization").starts_with("GenieKey "), "Could not authenticate")?;
    let body = request.json()?;
    optional(&body, "source", 0..=100)?;
    optional(&body, "note", 0..=25_000)?;
    let Some(path) = request.path.strip_prefix("/v2/alerts") else { return Err("not found".to_owned()) };
    if let Some(path) = path.strip_prefix('/') {
        let (alias, action) = path.split_once('/').ok_or("not found")?;
        need((1..=512).contains(&alias.len()), "no alias")?;
        return match (request.method.as_str(), action) {
            ("POST", "close?identifierType=alias") => Ok(()),
            ("PUT", "message?identifierType=alias") => text(&body, "message", 1..=130),
            ("PUT", "description?identifierType=alias") => text(&body, "description", 1..=15_000),
            _ => Err("not found".to_owned()),
        };
    }
    need(request.method == "POST", "method not allowed")?;
    text(&body, "message", 1..=130)?;
    text(&body, "alias", 1..=512)?;
    optional(&body, "description", 0..=15_000)?;
    optional(&body, "entity", 0..=512)?;
    if !body["priority"].is_null() {
        one_of(&body, "priority", &["P1", "P2", "P3", "P4", "P5"])?;
    }
    for (name, most) in [("tags", 20), ("actions", 10)] {
        for word in list(&body, name, most)? {
            let chars = word.as_str().ok_or(format!("{name}: no text"))?.chars().count();
            need((1..=50).contains(&chars), name)?;
        }
    }
    for responder in list(&body, "responders", 50)? {
        one_of(responder, "type", &["team", "user", "escalation", "schedule"])?;
        need(["id", "name", "username"].iter().any(|by| responder[by].is_string()), "nobody responds")?;
    }
    let details = body["details"].as_object().ok_or("details is no object")?;
    need(details.values().all(Json::is_string), "a detail is no text")?;
    let chars = |text: &str| text.chars().count();
    let size: usize =
        details.iter().map(|(name, text)| chars(name) + chars(text.as_str().unwrap_or(""))).sum();
    need(size <= 8000, "details are too long")
}

/// <https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using>
pub(crate) fn teams_connector(request: &Request) -> Result<(), String> {
    post(request, "/webhookb2/x")?;
    need(request.body.len() <= 28 << 10, "413 too large")?;
    let card = request.json()?;
    one_of(&card, "@type", &["MessageCard"])?;
    one_of(&card, "@context", &["http://schema.org/extensions", "https://schema.org/extensions"])?;
    need(card["summary"].is_string() || card["text"].is_string(), "Summary or Text is required.")?;
    let color = card["themeColor"].as_str().unwrap_or("");
    need(color.len() == 6 && color.bytes().all(|b| b.is_ascii_hexdigit()), "themeColor")
}

/// <https://learn.microsoft.com/power-automate/teams/overview>, <https://adaptivecards.io/explorer/TextBlock.html>
pub(crate) fn teams_workflow(request: &Request) -> Result<(), String> {
    post(request, "/workflows/x")?;
    need(request.body.len() <= 28 << 10, "413 too large")?;
    let message = request.json()?;
    one_of(&message, "type", &["message"])?;
    let attachments = list(&message, "attachments", 1)?;
    let card = attachments.first().ok_or("no attachment")?;
    one_of(card, "contentType", &["application/vnd.microsoft.card.adaptive"])?;
    let card = &card["content"];
    one_of(card, "type", &["AdaptiveCard"])?;
    one_of(card, "version", &["1.0", "1.1", "1.2", "1.3", "1.4", "1.5"])?;
    for block in list(card, "body", 100)? {
        one_of(block, "type", &["TextBlock"])?;
        text(block, "text", 1..=usize::MAX)?;
        if !block["color"].is_null() {
            let colors = ["Default", "Dark", "Light", "Accent", "Good", "Warning", "Attention"];
            one_of(block, "color", &colors)?;
        }
    }
    need(!list(card, "body", 100)?.is_empty(), "an empty card")
}

/// <https://discord.com/developers/docs/resources/webhook#execute-webhook>
pub(crate) fn discord(request: &Request) -> Result<(), String> {
    post(request, "/api/webhooks/1/x")?;
    let body = request.json()?;
    optional(&body, "content", 0..=2000)?;
    optional(&body, "username", 1..=80)?;
    let embeds = list(&body, "embeds", 10)?;
    need(!embeds.is_empty() || body["content"].as_str().is_some_and(|it| !it.is_empty()), "empty message")?;
    let mut chars = 0;
    for embed in embeds {
        optional(embed, "title", 0..=256)?;
        optional(embed, "description", 0..=4096)?;
        for name in ["title", "description"] {
            chars += embed[name].as_str().unwrap_or("").chars().count();
        }
        need(embed["color"].as_u64().is_some_and(|color| color <= 0x00ff_ffff), "color")?;
    }
    need(chars <= 6000, "embeds are too long")
}

/// <https://core.telegram.org/bots/api#sendmessage>, <https://core.telegram.org/bots/api#html-style>
pub(crate) fn telegram(request: &Request) -> Result<(), String> {
    post(request, "/bot123:abc/sendMessage")?;
    let body = request.json()?;
    need(body["chat_id"].is_i64() || body["chat_id"].is_string(), "chat_id is empty")?;
    let units = body["text"].as_str().ok_or("no text")?.encode_utf16().count();
    need((1..=4096).contains(&units), "message is too long")?;
    match body["parse_mode"].as_str() {
        None | Some("Markdown" | "MarkdownV2") => Ok(()),
        Some("HTML") => telegram_html(body["text"].as_str().unwrap_or("")),
        Some(_) => Err("unsupported parse_mode".to_owned()),
    }
}

fn telegram_html(text: &str) -> Result<(), String> {
    let mut open = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['<', '&']) {
        let end = if rest[at..].starts_with('<') { '>' } else { ';' };
        let len = rest[at..].find(end).ok_or(format!("can't parse entities: {:?}", &rest[at..]))?;
        let inside = &rest[at + 1..at + len];
        rest = &rest[at + len + 1..];
        if end == ';' {
            let known = ["lt", "gt", "amp", "quot"].contains(&inside) || inside.starts_with('#');
            need(known, &format!("can't parse entities: &{inside};"))?;
        } else if let Some(name) = inside.strip_prefix('/') {
            need(open.pop() == Some(name), &format!("can't parse entities: unexpected end tag {name}"))?;
        } else {
            let name = inside.split(' ').next().unwrap_or("");
            let known = ["b", "strong", "i", "em", "u", "s", "a", "code", "pre", "blockquote"];
            need(known.contains(&name), &format!("can't parse entities: unsupported start tag {name:?}"))?;
            open.push(name);
        }
    }
    need(open.is_empty(), "can't parse entities: can't find end tag")
}
