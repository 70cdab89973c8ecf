//! What happened in the last minutes, in all processes that share their registry.

use std::collections::BTreeMap;
use std::time::Duration;

use super::sketch::{Sketch, bucket};
use super::{ApprovalOutcome, Usage};
use crate::counter::Counter;
use crate::error::RegisterError;
use crate::labels::OpenValues;
use crate::recent::{Counted, Recent};
use crate::region::contents::Family;
use crate::registry::{Instrument as _, Opts, Registry};
use crate::{LabelValue, Labels};

/// How many names of domains, and how many of tools, are told apart by a process.
pub(super) const MAX_NAMES: usize = 200;
/// How much of a name is kept, as of the values of labels.
const MAX_BYTES: usize = OpenValues::DEFAULT.max_bytes as usize;

/// As many outcomes of approvals as there are.
const N_OUTCOMES: usize = ApprovalOutcome::ALL.len();

/// What is kept of a name.
pub(super) fn cut(name: &str) -> &str {
    &name[..name.floor_char_boundary(MAX_BYTES)]
}

#[derive(Labels)]
struct OfDomain<'a> {
    #[label(max = MAX_NAMES as u32)]
    domain: &'a str,
    is_ok: bool,
}

#[derive(Labels)]
struct OfTool<'a> {
    #[label(max = MAX_NAMES as u32)]
    tool: &'a str,
    is_ok: bool,
}

#[derive(Labels)]
struct OfOutcome {
    outcome: ApprovalOutcome,
}

/// Times by the number of a bucket of [`Sketch`]: a sketch that is spread over series, so that only buckets that are used cost memory.
#[derive(Labels)]
struct OfBucket<'a> {
    bucket: &'a str,
}

/// Families that are not exposed, in which all processes count.
pub(super) struct Window {
    executions: Recent<OfDomain<'static>>,
    latencies: Recent<OfBucket<'static>>,
    tool_calls: Recent<OfTool<'static>>,
    approvals: Recent<OfOutcome>,
    waits: Recent<OfBucket<'static>>,
    /// All executions, those in front of the window included.
    total: Counter,
}

/// The sums over a window.
#[derive(Debug, Default)]
pub(super) struct Sums {
    /// Executions since the application started.
    pub(super) total: u64,
    pub(super) succeeded: u64,
    pub(super) failed: u64,
    /// When the first of them ended, about, since the Unix epoch.
    pub(super) since: Option<Duration>,
    pub(super) latencies: Sketch,
    /// In the order of their names.
    pub(super) domains: Vec<Usage>,
    pub(super) tools: Vec<Usage>,
    /// Approvals by how they ended.
    pub(super) approvals: [u64; N_OUTCOMES],
    pub(super) waits: Sketch,
}

impl Window {
    /// The window of a service, beside its executions.
    pub(super) fn register(
        registry: &Registry,
        service: &str,
        length: Duration,
        total: Counter,
    ) -> Result<Self, RegisterError> {
        let opts = |what: &str| {
            let name = format!("{service}_window_{what}").leak();
            Opts::new(name, "Of the window of golden signals.").window(length)
        };
        Ok(Self {
            executions: Recent::register(registry, opts("executions"))?,
            latencies: Recent::register(registry, opts("latencies"))?,
            tool_calls: Recent::register(registry, opts("tool_calls"))?,
            approvals: Recent::register(registry, opts("approvals"))?,
            waits: Recent::register(registry, opts("waits"))?,
            total,
        })
    }

    pub(super) fn execution(&self, domain: &str, is_ok: bool, seconds: f64) {
        self.executions.count(OfDomain { domain, is_ok });
        count_time(self.latencies, seconds);
    }

    pub(super) fn tool_call(&self, tool: &str, is_ok: bool) {
        self.tool_calls.count(OfTool { tool, is_ok });
    }

    pub(super) fn approval(&self, outcome: ApprovalOutcome, seconds: f64) {
        self.approvals.count(OfOutcome { outcome });
        count_time(self.waits, seconds);
    }

    /// The sums over the window that ends now.
    pub(super) fn sums(&self, registry: &Registry) -> Sums {
        let Self { executions, latencies, tool_calls, approvals, waits, total } = *self;
        let families = [
            executions.core(),
            latencies.core(),
            tool_calls.core(),
            approvals.core(),
            waits.core(),
            total.core(),
        ];
        let [by_domain, by_latency, by_tool, by_outcome, by_wait, all] = registry.sums(families);
        let mut sums = Sums {
            // The first cell of a counter has the whole events.
            total: all.series().iter().fold(0, |sum, series| sum.wrapping_add(series.cells[0])),
            latencies: times(latencies, &by_latency),
            domains: usages(executions, &by_domain),
            tools: usages(tool_calls, &by_tool),
            waits: times(waits, &by_wait),
            ..Sums::default()
        };
        for series in by_outcome.series() {
            sums.approvals[series.key.closed_index as usize] = count(approvals, &series.cells);
        }
        let counted = by_domain.series().iter().filter_map(|series| executions.counted(&series.cells));
        sums.since = counted.map(|counted| Duration::from_secs(counted.since_s)).min();
        sums.failed = sums.domains.iter().map(|domain| domain.errors).sum();
        sums.succeeded = sums.domains.iter().map(|domain| domain.calls).sum::<u64>() - sums.failed;
        sums
    }
}

fn count_time(times: Recent<OfBucket<'static>>, seconds: f64) {
    let mut digits = itoa::Buffer::new();
    times.count(OfBucket { bucket: digits.format(bucket(seconds)) });
}

fn count<L: Labels>(family: Recent<L>, cells: &[u64]) -> u64 {
    family.counted(cells).map_or(0, |Counted { n, .. }| n)
}

/// The sketch that series are the buckets of.
fn times(family: Recent<OfBucket<'static>>, sum: &Family) -> Sketch {
    let buckets = sum.series().iter().filter_map(|series| {
        let number = sum.open_values(series).first()?.parse().ok()?;
        Some((number, count(family, &series.cells)))
    });
    buckets.collect()
}

/// Calls by the only open label, and which of them failed by the only closed one.
fn usages<L: Labels>(family: Recent<L>, sum: &Family) -> Vec<Usage> {
    let mut usages = BTreeMap::<String, (u64, u64)>::new();
    for series in sum.series() {
        let n = count(family, &series.cells);
        if n > 0 {
            let usage = usages.entry(sum.open_values(series).swap_remove(0)).or_default();
            usage.0 += n;
            usage.1 += if series.key.closed_index == 0 { n } else { 0 };
        }
    }
    usages.into_iter().map(|(name, (calls, errors))| Usage { name, calls, errors }).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;
    use crate::labels::OVERFLOW;

    /// A window of three seconds and what sets its clock.
    fn window() -> (Window, Registry, Arc<AtomicU64>) {
        let now = Arc::new(AtomicU64::new(1_000));
        let clock = Arc::clone(&now);
        let registry = Registry::with_clock(move || Duration::from_secs(clock.load(Ordering::Relaxed)));
        let total = registry.counter(Opts::new("executions", "E.")).expect("is right");
        let window = Window::register(&registry, "cugar", Duration::from_secs(3), total).expect("is right");
        (window, registry, now)
    }

    #[test]
    fn what_is_older_than_the_window_is_gone() {
        let (window, registry, now) = window();
        let at = |second: u64| now.store(1_000 + second, Ordering::Relaxed);
        let counts = |second| {
            at(second);
            let sums = window.sums(&registry);
            let since = sums.since.map(|since| since.as_secs() - 1_000);
            (sums.succeeded, sums.failed, sums.domains.len(), sums.latencies.quantile(0.5).is_some(), since)
        };
        assert_eq!(counts(0), (0, 0, 0, false, None));
        for (second, domain, is_ok) in [(0, "a", true), (1, "a", false), (2, "b", true)] {
            at(second);
            window.execution(domain, is_ok, 1.0);
        }
        assert_eq!(counts(2), (2, 1, 2, true, Some(0)));
        assert_eq!(counts(3), (1, 1, 2, true, Some(1)));
        window.execution("b", true, 1.0);
        assert_eq!(counts(3), (2, 1, 2, true, Some(1)), "the slice of second 0 is used again");
        assert_eq!(counts(4), (2, 0, 1, true, Some(2)));
        assert_eq!(counts(100), (0, 0, 0, false, None));
        assert_eq!(registry.text().lines().filter(|line| line.contains("window")).count(), 0);
    }

    #[test]
    fn names_beyond_the_limit_are_one() {
        let (window, registry, _) = window();
        for n in 0..MAX_NAMES + 5 {
            window.tool_call(&format!("tool {n}"), n % 2 == 0);
        }
        let tools = window.sums(&registry).tools;
        assert_eq!(tools.len(), MAX_NAMES + 1);
        let rest = tools.iter().find(|tool| tool.name == OVERFLOW).map(|tool| (tool.calls, tool.errors));
        assert_eq!(rest, Some((5, 2)));
    }
}
