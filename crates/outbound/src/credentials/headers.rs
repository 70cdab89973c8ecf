use std::sync::Arc;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};
use parking_lot::Mutex;

use super::read_secret;
use crate::error::CredentialsError;
use crate::file_stamp::FileStamp;
use crate::one_at_a_time::OneAtATime;
use crate::proxy::basic_auth;
use crate::text_source::TextSource;

/// Which headers to send, and where their values come from.
#[derive(Debug, Clone, Default)]
pub(crate) struct HeaderSettings {
    /// User and password of `basic_auth`.
    pub(crate) basic: Option<BasicSettings>,
    /// Type and credentials of `authorization`.
    pub(crate) authorization: Option<(String, TextSource)>,
    /// `http_headers`, each with one value.
    pub(crate) custom: Vec<(HeaderName, TextSource)>,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct BasicSettings {
    pub(crate) username: Option<TextSource>,
    pub(crate) password: Option<TextSource>,
}

impl HeaderSettings {
    fn sources(&self) -> impl Iterator<Item = &TextSource> {
        let basic = self.basic.iter().flat_map(|b| b.username.iter().chain(&b.password));
        basic.chain(self.authorization.iter().map(|(_, s)| s)).chain(self.custom.iter().map(|(_, s)| s))
    }

    fn build(&self) -> Result<HeaderMap, CredentialsError> {
        let mut headers = HeaderMap::new();
        if let Some(basic) = &self.basic {
            let read = |field, source: &Option<TextSource>| {
                source.as_ref().map(|s| read_secret(field, s)).transpose().map(Option::unwrap_or_default)
            };
            let username = read("username_file", &basic.username)?;
            let password = read("password_file", &basic.password)?;
            headers.insert(
                AUTHORIZATION,
                basic_auth(username.reveal().as_bytes(), password.reveal().as_bytes()),
            );
        }
        if let Some((scheme, source)) = &self.authorization {
            let secret = read_secret("credentials_file", source)?;
            headers
                .insert(AUTHORIZATION, sensitive("authorization", &format!("{scheme} {}", secret.reveal()))?);
        }
        for (name, source) in &self.custom {
            let secret = read_secret("http_headers file", source)?;
            headers.append(name.clone(), sensitive("http_headers", secret.reveal())?);
        }
        Ok(headers)
    }
}

pub(super) fn sensitive(field: &'static str, value: &str) -> Result<HeaderValue, CredentialsError> {
    let mut value = HeaderValue::from_str(value).map_err(|_| CredentialsError::Unsendable { field })?;
    value.set_sensitive(true);
    Ok(value)
}

/// Headers that follow the files behind them.
pub(crate) struct HeaderSource {
    settings: HeaderSettings,
    has_files: bool,
    /// The headers of last time with the stamps of the files from which they were made.
    built: Mutex<Option<(Stamps, HeaderMap)>>,
    files: OneAtATime,
}

type Stamps = Vec<Option<FileStamp>>;

impl HeaderSource {
    pub(crate) fn new(settings: HeaderSettings) -> Self {
        let has_files = settings.sources().any(|s| s.path().is_some());
        Self { settings, has_files, built: Mutex::new(None), files: OneAtATime::default() }
    }

    /// Whether values come from files, which may change.
    pub(super) fn has_files(&self) -> bool {
        self.has_files
    }

    /// The headers as of now.
    pub(crate) async fn current(this: &Arc<Self>) -> Result<HeaderMap, CredentialsError> {
        if !this.has_files {
            return this.refresh();
        }
        // A file may lie on a network that hangs: only this request waits for it then, and only until its deadline.
        let source = Arc::clone(this);
        this.files.run(move || source.refresh()).await
    }

    fn refresh(&self) -> Result<HeaderMap, CredentialsError> {
        // Stamps are taken before the files are read, so a change in between is seen next time.
        let stamps: Stamps = self.settings.sources().map(TextSource::stamp).collect();
        if let Some((known, headers)) = &*self.built.lock()
            && *known == stamps
        {
            return Ok(headers.clone());
        }
        let headers = self.settings.build()?;
        *self.built.lock() = Some((stamps, headers.clone()));
        Ok(headers)
    }
}

#[cfg(test)]
mod tests {
    use bellwether_yaml::Secret;

    use super::*;

    fn inline(text: &str) -> TextSource {
        TextSource::Inline(Secret::new(text))
    }

    #[tokio::test]
    async fn follows_files() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("token");
        let source = Arc::new(HeaderSource::new(HeaderSettings {
            authorization: Some(("Bearer".to_owned(), TextSource::File(path.clone()))),
            ..Default::default()
        }));
        let error = HeaderSource::current(&source).await.expect_err("no file yet");
        assert_eq!(
            error.to_string(),
            format!("unable to read credentials_file {}: no such file or directory", path.display())
        );
        for token in ["first", "the second"] {
            std::fs::write(&path, format!("  {token}\n")).expect("writable");
            let headers = HeaderSource::current(&source).await.expect("readable");
            assert_eq!(headers[AUTHORIZATION], format!("Bearer {token}"));
            assert!(!format!("{headers:?}").contains(token));
        }
    }

    #[tokio::test]
    async fn builds_all_kinds() {
        let header = |name: &'static str| HeaderName::from_static(name);
        let source = Arc::new(HeaderSource::new(HeaderSettings {
            basic: Some(BasicSettings { username: Some(inline("user")), password: Some(inline("pass")) }),
            authorization: None,
            custom: vec![(header("x-one"), inline("a")), (header("x-one"), inline("b"))],
        }));
        let headers = HeaderSource::current(&source).await.expect("no files");
        assert_eq!(headers[AUTHORIZATION], "Basic dXNlcjpwYXNz");
        assert_eq!(headers.get_all("x-one").iter().collect::<Vec<_>>(), ["a", "b"]);
    }

    #[tokio::test]
    async fn a_line_break_cannot_smuggle_a_header() {
        let source = Arc::new(HeaderSource::new(HeaderSettings {
            authorization: Some(("Bearer".to_owned(), inline("a\r\nX-Admin: yes"))),
            ..Default::default()
        }));
        let error = HeaderSource::current(&source).await.expect_err("unsendable");
        assert!(error.to_string().starts_with("the value of authorization cannot be sent"), "{error}");
    }
}
