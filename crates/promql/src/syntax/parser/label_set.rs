use bellwether_model::{Labels, METRIC_NAME};

use super::{Parse, Parser};
use crate::syntax::error::ParseErrors;
use crate::syntax::options::{ParserLimits, ParserOptions};
use crate::syntax::quote::unquote;
use crate::syntax::token::TokenKind;

/// Reads the label set at the start of a series line, and returns where it ends. A line without one has the empty label set.
pub(in crate::syntax) fn parse_series_labels(line: &str) -> Result<(Labels, usize), ParseErrors> {
    // Lines come from files, whose size is limited elsewhere.
    let limits = ParserLimits { max_bytes: usize::MAX, ..ParserLimits::default() };
    let mut parser = Parser::new(line.as_bytes(), ParserOptions { limits, ..ParserOptions::default() });
    match parser.series_labels() {
        Ok(done) if parser.errors.is_empty() => Ok(done),
        _ => Err(ParseErrors::new(line, parser.errors)),
    }
}

impl Parser<'_> {
    fn series_labels(&mut self) -> Parse<(Labels, usize)> {
        let mut name = None;
        let mut braces_follow = true;
        let first = self.peek();
        // Without a label set, values would begin right there.
        let mut end = self.last.span.start as usize;
        if first.is_metric_name() {
            let token = self.take();
            end = token.span.end as usize;
            name = Some(self.text(token).into_owned());
            // Behind a blank, braces would be a value.
            braces_follow = self.input.get(end) == Some(&b'{');
        }
        let mut labels = Vec::new();
        if braces_follow && self.peek() == TokenKind::LeftBrace {
            (labels, end) = self.label_set()?;
        }
        labels.extend(name.map(|name| (METRIC_NAME.to_owned(), name)));
        Ok((Labels::from_pairs(labels), end))
    }

    /// Labels between braces, and where the braces end.
    fn label_set(&mut self) -> Parse<(Vec<(String, String)>, usize)> {
        const CONTEXT: &str = "label set";
        self.take();
        let mut labels = Vec::new();
        loop {
            match self.label_set_item() {
                Ok(label) => labels.extend(label),
                Err(unwind) => self.recover(unwind, CONTEXT, "identifier or \"}\"")?,
            }
            loop {
                match self.peek() {
                    TokenKind::RightBrace => {
                        let close = self.take();
                        return Ok((labels, close.span.end as usize));
                    }
                    TokenKind::Comma => {
                        self.take();
                        break;
                    }
                    _ => {
                        if let Err(unwind) = self.misfit() {
                            self.recover(unwind, CONTEXT, "\",\" or \"}\"")?;
                        }
                    }
                }
            }
        }
    }

    /// A label; nothing at the right brace, or if the label is wrong and that was said.
    fn label_set_item(&mut self) -> Parse<Option<(String, String)>> {
        let name = loop {
            match self.peek() {
                TokenKind::RightBrace => return Ok(None),
                TokenKind::Identifier | TokenKind::String => break self.take(),
                _ => self.misfit()?,
            }
        };
        let text = self.text(name);
        let quoted = name.kind == TokenKind::String;
        let label = if quoted { unquote(&text) } else { text.into_owned() };
        if quoted && self.peek() != TokenKind::Assign {
            // A quoted name on its own is the name of the metric.
            return Ok(Some((METRIC_NAME.to_owned(), label)));
        }
        if let Err(unwind) = self.expect(TokenKind::Assign) {
            self.recover(unwind, "label set", "\"=\"")?;
            return Ok(None);
        }
        match self.expect(TokenKind::String) {
            Ok(value) => Ok(Some((label, unquote(&self.text(value))))),
            Err(unwind) => {
                self.recover(unwind, "label set", "string")?;
                Ok(None)
            }
        }
    }
}
