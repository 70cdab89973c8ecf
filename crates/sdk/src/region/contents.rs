//! The sums over regions.
//!
//! Everything here is a value: what two of them add up to depends neither on the order nor on how they are grouped, but for the last bits of amounts with fractions that a float
//! cannot hold exactly.

use std::collections::BTreeMap;
use std::hash::BuildHasher as _;
use std::sync::atomic::Ordering;

use bellwether_exposition::MetricType;
use hashbrown::HashTable;

use super::image::{FamilyImage, Image, values};
use super::schema::{Cell, GaugeMerge, Schema};
use crate::core::Core;
use crate::{exemplar, slices};

/// Families of several processes added up.
#[derive(Debug, Clone, Default)]
pub(crate) struct Contents {
    /// By the bytes of their descriptions: families that differ in anything are apart.
    families: BTreeMap<Vec<u8>, Family>,
}

/// One family, added up.
#[derive(Debug, Clone)]
pub(crate) struct Family {
    pub(crate) schema: Schema,
    /// The number of a region that it was found in, if it was found in one.
    pub(crate) found_in: Option<u64>,
    /// How often a value went to the overflow series.
    pub(crate) overflowed: u64,
    /// In the order in which they were found.
    series: Vec<Series>,
    index: HashTable<u32>,
    hasher: foldhash::fast::RandomState,
}

/// One series, added up.
#[derive(Debug, Clone)]
pub(crate) struct Series {
    pub(crate) key: Key,
    pub(crate) cells: Box<[u64]>,
}

/// What tells the series of a family apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    pub(crate) closed_index: u32,
    /// The process, if the family has a series for each; else 0.
    pub(crate) pid: u32,
    pub(crate) values: Box<[u64]>,
}

/// Whether the process that counted still lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    Lives,
    IsGone,
}

impl Contents {
    /// Adds a region.
    pub(crate) fn add(&mut self, image: &Image<'_>, owner: Owner) {
        for family in &image.families {
            let ours = self.family(&family.schema);
            ours.found_in.get_or_insert(image.header.id);
            ours.add(family, image.header.pid, owner);
        }
    }

    /// Adds what was added up elsewhere.
    pub(crate) fn merge(&mut self, other: &Self) {
        for family in other.families.values() {
            let ours = self.family(&family.schema);
            ours.merge(family);
        }
    }

    /// The family with this description, which is made if it is not there.
    pub(crate) fn family(&mut self, schema: &Schema) -> &mut Family {
        self.families.entry(schema.to_bytes()).or_insert_with(|| Family::new(schema.clone()))
    }

    pub(crate) fn families(&self) -> impl Iterator<Item = &Family> {
        self.families.values()
    }

    /// The sum of all that can be added to a family with this description.
    pub(crate) fn sum(&self, schema: Schema) -> Family {
        let mut sum = Family::new(schema);
        for family in self.families() {
            if sum.schema.agrees_with(&family.schema) {
                sum.merge(family);
            }
        }
        sum
    }

    /// Forgets when things happened, because the clock that they were measured with began again.
    pub(crate) fn forget_times(&mut self) {
        for family in self.families.values_mut() {
            for (idx, _) in family.schema.cells.iter().enumerate().filter(|(_, cell)| **cell == Cell::Stamp) {
                family.series.iter_mut().for_each(|series| series.cells[idx] = 0);
            }
        }
    }
}

impl Family {
    pub(crate) fn new(schema: Schema) -> Self {
        Self {
            schema,
            found_in: None,
            overflowed: 0,
            series: Vec::new(),
            index: HashTable::new(),
            hasher: foldhash::fast::RandomState::default(),
        }
    }

    /// What this process counts in a family.
    pub(crate) fn of(core: &Core) -> Self {
        let mut family = Self::new(Schema::of(&core.description));
        for record in core.records() {
            let cells = record.cells(core.description.n_cells).iter();
            let cells: Vec<u64> = cells.map(|cell| cell.load(Ordering::Relaxed)).collect();
            let values = core.value_words(record).collect();
            family.add_series(Key { closed_index: record.closed_index(), pid: 0, values }, &cells);
        }
        family
    }

    pub(crate) fn series(&self) -> &[Series] {
        &self.series
    }

    /// The values of the open labels of one of its series.
    pub(crate) fn open_values(&self, series: &Series) -> Vec<String> {
        values(&series.key.values, self.schema.n_open())
    }

    fn add(&mut self, family: &FamilyImage<'_>, pid: u32, owner: Owner) {
        self.overflowed = self.overflowed.wrapping_add(family.overflowed);
        let is_gauge = self.schema.metric_type == MetricType::Gauge;
        let outlives = matches!(self.schema.merge, GaugeMerge::Latest | GaugeMerge::SumAll);
        if is_gauge && owner == Owner::IsGone && !outlives {
            return;
        }
        let is_apart = is_gauge && self.schema.merge == GaugeMerge::PerProcess;
        let pid = if is_apart { pid } else { 0 };
        for series in &family.series {
            let key = Key { closed_index: series.closed_index, pid, values: series.values.into() };
            self.add_series(key, series.cells);
        }
        self.keep_what_holds();
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.overflowed = self.overflowed.wrapping_add(other.overflowed);
        for series in &other.series {
            self.add_series(series.key.clone(), &series.cells);
        }
        self.keep_what_holds();
    }

    /// Adds a series with as many cells as the family has.
    pub(crate) fn add_series(&mut self, key: Key, cells: &[u64]) {
        let hash = self.hasher.hash_one(&key);
        let found = self.index.find(hash, |idx| self.series[*idx as usize].key == key);
        if let Some(idx) = found {
            return merge_cells(&self.schema, &mut self.series[*idx as usize].cells, cells);
        }
        let idx = self.series.len() as u32;
        let mut cells = Box::from(cells);
        forget_notes(&self.schema, &mut cells);
        self.series.push(Series { key, cells });
        let (series, hasher) = (&self.series, &self.hasher);
        self.index.insert_unique(hash, idx, |idx| hasher.hash_one(&series[*idx as usize].key));
    }

    /// Of an info only the series holds that was set last.
    fn keep_what_holds(&mut self) {
        if self.schema.metric_type != MetricType::Info || self.series.len() < 2 {
            return;
        }
        let last = self.series.drain(..).max_by(|a, b| (&a.cells, &a.key).cmp(&(&b.cells, &b.key)));
        self.index.clear();
        if let Some(last) = last {
            self.add_series(last.key, &last.cells);
        }
    }
}

fn forget_notes(schema: &Schema, cells: &mut [u64]) {
    for (cell, value) in schema.cells.iter().zip(cells) {
        if *cell == Cell::Own {
            *value = 0;
        }
    }
}

/// Adds cells to others of the same family.
fn merge_cells(schema: &Schema, into: &mut [u64], from: &[u64]) {
    if let Some(distribution) = schema.distribution() {
        distribution.merge(into, from);
        for at in schema.exemplars() {
            exemplar::settle(&mut into[at..at + exemplar::N_CELLS]);
        }
        return;
    }
    for at in schema.exemplars() {
        let slot = at..at + exemplar::N_CELLS;
        exemplar::keep_later(&mut into[slot.clone()], &from[slot]);
    }
    let stamp = schema.cells.iter().position(|cell| *cell == Cell::Stamp);
    // At the same time: any rule will do that does not depend on the order.
    let is_later = stamp.is_some_and(|idx| (from[idx], from) > (into[idx], &*into));
    let float = |operation: fn(f64, f64) -> f64, a: u64, b: u64| {
        operation(f64::from_bits(a), f64::from_bits(b)).to_bits()
    };
    for ((cell, into), from) in schema.cells.iter().zip(into).zip(from) {
        *into = match cell {
            Cell::Count => into.wrapping_add(*from),
            Cell::Amount => float(|a, b| a + b, *into, *from),
            Cell::Level => match schema.merge {
                GaugeMerge::MaxLive => float(f64::max, *into, *from),
                GaugeMerge::MinLive => float(f64::min, *into, *from),
                _ => float(|a, b| a + b, *into, *from),
            },
            Cell::Slice => slices::sum(*into, *from),
            Cell::Latest | Cell::Stamp if is_later => *from,
            // What is not one cell by itself was added above.
            Cell::Latest | Cell::Stamp | Cell::Exemplar | Cell::Sketch | Cell::Gate => *into,
            Cell::Own => 0,
        };
    }
}
