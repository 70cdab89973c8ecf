//! What a region says about a family, so that a process can expose families that it does not have itself.

use std::borrow::Cow;
use std::time::Duration;

use bellwether_exposition::MetricType;

use super::distribution::Distribution;
use super::layout::Damage;
use crate::clock::{Clock, milliseconds};
use crate::core::Description;
use crate::counter::CounterHandle;
use crate::exemplar;
use crate::histogram::HistogramHandle;
use crate::kind::Kind;
use crate::labels::Values;
use crate::{native, recent, summary};

/// How the values that several processes have for the same gauge become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GaugeMerge {
    /// The sum over the processes that live: connections, bytes in use.
    #[default]
    SumLive,
    /// The greatest value of a process that lives.
    MaxLive,
    /// The smallest value of a process that lives.
    MinLive,
    /// What was set last, also by a process that is gone.
    Latest,
    /// Each process that lives by itself, with a label `pid`.
    PerProcess,
    /// The sum over all processes, also those that are gone.
    SumAll,
}

impl GaugeMerge {
    const ALL: [Self; 6] =
        [Self::SumLive, Self::MaxLive, Self::MinLive, Self::Latest, Self::PerProcess, Self::SumAll];
}

/// What a cell is, and so how two of them become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cell {
    /// A count: the sum.
    Count,
    /// The bits of a number that only grows: the sum.
    Amount,
    /// The bits of a number that goes up and down: as the family says.
    Level,
    /// What was set last.
    Latest,
    /// When that was, in nanoseconds since the machine started; decides about the other cells of its series.
    Stamp,
    /// A note of the process to itself, which a forked child keeps.
    Own,
    /// Of a native histogram or summary: what adds up only as a whole, and its journal.
    Sketch,
    /// One of [`exemplar::N_CELLS`] that are next to each other: the latest is kept.
    Exemplar,
    /// Who counts at the moment, of the process alone.
    Gate,
    /// A count of one slice of time and the number of the slice, see [`slices`](crate::slices).
    Slice,
}

impl Cell {
    const ALL: [Self; 10] = [
        Self::Count,
        Self::Amount,
        Self::Level,
        Self::Latest,
        Self::Stamp,
        Self::Own,
        Self::Sketch,
        Self::Exemplar,
        Self::Gate,
        Self::Slice,
    ];
}

/// The types of metric by the number that stands for them in a region.
const TYPES: [MetricType; 7] = [
    MetricType::Counter,
    MetricType::Gauge,
    MetricType::Histogram,
    MetricType::Info,
    MetricType::StateSet,
    MetricType::Summary,
    // Counts of slices of time, which are not exposed.
    MetricType::Unknown,
];

/// A family as a region describes it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Schema {
    pub(crate) metric_type: MetricType,
    pub(crate) merge: GaugeMerge,
    pub(crate) name: String,
    pub(crate) unit: String,
    pub(crate) help: String,
    /// The labels, with their values if those are a closed set.
    pub(crate) fields: Vec<(String, Option<Vec<String>>)>,
    pub(crate) states: Vec<String>,
    /// The bounds of classic buckets, or the ranks of quantiles.
    pub(crate) bounds: Vec<f64>,
    /// See [`Distribution::parameters`] and [`recent::Shape::parameters`]; none of other families.
    pub(crate) parameters: Vec<u64>,
    pub(crate) cells: Vec<Cell>,
}

impl Description {
    /// What a cell of a series is.
    pub(crate) fn cell(&self, idx: usize) -> Cell {
        let is_last = idx + 1 == self.n_cells;
        match self.kind {
            // Exemplars are at the end.
            Kind::Counter { .. } if idx >= CounterHandle::N_CELLS => Cell::Exemplar,
            Kind::Histogram { bounds, .. } if idx >= HistogramHandle::n_cells(bounds) => Cell::Exemplar,
            Kind::NativeHistogram(shape) => shape.cell(idx),
            Kind::Summary(_) => summary::cell(idx),
            Kind::Recent(_) => Cell::Slice,
            // The total that was seen last.
            Kind::ObservedCounter if is_last => Cell::Own,
            Kind::Counter { .. } | Kind::ObservedCounter if idx == 1 => Cell::Amount,
            Kind::Histogram { .. } if idx == 0 => Cell::Amount,
            Kind::Gauge { is_stamped: true, .. } | Kind::StateSet(_) if idx == 0 => Cell::Latest,
            Kind::Gauge { .. } if idx == 0 => Cell::Level,
            Kind::Gauge { is_stamped, .. } if !(is_stamped && is_last) => Cell::Own,
            Kind::Gauge { .. } | Kind::StateSet(_) | Kind::Info => Cell::Stamp,
            Kind::Counter { .. } | Kind::ObservedCounter | Kind::ShardedCounter | Kind::Histogram { .. } => {
                Cell::Count
            }
        }
    }
}

/// A family has at most this many labels, values, states, bounds or cells: beyond it, a number is not one that was written.
const MAX_ITEMS: usize = 1 << 20;

impl Schema {
    /// The description of a family, so that other processes can add it up.
    pub(crate) fn of(it: &Description) -> Self {
        let closed = |values: &Values| match values {
            Values::Closed(values) => Some(values.iter().map(ToString::to_string).collect()),
            Values::Open(_) => None,
        };
        Self {
            metric_type: it.kind.metric_type(),
            merge: it.merge,
            name: it.name.to_owned(),
            unit: it.unit.to_owned(),
            help: it.help.to_owned(),
            fields: it.fields.iter().map(|f| (f.name.to_owned(), closed(&f.values))).collect(),
            states: match it.kind {
                Kind::StateSet(states) => states.iter().map(ToString::to_string).collect(),
                _ => Vec::new(),
            },
            bounds: match it.kind {
                Kind::Histogram { bounds, .. } => bounds.to_vec(),
                Kind::NativeHistogram(shape) => shape.bounds.to_vec(),
                Kind::Summary(shape) => shape.quantiles.to_vec(),
                _ => Vec::new(),
            },
            parameters: match it.kind {
                Kind::NativeHistogram(shape) => Distribution::Native(shape).parameters(),
                Kind::Summary(shape) => {
                    Distribution::Summary { window_ms: milliseconds(shape.window) }.parameters()
                }
                Kind::Recent(shape) => shape.parameters(),
                _ => Vec::new(),
            },
            cells: (0..it.n_cells).map(|idx| it.cell(idx)).collect(),
        }
    }

    /// Whether values of the one can be added to those of the other. What is only said to people may differ, as it does between two versions of an application.
    pub(crate) fn agrees_with(&self, other: &Self) -> bool {
        let kind = |s: &Self| (s.metric_type, s.merge);
        kind(self) == kind(other)
            && self.name == other.name
            && self.fields == other.fields
            && self.states == other.states
            && self.bounds == other.bounds
            && self.parameters == other.parameters
            && self.cells == other.cells
    }

    /// What is made of sketches, if the family is.
    pub(crate) fn distribution(&self) -> Option<Distribution<'_>> {
        match self.metric_type {
            MetricType::Histogram => {
                Distribution::native(&self.parameters, &self.bounds, self.has_exemplars())
            }
            MetricType::Summary => Distribution::summary(&self.parameters),
            _ => None,
        }
    }

    pub(crate) fn is_exposed(&self) -> bool {
        self.metric_type != MetricType::Unknown
    }

    fn has_exemplars(&self) -> bool {
        self.cells.contains(&Cell::Exemplar)
    }

    /// Which cells exemplars begin at.
    pub(crate) fn exemplars(&self) -> Vec<usize> {
        let cells = self.cells.iter().enumerate().filter(|(_, cell)| **cell == Cell::Exemplar);
        cells.map(|(idx, _)| idx).step_by(exemplar::N_CELLS).collect()
    }

    pub(crate) fn n_open(&self) -> usize {
        self.fields.iter().filter(|(_, closed)| closed.is_none()).count()
    }

    /// Whether there is a combination of closed values with this number.
    pub(crate) fn has_combination(&self, closed_index: u32) -> bool {
        let n = self
            .fields
            .iter()
            .filter_map(|(_, closed)| closed.as_ref())
            .try_fold(1_u64, |n, values| n.checked_mul(values.len() as u64));
        n.is_none_or(|n| u64::from(closed_index) < n)
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let number = |out: &mut Vec<u8>, n: usize| out.extend((n as u32).to_le_bytes());
        let text = |out: &mut Vec<u8>, text: &str| {
            number(out, text.len());
            out.extend(text.as_bytes());
        };
        number(&mut out, TYPES.iter().position(|t| *t == self.metric_type).unwrap_or(TYPES.len()));
        number(&mut out, self.merge as usize);
        for words in [&self.name, &self.unit, &self.help] {
            text(&mut out, words);
        }
        number(&mut out, self.fields.len());
        for (name, closed) in &self.fields {
            text(&mut out, name);
            // An open label, or one more than there are values.
            number(&mut out, closed.as_ref().map_or(0, |values| 1 + values.len()));
            closed.iter().flatten().for_each(|value| text(&mut out, value));
        }
        number(&mut out, self.states.len());
        self.states.iter().for_each(|state| text(&mut out, state));
        number(&mut out, self.bounds.len());
        self.bounds.iter().for_each(|bound| out.extend(bound.to_bits().to_le_bytes()));
        number(&mut out, self.parameters.len());
        self.parameters.iter().for_each(|parameter| out.extend(parameter.to_le_bytes()));
        number(&mut out, self.cells.len());
        self.cells.iter().for_each(|cell| out.push(*cell as u8));
        out
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, Damage> {
        let mut rest = Bytes(bytes);
        // What this version does not know comes from a later one: the checksum was right.
        let metric_type = *TYPES.get(rest.number()?).ok_or(Damage::Newer)?;
        let merge = *GaugeMerge::ALL.get(rest.number()?).ok_or(Damage::Newer)?;
        let (name, unit, help) = (rest.text()?, rest.text()?, rest.text()?);
        let fields = rest.items(|rest| {
            let name = rest.text()?;
            let closed = match rest.number()? {
                0 => None,
                n if n <= MAX_ITEMS => Some((1..n).map(|_| rest.text()).collect::<Result<_, _>>()?),
                _ => return Err(Damage::Torn),
            };
            Ok((name, closed))
        })?;
        let states = rest.items(Bytes::text)?;
        let bounds = rest.items(|rest| rest.take().map(|bits| f64::from_bits(u64::from_le_bytes(bits))))?;
        let parameters = rest.items(|rest| rest.take().map(u64::from_le_bytes))?;
        let cell = |rest: &mut Bytes<'_>| {
            let [kind] = rest.take::<1>()?;
            Cell::ALL.get(usize::from(kind)).copied().ok_or(Damage::Newer)
        };
        let cells = rest.items(cell)?;
        let it = Self { metric_type, merge, name, unit, help, fields, states, bounds, parameters, cells };
        if rest.0.is_empty() && it.is_consistent() { Ok(it) } else { Err(Damage::Torn) }
    }

    /// Whether there are the cells that the type needs, so that who reads them need not look.
    fn is_consistent(&self) -> bool {
        let cells = |n| self.cells.get(..n).unwrap_or_default();
        let has_values = self.fields.iter().all(|(_, closed)| closed.as_ref().is_none_or(|v| !v.is_empty()));
        let n_exemplars = self.cells.iter().filter(|cell| **cell == Cell::Exemplar).count();
        let first = self.exemplars().first().copied().unwrap_or_default();
        let are_together = self.cells[first..].iter().take(n_exemplars).all(|cell| *cell == Cell::Exemplar);
        has_values
            && n_exemplars.is_multiple_of(exemplar::N_CELLS)
            && (n_exemplars == 0 || are_together)
            && match self.metric_type {
                MetricType::Histogram | MetricType::Summary if !self.parameters.is_empty() => {
                    self.distribution().is_some_and(|it| {
                        it.n_cells() == self.cells.len()
                            && self.cells.iter().enumerate().all(|(idx, cell)| it.cell(idx) == *cell)
                    })
                }
                MetricType::Unknown => recent::Shape::is_possible(&self.parameters, &self.cells),
                // Only those have sketches, or slices.
                _ if self
                    .cells
                    .iter()
                    .any(|cell| matches!(cell, Cell::Sketch | Cell::Gate | Cell::Slice)) =>
                {
                    false
                }
                MetricType::Counter => {
                    let n = self.cells.len() - n_exemplars;
                    cells(1) == [Cell::Count] && (n_exemplars == 0 || cells(n) == [Cell::Count, Cell::Amount])
                }
                MetricType::Histogram => {
                    let n = self.bounds.len() + 2;
                    let counts = cells(n).strip_prefix(&[Cell::Amount]);
                    let has_counts =
                        counts.is_some_and(|counts| counts.iter().all(|cell| *cell == Cell::Count));
                    has_counts
                        && (n_exemplars == 0 || n_exemplars == (n - 1) * exemplar::N_CELLS)
                        && n + n_exemplars == self.cells.len()
                }
                MetricType::Gauge => [[Cell::Latest], [Cell::Level]].iter().any(|first| cells(1) == first),
                MetricType::Summary => false,
                MetricType::StateSet => self.cells == [Cell::Latest, Cell::Stamp],
                _ => self.cells == [Cell::Stamp],
            }
    }

    /// The kind of family that exposes sums: without what is of one process.
    pub(crate) fn kind(&self, bounds: &'static [f64], states: &'static [&'static str], clock: Clock) -> Kind {
        let has_exemplars = self.has_exemplars();
        match self.distribution() {
            Some(Distribution::Native(shape)) => {
                return Kind::NativeHistogram(native::Shape { bounds, ..shape });
            }
            Some(Distribution::Summary { window_ms }) => {
                let window = Duration::from_millis(window_ms);
                return Kind::Summary(summary::Shape { quantiles: bounds, window, clock });
            }
            None => {}
        }
        match self.metric_type {
            MetricType::Counter => Kind::Counter { has_exemplars },
            MetricType::Histogram => Kind::Histogram { bounds, has_exemplars },
            MetricType::StateSet => Kind::StateSet(states),
            MetricType::Info => Kind::Info,
            _ => Kind::Gauge { counts_writes: false, is_stamped: false },
        }
    }

    /// The cells of a series as that kind has them.
    pub(crate) fn exposed<'c>(&self, cells: &'c [u64]) -> Cow<'c, [u64]> {
        match self.metric_type {
            MetricType::Counter => {}
            MetricType::Gauge => return Cow::Borrowed(&cells[..1]),
            _ => return Cow::Borrowed(cells),
        }
        let of = |kind| {
            cells.iter().zip(&self.cells).filter(move |(_, cell)| **cell == kind).map(|(word, _)| *word)
        };
        let whole = of(Cell::Count).fold(0, u64::wrapping_add);
        let rest: f64 = of(Cell::Amount).map(f64::from_bits).sum();
        Cow::Owned([whole, (rest + 0.0).to_bits()].into_iter().chain(of(Cell::Exemplar)).collect())
    }
}

/// Bytes that are read from the beginning on.
pub(crate) struct Bytes<'b>(pub(crate) &'b [u8]);

impl<'b> Bytes<'b> {
    pub(crate) fn take<const N: usize>(&mut self) -> Result<[u8; N], Damage> {
        let (first, rest) = self.0.split_first_chunk().ok_or(Damage::Torn)?;
        self.0 = rest;
        Ok(*first)
    }

    pub(crate) fn slice(&mut self, n: usize) -> Result<&'b [u8], Damage> {
        let (first, rest) = self.0.split_at_checked(n).ok_or(Damage::Torn)?;
        self.0 = rest;
        Ok(first)
    }

    pub(crate) fn number(&mut self) -> Result<usize, Damage> {
        self.take().map(|bytes| u32::from_le_bytes(bytes) as usize)
    }

    pub(crate) fn word(&mut self) -> Result<u64, Damage> {
        self.take().map(u64::from_le_bytes)
    }

    fn text(&mut self) -> Result<String, Damage> {
        let n = self.number()?;
        String::from_utf8(self.slice(n)?.to_vec()).map_err(|_| Damage::Torn)
    }

    /// Items behind their number. Nothing is allocated for more of them than there are bytes.
    fn items<T>(&mut self, mut item: impl FnMut(&mut Self) -> Result<T, Damage>) -> Result<Vec<T>, Damage> {
        let n = self.number()?;
        if n > MAX_ITEMS.min(self.0.len()) {
            return Err(Damage::Torn);
        }
        (0..n).map(|_| item(self)).collect()
    }
}
