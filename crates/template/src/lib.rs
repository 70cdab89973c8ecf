//! The subset of Go's text/template that alerts and notifications use, as a tree interpreter with limits.
//!
//! A [`Template`] is parsed from text once, against the names of the [`Functions`] that it may call, and executed over a [`Value`]. Values are Go's
//! as far as templates see them: nothing, booleans, integers, floats, strings, lists, maps, and [`Record`]s, which have fields and methods.
//! Messages are those of Go, because they are what people find when they search.
//!
//! The crate knows no Prometheus; [`library`] holds the functions that rules and notifications share, with everything that needs a
//! server (queries, regular expressions, the time) behind the [`Host`](library::Host) trait.
//!
//! ```
//! use bellwether_template::{Functions, Template, Value};
//!
//! let template = Template::parse("greeting", "Hello {{ .name | printf \"%q\" }}!", &Functions::builtin()).unwrap();
//! let data = Value::map([("name", Value::from("world"))]);
//! assert_eq!(template.execute(&data).unwrap(), "Hello \"world\"!");
//! ```
mod ast;
mod builtin;
mod compare;
#[cfg(feature = "conformance")]
pub mod conformance;
mod error;
mod escape;
mod exec;
mod format;
mod functions;
mod json;
mod lexer;
pub mod library;
mod page;
mod parse;
mod printf;
mod references;
mod size;
mod template;
mod value;

pub use error::{ExecError, ParseError};
pub use functions::{FunctionError, Functions};
pub use json::write_json_string;
pub use references::Reference;
pub use size::MAX_TEXT_BYTES;
pub use template::{Definitions, Limits, Options, Template};
pub use value::{Map, Record, Value};
