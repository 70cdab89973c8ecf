use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bellwether_yaml::Value;
use rustls::SignatureScheme;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Map, json};

use crate::config::{JwtBearer, SignatureAlgorithm};
use crate::error::CredentialsError;

/// How long an assertion is valid: long enough for clocks that differ, short enough to be of no use to a thief.
const LIFETIME_S: i64 = 10 * 60;

/// What an assertion says beside what its configuration says.
pub(super) struct Claims<'a> {
    pub(super) client_id: &'a str,
    pub(super) token_url: &'a str,
    pub(super) scopes: &'a [String],
    /// Seconds since the Unix epoch.
    pub(super) now_s: i64,
    /// A number that no other assertion has.
    pub(super) id: u128,
}

/// A JSON web token (RFC 7519) that proves who we are to an authorization server, signed with the key in `key_pem`.
pub(super) fn sign(
    settings: &JwtBearer,
    claims: &Claims<'_>,
    key_pem: &str,
) -> Result<String, CredentialsError> {
    let unusable = |reason: String| CredentialsError::SigningKey { reason };
    let key = PrivateKeyDer::from_pem_slice(key_pem.as_bytes())
        .map_err(|_| unusable("there is no unencrypted private key (BEGIN PRIVATE KEY) in it".to_owned()))?;
    let key = rustls::crypto::ring::sign::any_supported_type(&key).map_err(|e| unusable(e.to_string()))?;
    let scheme = match settings.algorithm {
        SignatureAlgorithm::Rs256 => SignatureScheme::RSA_PKCS1_SHA256,
        SignatureAlgorithm::Rs384 => SignatureScheme::RSA_PKCS1_SHA384,
        SignatureAlgorithm::Rs512 => SignatureScheme::RSA_PKCS1_SHA512,
    };
    let signer = key.choose_scheme(&[scheme]).ok_or_else(|| unusable("it is not an RSA key".to_owned()))?;

    let mut header = json!({"alg": settings.algorithm.as_str(), "typ": "JWT"});
    if !settings.key_id.is_empty() {
        header["kid"] = settings.key_id.as_str().into();
    }
    let body = body(settings, claims);
    let mut token = format!("{}.{}", encode(header.to_string()), encode(body.to_string()));
    let signature = signer.sign(token.as_bytes()).map_err(|e| unusable(e.to_string()))?;
    token.push('.');
    token.push_str(&encode(signature));
    Ok(token)
}

fn body(settings: &JwtBearer, claims: &Claims<'_>) -> serde_json::Value {
    let or = |text: &str, default: &str| if text.is_empty() { default.to_owned() } else { text.to_owned() };
    let mut body = json!({
        "iss": or(&settings.issuer, claims.client_id),
        "sub": claims.client_id,
        "jti": format!("{:032x}", claims.id),
        "aud": or(&settings.audience, claims.token_url),
        "iat": claims.now_s,
        "exp": claims.now_s + LIFETIME_S,
    });
    if !claims.scopes.is_empty() {
        body["scope"] = claims.scopes.join(" ").into();
    }
    for (name, value) in settings.claims.iter() {
        body[name] = to_json(value);
    }
    body
}

fn to_json(value: &Value) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(b) => (*b).into(),
        Value::Int(n) => i64::try_from(*n).map_or_else(|_| (*n as f64).into(), Into::into),
        Value::Float(v) => (*v).into(),
        Value::Str(s) => s.as_str().into(),
        Value::List(items) | Value::FlowList(items) => items.iter().map(to_json).collect(),
        Value::Map(map) => map.iter().map(|(k, v)| (k.to_owned(), to_json(v))).collect::<Map<_, _>>().into(),
    }
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use bellwether_yaml::{MapValue, Secret};
    use rustls::crypto::ring::default_provider;

    use super::*;

    /// An RSA key of 2,048 bits that protects nothing.
    const KEY: &str = include_str!("testdata/rsa-key.pem");
    /// The certificate of that key, for the check of signatures.
    const CERT: &str = include_str!("testdata/rsa-cert.pem");

    fn settings(algorithm: SignatureAlgorithm) -> JwtBearer {
        let mut claims = MapValue::new();
        claims.set("team", Value::strings(["a", "b"]));
        JwtBearer {
            key_id: "k1".to_owned(),
            key: Secret::default(),
            key_file: std::path::PathBuf::new(),
            algorithm,
            issuer: String::new(),
            audience: "everyone".to_owned(),
            claims,
        }
    }

    fn claims() -> Claims<'static> {
        Claims { client_id: "me", token_url: "https://t.test/", scopes: &[], now_s: 1_700_000_000, id: 7 }
    }

    fn decoded(part: &str) -> serde_json::Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64")).expect("JSON")
    }

    #[test]
    fn says_who_we_are_and_signs_it() {
        use rustls::pki_types::CertificateDer;

        let cert = CertificateDer::from_pem_slice(CERT.as_bytes()).expect("PEM");
        for (algorithm, scheme) in [
            (SignatureAlgorithm::Rs256, SignatureScheme::RSA_PKCS1_SHA256),
            (SignatureAlgorithm::Rs384, SignatureScheme::RSA_PKCS1_SHA384),
            (SignatureAlgorithm::Rs512, SignatureScheme::RSA_PKCS1_SHA512),
        ] {
            let token = sign(&settings(algorithm), &claims(), KEY).expect("signed");
            let (signed, signature) = token.rsplit_once('.').expect("three parts");
            let (header, body) = signed.split_once('.').expect("three parts");
            assert_eq!(decoded(header), json!({"alg": algorithm.as_str(), "typ": "JWT", "kid": "k1"}));
            assert_eq!(
                decoded(body),
                json!({
                    "iss": "me", "sub": "me", "jti": format!("{:032x}", 7), "aud": "everyone",
                    "iat": 1_700_000_000, "exp": 1_700_000_600, "team": ["a", "b"]
                })
            );
            let signature = URL_SAFE_NO_PAD.decode(signature).expect("base64");
            let algorithms = default_provider().signature_verification_algorithms;
            let (_, verifiers) =
                algorithms.mapping.iter().find(|(s, _)| *s == scheme).expect("a verifier for the scheme");
            let public_key = public_key_of(&cert);
            assert!(
                verifiers
                    .iter()
                    .any(|v| v.verify_signature(&public_key, signed.as_bytes(), &signature).is_ok()),
                "{}",
                algorithm.as_str()
            );
        }
    }

    /// The RSA public key at the end of the certificate's key information; found by its length, which 2,048 bits fix.
    fn public_key_of(cert: &[u8]) -> Vec<u8> {
        const RSA_2048: [u8; 8] = [0x30, 0x82, 0x01, 0x0a, 0x02, 0x82, 0x01, 0x01];
        let at = cert.windows(8).position(|w| w == RSA_2048).expect("a 2,048 bit key");
        cert[at..at + 270].to_vec()
    }

    #[test]
    fn unusable_keys_are_named() {
        let check = |key: &str, want: &str| {
            let error = sign(&settings(SignatureAlgorithm::Rs256), &claims(), key).expect_err("unusable");
            assert_eq!(error.to_string(), format!("oauth2: client_certificate_key cannot sign: {want}"));
        };
        check("words", "there is no unencrypted private key (BEGIN PRIVATE KEY) in it");
        check(&rcgen::KeyPair::generate().expect("key").serialize_pem(), "it is not an RSA key");
    }
}
