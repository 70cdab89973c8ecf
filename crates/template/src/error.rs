use bellwether_model::go_quote;

/// Why a text is not a template. The message is Go's: `template: NAME:LINE: what`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("template: {name}:{line}: {message}")]
pub struct ParseError {
    /// The name of the template.
    pub name: String,
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
}

/// Why a template could not be executed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExecError {
    /// An action failed. The message is Go's: `template: NAME:LINE:COLUMN: executing "TEMPLATE" at <ACTION>: what`.
    #[error("template: {name}:{line}:{column}: executing {} at <{context}>: {message}", go_quote(template))]
    Action {
        /// The name of the template that was parsed.
        name: String,
        /// The line, counted from 1.
        line: usize,
        /// The byte in the line, counted from 0.
        column: usize,
        /// The name of the template that was running, different from `name` inside `define`.
        template: String,
        /// The text of the action.
        context: String,
        /// What went wrong.
        message: String,
    },
    /// There is no such template.
    #[error("template: no template {} associated with template {}", go_quote(.0), go_quote(.1))]
    NoTemplate(String, String),
    /// A limit was reached; the message names it.
    #[error("template: {name}: {what} exceeds the limit of {limit}")]
    Limit {
        /// The name of the template.
        name: String,
        /// What was limited.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
}
