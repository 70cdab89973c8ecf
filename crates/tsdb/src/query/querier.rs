use std::collections::BTreeSet;
use std::sync::Arc;

use bellwether_model::{
    Labels, Matcher, MemoryReservation, MetadataRequest, MetricMetadata, Querier, QueryContext, SelectSpec,
    SeriesExemplars, SeriesSet, StorageError, Tenant, TimeRange,
};

use crate::counters::add;
use crate::head::Snapshot;
use crate::part::{Part, PartError};
use crate::select::select;
use crate::store::{PartSet, Store, TENANT_LABEL, tenant_matchers, visible_labels};

use super::part_index::PartIndex;
use super::series_set::{Order, Source, StoreSeriesSet};

/// The deadline is looked at this often while series are gone through.
const SERIES_PER_CHECK: usize = 64;

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
        let matchers = tenant_matchers(&self.tenant, matchers);
        let head = &self.store.head;
        if self.head_overlaps(self.range) {
            let ids = head.select(&matchers, cx)?;
            head.labels(&ids, reach_into, self.snapshot.commit, cx, &mut take)?;
        }
        self.for_each_part(self.range, |part| {
            let ordinals = select(&PartIndex(part), &matchers, cx)?;
            let mut labels = part.labels()?;
            let mut walk = part.walk()?;
            for (n, ordinal) in ordinals.into_iter().enumerate() {
                if n % SERIES_PER_CHECK == 0 {
                    cx.check()?;
                }
                let reaches = match reach_into {
                    Some(range) => part.has_samples(&mut walk, ordinal, range)?,
                    None => true,
                };
                if reaches {
                    take(&labels.read(ordinal)?);
                }
            }
            Ok(())
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
        let matchers = tenant_matchers(&self.tenant, &spec.matchers);
        let mut memory = cx.reserve(0)?;
        let mut found: Vec<(Labels, Source)> = Vec::new();
        let mut parts: Vec<Arc<Part>> = Vec::new();
        let mut origins = 0;
        self.for_each_part(spec.range, |part| {
            let before = found.len();
            let selected = self.select_in_part(
                part,
                parts.len() as u32,
                spec.range,
                &matchers,
                cx,
                &mut memory,
                &mut found,
            );
            if selected.is_err() {
                found.truncate(before);
            }
            if found.len() > before {
                parts.push(Arc::clone(part));
                origins += 1;
            }
            selected
        })?;
        if self.head_overlaps(spec.range) {
            let before = found.len();
            let head = &self.store.head;
            let ids = head.select(&matchers, cx)?;
            head.read(&ids, spec.range, self.snapshot.commit, cx, |series| {
                memory.grow(series.samples.memory() + size_of::<(Labels, Source)>())?;
                let labels = visible_labels(&self.tenant, series.labels);
                found.push((labels, Source::Head(series.samples)));
                Ok(())
            })?;
            if found.len() > before {
                origins += 1;
            }
        }
        let order = if spec.sorted || origins > 1 { Order::ByLabels } else { Order::AsFound };
        let mut set = StoreSeriesSet::new(Arc::clone(&self.store), spec.range, found, parts, order, memory);
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
            found.push(visible_labels(&self.tenant, labels.clone()));
        })?;
        found.sort();
        found.dedup();
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
        let strip =
            |(labels, exemplars)| SeriesExemplars { labels: visible_labels(&self.tenant, labels), exemplars };
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
    #[expect(clippy::too_many_arguments, reason = "the state of one selection, told in one place")]
    fn select_in_part(
        &self,
        part: &Part,
        idx: u32,
        range: TimeRange,
        matchers: &[Matcher],
        cx: &QueryContext,
        memory: &mut MemoryReservation,
        found: &mut Vec<(Labels, Source)>,
    ) -> Result<(), StorageError> {
        let ordinals = select(&PartIndex(part), matchers, cx)?;
        let mut labels = part.labels()?;
        let mut walk = part.walk()?;
        let covers = range.mint <= part.range().mint && part.range().maxt <= range.maxt;
        for (n, ordinal) in ordinals.into_iter().enumerate() {
            if n % SERIES_PER_CHECK == 0 {
                cx.check()?;
            }
            if !covers && !part.has_samples(&mut walk, ordinal, range)? {
                continue;
            }
            let labels = visible_labels(
                &self.tenant,
                labels.read(ordinal).map_err(|e: PartError| StorageError::from(e))?,
            );
            memory.grow(size_of::<(Labels, Source)>() + labels.as_bytes().len())?;
            found.push((labels, Source::Part { part: idx, ordinal }));
        }
        Ok(())
    }
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
