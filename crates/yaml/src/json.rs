//! JSON into the same tree. JSON is not quite YAML (tabs, surrogate pairs), so it has its own small reader.

use std::sync::Arc;

use crate::error::{Error, ErrorKind};
use crate::position::Position;
use crate::scalar::Style;
use crate::tree::{Content, EntryData, MAX_DEPTH, NodeId, Tree};

/// The tree of a JSON text.
pub(crate) fn load(name: &Arc<str>, text: &str) -> Result<(Tree, NodeId), Error> {
    let mut reader =
        Reader { name, rest: text, line: 1, line_start: text.len(), tree: Tree::default(), depth: 0 };
    reader.skip_space();
    let root = reader.value()?;
    reader.skip_space();
    match reader.peek() {
        None => Ok((reader.tree, root)),
        Some(c) => Err(reader.error(format!("json: invalid character {c:?} after top-level value"))),
    }
}

struct Reader<'t> {
    name: &'t Arc<str>,
    rest: &'t str,
    line: u32,
    /// The number of bytes from the start of the current line to the end of the text.
    line_start: usize,
    tree: Tree,
    depth: u32,
}

impl<'t> Reader<'t> {
    fn value(&mut self) -> Result<NodeId, Error> {
        let position = self.position();
        match self.peek() {
            Some('{') => self.nested(Self::object),
            Some('[') => self.nested(Self::array),
            Some('"') => {
                let text = self.string()?;
                self.add(position, Content::Scalar { text: text.into(), style: Style::Quoted })
            }
            Some('-' | '0'..='9' | 't' | 'f' | 'n') => {
                let text = self.word()?;
                self.add(position, Content::Scalar { text: text.into(), style: Style::Plain })
            }
            _ => Err(self.unexpected("looking for beginning of value")),
        }
    }

    fn nested(&mut self, read: impl FnOnce(&mut Self) -> Result<Content, Error>) -> Result<NodeId, Error> {
        let position = self.position();
        let at = |name: &Arc<str>, kind| Error::new(name, position, kind);
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(at(self.name, ErrorKind::TooDeep { limit: MAX_DEPTH }));
        }
        let id = self.add(position, Content::Open)?;
        self.advance(1);
        self.skip_space();
        let content = read(self)?;
        self.depth -= 1;
        self.tree.close(id, content).map_err(|kind| at(self.name, kind))?;
        Ok(id)
    }

    fn object(&mut self) -> Result<Content, Error> {
        let mut entries = Vec::new();
        if self.eat('}') {
            return Ok(Content::Mapping(entries));
        }
        loop {
            self.skip_space();
            if self.peek() != Some('"') {
                return Err(self.unexpected("looking for beginning of object key string"));
            }
            let position = self.position();
            let text = self.string()?;
            let key = self.add(position, Content::Scalar { text: text.into(), style: Style::Quoted })?;
            self.skip_space();
            if !self.eat(':') {
                return Err(self.unexpected("after object key"));
            }
            self.skip_space();
            let value = self.value()?;
            entries.push(EntryData { key, value, merged: false });
            self.skip_space();
            if self.eat('}') {
                return Ok(Content::Mapping(entries));
            }
            if !self.eat(',') {
                return Err(self.unexpected("after object key:value pair"));
            }
        }
    }

    fn array(&mut self) -> Result<Content, Error> {
        let mut items = Vec::new();
        if self.eat(']') {
            return Ok(Content::Sequence(items));
        }
        loop {
            self.skip_space();
            items.push(self.value()?);
            self.skip_space();
            if self.eat(']') {
                return Ok(Content::Sequence(items));
            }
            if !self.eat(',') {
                return Err(self.unexpected("after array element"));
            }
        }
    }

    /// `true`, `false`, `null` or a number.
    fn word(&mut self) -> Result<&'t str, Error> {
        let len = self.rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.')));
        let word = &self.rest[..len.unwrap_or(self.rest.len())];
        if !(matches!(word, "true" | "false" | "null") || is_number(word)) {
            return Err(self.error(format!("json: invalid literal {:?}", shorten(word))));
        }
        self.advance(word.len());
        Ok(word)
    }

    fn string(&mut self) -> Result<String, Error> {
        self.advance(1);
        let mut out = String::new();
        loop {
            let plain = self.rest.find(['"', '\\']).unwrap_or(self.rest.len());
            if let Some(control) = self.rest[..plain].find(|c: char| (c as u32) < 0x20) {
                self.advance(control);
                return Err(self.unexpected("in string literal"));
            }
            out.push_str(&self.rest[..plain]);
            self.advance(plain);
            match self.peek() {
                None => return Err(self.error("json: unexpected end of JSON input".to_owned())),
                Some('"') => {
                    self.advance(1);
                    return Ok(out);
                }
                Some(_) => out.push(self.escape()?),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Error> {
        self.advance(1);
        let c = match self.peek() {
            Some(c @ ('"' | '\\' | '/')) => c,
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('u') => {
                self.advance(1);
                return self.unicode_escape();
            }
            _ => return Err(self.unexpected("in string escape code")),
        };
        self.advance(1);
        Ok(c)
    }

    /// After `\u`: four digits, or twice four for a character outside the basic plane. Half a pair becomes the
    /// replacement character, as in Go.
    fn unicode_escape(&mut self) -> Result<char, Error> {
        let first = self.hex4()?;
        if !(0xd800..0xdc00).contains(&first) {
            return Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        if let Some(rest) = self.rest.strip_prefix("\\u")
            && let Some(second) = rest.get(..4).and_then(parse_hex4)
            && (0xdc00..0xe000).contains(&second)
        {
            self.advance(6);
            let code = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
            return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        Ok(char::REPLACEMENT_CHARACTER)
    }

    fn hex4(&mut self) -> Result<u32, Error> {
        match self.rest.get(..4).and_then(parse_hex4) {
            Some(code) => {
                self.advance(4);
                Ok(code)
            }
            None => Err(self.unexpected("in \\u hexadecimal character escape")),
        }
    }

    fn add(&mut self, position: Position, content: Content) -> Result<NodeId, Error> {
        self.tree.add(position, None, content).map_err(|kind| Error::new(self.name, position, kind))
    }

    fn skip_space(&mut self) {
        loop {
            match self.peek() {
                Some(' ' | '\t' | '\r') => self.advance(1),
                Some('\n') => {
                    self.advance(1);
                    self.line += 1;
                    self.line_start = self.rest.len();
                }
                _ => return,
            }
        }
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn eat(&mut self, c: char) -> bool {
        let found = self.peek() == Some(c);
        if found {
            self.advance(c.len_utf8());
        }
        found
    }

    fn advance(&mut self, len: usize) {
        self.rest = &self.rest[len..];
    }

    fn position(&self) -> Position {
        // Bytes instead of characters: JSON is written by programs, and a long line must not cost its square.
        Position { line: self.line, column: (self.line_start - self.rest.len()) as u32 + 1 }
    }

    fn unexpected(&self, context: &str) -> Error {
        match self.peek() {
            Some(c) => self.error(format!("json: invalid character {c:?} {context}")),
            None => self.error("json: unexpected end of JSON input".to_owned()),
        }
    }

    fn error(&self, message: String) -> Error {
        Error::new(self.name, self.position(), ErrorKind::Syntax(message))
    }
}

fn parse_hex4(digits: &str) -> Option<u32> {
    // `from_str_radix` would also take a sign.
    if digits.bytes().all(|b| b.is_ascii_hexdigit()) { u32::from_str_radix(digits, 16).ok() } else { None }
}

/// The grammar of RFC 8259: no leading zeros, digits on both sides of the point.
fn is_number(word: &str) -> bool {
    let body = word.strip_prefix('-').unwrap_or(word);
    let (mantissa, exponent) = match body.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (body, None),
    };
    let (int, frac) = match mantissa.split_once('.') {
        Some((int, frac)) => (int, Some(frac)),
        None => (mantissa, None),
    };
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    digits(int)
        && (int == "0" || !int.starts_with('0'))
        && frac.is_none_or(digits)
        && exponent.is_none_or(digits)
}

fn shorten(word: &str) -> String {
    word.chars().take(20).collect()
}
