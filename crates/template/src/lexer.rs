//! Splits a template into text and the tokens of its actions.

use bellwether_model::{go_code_point, go_quote};

/// One token of a template.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) pos: usize,
    /// As written.
    pub(crate) text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// What is outside of actions.
    Text,
    LeftDelim,
    RightDelim,
    /// Blanks between the words of an action; they separate arguments.
    Space,
    Ident,
    Keyword,
    /// `.name`
    Field,
    /// `$name`
    Variable,
    Dot,
    Bool,
    Nil,
    Number,
    CharConstant,
    String,
    RawString,
    Assign,
    Declare,
    Pipe,
    LeftParen,
    RightParen,
    Comma,
    Eof,
}

/// Why the text could not be split, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LexError {
    pub(crate) pos: usize,
    pub(crate) message: String,
}

const KEYWORDS: [&str; 10] =
    ["block", "break", "continue", "define", "else", "end", "if", "range", "template", "with"];
const LEFT: &str = "{{";
const RIGHT: &str = "}}";

/// Splits `text`; the last token is the end of the text.
pub(crate) fn lex(text: &str) -> Result<Vec<Token>, LexError> {
    let mut lexer = Lexer { text, at: 0, tokens: Vec::new(), parens: 0 };
    lexer.run()?;
    Ok(lexer.tokens)
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    tokens: Vec<Token>,
    parens: usize,
}

impl<'a> Lexer<'a> {
    fn run(&mut self) -> Result<(), LexError> {
        let mut trim_next = false;
        loop {
            let rest = self.rest();
            let (end, found) = match rest.find(LEFT) {
                Some(end) => (end, true),
                None => (rest.len(), false),
            };
            let mut text = &rest[..end];
            let text_pos = self.at;
            if trim_next {
                text = text.trim_start_matches(is_space);
            }
            if found && starts_with_trim_marker(&rest[end + LEFT.len()..]) {
                text = text.trim_end_matches(is_space);
            }
            if !text.is_empty() {
                let text = text.to_owned();
                self.tokens.push(Token { kind: TokenKind::Text, pos: text_pos, text });
            }
            self.at += end;
            if !found {
                self.push(TokenKind::Eof, self.at);
                return Ok(());
            }
            trim_next = self.action()?;
        }
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn push(&mut self, kind: TokenKind, start: usize) {
        let text = self.text[start..self.at].to_owned();
        self.tokens.push(Token { kind, pos: start, text });
    }

    fn error<T>(pos: usize, message: impl Into<String>) -> Result<T, LexError> {
        Err(LexError { pos, message: message.into() })
    }

    /// Reads from `{{` to `}}`; returns whether blanks after it are trimmed.
    fn action(&mut self) -> Result<bool, LexError> {
        let start = self.at;
        self.at += LEFT.len();
        let trims_left = starts_with_trim_marker(self.rest());
        let after_marker = if trims_left { 2 } else { 0 };
        if self.rest()[after_marker..].starts_with("/*") {
            return self.comment(after_marker);
        }
        self.at = start + LEFT.len();
        self.push(TokenKind::LeftDelim, start);
        self.at += after_marker;
        self.parens = 0;
        loop {
            if let Some(trims) = self.right_delim() {
                if self.parens > 0 {
                    return Self::error(self.at, "unclosed left paren");
                }
                let start = self.at;
                self.at += if trims { 2 } else { 0 } + RIGHT.len();
                self.push(TokenKind::RightDelim, start);
                return Ok(trims);
            }
            self.word()?;
        }
    }

    fn comment(&mut self, after_marker: usize) -> Result<bool, LexError> {
        let start = self.at;
        self.at += after_marker;
        let Some(end) = self.rest().find("*/") else { return Self::error(start, "unclosed comment") };
        self.at += end + 2;
        match self.right_delim() {
            Some(trims) => {
                self.at += if trims { 2 } else { 0 } + RIGHT.len();
                Ok(trims)
            }
            None => Self::error(start, "comment ends before closing delimiter"),
        }
    }

    /// Whether the action ends here, and if so whether it trims what follows.
    fn right_delim(&self) -> Option<bool> {
        let rest = self.rest();
        if rest.starts_with(RIGHT) {
            return Some(false);
        }
        let mut chars = rest.chars();
        let trims = chars.next().is_some_and(is_space) && chars.next() == Some('-');
        (trims && chars.as_str().starts_with(RIGHT)).then_some(true)
    }

    fn word(&mut self) -> Result<(), LexError> {
        let start = self.at;
        let Some(c) = self.rest().chars().next() else { return Self::error(start, "unclosed action") };
        self.at += c.len_utf8();
        match c {
            c if is_space(c) => {
                while self.rest().chars().next().is_some_and(is_space) && self.right_delim().is_none() {
                    self.at += 1;
                }
                self.push(TokenKind::Space, start);
            }
            '=' => self.push(TokenKind::Assign, start),
            ':' => {
                if !self.rest().starts_with('=') {
                    return Self::error(start, "expected :=");
                }
                self.at += 1;
                self.push(TokenKind::Declare, start);
            }
            '|' => self.push(TokenKind::Pipe, start),
            ',' => self.push(TokenKind::Comma, start),
            '(' => {
                self.parens += 1;
                self.push(TokenKind::LeftParen, start);
            }
            ')' => {
                if self.parens == 0 {
                    return Self::error(start, "unexpected right paren");
                }
                self.parens -= 1;
                self.push(TokenKind::RightParen, start);
            }
            '"' => self.quoted('"', start, "unterminated quoted string", TokenKind::String)?,
            '\'' => self.quoted('\'', start, "unterminated character constant", TokenKind::CharConstant)?,
            '`' => {
                let Some(end) = self.rest().find('`') else {
                    return Self::error(start, "unterminated raw quoted string");
                };
                self.at += end + 1;
                self.push(TokenKind::RawString, start);
            }
            '$' => {
                self.alphanumeric();
                self.check_terminator()?;
                self.push(TokenKind::Variable, start);
            }
            '.' if !self.rest().starts_with(|c: char| c.is_ascii_digit()) => {
                if self.rest().starts_with(is_alphanumeric) {
                    self.alphanumeric();
                    self.check_terminator()?;
                    self.push(TokenKind::Field, start);
                } else {
                    self.check_terminator()?;
                    self.push(TokenKind::Dot, start);
                }
            }
            c if c == '+' || c == '-' || c == '.' || c.is_ascii_digit() => self.number(start)?,
            c if is_alphanumeric(c) => {
                self.alphanumeric();
                self.check_terminator()?;
                let kind = match &self.text[start..self.at] {
                    "true" | "false" => TokenKind::Bool,
                    "nil" => TokenKind::Nil,
                    word if KEYWORDS.contains(&word) => TokenKind::Keyword,
                    _ => TokenKind::Ident,
                };
                self.push(kind, start);
            }
            c => {
                return Self::error(start, format!("unrecognized character in action: {}", go_code_point(c)));
            }
        }
        Ok(())
    }

    fn alphanumeric(&mut self) {
        let len = self.rest().find(|c| !is_alphanumeric(c)).unwrap_or(self.rest().len());
        self.at += len;
    }

    /// A name must be followed by something that ends it.
    fn check_terminator(&self) -> Result<(), LexError> {
        match self.rest().chars().next() {
            None | Some('.' | ',' | '|' | ':' | ')' | '(') => Ok(()),
            Some(c) if is_space(c) => Ok(()),
            Some(_) if self.rest().starts_with(RIGHT) => Ok(()),
            Some(c) => Self::error(self.at, format!("bad character {}", go_code_point(c))),
        }
    }

    fn quoted(&mut self, quote: char, start: usize, message: &str, kind: TokenKind) -> Result<(), LexError> {
        loop {
            match self.rest().chars().next() {
                None | Some('\n') => return Self::error(start, message),
                Some('\\') => {
                    self.at += 1;
                    match self.rest().chars().next() {
                        None | Some('\n') => return Self::error(start, message),
                        Some(c) => self.at += c.len_utf8(),
                    }
                }
                Some(c) => {
                    self.at += c.len_utf8();
                    if c == quote {
                        break;
                    }
                }
            }
        }
        self.push(kind, start);
        Ok(())
    }

    fn number(&mut self, start: usize) -> Result<(), LexError> {
        let hex = self.text[start..].trim_start_matches(['+', '-']).starts_with("0x");
        let mut previous = self.text[start..].chars().next().unwrap_or(' ');
        while let Some(c) = self.rest().chars().next() {
            let sign_of_exponent = matches!(c, '+' | '-')
                && (matches!(previous, 'p' | 'P') || (!hex && matches!(previous, 'e' | 'E')));
            if !(c.is_ascii_alphanumeric() || c == '.' || c == '_' || sign_of_exponent) {
                break;
            }
            previous = c;
            self.at += 1;
        }
        let text = &self.text[start..self.at];
        if matches!(text, "+" | "-" | ".") || self.rest().starts_with(is_alphanumeric) {
            return Self::error(start, format!("bad number syntax: {}", go_quote(text)));
        }
        self.push(TokenKind::Number, start);
        Ok(())
    }
}

fn starts_with_trim_marker(rest: &str) -> bool {
    let mut chars = rest.chars();
    chars.next() == Some('-') && chars.next().is_some_and(is_space)
}

pub(crate) fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

fn is_alphanumeric(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        lex(text).expect("lexes").into_iter().filter(|t| t.kind != TokenKind::Space).map(|t| t.text).collect()
    }

    #[test]
    fn splits() {
        assert_eq!(texts("a{{ .b|c -1 }}d"), ["a", "{{", ".b", "|", "c", "-1", "}}", "d", ""]);
        assert_eq!(texts("a {{- $x := 1e+5 -}} b"), ["a", "{{", "$x", ":=", "1e+5", " -}}", "b", ""]);
        assert_eq!(texts("x{{/* no */}}y {{- /* no */ -}} z"), ["x", "y", "z", ""]);
    }

    #[test]
    fn complains() {
        let message = |text: &str| lex(text).map_err(|e| e.message);
        assert_eq!(message("{{"), Err("unclosed action".to_owned()));
        assert_eq!(message("{{ \"x }}"), Err("unterminated quoted string".to_owned()));
        assert_eq!(message("{{ (1 }}"), Err("unclosed left paren".to_owned()));
        assert!(message("{{ 0x5 }}").is_ok());
        assert_eq!(message("{{/* }}"), Err("unclosed comment".to_owned()));
        assert_eq!(message("{{ a*b }}"), Err("bad character U+002A '*'".to_owned()));
    }
}
