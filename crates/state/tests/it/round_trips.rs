//! What is written is there, in the order and within the bounds that were asked for.
use std::thread;

use bellwether_state::{Change, Event, EventPlace, EventQuery, Keep, Record, StateStore};

fn put(key: &str, value: &str) -> Change {
    Change::Put { kind: "test", key: key.to_owned(), value: value.into() }
}

fn delete(key: &str) -> Change {
    Change::Delete { kind: "test", key: key.to_owned() }
}

fn event(at_ms: i64, subject: &str, value: &str) -> Change {
    Change::Event(Event { kind: "test".into(), at_ms, subject: subject.to_owned(), value: value.into() })
}

fn values(store: &StateStore, query: &EventQuery) -> Vec<String> {
    let events = store.events(query).expect("readable");
    events.into_iter().map(|kept| String::from_utf8(kept.event.value).expect("text")).collect()
}

#[test]
fn records_outlive_the_store() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = StateStore::open(folder.path()).expect("it opens");
    store.write(vec![put("b", "1"), put("a", "2"), put("c", "3")]).expect("written");
    store.write(vec![put("b", "4"), delete("c"), delete("never there")]).expect("written");
    let other_kind = Change::Put { kind: "other", key: "a".to_owned(), value: Vec::new() };
    store.write(vec![other_kind]).expect("written");
    let want = [("a", "2"), ("b", "4")];
    let want = want.map(|(key, value)| Record { key: key.to_owned(), value: value.into() });
    assert_eq!(store.records("test").expect("readable"), want);
    drop(store);
    let store = StateStore::open(folder.path()).expect("it opens again");
    assert_eq!(store.records("test").expect("readable"), want);
    assert_eq!(store.records("never seen").expect("readable"), []);
}

#[test]
fn many_changes_at_once_are_made_in_their_order() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = StateStore::open(folder.path()).expect("it opens");
    let of_other = |key: &str| Change::Put { kind: "other", key: key.to_owned(), value: Vec::new() };
    let mut changes: Vec<Change> =
        (0..200).map(|n| put(&format!("{:03}", n % 150), &n.to_string())).collect();
    changes.extend((0..100).map(|n| delete(&format!("{n:03}"))));
    changes.extend([of_other("120"), put("007", "again")]);
    changes.extend((0..75).map(|n| event(5, "s", &n.to_string())));
    // Only the one of its kind.
    changes.extend([Change::Delete { kind: "other", key: "120".to_owned() }, delete("140")]);
    store.write(changes).expect("written");
    let left = (100..150).filter(|n| *n != 140).map(|n| (format!("{n:03}"), n.to_string()));
    let want: Vec<(String, String)> =
        [("007".to_owned(), "again".to_owned())].into_iter().chain(left).collect();
    let got = store.records("test").expect("readable").into_iter();
    let got: Vec<(String, String)> =
        got.map(|it| (it.key, String::from_utf8(it.value).expect("text"))).collect();
    assert_eq!(got, want);
    assert_eq!(store.records("other").expect("readable"), []);
    let want: Vec<String> = (0..75).rev().map(|n: i32| n.to_string()).collect();
    assert_eq!(values(&store, &EventQuery::of("test")), want);
}

#[test]
fn what_is_queued_is_there_for_who_asks_later_and_after_the_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = StateStore::open(folder.path()).expect("it opens");
    store.queue(vec![put("a", "1")]);
    store.queue(Vec::new());
    store.queue(vec![put("a", "2")]);
    assert_eq!(store.records("test").expect("readable")[0].value, b"2");
    store.queue(vec![put("a", "3")]);
    drop(store);
    let store = StateStore::open(folder.path()).expect("it opens again");
    assert_eq!(store.records("test").expect("readable")[0].value, b"3");
}

#[test]
fn a_copy_is_made_while_others_write() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = StateStore::open(folder.path()).expect("it opens");
    store.write(vec![put("a", "1"), event(5, "a", "2")]).expect("written");
    let elsewhere = tempfile::tempdir().expect("a folder");
    let file = elsewhere.path().join(bellwether_state::FILE_NAME);
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for n in 0..50 {
                // A part of it would be a copy that is not of one moment.
                store.write(vec![put("b", &n.to_string()), put("c", &n.to_string())]).expect("written");
            }
        });
        store.copy_to(&file).expect("copied");
        writer.join().expect("written");
    });
    assert!(store.copy_to(&file).is_err(), "what is there is not overwritten");
    let copy = StateStore::open(elsewhere.path()).expect("it is one of ours");
    let records = copy.records("test").expect("readable");
    let value = |key: &str| records.iter().find(|record| record.key == key).map(|record| &record.value);
    assert_eq!(value("a").map(Vec::as_slice), Some(&b"1"[..]));
    assert_eq!(value("b"), value("c"));
    assert_eq!(values(&copy, &EventQuery::of("test")), ["2"]);
}

#[test]
fn all_who_write_at_once_are_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = StateStore::open(folder.path()).expect("it opens");
    thread::scope(|scope| {
        for writer in 0..8 {
            let store = store.clone();
            scope.spawn(move || {
                for n in 0..20 {
                    store.write(vec![put(&format!("{writer}/{n}"), "")]).expect("written");
                }
            });
        }
    });
    assert_eq!(store.records("test").expect("readable").len(), 160);
}

#[test]
fn events_are_found_by_time_and_subject_the_newest_first() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = StateStore::open(folder.path()).expect("it opens");
    let events = [(10, "a", "1"), (30, "b", "2"), (20, "a", "3"), (20, "b", "4")];
    store.write(events.map(|(at, subject, value)| event(at, subject, value)).into()).expect("written");
    let all = EventQuery::of("test");
    assert_eq!(values(&store, &all), ["2", "4", "3", "1"]);
    let of_a = EventQuery { subject: Some("a".to_owned()), ..all.clone() };
    assert_eq!(values(&store, &of_a), ["3", "1"]);
    let within = EventQuery { start_ms: 20, end_ms: 29, ..all.clone() };
    assert_eq!(values(&store, &within), ["4", "3"]);
    assert_eq!(values(&store, &EventQuery { limit: 1, ..all.clone() }), ["2"]);
    assert_eq!(values(&store, &EventQuery::of("other")), [""; 0]);
}

#[test]
fn who_comes_back_reads_on_where_the_answer_before_ended() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = StateStore::open(folder.path()).expect("it opens");
    // Many of one time, as alerts that fire together have it.
    let events = [(10, "1"), (20, "2"), (20, "3"), (20, "4"), (30, "5")];
    store.write(events.map(|(at, value)| event(at, "a", value)).into()).expect("written");
    for subject in [None, Some("a".to_owned())] {
        let all = EventQuery { subject, ..EventQuery::of("test") };
        let first = EventQuery { end_ms: 30, ..all.clone() };
        let places = store.events(&first).expect("readable").into_iter().map(|kept| kept.place);
        for (place, want) in places.zip([&["5", "4"][..], &["4", "3"], &["3", "2"], &["2", "1"], &["1"]]) {
            let from = Some(place.to_string().parse().expect("a place"));
            assert_eq!(values(&store, &EventQuery { from, limit: 2, ..all.clone() }), want, "from {place}");
            // What has happened since is before the place.
            store.write(vec![event(40, "a", "6")]).expect("written");
        }
        let from = Some(EventPlace { at_ms: 30, number: 0 });
        assert_eq!(values(&store, &EventQuery { from, end_ms: 10, ..all }), ["1"], "the end holds as well");
    }
    assert_eq!("-5-7".parse(), Ok(EventPlace { at_ms: -5, number: 7 }));
    assert!("7".parse::<EventPlace>().is_err() && "a-7".parse::<EventPlace>().is_err());
}

#[test]
fn old_events_and_too_many_are_forgotten_the_oldest_first() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = StateStore::open(folder.path()).expect("it opens");
    let other = Event { kind: "other".into(), at_ms: 0, subject: String::new(), value: Vec::new() };
    let mut changes: Vec<Change> = (0..5000).map(|n| event(n, "a", &n.to_string())).collect();
    changes.push(Change::Event(other));
    store.write(changes).expect("written");
    let forget =
        |from_ms, rows, bytes| store.forget_events("test", Keep { from_ms, rows, bytes }).expect("forgotten");
    assert_eq!(forget(10, u64::MAX, u64::MAX), 10);
    assert_eq!(forget(10, u64::MAX, u64::MAX), 0);
    assert_eq!(forget(0, 2, u64::MAX), 4988);
    assert_eq!(values(&store, &EventQuery::of("test")), ["4999", "4998"]);
    // Four bytes each.
    assert_eq!(forget(0, u64::MAX, 8), 0);
    store.write((5000..9000).map(|n| event(n, "a", &n.to_string())).collect()).expect("written");
    assert_eq!(forget(0, u64::MAX, 15), 3999, "what came meanwhile counts");
    assert_eq!(values(&store, &EventQuery::of("test")), ["8999", "8998", "8997"]);
    drop(store);
    let store = StateStore::open(folder.path()).expect("it opens again");
    let keep = Keep { from_ms: 0, rows: u64::MAX, bytes: 4 };
    assert_eq!(store.forget_events("test", keep).expect("forgotten"), 2, "and so does what was there");
    assert_eq!(store.events(&EventQuery::of("other")).expect("readable").len(), 1);
}
