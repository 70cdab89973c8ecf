//! Deleted samples are gone everywhere and for good; those that come later are not.

use std::path::{Path, PathBuf};

use bellwether_disk::Fs;
use bellwether_model::{
    AppendBatch, AppendExemplar, Appender, Exemplar, Labels, Matcher, QueryContext, Queryable, Rejection,
    Tenant, TimeRange,
};
use bellwether_tsdb::{Options, ProblemKind};

use crate::kit::{self, HOUR, Kit, NOW, count, histogram, name, options, row, sample};

/// What is done to a file.
type Change = Box<dyn Fn(&mut Vec<u8>)>;

const WINDOW: i64 = 1000 * HOUR;

fn with_window() -> Kit {
    Kit::with(Options { out_of_order_window_ms: WINDOW, ..options() })
}

fn series(kit: &Kit, range: TimeRange) -> usize {
    let querier = kit.tsdb.querier(&Tenant::default(), range).expect("opens");
    querier.series(&[Matcher::equal("__name__", "m")], 0, &QueryContext::unbounded()).expect("works").len()
}

fn values_of_i(kit: &Kit, matchers: &[Matcher]) -> usize {
    let querier = kit.tsdb.querier(&Tenant::default(), TimeRange::ALL).expect("opens");
    querier.label_values("i", matchers, 0, &QueryContext::unbounded()).expect("works").len()
}

/// How many samples parts have, deleted ones included.
fn stored(kit: &Kit) -> u64 {
    kit.tsdb.parts().iter().map(|p| p.samples).sum()
}

fn tombstone_files(kit: &Kit) -> Vec<PathBuf> {
    kit.fs.files().into_iter().filter(|p| p.ends_with("tomb.bin")).collect()
}

/// Ten series; an hour in a part, another one in memory, and some late samples.
fn full() -> Kit {
    let kit = with_window();
    for n in 0..60 {
        kit.row(0..10, NOW - 2 * HOUR + n * 60_000);
    }
    kit.tsdb.compact_all().expect("compacts");
    for n in 0..60 {
        kit.row(0..10, NOW - HOUR + n * 60_000);
    }
    for n in 0..5 {
        kit.row(0..10, NOW - HOUR + n * 60_000 + 1);
    }
    assert_eq!(count(&kit.dump()), 1250);
    kit
}

#[test]
fn what_is_deleted_stays_deleted_through_everything() {
    let mut kit = full();
    kit.delete(3, TimeRange::ALL);
    kit.delete(4, TimeRange::new(NOW - HOUR - 10 * 60_000, NOW - HOUR + 9 * 60_000));
    let want = kit.dump();
    assert_eq!((want.len(), count(&want)), (9, 1250 - 125 - 10 - 10 - 5));
    assert_eq!((series(&kit, TimeRange::ALL), tombstone_files(&kit).len()), (9, 1));
    assert_eq!(kit.tsdb.parts()[0].deleted_intervals, 2);
    for _ in 0..2 {
        kit.kill();
        assert!(kit.report.is_clean(), "{:?}", kit.report);
        assert_eq!(kit.dump(), want);
        kit.power_cut(7);
        assert_eq!(kit.dump(), want, "it was synced before the answer");
        kit.restart();
        assert_eq!(kit.dump(), want);
    }
    assert_eq!(stored(&kit), 600);
    assert_eq!(kit.tsdb.clean_tombstones().expect("works"), 1);
    assert_eq!((kit.dump(), tombstone_files(&kit).len()), (want.clone(), 0));
    assert_eq!(stored(&kit), 600 - 60 - 10);
    assert_eq!(kit.tsdb.clean_tombstones().expect("works"), 0, "once is enough");
    kit.tsdb.compact_all().expect("compacts");
    assert_eq!(stored(&kit), count(&want) as u64);
    kit.kill();
    assert_eq!(kit.dump(), want);
}

/// A merge leaves deleted samples out as well, and parts of which nothing is left go away.
#[test]
fn merges_and_cuts_leave_out_what_is_deleted() {
    let mut kit = full();
    for i in 0..10 {
        kit.delete(i, TimeRange::new(i64::MIN, NOW - HOUR + 30 * 60_000 - 1));
    }
    let want = kit.dump();
    assert_eq!(count(&want), 300);
    kit.tsdb.compact_all().expect("compacts");
    assert_eq!(stored(&kit), 300);
    assert_eq!((kit.dump(), tombstone_files(&kit).len()), (want.clone(), 0));
    for i in 0..10 {
        kit.delete(i, TimeRange::ALL);
    }
    kit.tsdb.clean_tombstones().expect("works");
    assert_eq!((kit.tsdb.parts().len(), count(&kit.dump())), (0, 0));
    kit.kill();
    assert!(kit.report.is_clean() && kit.dump().is_empty());
}

/// Prometheus lists label values until the blocks are rewritten, and series only while they have samples.
#[test]
fn series_are_listed_while_they_have_samples_and_labels_until_they_are_removed() {
    let kit = Kit::new();
    for n in 0..60 {
        kit.row(0..10, NOW - 2 * HOUR + n * 60_000);
    }
    kit.tsdb.compact_all().expect("compacts");
    kit.clock.advance_ms(HOUR);
    kit.tsdb.maintain().expect("works");
    kit.delete(3, TimeRange::ALL);
    kit.delete(4, TimeRange::new(NOW - 2 * HOUR + 60_000, NOW));
    assert_eq!(series(&kit, TimeRange::ALL), 9);
    assert_eq!(series(&kit, TimeRange::new(NOW - 2 * HOUR + 60_000, NOW)), 9, "as far as whole chunks tell");
    assert_eq!((values_of_i(&kit, &[]), values_of_i(&kit, &[Matcher::equal("__name__", "m")])), (10, 10));
    kit.tsdb.clean_tombstones().expect("works");
    assert_eq!((series(&kit, TimeRange::ALL), values_of_i(&kit, &[])), (9, 9));
    assert_eq!(series(&kit, TimeRange::new(NOW - 2 * HOUR + 60_000, NOW)), 8);
}

#[test]
fn samples_that_come_later_count() {
    let mut kit = full();
    let newest = NOW - 60_000;
    kit.delete(3, TimeRange::ALL);
    let verdicts = kit.append(vec![
        // The newest one that the series had, once more: its sender may not know that it arrived.
        row(3..4, newest).remove(0),
        sample(&name(3), NOW - 90 * 60_000, 7.0),
        sample(&name(3), NOW - 30 * 60_000, 8.0),
        sample(&name(3), NOW, 9.0),
    ]);
    assert!(verdicts.samples.iter().all(Result::is_ok), "{verdicts:?}");
    let again = kit.append(vec![sample(&name(3), newest, 1.5)]);
    assert_eq!(again.samples[0].clone().err(), None, "{newest} is not held any more and is a late one");
    let times = |kit: &Kit| kit.dump()[&name(3).to_string()].keys().copied().collect::<Vec<_>>();
    let want = [NOW - 90 * 60_000, NOW - 30 * 60_000, newest, NOW];
    assert_eq!(times(&kit), want);
    for _ in 0..2 {
        kit.kill();
        assert_eq!(times(&kit), want);
        kit.tsdb.compact_all().expect("compacts");
        assert_eq!(times(&kit), want);
    }
    // Deleted once more, and nothing else is.
    kit.delete(3, TimeRange::new(NOW - 30 * 60_000, newest));
    assert_eq!(times(&kit), [want[0], want[3]]);
    assert_eq!(kit.dump().len(), 10);
}

/// Without a window a series in memory goes on behind its newest sample, deleted or not, as in Prometheus.
#[test]
fn a_series_goes_on_behind_its_newest_sample() {
    let kit = Kit::new();
    for n in 0..60 {
        kit.row(0..2, NOW + n * 1000);
    }
    kit.delete(1, TimeRange::ALL);
    let newest = row(1..2, NOW + 59_000).remove(0);
    let verdicts = kit.append(vec![
        newest.clone(),
        sample(&name(1), newest.ts_ms, -1.0),
        sample(&name(1), NOW + 30_000, 3.0),
    ]);
    assert_eq!(
        verdicts.samples.iter().map(|v| v.clone().err()).collect::<Vec<_>>(),
        [None, Some(Rejection::DuplicateTimestamp), Some(Rejection::OutOfOrder)]
    );
    assert_eq!(kit.dump().len(), 1);
    kit.row(0..2, NOW + 60_000);
    assert_eq!(kit.dump()[&name(1).to_string()].len(), 1);
}

/// A histogram is compared with the one before it, which may be another one after a deletion.
#[test]
fn resets_of_histograms_are_found_anew() {
    for compact in [false, true] {
        let mut kit = Kit::new();
        // The counter is reset to 2 and counts on; without the 2 the reset is at the 3.
        for (n, sum) in [10.0, 2.0, 3.0, 4.0].into_iter().enumerate() {
            kit.append(vec![sample(&name(1), NOW + n as i64, histogram(sum))]);
        }
        if compact {
            kit.tsdb.compact_all().expect("compacts");
        }
        kit.delete(1, TimeRange::new(NOW + 1, NOW + 1));
        assert_eq!(count(&kit.dump()), 3, "reading checks the hints");
        kit.delete(1, TimeRange::new(NOW + 2, NOW + 3));
        kit.append(vec![sample(&name(1), NOW + 4, histogram(5.0))]);
        assert_eq!(count(&kit.dump()), 2);
        kit.restart();
        kit.delete(1, TimeRange::new(NOW + 4, NOW + 4));
        kit.restart();
        kit.append(vec![sample(&name(1), NOW + 5, histogram(6.0))]);
        assert_eq!(count(&kit.dump()), 2);
        kit.kill();
        assert_eq!(count(&kit.dump()), 2);
    }
}

/// A reader that does not see the newest batches must not lose others in their place when some of them are deleted.
#[test]
fn readers_of_earlier_batches_see_the_rest() {
    let kit = Kit::new();
    for n in 0..50 {
        kit.row(0..2, NOW + n * 1000);
    }
    let querier = kit.tsdb.querier(&Tenant::default(), TimeRange::ALL).expect("opens");
    for n in 50..70 {
        kit.row(0..2, NOW + n * 1000);
    }
    // Of what the reader sees 20 to 49, of what it does not see 50 to 59.
    kit.delete(1, TimeRange::new(NOW + 20_000, NOW + 59_000));
    let found = kit::read_from(querier.as_ref(), &[], TimeRange::ALL);
    let times = |i| found[&name(i).to_string()].keys().map(|t| (t - NOW) / 1000).collect::<Vec<_>>();
    assert_eq!((times(0), times(1)), ((0..50).collect(), (0..20).collect()));
    drop(querier);
    assert_eq!(count(&kit.dump()), 70 + 30);
}

/// Whoever reads parts goes on with what it started with.
#[test]
fn a_reader_of_parts_is_not_disturbed() {
    let kit = full();
    let querier =
        kit.tsdb.querier(&Tenant::default(), TimeRange::new(i64::MIN, NOW - HOUR - 1)).expect("opens");
    for i in 0..10 {
        kit.delete(i, TimeRange::ALL);
    }
    kit.tsdb.clean_tombstones().expect("works");
    let range = TimeRange::new(i64::MIN, NOW - HOUR - 1);
    assert_eq!(count(&kit::read_from(querier.as_ref(), &[], range)), 600);
    assert!(kit.dump().is_empty());
}

#[test]
fn deletions_are_those_of_a_tenant_and_of_the_selectors() {
    let kit = full();
    let other = Tenant::new("other");
    let batch = AppendBatch { samples: row(0..10, NOW), ..AppendBatch::default() };
    assert_eq!(kit.tsdb.append(&other, &batch).expect("taken").stored(), 10);
    let selectors = [
        vec![Matcher::equal("i", "1"), Matcher::equal("mod", "2")],
        vec![Matcher::equal("i", "2")],
        vec![Matcher::equal("mod", "0"), Matcher::equal("i", "3")],
    ];
    let cx = QueryContext::unbounded();
    kit.tsdb.delete(&Tenant::default(), &selectors, TimeRange::ALL, &cx).expect("works");
    let left = kit.dump();
    assert!(
        left.len() == 8
            && !left.contains_key(&name(2).to_string())
            && !left.contains_key(&name(3).to_string())
    );
    assert_eq!(kit::dump(&kit.tsdb, &other).len(), 10);
    kit.tsdb
        .delete(&Tenant::default(), &[vec![]], TimeRange::new(NOW, NOW - 1), &cx)
        .expect("an empty range");
    assert_eq!(kit.dump(), left);
    kit.tsdb.delete(&other, &[vec![]], TimeRange::ALL, &cx).expect("all of a tenant");
    assert_eq!((kit.dump(), kit::dump(&kit.tsdb, &other).len()), (left, 0));
    cx.cancel();
    kit.tsdb.delete(&Tenant::default(), &[vec![]], TimeRange::ALL, &cx).expect_err("cancelled");
}

/// As in Prometheus, which has no deletion of exemplars.
#[test]
fn exemplars_stay() {
    let kit = Kit::new();
    let exemplar = Exemplar { labels: Labels::from_pairs([("trace_id", "a")]), value: 1.0, ts_ms: NOW };
    let entry = AppendExemplar { labels: name(1), exemplar, is_timed: true };
    let batch = AppendBatch { samples: row(1..2, NOW), exemplars: vec![entry], ..AppendBatch::default() };
    kit.tsdb.append(&Tenant::default(), &batch).expect("taken");
    kit.delete(1, TimeRange::ALL);
    let querier = kit.tsdb.querier(&Tenant::default(), TimeRange::ALL).expect("opens");
    let found =
        querier.exemplars(&[vec![Matcher::equal("i", "1")]], &QueryContext::unbounded()).expect("works");
    assert_eq!(found.len(), 1);
}

/// Whatever happens to the file, the store starts, and never without a word if deleted samples may be back.
#[test]
fn lost_deletions_are_reported() {
    let mut kit = full();
    let before = kit.dump();
    kit.delete(3, TimeRange::ALL);
    let old = bellwether_disk::read_file(&kit.fs, &tombstone_files(&kit)[0], 1 << 20).expect("there");
    kit.delete(4, TimeRange::ALL);
    let path = tombstone_files(&kit)[0].clone();
    let left = kit.fs.kill();
    let len = left.metadata(&path).expect("there").len as usize;
    let changes: Vec<(&str, Change)> = vec![
        ("header", Box::new(|bytes| bytes[3] ^= 1)),
        ("first frame", Box::new(|bytes| bytes[64 + 24] ^= 1)),
        ("last frame", Box::new(move |bytes| bytes[len - 12] ^= 1)),
        ("cut", Box::new(move |bytes| bytes.truncate(len - 40))),
        ("emptied", Box::new(Vec::clear)),
        ("an older one", Box::new(move |bytes| bytes.clone_from(&old))),
    ];
    for (what, change) in changes {
        kit = Kit::on(left.kill(), kit.options.clone());
        kit.fs.tamper(&path, |bytes| change(bytes)).expect("there");
        kit.kill();
        let [problem] = kit.report.problems.as_slice() else { panic!("{what}: {:?}", kit.report) };
        assert_eq!((problem.kind, &problem.path), (ProblemKind::Tombstones, &path), "{what}");
        assert!(problem.what.contains("deleted samples may be back"), "{what}: {}", problem.what);
        assert!(kit.fs.metadata(problem.quarantined.as_ref().expect("a copy")).is_ok());
        for (series, samples) in kit.dump() {
            assert!(samples.iter().all(|(ts, v)| before[&series].get(ts) == Some(v)), "{what}");
        }
        // It can be said once more.
        kit.delete(3, TimeRange::ALL);
        kit.delete(4, TimeRange::ALL);
        kit.kill();
        assert!(kit.report.is_clean(), "{what}: {:?}", kit.report);
        assert_eq!(kit.dump().len(), 8, "{what}");
    }
    let mut kit = Kit::on(left.kill(), options());
    kit.fs.remove_file(&path).expect("there");
    kit.kill();
    assert!(!kit.report.is_clean(), "a file that is gone is missed");
    assert_eq!(kit.report.problems[0].what, "0 deletions instead of 2; deleted samples may be back");
}

#[test]
fn a_newer_file_is_refused_and_nothing_is_changed() {
    let mut kit = full();
    kit.delete(3, TimeRange::ALL);
    let path = tombstone_files(&kit)[0].clone();
    let fs = kit.fs.kill();
    fs.tamper(&path, |bytes| {
        bytes[8] = 2;
        let crc = bellwether_disk::Crc32c::of(&bytes[..60]).to_le_bytes();
        bytes[60..64].copy_from_slice(&crc);
    })
    .expect("there");
    let files = fs.files();
    kit.fs = fs;
    let opened = bellwether_tsdb::Tsdb::open(
        Path::new(kit::DIR),
        kit.options.clone(),
        std::sync::Arc::new(kit.fs.clone()),
        kit.clock.clone(),
    );
    let error = opened.map(drop).expect_err("newer").to_string();
    assert!(
        error.contains("tomb.bin: its kind or version is not known; use the program that wrote it"),
        "{error}"
    );
    assert_eq!(kit.fs.files(), files);
}
