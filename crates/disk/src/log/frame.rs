use crate::Crc32c;

use super::aligned;

/// First bytes of a frame.
pub(super) const MAGIC: [u8; 4] = [0xf7, 0x42, 0x57, 0xae];
/// The version of frames that this code writes.
const VERSION: u8 = 1;
/// Length of the part before the payload.
pub(super) const HEADER_LEN: usize = 24;
/// Nobody ever writes so many frames, and counting on from here does not overflow.
const MAX_SEQ: u64 = i64::MAX as u64;
/// The longest payload of a frame in bytes.
pub const MAX_FRAME_BYTES: usize = 16 << 20;

/// A frame as it was found in a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The number of the segment.
    pub segment: u64,
    /// Where the frame starts in the segment, in bytes.
    pub offset: u64,
    /// How the payload is encoded; the log does not care.
    pub codec: u8,
    /// Free for the user of the log.
    pub shard: u16,
    /// Counts frames.
    pub seq: u64,
    /// What was stored.
    pub payload: &'a [u8],
}

/// The fields before the payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FrameHeader {
    pub(super) payload_len: usize,
    pub(super) version: u8,
    pub(super) codec: u8,
    pub(super) shard: u16,
    pub(super) seq: u64,
    crc: u32,
}

impl FrameHeader {
    /// Reads a header. `None` if it cannot be the start of a frame; the checksum is not looked at.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; HEADER_LEN] = bytes.first_chunk()?;
        if bytes[0..4] != MAGIC {
            return None;
        }
        let payload_len = u32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]) as usize;
        if payload_len > MAX_FRAME_BYTES {
            return None;
        }
        let mut seq = [0; 8];
        seq.copy_from_slice(&bytes[16..24]);
        let seq = u64::from_le_bytes(seq);
        if seq > MAX_SEQ {
            return None;
        }
        Some(Self {
            payload_len,
            crc: u32::from_le_bytes([bytes[8], bytes[9], bytes[10], bytes[11]]),
            version: bytes[12],
            codec: bytes[13],
            shard: u16::from_le_bytes([bytes[14], bytes[15]]),
            seq,
        })
    }

    /// Length of the whole frame with the zeroes behind it.
    pub(super) fn frame_len(&self) -> usize {
        aligned(HEADER_LEN + self.payload_len)
    }

    /// Whether `frame`, which starts with this header and holds at least the payload, is as it was written.
    pub(super) fn is_valid(&self, frame: &[u8], seed: Crc32c) -> bool {
        checksum(&frame[..HEADER_LEN + self.payload_len], seed) == self.crc
    }

    /// Whether this code knows what the fields mean.
    pub(super) fn is_known(&self) -> bool {
        self.version == VERSION
    }
}

/// Makes room for the header of a frame at the end of `out` and returns where the frame starts.
pub(super) fn begin(out: &mut Vec<u8>) -> usize {
    let start = out.len();
    out.resize(start + HEADER_LEN, 0);
    start
}

/// Fills in what is known about the frame that starts at `start` and ends with `out`, and pads it.
pub(super) fn end(out: &mut Vec<u8>, start: usize, codec: u8, shard: u16) {
    let payload_len = out.len() - start - HEADER_LEN;
    assert!(payload_len <= MAX_FRAME_BYTES, "BUG: frame of {payload_len} bytes");
    let header = &mut out[start..start + HEADER_LEN];
    header[0..4].copy_from_slice(&MAGIC);
    header[4..8].copy_from_slice(&(payload_len as u32).to_le_bytes());
    header[12] = VERSION;
    header[13] = codec;
    header[14..16].copy_from_slice(&shard.to_le_bytes());
    out.resize(aligned(out.len()), 0);
}

/// Gives the frames in `frames`, which follow one another, their sequence numbers and checksums. Returns how many there are.
pub(super) fn stamp(frames: &mut [u8], first_seq: u64, seed: Crc32c) -> u64 {
    let (mut at, mut count) = (0, 0);
    while at < frames.len() {
        let header = FrameHeader::decode(&frames[at..]).expect("BUG: a group consists of frames");
        let frame = &mut frames[at..at + header.frame_len()];
        frame[16..24].copy_from_slice(&(first_seq + count).to_le_bytes());
        let crc = checksum(&frame[..HEADER_LEN + header.payload_len], seed);
        frame[8..12].copy_from_slice(&crc.to_le_bytes());
        at += header.frame_len();
        count += 1;
    }
    count
}

/// The checksum covers everything but the magic bytes and itself.
fn checksum(frame: &[u8], seed: Crc32c) -> u32 {
    seed.update(&frame[4..8]).update(&frame[12..]).value()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(payload: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let start = begin(&mut out);
        out.extend_from_slice(payload);
        end(&mut out, start, 3, 0x1234);
        assert_eq!(stamp(&mut out, 99, Crc32c::from_value(5)), 1);
        out
    }

    #[test]
    fn round_trip() {
        for len in [0, 1, 7, 8, 9, 1000] {
            let payload = vec![7; len];
            let bytes = frame(&payload);
            assert_eq!(bytes.len() % 8, 0);
            let header = FrameHeader::decode(&bytes).expect("a frame");
            assert_eq!(header.frame_len(), bytes.len());
            assert_eq!((header.codec, header.shard, header.seq), (3, 0x1234, 99));
            assert!(header.is_valid(&bytes, Crc32c::from_value(5)) && header.is_known());
            assert!(!header.is_valid(&bytes, Crc32c::from_value(6)), "the seed matters");
        }
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let good = frame(b"some payload");
        for bit in 0..(HEADER_LEN + 12) * 8 {
            let mut bytes = good.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let valid = FrameHeader::decode(&bytes).is_some_and(|h| {
                HEADER_LEN + h.payload_len <= bytes.len() && h.is_valid(&bytes, Crc32c::from_value(5))
            });
            assert!(!valid, "bit {bit}");
        }
    }

    #[test]
    fn a_number_that_cannot_be_counted_on_from_is_no_frame() {
        let mut bytes = frame(b"x");
        bytes[16..24].copy_from_slice(&MAX_SEQ.to_le_bytes());
        assert_eq!(FrameHeader::decode(&bytes).map(|header| header.seq), Some(MAX_SEQ));
        bytes[16..24].copy_from_slice(&(MAX_SEQ + 1).to_le_bytes());
        assert_eq!(FrameHeader::decode(&bytes), None);
    }

    #[test]
    fn impossible_lengths_are_no_frames() {
        let mut bytes = frame(b"x");
        bytes[4..8].copy_from_slice(&(MAX_FRAME_BYTES as u32 + 1).to_le_bytes());
        assert_eq!(FrameHeader::decode(&bytes), None);
        assert_eq!(FrameHeader::decode(&bytes[..HEADER_LEN - 1]), None);
    }
}
