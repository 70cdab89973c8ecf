//! What queries found in parts and may need again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use parking_lot::Mutex;

/// What nobody asked for during so many rounds of upkeep is given back; with a round every 15 seconds, five minutes.
const IDLE_ROUNDS: u32 = 20;

/// How many bytes the caches of all parts of a store may take together.
#[derive(Debug)]
pub(crate) struct CacheBudget {
    limit: usize,
    used: AtomicUsize,
}

impl CacheBudget {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, used: AtomicUsize::new(0) }
    }
}

/// What one part has taken of the budget.
#[derive(Debug)]
pub(super) struct CacheShare {
    budget: Arc<CacheBudget>,
    bytes: AtomicUsize,
}

impl CacheShare {
    pub(super) fn new(budget: Arc<CacheBudget>) -> Self {
        Self { budget, bytes: AtomicUsize::new(0) }
    }

    /// Takes bytes, if they are left.
    pub(super) fn take(&self, bytes: usize) -> bool {
        let taken = self.budget.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
            used.checked_add(bytes).filter(|sum| *sum <= self.budget.limit)
        });
        if taken.is_ok() {
            self.bytes.fetch_add(bytes, Ordering::Relaxed);
        }
        taken.is_ok()
    }

    pub(super) fn give_back(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.budget.used.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// How many bytes are taken.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }
}

/// Something that knows how many bytes of memory it takes.
pub(super) trait Weigh {
    fn weight(&self) -> usize;
}

impl Weigh for [i64] {
    fn weight(&self) -> usize {
        size_of_val(self) + 16
    }
}

/// Values by their numbers. Where there are more numbers than places, those with the same place displace each other.
#[derive(Debug)]
pub(super) struct Cache<T: Weigh + ?Sized> {
    places: Box<[Place<T>]>,
    share: Arc<CacheShare>,
    n_values: AtomicUsize,
    /// Rounds of upkeep since something was asked for.
    idle_rounds: AtomicU32,
}

/// The number and the value, if there is one.
type Place<T> = Mutex<Option<(u32, Arc<T>)>>;

impl<T: Weigh + ?Sized> Cache<T> {
    pub(super) fn new(n_places: usize, share: Arc<CacheShare>) -> Self {
        Self {
            places: (0..n_places.max(1)).map(|_| Mutex::new(None)).collect(),
            share,
            n_values: AtomicUsize::new(0),
            idle_rounds: AtomicU32::new(0),
        }
    }

    fn place(&self, id: u32) -> &Place<T> {
        &self.places[id as usize % self.places.len()]
    }

    pub(super) fn get(&self, id: u32) -> Option<Arc<T>> {
        if self.idle_rounds.load(Ordering::Relaxed) > 0 {
            self.idle_rounds.store(0, Ordering::Relaxed);
        }
        self.place(id).lock().as_ref().filter(|(there, _)| *there == id).map(|(_, value)| Arc::clone(value))
    }

    /// Keeps a value if there is room for it.
    pub(super) fn put(&self, id: u32, value: &Arc<T>) {
        if !self.share.take(value.weight()) {
            return;
        }
        self.n_values.fetch_add(1, Ordering::Relaxed);
        let before = self.place(id).lock().replace((id, Arc::clone(value)));
        self.forget(before);
    }

    fn forget(&self, value: Option<(u32, Arc<T>)>) {
        if let Some((_, value)) = value {
            self.n_values.fetch_sub(1, Ordering::Relaxed);
            self.share.give_back(value.weight());
        }
    }

    /// To be called in each round of upkeep: forgets everything after a while without questions.
    pub(super) fn end_round(&self) {
        if self.idle_rounds.fetch_add(1, Ordering::Relaxed) + 1 >= IDLE_ROUNDS
            && self.n_values.load(Ordering::Relaxed) > 0
        {
            self.clear();
        }
    }

    fn clear(&self) {
        for place in &self.places {
            let value = place.lock().take();
            self.forget(value);
        }
    }
}

impl<T: Weigh + ?Sized> Drop for Cache<T> {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(n: usize) -> Arc<[i64]> {
        vec![0; n].into()
    }

    #[test]
    fn keeps_what_fits_and_counts_it() {
        let budget = Arc::new(CacheBudget::new(1000));
        let share = || Arc::new(CacheShare::new(Arc::clone(&budget)));
        let ours = share();
        let cache: Cache<[i64]> = Cache::new(4, Arc::clone(&ours));
        assert!(cache.get(1).is_none());
        cache.put(1, &times(10));
        cache.put(2, &times(20));
        assert_eq!(cache.get(1).map(|v| v.len()), Some(10));
        assert_eq!((ours.bytes(), budget.used.load(Ordering::Relaxed)), (272, 272));
        cache.put(5, &times(30));
        assert!(cache.get(1).is_none(), "5 took its place");
        assert_eq!(ours.bytes(), 176 + 256);
        cache.put(3, &times(200));
        assert!(cache.get(3).is_none(), "no room");
        let other: Cache<[i64]> = Cache::new(4, share());
        other.put(0, &times(70));
        assert!(other.get(0).is_none(), "all share the budget");
        drop(cache);
        assert_eq!(budget.used.load(Ordering::Relaxed), 0);
        other.put(0, &times(70));
        assert!(other.get(0).is_some());
    }

    #[test]
    fn gives_back_what_nobody_asks_for() {
        let share = Arc::new(CacheShare::new(Arc::new(CacheBudget::new(1000))));
        let cache: Cache<[i64]> = Cache::new(4, Arc::clone(&share));
        cache.put(1, &times(10));
        for _ in 0..IDLE_ROUNDS - 1 {
            cache.end_round();
        }
        assert!(cache.get(1).is_some());
        for _ in 0..IDLE_ROUNDS - 1 {
            cache.end_round();
        }
        assert!(share.bytes() > 0);
        cache.end_round();
        assert_eq!(share.bytes(), 0);
        assert!(cache.get(1).is_none());
    }
}
