//! Immutable folders of samples with their index. Described in `docs/formats/part.md`.

mod blocks;
mod cache;
mod columns;
mod dictionary;
mod error;
mod file_header;
mod index;
mod meta;
mod output;
mod paged;
mod postings;
mod reader;
mod sections;
mod series;
mod series_block;
mod tombstones;
mod writer;

pub(crate) use dictionary::{Dictionary, DictionaryBuilder};
pub(crate) use error::PartError;
pub(crate) use meta::{FileMeta, META_FILE, PartMeta};
pub(crate) use reader::{LabelReader, Part, Reading};
pub(crate) use series_block::SeriesBlock;
pub(crate) use tombstones::{FoundTombstones, TOMBSTONE_FILE, Tombstones};
pub(crate) use writer::{PartWriter, Provenance};

/// Chunks are cut at multiples of this: two hours.
pub(crate) const CHUNK_RANGE_MS: i64 = 2 * 60 * 60 * 1000;

/// The folder of a part below the folder of all parts.
pub(crate) fn folder_name(id: u64) -> String {
    format!("{id:016}")
}
