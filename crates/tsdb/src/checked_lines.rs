//! Files of JSON lines, each behind its checksum, as `docs/formats/manifest.md` describes them.

use bellwether_disk::Crc32c;
use serde::Serialize;

/// A line: the checksum of the JSON, a space, the JSON, a line feed.
pub(crate) fn encode_line(line: &impl Serialize) -> Vec<u8> {
    let json = serde_json::to_string(line).expect("BUG: numbers and strings are always JSON");
    format!("{:08x} {json}\n", Crc32c::of(json.as_bytes())).into_bytes()
}

/// The JSON of a whole line; `None` if it is not what was written.
pub(crate) fn checked_json(line: &[u8]) -> Option<&[u8]> {
    let (crc, rest) = line.strip_suffix(b"\n")?.split_at_checked(8)?;
    let json = rest.strip_prefix(b" ")?;
    let crc = u32::from_str_radix(std::str::from_utf8(crc).ok()?, 16).ok()?;
    (crc == Crc32c::of(json)).then_some(json)
}
