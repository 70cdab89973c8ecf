use std::io;
use std::path::{Path, PathBuf};

use bellwether_yaml::Secret;

use crate::file_stamp::{FileStamp, read_small_file};

/// Where a secret or a certificate comes from: the configuration itself, or a file that is read again when it changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TextSource {
    Inline(Secret),
    File(PathBuf),
}

impl TextSource {
    /// The source that a pair of fields names, `x` and `x_file`; `None` if neither is set.
    pub(crate) fn from_fields(inline: &Secret, file: &Path) -> Option<Self> {
        if !inline.is_empty() {
            Some(Self::Inline(inline.clone()))
        } else if file.as_os_str().is_empty() {
            None
        } else {
            Some(Self::File(file.to_owned()))
        }
    }

    /// The file, if it is one.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::Inline(_) => None,
            Self::File(path) => Some(path),
        }
    }

    /// The stamp of the file; inline texts never change.
    pub(crate) fn stamp(&self) -> Option<FileStamp> {
        self.path().and_then(FileStamp::of)
    }

    /// The text; blocks on the file system.
    pub(crate) fn read(&self, max_bytes: u64) -> io::Result<Secret> {
        match self {
            Self::Inline(secret) => Ok(secret.clone()),
            Self::File(path) => {
                let bytes = read_small_file(path, max_bytes)?;
                let text = String::from_utf8(bytes)
                    .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "the file is not UTF-8 text"))?;
                Ok(Secret::new(text))
            }
        }
    }
}
