//! What the frames of the log and of checkpoints contain. Described in `docs/formats/records.md`.

mod kind;
mod reader;
mod writer;

pub(crate) use kind::RecordKind;
pub(crate) use reader::{
    CheckpointHead, CheckpointSeries, RecordError, RecordSink, has_deletions, is_continued, read_records,
};
pub(crate) use writer::RecordWriter;
