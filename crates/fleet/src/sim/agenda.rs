use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// What will happen on a platform, in the order of time; what is due at the same moment happens in the order in which it was planned.
#[derive(Debug)]
pub(crate) struct Agenda<E> {
    due: BinaryHeap<Reverse<Due<E>>>,
    planned: u64,
}

#[derive(Debug)]
struct Due<E> {
    ts_ms: i64,
    order: u64,
    event: E,
}

impl<E> Agenda<E> {
    pub(crate) fn new() -> Self {
        Self { due: BinaryHeap::new(), planned: 0 }
    }

    pub(crate) fn plan(&mut self, ts_ms: i64, event: E) {
        self.planned += 1;
        self.due.push(Reverse(Due { ts_ms, order: self.planned, event }));
    }

    /// Takes the next event that is due at `until_ms` or earlier.
    pub(crate) fn next(&mut self, until_ms: i64) -> Option<(i64, E)> {
        if self.due.peek()?.0.ts_ms > until_ms {
            return None;
        }
        self.due.pop().map(|Reverse(due)| (due.ts_ms, due.event))
    }
}

impl<E> PartialEq for Due<E> {
    fn eq(&self, other: &Self) -> bool {
        self.order == other.order
    }
}

impl<E> Eq for Due<E> {}

impl<E> PartialOrd for Due<E> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> Ord for Due<E> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.ts_ms, self.order).cmp(&(other.ts_ms, other.order))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_first_then_planning_order() {
        let mut agenda = Agenda::new();
        for (ts_ms, event) in [(5, 'c'), (1, 'a'), (5, 'd'), (2, 'b'), (9, 'e')] {
            agenda.plan(ts_ms, event);
        }
        let mut seen = String::new();
        while let Some((_, event)) = agenda.next(5) {
            seen.push(event);
        }
        assert_eq!(seen, "abcd");
        assert_eq!(agenda.next(9), Some((9, 'e')));
    }
}
