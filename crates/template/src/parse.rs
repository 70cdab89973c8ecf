//! Turns tokens into trees. The messages are those of Go's text/template/parse.

use std::collections::BTreeMap;

use bellwether_model::go_unquote;

use crate::ast::{Arg, ArgKind, Branch, Command, Node, Number, Pipe};
use crate::error::ParseError;
use crate::format::quote;
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

    // Tokens.

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

    // Nodes.

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
                self.fail(format!("template: multiple definition of template {}", quote(name)))
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

    // Pipelines.

    fn pipeline(&mut self, context: &str, end: TokenKind) -> Result<Pipe, ParseError> {
        let pos = self.peek_non_space().pos;
        let mut pipe = Pipe { pos, is_assign: false, decl: Vec::new(), commands: Vec::new() };
        self.declarations(&mut pipe, context)?;
        loop {
            let token = self.peek_non_space().clone();
            match token.kind {
                kind if kind == end => {
                    self.next();
                    self.check_pipeline(&pipe, context)?;
                    return Ok(pipe);
                }
                TokenKind::Bool
                | TokenKind::CharConstant
                | TokenKind::Dot
                | TokenKind::Field
                | TokenKind::Ident
                | TokenKind::Number
                | TokenKind::Nil
                | TokenKind::RawString
                | TokenKind::String
                | TokenKind::Variable
                | TokenKind::LeftParen => {
                    let command = self.command()?;
                    pipe.commands.push(command);
                }
                _ => return self.unexpected(&token, context),
            }
        }
    }

    fn declarations(&mut self, pipe: &mut Pipe, context: &str) -> Result<(), ParseError> {
        while self.peek_non_space().kind == TokenKind::Variable {
            let start = self.at;
            let variable = self.next();
            let after = self.peek_non_space().clone();
            match after.kind {
                TokenKind::Assign | TokenKind::Declare => {
                    pipe.is_assign = after.kind == TokenKind::Assign;
                    self.next_non_space();
                    pipe.decl.push(variable.text.clone());
                    if pipe.is_assign {
                        self.check_variable(&variable)?;
                    } else {
                        self.vars.push(variable.text);
                    }
                    return Ok(());
                }
                TokenKind::Comma => {
                    self.next_non_space();
                    pipe.decl.push(variable.text.clone());
                    self.vars.push(variable.text);
                    if context == "range" && pipe.decl.len() < 2 {
                        let next = self.peek_non_space().clone();
                        match next.kind {
                            TokenKind::Variable | TokenKind::RightDelim | TokenKind::RightParen => continue,
                            _ => return self.fail("range can only initialize variables"),
                        }
                    }
                    return self.fail(format!("too many declarations in {context}"));
                }
                _ => {
                    // No declaration: the variable is the first argument.
                    self.at = start;
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn check_pipeline(&self, pipe: &Pipe, context: &str) -> Result<(), ParseError> {
        if pipe.commands.is_empty() {
            return self.fail(format!("missing value for {context}"));
        }
        for (i, command) in pipe.commands.iter().enumerate().skip(1) {
            let first = command.args.first().map(|a| &a.kind);
            let constant = matches!(
                first,
                Some(
                    ArgKind::Bool(_)
                        | ArgKind::Dot
                        | ArgKind::Nil
                        | ArgKind::Number(_)
                        | ArgKind::String { .. }
                )
            );
            if constant {
                return self.fail(format!("non executable command in pipeline stage {}", i + 1));
            }
        }
        Ok(())
    }

    fn command(&mut self) -> Result<Command, ParseError> {
        let pos = self.peek_non_space().pos;
        let mut args = Vec::new();
        loop {
            self.skip_space();
            args.extend(self.operand()?);
            let token = self.next();
            match token.kind {
                TokenKind::Space => {}
                TokenKind::RightDelim | TokenKind::RightParen => {
                    self.at -= 1;
                    break;
                }
                TokenKind::Pipe => break,
                _ => return self.unexpected(&token, "operand"),
            }
        }
        if args.is_empty() {
            return self.fail("empty command");
        }
        Ok(Command { pos, args })
    }

    /// A term with the fields that follow it.
    fn operand(&mut self) -> Result<Option<Arg>, ParseError> {
        let Some(term) = self.term()? else { return Ok(None) };
        if self.peek().kind != TokenKind::Field {
            return Ok(Some(term));
        }
        let mut names = Vec::new();
        while self.peek().kind == TokenKind::Field {
            names.push(self.next().text[1..].to_owned());
        }
        let pos = term.pos;
        let kind = match term.kind {
            ArgKind::Field(mut path) => {
                path.extend(names);
                ArgKind::Field(path)
            }
            ArgKind::Variable(mut path) => {
                path.extend(names);
                ArgKind::Variable(path)
            }
            ArgKind::Ident(_) | ArgKind::Pipe(_) | ArgKind::Chain(..) => {
                ArgKind::Chain(Box::new(term), names)
            }
            ArgKind::Bool(_) | ArgKind::String { .. } | ArgKind::Number(_) | ArgKind::Nil | ArgKind::Dot => {
                return self.fail(format!("unexpected . after term {}", quote(&term.to_string())));
            }
        };
        Ok(Some(Arg { pos, kind }))
    }

    fn term(&mut self) -> Result<Option<Arg>, ParseError> {
        let token = self.next_non_space();
        let kind = match token.kind {
            TokenKind::Ident => {
                if !self.functions.has(&token.text) {
                    return self.fail(format!("function {} not defined", quote(&token.text)));
                }
                ArgKind::Ident(token.text)
            }
            TokenKind::Dot => ArgKind::Dot,
            TokenKind::Nil => ArgKind::Nil,
            TokenKind::Variable => {
                self.check_variable(&token)?;
                ArgKind::Variable(vec![token.text])
            }
            TokenKind::Field => ArgKind::Field(vec![token.text[1..].to_owned()]),
            TokenKind::Bool => ArgKind::Bool(token.text == "true"),
            TokenKind::Number => match number(&token.text) {
                Some(number) => ArgKind::Number(number),
                None => return self.fail(format!("bad number syntax: {}", quote(&token.text))),
            },
            TokenKind::CharConstant => {
                let text = self.unquote(&token)?;
                let mut chars = text.chars();
                let (Some(c), None) = (chars.next(), chars.next()) else {
                    return self.fail(format!("malformed character constant: {}", token.text));
                };
                let n = i64::from(c as u32);
                ArgKind::Number(Number {
                    text: token.text,
                    int: Some(n),
                    uint: Some(n.unsigned_abs()),
                    float: Some(n as f64),
                    looks_int: true,
                })
            }
            TokenKind::LeftParen => {
                self.enter()?;
                let pipe = self.pipeline("parenthesized pipeline", TokenKind::RightParen)?;
                self.nesting -= 1;
                ArgKind::Pipe(Box::new(pipe))
            }
            TokenKind::String | TokenKind::RawString => {
                let text = self.unquote(&token)?;
                ArgKind::String { quoted: token.text, text }
            }
            _ => {
                self.at -= 1;
                return Ok(None);
            }
        };
        Ok(Some(Arg { pos: token.pos, kind }))
    }

    fn check_variable(&self, token: &Token) -> Result<(), ParseError> {
        if self.vars.contains(&token.text) {
            return Ok(());
        }
        self.fail(format!("undefined variable {}", quote(&token.text)))
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
            format!("{}...", quote(&token.text.chars().take(10).collect::<String>()))
        }
        _ => quote(&token.text),
    }
}

/// Reads a number as Go's templates do: it gets every type that holds it exactly.
fn number(text: &str) -> Option<Number> {
    let clean = text.replace('_', "");
    let (negative, digits) = match clean.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, clean.strip_prefix('+').unwrap_or(&clean)),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, body) = [("0x", 16), ("0b", 2), ("0o", 8)]
        .into_iter()
        .find_map(|(prefix, radix)| lower.strip_prefix(prefix).map(|rest| (radix, rest)))
        .unwrap_or(
            if lower.len() > 1 && lower.starts_with('0') && lower.bytes().all(|b| b.is_ascii_digit()) {
                (8, &lower[1..])
            } else {
                (10, lower.as_str())
            },
        );
    let magnitude = u64::from_str_radix(body, radix).ok();
    let mut uint = magnitude.filter(|n| !negative || *n == 0);
    let mut int =
        magnitude.and_then(|n| i64::try_from(if negative { -i128::from(n) } else { i128::from(n) }).ok());
    let float = match magnitude {
        Some(n) => Some(if negative { -(n as f64) } else { n as f64 }),
        None if radix == 10 => clean.parse::<f64>().ok().filter(|v| v.is_finite()),
        None => None,
    };
    if magnitude.is_none() {
        // `1e3` is an integer too; `1.5` is not.
        let v = float?;
        if !clean.contains(['.', 'e', 'E']) {
            return None;
        }
        if v == v.trunc() && v.abs() < 9e18 {
            int = Some(v as i64);
            uint = (v >= 0.0).then_some(v as u64);
        }
    }
    let looks_int = radix != 10 || !clean.contains(['.', 'e', 'E']);
    Some(Number { text: text.to_owned(), int, uint, float, looks_int })
}
