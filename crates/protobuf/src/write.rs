/// Appends the fields of a message to a buffer. Fields with the default value are left out, as proto3 does.
#[derive(Debug)]
pub struct MessageWriter<'b> {
    out: &'b mut Vec<u8>,
}

const VARINT: u32 = 0;
const FIXED64: u32 = 1;
const BYTES: u32 = 2;

impl<'b> MessageWriter<'b> {
    /// Writes behind what `out` holds.
    pub fn new(out: &'b mut Vec<u8>) -> Self {
        Self { out }
    }

    /// Writes an unsigned integer or an enumeration.
    pub fn varint(&mut self, number: u32, value: u64) {
        if value != 0 {
            self.present_varint(number, value);
        }
    }

    /// Writes the field even if it is zero: which member of a `oneof` is set carries meaning.
    pub fn present_varint(&mut self, number: u32, value: u64) {
        self.tag(number, VARINT);
        push_varint(self.out, value);
    }

    /// Writes a signed integer in two's complement (`int64`, `int32`).
    pub fn int64(&mut self, number: u32, value: i64) {
        self.varint(number, value as u64);
    }

    /// Writes a signed integer in zigzag encoding.
    pub fn sint32(&mut self, number: u32, value: i32) {
        self.varint(number, zigzag(i64::from(value)));
    }

    /// Writes a floating point number.
    pub fn double(&mut self, number: u32, value: f64) {
        // Negative zero is not the default.
        if value.to_bits() != 0 {
            self.present_double(number, value);
        }
    }

    /// As [`present_varint`](Self::present_varint).
    pub fn present_double(&mut self, number: u32, value: f64) {
        self.tag(number, FIXED64);
        self.out.extend_from_slice(&value.to_bits().to_le_bytes());
    }

    /// Writes an integer of eight bytes (`fixed64`).
    pub fn fixed64(&mut self, number: u32, value: u64) {
        if value != 0 {
            self.tag(number, FIXED64);
            self.out.extend_from_slice(&value.to_le_bytes());
        }
    }

    /// Writes a string.
    pub fn string(&mut self, number: u32, text: &str) {
        if !text.is_empty() {
            self.bytes(number, text.as_bytes());
        }
    }

    /// Writes bytes, or a message that is written already, also if there are none.
    pub fn bytes(&mut self, number: u32, bytes: &[u8]) {
        self.tag(number, BYTES);
        push_varint(self.out, bytes.len() as u64);
        self.out.extend_from_slice(bytes);
    }

    /// Appends fields that are written already.
    pub fn append(&mut self, fields: &[u8]) {
        self.out.extend_from_slice(fields);
    }

    /// Writes one message of a repeated field, also if it is empty.
    pub fn message(&mut self, number: u32, write: impl FnOnce(&mut MessageWriter<'_>)) {
        self.tag(number, BYTES);
        let start = self.out.len();
        write(&mut MessageWriter { out: self.out });
        self.prepend_len(start);
    }

    /// Writes a repeated `sint64` as one field.
    pub fn packed_sint64(&mut self, number: u32, values: &[i64]) {
        if !values.is_empty() {
            self.tag(number, BYTES);
            let start = self.out.len();
            for value in values {
                push_varint(self.out, zigzag(*value));
            }
            self.prepend_len(start);
        }
    }

    /// Writes a repeated `double` as one field.
    pub fn packed_double(&mut self, number: u32, values: &[f64]) {
        if !values.is_empty() {
            self.tag(number, BYTES);
            push_varint(self.out, values.len() as u64 * 8);
            self.out.extend(values.iter().flat_map(|value| value.to_bits().to_le_bytes()));
        }
    }

    /// Writes a repeated `fixed64` as one field.
    pub fn packed_fixed64(&mut self, number: u32, values: &[u64]) {
        if !values.is_empty() {
            self.tag(number, BYTES);
            push_varint(self.out, values.len() as u64 * 8);
            self.out.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        }
    }

    fn tag(&mut self, number: u32, wire_type: u32) {
        push_varint(self.out, u64::from(number << 3 | wire_type));
    }

    /// Puts the length of what was written from `start` on in front of it.
    fn prepend_len(&mut self, start: usize) {
        let len = self.out.len() - start;
        push_varint(self.out, len as u64);
        let prefix_len = self.out.len() - start - len;
        self.out[start..].rotate_right(prefix_len);
    }
}

/// Appends an integer in the variable-length encoding, which is also how the length stands in front of a delimited message.
pub fn push_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of the protobuf encoding guide, and the rules about defaults.
    #[test]
    fn writes_fields() {
        let check = |write: &dyn Fn(&mut MessageWriter<'_>), want: &[u8]| {
            let mut out = Vec::new();
            write(&mut MessageWriter::new(&mut out));
            assert_eq!(out, want);
        };
        check(&|m| m.varint(1, 150), b"\x08\x96\x01");
        check(&|m| m.varint(1, 0), b"");
        check(&|m| m.present_varint(1, 0), b"\x08\x00");
        check(&|m| m.int64(1, -2), b"\x08\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01");
        check(&|m| m.sint32(1, -2), b"\x08\x03");
        check(&|m| m.string(2, "testing"), b"\x12\x07testing");
        check(&|m| m.message(3, |m| m.varint(1, 150)), b"\x1a\x03\x08\x96\x01");
        check(&|m| m.message(3, |_| {}), b"\x1a\x00");
        check(&|m| m.double(1, 1.0), b"\x09\0\0\0\0\0\0\xf0\x3f");
        check(&|m| m.double(1, 0.0), b"");
        check(&|m| m.double(1, -0.0), b"\x09\0\0\0\0\0\0\0\x80");
        check(&|m| m.present_double(1, 0.0), b"\x09\0\0\0\0\0\0\0\0");
        check(&|m| m.packed_sint64(6, &[-1, 1, 64]), b"\x32\x04\x01\x02\x80\x01");
        check(&|m| m.fixed64(1, 258), b"\x09\x02\x01\0\0\0\0\0\0");
        check(&|m| m.fixed64(1, 0), b"");
        check(&|m| m.packed_fixed64(6, &[0, 1]), b"\x32\x10\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0");
        check(&|m| m.packed_double(6, &[1.0]), b"\x32\x08\0\0\0\0\0\0\xf0\x3f");
        // A length of two bytes moves the content by two.
        let long = "x".repeat(200);
        let mut want = b"\x0a\xcb\x01\x0a\xc8\x01".to_vec();
        want.extend(long.as_bytes());
        check(&|m| m.message(1, |m| m.string(1, &long)), &want);
    }
}
