use std::collections::BTreeSet;
use std::sync::Arc;

use bellwether_model::{
    Labels, Matcher, MemoryReservation, MetadataRequest, MetricMetadata, Querier, QueryContext,
    QueryInterrupt, SelectSpec, SeriesExemplars, SeriesSet, StorageError, Tenant, TimeRange,
};

use crate::counters::add;
use crate::head::{HeadCopies, Snapshot};
use crate::part::{Part, SeriesBlock};
use crate::select::select;
use crate::store::{PartSet, Store, TENANT_LABEL, tenant_matcher, visible_labels};

use super::part_index::PartIndex;
use super::series_set::{Findings, Form, Source, StoreSeriesSet};

/// The deadline is looked at this often while series are gone through.
const SERIES_PER_CHECK: usize = 64;

/// What a selection takes for each series beside the samples: the handle of its labels, its source and where its sources end, and the same once more while
/// sources are brought together.
const BYTES_PER_SERIES: usize = 2 * (size_of::<Labels>() + size_of::<Source>() + 4);

/// A consistent view of the store: the batches and the parts that were there when it was opened.
#[derive(Debug)]
pub(crate) struct StoreQuerier {
    store: Arc<Store>,
    tenant: Tenant,
    range: TimeRange,
    snapshot: Snapshot,
    parts: Arc<PartSet>,
}

impl StoreQuerier {
    pub(crate) fn open(store: Arc<Store>, tenant: &Tenant, range: TimeRange) -> Self {
        // Batches and parts are fixed at the same moment: between the two, samples could move from the head into parts.
        let (snapshot, parts) = store.head.commits.open(|| {
            let parts = store.part_set();
            (parts.epoch, parts)
        });
        Self { store, tenant: tenant.clone(), range, snapshot, parts }
    }

    /// Whether the head may have samples in the range.
    fn head_overlaps(&self, range: TimeRange) -> bool {
        let (mint, maxt) = (self.store.head.ranges.mint(), self.store.head.ranges.maxt());
        // A reader that keeps cut samples from being freed may need the head although nothing is counted there any more; asking it is
        // always right.
        match (mint, maxt) {
            (Some(mint), Some(maxt)) => range.overlaps(TimeRange::new(mint, maxt)) || self.needs_old_head(),
            _ => self.needs_old_head(),
        }
    }

    /// Whether parts were made since this view was opened, from samples that it must find in the head.
    fn needs_old_head(&self) -> bool {
        self.parts.epoch != self.store.part_set().epoch
    }

    /// Visits all parts that overlap the range. One whose index is damaged is left out, unless reads are strict.
    fn for_each_part(
        &self,
        range: TimeRange,
        mut visit: impl FnMut(&Arc<Part>) -> Result<(), StorageError>,
    ) -> Result<Vec<String>, StorageError> {
        let mut parts: Vec<&Arc<Part>> = self.parts.overlapping(range).collect();
        // Precedence: where two have a sample at the same time, the older one counts.
        parts.sort_by_key(|p| (p.meta().order, p.meta().id));
        let mut warnings = Vec::new();
        for part in parts {
            match visit(part) {
                Ok(()) => {}
                Err(StorageError::Corrupt { place, what }) if !self.store.options.strict_reads => {
                    add(&self.store.counters.corruptions, 1);
                    tracing::error!(place, what, "part is left out of a query");
                    warnings.push(format!("{place}: {what}"));
                }
                Err(e) => return Err(e),
            }
        }
        Ok(warnings)
    }

    /// The labels of the series that match; with a range, of those that reach into it.
    fn series_labels(
        &self,
        matchers: &[Matcher],
        reach_into: Option<TimeRange>,
        cx: &QueryContext,
        mut take: impl FnMut(&Labels),
    ) -> Result<(), StorageError> {
        let of_tenant = tenant_matcher(&self.tenant);
        let matchers: Vec<&Matcher> = matchers.iter().chain([&of_tenant]).collect();
        let head = &self.store.head;
        if self.head_overlaps(self.range) {
            let ids = head.select(&matchers, cx)?;
            head.labels(&ids, reach_into, self.snapshot.commit, cx, &mut take)?;
        }
        self.for_each_part(self.range, |part| {
            find_in_part(part, &matchers, reach_into, cx, |_, _, labels| {
                take(labels);
                Ok(())
            })
        })?;
        Ok(())
    }

    /// Whether the index can be asked for all names and values: no tenant has to be kept from seeing those of another one.
    fn has_one_tenant(&self) -> bool {
        self.tenant.as_str().is_empty()
            && self.store.head.index.read().values(TENANT_LABEL).is_none()
            && self.parts.parts().iter().all(|p| p.label_names().all(|n| n != TENANT_LABEL))
    }
}

impl Drop for StoreQuerier {
    fn drop(&mut self) {
        self.store.head.commits.close(self.snapshot);
    }
}

impl Querier for StoreQuerier {
    fn select(&self, spec: &SelectSpec, cx: &QueryContext) -> Result<Box<dyn SeriesSet>, StorageError> {
        let of_tenant = tenant_matcher(&self.tenant);
        let matchers: Vec<&Matcher> = spec.matchers.iter().chain([&of_tenant]).collect();
        let mut memory = cx.reserve(0)?;
        let mut found = Findings::default();
        let mut origins = 0;
        let left_out = self.for_each_part(spec.range, |part| {
            let before = found.len();
            let selected = self.select_in_part(part, spec.range, &matchers, cx, &mut memory, &mut found);
            if selected.is_err() {
                found.truncate(before);
            }
            origins += usize::from(found.len() > before);
            selected
        })?;
        let mut in_order = true;
        if self.head_overlaps(spec.range) {
            let before = found.len();
            let head = &self.store.head;
            let ids = head.select(&matchers, cx)?;
            let mut copies = HeadCopies::new(spec.range);
            let mut reserved = 0;
            head.read(&ids, self.snapshot.commit, cx, &mut copies, |labels, bytes| {
                memory.grow(bytes - reserved + BYTES_PER_SERIES)?;
                reserved = bytes;
                found.sources.push(Source::Head((found.labels.len() - before) as u32));
                found.labels.push(visible_labels(&self.tenant, labels));
                Ok(())
            })?;
            found.head = Some(copies);
            if found.len() > before {
                origins += 1;
                in_order = false;
            }
        }
        // A part has its series in the order of their labels, as stored: with the label of the tenant.
        in_order &= origins <= 1 && self.tenant.as_str().is_empty();
        let form = Form { has_duplicates: origins > 1, must_sort: spec.sorted && !in_order };
        let mut set = StoreSeriesSet::new(Arc::clone(&self.store), spec.range, found, form, left_out, memory);
        if spec.hints.limit > 0 {
            set.truncate(spec.hints.limit);
        }
        Ok(Box::new(set))
    }

    fn label_names(
        &self,
        matchers: &[Matcher],
        limit: usize,
        cx: &QueryContext,
    ) -> Result<Vec<String>, StorageError> {
        let mut names: BTreeSet<String> = BTreeSet::new();
        if matchers.is_empty() && self.has_one_tenant() {
            if self.head_overlaps(self.range) {
                names.extend(self.store.head.index.read().names().map(|(name, _)| name.to_owned()));
            }
            for part in self.parts.overlapping(self.range) {
                names.extend(part.label_names().map(str::to_owned));
            }
        } else {
            self.series_labels(matchers, None, cx, |labels| {
                for label in labels {
                    insert(&mut names, label.name);
                }
            })?;
        }
        names.remove(TENANT_LABEL);
        Ok(limited(names, limit))
    }

    fn label_values(
        &self,
        name: &str,
        matchers: &[Matcher],
        limit: usize,
        cx: &QueryContext,
    ) -> Result<Vec<String>, StorageError> {
        let mut values: BTreeSet<String> = BTreeSet::new();
        if name == TENANT_LABEL {
            return Ok(Vec::new());
        }
        if matchers.is_empty() && self.has_one_tenant() {
            if self.head_overlaps(self.range)
                && let Some(known) = self.store.head.index.read().values(name)
            {
                values.extend(known.keys().map(ToString::to_string));
            }
            self.for_each_part(self.range, |part| {
                cx.check()?;
                Ok(part.for_each_value(name, "", |_, value| {
                    insert(&mut values, value);
                    true
                })?)
            })?;
        } else {
            self.series_labels(matchers, None, cx, |labels| {
                if let Some(value) = labels.get(name) {
                    insert(&mut values, value);
                }
            })?;
        }
        Ok(limited(values, limit))
    }

    fn series(
        &self,
        matchers: &[Matcher],
        limit: usize,
        cx: &QueryContext,
    ) -> Result<Vec<Labels>, StorageError> {
        let mut found: Vec<Labels> = Vec::new();
        self.series_labels(matchers, Some(self.range), cx, |labels| {
            found.push(visible_labels(&self.tenant, labels));
        })?;
        // Those of one part are in order already.
        if !found.is_sorted_by(|a, b| a < b) {
            found.sort();
            found.dedup();
        }
        if limit > 0 {
            found.truncate(limit);
        }
        Ok(found)
    }

    fn exemplars(
        &self,
        selectors: &[Vec<Matcher>],
        cx: &QueryContext,
    ) -> Result<Vec<SeriesExemplars>, StorageError> {
        cx.check()?;
        let matches = |labels: &Labels, matchers: &[Matcher]| {
            matchers.iter().all(|m| m.matches(labels.get(m.name()).unwrap_or("")))
        };
        let wanted = |labels: &Labels| {
            labels.get(TENANT_LABEL).unwrap_or("") == self.tenant.as_str()
                && selectors.iter().any(|s| matches(labels, s))
        };
        let found = self.store.head.exemplars.lock().select(self.range, wanted);
        let strip = |(labels, exemplars)| SeriesExemplars {
            labels: visible_labels(&self.tenant, &labels),
            exemplars,
        };
        Ok(found.into_iter().map(strip).collect())
    }

    fn metadata(
        &self,
        request: &MetadataRequest,
        cx: &QueryContext,
    ) -> Result<Vec<(String, Vec<MetricMetadata>)>, StorageError> {
        cx.check()?;
        let store = self.store.head.metadata.lock();
        let families = store.of_tenant(self.tenant.as_str());
        let wanted = families.filter(|(family, _)| request.family.as_deref().is_none_or(|f| f == *family));
        let limit = if request.limit > 0 { request.limit } else { usize::MAX };
        let per_family = if request.limit_per_family > 0 { request.limit_per_family } else { usize::MAX };
        let entry = |(family, known): (&str, &[MetricMetadata])| {
            // What was heard last comes first.
            (family.to_owned(), known.iter().rev().take(per_family).cloned().collect())
        };
        Ok(wanted.take(limit).map(entry).collect())
    }
}

impl StoreQuerier {
    fn select_in_part(
        &self,
        part: &Arc<Part>,
        range: TimeRange,
        matchers: &[&Matcher],
        cx: &QueryContext,
        memory: &mut MemoryReservation,
        found: &mut Findings,
    ) -> Result<(), StorageError> {
        let idx = found.parts.len() as u32;
        let (before, mut pending) = (found.blocks.len(), 0);
        find_in_part(part, matchers, Some(range), cx, |block, series, labels| {
            // Set aside once for each block.
            pending += labels.as_bytes().len() + BYTES_PER_SERIES;
            let is_new = found.blocks[before..].last().is_none_or(|(_, last)| !Arc::ptr_eq(last, block));
            if is_new {
                // Whether the block is kept for other queries too does not matter: this one keeps it.
                memory.grow(block.memory() + std::mem::take(&mut pending))?;
                found.blocks.push((idx, Arc::clone(block)));
            }
            found.labels.push(visible_labels(&self.tenant, labels));
            found.sources.push(Source::Part { block: found.blocks.len() as u32 - 1, series });
            Ok(())
        })?;
        found.parts.push(Arc::clone(part));
        Ok(memory.grow(pending)?)
    }
}

/// Visits the series of a part for which all matchers hold, in order; with a range those that reach into it with samples that are not deleted.
fn find_in_part(
    part: &Part,
    matchers: &[&Matcher],
    reach_into: Option<TimeRange>,
    cx: &QueryContext,
    mut visit: impl FnMut(&Arc<SeriesBlock>, u32, &Labels) -> Result<(), QueryInterrupt>,
) -> Result<(), StorageError> {
    let ordinals = select(&PartIndex(part), matchers, cx)?;
    let reach_into =
        reach_into.filter(|range| !covers(*range, part.range()) || !part.tombstones().is_empty());
    let mut reader = part.blocks();
    let mut current: Option<(u32, Arc<SeriesBlock>)> = None;
    for (n, ordinal) in ordinals.into_iter().enumerate() {
        if n % SERIES_PER_CHECK == 0 {
            cx.check()?;
        }
        let (number, series) = SeriesBlock::locate(ordinal);
        let block = match &mut current {
            Some((there, block)) if *there == number => &*block,
            current => &current.insert((number, reader.block(number)?)).1,
        };
        if reach_into.is_none_or(|range| part.has_samples(block, series, range)) {
            visit(block, series, reader.labels(block, ordinal)?.as_ref())?;
        }
    }
    Ok(())
}

fn insert(set: &mut BTreeSet<String>, text: &str) {
    if !set.contains(text) {
        set.insert(text.to_owned());
    }
}

fn limited(set: BTreeSet<String>, limit: usize) -> Vec<String> {
    let limit = if limit > 0 { limit } else { usize::MAX };
    set.into_iter().take(limit).collect()
}

fn covers(outer: TimeRange, inner: TimeRange) -> bool {
    outer.mint <= inner.mint && inner.maxt <= outer.maxt
}
