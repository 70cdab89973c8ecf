use std::collections::HashMap;

use bellwether_model::{AppendMetadata, MetricMetadata, MetricType};

/// A family that the target does not describe any more is remembered for so many further scrapes.
const KEPT_SCRAPES: u64 = 10;

/// What a target says about its metric families.
#[derive(Debug, Default)]
pub(crate) struct MetadataCache {
    /// In the order in which they appeared first, which is mostly that of the exposition.
    families: Vec<Family>,
    by_name: HashMap<String, usize>,
    /// Where the next metadata line is expected.
    cursor: usize,
    iteration: u64,
    /// Whether something has changed since the store was told.
    changed: bool,
}

#[derive(Debug)]
struct Family {
    name: String,
    metadata: MetricMetadata,
    /// The iteration that described it last.
    seen: u64,
    /// It has changed since the store was told.
    changed: bool,
}

impl MetadataCache {
    /// Starts a scrape.
    pub(crate) fn begin(&mut self) {
        self.iteration += 1;
        self.cursor = 0;
    }

    /// The target declares a type.
    pub(crate) fn set_type(&mut self, family: &str, metric_type: MetricType) {
        let entry = self.entry(family);
        if entry.metadata.metric_type != metric_type {
            entry.metadata.metric_type = metric_type;
            self.mark_changed();
        }
    }

    /// The target declares a unit.
    pub(crate) fn set_unit(&mut self, family: &str, unit: &str) {
        let entry = self.entry(family);
        if entry.metadata.unit != unit {
            unit.clone_into(&mut entry.metadata.unit);
            self.mark_changed();
        }
    }

    /// The target explains the family.
    pub(crate) fn set_help(&mut self, family: &str, help: &str) {
        let entry = self.entry(family);
        if entry.metadata.help != help {
            help.clone_into(&mut entry.metadata.help);
            self.mark_changed();
        }
    }

    /// The family at the cursor, which is the one that was asked for last; it is new if it was not known.
    fn entry(&mut self, name: &str) -> &mut Family {
        // A family has up to three lines, so it is the same as before or the one behind it.
        let here = self.cursor;
        let found =
            [here, here + 1].into_iter().find(|at| self.families.get(*at).is_some_and(|f| f.name == name));
        self.cursor = if let Some(at) = found.or_else(|| self.by_name.get(name).copied()) {
            at
        } else {
            self.changed = true;
            self.by_name.insert(name.to_owned(), self.families.len());
            self.families.push(Family {
                name: name.to_owned(),
                metadata: MetricMetadata::default(),
                seen: self.iteration,
                changed: true,
            });
            self.families.len() - 1
        };
        let family = &mut self.families[self.cursor];
        family.seen = self.iteration;
        family
    }

    fn mark_changed(&mut self) {
        self.families[self.cursor].changed = true;
        self.changed = true;
    }

    /// Forgets families that have not been described for a while.
    pub(crate) fn commit(&mut self) {
        let oldest = self.iteration.saturating_sub(KEPT_SCRAPES);
        if self.families.iter().all(|family| family.seen >= oldest) {
            return;
        }
        self.families.retain(|family| family.seen >= oldest);
        self.by_name = self.families.iter().enumerate().map(|(at, f)| (f.name.clone(), at)).collect();
    }

    /// Appends what the store has not been told yet.
    pub(crate) fn changes(&self, out: &mut Vec<AppendMetadata>) {
        if self.changed {
            let changed = self.families.iter().filter(|family| family.changed);
            out.extend(
                changed.map(|f| AppendMetadata { family: f.name.clone(), metadata: f.metadata.clone() }),
            );
        }
    }

    /// The store has been told.
    pub(crate) fn stored(&mut self) {
        if self.changed {
            self.changed = false;
            self.families.iter_mut().for_each(|family| family.changed = false);
        }
    }

    /// What is known about the family.
    pub(crate) fn get(&self, family: &str) -> Option<&MetricMetadata> {
        self.by_name.get(family).map(|at| &self.families[*at].metadata)
    }

    /// All families.
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &MetricMetadata)> {
        self.families.iter().map(|family| (family.name.as_str(), &family.metadata))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(cache: &mut MetadataCache) -> Vec<String> {
        let mut out = Vec::new();
        cache.changes(&mut out);
        cache.stored();
        out.into_iter()
            .map(|m| format!("{} {} {:?}", m.family, m.metadata.metric_type, m.metadata.help))
            .collect()
    }

    #[test]
    fn tells_the_store_only_what_changed() {
        let mut cache = MetadataCache::default();
        let describe = |cache: &mut MetadataCache, help: &str| {
            cache.begin();
            for family in ["a", "b", "c"] {
                cache.set_help(family, if family == "b" { help } else { "x" });
                cache.set_type(family, MetricType::Gauge);
            }
            cache.commit();
        };
        describe(&mut cache, "x");
        assert_eq!(changes(&mut cache), ["a gauge \"x\"", "b gauge \"x\"", "c gauge \"x\""]);
        describe(&mut cache, "x");
        assert!(changes(&mut cache).is_empty());
        describe(&mut cache, "new");
        assert_eq!(changes(&mut cache), ["b gauge \"new\""]);
        assert_eq!(cache.get("b").map(|m| m.help.as_str()), Some("new"));
    }

    #[test]
    fn a_family_without_type_is_told_too() {
        let mut cache = MetadataCache::default();
        cache.begin();
        cache.set_type("a", MetricType::Unknown);
        assert_eq!(changes(&mut cache), ["a unknown \"\""]);
    }

    #[test]
    fn forgets_after_ten_scrapes() {
        let mut cache = MetadataCache::default();
        cache.begin();
        cache.set_type("a", MetricType::Gauge);
        cache.set_type("b", MetricType::Gauge);
        cache.commit();
        for _ in 0..10 {
            cache.begin();
            cache.set_type("b", MetricType::Gauge);
            cache.commit();
            assert_eq!(cache.iter().len(), 2);
        }
        cache.begin();
        cache.set_type("b", MetricType::Counter);
        cache.commit();
        assert_eq!(cache.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["b"]);
        assert_eq!(cache.get("a"), None);
    }
}
