//! What benches and counts need from the inside: single steps of what an append and a compaction do.

use bellwether_disk::Group;
use bellwether_model::{ColumnBuffer, TimeRange, Value};

use crate::head::{Chunk, SharedColumns, Values};
use crate::records::RecordWriter;

/// Encodes samples as the head does when it has enough of them for a chunk.
#[derive(Debug, Default)]
pub struct Sealer(SharedColumns);

/// A chunk of samples in memory.
#[derive(Debug)]
pub struct SealedChunk(Chunk);

impl Sealer {
    /// Makes a chunk of floats. There are as many times, which increase, and at least one.
    pub fn seal(&mut self, times: &[i64], values: &[f64]) -> SealedChunk {
        SealedChunk(Chunk::seal(times, &[], Values::Floats(values), &mut self.0))
    }
}

impl SealedChunk {
    /// Replaces what is in `out` with the samples.
    pub fn decode(&self, out: &mut ColumnBuffer) {
        out.clear();
        self.0.read(TimeRange::ALL, self.0.rows, out).expect("BUG: a sealed chunk cannot be read");
    }
}

/// Encodes batches for the log as an append does.
#[derive(Debug, Default)]
pub struct BatchEncoder {
    records: RecordWriter,
    group: Group,
}

impl BatchEncoder {
    /// Makes frames of the floats of known series, each with the number that the log gives its series, its time and its value. Returns how many bytes they have.
    pub fn encode(&mut self, samples: impl IntoIterator<Item = (u64, i64, f64)>) -> usize {
        for (id, ts_ms, value) in samples {
            self.records.sample(id, ts_ms, 0, &Value::Float(value));
        }
        let bytes = self.records.len();
        self.records.finish_batch(&mut self.group).expect("BUG: records are longer than a frame");
        self.group.clear();
        bytes
    }
}
