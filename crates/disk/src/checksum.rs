/// A running CRC32C (Castagnoli), the checksum of every format in Bellwether.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Crc32c(u32);

impl Crc32c {
    /// The checksum of no bytes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Goes on from a checksum that was computed before.
    pub fn from_value(value: u32) -> Self {
        Self(value)
    }

    /// Adds bytes.
    #[must_use]
    pub fn update(self, bytes: &[u8]) -> Self {
        Self(crc32c::crc32c_append(self.0, bytes))
    }

    /// The checksum of all bytes so far.
    pub fn value(self) -> u32 {
        self.0
    }

    /// The checksum of `bytes` alone.
    pub fn of(bytes: &[u8]) -> u32 {
        Self::new().update(bytes).value()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check value of the CRC catalogue, so that nobody swaps the polynomial unnoticed.
    #[test]
    fn is_castagnoli() {
        assert_eq!(Crc32c::of(b"123456789"), 0xe306_9283);
        assert_eq!(Crc32c::new().update(b"1234").update(b"56789").value(), 0xe306_9283);
    }
}
