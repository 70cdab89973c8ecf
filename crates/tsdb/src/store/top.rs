/// The largest of many counts, each with what it counts.
#[derive(Debug)]
pub(super) struct Top<T> {
    limit: usize,
    /// Largest first; of equal ones the first that was offered.
    entries: Vec<(u64, T)>,
}

impl<T> Top<T> {
    /// Keeps up to `limit`.
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, entries: Vec::new() }
    }

    /// Takes `of` if the count is among the largest.
    pub(super) fn offer(&mut self, count: u64, of: impl FnOnce() -> T) {
        let at = self.entries.partition_point(|(c, _)| *c >= count);
        if at < self.limit {
            self.entries.truncate(self.limit - 1);
            self.entries.insert(at, (count, of()));
        }
    }

    /// The largest, largest first.
    pub(super) fn finish(self) -> impl Iterator<Item = (u64, T)> {
        self.entries.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_largest() {
        let mut top = Top::new(3);
        for (idx, count) in [5, 1, 9, 5, 7, 2].into_iter().enumerate() {
            top.offer(count, || idx);
        }
        assert_eq!(top.finish().collect::<Vec<_>>(), [(9, 2), (7, 4), (5, 0)]);
        let mut none = Top::new(0);
        none.offer(1, String::new);
        assert_eq!(none.finish().count(), 0);
    }
}
