use std::borrow::Cow;
use std::collections::BTreeMap;

use bellwether_model::{format_duration_ms, parse_duration_ms};
use bellwether_outbound::TlsConfig;
use bellwether_wire::config::{WireConfigError, check_headers};
use bellwether_yaml::{Decode, Errors, MapReader, MapValue, Node, Reported, Value};

use super::error::SectionError;

/// The `tracing` section: where the server sends traces of itself.
#[derive(Debug, Clone, PartialEq)]
pub struct TracingConfig {
    /// How traces are sent.
    pub client: TracingClient,
    /// Where traces are sent; not empty.
    pub endpoint: String,
    /// The share of requests that are traced, between 0 and 1.
    pub sampling_fraction: f64,
    /// Whether the connection is not encrypted.
    pub insecure: bool,
    /// Certificates and TLS versions.
    pub tls: TlsConfig,
    /// Further headers, by name.
    pub headers: BTreeMap<String, String>,
    /// Whether requests are compressed.
    pub gzip: bool,
    /// How long a request may take; 0 for no limit.
    pub timeout_ms: i64,
}

/// How traces are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TracingClient {
    /// OTLP over gRPC.
    #[default]
    Grpc,
    /// OTLP over HTTP.
    Http,
}

impl TracingClient {
    /// The name used in configuration files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Grpc => "grpc",
            Self::Http => "http",
        }
    }

    fn parse(name: &str) -> Result<Self, SectionError> {
        match name {
            "grpc" => Ok(Self::Grpc),
            "http" => Ok(Self::Http),
            other => Err(SectionError::TracingClient(other.to_owned())),
        }
    }
}

impl Decode<'_> for TracingConfig {
    fn type_name() -> Cow<'static, str> {
        "config.plain".into()
    }

    fn decode(node: Node<'_>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "config.plain", errors)?;
        let compression: String = map.or_default("compression");
        let tracing = Self {
            client: map.parse_or("client_type", TracingClient::Grpc, TracingClient::parse),
            endpoint: map.or_default("endpoint"),
            sampling_fraction: map.or_default("sampling_fraction"),
            insecure: map.or_default("insecure"),
            tls: map.or_default("tls_config"),
            headers: map.or_default("headers"),
            gzip: compression == "gzip",
            timeout_ms: map.parse_or("timeout", 0, parse_duration_ms),
        };
        if let Err(error) =
            check_headers(tracing.headers.keys(), &WireConfigError::TracingAuthorizationHeader)
        {
            map.reject(map.place("headers"), error);
        }
        if !map.has_failed() && tracing.endpoint.is_empty() {
            map.reject(map.place("endpoint"), SectionError::NoTracingEndpoint);
        }
        if !matches!(compression.as_str(), "" | "gzip") {
            map.reject(map.place("compression"), SectionError::TracingCompression(compression));
        }
        map.finish()?;
        Ok(tracing)
    }
}

impl TracingConfig {
    pub(super) fn to_value(&self) -> Value {
        let mut map = MapValue::new();
        map.set("client_type", self.client.as_str());
        map.set("endpoint", self.endpoint.as_str());
        map.set_if("sampling_fraction", self.sampling_fraction);
        map.set_if("insecure", self.insecure);
        if self.tls != TlsConfig::default() {
            map.set("tls_config", self.tls.to_value());
        }
        map.set_if("headers", Value::string_map(&self.headers));
        map.set_if("compression", if self.gzip { "gzip" } else { "" });
        if self.timeout_ms > 0 {
            map.set("timeout", format_duration_ms(self.timeout_ms));
        }
        map.into()
    }
}
