use std::fmt;
use std::str::FromStr;

use super::SilenceError;

/// What a silence is called by: a UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SilenceId(u128);

impl SilenceId {
    /// An id that no other silence has.
    pub fn random() -> Self {
        use std::hash::{BuildHasher as _, RandomState};

        let half = || u128::from(RandomState::new().hash_one(0_u8));
        Self::from_random(half() << 64 | half())
    }

    /// An id made of random bits (RFC 9562, version 4).
    pub fn from_random(bits: u128) -> Self {
        let version = (bits & !(0xf << 76)) | (0x4 << 76);
        Self((version & !(0x3 << 62)) | (0x2 << 62))
    }
}

impl fmt::Display for SilenceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = format!("{:032x}", self.0);
        write!(f, "{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }
}

impl FromStr for SilenceId {
    type Err = SilenceError;

    fn from_str(text: &str) -> Result<Self, SilenceError> {
        let dashes = text.char_indices().filter(|(_, c)| *c == '-').map(|(idx, _)| idx).eq([8, 13, 18, 23]);
        let hex: String = text.chars().filter(|c| *c != '-').collect();
        let is_uuid = dashes && hex.len() == 32 && hex.bytes().all(|b| b.is_ascii_hexdigit());
        let bits = is_uuid.then(|| u128::from_str_radix(&hex, 16).ok()).flatten();
        bits.map(Self).ok_or_else(|| SilenceError::NotAnId(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_uuids() {
        let id = SilenceId::from_random(u128::MAX);
        assert_eq!(id.to_string(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(id.to_string().parse(), Ok(id));
        for text in ["", "ffffffffffff4fffbfffffffffffffff", "ffffffff-ffff-4fff-bfff-fffffffffffg"] {
            assert!(text.parse::<SilenceId>().is_err(), "{text:?}");
        }
    }
}
