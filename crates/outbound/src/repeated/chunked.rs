use std::io;

/// The extensions of all chunks and the trailer may have so many bytes together; nobody sends either.
const MAX_IGNORED_BYTES: usize = 16 << 10;

/// Takes the chunks of a body apart (RFC 9112, section 7.1), from pieces that are cut anywhere.
#[derive(Debug)]
pub(super) struct Chunks {
    state: State,
    ignored_bytes: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// In the hexadecimal digits of a size; `None` before the first.
    Size(Option<u64>),
    /// Behind the size, in front of the line feed.
    SizeEnd(u64),
    Data(u64),
    /// Behind the data, in front of the line feed.
    DataEnd,
    /// In the lines behind the last chunk; `empty` until the line has a character.
    Trailer {
        empty: bool,
    },
    Done,
}

impl Chunks {
    pub(super) fn new() -> Self {
        Self { state: State::Size(None), ignored_bytes: 0 }
    }

    /// Whether the last chunk and what belongs to it were seen.
    pub(super) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// The next data in `input`, from which they are removed with what stands before them. `None` if there are no more; what is left of
    /// `input` then is not part of the body.
    pub(super) fn next<'b>(&mut self, input: &mut &'b [u8]) -> io::Result<Option<&'b [u8]>> {
        while self.state != State::Done {
            if let State::Data(left @ 1..) = self.state {
                let len = input.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                let (data, rest) = input.split_at(len);
                *input = rest;
                self.state = State::Data(left - len as u64);
                return Ok(Some(data).filter(|data| !data.is_empty()));
            }
            let Some((byte, rest)) = input.split_first() else { return Ok(None) };
            *input = rest;
            self.state = self.step(*byte)?;
        }
        Ok(None)
    }

    fn step(&mut self, byte: u8) -> io::Result<State> {
        Ok(match (self.state, byte) {
            (State::Size(size), b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                let digit = char::from(byte).to_digit(16).expect("BUG: a hexadecimal digit");
                let size = size.unwrap_or_default();
                let grown = size.checked_mul(16).ok_or_else(|| invalid("chunk size too large"))?;
                State::Size(Some(grown + u64::from(digit)))
            }
            (State::Size(Some(size)), b'\r' | b'\n' | b';' | b' ' | b'\t') => size_end(size, byte),
            (State::SizeEnd(size), _) => {
                self.ignore(byte)?;
                size_end(size, byte)
            }
            (State::Data(_) | State::DataEnd, b'\r') => State::DataEnd,
            (State::Data(_) | State::DataEnd, b'\n') => State::Size(None),
            (State::Trailer { empty: true }, b'\n') => State::Done,
            (State::Trailer { .. }, b'\n') => State::Trailer { empty: true },
            (State::Trailer { empty }, _) => {
                self.ignore(byte)?;
                State::Trailer { empty: empty && byte == b'\r' }
            }
            _ => return Err(invalid("malformed chunked encoding")),
        })
    }

    fn ignore(&mut self, byte: u8) -> io::Result<()> {
        self.ignored_bytes += usize::from(!matches!(byte, b'\r' | b'\n'));
        if self.ignored_bytes > MAX_IGNORED_BYTES {
            return Err(invalid("chunk extensions or trailer too large"));
        }
        Ok(())
    }
}

fn size_end(size: u64, byte: u8) -> State {
    match (byte, size) {
        (b'\n', 0) => State::Trailer { empty: true },
        (b'\n', _) => State::Data(size),
        _ => State::SizeEnd(size),
    }
}

fn invalid(text: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The body and what stands behind it, from pieces of `piece` bytes.
    fn read(text: &[u8], piece: usize) -> io::Result<(Vec<u8>, Vec<u8>, bool)> {
        let (mut chunks, mut body, mut behind) = (Chunks::new(), Vec::new(), Vec::new());
        for mut input in text.chunks(piece) {
            while let Some(data) = chunks.next(&mut input)? {
                body.extend_from_slice(data);
            }
            behind.extend_from_slice(input);
        }
        Ok((body, behind, chunks.is_done()))
    }

    #[test]
    fn reads_chunks_with_all_that_may_be_around_them() {
        let text = b"5\r\nhello\r\n00B ;name=\"value\"\r\n, wonderful\r\n0;x\r\nTrailer: y\r\n\r\nnext";
        for piece in 1..text.len() {
            let (body, behind, done) = read(text, piece).expect("valid");
            assert_eq!(
                (body.as_slice(), behind.as_slice(), done),
                (&b"hello, wonderful"[..], &b"next"[..], true)
            );
        }
        assert_eq!(read(b"1\na\n0\n\n", 9).expect("bare line feeds"), (b"a".to_vec(), Vec::new(), true));
    }

    #[test]
    fn a_cut_body_is_not_done() {
        let text = b"5\r\nhello\r\n0\r\n\r\n";
        for len in 0..text.len() {
            assert!(!read(&text[..len], 3).expect("valid so far").2, "{len}");
        }
    }

    #[test]
    fn refuses_what_is_malformed_or_endless() {
        for text in ["\r\nhello", "x", "5\r\nhello!", "1ffffffffffffffff\r\n", "-1\r\n", ";\r\n"] {
            assert!(read(text.as_bytes(), 100).is_err(), "{text:?}");
        }
        for start in ["5;", "0\r\nx", "5\r\nhello\r\n0\r\nx"] {
            assert!(
                read(format!("{start}{}", "y".repeat(MAX_IGNORED_BYTES + 1)).as_bytes(), 100).is_err(),
                "{start:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_cut_reads_the_same(body in proptest::collection::vec(any::<u8>(), 0..500), chunk in 1_usize..600, piece in 1_usize..64) {
            let mut text = Vec::new();
            for data in body.chunks(chunk) {
                text.extend(format!("{:x}\r\n", data.len()).bytes().chain(data.iter().copied()).chain(*b"\r\n"));
            }
            text.extend(b"0\r\n\r\n");
            prop_assert_eq!(read(&text, piece).expect("valid"), (body, Vec::new(), true));
        }
    }
}
