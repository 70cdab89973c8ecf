//! What users of the SDK rely on, through its public interface.
mod exemplars;
mod expiry;
mod exposition;
mod limits;
mod native;
mod operation;
mod processes;
mod protobuf;
mod serve;
mod summary;
mod types;
