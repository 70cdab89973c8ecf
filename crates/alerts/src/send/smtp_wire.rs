//! The connection to a mail server, up to where the library takes over: it cannot go on over TLS with settings of ours.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use bellwether_outbound::Stream;
use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};

use super::mail::MailError;

/// An answer has at most so many bytes.
const REPLY_BYTES_MAX: usize = 16 << 10;

/// An open connection, perhaps with something that the server has said already.
#[derive(Debug)]
pub(super) struct Wire {
    said: Vec<u8>,
    stream: Stream,
}

impl Wire {
    pub(super) fn new(stream: Stream) -> Self {
        Self { said: Vec::new(), stream }
    }

    pub(super) fn greeted(said: String, stream: Stream) -> Self {
        Self { said: said.into_bytes(), stream }
    }
}

impl AsyncTokioStream for Wire {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.stream.peer_addr()
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.said.is_empty() {
            return Pin::new(&mut self.stream).poll_read(cx, buf);
        }
        let len = self.said.len().min(buf.remaining());
        buf.put_slice(&self.said[..len]);
        self.said.drain(..len);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Asks the server to go on over TLS. Returns what it said to that; nothing of what it says after is read, so nobody on the way can slip in an answer.
pub(super) async fn start_tls(stream: &mut Stream, hello: &str) -> Result<String, MailError> {
    read_reply(stream).await?;
    say(stream, &format!("EHLO {hello}\r\n")).await?;
    let offers = read_reply(stream).await?;
    let has = |line: &str| line.get(4..).is_some_and(|word| word.trim().eq_ignore_ascii_case("STARTTLS"));
    if !offers.lines().any(has) {
        return Err(MailError::NoStartTls);
    }
    say(stream, "STARTTLS\r\n").await?;
    read_reply(stream).await
}

async fn say(stream: &mut Stream, command: &str) -> Result<(), MailError> {
    stream.write_all(command.as_bytes()).await.map_err(MailError::Broken)
}

/// The lines of an answer, which says that all is well.
async fn read_reply(stream: &mut Stream) -> Result<String, MailError> {
    let mut reply = Vec::new();
    let mut line_start = 0;
    loop {
        let byte = stream.read_u8().await.map_err(MailError::Broken)?;
        reply.push(byte);
        if byte == b'\n' {
            // The last line has no hyphen behind the code.
            if reply.get(line_start + 3) != Some(&b'-') {
                break;
            }
            line_start = reply.len();
        }
        if reply.len() > REPLY_BYTES_MAX {
            break;
        }
    }
    let reply = String::from_utf8_lossy(&reply).into_owned();
    let code = reply.get(..3).and_then(|code| code.parse::<u16>().ok());
    match code {
        Some(200..=299) if reply.len() <= REPLY_BYTES_MAX => Ok(reply),
        Some(code @ 400..=599) => {
            Err(MailError::Refused { code, text: reply[3..].trim_matches(['-', ' ', '\r', '\n']).to_owned() })
        }
        _ => Err(MailError::NotSmtp(reply.chars().take(100).collect())),
    }
}
