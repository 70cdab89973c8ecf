//! Regions of processes that never were.

use std::cell::Cell as Place;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::contents::{Contents, Key};
use super::distribution::Distribution;
use super::home::Home;
use super::layout::{Header, List};
use super::process;
use super::schema::{GaugeMerge, Schema};
use crate::arena::Arena;
use crate::clock;
use crate::core::{Core, Description};
use crate::counter::CounterHandle;
use crate::exemplar::{self, TraceContext};
use crate::exponential::ZERO_THRESHOLD;
use crate::kind::Kind;
use crate::labels::{Field, OpenValues, Values};
use crate::native::NativeHistogramHandle;
use crate::overflow::{Bell, Listeners};
use crate::record::{Record, each_word};
use crate::summary::SummaryHandle;
use crate::{native, recent, summary};

/// A process with this number there is not.
pub(super) const NOBODY: u32 = u32::MAX;
pub(super) const EPOCH: u64 = 5;
pub(super) const NAMES: [&str; 4] = ["", "a", "seven77", "a longer name"];

/// What a process counted: series by the number of their family and of their label, with three numbers: those of their cells, or what [`fill`] makes of them.
pub(super) type Counted = Vec<(usize, usize, [u64; 3])>;

/// Families of all kinds. Those that [`are_cells`] have three at most.
pub(super) fn families() -> Vec<Description> {
    const OPEN: &[Field] = &[
        Field { name: "mode", values: Values::Closed(&["on", "off"]) },
        Field { name: "tool", values: Values::Open(OpenValues::DEFAULT) },
    ];
    let family = |name, kind: Kind, fields: &'static [Field], merge| Description {
        name,
        help: "Help.",
        unit: "",
        kind,
        fields,
        n_cells: kind.n_cells(),
        max_series: 100,
        merge,
        aliases: &[],
        n_closed: if fields.is_empty() { 1 } else { 2 },
        expiry: None,
        bell: Bell::new(Listeners::default(), &clock::now),
    };
    let gauge = |is_stamped| Kind::Gauge { counts_writes: false, is_stamped };
    let sum = GaugeMerge::SumLive;
    vec![
        family("calls", Kind::Counter { has_exemplars: false }, OPEN, sum),
        family("took", Kind::Histogram { bounds: &[1.0], has_exemplars: false }, &[], sum),
        family("seen", Kind::ObservedCounter, OPEN, sum),
        family("held", gauge(false), OPEN, GaugeMerge::SumAll),
        family("live", gauge(false), OPEN, sum),
        family("last", gauge(true), OPEN, GaugeMerge::Latest),
        family("state", Kind::StateSet(&["x", "y"]), OPEN, sum),
        family("build", Kind::Info, OPEN, sum),
        family("sizes", Kind::NativeHistogram(SIZES), OPEN, sum),
        family("waits", Kind::Summary(WAITS), &[], sum),
        family("traced", Kind::Counter { has_exemplars: true }, OPEN, sum),
        family("recent", Kind::Recent(recent::Shape::seconds(3, &|| NOW)), OPEN, sum),
    ]
}

const SIZES: native::Shape<'static> = native::Shape {
    schema: 3,
    max_buckets: 160,
    zero_threshold: ZERO_THRESHOLD,
    bounds: &[1.0, 100.0],
    has_exemplars: true,
};
const WAITS: summary::Shape =
    summary::Shape { quantiles: &[0.5], window: Duration::from_mins(5), clock: &|| NOW };
const NOW: Duration = Duration::from_secs(1_700_000_000);

/// Whether the numbers of a process are those of cells.
pub(super) fn are_cells(kind: &Kind) -> bool {
    !matches!(kind, Kind::NativeHistogram(_) | Kind::Summary(_) | Kind::Counter { has_exemplars: true })
}

/// Counts numbers in the cells of a series that cannot be said by themselves. Values lie so far apart that sketches get another resolution.
fn fill(kind: &'static Kind, record: Record, numbers: [u64; 3]) {
    let values = numbers.map(|n| (n as f64 / 4.0) * f64::exp2((n % 40) as f64 - 8.0));
    let trace = TraceContext { trace_id: u128::from(numbers[0] + 1), span_id: 1 };
    match kind {
        Kind::NativeHistogram(shape) => {
            let histogram = NativeHistogramHandle::of(shape, record);
            for value in values {
                histogram.observe(value);
            }
            histogram.observe_traced(values[0], trace);
        }
        Kind::Summary(shape) => {
            for value in values {
                SummaryHandle::of(shape, record).observe(value);
            }
        }
        _ => CounterHandle::of(true, record).inc_traced(trace),
    }
}

/// Says of the exemplars of a series when they were, so that it is no matter when the test runs.
fn set_time(description: &Description, record: Record, time: u64) {
    let cells = record.cells(description.n_cells);
    for at in Schema::of(description).exemplars() {
        let [version, .., when] = &cells[at..at + exemplar::N_CELLS] else { continue };
        if version.load(Ordering::Relaxed) > 0 {
            when.store(time, Ordering::Relaxed);
        }
    }
}

/// Observes a value in the cells of a native histogram, as its process does.
pub(super) fn observe(cells: &'static [AtomicU64], value: f64) {
    NativeHistogramHandle::with_cells(&SIZES, cells).observe(value);
}

/// Lays the buckets of a native histogram out anew, as whoever absorbs another one does.
pub(super) fn absorb_nothing(cells: &'static [AtomicU64]) {
    let none = Vec::leak((0..SIZES.n_cells()).map(|_| AtomicU64::new(0)).collect());
    let histogram = NativeHistogramHandle::with_cells(&SIZES, cells);
    assert!(histogram.absorb(NativeHistogramHandle::with_cells(&SIZES, none)));
}

/// How many values are in the buckets of a native histogram, and in its classic ones.
pub(super) fn counts(cells: &[u64]) -> (u64, u64) {
    let cells: Vec<AtomicU64> = cells.iter().map(|cell| AtomicU64::new(*cell)).collect();
    SIZES.counts(&cells)
}

/// The words of a region, and which of them are cells, which no checksum covers.
pub(super) fn region(header: Header, counted: &Counted) -> (Vec<u64>, Vec<usize>) {
    thread_local! {
        static ARENA: Place<Option<&'static Arena>> = const { Place::new(None) };
    }
    // Addresses are reserved for ever.
    let arena = ARENA.take().unwrap_or_else(|| Box::leak(Box::new(Arena::private())));
    arena.clear();
    List::FAMILIES.begin(arena);
    let mut cells = Vec::new();
    for (number, description) in families().into_iter().enumerate() {
        let n_cells = description.n_cells;
        let core = Core::new(description, arena).expect("there is room");
        for (_, label, counted) in counted.iter().filter(|(family, ..)| *family == number) {
            let values =
                if core.description.fields.is_empty() { Vec::new() } else { words(&[NAMES[label % 4]]) };
            let closed_index = if values.is_empty() { 0 } else { (label / 4 % 2) as u32 };
            let kind = &core.description.kind;
            if are_cells(kind) {
                assert!(core.restore(closed_index, &counted[..n_cells], &values));
            } else {
                assert!(core.restore(closed_index, &vec![0; n_cells], &values));
                let record = core.records().last().expect("it was made");
                fill(&kinds()[number], record, *counted);
                set_time(&core.description, record, counted[1]);
            }
        }
        assert!(core.list());
        core.each_cell(|at, _| cells.push(at));
    }
    header.write(arena.from(0));
    let mut words = arena.copy(&arena.lock());
    words.resize(words.len().next_multiple_of(super::layout::CHUNK_WORDS), 0);
    arena.clear();
    ARENA.set(Some(arena));
    (words, cells)
}

/// The kinds of the families.
fn kinds() -> &'static [Kind] {
    static KINDS: LazyLock<Vec<Kind>> = LazyLock::new(|| families().into_iter().map(|f| f.kind).collect());
    &KINDS
}

fn words(values: &[&str]) -> Vec<u64> {
    let mut words = Vec::new();
    each_word(values, |word| {
        words.push(word);
        true
    });
    words
}

/// The header of the region of a process that is gone.
pub(super) fn header(id: u64) -> Header {
    Header { id, boot: process::boot(), pid: NOBODY, start: 1, epoch: EPOCH, is_clean: false }
}

pub(super) fn to_bytes(words: &[u64]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_ne_bytes()).collect()
}

/// Leaves the region of a process that is gone in a directory.
pub(super) fn leave(directory: &Path, id: u64, counted: &Counted) {
    let (words, _) = region(header(id), counted);
    let (path, aside) = (directory.join(format!("{id:016x}.region")), directory.join("aside"));
    fs::write(&aside, to_bytes(&words)).expect("can be written");
    rustix::fs::rename(&aside, &path).expect("can be renamed");
}

pub(super) fn home(directory: &Path) -> Home {
    let mut home = Home::open(directory, Some(EPOCH), false).expect("the directory can be used");
    home.unlock().expect("it was locked");
    home
}

/// All that is in sums, in an order of its own. Of what is made of sketches, what they hold: where in the cells that is depends on who came first.
pub(super) fn totals(contents: &Contents) -> BTreeMap<(String, Key), Vec<u64>> {
    let of = |family: &super::contents::Family| {
        let name = family.schema.name.clone();
        family
            .series()
            .iter()
            .map(move |s| ((name.clone(), s.key.clone()), held(&family.schema, &s.cells)))
            .collect::<Vec<_>>()
    };
    contents.families().flat_map(of).collect()
}

fn held(schema: &Schema, cells: &[u64]) -> Vec<u64> {
    let atomics: Vec<AtomicU64> = cells.iter().map(|cell| AtomicU64::new(*cell)).collect();
    match schema.distribution() {
        None => cells.to_vec(),
        Some(Distribution::Native(shape)) => shape.held(&atomics),
        Some(Distribution::Summary { .. }) => summary::held(&atomics),
    }
}
