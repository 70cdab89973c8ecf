use bellwether_yaml::{Secret, Value};

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
    "bearer_token",
    "client_secret",
    "secret_key",
    "access_key",
    "key",
];
/// The same below a section of this name, where the field alone says less.
const SECRET_URLS: [(&str, &str); 2] = [("webhook_configs", "url"), ("slack_configs", "api_url")];

/// The same document without its secrets.
pub(super) fn hide_secrets(document: Value) -> Value {
    hide(document, "")
}

fn hide(value: Value, section: &str) -> Value {
    match value {
        Value::Map(map) => {
            let mut shown = bellwether_yaml::MapValue::new();
            for (name, value) in map.into_entries() {
                let secret =
                    SECRET_FIELDS.contains(&name.as_str()) || SECRET_URLS.contains(&(section, name.as_str()));
                // Lists keep the name of the section that they are.
                let below = hide_or_enter(value, &name, secret);
                shown.set(name, below);
            }
            Value::Map(shown)
        }
        Value::List(items) => Value::List(items.into_iter().map(|item| hide(item, section)).collect()),
        other => other,
    }
}

fn hide_or_enter(value: Value, name: &str, secret: bool) -> Value {
    match value {
        Value::Map(_) | Value::List(_) => hide(value, name),
        other if secret && !other.is_zero() => Secret::new("x").to_value(),
        other => other,
    }
}
