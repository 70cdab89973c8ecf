//! Examples of what was counted: where in the traces one of the events is.

use std::time::Duration;

use crate::clock::{milliseconds, now};
use crate::sync::atomic::{AtomicU64, Ordering, fence};

/// Where an event is in the traces. As an exemplar it leads from a point of a graph to one request that made it.
///
/// ```
/// use bellwether_sdk::{Opts, Registry, TraceContext};
///
/// let registry = Registry::new();
/// let failures = registry.counter::<()>(Opts::new("failures", "Failures.").exemplars())?;
/// let trace = TraceContext::parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
/// failures.with(()).inc_traced(trace.expect("it is a traceparent header"));
/// # Ok::<(), bellwether_sdk::RegisterError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceContext {
    /// The trace. Zero is none.
    pub trace_id: u128,
    /// The span in it.
    pub span_id: u64,
}

impl TraceContext {
    /// Reads a `traceparent` header as W3C Trace Context has it. `None` if it is none, or stands for no trace.
    pub fn parse(traceparent: &str) -> Option<Self> {
        let mut parts = traceparent.trim().split('-');
        let mut hex = |len: usize| {
            let part = parts.next()?;
            let is_hex = part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
            (part.len() == len && is_hex).then(|| u128::from_str_radix(part, 16).ok())?
        };
        let version = hex(2)?;
        let context = Self { trace_id: hex(32)?, span_id: hex(16)? as u64 };
        hex(2)?;
        // A later version may have more parts; this one has not.
        let is_whole = version != 0 || parts.next().is_none();
        (is_whole && version != 0xff && context.trace_id != 0 && context.span_id != 0).then_some(context)
    }
}

/// How many cells an exemplar takes: a version that is odd while somebody writes, two halves of the trace, the span, the bits of the value, and the time in milliseconds since the
/// Unix epoch. They do not add up: of several processes' exemplars, the latest is kept.
pub(crate) const N_CELLS: usize = 6;

/// The cells of one exemplar.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slot<'c> {
    cells: &'c [AtomicU64; N_CELLS],
}

/// What is in a slot.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Exemplar {
    pub(crate) trace: TraceContext,
    pub(crate) value: f64,
    pub(crate) timestamp_ms: i64,
}

impl Exemplar {
    /// Of two exemplars the one of the greater rank is kept: the later one, and of two at the same time any, if only it does not depend on who comes first.
    fn rank(self) -> (i64, u128, u64, u64) {
        (self.timestamp_ms, self.trace.trace_id, self.trace.span_id, self.value.to_bits())
    }
}

impl<'c> Slot<'c> {
    pub(crate) fn of(cells: &'c [AtomicU64; N_CELLS]) -> Self {
        Self { cells }
    }

    /// Keeps an exemplar instead of the one before. Who comes while another one writes leaves it to that one.
    pub(crate) fn set(self, trace: TraceContext, value: f64) {
        self.set_at(trace, value, now());
    }

    /// The same with the time of the event since the Unix epoch.
    pub(crate) fn set_at(self, trace: TraceContext, value: f64, time: Duration) {
        self.put(Exemplar { trace, value, timestamp_ms: milliseconds(time) as i64 });
    }

    /// Keeps the exemplar of another slot if it is later than the own one.
    pub(crate) fn take_later(self, other: Slot<'_>) {
        if let Some(exemplar) = other.get().filter(|it| Some(it.rank()) > self.get().map(Exemplar::rank)) {
            self.put(exemplar);
        }
    }

    fn put(self, Exemplar { trace, value, timestamp_ms }: Exemplar) {
        let [version, content @ ..] = self.cells;
        let old = version.load(Ordering::Relaxed);
        let is_ours = old.is_multiple_of(2)
            && version.compare_exchange(old, old + 1, Ordering::Acquire, Ordering::Relaxed).is_ok();
        if !is_ours {
            return;
        }
        fence(Ordering::Release);
        let words = [
            (trace.trace_id >> 64) as u64,
            trace.trace_id as u64,
            trace.span_id,
            value.to_bits(),
            timestamp_ms as u64,
        ];
        content.iter().zip(words).for_each(|(cell, word)| cell.store(word, Ordering::Relaxed));
        version.store(old + 2, Ordering::Release);
    }

    /// The exemplar, if there is one and nobody is just writing it.
    pub(crate) fn get(self) -> Option<Exemplar> {
        let [version, content @ ..] = self.cells;
        let before = version.load(Ordering::Acquire);
        let [high, low, span_id, value, time] = content.each_ref().map(|cell| cell.load(Ordering::Relaxed));
        fence(Ordering::Acquire);
        let is_whole = before.is_multiple_of(2) && version.load(Ordering::Relaxed) == before;
        let trace = TraceContext { trace_id: u128::from(high) << 64 | u128::from(low), span_id };
        (is_whole && trace.trace_id != 0).then_some(Exemplar {
            trace,
            value: f64::from_bits(value),
            timestamp_ms: time as i64,
        })
    }
}

/// Makes a copy of a slot one that can be added up: with nothing in it if somebody was just writing it.
pub(crate) fn settle(cells: &mut [u64]) {
    let is_whole = cells[0].is_multiple_of(2) && cells[1..3] != [0, 0];
    if is_whole {
        cells[0] = 2;
    } else {
        cells.fill(0);
    }
}

/// As [`Slot::take_later`], of slots that are copies.
pub(crate) fn keep_later(into: &mut [u64], from: &[u64]) {
    let slot =
        |cells: &[u64]| -> [AtomicU64; N_CELLS] { std::array::from_fn(|idx| AtomicU64::new(cells[idx])) };
    let (own, more) = (slot(into), slot(from));
    Slot::of(&own).take_later(Slot::of(&more));
    into.iter_mut().zip(own).for_each(|(into, own)| *into = own.into_inner());
    settle(into);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traceparent_headers() {
        let check = |header: &str, want: Option<(u128, u64)>| {
            let got = TraceContext::parse(header).map(|c| (c.trace_id, c.span_id));
            assert_eq!(got, want, "{header}");
        };
        let (trace, span) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
        let ids = Some((0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736, 0x00f0_67aa_0ba9_02b7));
        check(&format!("00-{trace}-{span}-01"), ids);
        check(&format!(" 01-{trace}-{span}-00-more "), ids);
        check(&format!("00-{trace}-{span}-01-more"), None);
        check(&format!("ff-{trace}-{span}-01"), None);
        check(&format!("00-{}-{span}-01", "0".repeat(32)), None);
        check(&format!("00-{trace}-{}-01", "0".repeat(16)), None);
        check(&format!("00-{}-{span}-01", trace.to_uppercase()), None);
        check(&format!("00-{trace}-{span}"), None);
        check("00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", None);
        check("", None);
    }

    #[test]
    fn what_is_read_was_written_together() {
        let cells: &'static [AtomicU64; N_CELLS] =
            Box::leak(Box::new([const { AtomicU64::new(0) }; N_CELLS]));
        let slot = Slot::of(cells);
        assert_eq!(slot.get(), None);
        std::thread::scope(|scope| {
            for writer in 1..3_u64 {
                scope.spawn(move || {
                    for i in 0..5_000 {
                        let id = i * 2 + writer;
                        let trace =
                            TraceContext { trace_id: u128::from(id) << 64 | u128::from(id), span_id: id };
                        slot.set(trace, id as f64);
                    }
                });
            }
            for _ in 0..5_000 {
                if let Some(Exemplar { trace, value, .. }) = slot.get() {
                    let id = trace.span_id;
                    assert_eq!((trace.trace_id, value), (u128::from(id) << 64 | u128::from(id), id as f64));
                }
            }
        });
        assert!(slot.get().is_some());
    }
}
