//! A store whose process dies again and again soon after its start.

use std::path::Path;
use std::sync::Arc;

use bellwether_disk::Fs;
use bellwether_tsdb::{Options, ReplayProgress, StartStatus, Tsdb};

use crate::kit::{DIR, Kit, NOW, options};

const MINUTE: i64 = 60_000;

fn starts(kit: &Kit) -> (usize, bool) {
    let StartStatus { failed, is_safe_mode, .. } = kit.tsdb.starts();
    assert_eq!(kit.tsdb.storage_status().starts, kit.tsdb.starts());
    (failed, is_safe_mode)
}

#[test]
fn the_third_bad_start_is_careful_until_it_was_good_for_ten_minutes() {
    let mut kit = Kit::with(Options { count_starts: true, ..options() });
    assert_eq!(starts(&kit), (0, false));
    kit.tsdb.note_ready();
    kit.clock.advance_ms(MINUTE / 2);
    kit.kill();
    assert_eq!(starts(&kit), (1, false));
    kit.clock.advance_ms(MINUTE / 2);
    kit.kill();
    assert_eq!(starts(&kit), (2, true));
    kit.tsdb.note_ready();
    kit.clock.advance_ms(9 * MINUTE);
    kit.tsdb.maintain().expect("works");
    assert_eq!(starts(&kit), (2, true));
    kit.clock.advance_ms(MINUTE);
    kit.tsdb.maintain().expect("works");
    assert_eq!(starts(&kit), (0, false));
    kit.kill();
    assert_eq!(starts(&kit), (0, false));
}

#[test]
fn a_proper_stop_is_a_good_start() {
    let mut kit = Kit::with(Options { count_starts: true, ..options() });
    for _ in 0..5 {
        kit.restart();
        assert_eq!(starts(&kit), (0, false));
    }
    kit.kill();
    kit.kill();
    assert_eq!(starts(&kit), (2, true));
    kit.restart();
    assert_eq!(starts(&kit), (0, false));
}

#[test]
fn starts_are_counted_only_if_somebody_asks() {
    let mut kit = Kit::new();
    for _ in 0..4 {
        kit.kill();
        assert_eq!(starts(&kit), (0, false));
    }
    assert!(!kit.fs.files().iter().any(|path| path.starts_with("data/run")));
}

#[test]
fn the_progress_of_a_replay_ends_with_all_that_is_there() {
    let kit = Kit::new();
    for ts_ms in (NOW - 100 * 15_000..NOW).step_by(15_000) {
        kit.row(0..100, ts_ms);
    }
    let open = |kit: &Kit| {
        let progress = ReplayProgress::default();
        assert_eq!(progress.status().bytes, 0);
        let fs: Arc<dyn Fs> = Arc::new(kit.fs.kill());
        let opened = Tsdb::open_watched(Path::new(DIR), options(), fs, kit.clock.clone(), &progress);
        opened.expect("opens");
        progress.status()
    };
    let status = open(&kit);
    assert!(status.last_segment > status.first_segment, "{status:?}");
    assert_eq!(status.segment, status.last_segment);
    assert!(status.bytes > 50_000, "{status:?}");
    assert_eq!(status.bytes_read, status.bytes);
    // Room in a segment that was never used is nothing to read.
    let segments = kit.tsdb.storage_status().log.segments as u64;
    assert!(status.bytes < segments << 16, "{status:?}");
}
