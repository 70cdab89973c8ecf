use bellwether_model::{QueryContext, QueryInterrupt};

/// So many cells, or comparisons, are worked through between two looks at whether the query may go on: some milliseconds at most.
const WORK_PER_CHECK: usize = 64 * 1024;

/// Making or hashing a label set takes about as long as so many cells.
pub(crate) const CELLS_PER_LABEL_SET: usize = 16;

/// Asks once in a while whether a query may go on. For loops whose rounds are too short to ask each time.
#[derive(Debug)]
pub(crate) struct Pacer {
    context: QueryContext,
    left: usize,
}

impl Pacer {
    pub(crate) fn new(context: &QueryContext) -> Self {
        Self { context: context.clone(), left: WORK_PER_CHECK }
    }

    /// Says that so many cells are about to be looked at.
    pub(crate) fn work(&mut self, cells: usize) -> Result<(), QueryInterrupt> {
        if let Some(left) = self.left.checked_sub(cells) {
            self.left = left;
            return Ok(());
        }
        self.left = WORK_PER_CHECK;
        self.context.check()
    }
}

/// Sorts stably, and can be interrupted: pieces are sorted one by one, and the last pass over everything finds them in order.
pub(crate) fn sort_paced<T>(
    items: &mut [T],
    context: &QueryContext,
    mut compare: impl FnMut(&T, &T) -> std::cmp::Ordering,
) -> Result<(), QueryInterrupt> {
    for piece in items.chunks_mut(WORK_PER_CHECK / 4) {
        context.check()?;
        piece.sort_by(&mut compare);
    }
    context.check()?;
    items.sort_by(compare);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks_once_in_a_while() {
        let context = QueryContext::unbounded();
        let mut pacer = Pacer::new(&context);
        context.cancel();
        let rounds = (0..WORK_PER_CHECK).position(|_| pacer.work(1000).is_err());
        assert_eq!(rounds, Some(WORK_PER_CHECK / 1000));
    }

    #[test]
    fn sorts_stably_and_stops() {
        let context = QueryContext::unbounded();
        let mut items: Vec<(usize, usize)> = (0..50_000).map(|idx| (idx * 7919 % 101, idx)).collect();
        let mut want = items.clone();
        want.sort_unstable();
        sort_paced(&mut items, &context, |a, b| a.0.cmp(&b.0)).expect("goes on");
        assert!(items == want, "not sorted, or not stably");
        context.cancel();
        assert!(sort_paced(&mut items, &context, |a, b| b.0.cmp(&a.0)).is_err());
    }
}
