//! The series that senders sent before, by the bytes of their labels.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use bellwether_model::{SeriesRef, Tenant};
use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_128_with_secret;

/// A generation has at most this many series.
const MAX_SERIES: usize = 1 << 20;
/// A generation ends when each of its series was looked for about this often: with a sample each 15 seconds after an hour.
const USES_PER_GENERATION: u64 = 256;
/// A generation counts as having at least this many series.
const FEW_SERIES: u64 = 1 << 10;
/// A table is made of this many smaller ones, which grow one at a time.
const PIECES: usize = 64;
/// Bytes of the key of the fingerprints; the hash asks for at least 136.
const SECRET_BYTES: usize = 192;

/// What stands for the bytes of a series' labels and its tenant: 96 bits of a hash, so that of two million known series and as many new ones no two have the same one but once in
/// 2^54 times. Nobody outside can know which bytes have the same one, because the key is random.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fingerprint([u32; 3]);

impl Fingerprint {
    fn hash(self) -> u64 {
        u64::from(self.0[0]) | u64::from(self.0[1]) << 32
    }

    fn piece(self) -> usize {
        self.0[2] as usize % PIECES
    }
}

/// The handle of a series that the store has forgotten. No store gives it: it would have used up the numbers of all others.
const GONE: SeriesRef = SeriesRef(u64::MAX);

/// A series that is known, in as few bytes as possible.
#[derive(Debug, Clone, Copy)]
struct Known {
    key: Fingerprint,
    /// The lower and the upper half of the handle.
    series: [u32; 2],
}

impl Known {
    fn new(key: Fingerprint, series: SeriesRef) -> Self {
        Self { key, series: [series.0 as u32, (series.0 >> 32) as u32] }
    }

    #[inline]
    fn series(self) -> SeriesRef {
        SeriesRef(u64::from(self.series[0]) | u64::from(self.series[1]) << 32)
    }
}

const _: () = assert!(size_of::<Known>() == 20, "the memory of a receiver is counted in these");

/// Which handles the store gave for the labels that senders sent. Bounded: two generations of series are kept, and when the younger one is full or has been in use for
/// a while, the older one is forgotten, except what was looked for meanwhile.
///
/// A generation takes 25 bytes for each series, and up to twice that for the room it grows into.
#[derive(Debug)]
pub(super) struct KnownSeries {
    secret: [u8; SECRET_BYTES],
    max_series: usize,
    generations: RwLock<Generations>,
    /// How many series were looked for since the younger generation began.
    uses: AtomicU64,
}

#[derive(Debug, Default)]
struct Generations {
    young: Table,
    old: Table,
}

/// Series in the order in which they were learned, which is that of the requests: the one after the last that was looked for is most likely the next one.
#[derive(Debug)]
struct Table {
    series: Vec<Known>,
    /// Their places, by fingerprint.
    pieces: [HashTable<u32>; PIECES],
}

impl Default for Table {
    fn default() -> Self {
        Self { series: Vec::new(), pieces: std::array::from_fn(|_| HashTable::new()) }
    }
}

impl Table {
    #[inline]
    fn has(&self, place: u32, key: Fingerprint) -> bool {
        self.series.get(place as usize).is_some_and(|known| known.key == key)
    }

    /// The place of a series, which may be `guess`.
    #[inline]
    fn find(&self, key: Fingerprint, guess: u32) -> Option<u32> {
        if self.has(guess, key) {
            return Some(guess);
        }
        self.pieces[key.piece()].find(key.hash(), |place| self.has(*place, key)).copied()
    }

    fn insert(&mut self, key: Fingerprint, series: SeriesRef) {
        if let Some(place) = self.find(key, u32::MAX) {
            self.series[place as usize] = Known::new(key, series);
            return;
        }
        let place = self.series.len() as u32;
        self.series.push(Known::new(key, series));
        let all = &self.series;
        self.pieces[key.piece()].insert_unique(key.hash(), place, |place| all[*place as usize].key.hash());
    }
}

impl Default for KnownSeries {
    fn default() -> Self {
        Self::with_capacity(MAX_SERIES)
    }
}

impl KnownSeries {
    /// `max_series` is the size of a generation.
    pub(super) fn with_capacity(max_series: usize) -> Self {
        let keys = RandomState::new();
        let mut secret = [0; SECRET_BYTES];
        for (idx, bytes) in secret.as_chunks_mut::<8>().0.iter_mut().enumerate() {
            *bytes = keys.hash_one(idx).to_le_bytes();
        }
        Self { secret, max_series, generations: RwLock::default(), uses: AtomicU64::new(0) }
    }

    /// Begins to look for the series of one request. Until this is dropped, nothing can be learned.
    pub(super) fn of_tenant(&self, tenant: &Tenant) -> KnownOfTenant<'_> {
        let generations = self.generations.read().unwrap_or_else(PoisonError::into_inner);
        KnownOfTenant { tenant: self.hash(tenant.as_str().as_bytes()), known: self, generations, next: 0 }
    }

    /// Remembers series. `uses` is how many were looked for by the one who learned them.
    pub(super) fn learn(&self, learned: impl IntoIterator<Item = (Fingerprint, SeriesRef)>, uses: usize) {
        let mut uses = self.uses.fetch_add(uses as u64, Ordering::Relaxed) + uses as u64;
        let mut learned = learned.into_iter().peekable();
        if learned.peek().is_none() {
            return;
        }
        let mut generations = self.generations.write().unwrap_or_else(PoisonError::into_inner);
        for (key, series) in learned {
            let in_use = (generations.young.series.len() as u64).max(FEW_SERIES) * USES_PER_GENERATION;
            if generations.young.series.len() >= self.max_series || uses > in_use {
                generations.old = std::mem::take(&mut generations.young);
                self.uses.store(0, Ordering::Relaxed);
                uses = 0;
            }
            generations.young.insert(key, series);
        }
    }

    /// Forgets series whose handles the store does not know any more. They are known again once they are learned.
    pub(super) fn forget(&self, keys: impl IntoIterator<Item = Fingerprint>) {
        let mut generations = self.generations.write().unwrap_or_else(PoisonError::into_inner);
        let Generations { young, old } = &mut *generations;
        for key in keys {
            for table in [&mut *young, &mut *old] {
                if let Some(place) = table.find(key, u32::MAX) {
                    table.series[place as usize] = Known::new(key, GONE);
                }
            }
        }
    }

    #[inline]
    fn hash(&self, bytes: &[u8]) -> [u64; 2] {
        let hash = xxh3_128_with_secret(bytes, &self.secret);
        [hash as u64, (hash >> 64) as u64]
    }
}

/// The known series of a tenant, for the time of one request.
pub(super) struct KnownOfTenant<'k> {
    known: &'k KnownSeries,
    generations: RwLockReadGuard<'k, Generations>,
    tenant: [u64; 2],
    /// Where the next series is expected.
    next: u32,
}

/// What is known about the bytes of some labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Recognised {
    /// The series.
    Series(SeriesRef),
    /// The series; it should be learned anew, because it will be forgotten soon.
    Fading(SeriesRef),
    Nothing,
}

impl KnownOfTenant<'_> {
    /// `labels` is the stretch of a message that holds all labels of a series and nothing else.
    #[inline]
    pub(super) fn fingerprint(&self, labels: &[u8]) -> Fingerprint {
        let [low, high] = self.known.hash(labels);
        let (low, high) = (low ^ self.tenant[0], high ^ self.tenant[1]);
        Fingerprint([low as u32, (low >> 32) as u32, high as u32])
    }

    #[inline]
    pub(super) fn find(&mut self, key: Fingerprint) -> Recognised {
        let Generations { young, old } = &*self.generations;
        if let Some(place) = young.find(key, self.next) {
            self.next = place + 1;
            return match young.series[place as usize].series() {
                GONE => Recognised::Nothing,
                series => Recognised::Series(series),
            };
        }
        let Some(place) = old.find(key, self.next) else { return Recognised::Nothing };
        self.next = place + 1;
        match old.series[place as usize].series() {
            GONE => Recognised::Nothing,
            series => Recognised::Fading(series),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(known: &KnownSeries, tenant: &Tenant, labels: &[u8]) -> Recognised {
        let mut known = known.of_tenant(tenant);
        known.find(known.fingerprint(labels))
    }

    fn learn(known: &KnownSeries, tenant: &Tenant, labels: &[u8], series: u64) {
        let key = known.of_tenant(tenant).fingerprint(labels);
        known.learn([(key, SeriesRef(series))], 0);
    }

    #[test]
    fn tenants_and_bytes_are_told_apart() {
        let known = KnownSeries::default();
        let (a, b) = (Tenant::default(), Tenant::new("b"));
        learn(&known, &a, b"x", 1);
        learn(&known, &b, b"x", 2);
        learn(&known, &b, b"y", 3);
        learn(&known, &b, b"y", 4);
        assert_eq!(find(&known, &a, b"x"), Recognised::Series(SeriesRef(1)));
        assert_eq!(find(&known, &b, b"x"), Recognised::Series(SeriesRef(2)));
        assert_eq!(find(&known, &a, b"y"), Recognised::Nothing);
        assert_eq!(find(&known, &b, b"y"), Recognised::Series(SeriesRef(4)), "the latest counts");
    }

    #[test]
    fn what_the_store_forgot_is_not_known_until_it_is_learned_again() {
        let known = KnownSeries::with_capacity(2);
        let tenant = Tenant::default();
        for i in 0..3_u8 {
            learn(&known, &tenant, &[i], u64::from(i));
        }
        assert_eq!(find(&known, &tenant, &[0]), Recognised::Fading(SeriesRef(0)));
        let key = |i: u8| known.of_tenant(&tenant).fingerprint(&[i]);
        known.forget([key(0), key(2), key(9)]);
        let found = [0, 1, 2].map(|i: u8| find(&known, &tenant, &[i]));
        assert_eq!(found, [Recognised::Nothing, Recognised::Fading(SeriesRef(1)), Recognised::Nothing]);
        learn(&known, &tenant, &[0], 7);
        assert_eq!(find(&known, &tenant, &[0]), Recognised::Series(SeriesRef(7)));
    }

    #[test]
    fn two_generations_are_kept() {
        let known = KnownSeries::with_capacity(10);
        let tenant = Tenant::default();
        for i in 0..15_u8 {
            learn(&known, &tenant, &[i], u64::from(i));
        }
        assert_eq!(find(&known, &tenant, &[0]), Recognised::Fading(SeriesRef(0)));
        assert_eq!(find(&known, &tenant, &[14]), Recognised::Series(SeriesRef(14)));
        // What is used is learned anew and outlives the rest of its generation.
        learn(&known, &tenant, &[0], 0);
        for i in 15..21 {
            learn(&known, &tenant, &[i], u64::from(i));
        }
        assert_eq!(find(&known, &tenant, &[1]), Recognised::Nothing);
        assert_eq!(find(&known, &tenant, &[0]), Recognised::Fading(SeriesRef(0)));
    }

    #[test]
    fn a_generation_ends_after_much_use() {
        let known = KnownSeries::default();
        let tenant = Tenant::default();
        learn(&known, &tenant, b"gone", 1);
        known.learn([], (FEW_SERIES * USES_PER_GENERATION) as usize);
        assert_eq!(find(&known, &tenant, b"gone"), Recognised::Series(SeriesRef(1)));
        known.learn([], 1);
        learn(&known, &tenant, b"new", 2);
        assert_eq!(find(&known, &tenant, b"gone"), Recognised::Fading(SeriesRef(1)));
        learn(&known, &tenant, b"newer", 3);
        assert_eq!(
            find(&known, &tenant, b"gone"),
            Recognised::Fading(SeriesRef(1)),
            "the next one has just begun"
        );
    }
}
