use std::io;
use std::net::TcpStream;

use super::http::Connection;
use super::url::Url;

/// How connections are encrypted.
#[derive(Debug, Clone, Default)]
pub(super) struct Tls {
    /// Certificates that are trusted instead of those of the system.
    #[cfg(feature = "push-tls")]
    roots: Option<std::sync::Arc<rustls::RootCertStore>>,
}

#[cfg(not(feature = "push-tls"))]
impl Tls {
    #[expect(clippy::unused_self, reason = "with the feature it is used")]
    pub(super) fn wrap(&self, url: &Url, _: TcpStream) -> io::Result<Box<dyn Connection>> {
        Err(io::Error::new(io::ErrorKind::Unsupported, format!("{url} needs the feature `push-tls`")))
    }
}

#[cfg(feature = "push-tls")]
impl Tls {
    pub(super) fn trusting(pem: &[u8]) -> io::Result<Self> {
        use rustls_pki_types::CertificateDer;
        use rustls_pki_types::pem::PemObject as _;

        let invalid = |error: String| io::Error::new(io::ErrorKind::InvalidInput, error);
        let mut roots = rustls::RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|error| invalid(error.to_string()))?;
            roots.add(certificate).map_err(|error| invalid(error.to_string()))?;
        }
        if roots.is_empty() {
            return Err(invalid("there is no certificate in it".to_owned()));
        }
        Ok(Self { roots: Some(std::sync::Arc::new(roots)) })
    }

    pub(super) fn wrap(&self, url: &Url, stream: TcpStream) -> io::Result<Box<dyn Connection>> {
        use std::sync::Arc;

        let of_system = || {
            let mut roots = rustls::RootCertStore::empty();
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            Arc::new(roots)
        };
        let roots = self.roots.clone().unwrap_or_else(of_system);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = rustls_pki_types::ServerName::try_from(url.host.clone()).map_err(io::Error::other)?;
        let connection = rustls::ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
        Ok(Box::new(rustls::StreamOwned::new(connection, stream)))
    }
}
