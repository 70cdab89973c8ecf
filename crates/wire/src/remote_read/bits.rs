/// Appends bits to bytes, the highest bit of each byte first.
#[derive(Debug)]
pub(super) struct BitWriter<'b> {
    out: &'b mut Vec<u8>,
    /// Bits of the last byte that are not used yet.
    free: u32,
}

impl<'b> BitWriter<'b> {
    /// Begins with a new byte behind what `out` holds.
    pub(super) fn new(out: &'b mut Vec<u8>) -> Self {
        Self { out, free: 0 }
    }

    /// Appends the lowest `n` bits of `value`, at most 64.
    pub(super) fn bits(&mut self, value: u64, n: u32) {
        let mut left = n;
        while left > 0 {
            if self.free == 0 {
                self.out.push(0);
                self.free = 8;
            }
            let take = left.min(self.free);
            let piece = (value >> (left - take)) & ((1 << take) - 1);
            self.free -= take;
            left -= take;
            if let Some(last) = self.out.last_mut() {
                *last |= (piece as u8) << self.free;
            }
        }
    }

    /// Appends a number in bytes of seven bits, the lowest first.
    pub(super) fn uvarint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bits(value & 0x7f | 0x80, 8);
            value >>= 7;
        }
        self.bits(value, 8);
    }

    /// The same for a number with a sign, in zigzag encoding.
    pub(super) fn varint(&mut self, value: i64) {
        self.uvarint(((value << 1) ^ (value >> 63)) as u64);
    }
}

/// Reads what [`BitWriter`] wrote. All methods return `None` at the end of the bytes.
#[derive(Debug, Clone)]
pub(super) struct BitReader<'b> {
    bytes: &'b [u8],
    /// The position of the next bit.
    at: usize,
}

impl<'b> BitReader<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub(super) fn bit(&mut self) -> Option<bool> {
        let byte = self.bytes.get(self.at / 8)?;
        let bit = byte >> (7 - self.at % 8) & 1;
        self.at += 1;
        Some(bit == 1)
    }

    /// The next `n` bits, at most 64.
    pub(super) fn bits(&mut self, n: u32) -> Option<u64> {
        let mut value = 0;
        for _ in 0..n {
            value = value << 1 | u64::from(self.bit()?);
        }
        Some(value)
    }

    pub(super) fn uvarint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.bits(8)?;
            value |= (byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    pub(super) fn varint(&mut self) -> Option<i64> {
        self.uvarint().map(|bits| (bits >> 1) as i64 ^ -((bits & 1) as i64))
    }
}
