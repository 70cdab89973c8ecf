mod assertion;
mod headers;
mod oauth2;

use std::sync::Arc;

use bellwether_yaml::Secret;
use http::HeaderMap;
use tokio::time::Instant;

pub(crate) use headers::{BasicSettings, HeaderSettings};
pub(crate) use oauth2::TokenSource;

use headers::HeaderSource;

use crate::error::CredentialsError;
use crate::text_source::TextSource;

/// Tokens and passwords are short; some tokens carry claims of a few kilobytes.
const MAX_SECRET_BYTES: u64 = 1 << 20;

/// The headers that identify us to a server: credentials and the headers of the configuration.
pub(crate) struct Credentials {
    headers: Arc<HeaderSource>,
    token: Option<TokenSource>,
}

impl Credentials {
    pub(crate) fn new(headers: HeaderSettings, token: Option<TokenSource>) -> Self {
        Self { headers: Arc::new(HeaderSource::new(headers)), token }
    }

    /// The headers to send now; files that changed are read again, a token that is about to expire is fetched anew.
    pub(crate) async fn headers(&self, deadline: Instant) -> Result<HeaderMap, CredentialsError> {
        let mut headers = HeaderSource::current(&self.headers).await?;
        if let Some(token) = &self.token
            && !headers.contains_key(http::header::AUTHORIZATION)
        {
            headers.insert(http::header::AUTHORIZATION, token.authorization(deadline).await?);
        }
        Ok(headers)
    }

    /// Whether the headers are the same for every request.
    pub(crate) fn are_fixed(&self) -> bool {
        self.token.is_none() && !self.headers.has_files()
    }

    /// The server refused the credentials, so a cached token is not to be used again.
    pub(crate) fn refused(&self) {
        if let Some(token) = &self.token {
            token.forget();
        }
    }
}

/// Reads a secret and cuts the white space around it, which editors and `echo` leave in files.
fn read_secret(field: &'static str, source: &TextSource) -> Result<Secret, CredentialsError> {
    let secret = source.read(MAX_SECRET_BYTES).map_err(|error| CredentialsError::File {
        field,
        path: source.path().map(Into::into).unwrap_or_default(),
        source: error,
    })?;
    Ok(match source {
        TextSource::Inline(_) => secret,
        TextSource::File(_) => Secret::new(secret.reveal().trim()),
    })
}
