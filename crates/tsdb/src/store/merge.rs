//! From many parts to few.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bellwether_model::{Clock, ColumnBuffer, Labels, TimeRange};

use crate::columns::merge_columns;
use crate::counters::add;
use crate::error::TsdbError;
use crate::part::{
    CHUNK_RANGE_MS, Dictionary, DictionaryBuilder, LabelReader, Part, PartError, Provenance, SeriesBlock,
};

use super::cut::DAY_MS;
use super::manifest::{Edit, PartEntry};
use super::open::{PARTS_DIR, QUARANTINE_DIR, quarantine_part};
use super::{Store, Upkeep};

/// So many parts of a day are merged even before the day is over: every one costs each query something.
const MAX_PARTS_PER_DAY: usize = 24;
/// A day that is over is merged again when at least this many parts came late,
const MIN_LATE_PARTS: usize = 4;
/// or when they have more than this fraction of the bytes: rewriting a day for a few samples does not pay.
const MIN_LATE_SHARE: u64 = 8;
/// A part that no merge is ahead of is rewritten when it has a deleted stretch for at least one in so many of its series, as in Prometheus.
const SERIES_PER_DELETION: u64 = 20;
/// A merge that nobody waits for works this long,
const SHIFT: Duration = Duration::from_millis(10);
/// and rests as long as it worked: writes and queries come first on a machine with few cores. An operator who asks for a merge waits for it, so that one takes no rests.
const MAX_REST: Duration = Duration::from_millis(200);

/// Which parts are merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MergeScope {
    /// Those for which it pays.
    Due,
    /// All parts of a day with each other.
    All,
}

impl Store {
    /// Merges parts of the same day. Returns how many parts were merged.
    pub(super) fn merge_parts(&self, upkeep: &mut Upkeep, scope: MergeScope) -> Result<usize, TsdbError> {
        let newest = self.head.ranges.maxt().max(self.part_set().maxt()).unwrap_or(i64::MIN);
        let mut merged = 0;
        for group in merge_groups(self.part_set().parts(), scope, newest) {
            merged += group.len();
            self.merge(upkeep, &group, scope)?;
        }
        Ok(merged)
    }

    /// Rewrites parts of which much was deleted, unless they are merged sooner or later. Returns how many.
    pub(super) fn rewrite_deleted(&self, upkeep: &mut Upkeep) -> Result<usize, TsdbError> {
        let set = self.part_set();
        let newest = self.head.ranges.maxt().max(set.maxt()).unwrap_or(i64::MIN);
        let is_settled = |p: &Part| is_over(p.meta().maxt.div_euclid(DAY_MS), newest);
        let is_due =
            |p: &Part| p.tombstones().count() as u64 * SERIES_PER_DELETION >= u64::from(p.n_series());
        let due: Vec<_> = set
            .parts()
            .iter()
            .filter(|p| !p.tombstones().is_empty() && is_settled(p) && is_due(p))
            .cloned()
            .collect();
        for part in &due {
            self.merge(upkeep, std::slice::from_ref(part), MergeScope::Due)?;
        }
        Ok(due.len())
    }

    /// Rewrites the parts with deleted samples without them. Returns how many.
    pub(super) fn clean_tombstones(&self) -> Result<usize, TsdbError> {
        let mut upkeep = self.urgent_upkeep();
        self.check_open()?;
        let set = self.part_set();
        let with_deletions: Vec<_> =
            set.parts().iter().filter(|p| !p.tombstones().is_empty()).cloned().collect();
        for part in &with_deletions {
            self.space.with_reserve(self.fs.as_ref(), || {
                self.merge(&mut upkeep, std::slice::from_ref(part), MergeScope::All)
            })?;
        }
        Ok(with_deletions.len())
    }

    /// Makes one part of several, or of one a part without what is deleted there.
    fn merge(&self, upkeep: &mut Upkeep, sources: &[Arc<Part>], scope: MergeScope) -> Result<(), TsdbError> {
        match self.merge_from(upkeep, sources, scope, Losses::default()) {
            // What was read wrong may be right on the disk. Only what is damaged there too is left out.
            Err(e) if is_damage(&e) && !self.options.strict_reads => {
                tracing::warn!(error = %e, "parts to be merged are read once more");
                let reopened =
                    sources.iter().map(|part| self.reopened(part)).collect::<Result<Vec<_>, _>>()?;
                self.merge_from(upkeep, &reopened, scope, Losses { are_accepted: true, ..Losses::default() })
            }
            done => done,
        }
    }

    /// The part as it is on the disk now, not as it was read before.
    fn reopened(&self, part: &Part) -> Result<Arc<Part>, TsdbError> {
        let id = part.meta().id;
        let opened = Part::open(self.fs.as_ref(), part.dir(), id, &self.reading);
        let opened = opened.map_err(|e| TsdbError::Part { id, what: e.to_string() })?;
        Ok(Arc::new(opened.with_tombstones(part.tombstones().clone())))
    }

    fn merge_from(
        &self,
        upkeep: &mut Upkeep,
        sources: &[Arc<Part>],
        scope: MergeScope,
        mut losses: Losses,
    ) -> Result<(), TsdbError> {
        let unreadable = |e: PartError| TsdbError::Part { id: 0, what: e.to_string() };
        let dictionary = dictionary_of(sources).map_err(unreadable)?;
        let id = upkeep.next_part;
        upkeep.next_part += 1;
        let all_sources: BTreeSet<u64> =
            sources.iter().flat_map(|p| p.meta().sources.iter().copied().chain([p.meta().id])).collect();
        let provenance = Provenance {
            id,
            level: sources.iter().map(|p| p.meta().level).max().unwrap_or(0) + 1,
            order: sources.iter().map(|p| p.meta().order).min().unwrap_or(id),
            sources: all_sources.into_iter().collect(),
            created_ms: self.clock.now_ms(),
        };
        let parts_dir = self.dir.join(PARTS_DIR);
        let written = self.part_maker().write_part(&parts_dir, provenance, &dictionary, |writer| {
            let broken = |e: PartError| io::Error::new(io::ErrorKind::InvalidData, e);
            let mut merge = SeriesMerge::new(sources, &mut losses).map_err(broken)?;
            let mut samples = ColumnBuffer::default();
            let mut shift = Shift::new(self.clock.as_ref());
            while let Some(labels) = merge.next(&mut samples).map_err(broken)? {
                self.check_going_on()?;
                writer.add(&labels, &samples)?;
                if scope == MergeScope::Due && self.n_waiting.load(Ordering::Relaxed) == 0 {
                    shift.rest_if_over();
                }
            }
            Ok(())
        })?;
        let drop: Vec<u64> = sources.iter().map(|p| p.meta().id).collect();
        let (parts, entries) = match written {
            Some((part, meta)) => (vec![Arc::new(part)], vec![PartEntry::from(&meta)]),
            None => (Vec::new(), Vec::new()),
        };
        self.replace_parts(parts, entries, &drop, &losses)?;
        add(&self.counters.merges, 1);
        Ok(())
    }

    /// Makes a change of the set of parts durable, then visible, then removes the folders of the dropped ones. Those of which something was lost go to the
    /// quarantine instead.
    pub(super) fn replace_parts(
        &self,
        parts: Vec<Arc<Part>>,
        entries: Vec<PartEntry>,
        drop: &[u64],
        losses: &Losses,
    ) -> Result<(), TsdbError> {
        let edit = Edit { add: entries, drop: drop.to_vec(), ..Edit::default() };
        let mut manifest = self.manifest.lock();
        manifest.change(self.fs.as_ref(), &edit).map_err(|e| TsdbError::io(manifest.path(), e))?;
        std::mem::drop(manifest);
        let before = self.part_set();
        self.change_parts(parts, drop);
        for part in before.parts().iter().filter(|p| drop.contains(&p.meta().id)) {
            // Readers have the files open and can go on.
            if let Some(loss) = losses.parts.get(&part.meta().id) {
                add(&self.counters.corruptions, loss.stretches);
                let quarantine = self.dir.join(QUARANTINE_DIR);
                let kept = quarantine_part(self.fs.as_ref(), &quarantine, part.dir(), "damaged");
                tracing::error!(
                    part = part.meta().id, stretches = loss.stretches, first = %loss.first, quarantined = ?kept,
                    "stretches of series could not be read and are left out of a merged part"
                );
            } else if let Err(error) = self.fs.remove_dir_all(part.dir()) {
                tracing::warn!(path = %part.dir().display(), %error, "part that was replaced could not be removed");
            }
        }
        Ok(())
    }
}

/// Whether a part could not be written because one of its sources is damaged.
fn is_damage(e: &TsdbError) -> bool {
    let TsdbError::Io { source, .. } = e else { return false };
    let part_error = source.get_ref().and_then(|inner| inner.downcast_ref::<PartError>());
    matches!(part_error, Some(PartError::Damaged { .. }))
}

/// Whether hardly anything will come for a day any more.
fn is_over(day: i64, newest: i64) -> bool {
    newest >= (day + 1) * DAY_MS + CHUNK_RANGE_MS / 2
}

/// Work in the background, with rests.
struct Shift<'a> {
    clock: &'a dyn Clock,
    began: Duration,
}

impl<'a> Shift<'a> {
    fn new(clock: &'a dyn Clock) -> Self {
        Self { clock, began: clock.monotonic() }
    }

    /// Rests as long as was worked since the last rest, once that is long enough.
    fn rest_if_over(&mut self) {
        let worked = self.clock.monotonic().saturating_sub(self.began);
        if worked >= SHIFT {
            self.clock.rest(worked.min(MAX_REST));
            self.began = self.clock.monotonic();
        }
    }
}

/// The parts to be merged with each other. `newest` is the time of the newest sample of the store.
fn merge_groups(parts: &[Arc<Part>], scope: MergeScope, newest: i64) -> Vec<Vec<Arc<Part>>> {
    let mut days: BTreeMap<i64, Vec<Arc<Part>>> = BTreeMap::new();
    for part in parts {
        let (first, last) = (part.meta().mint.div_euclid(DAY_MS), part.meta().maxt.div_euclid(DAY_MS));
        // Parts of several days are sparse ones; they stay as they are.
        if first == last {
            days.entry(first).or_default().push(Arc::clone(part));
        }
    }
    let is_due = |day: i64, group: &[Arc<Part>]| {
        if scope == MergeScope::All || group.len() >= MAX_PARTS_PER_DAY {
            return true;
        }
        let bytes = group.iter().map(|p| p.meta().bytes());
        let (sum, max) = (bytes.clone().sum::<u64>(), bytes.max().unwrap_or(0));
        is_over(day, newest) && (group.len() > MIN_LATE_PARTS || (sum - max) * MIN_LATE_SHARE > max)
    };
    days.into_iter()
        .filter(|(day, group)| group.len() > 1 && is_due(*day, group))
        .map(|(_, group)| group)
        .collect()
}

/// The labels of the series that have samples left.
fn dictionary_of(parts: &[Arc<Part>]) -> Result<Dictionary, PartError> {
    let mut builder = DictionaryBuilder::default();
    for part in parts {
        let mut labels = part.labels()?;
        let mut blocks = part.blocks();
        for ordinal in 0..part.n_series() {
            let is_left = part.tombstones().of(ordinal).is_none() || {
                let (number, series) = SeriesBlock::locate(ordinal);
                part.has_samples(blocks.block(number)?.as_ref(), series, TimeRange::ALL)
            };
            if is_left {
                builder.add(&labels.read(ordinal)?);
            }
        }
    }
    Ok(builder.finish())
}

/// Goes through the series of several parts in the order of the labels.
struct SeriesMerge<'a> {
    sources: Vec<Source<'a>>,
    losses: &'a mut Losses,
}

/// What could not be read of parts that are merged. It is damaged for good, so waiting would only keep the rest from being merged.
#[derive(Debug, Default)]
pub(super) struct Losses {
    /// Whether the merge goes on without what is lost.
    are_accepted: bool,
    /// By the number of the part.
    parts: BTreeMap<u64, Loss>,
}

#[derive(Debug)]
struct Loss {
    /// How many stretches of how many series.
    stretches: u64,
    /// The first of them.
    first: String,
}

impl Losses {
    /// Notes a stretch that is damaged. What only cannot be read at the moment ends the merge, which is tried again.
    fn note(&mut self, part: u64, labels: &Labels, e: PartError) -> Result<(), PartError> {
        if !self.are_accepted || !matches!(e, PartError::Damaged { .. }) {
            return Err(e);
        }
        let first = || Loss { stretches: 0, first: format!("{labels}: {e}") };
        self.parts.entry(part).or_insert_with(first).stretches += 1;
        Ok(())
    }
}

struct Source<'a> {
    part: &'a Part,
    reader: LabelReader<'a>,
    next: u32,
    labels: Option<Labels>,
}

impl Source<'_> {
    fn advance(&mut self) -> Result<(), PartError> {
        self.labels =
            if self.next < self.part.n_series() { Some(self.reader.read(self.next)?) } else { None };
        self.next += 1;
        Ok(())
    }
}

impl<'a> SeriesMerge<'a> {
    /// The order of the parts decides which one counts where two have a sample at the same time.
    fn new(parts: &'a [Arc<Part>], losses: &'a mut Losses) -> Result<Self, PartError> {
        let mut ordered: Vec<&Part> = parts.iter().map(Arc::as_ref).collect();
        ordered.sort_by_key(|p| (p.meta().order, p.meta().id));
        let mut sources = Vec::with_capacity(ordered.len());
        for part in ordered {
            let mut source = Source { part, reader: part.labels()?, next: 0, labels: None };
            source.advance()?;
            sources.push(source);
        }
        Ok(Self { sources, losses })
    }

    /// Replaces `samples` with those of the next series and returns its labels.
    fn next(&mut self, samples: &mut ColumnBuffer) -> Result<Option<Labels>, PartError> {
        let Some(labels) = self.sources.iter().filter_map(|s| s.labels.as_ref()).min().cloned() else {
            return Ok(None);
        };
        let mut pieces = Vec::new();
        for source in &mut self.sources {
            if source.labels.as_ref() == Some(&labels) {
                let mut piece = ColumnBuffer::default();
                let (part, losses) = (source.part, &mut *self.losses);
                part.read_or(source.next - 1, TimeRange::ALL, &mut piece, |e| {
                    losses.note(part.meta().id, &labels, e)
                })?;
                pieces.push(piece);
                source.advance()?;
            }
        }
        samples.clear();
        merge_columns(&mut pieces, samples);
        Ok(Some(labels))
    }
}
