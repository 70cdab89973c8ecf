use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::builtin;
use crate::value::Value;

/// Why a function failed: the sentence after `error calling NAME: `.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FunctionError(pub String);

impl FunctionError {
    /// A failure with this sentence.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

/// The body of a function.
type Body = Arc<dyn Fn(&[Value]) -> Result<Value, FunctionError> + Send + Sync>;

/// A function with the number of arguments that it takes.
#[derive(Clone)]
pub(crate) struct Function {
    pub(crate) min_args: usize,
    /// `None`: any number.
    pub(crate) max_args: Option<usize>,
    pub(crate) body: Body,
}

/// The functions that templates may call, by name. A clone is cheap: each of thousands of templates has one.
#[derive(Clone, Default)]
pub struct Functions {
    by_name: Arc<BTreeMap<String, Function>>,
}

impl Functions {
    /// The functions that Go's templates always have.
    pub fn builtin() -> Self {
        let mut functions = Self::default();
        builtin::register(&mut functions);
        functions
    }

    /// Adds a function that takes exactly `n_args` arguments.
    pub fn add<F>(&mut self, name: &str, n_args: usize, body: F) -> &mut Self
    where
        F: Fn(&[Value]) -> Result<Value, FunctionError> + Send + Sync + 'static,
    {
        self.add_variadic(name, n_args, Some(n_args), body)
    }

    /// Adds a function that takes from `min_args` to `max_args` arguments; `None` for any number.
    pub fn add_variadic<F>(
        &mut self,
        name: &str,
        min_args: usize,
        max_args: Option<usize>,
        body: F,
    ) -> &mut Self
    where
        F: Fn(&[Value]) -> Result<Value, FunctionError> + Send + Sync + 'static,
    {
        Arc::make_mut(&mut self.by_name)
            .insert(name.to_owned(), Function { min_args, max_args, body: Arc::new(body) });
        self
    }

    /// Whether there is a function `name`. `and`, `or` and `tmpl` are known too; they are part of the interpreter.
    pub fn has(&self, name: &str) -> bool {
        is_special(name) || self.by_name.contains_key(name)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Function> {
        self.by_name.get(name)
    }
}

/// Whether the interpreter itself evaluates the function: `and` and `or` leave out arguments that do not matter, `tmpl` executes a template.
pub(crate) fn is_special(name: &str) -> bool {
    matches!(name, "and" | "or" | "tmpl")
}

impl fmt::Debug for Functions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.by_name.keys()).finish()
    }
}
