use std::borrow::Cow;
use std::collections::BTreeMap;

use bellwether_model::{ValidationScheme, format_duration_ms, parse_duration_ms};
use bellwether_outbound::{ConfigUrl, HttpClientConfig};
use bellwether_relabel::{Rules, SpecList, read_specs};
use bellwether_yaml::{Decode, Errors, MapReader, MapValue, Node, Reported, Value};

use super::cloud::read_cloud_credentials;
use super::error::WireConfigError;
use super::headers::check_headers;
use super::queue::{MetadataConfig, QueueConfig};

/// A server to which samples are sent.
#[derive(Debug, Clone, PartialEq)]
pub struct RemoteWriteConfig {
    /// Where samples are sent.
    pub url: ConfigUrl,
    /// How long a request may take.
    pub remote_timeout_ms: i64,
    /// Further headers, by name.
    pub headers: BTreeMap<String, String>,
    /// What happens to the labels of samples before they are sent.
    pub relabel: Rules,
    /// The name in logs and metrics; empty for a generated one.
    pub name: String,
    /// Whether exemplars are sent.
    pub send_exemplars: bool,
    /// Whether native histograms are sent.
    pub send_native_histograms: bool,
    /// Whether the addresses of the host are used in turn.
    pub round_robin_dns: bool,
    /// In which form samples are sent.
    pub message: WriteMessage,
    /// How requests are made.
    pub http: HttpClientConfig,
    /// How samples wait for being sent.
    pub queue: QueueConfig,
    /// How metadata is sent.
    pub metadata: MetadataConfig,
    /// Credentials of a cloud provider (`sigv4`, `azuread` or `google_iam`) with the section, which hides its secrets.
    pub cloud_credentials: Option<(&'static str, Value)>,
}

/// In which form samples are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WriteMessage {
    /// Remote Write 1.0.
    #[default]
    V1,
    /// Remote Write 2.0.
    V2,
}

impl WriteMessage {
    /// The full name of the protobuf message.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "prometheus.WriteRequest",
            Self::V2 => "io.prometheus.write.v2.Request",
        }
    }

    fn parse(name: &str) -> Result<Self, WireConfigError> {
        [Self::V1, Self::V2]
            .into_iter()
            .find(|message| message.as_str() == name)
            .ok_or_else(|| WireConfigError::UnknownMessage(name.to_owned()))
    }
}

/// One element of `remote_write` as the user wrote it: the scheme under which its rules are checked is not known yet.
#[derive(Debug)]
pub struct RemoteWriteSpec<'d> {
    config: RemoteWriteConfig,
    relabel: SpecList<'d>,
}

impl<'d> Decode<'d> for RemoteWriteSpec<'d> {
    fn type_name() -> Cow<'static, str> {
        "config.plain".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "config.plain", errors)?;
        let relabel = read_specs(
            &mut map,
            "write_relabel_configs",
            "empty or null relabeling rule in remote write config",
        );
        // HTTP/2 makes all shards share one connection, which is slower.
        let http_defaults = HttpClientConfig { enable_http2: false, ..HttpClientConfig::default() };
        let http = HttpClientConfig::read_fields(&mut map, &http_defaults);
        let url = read_url(&mut map, "remote_write");
        let headers = read_headers(&mut map);
        let cloud_credentials = read_cloud_credentials(&mut map, &http);
        let config = RemoteWriteConfig {
            remote_timeout_ms: map.parse_or("remote_timeout", 30_000, parse_duration_ms),
            relabel: Rules::default(),
            name: map.or_default("name"),
            send_exemplars: map.or_default("send_exemplars"),
            send_native_histograms: map.or_default("send_native_histograms"),
            round_robin_dns: map.or_default("round_robin_dns"),
            message: map.parse_or("protobuf_message", WriteMessage::V1, WriteMessage::parse),
            queue: map.or_default("queue_config"),
            metadata: map.or_default("metadata_config"),
            url,
            headers,
            http,
            cloud_credentials,
        };
        map.finish()?;
        Ok(Self { config, relabel })
    }
}

impl RemoteWriteSpec<'_> {
    /// The name of the section; empty if it has none.
    pub fn name(&self) -> &str {
        &self.config.name
    }

    /// Checks the rules under the scheme of the `global` section.
    pub fn resolve(
        self,
        scheme: ValidationScheme,
        errors: &mut Errors,
    ) -> Result<RemoteWriteConfig, Reported> {
        let relabel = self.relabel.check(scheme, errors)?;
        Ok(RemoteWriteConfig { relabel, ..self.config })
    }
}

/// Reads the URL of a section, which must be there. What is returned if it is not never gets out, because the section has failed.
pub(super) fn read_url(map: &mut MapReader<'_, '_>, section: &'static str) -> ConfigUrl {
    let had_failed = map.has_failed();
    let url = map.parse_optional("url", ConfigUrl::parse).filter(|url| !url.is_empty());
    if url.is_none() && (had_failed || !map.has_failed()) {
        map.reject(map.place("url"), WireConfigError::EmptyUrl(section));
    }
    url.unwrap_or_default()
}

/// Reads `headers`.
pub(super) fn read_headers(map: &mut MapReader<'_, '_>) -> BTreeMap<String, String> {
    let headers: BTreeMap<String, String> = map.or_default("headers");
    if let Err(error) = check_headers(headers.keys(), &WireConfigError::AuthorizationHeader) {
        map.reject(map.place("headers"), error);
    }
    headers
}

impl RemoteWriteConfig {
    /// The section for people to read, in the order and with the omissions of Prometheus; secrets are hidden.
    pub fn to_value(&self) -> Value {
        let mut map = MapValue::new();
        map.set("url", self.url.to_string());
        map.set("remote_timeout", format_duration_ms(self.remote_timeout_ms));
        map.set_if("headers", Value::string_map(&self.headers));
        map.set_if("write_relabel_configs", self.relabel.to_value());
        map.set_if("name", self.name.as_str());
        map.set_if("send_exemplars", self.send_exemplars);
        map.set_if("send_native_histograms", self.send_native_histograms);
        map.set_if("round_robin_dns", self.round_robin_dns);
        map.set("protobuf_message", self.message.as_str());
        self.http.write_fields(&mut map);
        map.set("queue_config", self.queue.to_value());
        map.set("metadata_config", self.metadata.to_value());
        if let Some((field, section)) = &self.cloud_credentials {
            map.set(*field, section.clone());
        }
        map.into()
    }
}
