//! The sections `remote_write`, `remote_read` and `otlp`: names, defaults and refusals are those of Prometheus.

mod cloud;
mod error;
mod headers;
mod otlp;
mod queue;
mod remote_read;
mod remote_write;

pub use cloud::read_sigv4;
pub use error::WireConfigError;
pub use headers::check_headers;
pub use otlp::{OtlpConfig, TranslationStrategy};
pub use queue::{MetadataConfig, QueueConfig};
pub use remote_read::RemoteReadConfig;
pub use remote_write::{RemoteWriteConfig, RemoteWriteSpec, WriteMessage};

#[cfg(test)]
mod tests;
