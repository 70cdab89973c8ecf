use std::ops::Range;

/// Why a message is not protobuf, or not the message that was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("protobuf: {reason} at byte {offset}")]
pub struct WireError {
    /// What is wrong.
    reason: &'static str,
    /// Where, in bytes from the start of the outermost message.
    offset: usize,
}

impl WireError {
    /// An error that the reader of one message type found at `offset` of the outermost message.
    pub fn new(reason: &'static str, offset: usize) -> Self {
        Self { reason, offset }
    }

    /// What is wrong.
    pub fn reason(&self) -> &'static str {
        self.reason
    }

    /// Where, in bytes from the start of the outermost message.
    pub fn offset(&self) -> usize {
        self.offset
    }
}

/// The value of a field as the wire tells it: the message's type decides what the bits mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Value<'a> {
    Varint(u64),
    Fixed64(u64),
    Fixed32(u32),
    /// A string, a message or packed numbers.
    Bytes(Fields<'a>),
}

/// One field of a message.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Field<'a> {
    /// Which field it is.
    pub number: u32,
    value: Value<'a>,
    /// Where the field starts.
    offset: usize,
}

impl<'a> Field<'a> {
    /// Where the field starts in the outermost message.
    #[inline]
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// A 64-bit integer; other integer types take its lower bits.
    #[inline]
    pub fn varint(&self) -> Result<u64, WireError> {
        match self.value {
            Value::Varint(bits) => Ok(bits),
            _ => Err(self.wrong_type()),
        }
    }

    /// An integer in zigzag encoding (`sint32`, `sint64`).
    #[inline]
    pub fn zigzag(&self) -> Result<i64, WireError> {
        self.varint().map(unzigzag)
    }

    /// A floating point number.
    #[inline]
    pub fn double(&self) -> Result<f64, WireError> {
        match self.value {
            Value::Fixed64(bits) => Ok(f64::from_bits(bits)),
            _ => Err(self.wrong_type()),
        }
    }

    /// Where the content of a string lies in the outermost message.
    #[inline]
    pub fn span(&self) -> Result<Range<usize>, WireError> {
        self.message().map(|fields| fields.span())
    }

    /// The content of a string; whether it is UTF-8 is for the caller to see.
    #[inline]
    pub fn bytes(&self) -> Result<&'a [u8], WireError> {
        self.message().map(|fields| fields.rest())
    }

    /// The fields of a message.
    #[inline]
    pub fn message(&self) -> Result<Fields<'a>, WireError> {
        match self.value {
            Value::Bytes(fields) => Ok(fields),
            _ => Err(self.wrong_type()),
        }
    }

    /// Calls `push` for each number of a repeated integer or enumeration, packed or not.
    pub fn each_varint(&self, mut push: impl FnMut(u64)) -> Result<(), WireError> {
        match self.value {
            Value::Varint(bits) => push(bits),
            Value::Bytes(mut packed) => {
                while !packed.is_empty() {
                    push(packed.varint()?);
                }
            }
            _ => return Err(self.wrong_type()),
        }
        Ok(())
    }

    /// Calls `push` for each number of a repeated `sint64`, packed or not.
    pub fn each_zigzag(&self, mut push: impl FnMut(i64)) -> Result<(), WireError> {
        match self.value {
            Value::Varint(bits) => push(unzigzag(bits)),
            Value::Bytes(mut packed) => {
                while !packed.is_empty() {
                    push(unzigzag(packed.varint()?));
                }
            }
            _ => return Err(self.wrong_type()),
        }
        Ok(())
    }

    /// Calls `push` for each number of a repeated `double`, packed or not.
    pub fn each_double(&self, mut push: impl FnMut(f64)) -> Result<(), WireError> {
        match self.value {
            Value::Fixed64(bits) => push(f64::from_bits(bits)),
            Value::Bytes(mut packed) => {
                while !packed.is_empty() {
                    push(f64::from_bits(packed.fixed64()?));
                }
            }
            _ => return Err(self.wrong_type()),
        }
        Ok(())
    }

    #[cold]
    fn wrong_type(&self) -> WireError {
        WireError { reason: "field has the wrong wire type", offset: self.offset }
    }
}

/// The fields of a message that are still to be read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fields<'a> {
    rest: &'a [u8],
    /// Where the message ends in the outermost message.
    end: usize,
}

impl<'a> Fields<'a> {
    /// The fields of `message`, the outermost one.
    #[inline]
    pub fn new(message: &'a [u8]) -> Self {
        Self { rest: message, end: message.len() }
    }

    /// The fields of a piece of the outermost message that starts at its byte `offset`, so that errors name the right place.
    #[inline]
    pub fn nested_at(message: &'a [u8], offset: usize) -> Self {
        Self { rest: message, end: offset + message.len() }
    }

    /// Whether everything has been read.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// What is still to be read.
    #[inline]
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next field; `None` at the end. Groups, which no current message has, are stepped over.
    #[inline]
    pub fn next_field(&mut self) -> Result<Option<Field<'a>>, WireError> {
        while !self.is_empty() {
            let offset = self.offset();
            let tag = self.varint()?;
            let number = field_number(tag, offset)?;
            let value = match tag & 7 {
                0 => Value::Varint(self.varint()?),
                1 => Value::Fixed64(self.fixed64()?),
                2 => Value::Bytes(self.delimited()?),
                5 => Value::Fixed32(self.fixed32()?),
                _ => {
                    self.skip_group(tag, offset)?;
                    continue;
                }
            };
            return Ok(Some(Field { number, value, offset }));
        }
        Ok(None)
    }

    /// The content of the next field if its key is `key`, of one byte like its length. This is how most fields of most messages look; for any
    /// other, `None` sends the caller to [`next_field`](Self::next_field).
    #[inline]
    pub fn next_short(&mut self, key: u8) -> Option<Self> {
        let [first, len @ ..0x80, rest @ ..] = self.rest else { return None };
        if *first != key {
            return None;
        }
        let (message, rest) = rest.split_at_checked(usize::from(*len))?;
        self.rest = rest;
        Some(Self { rest: message, end: self.end - rest.len() })
    }

    /// The next field as eight bytes, if its key is `key`, of one byte.
    #[inline]
    pub fn next_fixed64(&mut self, key: u8) -> Option<u64> {
        let (first, rest) = self.rest.split_first()?;
        let (bytes, rest) = rest.split_first_chunk()?;
        if *first != key {
            return None;
        }
        self.rest = rest;
        Some(u64::from_le_bytes(*bytes))
    }

    /// The next field as a number, if its key is `key`, of one byte.
    #[inline]
    pub fn next_varint(&mut self, key: u8) -> Option<u64> {
        let mut ahead = Self { rest: self.rest.strip_prefix(&[key])?, end: self.end };
        let value = ahead.varint().ok()?;
        *self = ahead;
        Some(value)
    }

    /// Steps over the fields with a length that come next and have the key `key`, of one byte. Returns where they lie in the outermost message.
    #[inline]
    pub fn skip_run(&mut self, key: u8) -> Range<usize> {
        let start = self.offset();
        loop {
            if self.next_short(key).is_some() {
                continue;
            }
            let Some(rest) = self.rest.strip_prefix(&[key]) else { break };
            let mut ahead = Self { rest, end: self.end };
            if ahead.delimited().is_err() {
                break;
            }
            *self = ahead;
        }
        start..self.offset()
    }

    /// Steps over a group whose first tag was `tag`. Groups inside are counted, not recursed into, so that nesting costs nothing.
    #[cold]
    fn skip_group(&mut self, mut tag: u64, mut offset: usize) -> Result<(), WireError> {
        let mut open = 0_usize;
        loop {
            field_number(tag, offset)?;
            match tag & 7 {
                0 => drop(self.varint()?),
                1 => drop(self.fixed64()?),
                2 => drop(self.delimited()?),
                5 => drop(self.fixed32()?),
                START_GROUP => open += 1,
                END_GROUP if open > 0 => open -= 1,
                END_GROUP => return Err(WireError { reason: "group ends that did not start", offset }),
                _ => return Err(WireError { reason: "unknown wire type", offset }),
            }
            if open == 0 {
                return Ok(());
            }
            if self.is_empty() {
                return Err(self.error("group does not end"));
            }
            offset = self.offset();
            tag = self.varint()?;
        }
    }

    #[inline]
    fn varint(&mut self) -> Result<u64, WireError> {
        match self.rest {
            [byte, rest @ ..] if *byte < 0x80 => {
                self.rest = rest;
                Ok(u64::from(*byte))
            }
            _ => self.long_varint(),
        }
    }

    fn long_varint(&mut self) -> Result<u64, WireError> {
        if let Some(word) = self.rest.first_chunk() {
            // Up to eight bytes at once: the lowest bit above seven that is not set ends the number.
            let word = u64::from_le_bytes(*word);
            let ends = !word & 0x8080_8080_8080_8080;
            if ends != 0 {
                let n_bits = ends.trailing_zeros() + 1;
                self.rest = &self.rest[n_bits as usize / 8..];
                return Ok(join_sevens(word & (u64::MAX >> (64 - n_bits))));
            }
        }
        let mut value = 0;
        for (idx, byte) in self.rest.iter().enumerate().take(10) {
            let bits = u64::from(byte & 0x7f);
            // The tenth byte has room for one bit.
            if idx == 9 && *byte > 1 {
                return Err(self.error("integer overflow"));
            }
            value |= bits << (7 * idx);
            if *byte < 0x80 {
                self.rest = &self.rest[idx + 1..];
                return Ok(value);
            }
        }
        Err(self.error("unexpected end of message"))
    }

    #[inline]
    fn fixed64(&mut self) -> Result<u64, WireError> {
        self.take().map(u64::from_le_bytes)
    }

    fn fixed32(&mut self) -> Result<u32, WireError> {
        self.take().map(u32::from_le_bytes)
    }

    #[inline]
    fn take<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let Some((bytes, rest)) = self.rest.split_first_chunk() else {
            return Err(self.error("unexpected end of message"));
        };
        self.rest = rest;
        Ok(*bytes)
    }

    /// The message that comes next in a stream of messages, each of which has its length in front of it (delimited encoding).
    #[inline]
    pub fn delimited(&mut self) -> Result<Self, WireError> {
        let len = self.varint()?;
        let parts = usize::try_from(len).ok().and_then(|len| self.rest.split_at_checked(len));
        let Some((message, rest)) = parts else {
            return Err(self.error("length exceeds the message"));
        };
        self.rest = rest;
        Ok(Self { rest: message, end: self.end - rest.len() })
    }

    /// Where the rest of the message lies in the outermost one.
    #[inline]
    pub fn span(&self) -> Range<usize> {
        self.offset()..self.end
    }

    /// Where the next byte stands in the outermost message.
    #[inline]
    pub fn offset(&self) -> usize {
        self.end - self.rest.len()
    }

    #[cold]
    fn error(&self, reason: &'static str) -> WireError {
        WireError { reason, offset: self.offset() }
    }
}

/// Puts the lower seven bits of each byte side by side.
#[inline]
fn join_sevens(word: u64) -> u64 {
    let pairs = (word & 0x007f_007f_007f_007f) | ((word & 0x7f00_7f00_7f00_7f00) >> 1);
    let fours = (pairs & 0x0000_3fff_0000_3fff) | ((pairs & 0x3fff_0000_3fff_0000) >> 2);
    (fours & 0x0fff_ffff) | ((fours & 0x0fff_ffff_0000_0000) >> 4)
}

const START_GROUP: u64 = 3;
const END_GROUP: u64 = 4;

#[inline]
fn field_number(tag: u64, offset: usize) -> Result<u32, WireError> {
    match u32::try_from(tag >> 3) {
        Ok(number @ 1..=0x1fff_ffff) => Ok(number),
        _ => Err(WireError { reason: "field number out of range", offset }),
    }
}

#[inline]
fn unzigzag(bits: u64) -> i64 {
    ((bits >> 1) as i64) ^ -((bits & 1) as i64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn numbers(message: &[u8]) -> Result<Vec<(u32, u64)>, WireError> {
        let mut fields = Fields::new(message);
        let mut found = Vec::new();
        while let Some(field) = fields.next_field()? {
            let value = match field.value {
                Value::Varint(bits) | Value::Fixed64(bits) => bits,
                Value::Fixed32(bits) => u64::from(bits),
                Value::Bytes(nested) => nested.rest().len() as u64,
            };
            found.push((field.number, value));
        }
        Ok(found)
    }

    #[test]
    fn reads_each_wire_type() {
        let message = b"\x08\x96\x01\x11\x01\0\0\0\0\0\0\0\x1a\x03abc\x25\x02\0\0\0\xa0\x06\x07";
        assert_eq!(numbers(message), Ok(vec![(1, 150), (2, 1), (3, 3), (4, 2), (100, 7)]));
    }

    #[test]
    fn steps_over_groups_however_deep() {
        let mut message = vec![0x0b; 100_000];
        message.extend(vec![0x0c; 100_000]);
        message.extend([0x08, 5]);
        assert_eq!(numbers(&message), Ok(vec![(1, 5)]));
    }

    #[test]
    fn names_the_place_of_an_error() {
        let check = |message: &[u8], want: &str| {
            assert_eq!(numbers(message).map_err(|e| e.to_string()), Err(want.to_owned()), "{message:x?}");
        };
        check(b"\x08", "protobuf: unexpected end of message at byte 1");
        check(b"\x08\x01\x08\x80", "protobuf: unexpected end of message at byte 3");
        check(b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", "protobuf: integer overflow at byte 1");
        check(b"\x09\x01", "protobuf: unexpected end of message at byte 1");
        check(b"\x0a\x05abc", "protobuf: length exceeds the message at byte 2");
        check(
            b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
            "protobuf: length exceeds the message at byte 11",
        );
        check(b"\x00\x01", "protobuf: field number out of range at byte 0");
        check(b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", "protobuf: field number out of range at byte 0");
        check(b"\x08\x01\x0e", "protobuf: unknown wire type at byte 2");
        check(b"\x0c", "protobuf: group ends that did not start at byte 0");
        check(b"\x0b\x08\x01", "protobuf: group does not end at byte 3");
    }

    #[test]
    fn an_error_in_a_nested_message_counts_from_the_outermost() {
        let mut fields = Fields::new(b"\x08\x01\x0a\x02\x08\x80");
        fields.next_field().expect("valid");
        let mut nested = fields.next_field().expect("valid").expect("a field").message().expect("a message");
        assert_eq!(
            nested.next_field().map_err(|e| e.to_string()),
            Err("protobuf: unexpected end of message at byte 5".to_owned())
        );
    }

    #[test]
    fn zigzag() {
        let check = |bits, want| assert_eq!(unzigzag(bits), want);
        check(0, 0);
        check(1, -1);
        check(2, 1);
        check(u64::MAX, i64::MIN);
        check(u64::MAX - 1, i64::MAX);
    }

    proptest! {
        #[test]
        fn never_panics(message in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = numbers(&message);
        }
    }
}
