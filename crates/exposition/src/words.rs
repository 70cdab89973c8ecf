//! Byte classes, eight bytes at a time: names and values are most of an exposition, and short, so calls that set up wider registers do not
//! pay.
//!
//! A word holds eight bytes, the first one in the lowest bits. Each test answers with the highest bit of the bytes that pass.
use crate::name::{continues_label_name, continues_metric_name};

const LOW_BITS: u64 = repeat(0x7f);
const HIGH_BITS: u64 = repeat(0x80);

const fn repeat(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// The first position from `from` on that no metric name goes on with, or the length.
#[inline]
pub(crate) fn skip_metric_name(line: &[u8], from: usize) -> usize {
    // The colon follows the nine.
    skip(line, from, |word| !name_bytes(word, b':'), |byte| !continues_metric_name(byte))
}

/// The first position from `from` on that no label name goes on with, or the length.
#[inline]
pub(crate) fn skip_label_name(line: &[u8], from: usize) -> usize {
    skip(line, from, |word| !name_bytes(word, b'9'), |byte| !continues_label_name(byte))
}

/// The first quote, backslash or newline from `from` on, or the length.
#[inline]
pub(crate) fn skip_plain_value(line: &[u8], from: usize) -> usize {
    let stops = |word| equal(word, b'"') | equal(word, b'\\') | equal(word, b'\n');
    skip(line, from, stops, |byte| matches!(byte, b'"' | b'\\' | b'\n'))
}

/// The first position from `from` on that stops, or the length. Of the bits that `stops` sets, only the lowest one must be right.
#[inline]
fn skip(line: &[u8], from: usize, stops: impl Fn(u64) -> u64, stops_byte: impl Fn(u8) -> bool) -> usize {
    let mut idx = from;
    while let Some(chunk) = line.get(idx..).and_then(|rest| rest.first_chunk::<8>()) {
        let found = stops(u64::from_le_bytes(*chunk)) & HIGH_BITS;
        if found != 0 {
            return idx + found.trailing_zeros() as usize / 8;
        }
        idx += 8;
    }
    idx + line[idx.min(line.len())..].iter().take_while(|byte| !stops_byte(**byte)).count()
}

/// Letters, digits up to `last_digit`, and underscores. Exact for every byte, because the bytes are cut to seven bits first, so that no
/// sum carries into the next byte.
#[inline]
fn name_bytes(word: u64, last_digit: u8) -> u64 {
    let low = word & LOW_BITS;
    let letters = between(low | repeat(0x20), b'a', b'z');
    let difference = low ^ repeat(b'_');
    let underscores = !(difference + LOW_BITS);
    (letters | between(low, b'0', last_digit) | underscores) & !word
}

/// The bytes that equal `byte`. A difference of one may be taken for equality, but only behind a byte that is equal.
#[inline]
fn equal(word: u64, byte: u8) -> u64 {
    let difference = word ^ repeat(byte);
    difference.wrapping_sub(repeat(1)) & !difference
}

/// `low` holds seven bits in each byte.
#[inline]
fn between(low: u64, first: u8, last: u8) -> u64 {
    (low + repeat(0x80 - first)) & !(low + repeat(0x7f - last))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every byte at every position, with every following byte that could disturb it.
    #[test]
    fn classifies_every_byte() {
        for byte in 0..=u8::MAX {
            for position in 0..8 {
                for neighbour in [b'a', 0x00, 0x7f, 0x80, 0xff, b'"', b':'] {
                    let mut bytes = [neighbour; 8];
                    bytes[position] = byte;
                    let word = u64::from_le_bytes(bytes);
                    let bit = |mask: u64| mask & (0x80 << (position * 8)) != 0;
                    assert_eq!(bit(name_bytes(word, b':')), continues_metric_name(byte), "{bytes:?}");
                    assert_eq!(bit(name_bytes(word, b'9')), continues_label_name(byte), "{bytes:?}");
                }
            }
        }
    }

    #[test]
    fn finds_the_first_equal_byte() {
        for byte in 0..=u8::MAX {
            for position in 0..8 {
                let mut bytes = [byte; 8];
                bytes[position] = b'"';
                let want = if byte == b'"' { 0 } else { position };
                let found = equal(u64::from_le_bytes(bytes), b'"') & HIGH_BITS;
                assert_eq!(found.trailing_zeros() as usize / 8, want, "{bytes:?}");
            }
        }
    }

    #[test]
    fn stops_at_the_right_place() {
        let line = b"node_cpu:seconds_total{cpu=\"0123456789abcdef\\\"";
        assert_eq!(skip_metric_name(line, 0), 22);
        assert_eq!(skip_metric_name(line, 20), 22);
        assert_eq!(skip_label_name(line, 0), 8);
        assert_eq!(skip_label_name(line, 23), 26);
        assert_eq!(skip_plain_value(line, 28), 44);
        assert_eq!(skip_plain_value(b"abc", 0), 3);
        assert_eq!(skip_plain_value(b"abc", 9), 9);
    }
}
