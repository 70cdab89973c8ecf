//! YAML documents with positions, decoded with precise errors.
//!
//! Every file that people write for Bellwether (configuration, rules, target files, unit tests) is read here, so
//! that each refusal names file, line, column and the nearest known key.
//!
//! [`Document::parse`] turns text into a tree of [`Node`]s with positions; [`Document::parse_json`] does the same for JSON.
//! [`Decode`] turns a node into a value, and [`MapReader`] is the tool with which sections do so: it hands out fields, then
//! complains about keys that nobody asked for. Problems are collected in [`Errors`], so one run reports all of them;
//! [`Reported`] is the proof that a failure is in that list. The meaning of scalars, of `null` and of repeated keys is that of
//! the Go libraries that Prometheus uses (see [`Dialect`]).
//!
//! [`Value`] is the other direction: what the program runs on, written back as YAML with [`Secret`]s hidden.
//!
//! ```
//! use std::borrow::Cow;
//!
//! use bellwether_yaml::{Decode, Dialect, Document, Errors, MapReader, Node, Reported};
//!
//! #[derive(Debug, PartialEq)]
//! struct Job {
//!     name: String,
//!     limit: u64,
//! }
//!
//! impl Decode<'_> for Job {
//!     fn type_name() -> Cow<'static, str> {
//!         "config.plain".into()
//!     }
//!
//!     fn decode(node: Node<'_>, errors: &mut Errors) -> Result<Self, Reported> {
//!         let mut map = MapReader::new(node, "config.plain", errors)?;
//!         let name: String = map.or_default("job_name");
//!         let limit = map.or("sample_limit", 100);
//!         map.finish()?;
//!         if name.is_empty() {
//!             return Err(errors.reject(node, "job_name is empty"));
//!         }
//!         Ok(Job { name, limit })
//!     }
//! }
//!
//! let good = Document::parse("jobs.yml", b"job_name: node\n", Dialect::V2).unwrap();
//! assert_eq!(good.decode::<Job>().unwrap(), Job { name: "node".into(), limit: 100 });
//!
//! let bad = Document::parse("jobs.yml", b"job_name: node\nsample_limt: 3\n", Dialect::V2).unwrap();
//! assert_eq!(
//!     bad.decode::<Job>().unwrap_err().to_string(),
//!     "jobs.yml:2:1: yaml: unmarshal errors: field sample_limt not found in type config.plain; \
//!      did you mean \"sample_limit\"?"
//! );
//! ```
mod decode;
mod document;
mod error;
mod excerpt;
mod file_path;
mod json;
mod load;
mod map_reader;
mod merge;
mod node;
mod position;
mod scalar;
mod secret;
mod suggest;
mod tree;
mod value;
mod write;

pub use decode::{At, Decode};
pub use document::{Dialect, Document};
pub use error::{Error, ErrorKind, Errors, Reported};
pub use map_reader::MapReader;
pub use node::{Entry, Kind, Node};
pub use position::Position;
pub use scalar::{Resolved, Scalar, Style};
pub use secret::Secret;
pub use suggest::nearest;
pub use value::{MapValue, Value};
