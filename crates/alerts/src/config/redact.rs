use bellwether_outbound::ConfigUrl;
use bellwether_yaml::{Secret, Value};
use url::{Position, Url};

use crate::message::is_secret_header;

/// What stands under these names anywhere is not shown.
const SECRET_FIELDS: &[&str] = &[
    "smtp_auth_password",
    "smtp_auth_secret",
    "slack_api_url",
    "slack_app_token",
    "opsgenie_api_key",
    "wechat_api_secret",
    "victorops_api_key",
    "telegram_bot_token",
    "rocketchat_token",
    "rocketchat_token_id",
    "mattermost_webhook_url",
    "auth_password",
    "auth_secret",
    "api_key",
    "api_secret",
    "routing_key",
    "service_key",
    "webhook_url",
    "token",
    "token_id",
    "user_key",
    "bot_token",
    "app_token",
    "alert_source_token",
    "password",
    "credentials",
    "secrets",
    "bearer_token",
    "client_secret",
    "client_certificate_key",
    "secret_key",
    "access_key",
    "key",
];
/// Addresses below a section of this name: whoever knows all of one can use it. The host is shown, so that people see who is told, and because tools want an address there.
const SECRET_URLS: [(&str, &str); 3] =
    [("webhook_configs", "url"), ("http_configs", "url"), ("slack_configs", "api_url")];

/// What only Bellwether has, below a section of this name. Other tools refuse a configuration with it.
const OWN_FIELDS: [(&str, &str); 9] = [
    ("", "bellwether"),
    ("receivers", "http_configs"),
    ("slack_configs", "thread_replies"),
    ("email_configs", "timeout"),
    ("opsgenie_configs", "timeout"),
    ("msteams_configs", "timeout"),
    ("msteamsv2_configs", "timeout"),
    ("discord_configs", "timeout"),
    ("telegram_configs", "timeout"),
];

/// The same document without what only Bellwether has.
pub(super) fn for_other_tools(document: &Value) -> Value {
    edit(document.clone(), "", &|value, section, name| {
        (!OWN_FIELDS.contains(&(section, name))).then_some(value)
    })
}

/// The same document without its secrets.
pub(super) fn hide_secrets(document: Value) -> Value {
    edit(document, "", &|value, section, name| {
        if let (Value::Str(url), true) = (&value, SECRET_URLS.contains(&(section, name))) {
            return Some(hide_url(url));
        }
        let is_secret = SECRET_FIELDS.contains(&name)
            || (section == "headers" && is_secret_header(name))
            || section == "proxy_connect_header";
        if let (Value::Str(text), false) = (&value, is_secret)
            && name.ends_with("url")
            && let Ok(url) = ConfigUrl::parse(text)
        {
            // A password in any other address is not shown either.
            return Some(Value::Str(url.to_string()));
        }
        let is_text = !matches!(value, Value::Map(_) | Value::List(_) | Value::FlowList(_));
        Some(if is_secret && is_text && !value.is_zero() { Secret::new("x").to_value() } else { value })
    })
}

/// The document with `change` made to each value, which may leave it out. It is told the section that the value is in and its name, which lists pass on to their items.
fn edit(value: Value, section: &str, change: &impl Fn(Value, &str, &str) -> Option<Value>) -> Value {
    let Value::Map(map) = value else { return value };
    let mut edited = bellwether_yaml::MapValue::new();
    for (name, value) in map.into_entries() {
        if let Some(value) = edit_named(value, section, &name, change) {
            edited.set(name, value);
        }
    }
    Value::Map(edited)
}

fn edit_named(
    value: Value,
    section: &str,
    name: &str,
    change: &impl Fn(Value, &str, &str) -> Option<Value>,
) -> Option<Value> {
    let items = |items: Vec<Value>| {
        items.into_iter().filter_map(|item| edit_named(item, section, name, change)).collect()
    };
    Some(match change(value, section, name)? {
        Value::List(all) => Value::List(items(all)),
        Value::FlowList(all) => Value::FlowList(items(all)),
        other => edit(other, name, change),
    })
}

/// An address without what is behind the host.
fn hide_url(text: &str) -> Value {
    let host = Url::parse(text).ok().filter(|url| !text.contains("{{") && url.has_host());
    match host {
        Some(url) => Value::Str(format!(
            "{}://{}/<secret>",
            url.scheme(),
            &url[Position::BeforeHost..Position::AfterPort]
        )),
        None => Secret::new("x").to_value(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, ConfigOptions};

    #[test]
    fn no_secret_is_shown_however_it_is_written() {
        let yaml = "
route: {receiver: r}
receivers:
- name: r
  webhook_configs: [{url: 'http://h/hidden', http_config: {basic_auth: {username: u, password: hidden}}}]
  http_configs:
  - url: http://h/hidden
    headers: {X-Api-Key: hidden, X-Team: shown}
    http_config: {http_headers: {X-Custom: {secrets: [hidden], values: [shown]}}}
  telegram_configs: [{bot_token: hidden, chat_id: 1}]
  email_configs: [{to: a@b.test, from: c@b.test, smarthost: 'h:25', auth_password: hidden, headers: {Subject: shown}}]
  opsgenie_configs:
  - api_key: hidden
    api_url: https://shown:hidden@ops.test/
    http_config:
      proxy_url: http://shown:hidden@proxy.test
      proxy_connect_header: {X-Proxy: [hidden, hidden]}
      oauth2: {client_id: shown, token_url: 'https://t.test/', grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', client_certificate_key: hidden}
";
        let config = Config::parse("am.yml", yaml.as_bytes(), ConfigOptions::default());
        let shown = config.unwrap_or_else(|errors| panic!("{errors}")).original().to_yaml();
        assert!(!shown.contains("hidden"), "{shown}");
        assert_eq!((shown.matches("<secret>").count(), shown.matches("shown").count()), (11, 6), "{shown}");
    }

    #[test]
    fn other_tools_see_nothing_that_they_refuse() {
        let yaml = "
route: {receiver: r}
receivers:
- name: r
  http_configs: [{url: 'http://h/'}]
  webhook_configs: [{url: 'http://h/', timeout: 1s}]
  discord_configs: [{webhook_url: 'http://h/', timeout: 1s}]
  slack_configs: [{app_token: x, thread_replies: true}]
bellwether: {receivers: {r: {max_per_minute: 1}}}
";
        let config = Config::parse("am.yml", yaml.as_bytes(), ConfigOptions::default());
        let shown = config.unwrap_or_else(|errors| panic!("{errors}")).original_yaml();
        for own in ["http_configs", "thread_replies", "bellwether"] {
            assert!(!shown.contains(own), "{shown}");
        }
        assert_eq!(shown.matches("timeout").count(), 1, "{shown}");
    }

    #[test]
    fn of_an_address_the_host_is_shown() {
        let check = |url: &str, want: &str| assert_eq!(hide_url(url), Value::str(want), "{url}");
        check("http://127.0.0.1:9/a/b?token=c", "http://127.0.0.1:9/<secret>");
        check("https://user:password@hooks.example/x", "https://hooks.example/<secret>");
        check("http://{{ .Labels.host }}/x", "<secret>");
        check("nonsense", "<secret>");
    }
}
