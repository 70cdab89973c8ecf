//! The file with TLS, users and headers of the HTTP surface, in the form of Prometheus' exporter toolkit.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bellwether_model::parse_duration_ms;
use bellwether_yaml::{Decode, Dialect, Document, Errors, MapReader, Node, Reported, Secret};

/// The headers that the file may set.
const HEADERS: [&str; 5] = [
    "Content-Security-Policy",
    "Strict-Transport-Security",
    "X-Content-Type-Options",
    "X-Frame-Options",
    "X-XSS-Protection",
];
const CLIENT_AUTH_TYPES: [&str; 5] = [
    "NoClientCert",
    "RequestClientCert",
    "RequireAnyClientCert",
    "RequireAndVerifyClientCert",
    "VerifyClientCertIfGiven",
];
/// Those of TLS 1.2 that are still safe; those of TLS 1.3 cannot be chosen.
const CIPHER_SUITES: [&str; 6] = [
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
];
const CURVES: [&str; 4] = ["CurveP256", "CurveP384", "CurveP521", "X25519"];
/// From the oldest on. The first two are refused as a minimum: nothing safe speaks them.
const TLS_VERSIONS: [&str; 4] = ["TLS10", "TLS11", "TLS12", "TLS13"];

/// How the HTTP surface is protected.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct WebConfig {
    /// TLS; plain HTTP without it.
    pub tls: Option<WebTls>,
    /// Whether HTTP/2 is offered, which needs TLS.
    pub http2: bool,
    /// Headers of every answer.
    pub headers: BTreeMap<String, String>,
    /// Who may ask: bcrypt hashes of passwords by names. Everybody if there is nobody.
    pub users: BTreeMap<String, Secret>,
    /// How many requests are answered, if that is limited.
    pub rate_limit: Option<RateLimit>,
}

/// A bucket of tokens: one for each request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// How long it takes until there is one more token, in milliseconds.
    pub interval_ms: i64,
    /// How many there are at most.
    pub burst: u32,
}

/// Certificates and versions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WebTls {
    /// The certificate: in PEM, or the file that holds it.
    pub cert: PemSource,
    /// Its key.
    pub key: PemSource,
    /// The authorities of clients' certificates.
    pub client_ca: PemSource,
    /// What is demanded of clients, as Go names it; empty for nothing.
    pub client_auth_type: String,
    /// The names of which a client's certificate must have one; any if there is none.
    pub client_allowed_sans: Vec<String>,
    /// The oldest version that is spoken; empty for TLS 1.2.
    pub min_version: String,
    /// The newest version; empty for TLS 1.3.
    pub max_version: String,
    /// The cipher suites of TLS 1.2 that are spoken; all safe ones if empty.
    pub cipher_suites: Vec<String>,
    /// The curves that are offered; all if empty.
    pub curve_preferences: Vec<String>,
}

/// A text in PEM, or the file that holds it. At most one is there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PemSource {
    /// The text.
    pub inline: Secret,
    /// The file; empty for none.
    pub file: PathBuf,
}

impl PemSource {
    fn is_empty(&self) -> bool {
        self.inline.is_empty() && self.file.as_os_str().is_empty()
    }

    fn read(map: &mut MapReader<'_, '_>, field: &'static str, file_field: &'static str) -> Self {
        let source = Self { inline: map.or_default(field), file: map.or_default(file_field) };
        if !source.inline.is_empty() && !source.file.as_os_str().is_empty() {
            map.reject(
                map.place(file_field),
                format!("{field} and {file_field} are both set: one is enough"),
            );
        }
        source
    }
}

impl WebConfig {
    /// Reads a file. Every problem is in the error, with its place; relative paths are relative to the file.
    pub fn parse(name: &str, bytes: &[u8]) -> Result<Self, Errors> {
        Document::parse(name, bytes, Dialect::V2)?.decode()
    }

    /// The files that are read when the server starts: field and path.
    pub fn named_files(&self) -> impl Iterator<Item = (&'static str, &Path)> {
        let of_tls = self.tls.iter().flat_map(|tls| {
            [("cert_file", &tls.cert), ("key_file", &tls.key), ("client_ca_file", &tls.client_ca)]
        });
        of_tls
            .map(|(field, source)| (field, source.file.as_path()))
            .filter(|(_, file)| !file.as_os_str().is_empty())
    }
}

impl Decode<'_> for WebConfig {
    fn type_name() -> Cow<'static, str> {
        "web.Config".into()
    }

    fn decode(node: Node<'_>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "web.Config", errors)?;
        let tls: Option<WebTls> = map.optional("tls_server_config");
        let http: HttpServer = map.or_default("http_server_config");
        let users: BTreeMap<String, Secret> = map.or_default("basic_auth_users");
        for (user, hash) in &users {
            if !is_bcrypt(hash.reveal()) {
                let message = format!(
                    "the password of {user:?} is no bcrypt hash such as $2y$10$..., which `htpasswd -nBC 10 \"\"` makes"
                );
                map.reject(map.place("basic_auth_users"), message);
            }
        }
        let rate_limit: Option<RateLimit> = map.optional("rate_limit");
        map.finish()?;
        Ok(Self { tls, http2: http.http2, headers: http.headers, users, rate_limit })
    }
}

/// `$2y$`, the cost in two digits from 04 to 31, `$`, and 53 characters of salt and hash.
fn is_bcrypt(hash: &str) -> bool {
    let versions = ["$2a$", "$2b$", "$2y$"];
    let Some((cost, rest)) = versions.iter().find_map(|version| hash.strip_prefix(version)?.split_once('$'))
    else {
        return false;
    };
    let is_cost = cost.len() == 2 && cost.parse().is_ok_and(|cost: u8| (4..=31).contains(&cost));
    is_cost && rest.len() == 53 && rest.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'/'))
}

#[derive(Debug)]
struct HttpServer {
    http2: bool,
    headers: BTreeMap<String, String>,
}

impl Default for HttpServer {
    fn default() -> Self {
        Self { http2: true, headers: BTreeMap::new() }
    }
}

impl Decode<'_> for HttpServer {
    fn type_name() -> Cow<'static, str> {
        "web.HTTPConfig".into()
    }

    fn decode(node: Node<'_>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "web.HTTPConfig", errors)?;
        let server = Self { http2: map.or("http2", true), headers: map.or_default("headers") };
        for (name, value) in &server.headers {
            let known: &[&str] = match name.as_str() {
                "X-Frame-Options" => &["deny", "sameorigin"],
                "X-Content-Type-Options" => &["nosniff"],
                name if HEADERS.contains(&name) => continue,
                name => {
                    let message = format!("header {name:?} cannot be set; there are {}", HEADERS.join(", "));
                    map.reject(map.place("headers"), message);
                    continue;
                }
            };
            if !known.contains(&value.to_lowercase().as_str()) {
                let message = format!("{name} is {value:?}; it may be {}", known.join(" or "));
                map.reject(map.place("headers"), message);
            }
        }
        map.finish()?;
        Ok(server)
    }
}

impl Decode<'_> for RateLimit {
    fn type_name() -> Cow<'static, str> {
        "web.RateLimiterConfig".into()
    }

    fn decode(node: Node<'_>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "web.RateLimiterConfig", errors)?;
        let limit =
            Self { interval_ms: map.parse_or("interval", 0, parse_duration_ms), burst: map.or("burst", 0) };
        if limit.interval_ms > 0 && limit.burst == 0 {
            map.reject(map.place("burst"), "a burst of 0 lets no request pass");
        }
        map.finish()?;
        Ok(limit)
    }
}

impl Decode<'_> for WebTls {
    fn type_name() -> Cow<'static, str> {
        "web.TLSConfig".into()
    }

    fn decode(node: Node<'_>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "web.TLSConfig", errors)?;
        let tls = Self {
            cert: PemSource::read(&mut map, "cert", "cert_file"),
            key: PemSource::read(&mut map, "key", "key_file"),
            client_ca: PemSource::read(&mut map, "client_ca", "client_ca_file"),
            client_auth_type: map.or_default("client_auth_type"),
            client_allowed_sans: map.or_default("client_allowed_sans"),
            min_version: map.or_default("min_version"),
            max_version: map.or_default("max_version"),
            cipher_suites: map.or_default("cipher_suites"),
            curve_preferences: map.or_default("curve_preferences"),
        };
        // Go has ignored it since 1.18.
        let _: bool = map.or("prefer_server_cipher_suites", true);
        tls.check(&mut map);
        map.finish()?;
        Ok(tls)
    }
}

impl WebTls {
    fn check(&self, map: &mut MapReader<'_, '_>) {
        for (field, source) in [("cert_file", &self.cert), ("key_file", &self.key)] {
            if source.is_empty() {
                map.reject(map.node(), format!("{field} is missing: TLS needs a certificate and its key"));
            }
        }
        let verifies = matches!(
            self.client_auth_type.as_str(),
            "RequireAndVerifyClientCert" | "VerifyClientCertIfGiven"
        );
        if verifies && self.client_ca.is_empty() {
            let message = format!(
                "{} needs client_ca_file: there is nobody to vouch for clients",
                self.client_auth_type
            );
            map.reject(map.place("client_auth_type"), message);
        }
        if !self.client_ca.is_empty() && !verifies {
            map.reject(map.place("client_ca_file"), "the authorities of clients are only asked with client_auth_type VerifyClientCertIfGiven or RequireAndVerifyClientCert");
        }
        if !self.client_allowed_sans.is_empty() && self.client_auth_type != "RequireAndVerifyClientCert" {
            map.reject(
                map.place("client_allowed_sans"),
                "names of clients are only checked with client_auth_type RequireAndVerifyClientCert",
            );
        }
        let words = [
            ("client_auth_type", std::slice::from_ref(&self.client_auth_type), &CLIENT_AUTH_TYPES[..]),
            ("min_version", std::slice::from_ref(&self.min_version), &TLS_VERSIONS[..]),
            ("max_version", std::slice::from_ref(&self.max_version), &TLS_VERSIONS[..]),
            ("cipher_suites", &self.cipher_suites, &CIPHER_SUITES[..]),
            ("curve_preferences", &self.curve_preferences, &CURVES[..]),
        ];
        for (field, written, known) in words {
            let unknown = written.iter().filter(|word| !word.is_empty() && !known.contains(&word.as_str()));
            for word in unknown {
                map.reject(
                    map.place(field),
                    format!("{field} {word:?} is not known; there are {}", known.join(", ")),
                );
            }
        }
        self.check_versions(map);
    }

    fn check_versions(&self, map: &mut MapReader<'_, '_>) {
        let rank = |version: &str| TLS_VERSIONS.iter().position(|known| *known == version);
        if rank(&self.min_version).is_some_and(|rank| rank < 2) {
            map.reject(
                map.place("min_version"),
                format!("{} is not safe; the oldest is TLS12", self.min_version),
            );
        }
        if let (Some(min), Some(max)) = (rank(&self.min_version).or(Some(2)), rank(&self.max_version))
            && min > max
        {
            map.reject(map.place("max_version"), "max_version is older than min_version");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<WebConfig, String> {
        WebConfig::parse("web.yml", text.as_bytes()).map_err(|errors| errors.to_string())
    }

    #[test]
    fn a_whole_file_is_read() {
        let hash = "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi";
        let text = format!(
            "tls_server_config:\n  cert_file: cert.pem\n  key_file: key.pem\n  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.pem\n  \
             client_allowed_sans: [a.example]\n  min_version: TLS13\n  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384]\n\
             http_server_config:\n  http2: false\n  headers: {{X-Frame-Options: deny, Strict-Transport-Security: max-age=1}}\n\
             basic_auth_users: {{ann: '{hash}'}}\nrate_limit: {{interval: 1s, burst: 20}}\n"
        );
        let config = parse(&text).unwrap_or_else(|e| panic!("{e}"));
        let files: Vec<(&str, &str)> =
            config.named_files().map(|(field, path)| (field, path.to_str().expect("UTF-8"))).collect();
        assert_eq!(files, [("cert_file", "cert.pem"), ("key_file", "key.pem"), ("client_ca_file", "ca.pem")]);
        assert!(!config.http2 && config.users.contains_key("ann"));
        assert_eq!(config.rate_limit, Some(RateLimit { interval_ms: 1_000, burst: 20 }));
        assert!(!format!("{config:?}").contains(hash), "hashes are secrets");
        assert_eq!(parse("{}"), Ok(WebConfig { http2: true, ..WebConfig::default() }));
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        let check = |text: &str, want: &str| {
            let said = parse(text).expect_err(text);
            assert!(said.starts_with(want), "{text}\n{said}");
        };
        let tls = |more: &str| format!("tls_server_config:\n  cert_file: c\n  key_file: k\n  {more}\n");
        check("tls_server_config: {cert_file: c}", "web.yml:1:20: key_file is missing");
        check(&tls("cert: x"), "web.yml:2:14: cert and cert_file are both set");
        check(&tls("min_version: TLS11"), "web.yml:4:16: TLS11 is not safe");
        check(&tls("max_version: SSL3"), "web.yml:4:16: max_version \"SSL3\" is not known");
        check(&tls("min_version: TLS13\n  max_version: TLS12"), "web.yml:5:16: max_version is older");
        check(
            &tls("client_auth_type: RequireAndVerifyClientCert"),
            "web.yml:4:21: RequireAndVerifyClientCert needs client_ca_file",
        );
        check(&tls("client_ca_file: a"), "web.yml:4:19: the authorities of clients are only asked");
        check(&tls("client_allowed_sans: [x]"), "web.yml:4:24: names of clients are only checked");
        check("http_server_config: {headers: {Server: x}}", "web.yml:1:31: header \"Server\" cannot be set");
        check(
            "http_server_config: {headers: {X-Frame-Options: all}}",
            "web.yml:1:31: X-Frame-Options is \"all\"",
        );
        check("basic_auth_users: {ann: secret}", "web.yml:1:19: the password of \"ann\" is no bcrypt hash");
        check("rate_limit: {interval: 1s}", "web.yml:1:13: a burst of 0");
        check("basic_auth_user: {}", "web.yml:1:1: yaml: unmarshal errors: field basic_auth_user not found");
    }
}
