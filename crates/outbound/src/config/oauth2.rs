use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::PathBuf;

use bellwether_yaml::{Decode, Errors, MapReader, MapValue, Node, Reported, Secret, Value};

use super::authorization::reject_reference;
use super::{HttpConfigError, ProxyConfig, TlsConfig, count_set};

const CLIENT_CREDENTIALS: &str = "client_credentials";
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// How to get tokens from an authorization server.
#[derive(Debug, Clone, PartialEq)]
pub struct OAuth2 {
    /// The name of this client at the server; not empty.
    pub client_id: String,
    /// How the client proves who it is.
    pub grant: OAuth2Grant,
    /// What the token is for.
    pub scopes: Vec<String>,
    /// Where tokens are requested; not empty.
    pub token_url: String,
    /// Further parameters of the request.
    pub endpoint_params: BTreeMap<String, String>,
    /// Certificates and TLS versions for the connection to the server.
    pub tls: TlsConfig,
    /// The proxy for the connection to the server.
    pub proxy: ProxyConfig,
}

/// How the client proves who it is. At most one of the two sources of a secret is set.
#[derive(Debug, Clone, PartialEq)]
pub enum OAuth2Grant {
    /// By a password (RFC 6749, section 4.4).
    ClientCredentials {
        /// The password.
        secret: Secret,
        /// The file that holds the password; empty if there is none.
        secret_file: PathBuf,
    },
    /// By a token that it signs itself (RFC 7523).
    JwtBearer(Box<JwtBearer>),
}

/// What is needed to sign a token.
#[derive(Debug, Clone, PartialEq)]
pub struct JwtBearer {
    /// The `kid` of the header.
    pub key_id: String,
    /// The private key in PEM.
    pub key: Secret,
    /// The file that holds the private key; empty if there is none.
    pub key_file: PathBuf,
    /// With what the token is signed.
    pub algorithm: SignatureAlgorithm,
    /// The `iss` claim; the client id if empty.
    pub issuer: String,
    /// The `aud` claim; the token URL if empty.
    pub audience: String,
    /// Further claims.
    pub claims: MapValue,
}

/// Signatures of JSON web tokens that are supported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SignatureAlgorithm {
    /// RSA with SHA-256.
    #[default]
    Rs256,
    /// RSA with SHA-384.
    Rs384,
    /// RSA with SHA-512.
    Rs512,
}

impl SignatureAlgorithm {
    /// The name in the header of a token.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
        }
    }

    fn parse(name: &str) -> Result<Self, HttpConfigError> {
        match name {
            "" => Ok(Self::default()),
            "RS256" => Ok(Self::Rs256),
            "RS384" => Ok(Self::Rs384),
            "RS512" => Ok(Self::Rs512),
            _ => Err(HttpConfigError::SignatureAlgorithm),
        }
    }
}

impl Decode<'_> for OAuth2 {
    fn type_name() -> Cow<'static, str> {
        "config.plain".into()
    }

    fn decode(node: Node<'_>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "config.plain", errors)?;
        let oauth2 = Self {
            client_id: map.or_default("client_id"),
            grant: read_grant(&mut map),
            scopes: map.or_default("scopes"),
            token_url: map.or_default("token_url"),
            endpoint_params: map.or_default("endpoint_params"),
            tls: map.or_default("tls_config"),
            proxy: ProxyConfig::read_fields(&mut map),
        };
        if !map.has_failed() && oauth2.client_id.is_empty() {
            map.reject(map.place("client_id"), HttpConfigError::OAuth2Missing("client_id"));
        }
        if !map.has_failed() && oauth2.token_url.is_empty() {
            map.reject(map.place("token_url"), HttpConfigError::OAuth2Missing("token_url"));
        }
        map.finish()?;
        Ok(oauth2)
    }
}

fn read_grant(map: &mut MapReader<'_, '_>) -> OAuth2Grant {
    let secret: Secret = map.or_default("client_secret");
    let secret_file: PathBuf = map.or_default("client_secret_file");
    let secret_ref: String = map.or_default("client_secret_ref");
    let key: Secret = map.or_default("client_certificate_key");
    let key_file: PathBuf = map.or_default("client_certificate_key_file");
    let key_ref: String = map.or_default("client_certificate_key_ref");
    let jwt = JwtBearer {
        key_id: map.or_default("client_certificate_key_id"),
        algorithm: map.parse_or(
            "signature_algorithm",
            SignatureAlgorithm::default(),
            SignatureAlgorithm::parse,
        ),
        issuer: map.or_default("iss"),
        audience: map.or_default("audience"),
        claims: read_claims(map),
        key,
        key_file,
    };
    let grant_type: String = map.or_default("grant_type");
    let set = |path: &PathBuf| !path.as_os_str().is_empty();
    let (sources, first_file, fields) = match grant_type.as_str() {
        "" | CLIENT_CREDENTIALS => (
            [!secret.is_empty(), set(&secret_file), !secret_ref.is_empty()],
            "client_secret_file",
            "at most one of oauth2 client_secret, client_secret_file & client_secret_ref",
        ),
        JWT_BEARER => (
            [!jwt.key.is_empty(), set(&jwt.key_file), !key_ref.is_empty()],
            "client_certificate_key_file",
            "at most one of oauth2 client_certificate_key, client_certificate_key_file & client_certificate_key_ref",
        ),
        other => {
            map.reject(map.place("grant_type"), HttpConfigError::GrantType(other.to_owned()));
            return OAuth2Grant::ClientCredentials { secret, secret_file };
        }
    };
    if count_set(&sources) > 1 {
        map.reject(map.place(first_file), HttpConfigError::AtMostOne(fields));
    }
    reject_reference(map, "client_secret_ref", &secret_ref);
    reject_reference(map, "client_certificate_key_ref", &key_ref);
    if grant_type == JWT_BEARER {
        OAuth2Grant::JwtBearer(Box::new(jwt))
    } else {
        OAuth2Grant::ClientCredentials { secret, secret_file }
    }
}

fn read_claims(map: &mut MapReader<'_, '_>) -> MapValue {
    match map.optional("claims") {
        Some(Value::Map(claims)) => claims,
        None => MapValue::new(),
        Some(_) => {
            map.reject(map.place("claims"), HttpConfigError::Claims);
            MapValue::new()
        }
    }
}

impl OAuth2 {
    pub(super) fn to_value(&self) -> Value {
        let mut map = MapValue::new();
        map.set("client_id", self.client_id.as_str());
        match &self.grant {
            OAuth2Grant::ClientCredentials { secret, secret_file } => {
                map.set("client_secret", secret);
                map.set("client_secret_file", secret_file.as_path());
            }
            OAuth2Grant::JwtBearer(jwt) => {
                map.set("grant_type", JWT_BEARER);
                map.set_if("client_certificate_key_id", jwt.key_id.as_str());
                map.set_if("client_certificate_key", &jwt.key);
                map.set_if("client_certificate_key_file", jwt.key_file.as_path());
                map.set("signature_algorithm", jwt.algorithm.as_str());
                map.set_if("iss", jwt.issuer.as_str());
                map.set_if("audience", jwt.audience.as_str());
                map.set_if("claims", jwt.claims.clone());
            }
        }
        map.set_if("scopes", Value::strings(&self.scopes));
        map.set("token_url", self.token_url.as_str());
        map.set_if("endpoint_params", Value::string_map(&self.endpoint_params));
        if self.tls != TlsConfig::default() {
            map.set("tls_config", self.tls.to_value());
        }
        self.proxy.write_fields(&mut map);
        map.into()
    }
}
