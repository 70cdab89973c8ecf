use std::collections::BTreeMap;

use bellwether_yaml::{MapReader, MapValue, Secret, Value};

use super::{ConfigUrl, HttpConfigError};

/// Through which proxy requests go.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProxyConfig {
    /// The proxy; `None` for a direct connection.
    pub url: Option<ConfigUrl>,
    /// Hosts, domains and networks that are reached directly, separated by commas.
    pub no_proxy: String,
    /// Whether the environment (`HTTP_PROXY`, `HTTPS_PROXY`, `NO_PROXY`) decides; never set together with `url`.
    pub from_environment: bool,
    /// Headers for the proxy itself, sent with `CONNECT`.
    pub connect_header: BTreeMap<String, Vec<Secret>>,
}

impl ProxyConfig {
    /// Reads the fields from the section in which they stand.
    pub(super) fn read_fields(map: &mut MapReader<'_, '_>) -> Self {
        let proxy = Self {
            url: map.parse_optional("proxy_url", ConfigUrl::parse).filter(|url| !url.is_empty()),
            no_proxy: map.or_default("no_proxy"),
            from_environment: map.or_default("proxy_from_environment"),
            connect_header: map.or_default("proxy_connect_header"),
        };
        let has_url = proxy.url.is_some() || map.has_failed();
        if !proxy.connect_header.is_empty() && !proxy.from_environment && !has_url {
            let refusal = "proxy_connect_header is configured, proxy_url or proxy_from_environment must also be configured";
            map.reject(map.place("proxy_connect_header"), HttpConfigError::Proxy(refusal));
        }
        if proxy.from_environment && proxy.url.is_some() {
            let refusal = "proxy_from_environment is configured, proxy_url must not be configured";
            map.reject(map.place("proxy_url"), HttpConfigError::Proxy(refusal));
        }
        if proxy.from_environment && !proxy.no_proxy.is_empty() {
            let refusal = "proxy_from_environment is configured, no_proxy must not be configured";
            map.reject(map.place("no_proxy"), HttpConfigError::Proxy(refusal));
        } else if !has_url && !proxy.no_proxy.is_empty() {
            let refusal = "no_proxy is configured, proxy_url must also be configured";
            map.reject(map.place("no_proxy"), HttpConfigError::Proxy(refusal));
        }
        proxy
    }

    pub(super) fn write_fields(&self, map: &mut MapValue) {
        if let Some(url) = &self.url {
            map.set("proxy_url", url.to_string());
        }
        map.set_if("no_proxy", self.no_proxy.as_str());
        map.set_if("proxy_from_environment", self.from_environment);
        if !self.connect_header.is_empty() {
            let mut headers = MapValue::new();
            for (name, values) in &self.connect_header {
                headers.set(name.as_str(), Value::List(values.iter().map(Value::from).collect()));
            }
            map.set("proxy_connect_header", headers);
        }
    }
}
