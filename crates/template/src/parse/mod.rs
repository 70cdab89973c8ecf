//! Turns tokens into trees. The messages are those of Go's text/template/parse.

mod number;
mod pipeline;

use std::collections::BTreeMap;

use bellwether_model::{go_quote, go_unquote};

use crate::ast::{Branch, Node};
use crate::error::ParseError;
use crate::functions::Functions;
use crate::lexer::{Token, TokenKind, lex};

/// Deepest nesting of blocks and parentheses, so that a hostile template cannot exhaust the stack.
const MAX_NESTING: usize = 100;

/// The templates of a text: its own under its name, and those that it defines.
pub(crate) type TemplateSet = BTreeMap<String, Vec<Node>>;

pub(crate) fn parse(name: &str, text: &str, functions: &Functions) -> Result<TemplateSet, ParseError> {
    let line_of = |pos: usize| text[..pos.min(text.len())].matches('\n').count() + 1;
    let tokens = lex(text).map_err(|e| ParseError {
        name: name.to_owned(),
        line: line_of(e.pos),
        message: e.message,
    })?;
    let mut parser = Parser {
        name,
        text,
        tokens,
        at: 0,
        functions,
        set: BTreeMap::new(),
        vars: vec!["$".to_owned()],
        range_depth: 0,
        nesting: 0,
    };
    let list = parser.top_level()?;
    parser.define(name, list)?;
    Ok(parser.set)
}

struct Parser<'a> {
    name: &'a str,
    text: &'a str,
    tokens: Vec<Token>,
    at: usize,
    functions: &'a Functions,
    set: TemplateSet,
    /// Variables in scope, innermost last.
    vars: Vec<String>,
    range_depth: usize,
    nesting: usize,
}

/// What ended a list of nodes.
enum End {
    End,
    Else,
}

impl Parser<'_> {
    fn top_level(&mut self) -> Result<Vec<Node>, ParseError> {
        let mut nodes = Vec::new();
        loop {
            match self.peek().kind {
                TokenKind::Eof => return Ok(nodes),
                TokenKind::LeftDelim if self.keyword_ahead() == Some("define") => self.definition()?,
                TokenKind::LeftDelim if self.keyword_ahead() == Some("end") => {
                    return self.fail("unexpected {{end}}");
                }
                TokenKind::LeftDelim if self.keyword_ahead() == Some("else") => {
                    return self.fail("unexpected {{else}}");
                }
                _ => nodes.extend(self.text_or_action()?),
            }
        }
    }

    fn peek(&self) -> &Token {
        &self.tokens[self.at.min(self.tokens.len() - 1)]
    }

    fn next(&mut self) -> Token {
        let token = self.peek().clone();
        self.at += 1;
        token
    }

    fn skip_space(&mut self) {
        while self.peek().kind == TokenKind::Space {
            self.at += 1;
        }
    }

    fn peek_non_space(&mut self) -> &Token {
        self.skip_space();
        self.peek()
    }

    fn next_non_space(&mut self) -> Token {
        self.skip_space();
        self.next()
    }

    /// The keyword right behind the `{{` at which the parser stands.
    fn keyword_ahead(&self) -> Option<&str> {
        let token = self.tokens[self.at + 1..].iter().find(|t| t.kind != TokenKind::Space)?;
        (token.kind == TokenKind::Keyword).then_some(token.text.as_str())
    }

    fn fail<T>(&self, message: impl Into<String>) -> Result<T, ParseError> {
        let pos = self.peek().pos.min(self.text.len());
        let line = self.text[..pos].matches('\n').count() + 1;
        Err(ParseError { name: self.name.to_owned(), line, message: message.into() })
    }

    fn unexpected<T>(&self, token: &Token, context: &str) -> Result<T, ParseError> {
        self.fail(format!("unexpected {} in {context}", describe(token)))
    }

    fn expect(&mut self, kind: TokenKind, context: &str) -> Result<Token, ParseError> {
        let token = self.next_non_space();
        if token.kind == kind { Ok(token) } else { self.unexpected(&token, context) }
    }

    fn text_or_action(&mut self) -> Result<Option<Node>, ParseError> {
        let token = self.next();
        match token.kind {
            TokenKind::Text => Ok(Some(Node::Text(token.text))),
            TokenKind::LeftDelim => self.action(),
            _ => self.unexpected(&token, "input"),
        }
    }

    fn action(&mut self) -> Result<Option<Node>, ParseError> {
        if self.peek_non_space().kind != TokenKind::Keyword {
            let pipe = self.pipeline("command", TokenKind::RightDelim)?;
            return Ok(Some(Node::Action(pipe)));
        }
        let keyword = self.next_non_space();
        match keyword.text.as_str() {
            "if" => self.control("if").map(|b| Some(Node::If(b))),
            "with" => self.control("with").map(|b| Some(Node::With(b))),
            "range" => self.control("range").map(|b| Some(Node::Range(b))),
            "template" => self.template_call(keyword.pos).map(Some),
            "block" => self.block(keyword.pos).map(Some),
            word @ ("break" | "continue") => {
                let token = self.next_non_space();
                if token.kind != TokenKind::RightDelim {
                    return self.unexpected(&token, &format!("{{{{{word}}}}}"));
                }
                if self.range_depth == 0 {
                    return self.fail(format!("{{{{{word}}}}} outside {{{{range}}}}"));
                }
                Ok(Some(if word == "break" { Node::Break } else { Node::Continue }))
            }
            "define" => self.unexpected(&keyword, "command"),
            word => self.fail(format!("unexpected {{{{{word}}}}}")),
        }
    }

    /// `{{if pipe}} list {{else}} list {{end}}` and its relatives.
    fn control(&mut self, context: &'static str) -> Result<Branch, ParseError> {
        self.enter()?;
        let scope = self.vars.len();
        let pipe = self.pipeline(context, TokenKind::RightDelim)?;
        if context == "range" {
            self.range_depth += 1;
        }
        let (list, end) = self.item_list()?;
        if context == "range" {
            self.range_depth -= 1;
        }
        let mut else_list = Vec::new();
        if matches!(end, End::Else) {
            // `{{else if x}}` stands for `{{else}}{{if x}}...{{end}}`, with one `{{end}}` for both.
            let chained = match (context, self.peek_non_space()) {
                ("if", token) if token.kind == TokenKind::Keyword && token.text == "if" => Some("if"),
                ("with", token) if token.kind == TokenKind::Keyword && token.text == "with" => Some("with"),
                _ => None,
            };
            if let Some(word) = chained {
                self.next_non_space();
                let branch = self.control(word)?;
                else_list.push(if word == "if" { Node::If(branch) } else { Node::With(branch) });
            } else {
                let token = self.next_non_space();
                if token.kind != TokenKind::RightDelim {
                    return self.unexpected(&token, "else");
                }
                let (list, end) = self.item_list()?;
                if matches!(end, End::Else) {
                    return self.fail("expected end; found {{else}}");
                }
                self.expect(TokenKind::RightDelim, "end")?;
                else_list = list;
            }
        } else {
            self.expect(TokenKind::RightDelim, "end")?;
        }
        self.vars.truncate(scope);
        self.nesting -= 1;
        Ok(Branch { pipe, list, else_list })
    }

    /// Nodes up to `{{end` or `{{else`, whose keyword is consumed.
    fn item_list(&mut self) -> Result<(Vec<Node>, End), ParseError> {
        let mut nodes = Vec::new();
        loop {
            match self.peek().kind {
                TokenKind::Eof => return self.fail("unexpected EOF"),
                TokenKind::LeftDelim => {
                    let end = match self.keyword_ahead() {
                        Some("end") => Some(End::End),
                        Some("else") => Some(End::Else),
                        _ => None,
                    };
                    if let Some(end) = end {
                        self.next();
                        self.next_non_space();
                        return Ok((nodes, end));
                    }
                    nodes.extend(self.text_or_action()?);
                }
                _ => nodes.extend(self.text_or_action()?),
            }
        }
    }

    fn enter(&mut self) -> Result<(), ParseError> {
        self.nesting += 1;
        if self.nesting > MAX_NESTING {
            return self.fail(format!("nested deeper than {MAX_NESTING} levels"));
        }
        Ok(())
    }

    fn definition(&mut self) -> Result<(), ParseError> {
        self.next();
        self.next_non_space();
        let name = self.template_name("define clause")?;
        self.expect(TokenKind::RightDelim, "define clause")?;
        let list = self.body_of_definition("define clause")?;
        self.define(&name, list)
    }

    /// The nodes of a definition, in a scope of its own.
    fn body_of_definition(&mut self, context: &str) -> Result<Vec<Node>, ParseError> {
        self.enter()?;
        let outer = std::mem::replace(&mut self.vars, vec!["$".to_owned()]);
        let ranges = std::mem::take(&mut self.range_depth);
        let (list, end) = self.item_list()?;
        if matches!(end, End::Else) {
            return self.fail(format!("unexpected {{{{else}}}} in {context}"));
        }
        self.expect(TokenKind::RightDelim, "end")?;
        self.vars = outer;
        self.range_depth = ranges;
        self.nesting -= 1;
        Ok(list)
    }

    fn define(&mut self, name: &str, list: Vec<Node>) -> Result<(), ParseError> {
        let is_empty =
            |nodes: &[Node]| nodes.iter().all(|n| matches!(n, Node::Text(t) if t.trim().is_empty()));
        match self.set.get(name) {
            Some(old) if !is_empty(old) && is_empty(&list) => Ok(()),
            Some(old) if !is_empty(old) => {
                self.fail(format!("template: multiple definition of template {}", go_quote(name)))
            }
            _ => {
                self.set.insert(name.to_owned(), list);
                Ok(())
            }
        }
    }

    fn template_name(&mut self, context: &str) -> Result<String, ParseError> {
        let token = self.next_non_space();
        match token.kind {
            TokenKind::String | TokenKind::RawString => self.unquote(&token),
            _ => self.unexpected(&token, context),
        }
    }

    fn template_call(&mut self, pos: usize) -> Result<Node, ParseError> {
        let name = self.template_name("template clause")?;
        let pipe = if self.peek_non_space().kind == TokenKind::RightDelim {
            self.next();
            None
        } else {
            Some(self.pipeline("template clause", TokenKind::RightDelim)?)
        };
        Ok(Node::Template { pos, name, pipe })
    }

    fn block(&mut self, pos: usize) -> Result<Node, ParseError> {
        let name = self.template_name("block clause")?;
        let pipe = self.pipeline("block clause", TokenKind::RightDelim)?;
        let list = self.body_of_definition("block clause")?;
        self.define(&name, list)?;
        Ok(Node::Template { pos, name, pipe: Some(pipe) })
    }

    fn unquote(&self, token: &Token) -> Result<String, ParseError> {
        match go_unquote(&token.text) {
            Some(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
            None => self.fail(format!("invalid syntax in string {}", token.text)),
        }
    }
}

/// A token as error messages show it.
fn describe(token: &Token) -> String {
    match token.kind {
        TokenKind::Eof => "EOF".to_owned(),
        TokenKind::Keyword => format!("<{}>", token.text),
        _ if token.text.len() > 10 => {
            format!("{}...", go_quote(&token.text.chars().take(10).collect::<String>()))
        }
        _ => go_quote(&token.text),
    }
}
