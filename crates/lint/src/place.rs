//! Where a part of a scalar stands in the file that it was read from.

use bellwether_promql::syntax::TextSpan;
use bellwether_yaml::Position;

/// As many characters lie between two whose offsets are known.
const STRIDE: usize = 256;

/// A text that knows where its lines begin, and where it is in a line that is long: some files are one line.
#[derive(Debug)]
pub(crate) struct Lines {
    text: String,
    /// The number of the first character of each line.
    starts: Vec<usize>,
    /// The byte offset of each character whose number is a multiple of [`STRIDE`].
    offsets: Vec<usize>,
}

impl Lines {
    pub(crate) fn new(text: String) -> Self {
        let (mut starts, mut offsets) = (vec![0], Vec::new());
        for (number, (at, c)) in text.char_indices().enumerate() {
            if number % STRIDE == 0 {
                offsets.push(at);
            }
            if c == '\n' {
                starts.push(number + 1);
            }
        }
        Self { text, starts, offsets }
    }

    /// All of it.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The rest of the text from a place on.
    fn from(&self, place: Position) -> Option<&str> {
        let number = self.starts.get(place.line as usize - 1)? + place.column as usize - 1;
        let near = &self.text[*self.offsets.get(number / STRIDE)?..];
        let (at, _) = near.char_indices().nth(number % STRIDE)?;
        Some(&near[at..])
    }

    /// The first character of the part and the one behind its last, if `value` is what the scalar at `start` means.
    ///
    /// Folding, indentation and quotes change blanks and add backslashes and quotes; all other characters stand in the file as they are in the value, in the same order.
    pub(crate) fn locate(
        &self,
        start: Position,
        value: &str,
        span: TextSpan,
    ) -> Option<(Position, Position)> {
        let (first, last) = (span.start as usize, span.end as usize);
        let visible = |(_, c): &(usize, char)| !c.is_whitespace();
        let mut raw = Characters::of_scalar(self.from(start)?, start)?;
        let (mut from, mut to) = (None, start);
        for (at, c) in value.char_indices().filter(visible).take_while(|(at, _)| *at < last.max(first)) {
            let place = raw.find(c)?;
            if at >= first {
                from.get_or_insert(place);
            }
            to = Position { column: place.column + 1, ..place };
        }
        // Where something is missing there is nothing but the end of what is there.
        Some((from.unwrap_or(to), to))
    }
}

/// The characters of a text with their places.
struct Characters<'t> {
    rest: std::str::Chars<'t>,
    next: Position,
    /// What may stand before characters that are meant: a backslash or a second quote.
    escape: Option<char>,
}

impl<'t> Characters<'t> {
    /// From the first character of the content of the scalar at `start`, where `text` begins.
    fn of_scalar(text: &'t str, start: Position) -> Option<Self> {
        let mut raw = Self { rest: text.chars(), next: start, escape: None };
        loop {
            match raw.peek()? {
                // An anchor or a tag.
                '&' | '!' => while raw.advance().is_some_and(|c| !c.is_whitespace()) {},
                c if c.is_whitespace() => drop(raw.advance()),
                '|' | '>' => {
                    while raw.advance().is_some_and(|c| c != '\n') {}
                    return Some(raw);
                }
                quote @ ('"' | '\'') => {
                    raw.advance();
                    raw.escape = Some(if quote == '"' { '\\' } else { quote });
                    return Some(raw);
                }
                _ => return Some(raw),
            }
        }
    }

    fn peek(&self) -> Option<char> {
        self.rest.clone().next()
    }

    fn advance(&mut self) -> Option<char> {
        let c = self.rest.next()?;
        self.next = match c {
            '\n' => Position { line: self.next.line + 1, column: 1 },
            _ => Position { column: self.next.column + 1, ..self.next },
        };
        Some(c)
    }

    /// The place of the next character that is no blank, which must be `wanted`.
    fn find(&mut self, wanted: char) -> Option<Position> {
        loop {
            let place = self.next;
            let c = self.advance()?;
            // `\"`, `\\` and `''`.
            let is_escape = self.escape == Some(c) && self.peek() == Some(wanted);
            if c == wanted && !is_escape {
                return Some(place);
            }
            if !c.is_whitespace() && !is_escape {
                return None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locate(text: &str, start: Position, value: &str, span: TextSpan) -> Option<(Position, Position)> {
        Lines::new(text.to_owned()).locate(start, value, span)
    }

    #[test]
    fn parts_are_found_in_every_kind_of_scalar() {
        let check = |text: &str, start: (u32, u32), value: &str, part: &str, want: [(u32, u32); 2]| {
            let at = value.find(part).expect("a part of the value");
            let start = Position { line: start.0, column: start.1 };
            let found = locate(text, start, value, TextSpan::new(at, at + part.len()));
            let want = want.map(|(line, column)| Position { line, column });
            assert_eq!(found, Some((want[0], want[1])), "{text:?}");
        };
        check("expr: sum(x) > 1", (1, 7), "sum(x) > 1", "x", [(1, 11), (1, 12)]);
        check("é: sum(ü) > 1", (1, 4), "sum(ü) > 1", "> 1", [(1, 11), (1, 14)]);
        check("expr: 'x{a=''b''} > 1'", (1, 7), "x{a='b'} > 1", "> 1", [(1, 19), (1, 22)]);
        check(r#"expr: "x{a=\"b\"} > 1""#, (1, 7), r#"x{a="b"} > 1"#, r#"a="b""#, [(1, 10), (1, 17)]);
        check("expr: |\n  sum(x)\n    > 1\n", (1, 7), "sum(x)\n  > 1\n", "> 1", [(3, 5), (3, 8)]);
        check("expr: >-\n  sum(x)\n  > 1\n", (1, 7), "sum(x) > 1", "sum(x) > 1", [(2, 3), (3, 6)]);
        check("expr: &a !!str sum(x) > 1", (1, 7), "sum(x) > 1", "sum", [(1, 16), (1, 19)]);
        check("é: a\nexpr: sum(x)\r\nb: c", (2, 7), "sum(x)", "x", [(2, 11), (2, 12)]);
        check("expr: sum(x)\n  > 1", (1, 7), "sum(x) > 1", "1", [(2, 5), (2, 6)]);
        let end = locate("expr: sum(x  # y", Position { line: 1, column: 7 }, "sum(x", TextSpan::new(5, 5));
        let behind = Position { line: 1, column: 12 };
        assert_eq!(end, Some((behind, behind)), "an empty part");
    }

    #[test]
    fn every_character_is_found_by_its_place() {
        let text = ["ab\n", "é日\n", &"éx日".repeat(STRIDE), "\n\n", &"y".repeat(STRIDE), "z"].concat();
        let lines = Lines::new(text.clone());
        let mut place = Position { line: 1, column: 1 };
        for (at, c) in text.char_indices() {
            assert_eq!(lines.from(place), Some(&text[at..]), "{place}");
            place = match c {
                '\n' => Position { line: place.line + 1, column: 1 },
                _ => Position { column: place.column + 1, ..place },
            };
        }
        assert_eq!(lines.from(place), None);
    }

    #[test]
    fn what_does_not_stand_there_is_not_found() {
        assert_eq!(
            locate("expr: \"\\x61\"", Position { line: 1, column: 7 }, "a", TextSpan::new(0, 1)),
            None
        );
        assert_eq!(locate("a", Position { line: 9, column: 1 }, "a", TextSpan::new(0, 1)), None);
    }
}
