//! What users of the SDK rely on, through its public interface.
mod exposition;
mod http;
mod limits;
mod track;
mod types;
