use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

use crate::server::{Server, reply};
use crate::{client, error, fetch};

/// A certificate authority of a test.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    pub(crate) pem: String,
}

/// Certificate and key in PEM form.
pub(crate) struct Identity {
    cert: String,
    key: String,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer =
            CertifiedIssuer::self_signed(params, KeyPair::generate().expect("key")).expect("certificate");
        let pem = issuer.pem();
        Self { issuer, pem }
    }

    pub(crate) fn issue(&self, name: &str) -> Identity {
        let params = CertificateParams::new(vec![name.to_owned()]).expect("a valid name");
        let key = KeyPair::generate().expect("key");
        let cert = params.signed_by(&key, &self.issuer).expect("certificate");
        Identity { cert: cert.pem(), key: key.serialize_pem() }
    }
}

/// One certificate that vouches for itself, as people give their exporters.
fn self_signed(name: &str, expired: bool) -> Identity {
    let mut params = CertificateParams::new(vec![name.to_owned()]).expect("a valid name");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    if expired {
        params.not_before = rcgen::date_time_ymd(2001, 1, 1);
        params.not_after = rcgen::date_time_ymd(2002, 1, 1);
    }
    let key = KeyPair::generate().expect("key");
    let cert = params.self_signed(&key).expect("certificate");
    Identity { cert: cert.pem(), key: key.serialize_pem() }
}

pub(crate) fn server_config(identity: &Identity, alpn: &[&[u8]]) -> ServerConfig {
    server_config_with(identity, alpn, None, rustls::DEFAULT_VERSIONS)
}

fn server_config_with(
    identity: &Identity,
    alpn: &[&[u8]],
    client_ca: Option<&str>,
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions)
        .expect("supported");
    let builder = match client_ca {
        None => builder.with_no_client_auth(),
        Some(ca) => {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_pem_slice(ca.as_bytes()).expect("PEM")).expect("an authority");
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().expect("roots"))
        }
    };
    let cert = CertificateDer::from_pem_slice(identity.cert.as_bytes()).expect("PEM");
    let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).expect("PEM");
    let mut config = builder.with_single_cert(vec![cert], key).expect("they fit");
    config.alpn_protocols = alpn.iter().map(|p| p.to_vec()).collect();
    config
}

async fn serve(config: ServerConfig) -> Server {
    Server::start_tls(config, |request| async move { reply(format!("{:?}", request.version())) }).await
}

fn ca(pem: &str) -> String {
    format!("tls_config: {{ca: {pem:?}}}")
}

#[tokio::test]
async fn trusts_the_configured_authority_only() {
    let authority = Authority::new();
    let server = serve(server_config(&authority.issue("127.0.0.1"), &[])).await;
    let url = server.https_url("/");
    assert_eq!(fetch(&client(&ca(&authority.pem)), &url).await, (200, "HTTP/1.1".to_owned()));
    let want = format!(
        "Get \"{url}\": tls: failed to verify certificate: x509: certificate signed by unknown authority; \
         set tls_config.ca_file to the authority's certificate"
    );
    assert_eq!(error(&client(&ca(&Authority::new().pem)), &url).await, want);
    assert_eq!(error(&client("{}"), &url).await, want);
    assert_eq!(fetch(&client("tls_config: {insecure_skip_verify: true}"), &url).await.0, 200);
}

#[tokio::test]
async fn checks_the_name() {
    let authority = Authority::new();
    let server = serve(server_config(&authority.issue("node.test"), &[])).await;
    let url = server.https_url("/");
    let text = error(&client(&ca(&authority.pem)), &url).await;
    assert!(text.contains("x509: certificate is valid for node.test, not 127.0.0.1;"), "{text}");
    assert!(text.contains("not 127.0.0.1; set tls_config.server_name"), "{text}");
    let named = format!("tls_config: {{ca: {:?}, server_name: node.test}}", authority.pem);
    assert_eq!(fetch(&client(&named), &url).await.0, 200);
}

#[tokio::test]
async fn a_self_signed_certificate_may_be_its_own_authority() {
    let good = self_signed("127.0.0.1", false);
    let server = serve(server_config(&good, &[])).await;
    assert_eq!(fetch(&client(&ca(&good.cert)), &server.https_url("/")).await.0, 200);
    let text = error(&client("{}"), &server.https_url("/")).await;
    assert!(
        text.ends_with(
            "certificate signed by unknown authority: it has signed itself; set tls_config.ca_file to this certificate"
        ),
        "{text}"
    );

    let misnamed = self_signed("node.test", false);
    let server = serve(server_config(&misnamed, &[])).await;
    let text = error(&client(&ca(&misnamed.cert)), &server.https_url("/")).await;
    assert!(text.contains("x509: certificate is valid for"), "{text}");

    let expired = self_signed("127.0.0.1", true);
    let server = serve(server_config(&expired, &[])).await;
    let text = error(&client(&ca(&expired.cert)), &server.https_url("/")).await;
    assert!(text.ends_with("x509: certificate has expired or is not yet valid"), "{text}");
}

#[tokio::test]
async fn shows_its_own_certificate() {
    let authority = Authority::new();
    let (server_id, client_id) = (authority.issue("127.0.0.1"), authority.issue("client.test"));
    let config = server_config_with(&server_id, &[], Some(&authority.pem), rustls::DEFAULT_VERSIONS);
    let server = serve(config).await;
    let with = format!(
        "tls_config: {{ca: {:?}, cert: {:?}, key: {:?}}}",
        authority.pem, client_id.cert, client_id.key
    );
    assert_eq!(fetch(&client(&with), &server.https_url("/")).await.0, 200);
    let text = error(&client(&ca(&authority.pem)), &server.https_url("/")).await;
    // The server says so and hangs up; which of the two is noticed first is not ours to choose.
    let noticed = ["remote error: tls: CertificateRequired", "read tcp: ", "EOF: ", "broken pipe"];
    assert!(noticed.iter().any(|n| text.contains(n)), "{text}");
}

#[tokio::test]
async fn certificates_are_read_again_when_they_change() {
    let (old, new) = (Authority::new(), Authority::new());
    let server = serve(server_config(&new.issue("127.0.0.1"), &[])).await;
    let dir = tempfile::tempdir().expect("temporary folder");
    let path = dir.path().join("ca.pem");
    std::fs::write(&path, &old.pem).expect("writable");
    let client = client(&format!("tls_config: {{ca_file: {}}}", path.display()));
    let text = error(&client, &server.https_url("/")).await;
    assert!(text.contains("unknown authority"), "{text}");
    std::fs::write(&path, format!("{}{}", old.pem, new.pem)).expect("writable");
    assert_eq!(fetch(&client, &server.https_url("/")).await.0, 200);
    // Trust that is taken away ends open connections too.
    std::fs::write(&path, &old.pem).expect("writable");
    let text = error(&client, &server.https_url("/")).await;
    assert!(text.contains("unknown authority"), "{text}");
    std::fs::write(&path, "nothing").expect("writable");
    let text = error(&client, &server.https_url("/")).await;
    assert!(text.contains("ca.pem: there is no certificate"), "{text}");
}

#[tokio::test]
async fn http2_is_used_where_it_is_allowed() {
    let authority = Authority::new();
    let server = serve(server_config(&authority.issue("127.0.0.1"), &[b"h2", b"http/1.1"])).await;
    let yes = client(&ca(&authority.pem));
    for _ in 0..2 {
        assert_eq!(fetch(&yes, &server.https_url("/")).await.1, "HTTP/2.0");
    }
    assert_eq!(server.connections(), 1);
    let no = client(&format!("enable_http2: false\n{}", ca(&authority.pem)));
    assert_eq!(fetch(&no, &server.https_url("/")).await.1, "HTTP/1.1");
}

#[tokio::test]
async fn versions_can_be_demanded() {
    let authority = Authority::new();
    let config = server_config_with(&authority.issue("127.0.0.1"), &[], None, &[&rustls::version::TLS12]);
    let server = serve(config).await;
    assert_eq!(fetch(&client(&ca(&authority.pem)), &server.https_url("/")).await.0, 200);
    let yaml = format!("tls_config: {{ca: {:?}, min_version: TLS13}}", authority.pem);
    let text = error(&client(&yaml), &server.https_url("/")).await;
    assert!(text.contains("tls: "), "{text}");
}

#[tokio::test]
async fn the_wrong_scheme_is_recognised() {
    let authority = Authority::new();
    let tls = serve(server_config(&authority.issue("127.0.0.1"), &[])).await;
    let plain = Server::start(|_| async { reply("") }).await;
    let client = client(&ca(&authority.pem));
    let text = error(&client, &plain.https_url("/")).await;
    assert!(text.contains("the server may speak plain HTTP, then set scheme: http"), "{text}");
    let text = error(&client, &tls.url("/")).await;
    assert!(text.contains("the server may speak TLS, then set scheme: https"), "{text}");
}
