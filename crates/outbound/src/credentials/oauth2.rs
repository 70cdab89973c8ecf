use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bellwether_model::Clock;
use bellwether_yaml::Secret;
use http::{HeaderMap, HeaderValue, header};
use parking_lot::Mutex;
use tokio::time::Instant;
use url::Url;
use url::form_urlencoded::{Serializer, byte_serialize};

use super::assertion::{self, Claims};
use super::headers::sensitive;
use super::read_secret;
use crate::client::HttpClient;
use crate::config::{JwtBearer, OAuth2, OAuth2Grant};
use crate::error::{CredentialsError, beginning};
use crate::file_stamp::FileStamp;
use crate::one_at_a_time::OneAtATime;
use crate::request::Request;
use crate::text_source::TextSource;

/// A token is fetched anew this long before it expires, as in Go's oauth2 package.
const EXPIRY_MARGIN: Duration = Duration::from_secs(10);
/// Token responses have a few kilobytes.
const MAX_RESPONSE_BYTES: usize = 1 << 20;

/// How the client identifies itself to the token server. Servers differ and do not say, so both ways are tried once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ClientAuth {
    Header,
    Form,
}

/// Fetches tokens from an authorization server (RFC 6749) and keeps the current one.
pub(crate) struct TokenSource {
    settings: OAuth2,
    token_url: Url,
    /// The client secret, or the key that signs assertions.
    secret: Option<TextSource>,
    client: HttpClient,
    clock: Arc<dyn Clock>,
    files: OneAtATime,
    /// Held while a token is fetched, so that a thousand targets ask for one token and not for a thousand.
    fetching: tokio::sync::Mutex<Option<ClientAuth>>,
    token: Mutex<Option<Token>>,
}

#[derive(Clone)]
struct Token {
    authorization: HeaderValue,
    expires_at: Option<Instant>,
    /// The secret with which it was fetched.
    secret_stamp: Option<FileStamp>,
}

impl TokenSource {
    /// A source that reaches the token server through `client`.
    pub(crate) fn new(settings: OAuth2, token_url: Url, client: HttpClient, clock: Arc<dyn Clock>) -> Self {
        let secret = match &settings.grant {
            OAuth2Grant::ClientCredentials { secret, secret_file } => {
                TextSource::from_fields(secret, secret_file)
            }
            OAuth2Grant::JwtBearer(jwt) => TextSource::from_fields(&jwt.key, &jwt.key_file),
        };
        let (files, fetching, token) =
            (OneAtATime::default(), tokio::sync::Mutex::new(None), Mutex::new(None));
        Self { settings, token_url, secret, client, clock, files, fetching, token }
    }

    /// The value of the `Authorization` header.
    pub(crate) async fn authorization(&self, deadline: Instant) -> Result<HeaderValue, CredentialsError> {
        let secret_stamp = self.secret_stamp().await;
        if let Some(value) = self.cached(secret_stamp) {
            return Ok(value);
        }
        let mut client_auth = self.fetching.lock().await;
        // Somebody else may have fetched it meanwhile.
        if let Some(value) = self.cached(secret_stamp) {
            return Ok(value);
        }
        let token = self.fetch(&mut client_auth, secret_stamp, deadline).await?;
        let value = token.authorization.clone();
        *self.token.lock() = Some(token);
        Ok(value)
    }

    /// Drops the cached token.
    pub(crate) fn forget(&self) {
        *self.token.lock() = None;
    }

    async fn secret_stamp(&self) -> Option<FileStamp> {
        let source = self.secret.clone().filter(|s| s.path().is_some())?;
        self.files.run(move || source.stamp()).await
    }

    fn cached(&self, secret_stamp: Option<FileStamp>) -> Option<HeaderValue> {
        let token = self.token.lock();
        let token = token.as_ref()?;
        let fresh = token.expires_at.is_none_or(|at| Instant::now() + EXPIRY_MARGIN < at);
        (fresh && token.secret_stamp == secret_stamp).then(|| token.authorization.clone())
    }

    async fn fetch(
        &self,
        client_auth: &mut Option<ClientAuth>,
        secret_stamp: Option<FileStamp>,
        deadline: Instant,
    ) -> Result<Token, CredentialsError> {
        let ways = match (&self.settings.grant, *client_auth) {
            // The assertion is in the form, and there is nothing else to say.
            (OAuth2Grant::JwtBearer(_), _) => vec![ClientAuth::Form],
            (_, Some(known)) => vec![known],
            (_, None) => vec![ClientAuth::Header, ClientAuth::Form],
        };
        let mut refusal = None;
        for way in ways {
            let (status, content_type, body) = self.ask(way, deadline).await?;
            let Some(refused) = refusal_of(status, &body) else {
                let mut token = parse_token(content_type.as_deref(), &body)?;
                token.secret_stamp = secret_stamp;
                *client_auth = Some(way);
                return Ok(token);
            };
            refusal.get_or_insert(refused);
        }
        // The way may have changed with the server, so both are tried again next time.
        *client_auth = None;
        Err(CredentialsError::TokenResponse(refusal.expect("BUG: at least one way was tried")))
    }

    async fn ask(
        &self,
        way: ClientAuth,
        deadline: Instant,
    ) -> Result<(u16, Option<String>, Vec<u8>), CredentialsError> {
        let secret = self.read_secret().await?;
        let (headers, form) = self.form(way, secret.reveal())?;
        let mut request = Request::post(self.token_url.clone(), form.into());
        request.headers = headers;
        // It holds the secret, or an assertion that is as good as one, and without it there is no token.
        (request.secret_body, request.keep_body) = (true, true);
        let request_failed = |e| CredentialsError::TokenRequest(Box::new(e));
        // Boxed, because the client itself may ask a token source for its credentials.
        let response = Box::pin(self.client.send(request, deadline)).await.map_err(request_failed)?;
        let status = response.status().as_u16();
        let content_type = response.header(header::CONTENT_TYPE).map(str::to_owned);
        let mut body = Vec::new();
        response.read_into(&mut body, MAX_RESPONSE_BYTES).await.map_err(request_failed)?;
        Ok((status, content_type, body))
    }

    /// Headers and body of a token request.
    fn form(&self, way: ClientAuth, secret: &str) -> Result<(HeaderMap, String), CredentialsError> {
        let mut form = Serializer::new(String::new());
        let mut headers = HeaderMap::new();
        match &self.settings.grant {
            OAuth2Grant::ClientCredentials { .. } => {
                self.fill_client_credentials(way, secret, &mut form, &mut headers)?;
            }
            OAuth2Grant::JwtBearer(jwt) => {
                form.append_pair("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
                form.append_pair("assertion", &self.assertion(jwt, secret)?);
            }
        }
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        Ok((headers, form.finish()))
    }

    async fn read_secret(&self) -> Result<Secret, CredentialsError> {
        let field = match self.settings.grant {
            OAuth2Grant::ClientCredentials { .. } => "client_secret_file",
            OAuth2Grant::JwtBearer(_) => "client_certificate_key_file",
        };
        let Some(source) = self.secret.clone() else { return Ok(Secret::default()) };
        self.files.run(move || read_secret(field, &source)).await
    }

    /// The client-credentials grant of RFC 6749, section 4.4.
    fn fill_client_credentials(
        &self,
        way: ClientAuth,
        secret: &str,
        form: &mut Serializer<'_, String>,
        headers: &mut HeaderMap,
    ) -> Result<(), CredentialsError> {
        let settings = &self.settings;
        form.append_pair("grant_type", "client_credentials");
        if !settings.scopes.is_empty() {
            form.append_pair("scope", &settings.scopes.join(" "));
        }
        form.extend_pairs(settings.endpoint_params.iter().filter(|(name, _)| *name != "grant_type"));
        match way {
            ClientAuth::Header => {
                // Both parts are form-encoded before they are joined (RFC 6749, section 2.3.1).
                let encode = |s: &str| byte_serialize(s.as_bytes()).collect::<String>();
                let pair = format!("{}:{}", encode(&settings.client_id), encode(secret));
                let value = sensitive("client_id", &format!("Basic {}", STANDARD.encode(pair)))?;
                headers.insert(header::AUTHORIZATION, value);
            }
            ClientAuth::Form => {
                form.append_pair("client_id", &settings.client_id);
                if !secret.is_empty() {
                    form.append_pair("client_secret", secret);
                }
            }
        }
        Ok(())
    }

    fn assertion(&self, jwt: &JwtBearer, key_pem: &str) -> Result<String, CredentialsError> {
        let mut id = [0; 16];
        rustls::crypto::ring::default_provider().secure_random.fill(&mut id).map_err(|_| {
            CredentialsError::SigningKey { reason: "the system has no random numbers".to_owned() }
        })?;
        let claims = Claims {
            client_id: &self.settings.client_id,
            token_url: &self.settings.token_url,
            scopes: &self.settings.scopes,
            now_s: self.clock.now_ms().div_euclid(1000),
            id: u128::from_le_bytes(id),
        };
        assertion::sign(jwt, &claims, key_pem)
    }
}

/// What the server said if it refused; never a part of the response that could hold a token.
fn refusal_of(status: u16, body: &[u8]) -> Option<String> {
    let json: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let field = |name: &str| json.as_ref()?.get(name)?.as_str().map(beginning);
    let described = match (field("error"), field("error_description")) {
        (Some(error), Some(description)) => Some(format!("{error:?} {description:?}")),
        (Some(error), None) => Some(format!("{error:?}")),
        (None, _) => None,
    };
    match (status, described) {
        (200..=299, None) => None,
        (200..=299, Some(described)) => Some(described),
        (_, Some(described)) => Some(format!("the token server answered {status}: {described}")),
        (_, None) => Some(format!("the token server answered {status}")),
    }
}

fn parse_token(content_type: Option<&str>, body: &[u8]) -> Result<Token, CredentialsError> {
    let invalid = |what: &str| CredentialsError::TokenResponse(what.to_owned());
    let media_type = content_type.and_then(|t| t.split(';').next()).unwrap_or_default().trim();
    let (access_token, token_type, expires_in) =
        if matches!(media_type, "application/x-www-form-urlencoded" | "text/plain") {
            let field = |name: &str| {
                url::form_urlencoded::parse(body)
                    .find(|(n, _)| n == name)
                    .map(|(_, value)| value.into_owned())
            };
            (field("access_token"), field("token_type"), field("expires_in").and_then(|s| s.parse().ok()))
        } else {
            let json: serde_json::Value =
                serde_json::from_slice(body).map_err(|_| invalid("the response is not JSON"))?;
            let field = |name: &str| json.get(name).and_then(|v| v.as_str()).map(str::to_owned);
            let expires_in = json.get("expires_in").and_then(|v| match v {
                // Some servers write the number as a text.
                serde_json::Value::String(s) => s.parse::<f64>().ok(),
                other => other.as_f64(),
            });
            (field("access_token"), field("token_type"), expires_in)
        };
    let access_token = access_token
        .filter(|t| !t.is_empty())
        .ok_or_else(|| invalid("server response missing access_token"))?;
    let token_type = match token_type.as_deref() {
        None | Some("") => "Bearer",
        Some(t) if t.eq_ignore_ascii_case("bearer") => "Bearer",
        Some(other) => other,
    };
    let expires_at = expires_in
        .filter(|s: &f64| *s > 0.0)
        .and_then(|s| Duration::try_from_secs_f64(s).ok())
        .and_then(|lifetime| Instant::now().checked_add(lifetime));
    let authorization = sensitive("access_token", &format!("{token_type} {access_token}"))?;
    Ok(Token { authorization, expires_at, secret_stamp: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_token_responses() {
        let check = |content_type: Option<&str>, body: &str, want: Result<(&str, bool), &str>| {
            let got = parse_token(content_type, body.as_bytes());
            match (got, want) {
                (Ok(token), Ok((authorization, expires))) => {
                    assert_eq!(token.authorization, authorization, "{body}");
                    assert_eq!(token.expires_at.is_some(), expires, "{body}");
                }
                (Err(error), Err(want)) => assert!(error.to_string().contains(want), "{error}"),
                (got, want) => panic!("{body}: {:?}, expected {want:?}", got.map(|t| t.authorization)),
            }
        };
        check(
            None,
            r#"{"access_token":"a","token_type":"bearer","expires_in":3600}"#,
            Ok(("Bearer a", true)),
        );
        check(None, r#"{"access_token":"a","expires_in":"60"}"#, Ok(("Bearer a", true)));
        check(None, r#"{"access_token":"a","token_type":"MAC","expires_in":0}"#, Ok(("MAC a", false)));
        check(Some("text/plain"), "access_token=a%20b&expires_in=5", Ok(("Bearer a b", true)));
        check(None, r#"{"access_token":""}"#, Err("missing access_token"));
        check(None, "<html>", Err("not JSON"));
        check(None, r#"{"access_token":"a\nb"}"#, Err("cannot be sent"));
        check(None, r#"{"access_token":"a","expires_in":1e300}"#, Ok(("Bearer a", false)));
    }

    #[test]
    fn says_what_the_server_said() {
        let refused = |status, body: &str| refusal_of(status, body.as_bytes());
        assert_eq!(refused(200, "{}"), None);
        assert_eq!(
            refused(401, r#"{"error":"invalid_client","error_description":"no such client"}"#).as_deref(),
            Some(r#"the token server answered 401: "invalid_client" "no such client""#)
        );
        assert_eq!(refused(200, r#"{"error":"invalid_scope"}"#).as_deref(), Some(r#""invalid_scope""#));
        let long = format!(r#"{{"error":"{}"}}"#, "é".repeat(5000));
        assert!(refused(400, &long).is_some_and(|said| said.chars().count() < 300), "it is told on a line");
        assert_eq!(refused(500, "oops").as_deref(), Some("the token server answered 500"));
    }
}
