use std::mem::MaybeUninit;

use http::StatusCode;

use crate::error::beginning;

/// As many headers as hyper takes.
const MAX_HEADERS: usize = 100;

/// The part of a response before its body, as far as it matters here.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// Its length in bytes, the empty line included.
    pub(super) len: usize,
    pub(super) status: StatusCode,
    /// The reason phrase; empty if the server gave none.
    pub(super) reason: String,
    pub(super) content_type: String,
    pub(super) content_encoding: Option<String>,
    pub(super) framing: Framing,
    /// The connection can carry another request afterwards.
    pub(super) keep_alive: bool,
}

/// How the end of a body is found (RFC 9112, section 6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// It has this many bytes.
    Length(u64),
    /// It comes in chunks, the last of which is empty.
    Chunked,
    /// It ends with the connection.
    UntilClose,
}

/// Reads the head at the start of `bytes`. `None` if it is not there as a whole yet; an error says what is wrong with it.
pub(super) fn parse(bytes: &[u8]) -> Result<Option<Head>, String> {
    let mut headers = [const { MaybeUninit::uninit() }; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut []);
    let parsed = httparse::ParserConfig::default().parse_response_with_uninit_headers(
        &mut response,
        bytes,
        &mut headers,
    );
    let len = match parsed.map_err(|e| e.to_string())? {
        httparse::Status::Partial => return Ok(None),
        httparse::Status::Complete(len) => len,
    };
    let code = response.code.unwrap_or_default();
    let mut head = Head {
        len,
        status: StatusCode::from_u16(code).map_err(|e| e.to_string())?,
        reason: beginning(response.reason.unwrap_or_default()),
        content_type: String::new(),
        content_encoding: None,
        framing: Framing::UntilClose,
        keep_alive: response.version == Some(1),
    };
    let (mut length, mut transfer_encoding) = (None, None);
    for header in &*response.headers {
        let text = || String::from_utf8_lossy(header.value).into_owned();
        let named = |name: &str| header.name.eq_ignore_ascii_case(name);
        if named("content-type") {
            std::str::from_utf8(header.value).unwrap_or_default().clone_into(&mut head.content_type);
        } else if named("content-encoding") {
            head.content_encoding = Some(text());
        } else if named("content-length") {
            let announced = content_length(header.value).ok_or("invalid Content-Length")?;
            if length.replace(announced).is_some_and(|before| before != announced) {
                return Err("two different Content-Length".to_owned());
            }
        } else if named("transfer-encoding") {
            transfer_encoding = Some(text());
        } else if named("connection") {
            for option in text().split(',').map(str::trim) {
                if option.eq_ignore_ascii_case("close") {
                    head.keep_alive = false;
                } else if option.eq_ignore_ascii_case("keep-alive") {
                    head.keep_alive = true;
                }
            }
        }
    }
    head.framing = match (transfer_encoding, length) {
        _ if matches!(head.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) => Framing::Length(0),
        (Some(encodings), _) if is_chunked(&encodings) => Framing::Chunked,
        (None, Some(length)) => Framing::Length(length),
        (Some(_) | None, _) => Framing::UntilClose,
    };
    head.keep_alive &= head.framing != Framing::UntilClose;
    Ok(Some(head))
}

/// Digits alone: what other notations mean is told differently by different servers.
fn content_length(value: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(value).ok().filter(|text| text.bytes().all(|b| b.is_ascii_digit()))?;
    text.parse().ok()
}

/// Whether chunks are what was applied last.
fn is_chunked(encodings: &str) -> bool {
    encodings.rsplit(',').next().is_some_and(|last| last.trim().eq_ignore_ascii_case("chunked"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(text: &str) -> Head {
        parse(text.as_bytes()).expect("a head").expect("all of it")
    }

    #[test]
    fn tells_what_matters() {
        let text = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX: y\r\ncontent-length: 12\r\n\r\n";
        let want = Head {
            len: text.len(),
            status: StatusCode::OK,
            reason: "OK".to_owned(),
            content_type: "text/plain".to_owned(),
            content_encoding: None,
            framing: Framing::Length(12),
            keep_alive: true,
        };
        assert_eq!(head(&format!("{text}body")), want);
        for cut in 0..text.len() {
            assert_eq!(parse(&text.as_bytes()[..cut]), Ok(None), "{cut}");
        }
    }

    #[test]
    fn finds_the_end_of_the_body() {
        let check = |headers: &str, framing, keep_alive| {
            let head = head(&format!("HTTP/1.1 200 OK\r\n{headers}\r\n\r\n"));
            assert_eq!((head.framing, head.keep_alive), (framing, keep_alive), "{headers}");
        };
        check("Transfer-Encoding: chunked", Framing::Chunked, true);
        check("Transfer-Encoding: gzip, Chunked\r\nContent-Length: 7", Framing::Chunked, true);
        check("Transfer-Encoding: gzip\r\nContent-Length: 7", Framing::UntilClose, false);
        check("Content-Length: 7\r\nContent-Length: 7", Framing::Length(7), true);
        check("Content-Length: 7\r\nConnection: close", Framing::Length(7), false);
        check("X: y", Framing::UntilClose, false);
        let unchanged = head("HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n");
        assert_eq!(unchanged.framing, Framing::Length(0), "the length of what is not sent");
        let old = |headers: &str| {
            head(&format!("HTTP/1.0 200 OK\r\nContent-Length: 7\r\n{headers}\r\n\r\n")).keep_alive
        };
        assert!(!old("X: y") && old("Connection: Keep-Alive"));
    }

    #[test]
    fn refuses_what_is_ambiguous() {
        for headers in
            ["Content-Length: +7", "Content-Length: 7, 7", "Content-Length: 7\r\nContent-Length: 8", "a"]
        {
            let text = format!("HTTP/1.1 200 OK\r\n{headers}\r\n\r\n");
            assert!(parse(text.as_bytes()).is_err(), "{headers}");
        }
        assert!(parse(b"SSH-2.0-OpenSSH_9.6\r\n").is_err());
        let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(MAX_HEADERS + 1));
        assert!(parse(many.as_bytes()).is_err());
    }
}
