use super::error::WireConfigError;

/// Headers of remote write and remote read that are set anyway, in lower case.
const RESERVED: [&str; 16] = [
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "user-agent",
    "www-authenticate",
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-security-token",
    "x-prometheus-remote-read-version",
    "x-prometheus-remote-write-version",
];

/// Checks that the user changes no header that is always set; `authorization` is the refusal for that header.
pub fn check_headers<'h>(
    names: impl IntoIterator<Item = &'h String>,
    authorization: &WireConfigError,
) -> Result<(), WireConfigError> {
    for name in names {
        let lower = name.to_ascii_lowercase();
        if lower == "authorization" {
            return Err(authorization.clone());
        }
        if RESERVED.contains(&lower.as_str()) {
            return Err(WireConfigError::ReservedHeader(name.clone()));
        }
    }
    Ok(())
}
