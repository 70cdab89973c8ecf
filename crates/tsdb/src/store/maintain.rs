//! What has to be done from time to time.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::counters::add;
use crate::error::TsdbError;

use super::checkpoint::{self, CheckpointScope};
use super::merge::{Losses, MergeScope};
use super::{PartSet, Store, Upkeep, log_error};

/// A series without samples in the head is forgotten when it got none for this long.
const IDLE_SERIES: Duration = Duration::from_mins(10);

/// What a round of upkeep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MaintenanceReport {
    /// Parts that were cut from the head.
    pub parts_cut: usize,
    /// Samples that were moved from the head into parts.
    pub samples_cut: u64,
    /// Parts that were merged into others.
    pub parts_merged: usize,
    /// Parts that were rewritten because much of them was deleted.
    pub parts_rewritten: usize,
    /// Parts that the retention dropped.
    pub parts_retired: usize,
    /// Series that left the head.
    pub series_removed: usize,
    /// Whether a checkpoint replaced segments of the log.
    pub has_checkpoint: bool,
}

impl Store {
    pub(super) fn maintain(&self) -> Result<MaintenanceReport, TsdbError> {
        self.check_open()?;
        self.starts.check(self.fs.as_ref(), self.clock.monotonic());
        let mut upkeep = self.maintenance.lock();
        let mut round = Round::new(self);
        // Whatever a reader kept from being freed the last time.
        self.free_cut_samples();
        for part in self.part_set().parts() {
            part.end_round();
        }
        let complete = self.head.ranges.complete_before(self.clock.monotonic());
        let early = self.early_cut().filter(|end| complete.is_none_or(|complete| complete < *end));
        if let Some(end) = early.or(complete) {
            round.cut(&mut upkeep, end);
            add(&self.counters.cuts_early, u64::from(early.is_some()));
        }
        round.attempt(|report| {
            report.parts_merged = self
                .space
                .with_reserve(self.fs.as_ref(), || self.merge_parts(&mut upkeep, MergeScope::Due))?;
            Ok(())
        });
        round.attempt(|report| {
            report.parts_retired = self.apply_retention()?;
            Ok(())
        });
        round.attempt(|report| {
            report.parts_rewritten =
                self.space.with_reserve(self.fs.as_ref(), || self.rewrite_deleted(&mut upkeep))?;
            Ok(())
        });
        let idle_since = self.clock.monotonic().saturating_sub(IDLE_SERIES).as_secs() as u32;
        let gone = self.head.drop_idle_series(idle_since);
        self.series_counts.forget(&gone);
        round.report.series_removed = gone.len();
        add(&self.counters.series_removed, round.report.series_removed as u64);
        self.space.reserve().keep(self.fs.as_ref(), self.space.min_free_bytes());
        round.finish()
    }

    pub(super) fn compact_all(&self) -> Result<MaintenanceReport, TsdbError> {
        self.check_open()?;
        let mut upkeep = self.urgent_upkeep();
        let mut round = Round::new(self);
        self.free_cut_samples();
        // Timestamps end long before this.
        round.cut(&mut upkeep, i64::MAX);
        if !round.report.has_checkpoint {
            // Nothing was in the head, but the log may still have what is in parts.
            round.attempt(|report| {
                self.write_checkpoint()?;
                report.has_checkpoint = true;
                Ok(())
            });
        }
        round.attempt(|report| {
            report.parts_merged = self
                .space
                .with_reserve(self.fs.as_ref(), || self.merge_parts(&mut upkeep, MergeScope::All))?;
            Ok(())
        });
        round.finish()
    }

    pub(super) fn close(&self) -> Result<(), TsdbError> {
        if self.is_closed.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        let _upkeep = self.urgent_upkeep();
        let checkpoint = self.write_checkpoint();
        let log = self.log.close().map_err(log_error);
        self.starts.forget(self.fs.as_ref());
        checkpoint.and(log)
    }

    /// Writes a checkpoint and drops the segments that it stands for.
    pub(super) fn write_checkpoint(&self) -> Result<(), TsdbError> {
        self.space.with_reserve(self.fs.as_ref(), || self.try_write_checkpoint())
    }

    fn try_write_checkpoint(&self) -> Result<(), TsdbError> {
        let number = self.log.roll();
        let next_seq = self.log.last_seq() + 1;
        let (fs, store_id) = (self.fs.as_ref(), self.manifest.lock().store_id());
        checkpoint::write(fs, &self.dir, store_id, number, next_seq, &self.head, CheckpointScope::Everything)
            .map_err(|e| TsdbError::io(&checkpoint::path(&self.dir, number), e))?;
        add(&self.counters.checkpoints, 1);
        self.log.drop_before(number).map_err(|e| TsdbError::io(&self.dir.join(super::open::LOG_DIR), e))?;
        self.manifest.lock().forget_cuts_before(next_seq);
        let older = checkpoint::list(fs, &self.dir).map_err(|e| TsdbError::io(&self.dir, e))?;
        for older in older.into_iter().filter(|n| *n < number) {
            let path = checkpoint::path(&self.dir, older);
            fs.remove_file(&path).map_err(|e| TsdbError::io(&path, e))?;
        }
        fs.sync_dir(&self.dir).map_err(|e| TsdbError::io(&self.dir, e))
    }

    /// The time of the oldest sample that the retention keeps, if it drops any.
    ///
    /// Counted from the newest sample, so that old data can be imported and looked at, but never from beyond the clock: a clock that was wrong for a while must not cost
    /// everything.
    pub(super) fn oldest_kept(&self, parts: &PartSet) -> Option<i64> {
        let retention_ms = self.limits().retention_ms?;
        let newest = self.head.ranges.maxt().max(parts.maxt())?;
        Some(newest.min(self.clock.now_ms()).saturating_sub(retention_ms))
    }

    /// Bytes of the checkpoints.
    pub(super) fn checkpoint_bytes(&self) -> u64 {
        let len = |number| self.fs.metadata(&checkpoint::path(&self.dir, number)).map_or(0, |m| m.len);
        checkpoint::list(self.fs.as_ref(), &self.dir).unwrap_or_default().into_iter().map(len).sum()
    }

    /// Drops the parts that are too old, and the oldest ones while all together are too large.
    fn apply_retention(&self) -> Result<usize, TsdbError> {
        let set = self.part_set();
        let mut drop = Vec::new();
        if let Some(oldest) = self.oldest_kept(&set) {
            drop.extend(set.parts().iter().filter(|p| p.meta().maxt < oldest).map(|p| p.meta().id));
        }
        if let Some(retention_bytes) = self.limits().retention_bytes {
            let mut bytes = set.bytes() + self.log.status().bytes + self.checkpoint_bytes();
            for part in set.parts() {
                let is_dropped = drop.contains(&part.meta().id);
                if bytes > retention_bytes || is_dropped {
                    bytes -= part.meta().bytes();
                    if !is_dropped {
                        drop.push(part.meta().id);
                    }
                }
            }
        }
        if !drop.is_empty() {
            self.replace_parts(Vec::new(), Vec::new(), &drop, &Losses::default())?;
            add(&self.counters.parts_retired, drop.len() as u64);
        }
        Ok(drop.len())
    }
}

/// A round of upkeep: tasks are independent, the first error is kept.
struct Round<'a> {
    store: &'a Store,
    started: Duration,
    report: MaintenanceReport,
    error: Option<TsdbError>,
}

impl<'a> Round<'a> {
    fn new(store: &'a Store) -> Self {
        let started = store.clock.monotonic();
        Self { store, started, report: MaintenanceReport::default(), error: None }
    }

    fn attempt(&mut self, task: impl FnOnce(&mut MaintenanceReport) -> Result<(), TsdbError>) {
        match task(&mut self.report) {
            Ok(()) => {}
            // What was begun is done again when the store is open the next time.
            Err(TsdbError::Closed) => self.error = Some(TsdbError::Closed),
            Err(error) => {
                add(&self.store.counters.maintenance_failures, 1);
                tracing::error!(%error, "upkeep of the store failed");
                self.error.get_or_insert(error);
            }
        }
    }

    /// Cuts what is before `end`; if that went well, frees it and drops the log that is not needed any more.
    fn cut(&mut self, upkeep: &mut Upkeep, end: i64) {
        let store = self.store;
        self.attempt(|report| {
            let outcome = store.space.with_reserve(store.fs.as_ref(), || store.cut(upkeep, end))?;
            report.parts_cut = outcome.parts;
            report.samples_cut = outcome.samples;
            if outcome.parts > 0 {
                store.free_cut_samples();
                store.write_checkpoint()?;
                report.has_checkpoint = true;
            }
            Ok(())
        });
    }

    fn finish(self) -> Result<MaintenanceReport, TsdbError> {
        let outcome = match self.error {
            Some(error) => Err(error),
            None => Ok(self.report),
        };
        let mut status = self.store.upkeep_status.lock();
        status.rounds += 1;
        status.last_run_ms = self.store.clock.now_ms();
        status.last_took = self.store.clock.monotonic().saturating_sub(self.started);
        status.last_outcome = outcome.as_ref().copied().map_err(ToString::to_string);
        drop(status);
        outcome
    }
}
