//! What users of the SDK rely on, through its public interface.
mod domain;
mod exposition;
mod golden;
mod health;
mod host;
mod http;
mod limits;
mod push;
mod runtime;
mod track;
mod types;
