//! Whatever the order, the grouping and the step at which somebody is killed: sums are the same.

use std::fs;
use std::ops::ControlFlow;

use proptest::prelude::*;

use super::contents::{Contents, Owner};
use super::folded::Folded;
use super::home::{Home, Step};
use super::image::Image;
use super::layout::Header;
use super::settle::settle;
use super::testkit::{self, Counted, EPOCH, families, header, home, leave, region, totals};

/// What a process may have counted. Amounts are multiples of a quarter, which floats add up exactly in any order.
fn counted() -> impl Strategy<Value = Counted> {
    let kinds: Vec<Vec<super::schema::Cell>> =
        families().iter().map(|f| (0..f.n_cells).map(|idx| f.cell(idx)).collect()).collect();
    let one = (0..kinds.len(), 0_usize..8, [0_u64..1_000, 0..1_000, 0..1_000]);
    prop::collection::btree_map(0_usize..64, one, 0..12).prop_map(move |all| {
        let mut seen = std::collections::BTreeSet::new();
        all.into_values()
            .map(|(family, label, numbers)| {
                let label = if families()[family].fields.is_empty() { 0 } else { label };
                let mut cells = [0; 3];
                if !testkit::are_cells(&families()[family].kind) {
                    return (family, label, numbers);
                }
                for (idx, kind) in kinds[family].iter().enumerate() {
                    use super::schema::Cell;
                    cells[idx] = match kind {
                        Cell::Amount | Cell::Level => (numbers[idx] as f64 / 4.0).to_bits(),
                        // A few slices that follow each other in the same place.
                        Cell::Slice => (numbers[idx] % 4) << 32 | numbers[idx],
                        _ => numbers[idx],
                    };
                }
                (family, label, cells)
            })
            .filter(|(family, label, _)| seen.insert((*family, *label)))
            .collect()
    })
}

fn sum<'c>(all: impl IntoIterator<Item = &'c Counted>) -> Contents {
    let mut sum = Contents::default();
    for counted in all {
        let (mut words, _) = region(header(1), counted);
        assert_eq!(settle(&mut words, None).expect("it is whole"), 0);
        sum.add(&Image::read(&words).expect("it is whole"), Owner::IsGone);
    }
    sum
}

const STEPS: [Step; 4] = [Step::Added, Step::Written, Step::Published, Step::Removed];

/// Folds, and ends at the `n`-th time that `step` is reached, as if killed there.
fn fold_until(home: &mut Home, step: Step, n: usize) {
    let mut reached = 0;
    let mut after = |now| {
        reached += usize::from(now == step);
        if now == step && reached > n { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    home.fold_until(None, &mut after).expect("the directory can be used");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn sums_depend_neither_on_order_nor_on_grouping(
        all in prop::collection::vec(counted(), 1..6),
        order in any::<prop::sample::Index>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let expected = totals(&sum(&all));
        let mut turned = all.clone();
        turned.rotate_left(order.index(all.len()));
        turned.reverse();
        prop_assert_eq!(&totals(&sum(&turned)), &expected);
        let (left, right) = all.split_at(cut.index(all.len()));
        let mut grouped = sum(right);
        grouped.merge(&sum(left));
        prop_assert_eq!(&totals(&grouped), &expected);
        let folded = Folded { contents: sum(&all), generation: 3, epoch: EPOCH, ids: [1, 2].into(), ..Folded::default() };
        let read = Folded::from_bytes(&folded.to_bytes()).expect("it is whole");
        prop_assert_eq!(&totals(&read.contents), &expected);
        prop_assert_eq!((read.generation, read.epoch, read.ids), (3, EPOCH, folded.ids));
    }

    #[test]
    fn sums_are_the_same_at_whatever_step_somebody_is_killed(
        all in prop::collection::vec(counted(), 1..6),
        kills in prop::collection::vec((prop::sample::select(&STEPS), 0_usize..3, any::<bool>()), 0..6),
    ) {
        let directory = tempfile::tempdir().expect("a directory");
        let mut left = all.iter().enumerate();
        let mut there = 0;
        for (step, n, comes) in kills {
            if comes && let Some((id, counted)) = left.next() {
                leave(directory.path(), id as u64 + 1, counted);
                there += 1;
            }
            let mut home = home(directory.path());
            fold_until(&mut home, step, n);
            let reading = home.read(None).expect("the directory can be used");
            prop_assert_eq!(totals(&reading.contents), totals(&sum(&all[..there])));
            prop_assert_eq!(reading.skipped, []);
        }
        for (id, counted) in left {
            leave(directory.path(), id as u64 + 1, counted);
        }
        let mut home = home(directory.path());
        for _ in 0..2 {
            home.fold(None).expect("the directory can be used");
            let reading = home.read(None).expect("the directory can be used");
            prop_assert_eq!(totals(&reading.contents), totals(&sum(&all)));
        }
        let n_regions = fs::read_dir(directory.path()).expect("it is there").filter(|entry| {
            entry.as_ref().is_ok_and(|entry| entry.path().extension().is_some_and(|e| e == "region"))
        }).count();
        prop_assert_eq!(n_regions, 0);
    }
}

/// Another process that lives, and when it began.
fn another() -> (u32, u64) {
    let pid = std::os::unix::process::parent_id();
    (pid, super::process::start_of(pid).expect("it waits for this one"))
}

/// Two calls, three seconds.
fn something() -> Counted {
    vec![(0, 0, [2, 3.0_f64.to_bits(), 0])]
}

#[test]
fn who_reads_while_others_fold_sees_everything_once() {
    for n_folds in [1, 2, 7, 8] {
        let directory = tempfile::tempdir().expect("a directory");
        leave(directory.path(), 1, &something());
        let (mut other, mut reader) = (home(directory.path()), home(directory.path()));
        let mut folds = 1..=n_folds;
        // What was not in the sums yet is not among the regions any more, and what will be comes meanwhile.
        let mut fold = || {
            if let Some(n) = folds.next() {
                other.fold(None).expect("the directory can be used");
                leave(directory.path(), n + 1, &something());
            }
        };
        let reading = reader.read_while(None, &mut fold).expect("the directory can be used");
        let calls = totals(&reading.contents).into_values().next().expect("a series")[0];
        assert_eq!(calls, 2 * (n_folds + 1));
    }
}

#[test]
fn who_comes_joins_those_who_live_or_begins_anew() {
    let directory = tempfile::tempdir().expect("a directory");
    let join = || {
        let mut home = Home::open(directory.path(), None, false).expect("the directory can be used");
        home.unlock().expect("it was locked");
        home.epoch
    };
    leave(directory.path(), 1, &something());
    fs::write(directory.path().join("0000000000000002.region"), b"?").expect("can be written");
    let begun = join();
    assert!(begun > EPOCH);
    let n_files = fs::read_dir(directory.path()).expect("it is there").count();
    assert_eq!(n_files, 2, "only the locks are left of what was before");
    let (pid, start) = another();
    let (words, _) = region(Header { pid, start, epoch: begun, ..header(3) }, &something());
    fs::write(directory.path().join("0000000000000003.region"), testkit::to_bytes(&words))
        .expect("can be written");
    assert_eq!(join(), begun);
}

#[test]
fn a_new_start_begins_from_zero_or_keeps_what_was_counted() {
    for keeps in [false, true] {
        let directory = tempfile::tempdir().expect("a directory");
        leave(directory.path(), 1, &something());
        let mut first = home(directory.path());
        first.fold(None).expect("the directory can be used");
        leave(directory.path(), 2, &something());
        let mut second =
            Home::open(directory.path(), Some(EPOCH + 1), keeps).expect("the directory can be used");
        second.unlock().expect("it was locked");
        second.fold(None).expect("the directory can be used");
        let totals = totals(&second.read(None).expect("the directory can be used").contents);
        let calls: Vec<u64> = totals.values().map(|cells| cells[0]).collect();
        assert_eq!(calls, if keeps { vec![4] } else { vec![] });
        // Who is still of the start before neither counts for the new one nor takes anything from it.
        let (words, _) = region(Header { epoch: EPOCH + 1, ..header(3) }, &something());
        fs::write(directory.path().join("0000000000000003.region"), testkit::to_bytes(&words))
            .expect("can be written");
        if !keeps {
            first.fold(None).expect("the directory can be used");
            assert!(directory.path().join("0000000000000003.region").exists());
            leave(directory.path(), 4, &something());
            second.fold(None).expect("the directory can be used");
            let reading = second.read(None).expect("the directory can be used");
            assert_eq!(testkit::totals(&reading.contents).into_values().next().expect("a series")[0], 2);
        }
    }
}

#[test]
fn a_process_without_its_lock_is_known_by_its_start() {
    let directory = tempfile::tempdir().expect("a directory");
    let (pid, start) = another();
    let put = |id, header| {
        let (words, _) = region(header, &something());
        let path = directory.path().join(format!("{id:016x}.region"));
        fs::write(&path, testkit::to_bytes(&words)).expect("can be written");
        path
    };
    let lives = put(1, Header { pid, start, ..header(1) });
    let another = put(2, Header { pid, start: start + 1, ..header(2) });
    let left = put(3, Header { pid, start, is_clean: true, ..header(3) });
    let before_exec =
        put(5, Header { pid: std::process::id(), start: super::process::own_start(), ..header(5) });
    let other_boot = put(4, Header { pid, start, boot: [1, 2], ..header(4) });
    let mut home = home(directory.path());
    home.fold(None).expect("the directory can be used");
    assert!(lives.exists() && !another.exists() && !left.exists() && other_boot.exists());
    assert!(!before_exec.exists(), "the program that counted there is no more");
    let reading = home.read(None).expect("the directory can be used");
    assert_eq!(totals(&reading.contents).into_values().next().expect("a series")[0], 8);
    assert_eq!(reading.skipped.len(), 1);
}
