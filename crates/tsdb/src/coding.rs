//! The elementary encodings of all formats: `varint`, `zigzag`, `str` and little-endian integers, as `docs/formats/README.md` defines them.

use bellwether_model::Labels;

/// A label set has at most this many labels in any file, whatever the configured limit: a bound for what is believed before allocating.
const MAX_LABELS: u64 = 1 << 16;

/// What does not hold in some bytes that should be an encoding.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub(crate) struct DecodeError {
    what: &'static str,
}

impl DecodeError {
    pub(crate) fn new(what: &'static str) -> Self {
        Self { what }
    }
}

pub(crate) type Result<T> = std::result::Result<T, DecodeError>;

#[inline]
pub(crate) fn put_varint(out: &mut Vec<u8>, mut v: u64) {
    if v < 0x80 {
        out.push(v as u8);
        return;
    }
    // Put together aside, so that there is only one look at the room that is left.
    let (mut bytes, mut len) = ([0; 10], 0);
    while v >= 0x80 {
        bytes[len] = v as u8 | 0x80;
        v >>= 7;
        len += 1;
    }
    bytes[len] = v as u8;
    let start = out.len();
    out.extend_from_slice(&bytes);
    out.truncate(start + len + 1);
}

#[inline]
pub(crate) fn put_zigzag(out: &mut Vec<u8>, v: i64) {
    put_varint(out, zigzag(v));
}

pub(crate) fn put_str(out: &mut Vec<u8>, s: &str) {
    put_varint(out, s.len() as u64);
    out.extend_from_slice(s.as_bytes());
}

pub(crate) fn put_labels(out: &mut Vec<u8>, labels: &Labels) {
    put_varint(out, labels.len() as u64);
    for label in labels {
        put_str(out, label.name);
        put_str(out, label.value);
    }
}

/// Small numbers of either sign become small unsigned numbers.
pub(crate) fn zigzag(v: i64) -> u64 {
    ((v << 1) ^ (v >> 63)) as u64
}

/// Undoes [`zigzag`].
pub(crate) fn unzigzag(v: u64) -> i64 {
    (v >> 1) as i64 ^ -((v & 1) as i64)
}

/// Reads from the front of some bytes and never beyond their end.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// How many bytes are left.
    pub(crate) fn len(&self) -> usize {
        self.rest.len()
    }

    pub(crate) fn take(&mut self, n: usize) -> Result<&'a [u8]> {
        let (head, rest) = self.rest.split_at_checked(n).ok_or(DecodeError::new("ends too early"))?;
        self.rest = rest;
        Ok(head)
    }

    /// All that is left.
    pub(crate) fn take_rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    pub(crate) fn u8(&mut self) -> Result<u8> {
        let (first, rest) = self.rest.split_first().ok_or(DecodeError::new("ends too early"))?;
        self.rest = rest;
        Ok(*first)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (head, rest) = self.rest.split_first_chunk().ok_or(DecodeError::new("ends too early"))?;
        self.rest = rest;
        Ok(*head)
    }

    pub(crate) fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub(crate) fn u64(&mut self) -> Result<u64> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// The float with the next 8 bytes as its bits.
    pub(crate) fn f64(&mut self) -> Result<f64> {
        Ok(f64::from_bits(self.u64()?))
    }

    pub(crate) fn varint(&mut self) -> Result<u64> {
        let mut v = 0_u64;
        for (idx, byte) in self.rest.iter().take(10).enumerate() {
            v |= u64::from(byte & 0x7f) << (7 * idx);
            if byte & 0x80 == 0 {
                if idx == 9 && *byte > 1 {
                    break;
                }
                self.rest = &self.rest[idx + 1..];
                return Ok(v);
            }
        }
        Err(DecodeError::new("bad varint"))
    }

    pub(crate) fn zigzag(&mut self) -> Result<i64> {
        self.varint().map(unzigzag)
    }

    /// A `varint` that counts things of which each takes at least `bytes_each` of the bytes that are left.
    pub(crate) fn count(&mut self, bytes_each: usize) -> Result<usize> {
        let n = self.varint()?;
        if n > (self.rest.len() / bytes_each.max(1)) as u64 {
            return Err(DecodeError::new("counts more than there is room for"));
        }
        Ok(n as usize)
    }

    /// Bytes with a `varint` length before them.
    pub(crate) fn prefixed(&mut self) -> Result<&'a [u8]> {
        let n = self.count(1)?;
        self.take(n)
    }

    pub(crate) fn str(&mut self) -> Result<&'a str> {
        std::str::from_utf8(self.prefixed()?).map_err(|_| DecodeError::new("text is not UTF-8"))
    }

    pub(crate) fn labels(&mut self) -> Result<Labels> {
        let n = self.count(2)?;
        if n as u64 > MAX_LABELS {
            return Err(DecodeError::new("too many labels"));
        }
        let mut pairs: Vec<(&str, &str)> = Vec::with_capacity(n);
        for _ in 0..n {
            let (name, value) = (self.str()?, self.str()?);
            if value.is_empty() || pairs.last().is_some_and(|(before, _)| *before >= name) {
                return Err(DecodeError::new("labels are not sorted or have an empty value"));
            }
            pairs.push((name, value));
        }
        Ok(Labels::from_sorted(pairs))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn varints_that_are_too_long() {
        for bytes in [&[0x80][..], &[0xff; 10], &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2]] {
            assert!(Cursor::new(bytes).varint().is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn counts_are_bounded_by_what_is_there() {
        let mut bytes = Vec::new();
        put_varint(&mut bytes, u64::MAX);
        assert!(Cursor::new(&bytes).count(1).is_err());
        assert!(Cursor::new(&bytes).str().is_err());
        assert!(Cursor::new(&bytes).labels().is_err());
    }

    #[test]
    fn labels_must_be_sorted() {
        let check = |pairs: &[(&str, &str)], good: bool| {
            let mut bytes = Vec::new();
            put_varint(&mut bytes, pairs.len() as u64);
            for (name, value) in pairs {
                put_str(&mut bytes, name);
                put_str(&mut bytes, value);
            }
            assert_eq!(Cursor::new(&bytes).labels().is_ok(), good, "{pairs:?}");
        };
        check(&[("a", "1"), ("b", "2")], true);
        check(&[("b", "1"), ("a", "2")], false);
        check(&[("a", "1"), ("a", "2")], false);
        check(&[("a", "")], false);
    }

    proptest! {
        #[test]
        fn round_trip(v: u64, i: i64, s: String) {
            let mut bytes = Vec::new();
            put_varint(&mut bytes, v);
            put_zigzag(&mut bytes, i);
            put_str(&mut bytes, &s);
            let mut cursor = Cursor::new(&bytes);
            prop_assert_eq!(cursor.varint(), Ok(v));
            prop_assert_eq!(cursor.zigzag(), Ok(i));
            prop_assert_eq!(cursor.str(), Ok(s.as_str()));
            prop_assert!(cursor.is_empty());
        }
    }
}
