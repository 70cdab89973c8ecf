//! Walks the tree of a template and writes its text.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::ast::{Arg, ArgKind, Branch, Command, Node, Number, Pipe, Pos};
use crate::error::{ExecError, ParseError};
use crate::format::{print, print_action, quote};
use crate::functions::Functions;
use crate::page::Page;
use crate::parse::{TemplateSet, parse};
use crate::value::Value;

/// What a template may use up.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Actions, iterations and calls.
    pub steps: usize,
    /// Bytes of text.
    pub output_bytes: usize,
    /// Templates that call templates.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { steps: 100_000, output_bytes: 1 << 20, depth: 100 }
    }
}

/// How a template is executed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Whether a missing key is an error, as Go's option `missingkey=error`; otherwise it is the zero of the map's values.
    pub missing_key_is_error: bool,
    /// Whether what actions write is escaped as HTML text.
    pub html: bool,
    /// What the template may use up.
    pub limits: Limits,
}

/// A parsed template with the templates that it defines.
#[derive(Debug, Clone)]
pub struct Template {
    source: Arc<Source>,
    /// What it may call and does not define itself.
    definitions: Definitions,
    functions: Functions,
}

/// A text with the templates in it.
#[derive(Debug)]
struct Source {
    name: String,
    text: String,
    set: TemplateSet,
}

impl Source {
    fn parse(name: &str, text: &str, functions: &Functions) -> Result<Arc<Self>, ParseError> {
        let set = parse(name, text, functions)?;
        Ok(Arc::new(Self { name: name.to_owned(), text: text.to_owned(), set }))
    }
}

/// Templates by name that other templates may call: those of files, as a rule.
#[derive(Debug, Clone, Default)]
pub struct Definitions {
    by_name: BTreeMap<String, Arc<Source>>,
}

impl Definitions {
    /// Adds what the text defines, instead of what was defined under the same names before.
    ///
    /// ```
    /// use bellwether_template::{Definitions, Functions, Template, Value};
    ///
    /// let functions = Functions::builtin();
    /// let mut definitions = Definitions::default();
    /// definitions.add("default", r#"{{ define "who" }}you{{ end }}"#, &functions).unwrap();
    /// definitions.add("own", r#"{{ define "who" }}{{ . }}{{ end }}"#, &functions).unwrap();
    /// let template = Template::parse("greeting", r#"Hello {{ template "who" . }}!"#, &functions).unwrap();
    /// let greeting = template.with_definitions(&definitions).execute(&Value::from("world")).unwrap();
    /// assert_eq!(greeting, "Hello world!");
    /// ```
    pub fn add(&mut self, name: &str, text: &str, functions: &Functions) -> Result<(), ParseError> {
        let source = Source::parse(name, text, functions)?;
        let names = source.set.keys().filter(|defined| *defined != name);
        self.by_name.extend(names.map(|defined| (defined.clone(), Arc::clone(&source))));
        Ok(())
    }
}

impl Template {
    /// Parses `text`. Only the functions in `functions` may be called.
    pub fn parse(name: &str, text: &str, functions: &Functions) -> Result<Self, ParseError> {
        let source = Source::parse(name, text, functions)?;
        Ok(Self { source, definitions: Definitions::default(), functions: functions.clone() })
    }

    /// The name that it was parsed under.
    pub(crate) fn name(&self) -> &str {
        &self.source.name
    }

    /// Its own nodes under its name, and those that it defines.
    pub(crate) fn parts(&self) -> &TemplateSet {
        &self.source.set
    }

    /// The same template, which may also call the templates that are defined elsewhere. Its own come first.
    #[must_use]
    pub fn with_definitions(mut self, definitions: &Definitions) -> Self {
        self.definitions = definitions.clone();
        self
    }

    /// Executes the template over `data` with default options.
    pub fn execute(&self, data: &Value) -> Result<String, ExecError> {
        self.execute_with(data, &Options::default())
    }

    /// Executes the template over `data`.
    pub fn execute_with(&self, data: &Value, options: &Options) -> Result<String, ExecError> {
        let mut state = State {
            template: self,
            options,
            source: &self.source,
            current: self.source.name.clone(),
            vars: vec![("$".to_owned(), data.clone())],
            out: String::new(),
            steps: 0,
            page: Page::default(),
            depth: 0,
        };
        let name = &self.source.name;
        let nodes =
            self.source.set.get(name).ok_or_else(|| ExecError::NoTemplate(name.clone(), name.clone()))?;
        state.walk_all(data, nodes)?;
        Ok(state.out)
    }
}

struct State<'a> {
    template: &'a Template,
    options: &'a Options,
    /// Where the template that is running stands.
    source: &'a Source,
    /// The template that is running.
    current: String,
    /// Innermost last.
    vars: Vec<(String, Value)>,
    out: String,
    /// Where in a page `out` ends, if it is one.
    page: Page,
    steps: usize,
    depth: usize,
}

/// How a list of nodes ended.
#[derive(PartialEq, Eq)]
enum Flow {
    On,
    Break,
    Continue,
}

/// The place of an action: its position and its text.
struct Place<'a>(Pos, &'a dyn std::fmt::Display);

impl State<'_> {
    fn fail<T>(&self, place: &Place<'_>, message: impl Into<String>) -> Result<T, ExecError> {
        let before = &self.source.text[..place.0.min(self.source.text.len())];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Err(ExecError::Action {
            name: self.source.name.clone(),
            line: before.matches('\n').count() + 1,
            column: place.0 - line_start,
            template: self.current.clone(),
            context: place.1.to_string(),
            message: message.into(),
        })
    }

    fn step(&mut self) -> Result<(), ExecError> {
        self.steps += 1;
        self.limit("number of steps", self.steps, self.options.limits.steps)
    }

    fn limit(&self, what: &'static str, used: usize, limit: usize) -> Result<(), ExecError> {
        if used <= limit {
            return Ok(());
        }
        Err(ExecError::Limit { name: self.source.name.clone(), what, limit })
    }

    fn write(&mut self, text: &str) -> Result<(), ExecError> {
        self.limit("output in bytes", self.out.len() + text.len(), self.options.limits.output_bytes)?;
        self.out.push_str(text);
        if self.options.html {
            self.page.feed(text);
        }
        Ok(())
    }

    fn walk_all(&mut self, dot: &Value, nodes: &[Node]) -> Result<Flow, ExecError> {
        for node in nodes {
            let flow = self.walk(dot, node)?;
            if flow != Flow::On {
                return Ok(flow);
            }
        }
        Ok(Flow::On)
    }

    fn walk(&mut self, dot: &Value, node: &Node) -> Result<Flow, ExecError> {
        self.step()?;
        match node {
            Node::Text(text) => self.write(text)?,
            Node::Action(pipe) => {
                let value = self.pipeline(dot, pipe)?;
                if pipe.decl.is_empty() {
                    // On a page, `html` at the end takes the place of what would escape it.
                    let value = match value {
                        Value::Str(text) if pipe.ends_with("html") => Value::SafeHtml(text),
                        value => value,
                    };
                    let text = self.written(&value);
                    self.write(&text)?;
                }
            }
            Node::If(branch) => return self.branch(dot, branch, false),
            Node::With(branch) => return self.branch(dot, branch, true),
            Node::Range(branch) => return self.range(dot, branch),
            Node::Template { pos, name, pipe } => {
                let data = pipe.as_ref().map_or(Ok(Value::Nil), |p| self.pipeline(dot, p))?;
                let shown = format!("template {}", quote(name));
                let text = self.call_template(name, &data, &Place(*pos, &shown))?;
                // The page knows of it already.
                self.out.push_str(&text);
                self.limit("output in bytes", self.out.len(), self.options.limits.output_bytes)?;
            }
            Node::Break => return Ok(Flow::Break),
            Node::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::On)
    }

    fn written(&self, value: &Value) -> String {
        match value {
            // The HTML variant leaves out what is not there; the text variant says so.
            v if self.options.html => self.page.escape(v),
            v => print_action(v),
        }
    }

    fn branch(&mut self, dot: &Value, branch: &Branch, with: bool) -> Result<Flow, ExecError> {
        let scope = self.vars.len();
        let value = self.pipeline(dot, &branch.pipe)?;
        let flow = if value.is_true() {
            self.walk_all(if with { &value } else { dot }, &branch.list)
        } else {
            self.walk_all(dot, &branch.else_list)
        };
        self.vars.truncate(scope);
        flow
    }

    fn range(&mut self, dot: &Value, branch: &Branch) -> Result<Flow, ExecError> {
        let scope = self.vars.len();
        // The variables are set for each element, not from the whole.
        let whole = self.commands(dot, &branch.pipe)?;
        let pairs: Vec<(Value, Value)> = match &whole {
            Value::Nil => Vec::new(),
            Value::List(items) => {
                items.iter().enumerate().map(|(i, v)| (Value::Int(i as i64), v.clone())).collect()
            }
            Value::Map(map) => map.entries.iter().map(|(k, v)| (k.as_str().into(), v.clone())).collect(),
            Value::Int(n) => {
                let n = usize::try_from(*n).unwrap_or(0);
                self.limit("number of steps", self.steps.saturating_add(n), self.options.limits.steps)?;
                (0..n as i64).map(|i| (Value::Int(i), Value::Int(i))).collect()
            }
            Value::Record(record) if let Some(entries) = record.entries() => entries,
            v => {
                let message = format!("range can't iterate over {}", print(v));
                return self.fail(&Place(branch.pipe.pos, &branch.pipe), message);
            }
        };
        if pairs.is_empty() {
            let flow = self.walk_all(dot, &branch.else_list);
            self.vars.truncate(scope);
            return flow;
        }
        for (key, element) in pairs {
            self.step()?;
            match branch.pipe.decl.as_slice() {
                [] => {}
                [only] => self.declare(&branch.pipe, only, element.clone()),
                [first, second, ..] => {
                    self.declare(&branch.pipe, first, key);
                    self.declare(&branch.pipe, second, element.clone());
                }
            }
            let flow = self.walk_all(&element, &branch.list);
            self.vars.truncate(scope);
            if flow? == Flow::Break {
                break;
            }
        }
        Ok(Flow::On)
    }

    fn declare(&mut self, pipe: &Pipe, name: &str, value: Value) {
        if pipe.is_assign {
            if let Some((_, slot)) = self.vars.iter_mut().rev().find(|(n, _)| n == name) {
                *slot = value;
            }
        } else {
            self.vars.push((name.to_owned(), value));
        }
    }

    /// Executes another template over `data`, in a scope of its own, and returns its text.
    fn call_template(&mut self, name: &str, data: &Value, place: &Place<'_>) -> Result<String, ExecError> {
        let template = self.template;
        let own = template.source.set.get(name).map(|nodes| (&template.source, nodes));
        let defined = || {
            let source = template.definitions.by_name.get(name)?;
            Some((source, source.set.get(name)?))
        };
        let Some((source, nodes)) = own.or_else(defined) else {
            return self.fail(place, format!("template {} not defined", quote(name)));
        };
        let outer_source = std::mem::replace(&mut self.source, source);
        self.depth += 1;
        self.limit("depth of templates", self.depth, self.options.limits.depth)?;
        let outer_name = std::mem::replace(&mut self.current, name.to_owned());
        let outer_vars = std::mem::replace(&mut self.vars, vec![("$".to_owned(), data.clone())]);
        let outer_out = std::mem::take(&mut self.out);
        self.walk_all(data, nodes)?;
        self.source = outer_source;
        self.current = outer_name;
        self.vars = outer_vars;
        self.depth -= 1;
        Ok(std::mem::replace(&mut self.out, outer_out))
    }

    fn pipeline(&mut self, dot: &Value, pipe: &Pipe) -> Result<Value, ExecError> {
        let value = self.commands(dot, pipe)?;
        for name in &pipe.decl {
            self.declare(pipe, name, value.clone());
        }
        Ok(value)
    }

    fn commands(&mut self, dot: &Value, pipe: &Pipe) -> Result<Value, ExecError> {
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
            ArgKind::Pipe(pipe) => self.pipeline(dot, pipe),
            ArgKind::Ident(name) => self.function(dot, name, &[], None, &place),
        }
    }

    /// A constant is a float if it is written as one, else an integer.
    fn constant(&self, number: &Number, place: &Place<'_>) -> Result<Value, ExecError> {
        match (number.looks_int, number.int, number.float, number.uint) {
            (false, _, Some(v), _) => Ok(Value::Float(v)),
            (_, Some(n), _, _) => Ok(Value::Int(n)),
            (_, None, _, Some(_)) => self.fail(place, format!("{} overflows int", number.text)),
            _ => self.fail(place, format!("illegal number syntax: {}", quote(&number.text))),
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
                self.fail(place, format!("nil data; no entry for key {}", quote(name)))
            }
            Value::Nil => Ok(Value::Nil),
            Value::Record(record) => {
                if let Some(outcome) = record.call(name, args) {
                    return match outcome {
                        Ok(value) => Ok(value),
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
                    self.fail(place, format!("map has no entry for key {}", quote(name)))
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
                let page = std::mem::take(&mut self.page);
                let text = self.call_template(called, &data, place)?;
                self.page = page;
                return Ok(Value::SafeHtml(Arc::from(text)));
            }
            _ => {}
        }
        let template = self.template;
        let Some(function) = template.functions.get(name) else {
            return self.fail(place, format!("{} is not a defined function", quote(name)));
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
            Ok(value) => Ok(value),
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
