//! The block format of Snappy with bounds: the length that a block declares is checked before memory is set aside for it.

/// Why a block cannot be decompressed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SnappyError {
    /// The block itself is too large.
    #[error("compressed body of {size} bytes exceeds the limit of {limit} bytes")]
    CompressedTooLarge {
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The block declares more content than allowed.
    #[error("decompressed body of {size} bytes exceeds the limit of {limit} bytes")]
    DecodedTooLarge {
        /// The declared size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The bytes are not a Snappy block.
    #[error("snappy: {0}")]
    Corrupt(#[source] snap::Error),
}

/// How many bytes a block says that its content has; `None` if it says nothing that can be.
pub(crate) fn declared_bytes(block: &[u8]) -> Option<usize> {
    snap::raw::decompress_len(block).ok()
}

/// Decompresses `block` into `out`, whose content is replaced.
pub(crate) fn decompress(
    block: &[u8],
    max_compressed_bytes: usize,
    max_decoded_bytes: usize,
    out: &mut Vec<u8>,
) -> Result<(), SnappyError> {
    if block.len() > max_compressed_bytes {
        return Err(SnappyError::CompressedTooLarge { size: block.len(), limit: max_compressed_bytes });
    }
    let size = snap::raw::decompress_len(block).map_err(SnappyError::Corrupt)?;
    if size > max_decoded_bytes {
        return Err(SnappyError::DecodedTooLarge { size, limit: max_decoded_bytes });
    }
    // What is there is overwritten, so only memory that is new is filled.
    out.resize(size, 0);
    let written = snap::raw::Decoder::new().decompress(block, out).map_err(SnappyError::Corrupt)?;
    out.truncate(written);
    Ok(())
}

/// Compresses `content` into `out`, whose content is replaced.
pub(crate) fn compress(content: &[u8], out: &mut Vec<u8>) -> Result<(), SnappyError> {
    out.clear();
    out.resize(snap::raw::max_compress_len(content.len()), 0);
    let written = snap::raw::Encoder::new().compress(content, out).map_err(SnappyError::Corrupt)?;
    out.truncate(written);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_back() {
        let content = b"abcabcabcabc".repeat(100);
        let (mut block, mut back) = (Vec::new(), b"old".to_vec());
        compress(&content, &mut block).expect("compressible");
        assert!(block.len() < content.len() / 5);
        decompress(&block, block.len(), content.len(), &mut back).expect("own output");
        assert_eq!(back, content);
    }

    #[test]
    fn refuses_by_size_before_it_decompresses() {
        let mut out = Vec::new();
        let error = decompress(&[0; 11], 10, 100, &mut out).expect_err("too large");
        assert_eq!(error.to_string(), "compressed body of 11 bytes exceeds the limit of 10 bytes");
        // A bomb: four bytes that declare 4 GiB.
        let error = decompress(&[0xff, 0xff, 0xff, 0xff, 0x0f], 10, 100, &mut out).expect_err("too large");
        assert_eq!(error.to_string(), "decompressed body of 4294967295 bytes exceeds the limit of 100 bytes");
        assert_eq!(out.capacity(), 0);
    }

    #[test]
    fn refuses_what_is_no_block() {
        let mut out = Vec::new();
        for block in [&b""[..], b"\xff\xff\xff\xff\xff\xff", b"\x05\x01", b"\x0a\x00a"] {
            assert!(
                matches!(decompress(block, 100, 100, &mut out), Err(SnappyError::Corrupt(_))),
                "{block:?}"
            );
        }
    }
}
