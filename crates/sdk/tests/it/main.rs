//! What users of the SDK rely on, through its public interface.
mod exposition;
mod limits;
mod native;
mod protobuf;
mod summary;
mod types;
