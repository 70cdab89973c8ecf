//! What happened in the last minutes, second by second.

use std::collections::BTreeMap;

use super::sketch::Sketch;
use super::{ApprovalOutcome, Usage};
use crate::LabelValue;
use crate::labels::{OVERFLOW, OpenValues};

/// How many names of domains, and how many of tools, are told apart.
pub(super) const MAX_NAMES: usize = 200;
/// How much of a name is kept, as of the values of labels.
const MAX_BYTES: usize = OpenValues::DEFAULT.max_bytes as usize;

/// As many outcomes of approvals as there are.
const N_OUTCOMES: usize = ApprovalOutcome::ALL.len();

/// What is kept of a name.
pub(super) fn cut(name: &str) -> &str {
    &name[..name.floor_char_boundary(MAX_BYTES)]
}

/// A ring of slices of one second each.
#[derive(Debug)]
pub(super) struct Window {
    slices: Vec<Slice>,
    domains: Names,
    tools: Names,
}

#[derive(Debug, Clone, Default)]
struct Slice {
    /// Which second it is, counted from 1; 0 if it was none yet.
    second: u64,
    succeeded: u64,
    failed: u64,
    latencies: Sketch,
    domains: Calls,
    tools: Calls,
    /// Approvals by how they ended.
    approvals: [u64; N_OUTCOMES],
    waits: Sketch,
}

/// Calls and errors by the number of a name.
#[derive(Debug, Clone, Default)]
struct Calls(Vec<(u16, u64, u64)>);

impl Calls {
    fn add(&mut self, name: u16, is_ok: bool) {
        let errors = u64::from(!is_ok);
        match self.0.iter_mut().find(|(known, ..)| *known == name) {
            Some((_, calls, all_errors)) => {
                *calls += 1;
                *all_errors += errors;
            }
            None => self.0.push((name, 1, errors)),
        }
    }
}

/// Names and their numbers. They are not forgotten, so there is a limit.
#[derive(Debug, Default)]
struct Names(BTreeMap<String, u16>);

impl Names {
    fn number(&mut self, name: &str) -> u16 {
        let name = cut(name);
        if let Some(number) = self.0.get(name) {
            return *number;
        }
        let name = if self.0.len() < MAX_NAMES { name } else { OVERFLOW };
        let next = self.0.len() as u16;
        *self.0.entry(name.to_owned()).or_insert(next)
    }

    /// Those that were used, in the order of their names.
    fn usages<'c>(&self, all: impl Iterator<Item = &'c Calls>) -> Vec<Usage> {
        let mut sums = vec![(0, 0); self.0.len()];
        for (name, calls, errors) in all.flat_map(|calls| &calls.0) {
            let sum = &mut sums[usize::from(*name)];
            *sum = (sum.0 + calls, sum.1 + errors);
        }
        let usage = |(name, number): (&String, &u16)| {
            let (calls, errors) = sums[usize::from(*number)];
            (calls > 0).then(|| Usage { name: name.clone(), calls, errors })
        };
        self.0.iter().filter_map(usage).collect()
    }
}

/// The sums over a window.
#[derive(Debug, Default)]
pub(super) struct Sums {
    pub(super) succeeded: u64,
    pub(super) failed: u64,
    pub(super) latencies: Sketch,
    pub(super) domains: Vec<Usage>,
    pub(super) tools: Vec<Usage>,
    /// Approvals by how they ended.
    pub(super) approvals: [u64; N_OUTCOMES],
    pub(super) waits: Sketch,
}

impl Window {
    pub(super) fn new(seconds: usize) -> Self {
        Self {
            slices: vec![Slice::default(); seconds.max(1)],
            domains: Names::default(),
            tools: Names::default(),
        }
    }

    /// The slice of a second that is counted from 0.
    fn slice(slices: &mut [Slice], second: u64) -> &mut Slice {
        let n = slices.len() as u64;
        let slice = &mut slices[(second % n) as usize];
        // Who is late is counted in the newer second that has the slice now; it never goes back.
        if slice.second < second + 1 {
            slice.second = second + 1;
            (slice.succeeded, slice.failed) = (0, 0);
            slice.latencies.clear();
            slice.domains.0.clear();
            slice.tools.0.clear();
            slice.approvals = [0; N_OUTCOMES];
            slice.waits.clear();
        }
        slice
    }

    pub(super) fn execution(&mut self, second: u64, domain: &str, is_ok: bool, seconds: f64) {
        let domain = self.domains.number(domain);
        let slice = Self::slice(&mut self.slices, second);
        if is_ok {
            slice.succeeded += 1;
        } else {
            slice.failed += 1;
        }
        slice.latencies.add(seconds);
        slice.domains.add(domain, is_ok);
    }

    pub(super) fn tool_call(&mut self, second: u64, tool: &str, is_ok: bool) {
        let tool = self.tools.number(tool);
        Self::slice(&mut self.slices, second).tools.add(tool, is_ok);
    }

    pub(super) fn approval(&mut self, second: u64, outcome: ApprovalOutcome, seconds: f64) {
        let slice = Self::slice(&mut self.slices, second);
        slice.approvals[outcome.index()] += 1;
        slice.waits.add(seconds);
    }

    /// The sums over the window that ends with a second.
    pub(super) fn sums(&self, second: u64) -> Sums {
        let oldest = (second + 2).saturating_sub(self.slices.len() as u64).max(1);
        let slices = || self.slices.iter().filter(|slice| slice.second >= oldest);
        let mut latencies = Sketch::default();
        slices().for_each(|slice| latencies.merge(&slice.latencies));
        let mut waits = Sketch::default();
        slices().for_each(|slice| waits.merge(&slice.waits));
        Sums {
            succeeded: slices().map(|slice| slice.succeeded).sum(),
            failed: slices().map(|slice| slice.failed).sum(),
            latencies,
            domains: self.domains.usages(slices().map(|slice| &slice.domains)),
            tools: self.tools.usages(slices().map(|slice| &slice.tools)),
            approvals: std::array::from_fn(|idx| slices().map(|slice| slice.approvals[idx]).sum()),
            waits,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_older_than_the_window_is_gone() {
        let mut window = Window::new(3);
        let counts = |window: &Window, second| {
            let sums = window.sums(second);
            (sums.succeeded, sums.failed, sums.domains.len(), sums.latencies.quantile(0.5).is_some())
        };
        assert_eq!(counts(&window, 0), (0, 0, 0, false));
        window.execution(0, "a", true, 1.0);
        window.execution(1, "a", false, 1.0);
        window.execution(2, "b", true, 1.0);
        assert_eq!(counts(&window, 2), (2, 1, 2, true));
        assert_eq!(counts(&window, 3), (1, 1, 2, true));
        window.execution(3, "b", true, 1.0);
        assert_eq!(counts(&window, 3), (2, 1, 2, true), "the slice of second 0 is used again");
        assert_eq!(counts(&window, 4), (2, 0, 1, true));
        assert_eq!(counts(&window, 100), (0, 0, 0, false));
        window.execution(2, "b", true, 1.0);
        assert_eq!(counts(&window, 3), (3, 1, 2, true), "who is late is counted where it belongs");
    }

    #[test]
    fn names_beyond_the_limit_are_one() {
        let mut window = Window::new(1);
        for n in 0..MAX_NAMES + 5 {
            window.tool_call(7, &format!("tool {n}"), n % 2 == 0);
        }
        let tools = window.sums(7).tools;
        assert_eq!(tools.len(), MAX_NAMES + 1);
        let rest = tools.iter().find(|tool| tool.name == OVERFLOW).map(|tool| (tool.calls, tool.errors));
        assert_eq!(rest, Some((5, 2)));
    }
}
