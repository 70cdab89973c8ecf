//! Certificates, versions and ciphers.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{RootCertStore, ServerConfig, SupportedCipherSuite, SupportedProtocolVersion};

use super::{ClientAuth, ProtectionError};

/// How TLS is spoken. Names are those of Go.
#[derive(Default)]
pub struct TlsSettings {
    /// The certificate and those between it and the authority, in PEM.
    pub cert: Vec<u8>,
    /// Its key, in PEM.
    pub key: Vec<u8>,
    /// What is demanded of clients.
    pub client_auth: ClientAuth,
    /// The authorities of clients' certificates, in PEM; empty for none.
    pub client_ca: Vec<u8>,
    /// The names of which a client's certificate must have one; any if there is none.
    pub client_allowed_sans: Vec<String>,
    /// The oldest version, `TLS12` or `TLS13`; empty for TLS 1.2.
    pub min_version: String,
    /// The newest version; empty for TLS 1.3.
    pub max_version: String,
    /// The cipher suites of TLS 1.2; all if empty. Those of TLS 1.3 cannot be chosen.
    pub cipher_suites: Vec<String>,
    /// The curves, the preferred ones first; all if empty.
    pub curve_preferences: Vec<String>,
}

pub(super) fn server_config(settings: &TlsSettings) -> Result<ServerConfig, ProtectionError> {
    let provider = Arc::new(provider(settings)?);
    let chain = certificates("cert_file", &settings.cert)?;
    let key = PrivateKeyDer::from_pem_slice(&settings.key)
        .map_err(|_| pem("key_file", "there is no unencrypted private key (BEGIN PRIVATE KEY) in it"))?;
    let mut authorities = RootCertStore::empty();
    if !settings.client_ca.is_empty() {
        for authority in certificates("client_ca_file", &settings.client_ca)? {
            authorities.add(authority).map_err(|e| pem("client_ca_file", &e.to_string()))?;
        }
    }
    let verifier = settings.client_auth.verifier(authorities, &settings.client_allowed_sans, &provider)?;
    let builder = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions(settings))
        .map_err(|e| ProtectionError::Tls(e.to_string()))?;
    let builder = match verifier {
        Some(verifier) => builder.with_client_cert_verifier(verifier),
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_single_cert(chain, key).map_err(|e| pem("cert_file", &e.to_string()))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// The ciphers and curves that are wanted.
fn provider(settings: &TlsSettings) -> Result<CryptoProvider, ProtectionError> {
    let mut provider = rustls::crypto::ring::default_provider();
    if !settings.cipher_suites.is_empty() {
        let is_wanted = |suite: &SupportedCipherSuite| {
            let name = suite.suite();
            suite.tls13().is_some()
                || settings.cipher_suites.iter().any(|wanted| name.as_str() == Some(wanted))
        };
        provider.cipher_suites.retain(is_wanted);
    }
    if !settings.curve_preferences.is_empty() {
        let known = provider.kx_groups;
        let wanted = settings.curve_preferences.iter().filter_map(|curve| {
            let name = match curve.as_str() {
                "CurveP256" => "secp256r1",
                "CurveP384" => "secp384r1",
                other => other,
            };
            known.iter().copied().find(|group| format!("{:?}", group.name()).eq_ignore_ascii_case(name))
        });
        provider.kx_groups = wanted.collect();
        if provider.kx_groups.is_empty() {
            let why =
                "curve_preferences: none of these curves is supported; X25519, CurveP256 and CurveP384 are";
            return Err(ProtectionError::Tls(why.to_owned()));
        }
    }
    Ok(provider)
}

fn versions(settings: &TlsSettings) -> Vec<&'static SupportedProtocolVersion> {
    let (has_12, has_13) = (settings.min_version != "TLS13", settings.max_version != "TLS12");
    let (tls12, tls13) = (&rustls::version::TLS12, &rustls::version::TLS13);
    has_12.then_some(tls12).into_iter().chain(has_13.then_some(tls13)).collect()
}

fn certificates(field: &'static str, text: &[u8]) -> Result<Vec<CertificateDer<'static>>, ProtectionError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text).collect();
    let found = found.map_err(|e| pem(field, &e.to_string()))?;
    if found.is_empty() {
        return Err(pem(field, "there is no certificate (BEGIN CERTIFICATE) in it"));
    }
    Ok(found)
}

fn pem(field: &'static str, reason: &str) -> ProtectionError {
    ProtectionError::Pem { field, reason: reason.to_owned() }
}
