//! SHA-256 in hexadecimal digits: names that are always the same and short, however long what they stand for is.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

/// The digest of a text.
pub(crate) fn of_text(text: &str) -> String {
    hex(Sha256::new_with_prefix(text))
}

/// The digest of several texts in their order.
pub(crate) fn of_parts<'p>(parts: impl IntoIterator<Item = &'p str>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hex(hash)
}

fn hex(hash: Sha256) -> String {
    let mut text = String::with_capacity(64);
    for byte in hash.finalize() {
        write!(text, "{byte:02x}").expect("BUG: writing to a string cannot fail");
    }
    text
}
