use std::borrow::Cow;

use bellwether_model::{format_duration_ms, parse_duration_ms};
use bellwether_outbound::{ConfigUrl, HttpClientConfig};
use bellwether_yaml::{Decode, Errors, MapReader, MapValue, Node, Reported, Value};

use super::error::DiscoveryError;

/// A web service that lists targets in JSON (`http_sd_configs`).
#[derive(Debug, Clone, PartialEq)]
pub struct HttpDiscovery {
    /// Where the list is; `http` or `https` with a host.
    pub url: ConfigUrl,
    /// How often the list is fetched.
    pub refresh_interval_ms: i64,
    /// How requests are made.
    pub http: HttpClientConfig,
}

impl Decode<'_> for HttpDiscovery {
    fn type_name() -> Cow<'static, str> {
        "http.plain".into()
    }

    fn decode(node: Node<'_>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "http.plain", errors)?;
        let http = HttpClientConfig::read_fields(&mut map, &HttpClientConfig::default());
        let refresh_interval_ms = map.parse_or("refresh_interval", 60_000, parse_duration_ms);
        let url = read_web_url(&mut map, "url");
        match (map.finish(), url) {
            (Ok(()), Some(url)) => Ok(Self { url, refresh_interval_ms, http }),
            (Err(reported), _) => Err(reported),
            (Ok(()), None) => unreachable!("BUG: a URL that cannot be read was not reported"),
        }
    }
}

impl HttpDiscovery {
    pub(super) fn to_value(&self) -> Value {
        let mut map = MapValue::new();
        self.http.write_fields(&mut map);
        map.set_if("refresh_interval", format_duration_ms(self.refresh_interval_ms));
        map.set("url", self.url.to_string());
        map.into()
    }
}

/// Reads a URL that must be there and have a scheme and a host of the web. `None` means that it was reported.
pub(super) fn read_web_url(map: &mut MapReader<'_, '_>, field: &'static str) -> Option<ConfigUrl> {
    let had_failed = map.has_failed();
    let url = map.parse_optional(field, ConfigUrl::parse).filter(|url| !url.is_empty());
    let refusal = match &url {
        None if map.has_failed() && !had_failed => return None,
        None => "URL is missing",
        Some(url) if !matches!(url.scheme(), "http" | "https") => "URL scheme must be 'http' or 'https'",
        Some(url) if url.host().is_empty() => "host is missing in URL",
        Some(_) => return url,
    };
    map.reject(map.place(field), DiscoveryError::Mechanism(refusal));
    None
}
