use bellwether_yaml::{Secret, Value};

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
    "secret_key",
    "access_key",
    "key",
];
/// The same below a section of this name, where the field alone says less.
const SECRET_URLS: [(&str, &str); 3] =
    [("webhook_configs", "url"), ("http_configs", "url"), ("slack_configs", "api_url")];

/// The same document without its secrets.
pub(super) fn hide_secrets(document: Value) -> Value {
    hide(document, "")
}

fn hide(value: Value, section: &str) -> Value {
    let Value::Map(map) = value else { return value };
    let mut shown = bellwether_yaml::MapValue::new();
    for (name, value) in map.into_entries() {
        let secret = SECRET_FIELDS.contains(&name.as_str())
            || SECRET_URLS.contains(&(section, name.as_str()))
            || (section == "headers" && is_secret_header(&name));
        let below = hide_or_enter(value, &name, secret);
        shown.set(name, below);
    }
    Value::Map(shown)
}

/// What stands below `name`, which lists pass on.
fn hide_or_enter(value: Value, name: &str, secret: bool) -> Value {
    let hide_items =
        |items: Vec<Value>| items.into_iter().map(|item| hide_or_enter(item, name, secret)).collect();
    match value {
        Value::Map(_) => hide(value, name),
        Value::List(items) => Value::List(hide_items(items)),
        Value::FlowList(items) => Value::FlowList(hide_items(items)),
        other if secret && !other.is_zero() => Secret::new("x").to_value(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
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
";
        let config = Config::parse("am.yml", yaml.as_bytes(), ConfigOptions::default());
        let shown = config.unwrap_or_else(|errors| panic!("{errors}")).original_yaml();
        assert!(!shown.contains("hidden"), "{shown}");
        assert_eq!((shown.matches("<secret>").count(), shown.matches("shown").count()), (7, 3), "{shown}");
    }
}
