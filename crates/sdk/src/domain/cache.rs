use crate::counter::{Counter, CounterHandle};
use crate::error::RegisterError;
use crate::gauge::{Gauge, GaugeHandle};
use crate::registry::Registry;
use crate::{Labels, MetricSet};

#[derive(Labels)]
struct OfCache<'a> {
    cache_layer: &'a str,
    cache_type: &'a str,
}

#[derive(Debug, Clone, Copy, MetricSet)]
#[metrics(prefix = "cache")]
struct Families {
    /// Lookups that found an entry.
    hits: Counter<OfCache<'static>>,
    /// Lookups that found nothing.
    misses: Counter<OfCache<'static>>,
    /// Entries that had to go.
    evictions: Counter<OfCache<'static>>,
    /// Entries held.
    items: Gauge<OfCache<'static>>,
    /// Bytes held.
    #[metric(unit = "bytes")]
    size: Gauge<OfCache<'static>>,
}

/// The caches of a service.
#[derive(Debug, Clone, Copy)]
pub struct Caches(Families);

/// A cache.
#[derive(Debug, Clone, Copy)]
pub struct Cache {
    hits: CounterHandle,
    misses: CounterHandle,
    evictions: CounterHandle,
    items: GaugeHandle,
    size: GaugeHandle,
}

impl Caches {
    /// Registers the families.
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        Families::register(registry).map(Self)
    }

    /// The cache at a layer (`memory`, `redis`) for something (`sessions`).
    pub fn cache(&self, layer: &str, of: &str) -> Cache {
        let (families, of) = (&self.0, || OfCache { cache_layer: layer, cache_type: of });
        Cache {
            hits: families.hits.with(of()),
            misses: families.misses.with(of()),
            evictions: families.evictions.with(of()),
            items: families.items.with(of()),
            size: families.size.with(of()),
        }
    }
}

impl Cache {
    /// A lookup found an entry.
    pub fn hit(self) {
        self.hits.inc();
    }

    /// A lookup found nothing.
    pub fn miss(self) {
        self.misses.inc();
    }

    /// `n` entries had to go.
    pub fn evict(self, n: u64) {
        self.evictions.inc_by(n);
    }

    /// How many entries there are, and how many bytes they take.
    pub fn set_size(self, items: u64, bytes: u64) {
        self.items.set(items as f64);
        self.size.set(bytes as f64);
    }

    /// Looks something up, and counts whether it was there.
    pub fn lookup<T>(self, find: impl FnOnce() -> Option<T>) -> Option<T> {
        let found = find();
        if found.is_some() {
            self.hit();
        } else {
            self.miss();
        }
        found
    }

    /// Looks something up and makes it if it is not there.
    pub fn get_or_insert<T>(self, find: impl FnOnce() -> Option<T>, make: impl FnOnce() -> T) -> T {
        self.lookup(find).unwrap_or_else(make)
    }
}
