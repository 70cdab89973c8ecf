//! From sums over processes to families that can be written.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use super::contents::{Contents, Family, Key};
use super::image::values;
use super::schema::{GaugeMerge, Schema};
use crate::arena::Arena;
use crate::clock::Clock;
use crate::core::{Core, Description};
use crate::labels::{Field, OpenValues, Values, closed_combinations};
use crate::overflow::{Bell, Listeners};
use crate::record::each_word;

/// The label of gauges that are exposed for each process.
const PID: &str = "pid";
/// More families than this are not exposed: what is said about them stays for ever.
const MAX_FAMILIES: usize = 10_000;

/// What expositions need that stays from one to the next.
#[derive(Default)]
pub(super) struct Scratch {
    idle: Vec<Set>,
}

impl Scratch {
    /// Families for one exposition.
    pub(super) fn take(&mut self, clock: Clock) -> Set {
        let arena = || Box::leak(Box::new(Arena::private()));
        self.idle.pop().unwrap_or_else(|| Set { arena: arena(), cores: BTreeMap::new(), clock })
    }

    /// Takes them back. Nobody uses them any more.
    pub(super) fn give_back(&mut self, set: Set) {
        set.cores.values().for_each(|core| core.forget_series());
        set.arena.clear();
        self.idle.push(set);
    }
}

/// Families whose series are made anew for each exposition. They stay, as families do; there are as many sets as there were expositions at the same time.
pub(super) struct Set {
    arena: &'static Arena,
    /// By what is said about them in regions.
    cores: BTreeMap<Vec<u8>, &'static Core>,
    /// Tells which minutes summaries are of.
    clock: Clock,
}

impl Set {
    /// The families that processes share, with their series. Also tells which were left out, because another family has their name or there is no room: by a region that they are in, or by nothing if they are in the
    /// sums.
    pub(super) fn families(
        &mut self,
        contents: &Contents,
        own: &[&'static Core],
    ) -> (Vec<&'static Core>, Vec<Option<u64>>) {
        let mut by_name = BTreeMap::<&str, Vec<&Family>>::new();
        for family in contents.families().filter(|family| family.schema.is_exposed()) {
            by_name.entry(&family.schema.name).or_default().push(family);
        }
        let (mut cores, mut left_out) = (Vec::new(), Vec::new());
        for (name, families) in by_name {
            let own = own.iter().find(|core| core.description.name == name);
            let schema = own.map_or_else(|| families[0].schema.clone(), |own| Schema::of(&own.description));
            let mut sum = Family::new(schema);
            for family in &families {
                if sum.schema.agrees_with(&family.schema) {
                    sum.merge(family);
                } else {
                    left_out.push(family.found_in);
                }
            }
            match self.filled(&sum) {
                Some(core) => cores.push(core),
                None => left_out.push(families[0].found_in),
            }
        }
        (cores, left_out)
    }

    fn filled(&mut self, sum: &Family) -> Option<&'static Core> {
        let schema = &sum.schema;
        let core = self.core(schema)?;
        for series in sum.series() {
            let Key { closed_index, pid, values } = &series.key;
            let cells = schema.exposed(&series.cells);
            let is_there = if schema.merge == GaugeMerge::PerProcess {
                core.restore(*closed_index, &cells, &with_pid(values, schema.n_open(), *pid))
            } else {
                core.restore(*closed_index, &cells, values)
            };
            if !is_there {
                return None;
            }
        }
        core.overflow_cell().store(sum.overflowed, Ordering::Relaxed);
        Some(core)
    }

    /// A family with this description and without series.
    fn core(&mut self, schema: &Schema) -> Option<&'static Core> {
        let key = schema.to_bytes();
        if let Some(known) = self.cores.get(&key) {
            return Some(known);
        }
        if self.cores.len() >= MAX_FAMILIES {
            return None;
        }
        let mut fields: Vec<Field> =
            schema.fields.iter().map(|(name, closed)| field(name, closed.as_deref())).collect();
        if schema.merge == GaugeMerge::PerProcess {
            fields.push(field(PID, None));
        }
        let kind = schema.kind(schema.bounds.clone().leak(), texts(&schema.states), self.clock);
        let description = Description {
            name: text(&schema.name),
            help: text(&schema.help),
            unit: text(&schema.unit),
            kind,
            n_closed: closed_combinations(&fields)?,
            fields: fields.leak(),
            n_cells: kind.n_cells(),
            max_series: u32::MAX,
            merge: schema.merge,
            // Those of the own family are exposed.
            aliases: &[],
            expiry: None,
            bell: Bell::new(Listeners::default(), self.clock),
        };
        let core = Box::leak(Box::new(Core::apart(description, self.arena, Arena::global())?));
        self.cores.insert(key, core);
        Some(core)
    }
}

fn field(name: &str, closed: Option<&[String]>) -> Field {
    let values = closed.map_or(Values::Open(OpenValues::DEFAULT), |values| Values::Closed(texts(values)));
    Field { name: text(name), values }
}

fn text(text: &str) -> &'static str {
    String::leak(text.to_owned())
}

fn texts(texts: &[String]) -> &'static [&'static str] {
    texts.iter().map(|one| text(one)).collect::<Vec<_>>().leak()
}

/// The words of `n` values with the number of a process behind them.
fn with_pid(words: &[u64], n: usize, pid: u32) -> Vec<u64> {
    let mut texts = values(words, n);
    texts.push(pid.to_string());
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let mut words = Vec::new();
    each_word(&texts, |word| {
        words.push(word);
        true
    });
    words
}
