use std::borrow::Cow;

use bellwether_model::{format_duration_ms, parse_duration_ms};
use bellwether_yaml::{Decode, Errors, MapReader, MapValue, Node, Reported, Value};

use super::error::DiscoveryError;

/// DNS records that name targets (`dns_sd_configs`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnsDiscovery {
    /// The names that are asked for; not empty.
    pub names: Vec<String>,
    /// How often they are asked for.
    pub refresh_interval_ms: i64,
    /// What is asked for.
    pub record_type: DnsRecordType,
    /// The port of the targets; 0 for SRV records, which have their own.
    pub port: i64,
}

/// A kind of DNS record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DnsRecordType {
    /// Host and port of a service.
    #[default]
    Srv,
    /// IPv4 addresses.
    A,
    /// IPv6 addresses.
    Aaaa,
    /// Mail servers.
    Mx,
    /// Name servers.
    Ns,
}

impl DnsRecordType {
    /// The name used in configuration files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Srv => "SRV",
            Self::A => "A",
            Self::Aaaa => "AAAA",
            Self::Mx => "MX",
            Self::Ns => "NS",
        }
    }

    fn parse(name: &str) -> Result<Self, DiscoveryError> {
        [Self::Srv, Self::A, Self::Aaaa, Self::Mx, Self::Ns]
            .into_iter()
            .find(|kind| kind.as_str().eq_ignore_ascii_case(name))
            .ok_or_else(|| DiscoveryError::DnsType(name.to_owned()))
    }
}

impl Decode<'_> for DnsDiscovery {
    fn type_name() -> Cow<'static, str> {
        "dns.plain".into()
    }

    fn decode(node: Node<'_>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "dns.plain", errors)?;
        let dns = Self {
            names: map.or_default("names"),
            refresh_interval_ms: map.parse_or("refresh_interval", 30_000, parse_duration_ms),
            record_type: map.parse_or("type", DnsRecordType::Srv, DnsRecordType::parse),
            port: map.or_default("port"),
        };
        if !map.has_failed() && dns.names.is_empty() {
            let missing = "DNS-SD config must contain at least one SRV record name";
            map.reject(map.place("names"), DiscoveryError::Mechanism(missing));
        }
        if !map.has_failed() && dns.record_type != DnsRecordType::Srv && dns.port == 0 {
            let missing = "a port is required in DNS-SD configs for all record types except SRV";
            map.reject(map.place("type"), DiscoveryError::Mechanism(missing));
        }
        map.finish()?;
        Ok(dns)
    }
}

impl DnsDiscovery {
    pub(super) fn to_value(&self) -> Value {
        let mut map = MapValue::new();
        map.set("names", Value::strings(&self.names));
        map.set_if("refresh_interval", format_duration_ms(self.refresh_interval_ms));
        map.set("type", self.record_type.as_str());
        map.set_if("port", self.port);
        map.into()
    }
}
