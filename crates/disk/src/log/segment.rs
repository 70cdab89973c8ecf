use std::fmt;
use std::path::{Path, PathBuf};

use crate::Crc32c;

/// First bytes of every file that consists of frames.
const MAGIC: [u8; 8] = *b"BWFRAMES";
/// The version of the header that this code writes, and the newest that it reads.
const VERSION: u16 = 1;
/// Where the checksum of the header stands.
const CRC_AT: usize = 60;

/// The identity of a data folder: 16 random bytes, given once. It keeps files of another store from passing as one's own.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct StoreId(pub [u8; 16]);

impl StoreId {
    /// Reads what `Display` wrote: 32 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 32 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        u128::from_str_radix(text, 16).ok().map(|n| Self(n.to_be_bytes()))
    }
}

impl fmt::Display for StoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for StoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a file of frames is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SegmentKind {
    /// A segment of a log.
    Log,
    /// A checkpoint, which stands for all segments before it.
    Checkpoint,
    /// Deletions, which are kept beside what they delete from.
    Tombstones,
}

impl From<SegmentKind> for u32 {
    fn from(kind: SegmentKind) -> Self {
        match kind {
            SegmentKind::Log => 1,
            SegmentKind::Checkpoint => 2,
            SegmentKind::Tombstones => 3,
        }
    }
}

impl TryFrom<u32> for SegmentKind {
    type Error = HeaderError;

    fn try_from(tag: u32) -> Result<Self, HeaderError> {
        match tag {
            1 => Ok(Self::Log),
            2 => Ok(Self::Checkpoint),
            3 => Ok(Self::Tombstones),
            tag => Err(HeaderError::UnknownKind { tag }),
        }
    }
}

/// Why the first 64 bytes of a file are not a header that this code understands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// The file is shorter than a header.
    #[error("the file ends within the header")]
    Short,
    /// The file does not start with the magic bytes.
    #[error("the file does not start with \"BWFRAMES\"")]
    Magic,
    /// The header is damaged.
    #[error("checksum of the header is {got:#010x}, expected {expected:#010x}")]
    Checksum {
        /// As computed.
        got: u32,
        /// As stored.
        expected: u32,
    },
    /// A newer program wrote the file.
    #[error(
        "format version {version} is newer than {VERSION}, the newest this program reads; use the program that wrote it"
    )]
    NewerVersion {
        /// As stored.
        version: u16,
    },
    /// A newer program wrote the file, or it is another kind of file.
    #[error("unknown kind of frame file {tag}; use the program that wrote it")]
    UnknownKind {
        /// As stored.
        tag: u32,
    },
    /// The file belongs to another data folder.
    #[error("the file belongs to store {got}, this is store {expected}; move it out of the folder")]
    ForeignStore {
        /// As stored in the file.
        got: StoreId,
        /// Of the data folder.
        expected: StoreId,
    },
}

impl HeaderError {
    /// Whether the header is broken, in contrast to being whole and not ours.
    pub fn is_damage(&self) -> bool {
        matches!(self, Self::Short | Self::Magic | Self::Checksum { .. })
    }
}

/// The first 64 bytes of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentHeader {
    /// What the file is.
    pub kind: SegmentKind,
    /// The store it belongs to.
    pub store_id: StoreId,
    /// Its number, as in its name.
    pub number: u64,
    /// The sequence number of its first frame.
    pub first_seq: u64,
}

impl SegmentHeader {
    /// Length in bytes.
    pub const LEN: usize = 64;

    /// The bytes of the header.
    pub fn encode(&self) -> [u8; Self::LEN] {
        let mut out = [0; Self::LEN];
        out[0..8].copy_from_slice(&MAGIC);
        out[8..10].copy_from_slice(&VERSION.to_le_bytes());
        out[10..12].copy_from_slice(&(Self::LEN as u16).to_le_bytes());
        out[12..16].copy_from_slice(&u32::from(self.kind).to_le_bytes());
        out[16..32].copy_from_slice(&self.store_id.0);
        out[32..40].copy_from_slice(&self.number.to_le_bytes());
        out[40..48].copy_from_slice(&self.first_seq.to_le_bytes());
        let crc = Crc32c::of(&out[..CRC_AT]);
        out[CRC_AT..].copy_from_slice(&crc.to_le_bytes());
        out
    }

    /// Reads a header and checks it against the store that it should belong to.
    pub fn decode(bytes: &[u8], store_id: StoreId) -> Result<Self, HeaderError> {
        let bytes: &[u8; Self::LEN] = bytes.first_chunk().ok_or(HeaderError::Short)?;
        if bytes[0..8] != MAGIC {
            return Err(HeaderError::Magic);
        }
        let expected = u32_at(bytes, CRC_AT);
        let got = Crc32c::of(&bytes[..CRC_AT]);
        if got != expected {
            return Err(HeaderError::Checksum { got, expected });
        }
        let version = u16::from_le_bytes([bytes[8], bytes[9]]);
        let reserved = &bytes[48..CRC_AT];
        if version != VERSION
            || bytes[10..12] != (Self::LEN as u16).to_le_bytes()
            || reserved.iter().any(|b| *b != 0)
        {
            return Err(HeaderError::NewerVersion { version });
        }
        let kind = SegmentKind::try_from(u32_at(bytes, 12))?;
        let mut found = [0; 16];
        found.copy_from_slice(&bytes[16..32]);
        if StoreId(found) != store_id {
            return Err(HeaderError::ForeignStore { got: StoreId(found), expected: store_id });
        }
        Ok(Self { kind, store_id, number: u64_at(bytes, 32), first_seq: u64_at(bytes, 40) })
    }

    /// The store that a file of frames belongs to, if its header is whole.
    pub fn store_id_of(bytes: &[u8]) -> Option<StoreId> {
        let mut id = [0; 16];
        id.copy_from_slice(bytes.get(16..32)?);
        Self::decode(bytes, StoreId(id)).ok().map(|header| header.store_id)
    }

    /// What the checksums of the frames of this file start from.
    pub(crate) fn seed(&self) -> Crc32c {
        frame_seed(self.store_id, self.number)
    }
}

/// What the checksums of the frames of a segment start from: no frame of another segment or store is valid here.
pub(crate) fn frame_seed(store_id: StoreId, number: u64) -> Crc32c {
    Crc32c::new().update(&store_id.0).update(&number.to_le_bytes())
}

/// The path of a segment of the log in `dir`.
pub fn segment_path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number:08}.log"))
}

/// The number of a segment from its file name; `None` if it is not the name of a segment.
pub(crate) fn segment_number(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".log")?;
    if digits.len() < 8 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut field = [0; 4];
    field.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(field)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut field = [0; 8];
    field.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(field)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: SegmentHeader = SegmentHeader {
        kind: SegmentKind::Log,
        store_id: StoreId(*b"0123456789abcdef"),
        number: 42,
        first_seq: 1 << 40,
    };

    /// Replaces a byte and repairs the checksum, as a newer program would have written it.
    fn with_byte(at: usize, byte: u8) -> [u8; SegmentHeader::LEN] {
        let mut bytes = HEADER.encode();
        bytes[at] = byte;
        let crc = Crc32c::of(&bytes[..CRC_AT]);
        bytes[CRC_AT..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    #[test]
    fn round_trip() {
        assert_eq!(SegmentHeader::decode(&HEADER.encode(), HEADER.store_id), Ok(HEADER));
        assert_eq!(StoreId::parse(&HEADER.store_id.to_string()), Some(HEADER.store_id));
        assert_eq!(SegmentHeader::store_id_of(&HEADER.encode()), Some(HEADER.store_id));
        assert_eq!(SegmentHeader::store_id_of(&[0; 64]), None);
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        for bit in 0..SegmentHeader::LEN * 8 {
            let mut bytes = HEADER.encode();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let err = SegmentHeader::decode(&bytes, HEADER.store_id).expect_err("damaged");
            assert!(err.is_damage(), "bit {bit}: {err}");
        }
        assert_eq!(SegmentHeader::decode(&HEADER.encode()[..63], HEADER.store_id), Err(HeaderError::Short));
    }

    #[test]
    fn whole_headers_that_are_not_ours() {
        let check = |bytes: &[u8], want: &str| {
            let err = SegmentHeader::decode(bytes, HEADER.store_id).expect_err("not ours");
            assert!(!err.is_damage());
            assert!(err.to_string().contains(want), "{err}");
        };
        check(&with_byte(8, 2), "format version 2 is newer than 1");
        check(&with_byte(57, 1), "newer");
        check(&with_byte(12, 9), "unknown kind of frame file 9");
        check(&with_byte(16, b'x'), "belongs to store 78313233");
    }

    #[test]
    fn names() {
        assert_eq!(segment_path(Path::new("log"), 7), Path::new("log/00000007.log"));
        assert_eq!(segment_number("00000007.log"), Some(7));
        assert_eq!(segment_number("123456789.log"), Some(123_456_789));
        for other in ["7.log", "0000000x.log", "00000007.tmp", "+0000007.log", ".log"] {
            assert_eq!(segment_number(other), None, "{other}");
        }
    }
}
