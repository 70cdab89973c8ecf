use std::io;
use std::time::Duration;

use bytes::BufMut as _;
use http::StatusCode;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::chunked::Chunks;
use super::head::{Framing, Head, parse};
use crate::body_decode::{BodyDecoder, BodyError};

/// How much is read before the head of a response was understood; most responses are there as a whole then.
const FIRST_READ_BYTES: usize = 16 << 10;
/// A larger head is refused.
const MAX_HEAD_BYTES: usize = 256 << 10;
/// How much more than what has come is made room for, whatever length a server announces.
const READ_AHEAD_BYTES: usize = 256 << 10;

/// A connection that carries one request after the other.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    last_used: Instant,
}

/// Why there is no head of a response.
#[derive(Debug)]
pub(super) enum NoHead {
    /// The connection broke or ended.
    Broken(io::Error),
    /// What came is not HTTP.
    Malformed(String),
}

/// Why a body is not there as a whole.
#[derive(Debug)]
pub(super) enum NoBody {
    Broken(io::Error),
    Refused(BodyError),
}

impl From<BodyError> for NoBody {
    fn from(error: BodyError) -> Self {
        Self::Refused(error)
    }
}

impl From<io::Error> for NoBody {
    fn from(error: io::Error) -> Self {
        Self::Broken(error)
    }
}

impl Connection {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self { stream, last_used: Instant::now() }
    }

    /// Whether another request may be sent on it.
    pub(super) fn is_usable(&self, idle_timeout: Duration) -> bool {
        // Bytes that nobody asked for are as bad as the end.
        let is_silent = || matches!(self.stream.try_read(&mut [0]), Err(error) if error.kind() == io::ErrorKind::WouldBlock);
        self.last_used.elapsed() < idle_timeout && is_silent()
    }

    /// Sends a request and waits for the head of the response. What came behind the head is left at the end of `out`.
    pub(super) async fn ask(&mut self, request: &[u8], out: &mut Vec<u8>) -> Result<Head, NoHead> {
        let start = out.len();
        self.stream.write_all(request).await.map_err(NoHead::Broken)?;
        loop {
            self.read_some(out, FIRST_READ_BYTES).await.map_err(NoHead::Broken)?;
            while let Some(head) = parse(&out[start..]).map_err(NoHead::Malformed)? {
                out.drain(start..start + head.len);
                // Only what answers the request counts.
                if !head.status.is_informational() || head.status == StatusCode::SWITCHING_PROTOCOLS {
                    return Ok(head);
                }
            }
            if out.len() - start > MAX_HEAD_BYTES {
                return Err(NoHead::Malformed("the headers are too large".to_owned()));
            }
        }
    }

    /// Reads the rest of the body that belongs to `head` and starts at `start` of `out`, decoding it. Returns whether the connection can be
    /// used again.
    pub(super) async fn read_body(
        &mut self,
        head: &Head,
        out: &mut Vec<u8>,
        start: usize,
        limit_bytes: usize,
    ) -> Result<bool, NoBody> {
        let clean = match (head.framing, head.content_encoding.as_deref()) {
            (Framing::Length(len), None) => {
                let len = usize::try_from(len).ok().filter(|len| *len <= limit_bytes);
                self.read_in_place(out, start, len.ok_or(BodyError::TooLarge { limit_bytes })?).await?
            }
            (framing, encoding) => {
                let came = out.split_off(start);
                let decoder = BodyDecoder::new(encoding, out, limit_bytes)?;
                self.read_in_pieces(framing, came, decoder).await?
            }
        };
        self.last_used = Instant::now();
        Ok(clean && head.keep_alive)
    }

    /// Reads a body of `len` bytes to where it stays. Returns whether nothing came behind it.
    async fn read_in_place(&mut self, out: &mut Vec<u8>, start: usize, len: usize) -> Result<bool, NoBody> {
        while out.len() - start < len {
            // With room for a byte more than there should be, a read never fills all of it. So the next thing that is known about the
            // socket is that it is empty, and nobody has to ask the system before the next request.
            let room = len - (out.len() - start) + 1;
            self.read_some(out, room.min(READ_AHEAD_BYTES)).await?;
        }
        let clean = out.len() - start == len;
        out.truncate(start + len);
        Ok(clean)
    }

    async fn read_in_pieces(
        &mut self,
        framing: Framing,
        mut piece: Vec<u8>,
        mut decoder: BodyDecoder<'_>,
    ) -> Result<bool, NoBody> {
        let mut rest = Rest::new(framing);
        let clean = loop {
            let mut input = piece.as_slice();
            while let Some(data) = rest.next(&mut input)? {
                decoder.push(data)?;
            }
            if rest.is_done() {
                break input.is_empty();
            }
            piece.clear();
            match self.read(&mut piece, FIRST_READ_BYTES).await? {
                0 if framing == Framing::UntilClose => break false,
                0 => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
                _ => {}
            }
        };
        decoder.finish()?;
        Ok(clean)
    }

    async fn read_some(&mut self, out: &mut Vec<u8>, room: usize) -> io::Result<()> {
        match self.read(out, room).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    /// Reads at most `room` bytes to the end of `out`. Returns how many; 0 at the end of the connection.
    async fn read(&mut self, out: &mut Vec<u8>, room: usize) -> io::Result<usize> {
        out.reserve(room);
        self.stream.read_buf(&mut out.limit(room)).await
    }
}

/// What is still to come of a body that has to be taken apart.
#[derive(Debug)]
enum Rest {
    Bytes(u64),
    Chunks(Chunks),
    UntilClose,
}

impl Rest {
    fn new(framing: Framing) -> Self {
        match framing {
            Framing::Length(len) => Self::Bytes(len),
            Framing::Chunked => Self::Chunks(Chunks::new()),
            Framing::UntilClose => Self::UntilClose,
        }
    }

    /// The next data in `input`, from which they are removed.
    fn next<'b>(&mut self, input: &mut &'b [u8]) -> io::Result<Option<&'b [u8]>> {
        let len = match self {
            Self::Chunks(chunks) => return chunks.next(input),
            Self::Bytes(left) => {
                let len = input.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= len as u64;
                len
            }
            Self::UntilClose => input.len(),
        };
        let (data, rest) = input.split_at(len);
        *input = rest;
        Ok(Some(data).filter(|data| !data.is_empty()))
    }

    fn is_done(&self) -> bool {
        match self {
            Self::Chunks(chunks) => chunks.is_done(),
            Self::Bytes(left) => *left == 0,
            Self::UntilClose => false,
        }
    }
}
