/// Which escapes a text uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Escapes {
    /// None: protobuf has lengths.
    None,
    /// `\"`, `\\` and `\n`: label values, quoted names and, in OpenMetrics, help texts.
    Quoted,
    /// `\\` and `\n`: help texts of text 0.0.4.
    Help,
}

/// A text as it stands in the exposition, escapes included, borrowed from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Escaped<'a> {
    text: &'a str,
    escapes: Escapes,
}

impl<'a> Escaped<'a> {
    /// A text that means what it says.
    pub(crate) fn plain(text: &'a str) -> Self {
        Self { text, escapes: Escapes::None }
    }

    /// What stands between two quotes, or a plain name.
    pub(crate) fn quoted(text: &'a str) -> Self {
        Self { text, escapes: Escapes::Quoted }
    }

    /// A help text of text 0.0.4.
    pub(crate) fn help(text: &'a str) -> Self {
        Self { text, escapes: Escapes::Help }
    }

    /// The text as written.
    pub fn as_written(self) -> &'a str {
        self.text
    }

    /// The text that is meant. It is the written one if nothing is escaped; otherwise it is built in `scratch`, whose content is
    /// replaced.
    pub fn unescape<'s>(self, scratch: &'s mut String) -> &'s str
    where
        'a: 's,
    {
        match self.first_escape() {
            None => self.text,
            Some(first) => {
                scratch.clear();
                self.unescape_from(first, scratch);
                scratch
            }
        }
    }

    /// Appends the text that is meant to `out`.
    pub fn unescape_onto(self, out: &mut String) {
        self.unescape_from(self.first_escape().unwrap_or(self.text.len()), out);
    }

    /// Whether the text that is meant is `other`.
    pub fn means(self, other: &str) -> bool {
        if self.first_escape().is_none() {
            return self.text == other;
        }
        let mut meant = String::with_capacity(self.text.len());
        self.unescape_onto(&mut meant);
        meant == other
    }

    fn first_escape(self) -> Option<usize> {
        match self.escapes {
            Escapes::None => None,
            Escapes::Quoted | Escapes::Help => memchr::memchr(b'\\', self.text.as_bytes()),
        }
    }

    /// `first` is the position of the first backslash, or the length. A backslash before any other character stands for itself.
    fn unescape_from(self, first: usize, out: &mut String) {
        let (plain, mut rest) = self.text.split_at(first);
        out.push_str(plain);
        while let Some(after) = rest.strip_prefix('\\') {
            let (meant, taken) = match after.as_bytes().first() {
                Some(b'\\') => ('\\', 1),
                Some(b'n') => ('\n', 1),
                Some(b'"') if self.escapes == Escapes::Quoted => ('"', 1),
                _ => ('\\', 0),
            };
            out.push(meant);
            let after = &after[taken..];
            let next = memchr::memchr(b'\\', after.as_bytes()).unwrap_or(after.len());
            let (plain, tail) = after.split_at(next);
            out.push_str(plain);
            rest = tail;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unescapes() {
        let check = |text: &str, quoted: &str, help: &str| {
            let mut scratch = "old".to_owned();
            assert_eq!(Escaped::quoted(text).unescape(&mut scratch), quoted);
            assert_eq!(Escaped::help(text).unescape(&mut scratch), help);
            assert_eq!(Escaped::plain(text).unescape(&mut scratch), text);
            let mut out = "x".to_owned();
            Escaped::quoted(text).unescape_onto(&mut out);
            assert_eq!(out, format!("x{quoted}"));
            assert!(Escaped::quoted(text).means(quoted));
            assert!(!Escaped::quoted(text).means("x"));
        };
        check("plain", "plain", "plain");
        check("", "", "");
        check(r"a\nb", "a\nb", "a\nb");
        check(r#"\"q\""#, "\"q\"", r#"\"q\""#);
        check(r"\\n", r"\n", r"\n");
        check(r"\\\n", "\\\n", "\\\n");
        check(r"\x\", r"\x\", r"\x\");
        check("\\\u{20ac}", "\\\u{20ac}", "\\\u{20ac}");
    }
}
