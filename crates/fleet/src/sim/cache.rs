use super::dice::Dice;

/// A cache that warms up: the more entries it holds, the more lookups find theirs.
#[derive(Debug, Clone)]
pub(crate) struct Cache {
    /// Share of lookups that a warm cache answers.
    pub(crate) hit_ratio_max: f64,
    /// Entries at which it answers half of that.
    pub(crate) half_warm: f64,
    /// Entries at most; a new one then replaces an old one.
    pub(crate) capacity: u64,
    /// Mean life of an entry.
    pub(crate) ttl_s: f64,
    /// Mean size of an entry.
    pub(crate) entry_bytes: f64,
    pub(crate) entries: u64,
    expiring: f64,
}

impl Cache {
    /// A cache that holds `entries`, as if it had run for long.
    pub(crate) fn new(
        hit_ratio_max: f64,
        half_warm: f64,
        ttl_s: f64,
        entry_bytes: f64,
        entries: u64,
    ) -> Self {
        let capacity = entries * 20;
        Self { hit_ratio_max, half_warm, capacity, ttl_s, entry_bytes, entries, expiring: 0.0 }
    }

    /// Looks something up; a miss is filled, as the caller computes the answer and keeps it.
    pub(crate) fn lookup(&mut self, dice: &mut Dice) -> bool {
        let held = self.entries as f64;
        let hit = dice.chance(self.hit_ratio_max * held / (held + self.half_warm));
        if !hit && self.entries < self.capacity {
            self.entries += 1;
        }
        hit
    }

    /// Once per second: entries expire; `eviction` of 1 makes them live for a second instead of their time.
    pub(crate) fn second(&mut self, eviction: f64) {
        self.expiring += self.entries as f64 * (1.0 / self.ttl_s).max(eviction * 0.7);
        let gone = (self.expiring as u64).min(self.entries);
        self.entries -= gone;
        self.expiring -= gone as f64;
    }

    pub(crate) fn bytes(&self) -> f64 {
        (self.entries as f64 * self.entry_bytes).round()
    }

    pub(crate) fn flush(&mut self) {
        self.entries = 0;
        self.expiring = 0.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warms_up_and_suffers_from_eviction() {
        let mut dice = Dice::new(1, "cache");
        let mut cache = Cache::new(0.9, 10.0, 300.0, 1000.0, 200);
        cache.flush();
        let mut hits = |cache: &mut Cache, eviction| {
            let mut hits = 0;
            for _ in 0..600 {
                hits += u32::from(cache.lookup(&mut dice)) + u32::from(cache.lookup(&mut dice));
                cache.second(eviction);
            }
            f64::from(hits) / 1200.0
        };
        hits(&mut cache, 0.0);
        let warm = hits(&mut cache, 0.0);
        assert!(warm > 0.6, "{warm}");
        let thrashing = hits(&mut cache, 1.0);
        assert!(thrashing < 0.3, "{thrashing}");
        assert!(cache.entries <= cache.capacity);
    }
}
