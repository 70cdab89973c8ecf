use bellwether_model::{QueryContext, StorageError, TimeRange};

use super::{Head, SERIES_PER_LOCK, SeriesId};

/// A stretch of a series that is to be deleted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deletion {
    /// The number of the series in the log.
    pub(crate) log_id: u64,
    pub(crate) range: TimeRange,
}

impl Head {
    /// Removes the samples of series in a range. Before that happens to some of them, `log` gets what is to be removed, while nobody can append to these series.
    ///
    /// No series may leave the head meanwhile.
    pub(crate) fn delete<E: From<StorageError>>(
        &self,
        ids: &[SeriesId],
        range: TimeRange,
        cx: &QueryContext,
        mut log: impl FnMut(&[Deletion]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut ids = ids.to_vec();
        ids.sort_unstable_by_key(|id| id.shard());
        for ids in ids.chunk_by(|a, b| a.shard() == b.shard()).flat_map(|ids| ids.chunks(SERIES_PER_LOCK)) {
            cx.check().map_err(StorageError::from)?;
            let mut shard = self.write(ids[0].shard());
            let (mut logged, mut deletions) = (Vec::new(), Vec::new());
            for id in ids {
                let Some(series) = shard.get(id.slot()) else { continue };
                let Some(extent) = series.extent() else { continue };
                // Only what is there, so that nothing that comes later is meant.
                let range = TimeRange::new(range.mint.max(extent.mint), range.maxt.min(extent.maxt));
                if range.mint <= range.maxt {
                    logged.push(Deletion { log_id: series.log_id, range });
                    deletions.push((id.slot(), range));
                }
            }
            if !logged.is_empty() {
                log(&logged)?;
                shard.delete(&deletions);
            }
        }
        Ok(())
    }

    /// Removes samples of a series again while the log is replayed.
    pub(crate) fn replay_deletion(&self, id: SeriesId, range: TimeRange) {
        let mut shard = self.write(id.shard());
        shard.delete(&[(id.slot(), range)]);
        // Later frames may have what was deleted once more: the series may have been forgotten in between.
        let (series, _) = shard.series_mut(id.slot());
        series.forget_last();
    }
}
