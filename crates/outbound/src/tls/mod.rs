mod roots;
mod validity;
mod verify;

use std::sync::Arc;

use bellwether_yaml::Secret;
use rustls::client::WebPkiServerVerifier;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};

use crate::config::{TlsConfig, TlsVersion};
use crate::error::TlsConfigError;
use crate::file_stamp::FileStamp;
use crate::text_source::TextSource;

/// Bundles of authorities have a few hundred kilobytes.
const MAX_PEM_BYTES: u64 = 4 << 20;

/// What TLS connections of one client are to be like.
#[derive(Debug, Clone, Default)]
pub(crate) struct TlsSettings {
    pub(crate) ca: Option<TextSource>,
    pub(crate) cert: Option<TextSource>,
    pub(crate) key: Option<TextSource>,
    /// The name to ask for and to verify, if it is not that of the URL.
    pub(crate) server_name: Option<String>,
    pub(crate) insecure_skip_verify: bool,
    pub(crate) min_version: Option<TlsVersion>,
    pub(crate) max_version: Option<TlsVersion>,
    /// Protocols to offer by ALPN beside those of the application.
    pub(crate) next_protos: Vec<String>,
}

/// How to open TLS connections.
#[derive(Clone)]
pub(crate) struct TlsClient {
    pub(crate) config: Arc<ClientConfig>,
    pub(crate) server_name: Option<ServerName<'static>>,
}

/// The stamps of all files behind the settings; another value means that they have to be read again.
pub(crate) type TlsStamp = [Option<FileStamp>; 3];

impl TlsSettings {
    pub(crate) fn from_config(config: &TlsConfig) -> Self {
        let public = |text: &str| Secret::new(text);
        Self {
            ca: TextSource::from_fields(&public(&config.ca), &config.ca_file),
            cert: TextSource::from_fields(&public(&config.cert), &config.cert_file),
            key: TextSource::from_fields(&config.key, &config.key_file),
            server_name: Some(config.server_name.clone()).filter(|name| !name.is_empty()),
            insecure_skip_verify: config.insecure_skip_verify,
            min_version: config.min_version,
            max_version: config.max_version,
            next_protos: config.next_protos.clone(),
        }
    }

    pub(crate) fn stamp(&self) -> TlsStamp {
        [&self.ca, &self.cert, &self.key].map(|source| source.as_ref().and_then(TextSource::stamp))
    }

    /// Whether any of it lies in files.
    pub(crate) fn has_files(&self) -> bool {
        [&self.ca, &self.cert, &self.key].iter().any(|s| s.as_ref().is_some_and(|s| s.path().is_some()))
    }

    /// [`build_for`](Self::build_for) HTTP.
    pub(crate) fn build(&self, http2: bool) -> Result<TlsClient, TlsConfigError> {
        self.build_for(if http2 { &["h2", "http/1.1"] } else { &["http/1.1"] })
    }

    /// Reads certificates and keys, and checks that they fit together. Blocks on the file system. `protocols` are offered by ALPN.
    pub(crate) fn build_for(&self, protocols: &[&str]) -> Result<TlsClient, TlsConfigError> {
        let server_name = self.server_name.as_deref().map(|name| {
            ServerName::try_from(name.to_owned()).map_err(|_| {
                TlsConfigError::Settings(format!("server_name {name:?} is no host name or address"))
            })
        });
        let server_name = server_name.transpose()?;

        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let schemes = provider.signature_verification_algorithms.supported_schemes();
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&self.versions()?)
            .map_err(|e| TlsConfigError::Settings(e.to_string()))?;
        let builder = if self.insecure_skip_verify {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(verify::AcceptAnything { schemes }))
        } else if let Some(source) = &self.ca {
            let authorities = certificates("ca", source)?;
            let mut roots = RootCertStore::empty();
            for authority in &authorities {
                roots.add(authority.clone()).map_err(|e| pem_error("ca", source, &e.to_string()))?;
            }
            let chain = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
                .build()
                .map_err(|e| pem_error("ca", source, &e.to_string()))?;
            let verifier = verify::PinnedOrChain { chain, pinned: authorities };
            builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier))
        } else {
            builder.with_root_certificates(roots::system_roots())
        };
        let mut config = match (&self.cert, &self.key) {
            (None, None) => builder.with_no_client_auth(),
            (Some(cert), Some(key)) => {
                let chain = certificates("cert", cert)?;
                builder
                    .with_client_auth_cert(chain, private_key(key)?)
                    .map_err(|e| pem_error("cert and key", cert, &e.to_string()))?
            }
            (Some(_), None) => {
                return Err(TlsConfigError::Settings("cert is set without key".to_owned()));
            }
            (None, Some(_)) => {
                return Err(TlsConfigError::Settings("key is set without cert".to_owned()));
            }
        };
        let offered = protocols.iter().copied().chain(self.next_protos.iter().map(String::as_str));
        config.alpn_protocols = offered.map(|protocol| protocol.as_bytes().to_vec()).collect();
        Ok(TlsClient { config: Arc::new(config), server_name })
    }

    fn versions(&self) -> Result<Vec<&'static SupportedProtocolVersion>, TlsConfigError> {
        let min = self.min_version.unwrap_or(TlsVersion::Tls12);
        let max = self.max_version.unwrap_or(TlsVersion::Tls13);
        if max < TlsVersion::Tls12 {
            return Err(TlsConfigError::Settings(
                "max_version is older than TLS12, which is the oldest supported version".to_owned(),
            ));
        }
        if min > max {
            return Err(TlsConfigError::Settings("min_version is newer than max_version".to_owned()));
        }
        let known =
            [(TlsVersion::Tls12, &rustls::version::TLS12), (TlsVersion::Tls13, &rustls::version::TLS13)];
        Ok(known
            .into_iter()
            .filter(|(v, _)| (min..=max).contains(v))
            .map(|(_, supported)| supported)
            .collect())
    }
}

fn certificates(
    field: &'static str,
    source: &TextSource,
) -> Result<Vec<CertificateDer<'static>>, TlsConfigError> {
    let text = read(field, source)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.reveal().as_bytes()).collect();
    let found = found.map_err(|e| pem_error(field, source, &e.to_string()))?;
    if found.is_empty() {
        return Err(pem_error(field, source, "there is no certificate (BEGIN CERTIFICATE) in it"));
    }
    Ok(found)
}

fn private_key(source: &TextSource) -> Result<PrivateKeyDer<'static>, TlsConfigError> {
    let text = read("key", source)?;
    PrivateKeyDer::from_pem_slice(text.reveal().as_bytes()).map_err(|_| {
        pem_error("key", source, "there is no unencrypted private key (BEGIN PRIVATE KEY) in it")
    })
}

fn read(field: &'static str, source: &TextSource) -> Result<Secret, TlsConfigError> {
    source.read(MAX_PEM_BYTES).map_err(|error| TlsConfigError::File {
        field,
        path: source.path().map(Into::into).unwrap_or_default(),
        source: error,
    })
}

fn pem_error(field: &str, source: &TextSource, reason: &str) -> TlsConfigError {
    let what = match source.path() {
        Some(path) => format!("{field} {}", path.display()),
        None => format!("{field} of tls_config"),
    };
    TlsConfigError::Pem { what, reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inline(text: &str) -> TextSource {
        TextSource::Inline(Secret::new(text))
    }

    #[test]
    fn unusable_settings_say_why() {
        let key = rcgen::KeyPair::generate().expect("key");
        let other_key = rcgen::KeyPair::generate().expect("key");
        let params = rcgen::CertificateParams::new(vec!["a.test".to_owned()]).expect("valid name");
        let cert = params.self_signed(&key).expect("certificate").pem();
        let check = |settings: TlsSettings, want: &str| {
            let error = settings.build(true).err().expect(want).to_string();
            assert!(error.starts_with(want), "{error}");
        };
        check(
            TlsSettings { ca: Some(inline("hello")), ..Default::default() },
            "unable to use ca of tls_config: there is no certificate",
        );
        check(
            TlsSettings { ca: Some(TextSource::File("/no/such/file".into())), ..Default::default() },
            "unable to read ca /no/such/file: no such file or directory",
        );
        check(
            TlsSettings { cert: Some(inline(&cert)), ..Default::default() },
            "tls_config: cert is set without key",
        );
        check(
            TlsSettings {
                cert: Some(inline(&cert)),
                key: Some(inline("secret words")),
                ..Default::default()
            },
            "unable to use key of tls_config: there is no unencrypted private key",
        );
        check(
            TlsSettings {
                cert: Some(inline(&cert)),
                key: Some(inline(&other_key.serialize_pem())),
                ..Default::default()
            },
            "unable to use cert and key of tls_config: ",
        );
        check(
            TlsSettings { server_name: Some("a b".into()), ..Default::default() },
            "tls_config: server_name \"a b\" is no host name or address",
        );
        check(
            TlsSettings { max_version: Some(TlsVersion::Tls11), ..Default::default() },
            "tls_config: max_version is older than TLS12",
        );
        check(
            TlsSettings {
                min_version: Some(TlsVersion::Tls13),
                max_version: Some(TlsVersion::Tls12),
                ..Default::default()
            },
            "tls_config: min_version is newer than max_version",
        );
        let good = TlsSettings {
            cert: Some(inline(&cert)),
            key: Some(inline(&key.serialize_pem())),
            ca: Some(inline(&cert)),
            ..Default::default()
        };
        assert!(good.build(true).is_ok());
    }

    #[test]
    fn versions_follow_the_settings() {
        let check = |min, max, want: &[&SupportedProtocolVersion]| {
            let settings = TlsSettings { min_version: min, max_version: max, ..Default::default() };
            assert_eq!(settings.versions().expect("possible"), want);
        };
        let (tls12, tls13) = (&rustls::version::TLS12, &rustls::version::TLS13);
        check(None, None, &[tls12, tls13]);
        check(Some(TlsVersion::Tls10), None, &[tls12, tls13]);
        check(Some(TlsVersion::Tls13), None, &[tls13]);
        check(None, Some(TlsVersion::Tls12), &[tls12]);
    }
}
