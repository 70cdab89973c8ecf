use bellwether_disk::Crc32c;

/// Length in bytes.
pub(super) const LEN: usize = 32;
const VERSION: u16 = 1;
const CRC_AT: usize = 28;

/// What a binary file of a part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileKind {
    Timestamps,
    Floats,
    Histograms,
    Directory,
    Index,
}

impl From<FileKind> for u16 {
    fn from(kind: FileKind) -> Self {
        match kind {
            FileKind::Timestamps => 1,
            FileKind::Floats => 2,
            FileKind::Histograms => 3,
            FileKind::Directory => 4,
            FileKind::Index => 5,
        }
    }
}

impl FileKind {
    fn magic(self) -> [u8; 8] {
        match self {
            Self::Timestamps | Self::Floats | Self::Histograms => *b"BWPAGED\0",
            Self::Directory | Self::Index => *b"BWSECT\0\0",
        }
    }
}

/// Why a header does not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum HeaderError {
    #[error("the header is damaged: {0}")]
    Damaged(&'static str),
    #[error("format version {0} is newer than {VERSION}, the newest this program reads")]
    Newer(u16),
}

/// The first 32 bytes of a binary file of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileHeader {
    pub(super) kind: FileKind,
    /// Bytes per page; 0 in files with sections.
    pub(super) page_size: u32,
    pub(super) part: u64,
}

impl FileHeader {
    pub(super) fn encode(&self) -> [u8; LEN] {
        let mut out = [0; LEN];
        out[0..8].copy_from_slice(&self.kind.magic());
        out[8..10].copy_from_slice(&VERSION.to_le_bytes());
        out[10..12].copy_from_slice(&u16::from(self.kind).to_le_bytes());
        out[12..16].copy_from_slice(&self.page_size.to_le_bytes());
        out[16..24].copy_from_slice(&self.part.to_le_bytes());
        let crc = Crc32c::of(&out[..CRC_AT]);
        out[CRC_AT..].copy_from_slice(&crc.to_le_bytes());
        out
    }

    /// Checks that `bytes` are exactly this header.
    pub(super) fn check(&self, bytes: &[u8]) -> Result<(), HeaderError> {
        let Some(bytes) = bytes.first_chunk::<LEN>() else { return Err(HeaderError::Damaged("too short")) };
        if bytes[0..8] != self.kind.magic() {
            return Err(HeaderError::Damaged("another kind of file"));
        }
        if bytes[CRC_AT..] != Crc32c::of(&bytes[..CRC_AT]).to_le_bytes() {
            return Err(HeaderError::Damaged("checksum"));
        }
        let version = u16::from_le_bytes([bytes[8], bytes[9]]);
        if version != VERSION {
            return Err(HeaderError::Newer(version));
        }
        if *bytes == self.encode() { Ok(()) } else { Err(HeaderError::Damaged("it belongs to another part")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_very_same_header_passes() {
        let header = FileHeader { kind: FileKind::Floats, page_size: 65536, part: 7 };
        let bytes = header.encode();
        assert_eq!(header.check(&bytes), Ok(()));
        for bit in 0..LEN * 8 {
            let mut damaged = bytes;
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(matches!(header.check(&damaged), Err(HeaderError::Damaged(_))), "bit {bit}");
        }
        assert!(header.check(&bytes[..31]).is_err());
        assert!(FileHeader { part: 8, ..header }.check(&bytes).is_err());
        assert!(FileHeader { kind: FileKind::Index, ..header }.check(&bytes).is_err());
    }

    #[test]
    fn newer_versions_are_named() {
        let header = FileHeader { kind: FileKind::Index, page_size: 0, part: 7 };
        let mut bytes = header.encode();
        bytes[8] = 9;
        let crc = Crc32c::of(&bytes[..CRC_AT]);
        bytes[CRC_AT..].copy_from_slice(&crc.to_le_bytes());
        assert_eq!(header.check(&bytes), Err(HeaderError::Newer(9)));
    }
}
