use std::borrow::Cow;

use bellwether_model::parse_duration_ms;
use bellwether_outbound::{ConfigUrl, HttpClientConfig, TlsConfig};
use bellwether_yaml::{Decode, Errors, MapReader, Node, Reported};

use super::{ConfigError, SecretSource};

const RESOLVE_TIMEOUT_MS: i64 = 300_000;

/// What holds for all receivers that say nothing else.
#[derive(Debug, Clone, PartialEq)]
pub struct Global {
    /// After this time without news an alert that has no end is over, in milliseconds.
    pub resolve_timeout_ms: i64,
    /// How requests are made.
    pub http: HttpClientConfig,
    /// The sender of mails.
    pub smtp_from: String,
    /// How the server calls itself to mail servers.
    pub smtp_hello: String,
    /// The mail server.
    pub smtp_smarthost: Smarthost,
    /// Who the mail server takes us for.
    pub smtp_auth: SmtpAuth,
    /// Whether mails are sent over TLS only.
    pub smtp_require_tls: bool,
    /// Whether TLS begins with the connection, on whatever port; if nothing is said, on port 465.
    pub smtp_force_implicit_tls: Option<bool>,
    /// Certificates and TLS versions for mails.
    pub smtp_tls: TlsConfig,
    /// The address of a hook of Slack.
    pub slack_api_url: Option<SecretSource>,
    /// A token of a Slack application, instead of a hook.
    pub slack_app_token: Option<SecretSource>,
    /// Where Slack is if there is a token.
    pub slack_app_url: ConfigUrl,
    /// Where PagerDuty is.
    pub pagerduty_url: ConfigUrl,
    /// Where OpsGenie is.
    pub opsgenie_api_url: ConfigUrl,
    /// The key to it.
    pub opsgenie_api_key: Option<SecretSource>,
    /// Where Telegram is.
    pub telegram_api_url: ConfigUrl,
    /// The token of its bot.
    pub telegram_bot_token: Option<SecretSource>,
    /// What integrations that are not supported would need.
    pub(super) foreign: ForeignGlobal,
}

/// Keys of integrations that are not supported; only whether they are there matters.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct ForeignGlobal {
    pub(super) victorops_api_key: Option<SecretSource>,
    pub(super) wechat_api_secret: Option<SecretSource>,
    pub(super) wechat_corp_id: String,
    pub(super) rocketchat_token: Option<SecretSource>,
    pub(super) rocketchat_token_id: Option<SecretSource>,
    pub(super) mattermost_webhook_url: Option<SecretSource>,
    pub(super) jira_api_url: Option<ConfigUrl>,
}

/// A mail server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Smarthost {
    /// Its name; empty for this machine.
    pub host: String,
    /// Its port; empty if none is given at all.
    pub port: String,
}

impl Smarthost {
    /// Reads `host:port`; nothing at all is fine.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let refused = || ConfigError::HostPort(text.to_owned());
        let (host, port) = text.rsplit_once(':').ok_or_else(refused)?;
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        if port.is_empty() {
            return Err(refused());
        }
        Ok(Self { host: host.to_owned(), port: port.to_owned() })
    }

    /// Whether none is given.
    pub fn is_empty(&self) -> bool {
        self.port.is_empty()
    }
}

/// As what we show ourselves to a mail server.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SmtpAuth {
    /// The user; empty for nobody.
    pub username: String,
    /// The password, for `PLAIN` and `LOGIN`.
    pub password: Option<SecretSource>,
    /// The secret, for `CRAM-MD5`.
    pub secret: Option<SecretSource>,
    /// Who the mails are from, for `PLAIN`, if that is somebody else.
    pub identity: String,
}

impl Default for Global {
    fn default() -> Self {
        let url = |text| ConfigUrl::parse(text).expect("BUG: the addresses here are URLs");
        Self {
            resolve_timeout_ms: RESOLVE_TIMEOUT_MS,
            http: HttpClientConfig::default(),
            smtp_from: String::new(),
            smtp_hello: "localhost".to_owned(),
            smtp_smarthost: Smarthost::default(),
            smtp_auth: SmtpAuth::default(),
            smtp_require_tls: true,
            smtp_force_implicit_tls: None,
            smtp_tls: TlsConfig::default(),
            slack_api_url: None,
            slack_app_token: None,
            slack_app_url: url("https://slack.com/api/chat.postMessage"),
            pagerduty_url: url("https://events.pagerduty.com/v2/enqueue"),
            opsgenie_api_url: url("https://api.opsgenie.com/"),
            opsgenie_api_key: None,
            telegram_api_url: url("https://api.telegram.org"),
            telegram_bot_token: None,
            foreign: ForeignGlobal::default(),
        }
    }
}

impl Decode<'_> for Global {
    fn type_name() -> Cow<'static, str> {
        "config.plain".into()
    }

    fn decode(node: Node<'_>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "config.plain", errors)?;
        let default = Self::default();
        let mut secret = |field, file, both| SecretSource::read_fields(&mut map, field, file, both);
        let smtp_password = secret(
            "smtp_auth_password",
            "smtp_auth_password_file",
            "smtp_auth_password & smtp_auth_password_file",
        );
        let smtp_secret =
            secret("smtp_auth_secret", "smtp_auth_secret_file", "smtp_auth_secret & smtp_auth_secret_file");
        let slack_app_token =
            secret("slack_app_token", "slack_app_token_file", "slack_app_token & slack_app_token_file");
        let opsgenie_api_key =
            secret("opsgenie_api_key", "opsgenie_api_key_file", "opsgenie_api_key & opsgenie_api_key_file");
        let telegram_bot_token = secret(
            "telegram_bot_token",
            "telegram_bot_token_file",
            "telegram_bot_token & telegram_bot_token_file",
        );
        let victorops_api_key = secret(
            "victorops_api_key",
            "victorops_api_key_file",
            "victorops_api_key & victorops_api_key_file",
        );
        let wechat_api_secret = secret(
            "wechat_api_secret",
            "wechat_api_secret_file",
            "wechat_api_secret & wechat_api_secret_file",
        );
        let rocketchat_token =
            secret("rocketchat_token", "rocketchat_token_file", "rocketchat_token & rocketchat_token_file");
        let rocketchat_token_id = secret(
            "rocketchat_token_id",
            "rocketchat_token_id_file",
            "rocketchat_token_id & rocketchat_token_id_file",
        );
        let mut secret_url = |field, file, both| SecretSource::read_url_fields(&mut map, field, file, both);
        let slack_api_url =
            secret_url("slack_api_url", "slack_api_url_file", "slack_api_url & slack_api_url_file");
        let mattermost_webhook_url = secret_url(
            "mattermost_webhook_url",
            "mattermost_webhook_url_file",
            "mattermost_webhook_url & mattermost_webhook_url_file",
        );
        if slack_api_url.is_some() && slack_app_token.is_some() {
            let both = "slack_app_token/slack_app_token_file & slack_api_url/slack_api_url_file";
            map.reject(map.place("slack_app_token"), ConfigError::AtMostOne(both));
        }
        let foreign = ForeignGlobal {
            victorops_api_key,
            wechat_api_secret,
            wechat_corp_id: map.or_default("wechat_api_corp_id"),
            rocketchat_token,
            rocketchat_token_id,
            mattermost_webhook_url,
            jira_api_url: map.parse_optional("jira_api_url", ConfigUrl::parse),
        };
        // Where services are that are not supported.
        for field in ["wechat_api_url", "victorops_api_url", "webex_api_url", "rocketchat_api_url"] {
            let _ = map.parse_optional(field, ConfigUrl::parse);
        }
        let global = Self {
            resolve_timeout_ms: map.parse_or(
                "resolve_timeout",
                default.resolve_timeout_ms,
                parse_duration_ms,
            ),
            http: map.optional("http_config").unwrap_or(default.http),
            smtp_from: map.or_default("smtp_from"),
            smtp_hello: map.or("smtp_hello", default.smtp_hello),
            smtp_smarthost: map.parse_or("smtp_smarthost", Smarthost::default(), Smarthost::parse),
            smtp_auth: SmtpAuth {
                username: map.or_default("smtp_auth_username"),
                password: smtp_password,
                secret: smtp_secret,
                identity: map.or_default("smtp_auth_identity"),
            },
            smtp_require_tls: map.or("smtp_require_tls", default.smtp_require_tls),
            smtp_force_implicit_tls: map.optional("smtp_force_implicit_tls"),
            smtp_tls: map.or_default("smtp_tls_config"),
            slack_api_url,
            slack_app_token,
            slack_app_url: read_url(&mut map, "slack_app_url", &default.slack_app_url),
            pagerduty_url: read_url(&mut map, "pagerduty_url", &default.pagerduty_url),
            opsgenie_api_url: read_url(&mut map, "opsgenie_api_url", &default.opsgenie_api_url),
            opsgenie_api_key,
            telegram_api_url: read_url(&mut map, "telegram_api_url", &default.telegram_api_url),
            telegram_bot_token,
            foreign,
        };
        map.finish()?;
        Ok(global)
    }
}

/// An address of the web, or the default if none is given.
pub(super) fn read_url(map: &mut MapReader<'_, '_>, field: &'static str, default: &ConfigUrl) -> ConfigUrl {
    let parse = |text: &str| -> Result<ConfigUrl, Box<dyn std::error::Error + Send + Sync>> {
        let url = ConfigUrl::parse(text)?;
        check_web_url(&url)?;
        Ok(url)
    };
    map.parse_optional(field, parse).unwrap_or_else(|| default.clone())
}

/// Whether the URL is one of the web, with a host.
pub(super) fn check_web_url(url: &ConfigUrl) -> Result<(), ConfigError> {
    match url.scheme() {
        "http" | "https" if url.host().is_empty() => Err(ConfigError::NoHost),
        "http" | "https" => Ok(()),
        other => Err(ConfigError::Scheme(other.to_owned())),
    }
}
