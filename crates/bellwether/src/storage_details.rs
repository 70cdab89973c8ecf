//! What the store says about itself, in the words of the HTTP surface.

use bellwether_api::{
    HeadDetails, IngestDetails, LogDetails, PartDetails, ProblemDetails, QuarantineDetails, RecoveryDetails,
    RetentionDetails, StorageDetails, TombstoneDetails, UpkeepDetails,
};
use bellwether_tsdb::{
    CounterValues, Limits, PartStatus, Problem, RecoveryReport, StorageStatus, SyncPolicy, Tsdb, UpkeepStatus,
};

/// How the store is on disk, and how its upkeep goes.
pub(crate) fn details(store: &Tsdb) -> StorageDetails {
    let (head, storage, counters) = (store.head_status(0), store.storage_status(), store.counters());
    let memory = store.head_memory();
    let parts: Vec<PartDetails> = store.parts().into_iter().map(part).collect();
    let Limits { retention_ms, retention_bytes, out_of_order_window_ms } = storage.limits;
    StorageDetails {
        path: store.dir().display().to_string(),
        sync_mode: match storage.sync {
            SyncPolicy::Interval(every) => format!("interval {}ms", every.as_millis()),
            SyncPolicy::Always => "always".to_owned(),
            SyncPolicy::Segment => "segment".to_owned(),
        },
        log: LogDetails {
            segments: storage.log.segments,
            bytes: storage.log.bytes,
            last_seq: storage.log.last_seq,
            synced_seq: storage.log.synced_seq,
            unsynced_bytes: storage.log.unsynced_bytes,
            syncs: storage.log.syncs,
            sync_seconds: storage.log.sync_time.as_secs_f64(),
            failures: storage.log.failures,
        },
        ingest: ingest(&counters),
        head: HeadDetails {
            series: head.series,
            samples: head.samples,
            chunks: head.chunks,
            min_time: head.range.map(|r| r.mint),
            max_time: head.range.map(|r| r.maxt),
            memory_bytes: memory.used_bytes,
            memory_budget_bytes: memory.budget_bytes,
        },
        tombstones: TombstoneDetails {
            parts: parts.iter().filter(|p| p.deleted_intervals > 0).count(),
            intervals: parts.iter().map(|p| p.deleted_intervals).sum(),
        },
        parts,
        retention: RetentionDetails {
            time_ms: retention_ms,
            bytes: retention_bytes,
            out_of_order_window_ms,
            parts_retired: counters.parts_retired,
        },
        upkeep: UpkeepDetails { failures: counters.maintenance_failures, ..upkeep(&storage.upkeep) },
        recovery: recovery(store.recovery()),
        quarantine: QuarantineDetails {
            files: storage.quarantine.files,
            damaged_files: storage.quarantine.damaged_files,
            bytes: storage.quarantine.bytes,
        },
        corruptions: counters.corruptions,
        refused_by_limit: store.refused_by_limit().into_iter().map(|(l, n)| (l.as_str(), n)).collect(),
        used_bytes: used_bytes(&storage),
        counters: counters.rows().filter(|(name, ..)| *name != "corruptions").collect(),
        gauges: vec![
            ("head_memory_bytes", "Memory of the head, roughly.", memory.used_bytes as f64),
            (
                "head_memory_budget_bytes",
                "Memory that the head may take.",
                memory.budget_bytes.map_or(f64::INFINITY, |bytes| bytes as f64),
            ),
            ("log_bytes", "Size of the log.", storage.log.bytes as f64),
            ("log_segments", "Segments of the log.", storage.log.segments as f64),
            ("parts", "Parts on disk.", storage.parts as f64),
            ("part_bytes", "Size of all parts.", storage.part_bytes as f64),
            ("min_free_bytes", "Bytes that must stay free.", storage.min_free_bytes as f64),
            (
                "reserve_bytes",
                "Bytes taken for upkeep on a full disk; 0 while it is used.",
                storage.reserve_bytes as f64,
            ),
            (
                "failed_starts",
                "Starts within ten minutes before this one that did not go well.",
                storage.starts.failed as f64,
            ),
            (
                "safe_mode",
                "Whether the server holds back because of them.",
                f64::from(u8::from(storage.starts.is_safe_mode)),
            ),
            (
                "read_only",
                "Whether writes are refused at the moment.",
                f64::from(u8::from(storage.refuses_writes.is_some())),
            ),
        ],
        store_id: storage.store_id,
        refuses_writes: storage.refuses_writes,
        free_bytes: storage.free_bytes,
        min_free_bytes: storage.min_free_bytes,
        reserve_bytes: storage.reserve_bytes,
        safe_mode: storage.starts.is_safe_mode,
        failed_starts: storage.starts.failed,
        checkpoint_bytes: storage.checkpoint_bytes,
    }
}

fn ingest(counters: &CounterValues) -> IngestDetails {
    let refused = [
        counters.samples_out_of_order,
        counters.samples_duplicate,
        counters.samples_out_of_bounds,
        counters.samples_too_far_in_future,
        counters.samples_over_limit,
        counters.samples_invalid,
    ];
    IngestDetails {
        samples: counters.samples_appended,
        late_samples: counters.samples_appended_late,
        refused_samples: refused.iter().sum(),
        series: counters.series_created,
    }
}

fn used_bytes(storage: &StorageStatus) -> u64 {
    storage.part_bytes + storage.log.bytes + storage.checkpoint_bytes
}

fn part(part: PartStatus) -> PartDetails {
    PartDetails {
        id: part.id,
        level: part.level,
        min_time: part.range.mint,
        max_time: part.range.maxt,
        bytes: part.bytes,
        samples: part.samples,
        series: part.series,
        chunks: part.chunks,
        bytes_per_sample: part.bytes as f64 / part.samples.max(1) as f64,
        memory_bytes: part.memory_bytes,
        deleted_intervals: part.deleted_intervals,
        sources: part.sources,
    }
}

fn upkeep(status: &UpkeepStatus) -> UpkeepDetails {
    let report = status.last_outcome.as_ref().copied().unwrap_or_default();
    UpkeepDetails {
        rounds: status.rounds,
        last_run: (status.rounds > 0).then_some(status.last_run_ms),
        last_took_seconds: status.last_took.as_secs_f64(),
        last_error: status.last_outcome.as_ref().err().cloned(),
        parts_cut: report.parts_cut,
        parts_merged: report.parts_merged,
        parts_rewritten: report.parts_rewritten,
        parts_retired: report.parts_retired,
        failures: 0,
    }
}

fn recovery(report: &RecoveryReport) -> RecoveryDetails {
    let problem = |problem: &Problem| ProblemDetails {
        kind: problem.kind.as_str(),
        path: problem.path.display().to_string(),
        what: problem.what.clone(),
        quarantined: problem.quarantined.as_ref().map(|path| path.display().to_string()),
    };
    RecoveryDetails {
        clean: report.is_clean(),
        checkpoint: report.checkpoint,
        log_frames: report.log_frames,
        samples: report.samples,
        series: report.series,
        samples_orphaned: report.samples_orphaned,
        frames_missing: report.frames_missing,
        problems: report.problems.iter().map(problem).collect(),
    }
}
