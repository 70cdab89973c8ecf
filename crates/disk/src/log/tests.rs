//! The log as its users see it: what was acknowledged comes back, whatever happens in between.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::fs::{Fault, Fs, Injection, SimFs};

const ID: StoreId = StoreId([9; 16]);

fn options(sync: SyncPolicy) -> LogOptions {
    LogOptions {
        segment_bytes: 4096,
        sync,
        ..LogOptions::new(PathBuf::from("log"), PathBuf::from("quarantine"), ID)
    }
}

fn group(frames: &[&[u8]]) -> Group {
    let mut group = Group::new();
    for frame in frames {
        group.frame(0, 0, |out| out.extend_from_slice(frame)).expect("short frames");
    }
    group
}

/// Recovers and returns what was found, with the frames as texts.
fn read(fs: &SimFs, options: &LogOptions) -> (Recovery, Vec<String>) {
    let mut frames = Vec::new();
    let recovery = recover(fs, options, 0, |frame| {
        frames.push(String::from_utf8_lossy(frame.payload).into_owned());
        Ok::<_, Infallible>(())
    });
    (recovery.expect("a log can always be read"), frames)
}

fn open(fs: &SimFs, options: &LogOptions) -> (Log, Recovery, Vec<String>) {
    let (recovery, frames) = read(fs, options);
    (Log::start(Arc::new(fs.clone()), options.clone(), recovery.next.clone()), recovery, frames)
}

/// Writes numbered groups of about 300 bytes and returns the numbers that were acknowledged.
fn write(log: &Log, numbers: std::ops::Range<usize>) -> Vec<String> {
    let mut acknowledged = Vec::new();
    for n in numbers {
        let text = format!("{n:0300}");
        let done = log.append(group(&[text.as_bytes()])).and_then(|appended| log.commit(appended.last_seq));
        if done.is_ok() {
            acknowledged.push(text);
        }
    }
    acknowledged
}

/// What was acknowledged is there, in order, and nothing is there twice or was never written.
fn check_found(acknowledged: &[String], found: &[String], context: &str) {
    let mut rest = found.iter();
    for text in acknowledged {
        assert!(rest.any(|f| f == text), "{context}: {} is lost", text.trim_start_matches('0'));
    }
    let mut sorted = found.to_vec();
    sorted.sort();
    sorted.dedup();
    assert_eq!(sorted.len(), found.len(), "{context}: something came twice");
    assert!(found.iter().all(|f| f.len() == 300), "{context}: something was never written");
}

#[test]
fn frames_come_back_over_restarts_and_segments() {
    let fs = SimFs::new();
    let options = options(SyncPolicy::Segment);
    let mut expected = Vec::new();
    for restart in 0..4 {
        let (log, recovery, found) = open(&fs, &options);
        assert_eq!(found, expected);
        assert_eq!(recovery.skipped, []);
        assert_eq!(recovery.next.seq, restart * 30 + 1);
        expected.extend(write(&log, restart as usize * 30..(restart as usize + 1) * 30));
    }
    let (log, ..) = open(&fs, &options);
    let status = log.status();
    assert!(status.segments > 8, "{status:?}");
    let on_disk: u64 = fs.used();
    assert_eq!(status.bytes, on_disk, "nothing is allocated any more");
}

#[test]
fn dropped_segments_are_gone_and_their_numbers_are_not_used_again() {
    let fs = SimFs::new();
    let options = options(SyncPolicy::Segment);
    let (log, ..) = open(&fs, &options);
    write(&log, 0..30);
    let next = log.roll();
    write(&log, 30..32);
    assert!(log.drop_before(next).expect("no faults") >= 3);
    drop(log);
    let mut found = Vec::new();
    let recovery = recover(&fs, &options, next, |f| {
        found.push(f.seq);
        Ok::<_, Infallible>(())
    });
    assert_eq!(found, [31, 32]);
    let recovery = recovery.expect("readable");
    assert_eq!((recovery.next.seq, recovery.skipped.len()), (33, 0));
    assert!(recovery.next.segment > next);
}

/// The policy `Always` under every fault at every operation, followed by a power cut.
#[test]
fn always_loses_nothing_acknowledged_whatever_fails() {
    let options = options(SyncPolicy::Always);
    let total = {
        let fs = SimFs::new();
        write(&open(&fs, &options).0, 0..30);
        fs.ops()
    };
    for fault in
        [Fault::Io, Fault::NoSpace, Fault::ShortWrite, Fault::TornWrite, Fault::FailedSync, Fault::Unplug]
    {
        for op in 0..total {
            let fs = SimFs::new();
            fs.inject(Injection { op, times: 1, fault });
            let (log, ..) = open(&fs, &options);
            let mut acknowledged = write(&log, 0..30);
            let context = format!("{fault:?} at operation {op}");
            // Only faults that stay, or hit twice, may stop the log; a full disk is not even an error for the groups after it.
            match fault {
                Fault::ShortWrite | Fault::FailedSync => {
                    let read_only = log.status().read_only;
                    // A folder that cannot be synced ends the log: the name of the new segment may be lost.
                    assert!(
                        acknowledged.len() == 30
                            || read_only.is_some_and(|r| r.contains("creating a segment")),
                        "{context}"
                    );
                }
                Fault::NoSpace => assert!(acknowledged.len() >= 29, "{context}"),
                _ => {}
            }
            drop(log);
            for seed in 0..3 {
                let after = fs.power_cut(seed);
                let (log, _, found) = open(&after, &options);
                check_found(&acknowledged, &found, &context);
                // The log goes on, and what comes now is not hidden by what was there.
                if seed == 0 {
                    acknowledged.extend(write(&log, 100..103));
                    drop(log);
                    check_found(&acknowledged, &read(&after.power_cut(1), &options).1, &context);
                    acknowledged.truncate(acknowledged.len() - 3);
                }
            }
        }
    }
}

/// Under the other policies the same holds for the death of the process.
#[test]
fn a_killed_process_loses_nothing_acknowledged() {
    let options = options(SyncPolicy::Segment);
    for fault in [Fault::Io, Fault::NoSpace, Fault::ShortWrite, Fault::TornWrite, Fault::Unplug] {
        for op in 0..60 {
            let fs = SimFs::new();
            fs.inject(Injection { op, times: 1, fault });
            let (log, ..) = open(&fs, &options);
            let acknowledged = write(&log, 0..40);
            drop(log);
            check_found(&acknowledged, &read(&fs.kill(), &options).1, &format!("{fault:?} at {op}"));
        }
    }
}

#[test]
fn power_cuts_without_sync_leave_a_readable_log() {
    let options = options(SyncPolicy::Segment);
    for seed in 0..200 {
        let fs = SimFs::new();
        let (log, ..) = open(&fs, &options);
        write(&log, 0..25);
        drop(log);
        let after = fs.power_cut(seed);
        let (recovery, found) = read(&after, &options);
        check_found(&[], &found, "power cut");
        for skipped in &recovery.skipped {
            if skipped.reason != SkippedReason::Missing {
                let copy = skipped.quarantined.as_ref().expect("there was room");
                assert_eq!(after.metadata(copy).expect("copied").len, skipped.len);
            }
        }
        // Reading again changes nothing: what could not be used was reported, and the tail was cut.
        let (again, found_again) = read(&after, &options);
        assert_eq!(found_again, found);
        assert!(again.skipped.iter().all(|s| s.reason != SkippedReason::TornTail), "{:?}", again.skipped);
    }
}

#[test]
fn a_full_disk_refuses_and_resumes() {
    let fs = SimFs::new();
    let options = LogOptions { min_free_bytes: 1000, ..options(SyncPolicy::Always) };
    fs.set_capacity(Some(6000));
    let (log, ..) = open(&fs, &options);
    let mut acknowledged = write(&log, 0..30);
    assert!((10..30).contains(&acknowledged.len()), "{}", acknowledged.len());
    let err = log.append(group(&[&[0; 500]])).expect_err("full");
    assert!(matches!(&err, LogError::Full(text) if text.contains("1000 must stay free")), "{err}");
    fs.set_capacity(Some(100_000));
    acknowledged.extend(write(&log, 30..40));
    drop(log);
    check_found(&acknowledged, &read(&fs.power_cut(7), &options).1, "after the disk was full");
    assert_eq!(acknowledged.len(), read(&fs.kill(), &options).1.len());
}

#[test]
fn groups_stay_together() {
    let fs = SimFs::new();
    let options = options(SyncPolicy::Segment);
    let (log, ..) = open(&fs, &options);
    for n in 0..10_u8 {
        let frame = [n; 700];
        let appended = log.append(group(&[&frame, &frame, &frame])).expect("no faults");
        assert_eq!(appended.last_seq - appended.first_seq, 2);
    }
    // Longer than a segment: it gets one of its own.
    log.append(group(&[&[99; 9000]])).expect("no faults");
    drop(log);
    let mut by_payload = std::collections::BTreeMap::<u8, Vec<u64>>::new();
    recover(&fs, &options, 0, |f| {
        by_payload.entry(f.payload[0]).or_default().push(f.segment);
        Ok::<_, Infallible>(())
    })
    .expect("readable");
    assert!(by_payload.values().all(|segments| segments.iter().all(|s| *s == segments[0])), "{by_payload:?}");
}

#[test]
fn one_sync_serves_all_that_wait() {
    let fs = SimFs::new();
    let options = LogOptions { segment_bytes: 1 << 20, ..options(SyncPolicy::Always) };
    let (log, ..) = open(&fs, &options);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert_eq!(write(&log, 0..50).len(), 50));
        }
    });
    let status = log.status();
    assert_eq!((status.last_seq, status.synced_seq, status.unsynced_bytes), (400, 400, 0));
    assert!(status.syncs <= 400 && status.sync_time > Duration::ZERO, "{status:?}");
}

#[test]
fn the_interval_thread_syncs_and_stops() {
    let fs = SimFs::new();
    let (log, ..) = open(&fs, &options(SyncPolicy::Interval(Duration::from_millis(1))));
    write(&log, 0..5);
    while log.status().synced_seq < 5 {
        std::thread::yield_now();
    }
    drop(log);
    assert_eq!(read(&fs.power_cut(3), &options(SyncPolicy::Segment)).1.len(), 5);
}

#[test]
fn a_closed_log_is_durable_and_takes_nothing() {
    let fs = SimFs::new();
    let (log, ..) = open(&fs, &options(SyncPolicy::Interval(Duration::from_hours(1))));
    write(&log, 0..5);
    log.close().expect("no faults");
    assert_eq!(log.append(group(&[b"x"])), Err(LogError::Closed));
    assert_eq!(read(&fs.power_cut(3), &options(SyncPolicy::Segment)).1.len(), 5);
}

#[test]
fn refuses_what_is_not_ours_and_changes_nothing() {
    let fs = SimFs::new();
    let options = options(SyncPolicy::Always);
    write(&open(&fs, &options).0, 0..30);
    let ops = fs.ops();
    let other = LogOptions { store_id: StoreId([1; 16]), ..options.clone() };
    let err = recover(&fs, &other, 0, |_| Ok::<_, Infallible>(())).expect_err("foreign").to_string();
    assert!(err.contains("belongs to store 0909") && err.contains("move it out of the folder"), "{err}");
    fs.tamper(Path::new("log/00000002.log"), |bytes| {
        bytes[8] = 2;
        let crc = crate::Crc32c::of(&bytes[..60]);
        bytes[60..64].copy_from_slice(&crc.to_le_bytes());
    })
    .expect("there");
    let err = recover(&fs, &options, 0, |_| Ok::<_, Infallible>(())).expect_err("newer").to_string();
    assert!(err.contains("00000002.log: format version 2 is newer"), "{err}");
    assert_eq!(fs.ops(), ops, "nothing was changed");
}

#[test]
fn names_that_are_no_segments() {
    let fs = SimFs::new();
    let options = options(SyncPolicy::Always);
    write(&open(&fs, &options).0, 0..3);
    fs.create(Path::new("log/notes.txt")).expect("no faults");
    assert_eq!(read(&fs, &options).1.len(), 3);
    fs.create_dir_all(Path::new("log/00000099.log")).expect("no faults");
    let err = recover(&fs, &options, 0, |_| Ok::<_, Infallible>(())).expect_err("a folder").to_string();
    assert!(err.contains("00000099.log is not a regular file"), "{err}");
}

#[test]
fn a_deleted_segment_is_noticed() {
    let fs = SimFs::new();
    let options = options(SyncPolicy::Always);
    write(&open(&fs, &options).0, 0..30);
    fs.remove_file(Path::new("log/00000002.log")).expect("there");
    let (recovery, found) = read(&fs, &options);
    let [missing] = recovery.skipped.as_slice() else { panic!("{recovery:?}") };
    assert_eq!(missing.reason, SkippedReason::Missing);
    assert_eq!(missing.len + found.len() as u64, 30);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever happens to the bytes, reading ends, invents nothing and reports that something is wrong.
    #[test]
    fn any_damage_is_survived(
        damage in proptest::collection::vec((0_usize..3, 0_usize..4096, 0_usize..600, 0_u8..4), 1..6),
    ) {
        let fs = SimFs::new();
        let options = options(SyncPolicy::Always);
        write(&open(&fs, &options).0, 0..30);
        let before = read(&fs, &options).1;
        let mut changed = false;
        for (file, at, len, kind) in damage {
            fs.tamper(&segment_path(Path::new("log"), file as u64 + 1), |bytes| {
                let old = bytes.clone();
                let at = at.min(bytes.len());
                let end = (at + len).min(bytes.len());
                match kind {
                    0 => bytes[at..end].fill(0),
                    1 => bytes[at..end].iter_mut().for_each(|b| *b ^= 0x10),
                    2 => bytes.truncate(end),
                    _ => {
                        let tail = bytes[at..end].to_vec();
                        bytes.extend(tail);
                    }
                }
                changed |= *bytes != old;
            }).expect("there");
        }
        let (recovery, found) = read(&fs, &options);
        let mut rest = before.iter();
        for text in &found {
            prop_assert!(rest.any(|b| b == text), "something was invented or came in another order");
        }
        let lost = before.len() - found.len();
        let at_the_end = found.last() == before.get(found.len().wrapping_sub(1)) && lost > 0;
        prop_assert!(lost == 0 || at_the_end || !recovery.skipped.is_empty(), "a loss was not reported");
        prop_assert!(changed || lost == 0);
    }
}
