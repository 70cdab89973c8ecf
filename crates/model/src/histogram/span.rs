/// A run of consecutive buckets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Span {
    /// For the first span the index of its first bucket, for the others the gap to the end of the span before (never negative then).
    pub offset: i32,
    /// How many buckets the span holds.
    pub length: u32,
}

/// The bucket indices that spans cover, in ascending order. Arithmetic wraps on spans that were not validated.
#[derive(Debug, Clone)]
pub(super) struct Indices<'a> {
    /// The spans that are not used up.
    spans: &'a [Span],
    /// The index of the first bucket of the first of these spans, and how many of its buckets are used up from the front.
    start: i32,
    front: u32,
    /// One past the last bucket of the last of these spans, and how many of its buckets are used up from the back.
    end: i32,
    back: u32,
    left: usize,
}

/// The bucket indices that `spans` cover, in ascending order.
pub(super) fn indices(spans: &[Span]) -> Indices<'_> {
    let end = spans.iter().fold(0_i32, |end, s| end.wrapping_add(s.offset).wrapping_add(s.length as i32));
    Indices {
        spans,
        start: spans.first().map_or(0, |s| s.offset),
        front: 0,
        end,
        back: 0,
        left: bucket_count(spans) as usize,
    }
}

impl Iterator for Indices<'_> {
    type Item = i32;

    fn next(&mut self) -> Option<i32> {
        self.left = self.left.checked_sub(1)?;
        while let [first, second, ..] = self.spans
            && self.front == first.length
        {
            self.start = self.start.wrapping_add(first.length as i32).wrapping_add(second.offset);
            self.front = 0;
            self.spans = &self.spans[1..];
        }
        let idx = self.start.wrapping_add(self.front as i32);
        self.front += 1;
        Some(idx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl DoubleEndedIterator for Indices<'_> {
    fn next_back(&mut self) -> Option<i32> {
        self.left = self.left.checked_sub(1)?;
        while let [rest @ .., _, last] = self.spans
            && self.back == last.length
        {
            self.end = self.end.wrapping_sub(last.length as i32).wrapping_sub(last.offset);
            self.back = 0;
            self.spans = &self.spans[..=rest.len()];
        }
        self.back += 1;
        Some(self.end.wrapping_sub(self.back as i32))
    }
}

impl ExactSizeIterator for Indices<'_> {}

/// How many buckets `spans` cover.
pub(super) fn bucket_count(spans: &[Span]) -> u64 {
    spans.iter().map(|span| u64::from(span.length)).sum()
}

/// Whether two lists of spans cover the same buckets, however they are cut.
pub(super) fn same_buckets(a: &[Span], b: &[Span]) -> bool {
    a == b || indices(a).eq(indices(b))
}

/// Builds spans from bucket indices in ascending order.
#[derive(Debug, Default)]
pub(super) struct SpanBuilder {
    spans: Vec<Span>,
    /// One past the last index that was pushed.
    next: i32,
}

impl SpanBuilder {
    /// Adds the bucket `idx`, which lies behind all those before it.
    pub(super) fn push(&mut self, idx: i32) {
        let gap = idx.wrapping_sub(self.next);
        self.next = idx.wrapping_add(1);
        match self.spans.last_mut() {
            Some(last) if gap == 0 => last.length += 1,
            _ => self.spans.push(Span { offset: gap, length: 1 }),
        }
    }

    pub(super) fn finish(self) -> Vec<Span> {
        self.spans
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn indices_and_back() {
        let spans = [
            Span { offset: -2, length: 2 },
            Span { offset: 0, length: 0 },
            Span { offset: 0, length: 1 },
            Span { offset: 3, length: 2 },
        ];
        let idx: Vec<i32> = indices(&spans).collect();
        assert_eq!(idx, [-2, -1, 0, 4, 5]);
        let mut builder = SpanBuilder::default();
        for i in &idx {
            builder.push(*i);
        }
        let canonical = builder.finish();
        assert_eq!(canonical, [Span { offset: -2, length: 3 }, Span { offset: 3, length: 2 }]);
        assert!(same_buckets(&spans, &canonical));
        assert_eq!(bucket_count(&spans), 5);
    }

    proptest! {
        #[test]
        fn both_ends_meet(
            spans in proptest::collection::vec((0_i32..4, 0_u32..4), 0..6),
            from_back in proptest::collection::vec(any::<bool>(), 30),
        ) {
            let spans: Vec<Span> = spans.into_iter().map(|(offset, length)| Span { offset, length }).collect();
            let want: Vec<i32> = indices(&spans).collect();
            let mut it = indices(&spans);
            let (mut front, mut back) = (Vec::new(), Vec::new());
            for from_back in from_back {
                if from_back {
                    back.extend(it.next_back());
                } else {
                    front.extend(it.next());
                }
            }
            front.extend(back.into_iter().rev());
            prop_assert_eq!(front, want);
        }
    }
}
