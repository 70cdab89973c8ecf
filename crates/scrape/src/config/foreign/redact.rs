use std::borrow::Cow;

use bellwether_outbound::ConfigUrl;
use bellwether_yaml::{Decode, Errors, Kind, MapValue, Node, Reported, Value};

/// A value in which everything that looks like a secret is hidden.
pub(super) struct Redacted(pub(super) Value);

impl Decode<'_> for Redacted {
    fn type_name() -> Cow<'static, str> {
        "interface {}".into()
    }

    fn decode(node: Node<'_>, errors: &mut Errors) -> Result<Self, Reported> {
        let value = match node.kind() {
            Kind::Scalar(_) => Value::decode(node, errors)?,
            Kind::Sequence => {
                let items: Vec<Self> = Vec::decode(node, errors)?;
                Value::List(items.into_iter().map(|item| item.0).collect())
            }
            Kind::Mapping => {
                let mut map = MapValue::new();
                for entry in node.entries() {
                    let key = String::decode(entry.key, errors)?;
                    let value = match is_secret(&key) {
                        true if entry.value.is_null() => Value::Null,
                        true => Value::str("<secret>"),
                        false if key.ends_with("url") => redact_url(entry.value, errors)?,
                        false => Self::decode(entry.value, errors)?.0,
                    };
                    map.set(key, value);
                }
                Value::Map(map)
            }
        };
        Ok(Self(value))
    }
}

fn redact_url(node: Node<'_>, errors: &mut Errors) -> Result<Value, Reported> {
    let text = String::decode(node, errors)?;
    Ok(Value::str(ConfigUrl::parse(&text).map_or(text, |url| url.to_string())))
}

/// Whether a field of this name holds a secret, rather than the name of a file or of an account.
fn is_secret(field: &str) -> bool {
    const WORDS: [&str; 5] = ["secret", "password", "passphrase", "token", "credentials"];
    const KEYS: [&str; 4] = ["private_key", "service_account_key", "consumer_key", "key"];
    const HARMLESS: [&str; 5] = ["_file", "_path", "_url", "_id", "_ref"];
    let field = field.to_ascii_lowercase();
    let is_named_so = WORDS.iter().any(|word| field.contains(word)) || KEYS.contains(&field.as_str());
    is_named_so && !HARMLESS.iter().any(|ending| field.ends_with(ending))
        // Sections that contain secrets, not secrets themselves.
        || field == "proxy_connect_header"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_their_names() {
        let check = |field: &str, want: bool| assert_eq!(is_secret(field), want, "{field}");
        for secret in [
            "secret_key",
            "client_secret",
            "password",
            "token",
            "auth_token",
            "credentials",
            "private_key",
            "service_account_key",
            "consumer_key",
            "key_passphrase",
            "application_credential_secret",
            "Authorization_Token",
            "proxy_connect_header",
        ] {
            check(secret, true);
        }
        for harmless in [
            "secret_key_file",
            "credentials_file",
            "token_url",
            "access_key",
            "application_key",
            "key_file",
            "application_credential_id",
            "tag_separator",
            "private_key_path",
            "password_ref",
        ] {
            check(harmless, false);
        }
    }
}
