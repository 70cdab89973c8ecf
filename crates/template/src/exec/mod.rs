//! Walks the tree of a template and writes its text.

mod evaluate;

use bellwether_model::go_quote;

use crate::ast::{Branch, Node, Pipe, Pos};
use crate::error::ExecError;
use crate::format::{print, print_action};
use crate::page::Page;
use crate::size::{Excess, MAX_TEXT_BYTES, MAX_VALUE_DEPTH, measure};
use crate::template::{Options, Source, Template};
use crate::value::Value;

/// So many templates, blocks and parentheses may be open at a time, so that a hostile template cannot exhaust the stack.
const MAX_LEVELS: usize = 250;

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
    /// Bytes of the values that functions have made.
    made_bytes: usize,
    /// Templates that are running.
    depth: usize,
    /// Templates, blocks and parentheses that are open: so deep is the stack.
    levels: usize,
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

/// Executes nodes of a template over `data`.
pub(crate) fn execute(
    template: &Template,
    source: &Source,
    nodes: &[Node],
    data: &Value,
    options: &Options,
) -> Result<String, ExecError> {
    let mut state = State {
        template,
        options,
        source,
        current: source.name.clone(),
        vars: vec![("$".to_owned(), data.clone())],
        out: String::new(),
        page: Page::default(),
        steps: 0,
        made_bytes: 0,
        depth: 0,
        levels: 0,
    };
    state.walk_all(data, nodes)?;
    Ok(state.out)
}

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
        // What is longer than a function may make was cut.
        let limit = self.options.limits.output_bytes.min(MAX_TEXT_BYTES);
        self.limit("output in bytes", self.out.len() + text.len(), limit)?;
        self.out.push_str(text);
        if self.options.html {
            self.page.feed(text);
        }
        Ok(())
    }

    /// Counts what a function or a method has made.
    fn made(&mut self, value: &Value) -> Result<(), ExecError> {
        let limit = self.options.limits.value_bytes;
        match measure(value, limit - self.made_bytes) {
            Ok(bytes) => {
                self.made_bytes += bytes;
                Ok(())
            }
            Err(Excess::Bytes) => self.limit("size of values in bytes", usize::MAX, limit),
            Err(Excess::Text) => self.limit("length of a value in bytes", usize::MAX, MAX_TEXT_BYTES),
            Err(Excess::Depth) => self.limit("depth of a value", usize::MAX, MAX_VALUE_DEPTH),
        }
    }

    /// Runs what stands in a block, in parentheses or in a called template: one level deeper.
    fn inside<T>(&mut self, run: impl FnOnce(&mut Self) -> Result<T, ExecError>) -> Result<T, ExecError> {
        self.levels += 1;
        self.limit("depth of templates, blocks and parentheses", self.levels, MAX_LEVELS)?;
        let outcome = run(self);
        self.levels -= 1;
        outcome
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
            Node::If(branch) => return self.inside(|state| state.branch(dot, branch, false)),
            Node::With(branch) => return self.inside(|state| state.branch(dot, branch, true)),
            Node::Range(branch) => return self.inside(|state| state.range(dot, branch)),
            Node::Template { pos, name, pipe } => {
                let data = pipe.as_ref().map_or(Ok(Value::Nil), |p| self.pipeline(dot, p))?;
                let shown = format!("template {}", go_quote(name));
                self.call_template(name, &data, &Place(*pos, &shown))?;
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

    /// Writes another template over `data`, in a scope of its own.
    fn call_template(&mut self, name: &str, data: &Value, place: &Place<'_>) -> Result<(), ExecError> {
        let template = self.template;
        let Some((source, nodes)) = template.callable(name) else {
            return self.fail(place, format!("template {} not defined", go_quote(name)));
        };
        self.depth += 1;
        self.limit("depth of templates", self.depth, self.options.limits.depth)?;
        let outer_source = std::mem::replace(&mut self.source, source);
        let outer_name = std::mem::replace(&mut self.current, name.to_owned());
        let outer_vars = std::mem::replace(&mut self.vars, vec![("$".to_owned(), data.clone())]);
        self.inside(|state| state.walk_all(data, nodes))?;
        self.source = outer_source;
        self.current = outer_name;
        self.vars = outer_vars;
        self.depth -= 1;
        Ok(())
    }
}
