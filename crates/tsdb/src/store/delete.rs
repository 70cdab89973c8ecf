//! Deleting samples. What is deleted is what is there: samples that come later count, whatever their time.

use std::sync::Arc;

use bellwether_model::{Matcher, QueryContext, StorageError, Tenant, TimeRange};

use crate::counters::add;
use crate::error::TsdbError;
use crate::head::Deletion;
use crate::part::{Part, PartError, SeriesBlock};
use crate::query::PartIndex;
use crate::records::RecordWriter;
use crate::select::select;

use super::manifest::{Deletions, Edit};
use super::tenancy::tenant_matcher;
use super::{Store, log_error};

impl Store {
    /// Deletes the samples in the range of the series for which all matchers of one of the selectors hold. When this returns they are gone for good. If it fails, some of
    /// them may be.
    pub(super) fn delete(
        &self,
        tenant: &Tenant,
        selectors: &[Vec<Matcher>],
        range: TimeRange,
        cx: &QueryContext,
    ) -> Result<(), TsdbError> {
        // Nothing moves from the head into parts, and no part is replaced, while samples are looked for in both.
        let _upkeep = self.urgent_upkeep();
        self.check_open()?;
        let of_tenant = tenant_matcher(tenant);
        let selectors: Vec<Vec<&Matcher>> =
            selectors.iter().map(|matchers| matchers.iter().chain([&of_tenant]).collect()).collect();
        // What is deleted already when there is no more room is passed over the second time.
        self.space.with_reserve(self.fs.as_ref(), || {
            self.delete_in_parts(&selectors, range, cx)?;
            self.delete_in_head(&selectors, range, cx)
        })?;
        add(&self.counters.deletions, 1);
        Ok(())
    }

    fn delete_in_parts(
        &self,
        selectors: &[Vec<&Matcher>],
        range: TimeRange,
        cx: &QueryContext,
    ) -> Result<(), TsdbError> {
        let (mut replaced, mut edit) = (Vec::new(), Edit::default());
        for part in self.part_set().overlapping(range) {
            let deleted = find(part, selectors, range, cx)?;
            if deleted.is_empty() {
                continue;
            }
            let tombstones = part.tombstones().with_deletion(deleted);
            let id = part.meta().id;
            tombstones.write(self.fs.as_ref(), part.dir(), id).map_err(|e| TsdbError::io(part.dir(), e))?;
            edit.delete.push(Deletions { id, deletions: tombstones.deletions() });
            replaced.push(Arc::new(part.with_tombstones(tombstones)));
        }
        if replaced.is_empty() {
            return Ok(());
        }
        let mut manifest = self.manifest.lock();
        manifest.change(self.fs.as_ref(), &edit).map_err(|e| TsdbError::io(manifest.path(), e))?;
        drop(manifest);
        let ids: Vec<u64> = edit.delete.iter().map(|d| d.id).collect();
        self.change_parts(replaced, &ids);
        Ok(())
    }

    fn delete_in_head(
        &self,
        selectors: &[Vec<&Matcher>],
        range: TimeRange,
        cx: &QueryContext,
    ) -> Result<(), TsdbError> {
        let mut writer = RecordWriter::new();
        for matchers in selectors {
            let ids = self.head.select(matchers, cx)?;
            self.head.delete(&ids, range, cx, |deletions| self.log_deletions(&mut writer, deletions))?;
        }
        self.log.sync().map_err(log_error)
    }

    fn log_deletions(&self, writer: &mut RecordWriter, deletions: &[Deletion]) -> Result<(), TsdbError> {
        for deletion in deletions {
            writer.deletion(deletion.log_id, deletion.range);
        }
        let mut group = self.log.group();
        writer.finish_batch(&mut group).map_err(|e| TsdbError::Log(e.to_string()))?;
        add(&self.counters.log_bytes_written, group.len() as u64);
        self.log.append(group).map(drop).map_err(log_error)
    }
}

/// What is to be deleted of a part: of each series that matches the stretch that is in the range.
fn find(
    part: &Part,
    selectors: &[Vec<&Matcher>],
    range: TimeRange,
    cx: &QueryContext,
) -> Result<Vec<(u32, TimeRange)>, TsdbError> {
    let unreadable = |e: PartError| TsdbError::Part { id: part.meta().id, what: e.to_string() };
    let mut deleted = Vec::new();
    for matchers in selectors {
        let mut reader = part.blocks();
        for ordinal in select(&PartIndex(part), matchers, cx)? {
            cx.check().map_err(StorageError::from)?;
            let (number, series) = SeriesBlock::locate(ordinal);
            let block = reader.block(number).map_err(unreadable)?;
            let Some(extent) = block.extent_in(series, range) else { continue };
            let stretch = TimeRange::new(range.mint.max(extent.mint), range.maxt.min(extent.maxt));
            if part.tombstones().of(ordinal).is_none_or(|known| !known.covers(stretch)) {
                deleted.push((ordinal, stretch));
            }
        }
    }
    Ok(deleted)
}
