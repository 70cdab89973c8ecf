//! What is demanded of the certificates of clients.

use std::net::IpAddr;
use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme,
};
use webpki::EndEntityCert;

use super::ProtectionError;

/// What is demanded, as Go's `tls.ClientAuthType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClientAuth {
    /// Nothing.
    #[default]
    Nothing,
    /// A certificate is asked for, and any or none will do.
    Request,
    /// There must be one, whoever has made it.
    RequireAny,
    /// If there is one, the authorities must vouch for it.
    VerifyIfGiven,
    /// There must be one for which the authorities vouch.
    RequireAndVerify,
}

impl ClientAuth {
    /// Whether it turns strangers away.
    pub(super) fn is_proof(self) -> bool {
        self == Self::RequireAndVerify
    }

    /// Who judges the certificates; nobody if there is nothing to judge. A certificate must have one of the names `allowed`, if there are any.
    pub(super) fn verifier(
        self,
        authorities: RootCertStore,
        allowed: &[String],
        provider: &Arc<CryptoProvider>,
    ) -> Result<Option<Arc<dyn ClientCertVerifier>>, ProtectionError> {
        let builder =
            || WebPkiClientVerifier::builder_with_provider(Arc::new(authorities), Arc::clone(provider));
        let chain = match self {
            Self::Nothing => return Ok(None),
            Self::Request | Self::RequireAny => None,
            Self::VerifyIfGiven | Self::RequireAndVerify => Some(builder().build()),
        };
        let chain = chain
            .transpose()
            .map_err(|e| ProtectionError::Pem { field: "client_ca_file", reason: e.to_string() })?;
        // The library does not show addresses of mail.
        if let Some(mail) = allowed.iter().find(|name| name.contains('@') && !name.contains("://")) {
            let why = format!(
                "client_allowed_sans: {mail:?} is an address of mail, which is not supported; host names, IP addresses and URIs are"
            );
            return Err(ProtectionError::Tls(why));
        }
        Ok(Some(Arc::new(Demand {
            is_required: matches!(self, Self::RequireAny | Self::RequireAndVerify),
            chain,
            allowed: allowed.to_vec(),
            provider: Arc::clone(provider),
        })))
    }
}

/// What a certificate must be like; that the client has its key is proven in any case.
#[derive(Debug)]
struct Demand {
    /// There must be one.
    is_required: bool,
    /// Who asks the authorities; nobody if it does not matter who has made it.
    chain: Option<Arc<dyn ClientCertVerifier>>,
    /// It must have one of these names, if there are any.
    allowed: Vec<String>,
    provider: Arc<CryptoProvider>,
}

impl Demand {
    fn has_name(&self, cert: &CertificateDer<'_>) -> Result<bool, Error> {
        let cert = EndEntityCert::try_from(cert).map_err(|_| CertificateError::BadEncoding)?;
        let is_its_address = |name: &str| {
            let address = name.parse::<IpAddr>().ok().map(|ip| ServerName::IpAddress(ip.into()));
            address.is_some_and(|address| cert.verify_is_valid_for_subject_name(&address).is_ok())
        };
        Ok(self.allowed.iter().any(|name| {
            cert.valid_dns_names().chain(cert.valid_uri_names()).any(|own| own == name)
                || is_its_address(name)
        }))
    }
}

impl ClientCertVerifier for Demand {
    fn client_auth_mandatory(&self) -> bool {
        self.is_required
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.chain.as_ref().map_or(&[], |chain| chain.root_hint_subjects())
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        if let Some(chain) = &self.chain {
            chain.verify_client_cert(end_entity, intermediates, now)?;
        }
        if !self.allowed.is_empty() && !self.has_name(end_entity)? {
            return Err(CertificateError::NotValidForName.into());
        }
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
