//! A process that is killed in the middle of writes: the test binary starts itself again as the one that writes.
use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use bellwether_state::{Change, Event, EventQuery, StateStore};

const FOLDER: &str = "BELLWETHER_TEST_STATE";
const KILLS: usize = 20;
const WRITERS: usize = 4;

/// Writes for ever and says what is durable, a line for each. Only in a process of its own.
#[test]
fn write_until_killed() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let store = StateStore::open(Path::new(&folder)).expect("it opens");
    let run = std::process::id();
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let store = store.clone();
            scope.spawn(move || {
                for n in 0.. {
                    let key = format!("{run}/{writer}/{n}");
                    let event =
                        Event { kind: "test".into(), at_ms: n, subject: key.clone(), value: vec![7; 100] };
                    let put = Change::Put { kind: "test", key: key.clone(), value: vec![7; 1000] };
                    store.write(vec![put, Change::Event(event)]).expect("written");
                    // One call, so that lines of writers do not mix. The reader is gone only when this is killed.
                    let _ = std::io::stdout().write_all(format!("\ndurable {key}\n").as_bytes());
                }
            });
        }
    });
}

#[test]
fn nothing_acknowledged_is_lost_in_20_kills() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut acknowledged = BTreeSet::new();
    for kill in 0..KILLS {
        let mut child = Command::new(std::env::current_exe().expect("this binary"))
            .args(["--exact", "kill::write_until_killed", "--nocapture"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        // After a different number of writes each time, so in the middle of something else.
        let told = lines
            .map_while(Result::ok)
            .filter_map(|line| line.strip_prefix("durable ").map(ToOwned::to_owned));
        let mut told = told.inspect(|key| {
            acknowledged.insert(key.clone());
        });
        assert!(told.nth(5 + kill * 3).is_some(), "it wrote");
        child.kill().expect("killed");
        // What it had said before.
        told.for_each(drop);
        child.wait().expect("ended");
    }
    let store = StateStore::open(folder.path()).expect("it opens");
    let kept: BTreeSet<String> =
        store.records("test").expect("readable").into_iter().map(|it| it.key).collect();
    let lost: Vec<&String> = acknowledged.difference(&kept).collect();
    assert!(lost.is_empty(), "{lost:?}");
    for key in acknowledged.iter().step_by(10) {
        let query = EventQuery { subject: Some(key.clone()), ..EventQuery::of("test") };
        assert_eq!(
            store.events(&query).expect("readable").len(),
            1,
            "{key}: a record and its event go together"
        );
    }
}
