use bellwether_outbound::{Destination, UrlText};
use bellwether_yaml::Secret;
use url::Url;

/// What stands in the place of a secret.
const HIDDEN: &str = "<secret>";
/// Shorter texts are words, such as the path `/`, and no secrets.
const SECRET_BYTES_MIN: usize = 4;

/// A request to a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The method.
    pub method: &'static str,
    /// Where to; whoever knows it may be able to send as well.
    pub url: Secret,
    /// Who chose the host of the URL: alerts may do so by a template, and anybody may send alerts.
    pub destination: Destination,
    /// Headers, of which some are secrets.
    pub headers: Vec<(String, Secret)>,
    /// The body.
    pub body: String,
    /// Texts in the body that are not to be shown.
    pub secrets: Vec<Secret>,
}

impl Call {
    pub(super) fn post_json(url: Secret, body: &serde_json::Value) -> Self {
        Self::json("POST", url, body.to_string())
    }

    pub(super) fn json(method: &'static str, url: Secret, body: String) -> Self {
        let content_type = ("content-type".to_owned(), Secret::new("application/json"));
        let (headers, destination) = (vec![content_type], Destination::Configured);
        Self { method, url, destination, headers, body, secrets: Vec::new() }
    }

    /// Scheme and host of the URL.
    pub(super) fn shown_url(&self) -> String {
        Url::parse(self.url.reveal())
            .map_or_else(|_| HIDDEN.to_owned(), |url| UrlText::host_only(&url).to_string())
    }

    pub(super) fn shown_body(&self) -> String {
        hide(&self.body, self.secrets.iter().map(Secret::reveal).chain([self.url.reveal()]))
    }

    /// What the service answered, as it may be shown: some repeat where the request went and what it said.
    pub fn shown_answer(&self, answer: &str) -> String {
        let url = Url::parse(self.url.reveal()).ok();
        let url = url.iter().flat_map(|url| [url.as_str(), url.path(), url.query().unwrap_or("")]);
        let headers = self.headers.iter().filter(|(name, _)| is_secret_header(name));
        // With the scheme, `Bearer`, or without it.
        let headers = headers.flat_map(|(_, value)| [value.reveal(), last_word(value.reveal())]);
        let secrets = self.secrets.iter().map(Secret::reveal);
        hide(answer, [self.url.reveal()].into_iter().chain(url).chain(headers).chain(secrets))
    }
}

/// Whether what this header says is a secret, going by its name.
pub(crate) fn is_secret_header(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["auth", "key", "token", "secret", "cookie", "passw", "credential", "signature"]
        .iter()
        .any(|word| name.contains(word))
}

fn hide<'s>(text: &str, secrets: impl Iterator<Item = &'s str>) -> String {
    let mut text = text.to_owned();
    for secret in secrets.filter(|secret| secret.len() >= SECRET_BYTES_MIN) {
        if text.contains(secret) {
            text = text.replace(secret, HIDDEN);
        }
    }
    text
}

fn last_word(text: &str) -> &str {
    text.rsplit(' ').next().unwrap_or(text)
}
