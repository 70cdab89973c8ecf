use std::fmt;

use url::Url;

/// What stands in the place of a secret.
const HIDDEN: &str = "<secret>";

/// Words that mark a query parameter as secret when its name contains one of them.
const SECRET_WORDS: [&str; 9] =
    ["token", "secret", "passw", "apikey", "api_key", "api-key", "signature", "credential", "auth"];

/// A URL as it may stand in logs, errors and pages: without user-info, and with the values of query parameters that look like
/// secrets cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UrlText(String);

impl UrlText {
    /// The presentable form of `url`.
    pub fn new(url: &Url) -> Self {
        let mut shown = url.clone();
        // Both calls fail only for URLs that cannot have user-info in the first place.
        let _ = shown.set_username("");
        let _ = shown.set_password(None);
        if let Some(query) = url.query()
            && query.split('&').any(|pair| is_secret_parameter(name_of(pair)))
        {
            shown.set_query(None);
            return Self(format!("{}?{}", shown, hide_parameters(query)));
        }
        Self(shown.into())
    }

    /// The presentable form of a URL whose path is a secret itself, as that of an incoming webhook.
    pub fn host_only(url: &Url) -> Self {
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        Self(format!("{}://{}{port}/{HIDDEN}", url.scheme(), url.host_str().unwrap_or_default()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UrlText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn name_of(pair: &str) -> &str {
    pair.split_once('=').map_or(pair, |(name, _)| name)
}

fn hide_parameters(query: &str) -> String {
    let shown: Vec<String> = query
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((name, _)) if is_secret_parameter(name) => format!("{name}={HIDDEN}"),
            _ => pair.to_owned(),
        })
        .collect();
    shown.join("&")
}

fn is_secret_parameter(name: &str) -> bool {
    let name = percent_encoding::percent_decode_str(name).decode_utf8_lossy().to_ascii_lowercase();
    matches!(name.as_str(), "key" | "sig" | "pwd" | "code")
        || SECRET_WORDS.iter().any(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hides_what_is_secret() {
        let check = |url: &str, want: &str| {
            assert_eq!(UrlText::new(&Url::parse(url).expect("valid")).as_str(), want);
        };
        check("http://host:9100/metrics", "http://host:9100/metrics");
        check("http://user:pw@host/metrics", "http://host/metrics");
        check("http://user@host/metrics", "http://host/metrics");
        check("http://host/m?module=http_2xx&target=a", "http://host/m?module=http_2xx&target=a");
        check("http://host/m?target=a&access_token=abc&x", "http://host/m?target=a&access_token=<secret>&x");
        check("http://host/m?ap%69Key=abc", "http://host/m?ap%69Key=<secret>");
        check("http://host/m?monkey=abc", "http://host/m?monkey=abc");
    }

    #[test]
    fn hides_the_path_where_it_is_the_secret() {
        let url = Url::parse("https://u:p@hooks.example.com:8443/services/T0/B0/XYZ?a=b").expect("valid");
        assert_eq!(UrlText::host_only(&url).as_str(), "https://hooks.example.com:8443/<secret>");
    }
}
