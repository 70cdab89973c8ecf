//! One POST over HTTP/1.1: enough to hand something over, without a runtime.

use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::{Duration, Instant};

use super::url::Url;

/// How long the head of an answer may be.
const MAX_HEAD: usize = 16 * 1024;
/// How much of what a refusal says is told.
const MAX_BODY: usize = 1024;

/// What comes back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// The beginning of the body if it is a refusal.
    pub(super) text: String,
}

pub(super) trait Connection: Read + Write {}

impl<T: Read + Write> Connection for T {}

/// Sends a body. No single step takes longer than `timeout`, and neither do all reads together.
pub(super) fn post(
    url: &Url,
    headers: &[(String, String)],
    body: &[u8],
    timeout: Duration,
    tls: &super::Tls,
) -> io::Result<Answer> {
    let mut connection = connect(url, timeout, tls)?;
    let mut head = format!(
        "POST {} HTTP/1.1\r\nhost: {}\r\nuser-agent: bellwether-sdk/{}\r\nconnection: close\r\ncontent-length: {}\r\n",
        url.path,
        url.authority,
        env!("CARGO_PKG_VERSION"),
        body.len()
    );
    for (name, value) in headers {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    head.push_str("\r\n");
    // Who refuses a body may answer before it is read, and close; the answer says more than the error.
    let written = connection.write_all(head.as_bytes()).and_then(|()| connection.write_all(body));
    let written = written.and_then(|()| connection.flush());
    match read_answer(&mut connection, Instant::now() + timeout) {
        Ok(answer) => Ok(answer),
        Err(error) => Err(written.err().unwrap_or(error)),
    }
}

fn connect(url: &Url, timeout: Duration, tls: &super::Tls) -> io::Result<Box<dyn Connection>> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, format!("{} has no address", url.host));
    for address in (url.host.as_str(), url.port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, timeout) {
            Ok(stream) => {
                stream.set_read_timeout(Some(timeout))?;
                stream.set_write_timeout(Some(timeout))?;
                stream.set_nodelay(true)?;
                return if url.is_https { tls.wrap(url, stream) } else { Ok(Box::new(stream)) };
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn wrong(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("what answers does not speak HTTP: {what}"))
}

fn read_answer(connection: &mut impl Read, deadline: Instant) -> io::Result<Answer> {
    let mut read = Vec::new();
    let mut more = |read: &mut Vec<u8>| {
        let mut chunk = [0; 4096];
        if Instant::now() > deadline {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "the answer takes too long"));
        }
        let n = connection.read(&mut chunk)?;
        read.extend_from_slice(&chunk[..n]);
        Ok(n)
    };
    let (status, head_len) = loop {
        let end = read.windows(4).position(|four| four == b"\r\n\r\n");
        match end.map(|end| (status_of(&read), end + 4)) {
            Some((None, _)) => return Err(wrong("there is no status")),
            // An interim answer; the real one follows.
            Some((Some(100..200), head_len)) => drop(read.drain(..head_len)),
            Some((Some(status), head_len)) => break (status, head_len),
            None if read.len() > MAX_HEAD => return Err(wrong("its head is too long")),
            None => {
                if more(&mut read)? == 0 {
                    return Err(io::Error::new(
                        io::ErrorKind::UnexpectedEof,
                        "the connection was closed without an answer",
                    ));
                }
            }
        }
    };
    if !(200..300).contains(&status) {
        while read.len() < head_len + MAX_BODY && more(&mut read).is_ok_and(|n| n > 0) {}
    }
    let end = read.len().min(head_len + MAX_BODY);
    let text = String::from_utf8_lossy(&read[head_len..end]).trim().replace(char::is_control, " ");
    Ok(Answer { status, text })
}

fn status_of(head: &[u8]) -> Option<u16> {
    let rest = head.strip_prefix(b"HTTP/1.1 ").or(head.strip_prefix(b"HTTP/1.0 "))?;
    std::str::from_utf8(rest.get(..3)?).ok()?.parse().ok().filter(|status| (100..600).contains(status))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(bytes: &str) -> Result<(u16, String), String> {
        let deadline = Instant::now() + Duration::from_mins(10);
        let answer = read_answer(&mut bytes.as_bytes(), deadline).map_err(|e| e.to_string())?;
        Ok((answer.status, answer.text))
    }

    #[test]
    fn answers_are_read_as_far_as_they_matter() {
        assert_eq!(answer("HTTP/1.1 204 No Content\r\n\r\n"), Ok((204, String::new())));
        assert_eq!(
            answer("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 400 Bad Request\r\ncontent-length: 4\r\n\r\nwhy\n"),
            Ok((400, "why".to_owned()))
        );
        let long = format!("HTTP/1.0 500 x\r\n\r\n{}", "y".repeat(9_999));
        assert_eq!(answer(&long).map(|(status, text)| (status, text.len())), Ok((500, MAX_BODY)));
        assert_eq!(
            answer("HTTP/1.1 200 OK\r\n"),
            Err("the connection was closed without an answer".to_owned())
        );
        let no = "what answers does not speak HTTP: ";
        assert_eq!(answer("SSH-2.0-OpenSSH\r\n\r\n"), Err(format!("{no}there is no status")));
        assert_eq!(answer(&"x".repeat(20_000)), Err(format!("{no}its head is too long")));
    }
}
