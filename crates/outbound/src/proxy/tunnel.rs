use http::{HeaderMap, HeaderValue, header};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::Proxy;
use crate::error::{ConnectError, beginning};

/// A proxy's answer to CONNECT is a status line and a few headers; whoever sends more is not a proxy.
const MAX_RESPONSE_BYTES: usize = 16 << 10;

/// Asks the proxy at the other end of `stream` for a tunnel to `authority` (`host:port`).
///
/// When this returns `Ok`, the next byte on the stream comes from the destination.
pub(crate) async fn open_tunnel<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    proxy: &Proxy,
    authority: &str,
    extra_headers: &HeaderMap,
) -> Result<(), ConnectError> {
    let failed = |reason: String| ConnectError::Proxy { proxy: proxy.authority(), reason };
    stream
        .write_all(&connect_request(proxy, authority, extra_headers))
        .await
        .map_err(|e| failed(e.to_string()))?;

    // One byte at a time: a byte too many would belong to the destination. The response is short and comes once per connection.
    let mut response = Vec::with_capacity(256);
    while !response.ends_with(b"\r\n\r\n") {
        if response.len() == MAX_RESPONSE_BYTES {
            return Err(failed(format!("response headers exceed {MAX_RESPONSE_BYTES} bytes")));
        }
        match stream.read_u8().await {
            Ok(byte) => response.push(byte),
            Err(_) => return Err(failed("closed the connection before it answered CONNECT".to_owned())),
        }
    }
    let status_line = response.split(|b| *b == b'\r').next().unwrap_or_default();
    let status_line = String::from_utf8_lossy(status_line);
    let mut words = status_line.splitn(2, ' ');
    match (words.next(), words.next()) {
        (Some("HTTP/1.0" | "HTTP/1.1"), Some(status)) if status.starts_with('2') => Ok(()),
        (Some("HTTP/1.0" | "HTTP/1.1"), Some(status)) if status.starts_with("407") => {
            let status = beginning(status);
            Err(failed(format!("{status}; put user and password into the proxy URL or proxy_connect_header")))
        }
        (Some("HTTP/1.0" | "HTTP/1.1"), Some(status)) => Err(failed(beginning(status))),
        _ => Err(failed("does not speak HTTP".to_owned())),
    }
}

fn connect_request(proxy: &Proxy, authority: &str, extra_headers: &HeaderMap) -> Vec<u8> {
    let mut request = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n").into_bytes();
    let mut push = |name: &str, value: &HeaderValue| {
        request.extend_from_slice(name.as_bytes());
        request.extend_from_slice(b": ");
        request.extend_from_slice(value.as_bytes());
        request.extend_from_slice(b"\r\n");
    };
    for (name, value) in extra_headers {
        push(name.as_str(), value);
    }
    if let Some(value) = &proxy.authorization
        && !extra_headers.contains_key(header::PROXY_AUTHORIZATION)
    {
        push("Proxy-Authorization", value);
    }
    request.extend_from_slice(b"\r\n");
    request
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;

    use super::*;

    async fn tunnel(answer: &[u8]) -> (Result<(), ConnectError>, String, Vec<u8>) {
        let proxy = Proxy::parse("proxy_url", "http://u:p@proxy.test:3128").expect("valid");
        let (mut ours, mut theirs) = duplex(1 << 16);
        theirs.write_all(answer).await.expect("buffered");
        let mut extra = HeaderMap::new();
        extra.append("x-team", HeaderValue::from_static("infra"));
        let result = open_tunnel(&mut ours, &proxy, "example.com:443", &extra).await;
        let (mut sent, mut rest) = (Vec::new(), Vec::new());
        theirs.shutdown().await.expect("open");
        ours.read_to_end(&mut rest).await.expect("readable");
        drop(ours);
        theirs.read_to_end(&mut sent).await.expect("readable");
        (result, String::from_utf8(sent).expect("text"), rest)
    }

    #[tokio::test]
    async fn reads_no_byte_of_the_destination() {
        let (result, sent, rest) =
            tunnel(b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\nfirst bytes").await;
        result.expect("tunnel is open");
        assert_eq!(
            sent,
            "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\nx-team: infra\r\n\
             Proxy-Authorization: Basic dTpw\r\n\r\n"
        );
        assert_eq!(rest, b"first bytes");
    }

    #[tokio::test]
    async fn names_what_the_proxy_did() {
        let check = async |answer: &[u8], want: &str| {
            // The stream ends after the answer, so nothing can hang.
            let error = tunnel(answer).await.0.expect_err(want);
            assert_eq!(error.to_string(), format!("proxyconnect tcp: proxy.test:3128: {want}"));
        };
        check(b"HTTP/1.1 502 Bad Gateway\r\n\r\n", "502 Bad Gateway").await;
        check(
            b"HTTP/1.0 407 Auth\r\n\r\n",
            "407 Auth; put user and password into the proxy URL or proxy_connect_header",
        )
        .await;
        check(b"SSH-2.0-x\r\n\r\n", "does not speak HTTP").await;
        check(&vec![b'x'; MAX_RESPONSE_BYTES + 1], "response headers exceed 16384 bytes").await;
    }

    #[tokio::test]
    async fn a_proxy_that_hangs_up_is_named() {
        let proxy = Proxy::parse("proxy_url", "proxy.test:3128").expect("valid");
        let (mut ours, theirs) = duplex(1 << 10);
        let hang_up = async move {
            let mut theirs = theirs;
            let mut request = [0; 8];
            theirs.read_exact(&mut request).await.expect("a request comes");
        };
        let headers = HeaderMap::new();
        let (result, ()) = tokio::join!(open_tunnel(&mut ours, &proxy, "a.test:443", &headers), hang_up);
        let error = result.expect_err("no tunnel");
        assert!(error.to_string().contains("closed the connection"), "{error}");
    }
}
