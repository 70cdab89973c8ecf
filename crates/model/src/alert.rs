use std::fmt;
use std::str::FromStr;

use crate::labels::Labels;

/// Something that is wrong, or was: what rules find, what other servers send, and what people are told about. Alerts with the same labels are the same alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// What it is, with its name as `alertname`.
    pub labels: Labels,
    /// Texts about it.
    pub annotations: Labels,
    /// Since when it fires, in milliseconds since the Unix epoch.
    pub starts_at_ms: i64,
    /// When it is over, or will be unless somebody says otherwise until then; `None` if that is not known.
    pub ends_at_ms: Option<i64>,
    /// A page that shows what was seen; empty if there is none.
    pub generator_url: String,
}

impl Alert {
    /// Whether it is over at `now_ms`.
    pub fn is_resolved(&self, now_ms: i64) -> bool {
        self.ends_at_ms.is_some_and(|end| end <= now_ms)
    }

    /// What it is called by.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.labels)
    }
}

/// A short name of a label set, the same that Prometheus and Alertmanager give it: FNV-1a over the sorted labels, with a byte that is no UTF-8 behind each part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub u64);

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0100_0000_01b3;
const SEPARATOR: u8 = 0xff;

impl Fingerprint {
    /// The fingerprint of a label set.
    ///
    /// ```
    /// use bellwether_model::{Fingerprint, Labels};
    ///
    /// let labels = Labels::from_pairs([("severity", "warning"), ("job", "foo")]);
    /// assert_eq!(Fingerprint::of(&labels).to_string(), "9266ef3da838ad95");
    /// ```
    pub fn of(labels: &Labels) -> Self {
        let parts = labels.iter().flat_map(|label| [label.name, label.value]);
        let bytes = parts.flat_map(|part| part.bytes().chain([SEPARATOR]));
        Self(bytes.fold(FNV_OFFSET, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME)))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Why text is no fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no fingerprint: it has 16 hexadecimal digits")]
pub struct ParseFingerprintError(String);

impl FromStr for Fingerprint {
    type Err = ParseFingerprintError;

    fn from_str(text: &str) -> Result<Self, ParseFingerprintError> {
        let hexadecimal = text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit());
        let number = hexadecimal.then(|| u64::from_str_radix(text, 16).ok()).flatten();
        number.map(Self).ok_or_else(|| ParseFingerprintError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_read_as_they_are_written() {
        let written = Fingerprint(0x0b15_fd16_3d36_582e).to_string();
        assert_eq!(written, "0b15fd163d36582e");
        assert_eq!(written.parse(), Ok(Fingerprint(0x0b15_fd16_3d36_582e)));
        for text in ["", "b15fd163d36582e", "+b15fd163d36582e", "0b15fd163d36582g"] {
            assert!(text.parse::<Fingerprint>().is_err(), "{text:?}");
        }
    }
}
