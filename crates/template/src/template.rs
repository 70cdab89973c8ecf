use std::collections::BTreeMap;
use std::sync::Arc;

use crate::ast::Node;
use crate::error::{ExecError, ParseError};
use crate::exec::execute;
use crate::functions::{Function, Functions};
use crate::parse::{TemplateSet, parse};
use crate::value::Value;

/// What a template may use up.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Actions, iterations and calls.
    pub steps: usize,
    /// Bytes of text, and no more than what a function may make ([`MAX_TEXT_BYTES`](crate::MAX_TEXT_BYTES)).
    pub output_bytes: usize,
    /// Bytes of all values that functions and methods make.
    pub value_bytes: usize,
    /// Templates that call templates.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { steps: 100_000, output_bytes: 1 << 20, value_bytes: 64 << 20, depth: 100 }
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
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) set: TemplateSet,
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
    by_name: Arc<BTreeMap<String, Arc<Source>>>,
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
        Arc::make_mut(&mut self.by_name).extend(names.map(|defined| (defined.clone(), Arc::clone(&source))));
        Ok(())
    }

    /// The nodes of a template, with the text in which they stand.
    pub(crate) fn get(&self, name: &str) -> Option<(&Source, &[Node])> {
        let source = self.by_name.get(name)?;
        Some((source, source.set.get(name)?))
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

    /// What it may call: what it defines itself, then what is defined elsewhere.
    pub(crate) fn callable(&self, name: &str) -> Option<(&Source, &[Node])> {
        let own = self.source.set.get(name).map(|nodes| (&*self.source, nodes.as_slice()));
        own.or_else(|| self.definitions.get(name))
    }

    /// The function `name`, unless the interpreter evaluates it itself.
    pub(crate) fn function(&self, name: &str) -> Option<&Function> {
        self.functions.get(name)
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
        let name = &self.source.name;
        let nodes =
            self.source.set.get(name).ok_or_else(|| ExecError::NoTemplate(name.clone(), name.clone()))?;
        execute(self, &self.source, nodes, data, options)
    }
}
