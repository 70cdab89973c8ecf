//! Pipelines, commands and terms.

use bellwether_model::go_quote;

use super::Parser;
use super::number::number;
use crate::ast::{Arg, ArgKind, Command, Number, Pipe};
use crate::error::ParseError;
use crate::lexer::{Token, TokenKind};

impl Parser<'_> {
    pub(super) fn pipeline(&mut self, context: &str, end: TokenKind) -> Result<Pipe, ParseError> {
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
                return self.fail(format!("unexpected . after term {}", go_quote(&term.to_string())));
            }
        };
        Ok(Some(Arg { pos, kind }))
    }

    fn term(&mut self) -> Result<Option<Arg>, ParseError> {
        let token = self.next_non_space();
        let kind = match token.kind {
            TokenKind::Ident => {
                if !self.functions.has(&token.text) {
                    return self.fail(format!("function {} not defined", go_quote(&token.text)));
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
                None => return self.fail(format!("bad number syntax: {}", go_quote(&token.text))),
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
        self.fail(format!("undefined variable {}", go_quote(&token.text)))
    }
}
