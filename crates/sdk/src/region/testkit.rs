//! Regions of processes that never were.

use std::cell::Cell as Place;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::contents::{Contents, Key};
use super::home::Home;
use super::layout::{Header, List};
use super::process;
use super::schema::GaugeMerge;
use crate::arena::Arena;
use crate::clock;
use crate::core::{Core, Description};
use crate::kind::Kind;
use crate::labels::{Field, OpenValues, Values};
use crate::overflow::{Bell, Listeners};
use crate::record::each_word;

/// A process with this number there is not.
pub(super) const NOBODY: u32 = u32::MAX;
pub(super) const EPOCH: u64 = 5;
pub(super) const NAMES: [&str; 4] = ["", "a", "seven77", "a longer name"];

/// What a process counted: series by the number of their family and of their label, with their cells.
pub(super) type Counted = Vec<(usize, usize, [u64; 3])>;

/// Families of all kinds, each with three cells at most.
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
    ]
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
            assert!(core.restore(closed_index, &counted[..n_cells], &values));
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

/// All that is in sums, in an order of its own.
pub(super) fn totals(contents: &Contents) -> BTreeMap<(String, Key), Vec<u64>> {
    let of = |family: &super::contents::Family| {
        let name = family.schema.name.clone();
        family
            .series()
            .iter()
            .map(move |s| ((name.clone(), s.key.clone()), s.cells.to_vec()))
            .collect::<Vec<_>>()
    };
    contents.families().flat_map(of).collect()
}
