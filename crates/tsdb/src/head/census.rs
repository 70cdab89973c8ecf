use super::series::Series;
use super::{Head, SERIES_PER_LOCK, SeriesId};

impl Head {
    /// Shows each series to `look`, which must not take locks of the head. Writers get their turn in between, so a series that comes or goes meanwhile may be
    /// seen or not.
    pub(crate) fn for_each_series(&self, mut look: impl FnMut(&Series)) {
        for shard in &self.shards {
            let n_slots = shard.read().n_slots();
            for first in (0..n_slots).step_by(SERIES_PER_LOCK) {
                let shard = shard.read();
                let slots = first..n_slots.min(first + SERIES_PER_LOCK);
                slots.filter_map(|slot| shard.get(slot as u32)).for_each(&mut look);
            }
        }
    }

    /// As [`for_each_series`](Self::for_each_series), of the series that have the label, with the value if one is given.
    pub(crate) fn for_each_series_with(
        &self,
        name: &str,
        value: Option<&str>,
        mut look: impl FnMut(&Series),
    ) {
        let mut ids = self.index.read().with_label(name, value);
        // By shard, and there by place.
        ids.sort_unstable_by_key(|id| (SeriesId(*id).shard(), *id));
        for ids in ids.chunk_by(|a, b| SeriesId(*a).shard() == SeriesId(*b).shard()) {
            let shard = &self.shards[SeriesId(ids[0]).shard()];
            for ids in ids.chunks(SERIES_PER_LOCK) {
                let shard = shard.read();
                let series = ids.iter().filter_map(|id| shard.get(SeriesId(*id).slot()));
                // A place may have got another series since.
                series.filter(|s| has_label(s, name, value)).for_each(&mut look);
            }
        }
    }
}

fn has_label(series: &Series, name: &str, value: Option<&str>) -> bool {
    series.labels.get(name).is_some_and(|v| value.is_none_or(|value| v == value))
}
