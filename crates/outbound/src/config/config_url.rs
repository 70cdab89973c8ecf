use std::fmt;

/// A URL as Prometheus accepts it in a configuration: Go's `url.Parse` is satisfied with much, for instance `localhost:9090`,
/// so whoever sends requests there has to look again.
///
/// Displayed without a password.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct ConfigUrl {
    text: String,
    scheme: String,
    authority: Option<String>,
}

/// Why a text is no URL. The sentences are those of Go.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("parse {shown:?}: {reason}")]
pub struct ConfigUrlError {
    /// The text, without what could be a password.
    shown: String,
    reason: String,
}

impl ConfigUrlError {
    /// A slash in a password ends the authority, so that the beginning of the password is taken for a port.
    fn new(text: &str, reason: String) -> Self {
        let shown = redact(text);
        let (Some(start), Some(at)) = (text.find("//").map(|at| at + 2), text.rfind('@')) else {
            return Self { shown, reason };
        };
        if shown != text || !reason.starts_with(INVALID_PORT) || at < start {
            return Self { shown, reason };
        }
        Self {
            shown: format!("{}xxxxx{}", &text[..start], &text[at..]),
            reason: format!(
                "{INVALID_PORT} after host; in a password, write / as %2F, ? as %3F and # as %23"
            ),
        }
    }
}

const INVALID_PORT: &str = "invalid port";

impl ConfigUrl {
    /// Reads a URL.
    pub fn parse(text: &str) -> Result<Self, ConfigUrlError> {
        split(text)
            .map(|(scheme, authority)| Self {
                text: text.to_owned(),
                scheme: scheme.to_ascii_lowercase(),
                authority: authority.map(str::to_owned),
            })
            .map_err(|reason| ConfigUrlError::new(text, reason))
    }

    /// The URL as it was written. It may contain a password.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The scheme in lower case; empty if there is none.
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// Host and port; empty if there is none.
    pub fn host(&self) -> &str {
        let authority = self.authority.as_deref().unwrap_or_default();
        authority.rsplit_once('@').map_or(authority, |(_, host)| host)
    }
}

impl fmt::Display for ConfigUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&redact(&self.text))
    }
}

impl fmt::Debug for ConfigUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ConfigUrl").field(&redact(&self.text)).finish()
    }
}

/// The text with the password, if there is one, replaced as Go does.
fn redact(text: &str) -> String {
    let Some(start) = text.find("//").map(|at| at + 2) else { return text.to_owned() };
    let end = text[start..].find(['/', '?', '#']).map_or(text.len(), |at| start + at);
    let Some(at) = text[start..end].rfind('@').map(|at| start + at) else { return text.to_owned() };
    match text[start..at].find(':').map(|colon| start + colon) {
        Some(colon) => format!("{}xxxxx{}", &text[..=colon], &text[at..]),
        None => text.to_owned(),
    }
}

/// Scheme and authority, or what Go says about the text.
fn split(text: &str) -> Result<(&str, Option<&str>), String> {
    if text.bytes().any(|b| b < 0x20 || b == 0x7f) {
        return Err("net/url: invalid control character in URL".to_owned());
    }
    let (rest, fragment) = text.split_once('#').unwrap_or((text, ""));
    check_escapes(fragment)?;
    let (scheme, rest) = split_scheme(rest)?;
    let (rest, _query) = rest.split_once('?').unwrap_or((rest, ""));
    if !rest.starts_with('/') {
        if !scheme.is_empty() {
            // `mailto:x`, and `localhost:9090` as well.
            return Ok((scheme, None));
        }
        if rest.split('/').next().is_some_and(|segment| segment.contains(':')) {
            return Err("first path segment in URL cannot contain colon".to_owned());
        }
    }
    let (authority, path) = match rest.strip_prefix("//") {
        Some(rest) if !scheme.is_empty() || !rest.starts_with('/') => {
            let end = rest.find('/').unwrap_or(rest.len());
            (Some(&rest[..end]), &rest[end..])
        }
        _ => (None, rest),
    };
    if let Some(authority) = authority {
        check_authority(authority)?;
    }
    check_escapes(path)?;
    Ok((scheme, authority))
}

fn split_scheme(text: &str) -> Result<(&str, &str), String> {
    for (at, c) in text.char_indices() {
        match c {
            'a'..='z' | 'A'..='Z' => {}
            '0'..='9' | '+' | '-' | '.' if at > 0 => {}
            ':' if at == 0 => return Err("missing protocol scheme".to_owned()),
            ':' => return Ok((&text[..at], &text[at + 1..])),
            _ => break,
        }
    }
    Ok(("", text))
}

fn check_authority(authority: &str) -> Result<(), String> {
    let host = match authority.rsplit_once('@') {
        None => authority,
        Some((user_info, host)) => {
            let allowed = |c: char| c.is_ascii_alphanumeric() || "-._:~!$&'()*+,;=%@".contains(c);
            if !user_info.chars().all(allowed) {
                return Err("net/url: invalid userinfo".to_owned());
            }
            check_escapes(user_info)?;
            host
        }
    };
    let port = if let Some(bracketed) = host.strip_prefix('[') {
        let Some((_, port)) = bracketed.rsplit_once(']') else {
            return Err("missing ']' in host".to_owned());
        };
        port
    } else {
        host.rfind(':').map_or("", |colon| &host[colon..])
    };
    let valid_port =
        port.is_empty() || port.strip_prefix(':').is_some_and(|p| p.bytes().all(|b| b.is_ascii_digit()));
    if !valid_port {
        return Err(format!("{INVALID_PORT} {port:?} after host"));
    }
    if let Some(bad) = host.chars().find(|c| c.is_ascii() && " \\^`{|}".contains(*c)) {
        return Err(format!("invalid character {:?} in host name", bad.to_string()));
    }
    check_escapes(host)
}

fn check_escapes(text: &str) -> Result<(), String> {
    let bytes = text.as_bytes();
    for (at, _) in text.match_indices('%') {
        let complete = bytes.get(at + 1..at + 3).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit));
        if !complete {
            let fragment: String = text[at..].chars().take(3).collect();
            return Err(format!("invalid URL escape {fragment:?}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_what_go_accepts() {
        let check = |text: &str, scheme: &str, host: &str| {
            let url = ConfigUrl::parse(text).expect(text);
            assert_eq!((url.scheme(), url.host()), (scheme, host), "{text}");
        };
        check("http://remote1/push", "http", "remote1");
        check("HTTPS://u:p@h:1/x?y#z", "https", "h:1");
        check("http://", "http", "");
        check("http://[::1]:9090/", "http", "[::1]:9090");
        check("localhost:9090", "localhost", "");
        check("foo", "", "");
        check("//host/x", "", "host");
        check("/x", "", "");
        check("", "", "");
        check("http://é.example/", "http", "é.example");
    }

    #[test]
    fn refuses_what_go_refuses() {
        let check = |text: &str, want: &str| {
            assert_eq!(ConfigUrl::parse(text).map_err(|e| e.to_string()), Err(want.to_owned()), "{text}");
        };
        check("://invalid", r#"parse "://invalid": missing protocol scheme"#);
        check("1.2.3.4:80", r#"parse "1.2.3.4:80": first path segment in URL cannot contain colon"#);
        check("http://h:x/", r#"parse "http://h:x/": invalid port ":x" after host"#);
        check("http://a b/", r#"parse "http://a b/": invalid character " " in host name"#);
        check("http://h/%zz", r#"parse "http://h/%zz": invalid URL escape "%zz""#);
        check("http://[::1", r#"parse "http://[::1": missing ']' in host"#);
        check("http://h/\n", r#"parse "http://h/\n": net/url: invalid control character in URL"#);
        check(
            "http://u:pa/ss@h/x",
            "parse \"http://xxxxx@h/x\": invalid port after host; in a password, write / as %2F, ? as %3F and # as %23",
        );
        check("http://u:pass word@h/", r#"parse "http://u:xxxxx@h/": net/url: invalid userinfo"#);
    }

    #[test]
    fn hides_passwords() {
        let check = |text: &str, want: &str| {
            let url = ConfigUrl::parse(text).expect(text);
            assert_eq!(url.to_string(), want);
            assert!(!format!("{url:?}").contains("hunter2"));
        };
        check("http://u:hunter2@h/x", "http://u:xxxxx@h/x");
        check("http://u@h/x", "http://u@h/x");
        check("http://h/x@y:z", "http://h/x@y:z");
    }
}
