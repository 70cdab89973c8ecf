//! Small records that must survive, and events that are kept for a while: what the server knows besides samples.
//!
//! A [`StateStore`] is a SQLite database in the data folder. It knows nothing of what it keeps: a kind, a key and some bytes make a [`Record`]; an [`Event`] has a time
//! instead of a key. A [`Change`] is durable when [`StateStore::write`] returns; callers that write at the same time share a commit, and so the sync of the disk.
//! `docs/formats/state.md` describes the file.
mod change;
mod database;
mod error;
mod queue;
mod store;
mod write;

pub use change::{
    Change, Event, EventPlace, EventQuery, KEY_BYTES_MAX, Keep, KeptEvent, PlaceError, Record,
    VALUE_BYTES_MAX, WRITE_BYTES_MAX,
};
pub use database::{EVENTS_AT_ONCE_MAX, FILE_NAME};
pub use error::StateError;
pub use store::StateStore;
