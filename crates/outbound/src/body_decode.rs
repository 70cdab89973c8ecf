use std::io::{self, Write as _};

use flate2::write::MultiGzDecoder;

/// A body may grow to this size before its compression ratio is looked at.
const RATIO_FREE_BYTES: usize = 1 << 20;
/// The largest believable ratio of decoded to compressed bytes: expositions reach 40, a body of zeroes 1,030.
const MAX_RATIO: usize = 200;

/// Why a body was given up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BodyError {
    /// The decoded body has more bytes than allowed.
    #[error("body size limit exceeded (more than {limit_bytes} bytes decoded)")]
    TooLarge {
        /// How many bytes were allowed.
        limit_bytes: usize,
    },
    /// The body is small and unpacks to far more than any honest content does.
    #[error(
        "compressed body expands more than {MAX_RATIO} times ({compressed_bytes} bytes to {decoded_bytes}), refused as a decompression bomb"
    )]
    Bomb {
        /// Compressed bytes so far.
        compressed_bytes: usize,
        /// Decoded bytes so far.
        decoded_bytes: usize,
    },
    /// The bytes are not valid gzip.
    #[error("gzip: {0}")]
    Gzip(#[source] io::Error),
    /// A gzip stream has no proper end.
    #[error("gzip: unexpected end of the stream: it is cut short, or its checksum is wrong")]
    GzipEnd,
    /// The server compressed in a way that was not asked for.
    #[error("unsupported Content-Encoding {0:?}; only gzip is understood")]
    UnknownEncoding(String),
}

/// Turns the bytes of a body, as they arrive, into decoded bytes at the end of a buffer.
pub(crate) enum BodyDecoder<'a> {
    Identity(Capped<'a>),
    Gzip { decoder: Box<MultiGzDecoder<Capped<'a>>>, compressed_bytes: usize },
}

impl<'a> BodyDecoder<'a> {
    /// A decoder for a body with the given `Content-Encoding` that appends at most `limit_bytes` to `out`.
    pub(crate) fn new(
        content_encoding: Option<&str>,
        out: &'a mut Vec<u8>,
        limit_bytes: usize,
    ) -> Result<Self, BodyError> {
        let capped = Capped { start: out.len(), out, limit_bytes, ratio_limit: usize::MAX, refused: false };
        match content_encoding.map(str::trim) {
            None | Some("") => Ok(Self::Identity(capped)),
            Some(e) if e.eq_ignore_ascii_case("identity") => Ok(Self::Identity(capped)),
            Some(e) if e.eq_ignore_ascii_case("gzip") || e.eq_ignore_ascii_case("x-gzip") => {
                Ok(Self::Gzip { decoder: Box::new(MultiGzDecoder::new(capped)), compressed_bytes: 0 })
            }
            Some(other) => Err(BodyError::UnknownEncoding(other.to_owned())),
        }
    }

    /// Decodes the next piece of the body.
    pub(crate) fn push(&mut self, chunk: &[u8]) -> Result<(), BodyError> {
        match self {
            Self::Identity(capped) => {
                capped.write_all(chunk).map_err(|_| BodyError::TooLarge { limit_bytes: capped.limit_bytes })
            }
            Self::Gzip { decoder, compressed_bytes } => {
                *compressed_bytes += chunk.len();
                decoder.get_mut().ratio_limit = (*compressed_bytes * MAX_RATIO).max(RATIO_FREE_BYTES);
                decoder.write_all(chunk).map_err(|e| decoder.get_ref().explain(e, *compressed_bytes))
            }
        }
    }

    /// Ends the body; a gzip stream that is cut short is an error.
    pub(crate) fn finish(self) -> Result<(), BodyError> {
        match self {
            // A server that sends no byte at all under `Content-Encoding: gzip` sends an empty body.
            Self::Identity(_) | Self::Gzip { compressed_bytes: 0, .. } => Ok(()),
            Self::Gzip { mut decoder, compressed_bytes } => {
                decoder.try_finish().map_err(|e| match decoder.get_ref().explain(e, compressed_bytes) {
                    BodyError::Gzip(_) => BodyError::GzipEnd,
                    refused => refused,
                })
            }
        }
    }
}

/// Writes to the end of a vector and refuses to pass its limits, so that decompression stops inside a chunk and not after it.
pub(crate) struct Capped<'a> {
    out: &'a mut Vec<u8>,
    start: usize,
    limit_bytes: usize,
    ratio_limit: usize,
    refused: bool,
}

impl Capped<'_> {
    fn explain(&self, error: io::Error, compressed_bytes: usize) -> BodyError {
        if !self.refused {
            return BodyError::Gzip(error);
        }
        if self.ratio_limit < self.limit_bytes {
            BodyError::Bomb { compressed_bytes, decoded_bytes: self.out.len() - self.start }
        } else {
            BodyError::TooLarge { limit_bytes: self.limit_bytes }
        }
    }
}

impl io::Write for Capped<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let decoded = self.out.len() - self.start + buf.len();
        if decoded > self.limit_bytes.min(self.ratio_limit) {
            self.refused = true;
            return Err(io::Error::other("limit"));
        }
        self.out.extend_from_slice(buf);
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).expect("in memory");
        encoder.finish().expect("in memory")
    }

    fn decode(encoding: Option<&str>, body: &[u8], chunk: usize, limit: usize) -> Result<Vec<u8>, BodyError> {
        let mut out = b"kept".to_vec();
        let mut decoder = BodyDecoder::new(encoding, &mut out, limit)?;
        for piece in body.chunks(chunk) {
            decoder.push(piece)?;
        }
        decoder.finish()?;
        assert_eq!(&out[..4], b"kept");
        Ok(out.split_off(4))
    }

    #[test]
    fn the_cap_counts_decoded_bytes() {
        let body = vec![b'x'; 1000];
        let packed = gzip(&body);
        assert!(packed.len() < 100);
        assert_eq!(decode(Some("gzip"), &packed, 7, 1000).expect("fits"), body);
        let error = decode(Some("GZIP"), &packed, 7, 999).expect_err("too large");
        assert_eq!(error.to_string(), "body size limit exceeded (more than 999 bytes decoded)");
        assert!(matches!(decode(None, &body, 100, 999), Err(BodyError::TooLarge { limit_bytes: 999 })));
        assert_eq!(decode(None, &body, 100, 1000).expect("fits"), body);
    }

    #[test]
    fn a_bomb_stops_long_before_the_limit() {
        let packed = gzip(&vec![0; 64 << 20]);
        match decode(Some("gzip"), &packed, 4096, usize::MAX) {
            Err(BodyError::Bomb { compressed_bytes, decoded_bytes }) => {
                assert_eq!(compressed_bytes, 4096);
                assert!(decoded_bytes <= 1 << 20, "{decoded_bytes}");
            }
            other => panic!("{other:?}"),
        }
        // Half a megabyte of zeroes has the same ratio and is harmless.
        let small = vec![0; 500_000];
        assert_eq!(decode(Some("gzip"), &gzip(&small), 4096, usize::MAX).expect("small"), small);
    }

    #[test]
    fn refuses_what_is_not_gzip() {
        let packed = gzip(b"hello");
        assert!(matches!(decode(Some("gzip"), b"hello world, no gzip", 5, 100), Err(BodyError::Gzip(_))));
        assert!(matches!(decode(Some("gzip"), &packed[..packed.len() - 3], 5, 100), Err(BodyError::GzipEnd)));
        assert!(matches!(decode(Some("br"), b"", 5, 100), Err(BodyError::UnknownEncoding(_))));
        assert_eq!(decode(Some("gzip"), b"", 5, 100).expect("empty"), b"");
        assert_eq!(decode(Some("identity"), b"x", 5, 100).expect("plain"), b"x");
    }

    #[test]
    fn a_stream_without_its_end_is_said_to_be_cut() {
        let body = gzip(&b"a 1\n".repeat(1000));
        let error = decode(Some("gzip"), &body[..body.len() / 2], 7, 10_000).expect_err("cut");
        assert!(error.to_string().contains("cut short"), "{error}");
    }

    proptest! {
        #[test]
        fn any_cut_decodes_the_same(body in proptest::collection::vec(any::<u8>(), 0..2000), chunk in 1_usize..64) {
            prop_assert_eq!(decode(Some("gzip"), &gzip(&body), chunk, 2000).expect("fits"), body);
        }
    }
}
