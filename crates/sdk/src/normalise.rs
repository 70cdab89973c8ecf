//! What of a label's value is another one for each event.
//!
//! [`only`] takes some of it out; which is a sum of the constants here.

use std::borrow::Cow;

use crate::labels::OVERFLOW;

/// What stands for an id.
const ID: &str = "{id}";
/// Hexadecimal digits are an id from so many on; less may be a word.
const MIN_HEX: usize = 8;

/// UUIDs, with dashes or without.
pub const UUID: u8 = 1;
/// Words of decimal digits.
pub const NUMBER: u8 = 2;
/// Words of eight or more hexadecimal digits with a decimal one among them.
pub const HEX: u8 = 4;
/// E-mail addresses.
pub const EMAIL: u8 = 8;
/// Not an id: capital letters become small.
pub const LOWER: u8 = 16;

/// Replaces ids in a value: UUIDs, numbers, eight or more hexadecimal digits with a decimal one among them, and e-mail addresses. What `#[label(normalise)]` does.
///
/// ```
/// assert_eq!(bellwether_sdk::normalise_ids("/users/17/orders/3fa85f64-5717-4562-b3fc-2c963f66afa6"), "/users/{id}/orders/{id}");
/// ```
pub fn normalise_ids(value: &str) -> Cow<'_, str> {
    replace_ids(value, UUID | NUMBER | HEX | EMAIL)
}

/// Replaces only some ids. What `#[label(normalise(uuid, number))]` does.
///
/// ```
/// use bellwether_sdk::normalise::{LOWER, UUID, only};
///
/// assert_eq!(only::<{ UUID | LOWER }>("/Jobs/17/3fa85f64-5717-4562-b3fc-2c963f66afa6"), "/jobs/17/{id}");
/// ```
pub fn only<const WHAT: u8>(value: &str) -> Cow<'_, str> {
    let value = replace_ids(value, WHAT);
    if WHAT & LOWER != 0 && value.chars().any(char::is_uppercase) {
        return Cow::Owned(value.to_lowercase());
    }
    value
}

fn replace_ids(value: &str, what: u8) -> Cow<'_, str> {
    let mut out = String::new();
    let mut copied = 0;
    let mut at = 0;
    while at < value.len() {
        if let Some(len) = id_at(value, at, what) {
            out.push_str(&value[copied..at]);
            out.push_str(ID);
            at += len;
            copied = at;
        } else {
            at += word_len(&value.as_bytes()[at..]).max(1);
        }
    }
    if copied == 0 {
        return Cow::Borrowed(value);
    }
    out.push_str(&value[copied..]);
    Cow::Owned(out)
}

/// Sends values with ids in them to the overflow series. What `#[label(deny)]` does.
///
/// ```
/// assert_eq!(bellwether_sdk::deny_ids("nightly"), "nightly");
/// assert_eq!(bellwether_sdk::deny_ids("nightly-20260412"), "_overflow");
/// ```
pub fn deny_ids(value: &str) -> Cow<'_, str> {
    match normalise_ids(value) {
        Cow::Borrowed(value) => Cow::Borrowed(value),
        Cow::Owned(_) => Cow::Borrowed(OVERFLOW),
    }
}

/// The length of the id that begins at a place where a word begins, if there is one.
fn id_at(value: &str, at: usize, what: u8) -> Option<usize> {
    let bytes = &value.as_bytes()[at..];
    let len = word_len(bytes);
    if len == 0 {
        return None;
    }
    let word = &bytes[..len];
    let is_asked_for = |id: u8| what & id != 0;
    let email = if is_asked_for(EMAIL) { email_len(bytes) } else { None };
    let uuid = || if is_asked_for(UUID) { uuid_len(bytes) } else { None };
    email.or_else(uuid).or_else(|| {
        let is_number = word.iter().all(u8::is_ascii_digit);
        let is_hex =
            len >= MIN_HEX && word.iter().all(u8::is_ascii_hexdigit) && word.iter().any(u8::is_ascii_digit);
        ((is_number && is_asked_for(NUMBER)) || (is_hex && is_asked_for(HEX))).then_some(len)
    })
}

/// How many bytes belong to a word, which is where an id has to begin and to end. What is not ASCII does.
fn word_len(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii()).count()
}

/// The length of a UUID with its dashes.
fn uuid_len(bytes: &[u8]) -> Option<usize> {
    const GROUPS: [usize; 5] = [8, 4, 4, 4, 12];
    let mut at = 0;
    for (idx, len) in GROUPS.into_iter().enumerate() {
        if idx > 0 {
            at += usize::from(bytes.get(at) == Some(&b'-'));
        }
        let group = &bytes[at.min(bytes.len())..];
        if word_len(group) != len || !group[..len].iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        at += len;
    }
    Some(at)
}

/// The length of an address: some characters, an at sign, and a name with a dot in it.
fn email_len(bytes: &[u8]) -> Option<usize> {
    let is_local = |byte: &&u8| byte.is_ascii_alphanumeric() || b"._+-".contains(byte);
    let is_domain = |byte: &&u8| byte.is_ascii_alphanumeric() || b".-".contains(byte);
    let local = bytes.iter().take_while(is_local).count();
    let domain = bytes[local..].strip_prefix(b"@")?;
    let len = domain.iter().take_while(is_domain).count();
    // A dot at the end is one of the sentence.
    let name = domain[..len].trim_ascii_end();
    let name = name.strip_suffix(b".").unwrap_or(name);
    name.contains(&b'.').then_some(local + 1 + name.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ids_are_replaced() {
        let check = |value: &str, want: &str| assert_eq!(normalise_ids(value), want, "{value}");
        check("", "");
        check("/", "/");
        check("nightly", "nightly");
        check("17", "{id}");
        check("/runs/17/steps/8", "/runs/{id}/steps/{id}");
        check("user_12", "user_{id}");
        check("/v2/items", "/v2/items");
        check("17ms", "17ms");
        check("3fa85f64-5717-4562-b3fc-2c963f66afa6", "{id}");
        check("x-3FA85F64-5717-4562-B3FC-2C963F66AFA6.json", "x-{id}.json");
        check("3fa85f64-5717-4562-b3fc", "{id}-{id}-{id}-b3fc");
        check("deadbeefcafe", "deadbeefcafe");
        check("deadbeef1", "{id}");
        check("abc123", "abc123");
        check("mail to a.b+c@example.org.", "mail to {id}.");
        check("@handle and a@host", "@handle and a@host");
        check("é1", "é1");
        check("été/12/é", "été/{id}/é");
    }

    #[test]
    fn only_what_is_asked_for_is_replaced() {
        const VALUE: &str = "A@b.org/3fa85f64-5717-4562-b3fc-2c963f66afa6/17/deadbeef1/K";
        assert_eq!(only::<UUID>(VALUE), "A@b.org/{id}/17/deadbeef1/K");
        assert_eq!(only::<NUMBER>(VALUE), "A@b.org/3fa85f64-{id}-{id}-b3fc-2c963f66afa6/{id}/deadbeef1/K");
        assert_eq!(only::<HEX>(VALUE), "A@b.org/{id}-5717-4562-b3fc-{id}/17/{id}/K");
        assert_eq!(only::<EMAIL>(VALUE), "{id}/3fa85f64-5717-4562-b3fc-2c963f66afa6/17/deadbeef1/K");
        assert_eq!(only::<{ NUMBER | LOWER }>("É/17/K"), "é/{id}/k");
        assert!(matches!(only::<LOWER>("k/17"), Cow::Borrowed("k/17")));
        assert_eq!(only::<{ UUID | NUMBER | HEX | EMAIL }>(VALUE), normalise_ids(VALUE));
    }

    proptest! {
        #[test]
        fn it_takes_any_text_and_is_done_at_once(value in "[0-9a-f@.é/-]{0,40}|.{0,20}") {
            let once = normalise_ids(&value).into_owned();
            prop_assert_eq!(normalise_ids(&once).into_owned(), once);
        }
    }
}
