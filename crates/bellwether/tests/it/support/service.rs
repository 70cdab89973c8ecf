//! One request and its answer, for services that tests put in the place of others.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;

/// A request as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sent {
    /// Such as `POST /a HTTP/1.1`.
    pub(crate) line: String,
    pub(crate) body: Vec<u8>,
}

impl Sent {
    /// The path with its parameters.
    pub(crate) fn path(&self) -> &str {
        self.line.split(' ').nth(1).unwrap_or("")
    }
}

/// The request that comes over a connection; `None` if it is cut off.
pub(crate) fn read_request(stream: &TcpStream) -> Option<Sent> {
    let mut reader = BufReader::new(stream);
    let (mut line, mut length) = (String::new(), 0);
    reader.read_line(&mut line).ok().filter(|n| *n > 2)?;
    let mut field = String::new();
    while reader.read_line(&mut field).is_ok_and(|n| n > 2) {
        if let Some(n) = field.to_ascii_lowercase().strip_prefix("content-length:") {
            length = n.trim().parse().ok()?;
        }
        field.clear();
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Sent { line: line.trim_end().to_owned(), body })
}

/// Answers with a status such as `200 OK`, and ends the connection. Who asked may have given up.
pub(crate) fn respond(stream: &TcpStream, status: &str, content_type: &str, body: &[u8]) {
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let mut stream = stream;
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
}
