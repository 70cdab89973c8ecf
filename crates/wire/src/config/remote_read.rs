use std::borrow::Cow;
use std::collections::BTreeMap;

use bellwether_model::{format_duration_ms, parse_duration_ms};
use bellwether_outbound::{ConfigUrl, HttpClientConfig};
use bellwether_yaml::{Decode, Errors, MapReader, MapValue, Node, Reported, Value};

use super::error::WireConfigError;
use super::remote_write::{read_headers, read_url};

/// A server from which samples are read.
#[derive(Debug, Clone, PartialEq)]
pub struct RemoteReadConfig {
    /// Where samples are read.
    pub url: ConfigUrl,
    /// How long a request may take.
    pub remote_timeout_ms: i64,
    /// Most bytes of one part of an answer.
    pub chunked_read_limit_bytes: u64,
    /// Further headers, by name.
    pub headers: BTreeMap<String, String>,
    /// Whether times are asked for that the local storage has completely.
    pub read_recent: bool,
    /// The name in logs and metrics; empty for a generated one.
    pub name: String,
    /// How requests are made.
    pub http: HttpClientConfig,
    /// Labels that a query has to ask for by equality.
    pub required_matchers: BTreeMap<String, String>,
    /// Whether the external labels are added to what is asked for.
    pub filter_external_labels: bool,
}

impl<'d> Decode<'d> for RemoteReadConfig {
    fn type_name() -> Cow<'static, str> {
        "config.plain".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "config.plain", errors)?;
        let required_matchers: BTreeMap<String, String> = map.or_default("required_matchers");
        if required_matchers.contains_key("") {
            map.reject(map.place("required_matchers"), WireConfigError::LabelName(String::new()));
        }
        let config = Self {
            url: read_url(&mut map, "remote_read"),
            remote_timeout_ms: map.parse_or("remote_timeout", 60_000, parse_duration_ms),
            chunked_read_limit_bytes: map.or("chunked_read_limit", 50_000_000),
            headers: read_headers(&mut map),
            read_recent: map.or_default("read_recent"),
            name: map.or_default("name"),
            http: HttpClientConfig::read_fields(&mut map, &HttpClientConfig::default()),
            required_matchers,
            filter_external_labels: map.or("filter_external_labels", true),
        };
        map.finish()?;
        Ok(config)
    }
}

impl RemoteReadConfig {
    /// The section for people to read, in the order and with the omissions of Prometheus; secrets are hidden.
    pub fn to_value(&self) -> Value {
        let mut map = MapValue::new();
        map.set("url", self.url.to_string());
        map.set("remote_timeout", format_duration_ms(self.remote_timeout_ms));
        map.set_if("chunked_read_limit", self.chunked_read_limit_bytes);
        map.set_if("headers", Value::string_map(&self.headers));
        map.set_if("read_recent", self.read_recent);
        map.set_if("name", self.name.as_str());
        self.http.write_fields(&mut map);
        map.set_if("required_matchers", Value::string_map(&self.required_matchers));
        map.set("filter_external_labels", self.filter_external_labels);
        map.into()
    }
}
