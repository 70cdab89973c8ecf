//! What can be kept, and how much of it.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use crate::StateError;

/// A key is not longer, in bytes.
pub const KEY_BYTES_MAX: usize = 64 << 10;
/// A value is not larger, in bytes.
pub const VALUE_BYTES_MAX: usize = 4 << 20;
/// What is written at once is not larger, in bytes.
pub const WRITE_BYTES_MAX: usize = 64 << 20;
/// What a change costs besides its texts, about, in bytes.
const OVERHEAD_BYTES: usize = 64;

/// Something that is kept under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// What it is called by among those of its kind.
    pub key: String,
    /// What it says.
    pub value: Vec<u8>,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Of which kind it is.
    pub kind: Cow<'static, str>,
    /// When it happened, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// What it is about; events can be looked for by it.
    pub subject: String,
    /// What there is to say.
    pub value: Vec<u8>,
}

/// An event that is kept, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptEvent {
    /// Where it stands.
    pub place: EventPlace,
    /// What happened.
    pub event: Event,
}

/// Where an event stands among those of its kind. Written as `1700000000000-42`, so that somebody can come back and read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventPlace {
    /// When it happened, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// Its number; of the same time, those that came later have larger ones.
    pub number: i64,
}

impl fmt::Display for EventPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.at_ms, self.number)
    }
}

/// A text that is no place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} does not come from an earlier answer")]
pub struct PlaceError(pub String);

impl FromStr for EventPlace {
    type Err = PlaceError;

    fn from_str(text: &str) -> Result<Self, PlaceError> {
        let read = || {
            let (at_ms, number) = text.rsplit_once('-')?;
            Some(Self { at_ms: at_ms.parse().ok()?, number: number.parse().ok()? })
        };
        read().ok_or_else(|| PlaceError(text.to_owned()))
    }
}

/// What is to be kept from now on, or no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A record, in place of the one of the same kind and key.
    Put {
        /// Its kind.
        kind: &'static str,
        /// Its key.
        key: String,
        /// What it says.
        value: Vec<u8>,
    },
    /// The record is gone; that there is none is fine.
    Delete {
        /// Its kind.
        kind: &'static str,
        /// Its key.
        key: String,
    },
    /// Something happened.
    Event(Event),
}

/// Which events of a kind are not forgotten: the newest that are within all of these bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// Those that did not happen before this, in milliseconds since the Unix epoch.
    pub from_ms: i64,
    /// So many of them.
    pub rows: u64,
    /// As many as have values of so many bytes together.
    pub bytes: u64,
}

/// Which events are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventQuery {
    /// Of this kind.
    pub kind: Cow<'static, str>,
    /// About this subject, or any.
    pub subject: Option<String>,
    /// Not before, in milliseconds since the Unix epoch.
    pub start_ms: i64,
    /// Not after.
    pub end_ms: i64,
    /// The one at this place and those behind it, which are older; all if there is none.
    pub from: Option<EventPlace>,
    /// Not more than so many; [`EVENTS_AT_ONCE_MAX`](crate::EVENTS_AT_ONCE_MAX) at most.
    pub limit: usize,
}

impl EventQuery {
    /// All events of a kind, as many as there may be at once.
    pub fn of(kind: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind: kind.into(),
            subject: None,
            start_ms: i64::MIN,
            end_ms: i64::MAX,
            from: None,
            limit: crate::EVENTS_AT_ONCE_MAX,
        }
    }
}

impl Change {
    /// The room that it takes while it waits, about, in bytes.
    pub fn bytes(&self) -> usize {
        let (key, value) = self.parts();
        OVERHEAD_BYTES + key.len() + value.len()
    }

    fn parts(&self) -> (&str, &[u8]) {
        match self {
            Self::Put { key, value, .. } => (key, value),
            Self::Delete { key, .. } => (key, &[]),
            Self::Event(event) => (&event.subject, &event.value),
        }
    }

    fn check(&self) -> Result<(), StateError> {
        let (key, value) = self.parts();
        for (what, bytes, limit) in
            [("a key", key.len(), KEY_BYTES_MAX), ("a value", value.len(), VALUE_BYTES_MAX)]
        {
            if bytes > limit {
                return Err(StateError::TooLarge { what, bytes, limit });
            }
        }
        Ok(())
    }
}

/// The room that changes take; refused if one or all of them are too large.
pub(crate) fn checked_bytes(changes: &[Change]) -> Result<usize, StateError> {
    let mut bytes = 0;
    for change in changes {
        change.check()?;
        bytes += change.bytes();
    }
    if bytes > WRITE_BYTES_MAX {
        return Err(StateError::TooLarge { what: "what is written at once", bytes, limit: WRITE_BYTES_MAX });
    }
    Ok(bytes)
}
