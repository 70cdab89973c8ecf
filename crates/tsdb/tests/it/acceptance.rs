//! The store on a real disk: several senders at once, and a process that is really killed.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use bellwether_disk::RealFs;
use bellwether_model::{AppendBatch, AppendEntry, Appender, Labels, SystemClock, Tenant};
use bellwether_tsdb::{Options, RecoveryReport, SyncPolicy, Tsdb};

use crate::kit::{self, count, sample};

const SENDERS: i64 = 4;
const SERIES_PER_BATCH: i64 = 2000;
/// 2025-06-01T00:00:00Z: months ago.
const START: i64 = 1_748_736_000_000;
/// Tells the test that it is the child process, and where the store is.
const CHILD_DIR: &str = "BELLWETHER_TSDB_TEST_CHILD_DIR";
const CHILD_SYNC: &str = "BELLWETHER_TSDB_TEST_CHILD_SYNC";

fn open(dir: &Path, sync: SyncPolicy) -> (Tsdb, RecoveryReport) {
    let options =
        Options { sync, min_free_bytes: Some(1 << 20), segment_bytes: 4 << 20, ..Options::default() };
    Tsdb::open(dir, options, Arc::new(RealFs::new()), Arc::new(SystemClock::new())).expect("the store opens")
}

/// What one write request of a sender brings: a sample of each of its series.
fn request(sender: i64, n: i64) -> Vec<AppendEntry> {
    let labels = |i: i64| {
        Labels::from_pairs([
            ("__name__", "http_requests_total".to_owned()),
            ("instance", format!("host-{sender}-{}:9100", i / 500)),
            ("path", format!("/api/v1/thing/{}", i % 500)),
        ])
    };
    (0..SERIES_PER_BATCH).map(|i| sample(&labels(i), START + n * 15_000 + sender, (n * i) as f64)).collect()
}

fn send(tsdb: &Tsdb, sender: i64, n: i64) {
    let batch = AppendBatch { samples: request(sender, n), ..AppendBatch::default() };
    let report = tsdb.append(&Tenant::default(), &batch).expect("taken");
    assert_eq!(report.stored(), SERIES_PER_BATCH as usize);
}

#[test]
fn four_senders_lose_nothing() {
    let _alone = kit::real_disk();
    let dir = tempfile::tempdir().expect("a place for temporary files");
    let (tsdb, _) = open(dir.path(), SyncPolicy::Interval(std::time::Duration::from_secs(1)));
    std::thread::scope(|scope| {
        for sender in 0..SENDERS {
            let tsdb = &tsdb;
            scope.spawn(move || (0..20).for_each(|n| send(tsdb, sender, n)));
        }
    });
    let before = kit::dump(&tsdb, &Tenant::default());
    assert_eq!((before.len(), count(&before)), (8000, 160_000));
    // Nothing is closed: the next start finds what the log has.
    drop(tsdb);
    let (tsdb, report) = open(dir.path(), SyncPolicy::Segment);
    assert!(report.is_clean() && report.samples == 160_000, "{report:?}");
    assert!(kit::dump(&tsdb, &Tenant::default()) == before);
    tsdb.compact_all().expect("compacts");
    assert!(kit::dump(&tsdb, &Tenant::default()) == before);
    drop(tsdb);
    let (tsdb, report) = open(dir.path(), SyncPolicy::Segment);
    assert!(report.is_clean() && report.samples == 0, "{report:?}");
    assert!(kit::dump(&tsdb, &Tenant::default()) == before);
}

/// The child process: appends until it is killed and says after each request which one was acknowledged. Does nothing when it is run as a test.
#[test]
fn child() {
    let Some(dir) = std::env::var_os(CHILD_DIR) else { return };
    let sync = match std::env::var(CHILD_SYNC).as_deref() {
        Ok("always") => SyncPolicy::Always,
        _ => SyncPolicy::Interval(std::time::Duration::from_millis(50)),
    };
    let (tsdb, _) = open(Path::new(&dir), sync);
    std::thread::scope(|scope| {
        for sender in 0..SENDERS {
            let tsdb = &tsdb;
            scope.spawn(move || {
                for n in 0.. {
                    send(tsdb, sender, n);
                    let mut out = std::io::stdout().lock();
                    writeln!(out, "acknowledged {sender} {n}")
                        .and_then(|()| out.flush())
                        .expect("the parent reads");
                }
            });
        }
        scope.spawn(|| {
            loop {
                tsdb.compact_all().expect("compacts");
                tsdb.maintain().expect("works");
            }
        });
    });
}

/// `kill -9` after so many acknowledgements, with compactions going on all the time.
#[test]
fn kill_9_loses_nothing_acknowledged() {
    let _alone = kit::real_disk();
    for (sync, acknowledgements) in [("interval", 9), ("interval", 40), ("always", 17)] {
        let dir = tempfile::tempdir().expect("a place for temporary files");
        let mut child = Command::new(std::env::current_exe().expect("this test"))
            .args(["acceptance::child", "--exact", "--nocapture", "--test-threads=1"])
            .env(CHILD_DIR, dir.path())
            .env(CHILD_SYNC, sync)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the child starts");
        let mut acknowledged = [-1; SENDERS as usize];
        let mut seen = 0;
        for line in BufReader::new(child.stdout.take().expect("piped")).lines() {
            // What the test harness prints comes before, without an end of line.
            let line = line.expect("text");
            let Some((_, rest)) = line.split_once("acknowledged ") else { continue };
            let (sender, n) = rest.split_once(' ').expect("two numbers");
            let (sender, n): (usize, i64) = (sender.parse().expect("a number"), n.parse().expect("a number"));
            acknowledged[sender] = n;
            seen += 1;
            if seen == acknowledgements {
                child.kill().expect("SIGKILL");
                // What is still in the pipe was acknowledged too; it is read to the end.
            }
        }
        child.wait().expect("gone");
        assert!(seen >= acknowledgements, "{seen}");
        let (tsdb, report) = open(dir.path(), SyncPolicy::Segment);
        assert!(report.is_clean(), "{report:?}");
        let found = kit::dump(&tsdb, &Tenant::default());
        for (sender, last) in acknowledged.iter().enumerate() {
            for n in 0..=*last {
                for s in request(sender as i64, n) {
                    let got = found.get(&s.labels.to_string()).and_then(|f| f.get(&s.ts_ms));
                    assert_eq!(
                        got.map(|g| &g.0),
                        Some(&kit::bits(&s.value)),
                        "sender {sender} request {n} of {last}"
                    );
                }
            }
        }
        // At most what was on its way is there beside it, and only whole requests.
        let most: i64 = acknowledged.iter().map(|n| n + 2).sum::<i64>() * SERIES_PER_BATCH;
        assert!(
            count(&found) as i64 <= most && count(&found) as i64 % SERIES_PER_BATCH == 0,
            "{}",
            count(&found)
        );
    }
}
