//! The values of pipelines.

use std::sync::Arc;

use bellwether_model::go_quote;

use super::{Place, State};
use crate::ast::{Arg, ArgKind, Command, Number, Pipe};
use crate::error::ExecError;
use crate::value::Value;

impl State<'_> {
    pub(super) fn pipeline(&mut self, dot: &Value, pipe: &Pipe) -> Result<Value, ExecError> {
        let value = self.commands(dot, pipe)?;
        for name in &pipe.decl {
            self.declare(pipe, name, value.clone());
        }
        Ok(value)
    }

    /// The value of a pipeline, without setting its variables.
    pub(super) fn commands(&mut self, dot: &Value, pipe: &Pipe) -> Result<Value, ExecError> {
        let mut value = None;
        for command in &pipe.commands {
            value = Some(self.command(dot, command, value)?);
        }
        Ok(value.unwrap_or(Value::Nil))
    }

    /// `last` is the result of the command before this one in the pipeline.
    fn command(&mut self, dot: &Value, command: &Command, last: Option<Value>) -> Result<Value, ExecError> {
        self.step()?;
        let Some((first, rest)) = command.args.split_first() else { return Ok(Value::Nil) };
        let place = Place(first.pos, first);
        match &first.kind {
            ArgKind::Field(path) => {
                let args = self.arguments(dot, rest, last)?;
                self.fields(dot.clone(), path, args, &place)
            }
            ArgKind::Variable(path) => {
                let args = self.arguments(dot, rest, last)?;
                self.variable(path, args, &place)
            }
            ArgKind::Chain(inner, path) => {
                let receiver = self.argument(dot, inner)?;
                let args = self.arguments(dot, rest, last)?;
                self.fields(receiver, path, args, &place)
            }
            ArgKind::Ident(name) => self.function(dot, name, rest, last, &Place(command.pos, command)),
            kind => {
                if !rest.is_empty() || last.is_some() {
                    let given =
                        if let ArgKind::Pipe(pipe) = kind { format!("({pipe})") } else { first.to_string() };
                    return self.fail(&place, format!("can't give argument to non-function {given}"));
                }
                if matches!(kind, ArgKind::Nil) {
                    return self.fail(&place, "nil is not a command");
                }
                self.argument(dot, first)
            }
        }
    }

    fn arguments(&mut self, dot: &Value, args: &[Arg], last: Option<Value>) -> Result<Vec<Value>, ExecError> {
        let mut values = Vec::with_capacity(args.len() + 1);
        for arg in args {
            values.push(self.argument(dot, arg)?);
        }
        values.extend(last);
        Ok(values)
    }

    fn argument(&mut self, dot: &Value, arg: &Arg) -> Result<Value, ExecError> {
        let place = Place(arg.pos, arg);
        match &arg.kind {
            ArgKind::Dot => Ok(dot.clone()),
            ArgKind::Nil => Ok(Value::Nil),
            ArgKind::Bool(b) => Ok(Value::Bool(*b)),
            ArgKind::String { text, .. } => Ok(text.as_str().into()),
            ArgKind::Number(number) => self.constant(number, &place),
            ArgKind::Field(path) => self.fields(dot.clone(), path, Vec::new(), &place),
            ArgKind::Variable(path) => self.variable(path, Vec::new(), &place),
            ArgKind::Chain(inner, path) => {
                let receiver = self.argument(dot, inner)?;
                self.fields(receiver, path, Vec::new(), &place)
            }
            ArgKind::Pipe(pipe) => self.inside(|state| state.pipeline(dot, pipe)),
            ArgKind::Ident(name) => self.function(dot, name, &[], None, &place),
        }
    }

    /// A constant is a float if it is written as one, else an integer.
    fn constant(&self, number: &Number, place: &Place<'_>) -> Result<Value, ExecError> {
        match (number.looks_int, number.int, number.float, number.uint) {
            (false, _, Some(v), _) => Ok(Value::Float(v)),
            (_, Some(n), _, _) => Ok(Value::Int(n)),
            (_, None, _, Some(_)) => self.fail(place, format!("{} overflows int", number.text)),
            _ => self.fail(place, format!("illegal number syntax: {}", go_quote(&number.text))),
        }
    }

    fn variable(&mut self, path: &[String], args: Vec<Value>, place: &Place<'_>) -> Result<Value, ExecError> {
        let found = self.vars.iter().rev().find(|(n, _)| *n == path[0]).map(|(_, v)| v.clone());
        let Some(value) = found else { return self.fail(place, format!("undefined variable: {}", path[0])) };
        if path.len() == 1 {
            if !args.is_empty() {
                return self.fail(place, format!("can't give argument to non-function {}", path[0]));
            }
            return Ok(value);
        }
        self.fields(value, &path[1..], args, place)
    }

    /// Follows a chain of fields; the last one may be a method that takes `args`.
    fn fields(
        &mut self,
        receiver: Value,
        path: &[String],
        args: Vec<Value>,
        place: &Place<'_>,
    ) -> Result<Value, ExecError> {
        let mut value = receiver;
        let mut args = Some(args);
        for (i, name) in path.iter().enumerate() {
            if i > 0 && matches!(value, Value::Nil) {
                return self.fail(place, format!("nil pointer evaluating interface {{}}.{name}"));
            }
            let given = if i + 1 == path.len() { args.take().unwrap_or_default() } else { Vec::new() };
            value = self.field(&value, name, &given, place)?;
        }
        Ok(value)
    }

    fn field(
        &mut self,
        receiver: &Value,
        name: &str,
        args: &[Value],
        place: &Place<'_>,
    ) -> Result<Value, ExecError> {
        match receiver {
            Value::Nil if self.options.missing_key_is_error => {
                self.fail(place, format!("nil data; no entry for key {}", go_quote(name)))
            }
            Value::Nil => Ok(Value::Nil),
            Value::Record(record) => {
                if let Some(outcome) = record.call(name, args) {
                    return match outcome {
                        Ok(value) => self.made(&value).map(|()| value),
                        Err(e) => self.fail(place, format!("error calling {name}: {e}")),
                    };
                }
                match record.field(name) {
                    Some(_) if !args.is_empty() => {
                        self.fail(place, format!("{name} has arguments but cannot be invoked as function"))
                    }
                    Some(value) => Ok(value),
                    None => self
                        .fail(place, format!("can't evaluate field {name} in type {}", record.type_name())),
                }
            }
            Value::Map(_) if !args.is_empty() => {
                self.fail(place, format!("{name} is not a method but has arguments"))
            }
            Value::Map(map) => match map.entries.get(name) {
                Some(value) => Ok(value.clone()),
                None if self.options.missing_key_is_error => {
                    self.fail(place, format!("map has no entry for key {}", go_quote(name)))
                }
                None => Ok(map.missing()),
            },
            v => self.fail(place, format!("can't evaluate field {name} in type {}", v.type_name())),
        }
    }

    fn function(
        &mut self,
        dot: &Value,
        name: &str,
        args: &[Arg],
        last: Option<Value>,
        place: &Place<'_>,
    ) -> Result<Value, ExecError> {
        self.step()?;
        match name {
            "and" | "or" => return self.short_circuit(dot, name == "or", args, last, place),
            "tmpl" => {
                let values = self.arguments(dot, args, last)?;
                let Some(called) = values.first().and_then(Value::as_str) else {
                    return self.fail(place, "wrong number of args for tmpl: want 2 got 0");
                };
                let data = values.get(1).cloned().unwrap_or(Value::Nil);
                // A page of its own, which becomes part of this one as a value.
                let (page, start) = (std::mem::take(&mut self.page), self.out.len());
                self.call_template(called, &data, place)?;
                let value = Value::SafeHtml(Arc::from(self.out.split_off(start)));
                self.page = page;
                return self.made(&value).map(|()| value);
            }
            _ => {}
        }
        let template = self.template;
        let Some(function) = template.function(name) else {
            return self.fail(place, format!("{} is not a defined function", go_quote(name)));
        };
        let values = self.arguments(dot, args, last)?;
        let got = values.len();
        match function.max_args {
            Some(max) if max == function.min_args && got != max => {
                return self.fail(place, format!("wrong number of args for {name}: want {max} got {got}"));
            }
            _ if got < function.min_args => {
                let want = function.min_args;
                return self
                    .fail(place, format!("wrong number of args for {name}: want at least {want} got {got}"));
            }
            Some(max) if got > max => {
                return self
                    .fail(place, format!("wrong number of args for {name}: want at most {max} got {got}"));
            }
            _ => {}
        }
        match (function.body)(&values) {
            Ok(value) => self.made(&value).map(|()| value),
            Err(e) => self.fail(place, format!("error calling {name}: {e}")),
        }
    }

    /// `and` and `or` stop at the first argument that decides.
    fn short_circuit(
        &mut self,
        dot: &Value,
        wanted: bool,
        args: &[Arg],
        last: Option<Value>,
        place: &Place<'_>,
    ) -> Result<Value, ExecError> {
        let mut value = None;
        for arg in args {
            let v = self.argument(dot, arg)?;
            if v.is_true() == wanted {
                return Ok(v);
            }
            value = Some(v);
        }
        if let Some(v) = last.or(value) {
            return Ok(v);
        }
        let name = if wanted { "or" } else { "and" };
        self.fail(place, format!("wrong number of args for {name}: want at least 1 got 0"))
    }
}
