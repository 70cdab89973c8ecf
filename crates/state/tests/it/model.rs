//! The store against a map, in rows of random steps.
use std::collections::BTreeMap;

use bellwether_state::{Change, Record, StateStore};
use proptest::prelude::*;

const KINDS: [&str; 2] = ["a", "b"];

#[derive(Debug, Clone)]
enum Step {
    Write(Vec<(usize, u8, Option<u8>)>),
    Queue(Vec<(usize, u8, Option<u8>)>),
    Reopen,
}

fn changes() -> impl Strategy<Value = Vec<(usize, u8, Option<u8>)>> {
    proptest::collection::vec((0..KINDS.len(), 0..6_u8, proptest::option::of(any::<u8>())), 1..5)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => changes().prop_map(Step::Write),
        4 => changes().prop_map(Step::Queue),
        1 => Just(Step::Reopen),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn the_store_is_a_map_that_survives(steps in proptest::collection::vec(step(), 1..30)) {
        let folder = tempfile::tempdir().expect("a folder");
        let mut store = Some(StateStore::open(folder.path()).expect("it opens"));
        let mut model: BTreeMap<(usize, String), Vec<u8>> = BTreeMap::new();
        for step in steps {
            let mut apply = |changes: Vec<(usize, u8, Option<u8>)>| -> Vec<Change> {
                let change = |(kind, key, value): (usize, u8, Option<u8>)| {
                    let key = key.to_string();
                    if let Some(value) = value {
                        model.insert((kind, key.clone()), vec![value]);
                        Change::Put { kind: KINDS[kind], key, value: vec![value] }
                    } else {
                        model.remove(&(kind, key.clone()));
                        Change::Delete { kind: KINDS[kind], key }
                    }
                };
                changes.into_iter().map(change).collect()
            };
            let open = store.as_ref().expect("open");
            match step {
                Step::Write(changes) => open.write(apply(changes)).expect("written"),
                Step::Queue(changes) => open.queue(apply(changes)),
                Step::Reopen => {
                    drop(store.take());
                    store = Some(StateStore::open(folder.path()).expect("it opens again"));
                }
            }
            for (kind, name) in KINDS.iter().enumerate() {
                let got = store.as_ref().expect("open").records(name).expect("readable");
                let want: Vec<Record> = model
                    .iter()
                    .filter(|((of, _), _)| *of == kind)
                    .map(|((_, key), value)| Record { key: key.clone(), value: value.clone() })
                    .collect();
                prop_assert_eq!(got, want);
            }
        }
    }
}
