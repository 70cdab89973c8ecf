//! A family: its description and its series.

use std::borrow::Cow;
use std::collections::HashSet;
use std::hash::{BuildHasher as _, Hasher as _};
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::alias::Alias;
use crate::arena::Arena;
use crate::expiry::{Change, Expiry};
use crate::gate::Gate;
use crate::key::{HashKeys, KeyWords};
use crate::kind::Kind;
use crate::labels::{Field, Labels, OVERFLOW, OpenValues, Values};
use crate::overflow::{Bell, Overflow};
use crate::record::{HEAD, Record, State};
use crate::region::image;
use crate::region::layout::List;
use crate::region::schema::{Cell, GaugeMerge, Schema};
use crate::table::Table;

/// The records of all combinations of closed values lie side by side if they are at most so many words (64 KiB) together; else they are looked up like those of open values.
const MAX_DENSE: usize = 8_192;
/// Series that were removed keep their memory, because a handle may still point there. A family makes at most this many times its limit of different ones.
const LIVES: u32 = 4;

/// What of a value is looked at, in bytes, also if less is stored.
const MAX_NORMALISED: usize = 1_024;

/// What there is of a family, whatever its type.
pub(crate) struct Core {
    pub(crate) description: Description,
    /// Where the series are.
    arena: &'static Arena,
    /// Where the other words are.
    home: &'static Arena,
    hasher: foldhash::fast::RandomState,
    keys: HashKeys,
    /// If all labels are closed and have few combinations: where their records are.
    dense: Dense,
    /// The others.
    table: Table,
    first: AtomicU32,
    growth: Mutex<Growth>,
    /// Whether no more series fit, so that nobody needs the lock to learn that.
    is_full: AtomicBool,
    /// Where it is counted how often a value went to an overflow series because of a limit.
    overflowed: u32,
    /// What takes the values of series for which there is no memory.
    lost: u32,
}

/// All families of the process. It is held by whoever makes families or series, or takes them away, so that nobody else is in the middle of that while the process forks or the memory is
/// exchanged.
static ALL: Mutex<Vec<&'static Core>> = Mutex::new(Vec::new());

pub(crate) fn lock_all() -> MutexGuard<'static, Vec<&'static Core>> {
    ALL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A family that may be changed.
struct Changing<'c> {
    growth: MutexGuard<'c, Growth>,
    _all: MutexGuard<'static, Vec<&'static Core>>,
}

impl Deref for Changing<'_> {
    type Target = Growth;

    fn deref(&self) -> &Growth {
        &self.growth
    }
}

impl DerefMut for Changing<'_> {
    fn deref_mut(&mut self) -> &mut Growth {
        &mut self.growth
    }
}

/// What is changed under the lock.
#[derive(Default)]
struct Growth {
    last: u32,
    /// If other processes read the region: where the series are listed for them.
    listing: Option<List>,
    /// Series that are exposed.
    n_live: u32,
    /// Series that were made, those that were removed included.
    n_made: u32,
    /// The hashes of the values of each open label that has a limit of its own.
    values: Vec<Option<HashSet<u64>>>,
}

/// The records of all combinations of closed values, one behind the other, so that the number of a combination is the place of its record. One that was not made yet is all zero and has no state.
struct Dense {
    words: &'static [AtomicU64],
    /// How many words a record takes, and 1 if there are none: so looking for one never finds an empty one.
    stride: usize,
    /// Where the first one is.
    at: u32,
}

impl Dense {
    /// Without records if there are too many, or there is no memory for them.
    fn new(arena: &'static Arena, n_records: u32, n_cells: usize) -> Self {
        let stride = HEAD + n_cells;
        let n_words = stride.saturating_mul(n_records as usize);
        let at = if n_words <= MAX_DENSE { arena.allocate(n_words) } else { None };
        at.map_or(Self::NONE, |at| Self { words: &arena.from(at)[..n_words], stride, at })
    }

    const NONE: Self = Self { words: &[], stride: 1, at: 0 };

    /// The record of a combination, made or not.
    #[inline]
    fn get(&self, closed_index: u32) -> Option<Record> {
        let start = closed_index as usize * self.stride;
        self.words.get(start..start + self.stride).map(Record::of)
    }

    /// Where in the arena the record of a combination is.
    fn place(&self, closed_index: u32) -> u32 {
        self.at + closed_index * self.stride as u32
    }

    fn is_empty(&self) -> bool {
        self.words.is_empty()
    }
}

/// What a family is made of.
pub(crate) struct Description {
    pub(crate) name: &'static str,
    pub(crate) help: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) kind: Kind,
    pub(crate) fields: &'static [Field],
    /// As [`Kind::n_cells`] says.
    pub(crate) n_cells: usize,
    pub(crate) max_series: u32,
    /// How the values of several processes become one.
    pub(crate) merge: GaugeMerge,
    /// Other names.
    pub(crate) aliases: &'static [Alias],
    /// See [`closed_combinations`](crate::labels::closed_combinations).
    pub(crate) n_closed: u32,
    /// When series are taken out of the exposition by themselves.
    pub(crate) expiry: Option<Expiry>,
    /// Who hears that values go to an overflow series.
    pub(crate) bell: Bell,
}

impl Core {
    /// A family that stays. `None` if there is no memory for it.
    pub(crate) fn register(it: Description) -> Option<&'static Self> {
        let core: &'static Self = Box::leak(Box::new(Self::new(it, Arena::global())?));
        lock_all().push(core);
        Some(core)
    }

    pub(crate) fn new(it: Description, arena: &'static Arena) -> Option<Self> {
        Self::apart(it, arena, arena)
    }

    /// A family whose series are in another arena than what it has itself: they can be taken away all together, see [`forget_series`](Self::forget_series).
    pub(crate) fn apart(it: Description, arena: &'static Arena, home: &'static Arena) -> Option<Self> {
        // What is taken away all together is not looked up by labels.
        let is_dense = std::ptr::eq(arena, home) && are_closed(it.fields);
        let dense = if is_dense { Dense::new(arena, it.n_closed, it.n_cells) } else { Dense::NONE };
        // As many values as series are no limit of their own.
        let values = it.fields.iter().filter_map(|f| match f.values {
            Values::Open(open) => Some((open.max_values < it.max_series).then(HashSet::new)),
            Values::Closed(_) => None,
        });
        let values = values.collect();
        let lost = Record::create(home, it.n_cells, 0, 0, &[])?;
        let overflowed = home.allocate(1)?;
        Some(Self {
            description: it,
            arena,
            home,
            hasher: foldhash::fast::RandomState::default(),
            keys: HashKeys::default(),
            dense,
            table: Table::default(),
            first: AtomicU32::new(0),
            growth: Mutex::new(Growth { values, ..Growth::default() }),
            is_full: AtomicBool::new(false),
            overflowed,
            lost,
        })
    }

    /// The series with these labels, which is made if it is not there.
    #[inline]
    pub(crate) fn record<L: Labels>(&'static self, labels: &L) -> Record {
        let closed_index = labels.closed_index();
        if const { are_closed(L::FIELDS) } {
            return match self.dense.get(closed_index) {
                Some(record) if record.is_exposed() => record,
                _ => self.find_closed(closed_index),
            };
        }
        let values = labels.open_values();
        let values = values.as_ref();
        // The labels of the type are those of the family, and the compiler knows what is said about them.
        if open_fields(L::FIELDS).zip(values).all(|(open, value)| open.takes(value)) {
            match self.look_up(State::Exposed, closed_index, values) {
                Some((_, record)) => record,
                None => self.make(closed_index, values),
            }
        } else {
            self.with_normalised(labels, |closed_index, normalised| {
                // A rule refused a value, where there may be room for it.
                if normalised.iter().zip(values).any(|(new, old)| *new == OVERFLOW && *old != OVERFLOW) {
                    self.count_overflow();
                }
                match self.find(closed_index, normalised) {
                    Some(at) => Record::at(self.arena, at),
                    None => self.make(closed_index, normalised),
                }
            })
        }
    }

    fn find(&self, closed_index: u32, values: &[&str]) -> Option<u32> {
        self.find_in(State::Exposed, closed_index, values)
    }

    fn find_in(&self, state: State, closed_index: u32, values: &[&str]) -> Option<u32> {
        match self.dense.get(closed_index) {
            Some(record) => record.is(state).then(|| self.dense.place(closed_index)),
            None => self.look_up(state, closed_index, values).map(|(at, _)| at),
        }
    }

    /// The same by the hash of the values. Where it is called for one type of labels, their number is known and all loops over them are unrolled.
    #[inline(always)]
    fn look_up(&self, state: State, closed_index: u32, values: &[&str]) -> Option<(u32, Record)> {
        let mut room = KeyWords::default();
        let Some((words, hash)) = self.keys.words_and_hash(closed_index, values, &mut room) else {
            return self.look_up_long(state, closed_index, values);
        };
        let n_cells = self.description.n_cells;
        for at in self.table.candidates(hash) {
            let record = Record::at(self.arena, at);
            if record.has_words(n_cells, state, closed_index, words) {
                return Some((at, record));
            }
        }
        None
    }

    /// The same for values of which there is more than is worth keeping.
    #[cold]
    fn look_up_long(&self, state: State, closed_index: u32, values: &[&str]) -> Option<(u32, Record)> {
        let n_cells = self.description.n_cells;
        let candidates = self.table.candidates(self.keys.hash(closed_index, values));
        let mut records = candidates.map(|at| (at, Record::at(self.arena, at)));
        records.find(|(_, record)| record.has(n_cells, state, closed_index, values))
    }

    /// The series of a combination of closed values that was not made yet, or is one of very many.
    #[cold]
    fn find_closed(&'static self, closed_index: u32) -> Record {
        match self.find(closed_index, &[]) {
            Some(at) => Record::at(self.arena, at),
            None => self.make(closed_index, &[]),
        }
    }

    fn open_fields(&self) -> impl Iterator<Item = &'static OpenValues> {
        open_fields(self.description.fields)
    }

    /// Makes the series, or the one that stands for it because of a limit.
    #[cold]
    fn make(&'static self, closed_index: u32, values: &[&str]) -> Record {
        if self.is_full.load(Ordering::Relaxed)
            && !values.is_empty()
            && let Some(at) = self.find(closed_index, &vec![OVERFLOW; values.len()])
        {
            self.count_overflow();
            return Record::at(self.arena, at);
        }
        let overflowed = self.overflowed();
        let record = self.make_in(&mut self.lock(), closed_index, values);
        if self.overflowed() > overflowed {
            self.tell_overflow();
        }
        record
    }

    /// Makes all series of a family without open labels.
    pub(crate) fn make_closed(&'static self) {
        for closed_index in 0..self.description.n_closed {
            self.make_in(&mut self.lock(), closed_index, &[]);
        }
    }

    fn count_overflow(&self) {
        self.overflow_cell().fetch_add(1, Ordering::Relaxed);
        self.tell_overflow();
    }

    /// Nobody may hold the lock, because who hears of it may expose the registry.
    fn tell_overflow(&self) {
        let overflow = Overflow { family: self.description.name, total: self.overflowed() };
        self.description.bell.ring(overflow);
    }

    fn make_in(&'static self, growth: &mut Growth, closed_index: u32, values: &[&str]) -> Record {
        if let Some(at) = self.find(closed_index, values) {
            return Record::at(self.arena, at);
        }
        let over = vec![OVERFLOW; values.len()];
        let is_over = !values.is_empty() && values != over && !self.admits(growth, values);
        let values = if is_over { &over } else { values };
        if is_over {
            self.overflow_cell().fetch_add(1, Ordering::Relaxed);
            if let Some(at) = self.find(closed_index, values) {
                return Record::at(self.arena, at);
            }
        }
        if let Some(at) = self.find_in(State::Removed, closed_index, values) {
            let record = Record::at(self.arena, at);
            self.description.kind.revive(record);
            growth.n_live += 1;
            self.is_full.store(!self.has_room(growth), Ordering::Relaxed);
            return record;
        }
        if growth.listing.is_some_and(|list| !list.make_room(self.arena)) {
            return Record::at(self.home, self.lost);
        }
        let hash = self.keys.hash(closed_index, values);
        let n_cells = self.description.n_cells;
        let at = match self.dense.get(closed_index) {
            Some(record) => {
                record.write(n_cells, hash, closed_index, values);
                Some(self.dense.place(closed_index))
            }
            None => Record::create(self.arena, n_cells, hash, closed_index, values),
        };
        let Some(at) = at else { return Record::at(self.home, self.lost) };
        let record = Record::at(self.arena, at);
        if self.dense.is_empty() {
            let hash_of = |at| Record::at(self.arena, at).hash();
            if !self.table.insert(hash, at, growth.n_made as usize, hash_of) {
                return Record::at(self.home, self.lost);
            }
            for (known, value) in growth.values.iter_mut().zip(values) {
                known.as_mut().map(|known| known.insert(self.hasher.hash_one(value)));
            }
        }
        match growth.last {
            0 => self.first.store(at, Ordering::Release),
            last => Record::at(self.arena, last).set_next(at),
        }
        growth.last = at;
        if let Some(list) = growth.listing {
            self.append_to(list, at);
        }
        growth.n_live += 1;
        growth.n_made += 1;
        self.is_full.store(!self.has_room(growth), Ordering::Relaxed);
        record
    }

    fn has_room(&self, growth: &Growth) -> bool {
        growth.n_live < self.description.max_series
            && growth.n_made < self.description.max_series.saturating_mul(LIVES)
    }

    /// Whether one more series with these values is within the limits.
    fn admits(&self, growth: &Growth, values: &[&str]) -> bool {
        let fits = |((known, value), open): ((&Option<HashSet<u64>>, &&str), &OpenValues)| {
            known.as_ref().is_none_or(|known| {
                known.len() < open.max_values as usize || known.contains(&self.hasher.hash_one(value))
            })
        };
        self.has_room(growth) && growth.values.iter().zip(values).zip(self.open_fields()).all(fits)
    }

    /// Takes the series with these labels out of the exposition. Returns whether it was there.
    pub(crate) fn remove<L: Labels>(&self, labels: &L) -> bool {
        // Normalising is others' code, for which no lock is held.
        self.with_normalised(labels, |index, values| {
            let mut growth = self.lock();
            self.find(index, values).inspect(|at| self.remove_at(&mut growth, *at)).is_some()
        })
    }

    /// Takes all series out of the exposition.
    pub(crate) fn remove_all(&self) {
        self.remove_all_in(&mut self.lock());
    }

    fn remove_all_in(&self, growth: &mut Growth) {
        let all: Vec<u32> = self.places().collect();
        for at in all {
            self.remove_at(growth, at);
        }
    }

    fn remove_at(&self, growth: &mut Growth, at: u32) {
        Record::at(self.arena, at).remove();
        growth.n_live -= 1;
        self.is_full.store(!self.has_room(growth), Ordering::Relaxed);
    }

    /// Takes series out of which nothing was heard for long, and puts those back that somebody counts in all the same.
    pub(crate) fn expire(&self) {
        let Some(expiry) = &self.description.expiry else { return };
        let mut growth = self.lock();
        let mut inspection = expiry.inspect();
        for at in self.all_places() {
            let record = Record::at(self.arena, at);
            let cells = record.cells(self.description.n_cells);
            let cells = &cells[..self.description.kind.n_telling_cells()];
            let mut hasher = self.hasher.build_hasher();
            for cell in cells {
                hasher.write_u64(cell.load(Ordering::Relaxed));
            }
            match inspection.of(at, record.is_exposed(), hasher.finish()) {
                Change::Keep => {}
                Change::TakeOut => self.remove_at(&mut growth, at),
                Change::PutBack => {
                    // Its cells stay: what was counted meanwhile was counted.
                    record.expose();
                    growth.n_live += 1;
                    self.is_full.store(!self.has_room(&growth), Ordering::Relaxed);
                }
            }
        }
    }

    /// Makes the series with these labels the only one.
    pub(crate) fn replace<L: Labels>(&'static self, labels: &L) -> Record {
        self.with_normalised(labels, |index, values| {
            let mut growth = self.lock();
            self.remove_all_in(&mut growth);
            self.make_in(&mut growth, index, values)
        })
    }

    /// Calls `f` with the values as they are stored.
    fn with_normalised<L: Labels, T>(&self, labels: &L, f: impl FnOnce(u32, &[&str]) -> T) -> T {
        let values = labels.open_values();
        let fields = self.open_fields().zip(values.as_ref());
        let values: Vec<Cow<'_, str>> = fields.map(|(open, value)| open.normalised(value)).collect();
        let values: Vec<&str> = values.iter().map(AsRef::as_ref).collect();
        f(labels.closed_index(), &values)
    }

    fn lock(&self) -> Changing<'_> {
        let all = lock_all();
        Changing { growth: self.growth.lock().unwrap_or_else(PoisonError::into_inner), _all: all }
    }

    /// Lists the family and its series for other processes. Returns false if there is no memory for that.
    ///
    /// Whoever calls it holds [`lock_all`].
    pub(crate) fn list(&self) -> bool {
        let mut growth = self.growth.lock().unwrap_or_else(PoisonError::into_inner);
        let schema = Schema::of(&self.description);
        let Some(list) = image::list_family(self.arena, &schema, self.overflowed) else { return false };
        for at in self.all_places() {
            if !list.make_room(self.arena) {
                return false;
            }
            self.append_to(list, at);
        }
        growth.listing = Some(list);
        true
    }

    /// Lists no series any more.
    pub(crate) fn unlist(&self) {
        self.growth.lock().unwrap_or_else(PoisonError::into_inner).listing = None;
    }

    pub(crate) fn is_listed(&self) -> bool {
        self.growth.lock().unwrap_or_else(PoisonError::into_inner).listing.is_some()
    }

    fn append_to(&self, list: List, at: u32) {
        let record = Record::at(self.arena, at);
        list.append(self.arena, at, image::fixed(record.closed_index(), self.value_words(record)));
    }

    /// The values of the open labels of one of its records, as [`each_word`](crate::record::each_word) puts them.
    pub(crate) fn value_words(&self, record: Record) -> impl Iterator<Item = u64> {
        let words = record.behind_cells(self.description.n_cells);
        let n_open = self.open_fields().count();
        let lengths = words[..n_open.div_ceil(4)].iter().map(|word| word.load(Ordering::Relaxed));
        let n_words = image::value_words(&lengths.collect::<Vec<_>>(), n_open).unwrap_or_default();
        words[..n_words].iter().map(|word| word.load(Ordering::Relaxed))
    }

    /// What those pass who count in the series, if somebody else can be alone there.
    pub(crate) fn gates(&self) -> impl Iterator<Item = Gate> {
        let last = self.description.n_cells.saturating_sub(1);
        let has_gates = self.description.n_cells > 0 && self.description.cell(last) == Cell::Gate;
        let places = self.all_places().chain([self.lost]).filter(move |_| has_gates);
        places.map(move |at| Gate::of(&Record::at(self.arena, at).cells(last + 1)[last]))
    }

    /// Calls `f` with the place of each word that counts something, and with what it counts.
    pub(crate) fn each_cell(&self, mut f: impl FnMut(usize, Cell)) {
        for at in self.all_places().chain([self.lost]) {
            for idx in 0..self.description.n_cells {
                f(at as usize + HEAD + idx, self.description.cell(idx));
            }
        }
        f(self.overflowed as usize, Cell::Count);
    }

    /// Forgets all series of a family that nobody else has, because their arena was cleared.
    pub(crate) fn forget_series(&self) {
        self.growth.lock().unwrap_or_else(PoisonError::into_inner).last = 0;
        self.first.store(0, Ordering::Release);
    }

    /// Adds a series whose words are known, to a family that nobody else has. Returns false if there is no memory for it.
    pub(crate) fn restore(&self, closed_index: u32, cells: &[u64], values: &[u64]) -> bool {
        let mut growth = self.growth.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(at) = Record::restore(self.arena, closed_index, cells, values) else { return false };
        match growth.last {
            0 => self.first.store(at, Ordering::Release),
            last => Record::at(self.arena, last).set_next(at),
        }
        growth.last = at;
        true
    }

    /// Where it is counted how often a value went to an overflow series.
    pub(crate) fn overflow_cell(&self) -> &'static AtomicU64 {
        &self.home.from(self.overflowed)[0]
    }

    /// In what a description is another family's, if it is.
    pub(crate) fn difference(&self, other: &Description) -> Option<&'static str> {
        let same_values = |a: &Values, b: &Values| match (a, b) {
            (Values::Closed(a), Values::Closed(b)) => a == b,
            (Values::Open(a), Values::Open(b)) => {
                let limits = |it: &OpenValues| (it.max_values, it.max_bytes, it.normalise.is_some());
                limits(a) == limits(b)
            }
            _ => false,
        };
        let same_field = |(a, b): (&Field, &Field)| a.name == b.name && same_values(&a.values, &b.values);
        let same_fields = self.description.fields.len() == other.fields.len()
            && self.description.fields.iter().zip(other.fields).all(same_field);
        let expire_after = |it: &Description| it.expiry.as_ref().map(|expiry| expiry.after);
        let others = [
            (same_fields, "other labels"),
            (self.description.unit == other.unit, "another unit"),
            (self.description.help == other.help, "another help text"),
            (self.description.max_series == other.max_series, "another limit of series"),
            (self.description.merge == other.merge, "another way of merging processes"),
            (self.description.aliases == other.aliases, "other aliases"),
            (expire_after(&self.description) == expire_after(other), "another time to expire"),
        ];
        let find = || others.into_iter().find_map(|(is_same, what)| (!is_same).then_some(what));
        self.description.kind.difference(&other.kind).or_else(find)
    }

    /// How often a value went to an overflow series because of a limit.
    pub(crate) fn overflowed(&self) -> u64 {
        self.overflow_cell().load(Ordering::Relaxed)
    }

    /// The series that are exposed, in the order in which they were made.
    pub(crate) fn records(&self) -> impl Iterator<Item = Record> {
        self.places().map(|at| Record::at(self.arena, at))
    }

    fn places(&self) -> impl Iterator<Item = u32> {
        self.all_places().filter(|at| Record::at(self.arena, *at).is_exposed())
    }

    /// Where all series are, those that were removed included.
    fn all_places(&self) -> impl Iterator<Item = u32> {
        let mut next = self.first.load(Ordering::Acquire);
        std::iter::from_fn(move || {
            let at = Some(next).filter(|at| *at != 0)?;
            next = Record::at(self.arena, at).next();
            Some(at)
        })
    }
}

/// Whether all labels have closed sets of values.
const fn are_closed(fields: &[Field]) -> bool {
    let mut idx = 0;
    while idx < fields.len() {
        if matches!(fields[idx].values, Values::Open(_)) {
            return false;
        }
        idx += 1;
    }
    true
}

#[inline]
fn open_fields(fields: &'static [Field]) -> impl Iterator<Item = &'static OpenValues> {
    fields.iter().filter_map(|field| match &field.values {
        Values::Open(open) => Some(open),
        Values::Closed(_) => None,
    })
}

impl OpenValues {
    /// Whether a value is what would be stored.
    #[inline]
    fn takes(&self, value: &str) -> bool {
        self.normalise.is_none() && value.len() <= usize::from(self.max_bytes)
    }

    fn normalised<'v>(&self, value: &'v str) -> Cow<'v, str> {
        // A rule may take longer than in proportion, and values come from strangers.
        let value = &value[..value.floor_char_boundary(MAX_NORMALISED)];
        let value = self.normalise.map_or(Cow::Borrowed(value), |normalise| normalise(value));
        let end = value.floor_char_boundary(usize::from(self.max_bytes));
        match value {
            Cow::Borrowed(value) => Cow::Borrowed(&value[..end]),
            Cow::Owned(mut value) => {
                value.truncate(end);
                Cow::Owned(value)
            }
        }
    }
}
