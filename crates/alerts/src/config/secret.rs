use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use bellwether_outbound::ConfigUrl;
use bellwether_yaml::{MapReader, Secret};

use super::ConfigError;
use super::global::check_web_url;

/// Files with secrets are not larger than this.
const FILE_BYTES_MAX: u64 = 64 << 10;

/// A secret that stands in the configuration, or in a file that is read again whenever it is needed, so that it can be changed without a reload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// The secret.
    Inline(Secret),
    /// Where it is.
    File(PathBuf),
}

/// Why a secret cannot be had now.
#[derive(Debug, thiserror::Error)]
#[error("reading the secret in {}: {source}", path.display())]
pub struct SecretSourceError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    #[source]
    pub source: io::Error,
}

impl SecretSource {
    /// The secret as it is now, without the white space around it. A file without any has none.
    pub fn read(&self) -> Result<Secret, SecretSourceError> {
        match self {
            Self::Inline(secret) => Ok(secret.clone()),
            Self::File(path) => {
                let text =
                    read_secret(path).map_err(|source| SecretSourceError { path: path.clone(), source })?;
                Ok(Secret::new(text))
            }
        }
    }

    /// Reads a field and the one that names a file instead. `both` names them in the refusal of both.
    pub(super) fn read_fields(
        map: &mut MapReader<'_, '_>,
        field: &'static str,
        file_field: &'static str,
        both: &'static str,
    ) -> Option<Self> {
        let secret: Secret = map.or_default(field);
        let file: PathBuf = map.or_default(file_field);
        let has_file = !file.as_os_str().is_empty();
        match (secret.is_empty(), has_file) {
            (false, true) => {
                map.reject(map.place(file_field), ConfigError::AtMostOne(both));
                None
            }
            (false, false) => Some(Self::Inline(secret)),
            (true, true) => Some(Self::File(file)),
            (true, false) => None,
        }
    }

    /// The same for what must be an address of the web, as far as it stands in the configuration.
    pub(super) fn read_url_fields(
        map: &mut MapReader<'_, '_>,
        field: &'static str,
        file_field: &'static str,
        both: &'static str,
    ) -> Option<Self> {
        let source = Self::read_fields(map, field, file_field, both)?;
        // Other tools write `<secret>` in its place.
        if let Self::Inline(text) = &source
            && text.reveal() != "<secret>"
        {
            let url = ConfigUrl::parse(text.reveal()).map_err(|error| ConfigError::Url(error.to_string()));
            if let Err(error) = url.and_then(|url| check_web_url(&url)) {
                map.reject(map.place(field), error);
                return None;
            }
        }
        Some(source)
    }
}

fn read_secret(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(io::Error::other(format!("it has more than {FILE_BYTES_MAX} bytes")));
    }
    match text.trim() {
        "" => Err(io::Error::other("it is empty")),
        secret => Ok(secret.to_owned()),
    }
}
