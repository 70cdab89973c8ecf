//! Families with one number for each series, of which there may be very many.
//!
//! A line is put together in a buffer of bytes, in steps of a few bytes whose number is known when this is compiled: what is between the values is the same in each line and is kept in
//! blocks, and values lie in the record word by word. Copies of any length, and checks of each value, would be most of the time.

use std::sync::atomic::Ordering;

use bellwether_exposition::{
    Number, OutputFormat, Writer, render_label_name, render_label_value, write_float, write_openmetrics_float,
};

use crate::alias::Named;
use crate::labels::Values;
use crate::record::Record;

/// Bytes that are collected before they are checked to be text, which they are, and handed on.
const FULL: usize = 64 << 10;
const BLOCK: usize = 16;
/// The longest number takes so many bytes, with its line feed.
const MAX_NUMBER: usize = 400;

/// Writes the lines of one family after the other.
pub(super) struct Lines {
    format: OutputFormat,
    /// What stands in front of the value of each label, and its values.
    fields: Vec<(Piece, FieldValues)>,
    /// What stands in front of the number.
    end: Piece,
    n_open: usize,
    n_cells: usize,
    /// Filled up to `len`.
    bytes: Vec<u8>,
    len: usize,
    /// Room for all of a line that is not the values of open labels.
    frame: usize,
    float: String,
}

enum FieldValues {
    /// Each with the quote behind it.
    Closed(Vec<Piece>),
    Open,
}

/// Bytes in blocks.
struct Piece {
    blocks: Vec<[u8; BLOCK]>,
    len: usize,
}

impl Piece {
    fn new(text: &str) -> Self {
        let blocks = text.as_bytes().chunks(BLOCK).map(|chunk| {
            let mut block = [0; BLOCK];
            block[..chunk.len()].copy_from_slice(chunk);
            block
        });
        Self { blocks: blocks.collect(), len: text.len() }
    }

    /// How many bytes are written, those included that are overwritten.
    fn room(&self) -> usize {
        self.blocks.len() * BLOCK
    }
}

impl Lines {
    pub(super) fn new(writer: &mut Writer<'_>, named: Named, format: OutputFormat) -> Self {
        let description = &named.core.description;
        let (mut start, end) = writer.frame(!description.fields.is_empty());
        let mut fields = Vec::new();
        let (mut n_open, mut frame) = (0, MAX_NUMBER);
        for (idx, field) in description.fields.iter().enumerate() {
            start.push_str(if idx == 0 { "" } else { "," });
            render_label_name(&mut start, format.escaping, named.label(field.name));
            let name = Piece::new(&std::mem::take(&mut start));
            let values = match field.values {
                Values::Closed(values) => {
                    let rendered = |value: &&str| {
                        let mut out = String::new();
                        render_label_value(&mut out, value);
                        Piece::new(&out)
                    };
                    let pieces: Vec<Piece> = values.iter().map(rendered).collect();
                    frame += pieces.iter().map(Piece::room).max().unwrap_or(0);
                    FieldValues::Closed(pieces)
                }
                Values::Open(_) => {
                    n_open += 1;
                    FieldValues::Open
                }
            };
            frame += name.room();
            fields.push((name, values));
        }
        let end = Piece::new(&format!("{start}{end}"));
        frame += end.room();
        Self {
            format,
            fields,
            end,
            n_open,
            n_cells: description.n_cells,
            bytes: vec![0; FULL + frame],
            len: 0,
            frame,
            float: String::new(),
        }
    }

    /// Writes a line for each series.
    pub(super) fn write(
        &mut self,
        writer: &mut Writer<'_>,
        records: impl Iterator<Item = Record>,
        number: impl Fn(Record) -> Number,
    ) {
        for record in records {
            if self.len >= FULL {
                self.flush(writer);
            }
            self.line(record, number(record));
        }
        self.flush(writer);
    }

    fn flush(&mut self, writer: &mut Writer<'_>) {
        match std::str::from_utf8(&self.bytes[..self.len]) {
            Ok(lines) => writer.lines(lines),
            // Only text is ever written to a record; should it not be there any more, the rest is still worth having. Looking for what can be saved takes ten times as long.
            Err(_) => writer.lines(&String::from_utf8_lossy(&self.bytes[..self.len])),
        }
        self.len = 0;
    }

    fn line(&mut self, record: Record, number: Number) {
        let mut closed_index = record.closed_index() as usize;
        let words = record.behind_cells(self.n_cells);
        let mut next = self.n_open.div_ceil(4);
        let mut open_idx = 0;
        let len = &mut self.len;
        for (name, values) in &self.fields {
            push(&mut self.bytes, len, name);
            if let FieldValues::Closed(values) = values {
                push(&mut self.bytes, len, &values[closed_index % values.len()]);
                closed_index /= values.len();
                continue;
            }
            let lengths = words[open_idx / 4].load(Ordering::Relaxed);
            let value_len = usize::from((lengths >> (16 * (open_idx % 4))) as u16);
            open_idx += 1;
            // Each byte may have to be escaped, and whole words are written.
            let room = *len + 2 * value_len + BLOCK + self.frame;
            if self.bytes.len() < room {
                self.bytes.resize(room, 0);
            }
            let bytes = self.bytes.as_mut_slice();
            let start = *len;
            let mut specials = 0;
            for word in &words[next..next + value_len.div_ceil(8)] {
                let word = word.load(Ordering::Relaxed);
                specials |= with_specials(word);
                bytes[*len..*len + 8].copy_from_slice(&word.to_le_bytes());
                *len += 8;
            }
            next += value_len.div_ceil(8);
            *len = start + value_len;
            if specials != 0 {
                // Seldom enough to be copied.
                let value = bytes[start..*len].to_vec();
                let mut escaped = String::new();
                render_label_value(&mut escaped, std::str::from_utf8(&value).unwrap_or_default());
                bytes[start..start + escaped.len()].copy_from_slice(escaped.as_bytes());
                *len = start + escaped.len();
            } else {
                bytes[*len] = b'"';
                *len += 1;
            }
        }
        push(&mut self.bytes, len, &self.end);
        let mut count = itoa::Buffer::new();
        let number = match number {
            Number::Count(n) => count.format(n),
            Number::Float(value) => {
                self.float.clear();
                if self.format.syntax.is_openmetrics() {
                    write_openmetrics_float(&mut self.float, value);
                } else {
                    write_float(&mut self.float, value);
                }
                self.float.as_str()
            }
        };
        self.bytes[*len..*len + number.len()].copy_from_slice(number.as_bytes());
        *len += number.len();
        self.bytes[*len] = b'\n';
        *len += 1;
    }
}

#[inline]
fn push(bytes: &mut [u8], len: &mut usize, piece: &Piece) {
    let mut at = *len;
    for block in &piece.blocks {
        bytes[at..at + BLOCK].copy_from_slice(block);
        at += BLOCK;
    }
    *len += piece.len;
}

/// Not zero if there is a quote, a backslash or a line feed among the eight bytes; zero bytes behind the end of a value are none. It may be so for other bytes as well.
#[inline]
fn with_specials(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let is_zero = |word: u64| word.wrapping_sub(ONES) & !word & (ONES << 7);
    let is = |byte: u8| is_zero(word ^ (ONES * u64::from(byte)));
    is(b'"') | is(b'\\') | is(b'\n')
}
