use std::borrow::Cow;
use std::path::PathBuf;

use bellwether_yaml::{Decode, Errors, MapReader, MapValue, Node, Reported, Secret, Value};

use super::authorization::reject_reference;
use super::{HttpConfigError, count_set};

/// Certificates and TLS versions. Of each pair of fields at most one is set; certificate and key are set together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TlsConfig {
    /// Certificates of the authorities that are trusted, in PEM. Without any, those of the system are.
    pub ca: String,
    /// The file that holds the authorities; empty if there is none.
    pub ca_file: PathBuf,
    /// The client certificate in PEM.
    pub cert: String,
    /// The file that holds the client certificate; empty if there is none.
    pub cert_file: PathBuf,
    /// The key of the client certificate in PEM.
    pub key: Secret,
    /// The file that holds the key; empty if there is none.
    pub key_file: PathBuf,
    /// The name that the server's certificate must have; the host of the URL if empty.
    pub server_name: String,
    /// Whether any server certificate is accepted.
    pub insecure_skip_verify: bool,
    /// The oldest TLS version that is accepted.
    pub min_version: Option<TlsVersion>,
    /// The newest TLS version that is offered.
    pub max_version: Option<TlsVersion>,
    /// Further protocols to offer by ALPN.
    pub next_protos: Vec<String>,
}

/// A version of TLS. The first two can be asked for as a minimum and are not spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    /// TLS 1.0
    Tls10,
    /// TLS 1.1
    Tls11,
    /// TLS 1.2
    Tls12,
    /// TLS 1.3
    Tls13,
}

impl TlsVersion {
    /// The name used in configuration files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tls10 => "TLS10",
            Self::Tls11 => "TLS11",
            Self::Tls12 => "TLS12",
            Self::Tls13 => "TLS13",
        }
    }

    fn parse(name: &str) -> Result<Self, HttpConfigError> {
        [Self::Tls10, Self::Tls11, Self::Tls12, Self::Tls13]
            .into_iter()
            .find(|version| version.as_str() == name)
            .ok_or_else(|| HttpConfigError::UnknownTlsVersion(name.to_owned()))
    }
}

impl Decode<'_> for TlsConfig {
    fn type_name() -> Cow<'static, str> {
        "config.plain".into()
    }

    fn decode(node: Node<'_>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "config.plain", errors)?;
        let tls = Self {
            ca: map.or_default("ca"),
            cert: map.or_default("cert"),
            key: map.or_default("key"),
            ca_file: map.or_default("ca_file"),
            cert_file: map.or_default("cert_file"),
            key_file: map.or_default("key_file"),
            server_name: map.or_default("server_name"),
            insecure_skip_verify: map.or_default("insecure_skip_verify"),
            min_version: map.parse_optional("min_version", TlsVersion::parse),
            max_version: map.parse_optional("max_version", TlsVersion::parse),
            next_protos: map.or_default("next_protos"),
        };
        let references: [String; 3] =
            [map.or_default("ca_ref"), map.or_default("cert_ref"), map.or_default("key_ref")];
        tls.check(&mut map, &references);
        map.finish()?;
        Ok(tls)
    }
}

impl TlsConfig {
    fn check(&self, map: &mut MapReader<'_, '_>, references: &[String; 3]) {
        let [ca_ref, cert_ref, key_ref] = references;
        let set = |path: &PathBuf| !path.as_os_str().is_empty();
        let ca = count_set(&[!self.ca.is_empty(), set(&self.ca_file), !ca_ref.is_empty()]);
        let cert = count_set(&[!self.cert.is_empty(), set(&self.cert_file), !cert_ref.is_empty()]);
        let key = count_set(&[!self.key.is_empty(), set(&self.key_file), !key_ref.is_empty()]);
        if ca > 1 {
            let fields = "at most one of ca, ca_file & ca_ref";
            map.reject(map.place("ca_file"), HttpConfigError::AtMostOne(fields));
        }
        if cert > 1 {
            let fields = "at most one of cert, cert_file & cert_ref";
            map.reject(map.place("cert_file"), HttpConfigError::AtMostOne(fields));
        }
        if key > 1 {
            let fields = "at most one of key and key_file";
            map.reject(map.place("key_file"), HttpConfigError::AtMostOne(fields));
        }
        if !map.has_failed() && cert > 0 && key == 0 {
            let half = HttpConfigError::HalfCertificate("key or key_file", "certificate");
            map.reject(map.place(if self.cert.is_empty() { "cert_file" } else { "cert" }), half);
        }
        if !map.has_failed() && key > 0 && cert == 0 {
            let half = HttpConfigError::HalfCertificate("cert or cert_file", "key");
            map.reject(map.place(if self.key.is_empty() { "key_file" } else { "key" }), half);
        }
        if let (Some(min), Some(max)) = (self.min_version, self.max_version)
            && max < min
        {
            map.reject(map.place("max_version"), HttpConfigError::TlsVersionOrder);
        }
        for (field, reference) in [("ca_ref", ca_ref), ("cert_ref", cert_ref), ("key_ref", key_ref)] {
            reject_reference(map, field, reference);
        }
    }

    /// The section for people to read; the key is hidden.
    pub fn to_value(&self) -> Value {
        let mut map = MapValue::new();
        map.set_if("ca", self.ca.as_str());
        map.set_if("cert", self.cert.as_str());
        map.set_if("key", &self.key);
        map.set_if("ca_file", self.ca_file.as_path());
        map.set_if("cert_file", self.cert_file.as_path());
        map.set_if("key_file", self.key_file.as_path());
        map.set_if("server_name", self.server_name.as_str());
        map.set("insecure_skip_verify", self.insecure_skip_verify);
        map.set_if("min_version", self.min_version.map_or("", TlsVersion::as_str));
        map.set_if("max_version", self.max_version.map_or("", TlsVersion::as_str));
        map.set_if("next_protos", Value::strings(&self.next_protos));
        map.into()
    }
}
