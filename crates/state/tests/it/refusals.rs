//! What is refused, and that it is left as it was.
use std::fs;
use std::path::Path;

use bellwether_state::{Change, FILE_NAME, KEY_BYTES_MAX, StateStore, VALUE_BYTES_MAX, WRITE_BYTES_MAX};

/// Where SQLite's header has the version of the schema and the number of the application, as big-endian words.
const USER_VERSION_AT: usize = 60;
const APPLICATION_ID_AT: usize = 68;

fn put(key: String, value: Vec<u8>) -> Change {
    Change::Put { kind: "test", key, value }
}

/// The store after its file was changed, and whether the refusal left the file alone.
fn refusal(change: impl FnOnce(&mut Vec<u8>)) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    drop(StateStore::open(folder.path()).expect("it opens"));
    let path = folder.path().join(FILE_NAME);
    let mut bytes = fs::read(&path).expect("readable");
    change(&mut bytes);
    fs::write(&path, &bytes).expect("writable");
    let error = StateStore::open(folder.path()).expect_err("refused");
    assert_eq!(fs::read(&path).expect("readable"), bytes, "not a byte is changed");
    let text = error.to_string();
    assert!(text.contains(path.to_str().expect("text")), "{text}");
    text
}

#[test]
fn a_newer_schema_is_refused_by_name() {
    let text =
        refusal(|bytes| bytes[USER_VERSION_AT..USER_VERSION_AT + 4].copy_from_slice(&2_u32.to_be_bytes()));
    assert!(text.contains("has schema 2, and this version knows those up to 1"), "{text}");
}

#[test]
fn a_database_of_something_else_is_refused() {
    let text = refusal(|bytes| bytes[APPLICATION_ID_AT..APPLICATION_ID_AT + 4].fill(7));
    assert!(text.contains("not one of Bellwether"), "{text}");
}

#[test]
fn damage_is_told_with_what_to_do() {
    for text in [refusal(|bytes| bytes.fill(b'x')), refusal(|bytes| bytes[100..4096].fill(0xff))] {
        assert!(text.contains("is damaged") && text.contains("restore it from a backup"), "{text}");
    }
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let error = StateStore::open(&file.path().join("below")).expect_err("refused");
    assert!(error.to_string().contains("below"), "{error}");
    assert!(Path::new(file.path()).is_file());
}

#[test]
fn what_is_too_large_is_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = StateStore::open(folder.path()).expect("it opens");
    let refused = |changes: Vec<Change>| store.write(changes).expect_err("refused").to_string();
    let key =
        refused(vec![put("fine".to_owned(), Vec::new()), put("k".repeat(KEY_BYTES_MAX + 1), Vec::new())]);
    assert_eq!(key, "a key has 65537 bytes, and may have 65536");
    let value = refused(vec![put("k".to_owned(), vec![0; VALUE_BYTES_MAX + 1])]);
    assert_eq!(value, "a value has 4194305 bytes, and may have 4194304");
    let many = WRITE_BYTES_MAX / VALUE_BYTES_MAX;
    let all = refused((0..many).map(|n| put(n.to_string(), vec![0; VALUE_BYTES_MAX])).collect());
    assert!(all.starts_with("what is written at once has "), "{all}");
    assert_eq!(store.records("test").expect("readable"), []);
}
