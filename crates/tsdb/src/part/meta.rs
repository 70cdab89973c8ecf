use std::path::Path;

use bellwether_disk::{Fs, read_file};
use serde::{Deserialize, Serialize};

use super::error::PartError;

/// The description of a part.
pub(crate) const META_FILE: &str = "meta.json";
const VERSION: u32 = 1;
const MAX_BYTES: u64 = 1 << 20;

/// Length and checksum of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileMeta {
    pub(crate) name: String,
    pub(crate) len: u64,
    pub(crate) crc32c: u32,
}

/// What a part is; `meta.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PartMeta {
    pub(crate) version: u32,
    pub(crate) id: u64,
    /// 0: cut from the head; else one more than the highest of the sources.
    pub(crate) level: u32,
    /// Of two parts with a sample at the same time the one with the lower order counts.
    pub(crate) order: u64,
    /// Time of the first sample.
    pub(crate) mint: i64,
    /// Time of the last sample.
    pub(crate) maxt: i64,
    pub(crate) series: u64,
    pub(crate) samples: u64,
    pub(crate) histogram_samples: u64,
    pub(crate) chunks: u64,
    /// The parts that were merged into this one, those that were merged into these included.
    pub(crate) sources: Vec<u64>,
    pub(crate) created_ms: i64,
    pub(crate) files: Vec<FileMeta>,
}

/// All that is read of a description before its version is known.
#[derive(Deserialize)]
struct Version {
    version: u32,
}

impl PartMeta {
    pub(super) const VERSION: u32 = VERSION;

    /// Bytes of all files but this one.
    pub(crate) fn bytes(&self) -> u64 {
        self.files.iter().map(|f| f.len).sum()
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut text = serde_json::to_vec_pretty(self).expect("BUG: numbers and strings are always JSON");
        text.push(b'\n');
        text
    }

    /// Reads the description in the folder of a part.
    pub(crate) fn read(fs: &dyn Fs, dir: &Path) -> Result<Self, PartError> {
        let path = dir.join(META_FILE);
        let text = read_file(fs, &path, MAX_BYTES).map_err(|e| PartError::io(&path, e))?;
        // The version first, on its own: what a newer version looks like is not known.
        let version: Version =
            serde_json::from_slice(&text).map_err(|e| PartError::damaged(&path, e.to_string()))?;
        if version.version != VERSION {
            let what = format!("format version {} is not {VERSION}", version.version);
            return Err(PartError::Newer { path: path.display().to_string(), what });
        }
        serde_json::from_slice(&text).map_err(|e| PartError::damaged(&path, e.to_string()))
    }
}
