//! From matchers to series, the same way for the head and for parts.

use bellwether_model::{MatchOp, Matcher, QueryContext, StorageError};

/// So many values are compared between two looks at whether the query may go on.
const VALUES_PER_CHECK: usize = 4096;

/// What a selection needs to know about some series. Lists of series are sorted and without duplicates.
pub(crate) trait LabelIndex {
    /// All series.
    fn all(&self) -> Vec<u32>;

    /// Appends the series with `name="value"` to `out`.
    fn with_value(&self, name: &str, value: &str, out: &mut Vec<u32>) -> Result<(), StorageError>;

    /// For each value of `name` that starts with `prefix` and that `accept` takes, appends its series to `out`.
    fn with_values(
        &self,
        name: &str,
        prefix: &str,
        accept: &mut dyn FnMut(&str) -> bool,
        out: &mut Vec<u32>,
    ) -> Result<(), StorageError>;
}

/// The series for which all matchers hold. Without matchers: all.
pub(crate) fn select(
    index: &dyn LabelIndex,
    matchers: &[&Matcher],
    cx: &QueryContext,
) -> Result<Vec<u32>, StorageError> {
    let (absent_passes, mut absent_fails): (Vec<&Matcher>, Vec<&Matcher>) =
        matchers.iter().partition(|m| m.matches_empty());
    // Those for which few values have to be looked at come first: often nothing is left to be found by the others.
    absent_fails.sort_by_key(|m| match (m.op(), m.regex()) {
        (MatchOp::Eq, _) => 0,
        (MatchOp::Re, Some(regex)) if regex.set_matches().is_some() => 1,
        (MatchOp::Re, Some(regex)) if !regex.prefix().is_empty() => 2,
        _ => 3,
    });
    let mut found: Option<Vec<u32>> = None;
    for matcher in absent_fails {
        cx.check()?;
        let list = series_with_matching_value(index, matcher, true, cx)?;
        found = Some(match found {
            None => list,
            Some(before) => intersect(&before, &list),
        });
        if found.as_ref().is_some_and(Vec::is_empty) {
            return Ok(Vec::new());
        }
    }
    let mut found = found.unwrap_or_else(|| index.all());
    // Series without the label pass these; so those go that have it with another value.
    for matcher in absent_passes {
        cx.check()?;
        if matcher.op() == MatchOp::Re
            && matcher.regex().is_some_and(bellwether_model::AnchoredRegex::matches_all)
        {
            continue;
        }
        let list = series_with_matching_value(index, matcher, false, cx)?;
        subtract(&mut found, &list);
    }
    Ok(found)
}

/// The series that have the label of the matcher, with a value that the matcher takes (`wanted`) or does not take.
fn series_with_matching_value(
    index: &dyn LabelIndex,
    matcher: &Matcher,
    wanted: bool,
    cx: &QueryContext,
) -> Result<Vec<u32>, StorageError> {
    let mut out = Vec::new();
    let name = matcher.name();
    // The values are known in advance where `=` or a set of alternatives is asked for, or denied and not wanted.
    let positive = matcher.op().is_negative() != wanted;
    let known: Option<Vec<&str>> = match matcher.regex() {
        None => Some(vec![matcher.value()]),
        Some(regex) => regex.set_matches().map(|set| set.iter().map(String::as_str).collect()),
    };
    if let Some(values) = known.filter(|_| positive) {
        for value in values.into_iter().filter(|v| !v.is_empty()) {
            index.with_value(name, value, &mut out)?;
        }
    } else {
        let prefix = matcher.regex().filter(|_| positive).map_or("", |r| r.prefix());
        let (mut n_values, mut interrupted) = (0_usize, Ok(()));
        let mut accept = |value: &str| {
            n_values += 1;
            if n_values.is_multiple_of(VALUES_PER_CHECK) && interrupted.is_ok() {
                interrupted = cx.check();
            }
            interrupted.is_ok() && matcher.matches(value) == wanted
        };
        index.with_values(name, prefix, &mut accept, &mut out)?;
        interrupted?;
    }
    if !out.is_sorted() {
        sort_runs(&mut out);
    }
    Ok(out)
}

/// Sorts a list that consists of sorted runs. A series has one value per label, so the lists of several values have nothing in common.
#[expect(clippy::stable_sort_primitive, reason = "the stable sort finds the runs and merges them")]
fn sort_runs(list: &mut [u32]) {
    list.sort();
}

/// What is in both lists.
pub(crate) fn intersect(a: &[u32], b: &[u32]) -> Vec<u32> {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    // Searching pays when one list is much shorter than the other.
    if short.len() * 16 < long.len() {
        return short.iter().copied().filter(|id| long.binary_search(id).is_ok()).collect();
    }
    let mut out = Vec::with_capacity(short.len());
    let mut rest = long.iter().copied().peekable();
    for id in short {
        while rest.peek().is_some_and(|r| r < id) {
            rest.next();
        }
        if rest.peek() == Some(id) {
            out.push(*id);
        }
    }
    out
}

/// Removes what is in `b` from `a`.
fn subtract(a: &mut Vec<u32>, b: &[u32]) {
    if b.is_empty() {
        return;
    }
    let mut rest = b.iter().copied().peekable();
    a.retain(|id| {
        while rest.peek().is_some_and(|r| r < id) {
            rest.next();
        }
        rest.peek() != Some(id)
    });
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use bellwether_model::Labels;
    use proptest::prelude::*;

    use super::*;

    /// The obvious index.
    struct Naive(Vec<Labels>);

    impl LabelIndex for Naive {
        fn all(&self) -> Vec<u32> {
            (0..self.0.len() as u32).collect()
        }

        fn with_value(&self, name: &str, value: &str, out: &mut Vec<u32>) -> Result<(), StorageError> {
            out.extend((0..).zip(&self.0).filter(|(_, l)| l.get(name) == Some(value)).map(|(id, _)| id));
            Ok(())
        }

        fn with_values(
            &self,
            name: &str,
            prefix: &str,
            accept: &mut dyn FnMut(&str) -> bool,
            out: &mut Vec<u32>,
        ) -> Result<(), StorageError> {
            let mut by_value: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
            for (id, labels) in (0..).zip(&self.0) {
                if let Some(value) = labels.get(name) {
                    by_value.entry(value).or_default().push(id);
                }
            }
            for (value, ids) in by_value {
                if value.starts_with(prefix) && accept(value) {
                    out.extend(ids);
                }
            }
            Ok(())
        }
    }

    pub(crate) fn some_matcher() -> impl Strategy<Value = Matcher> {
        let op = prop_oneof![Just(MatchOp::Eq), Just(MatchOp::Ne), Just(MatchOp::Re), Just(MatchOp::Nre)];
        let value = prop_oneof![
            Just(""),
            Just("a"),
            Just("ab"),
            Just(".*"),
            Just(".+"),
            Just("a|b|"),
            Just("a|ab"),
            Just("a.*"),
            Just(".*b"),
            Just("[ab]"),
            Just("(?i:A)"),
            Just("b?"),
            Just("zz")
        ];
        (op, prop_oneof![Just("x"), Just("y"), Just("absent")], value)
            .prop_map(|(op, name, value)| Matcher::new(op, name, value).expect("compiles"))
    }

    proptest! {
        #[test]
        fn selection_is_what_matching_each_series_gives(
            series in proptest::collection::vec(("(|a|b|ab|abc|ba)", "(|a|b|ab|zz)"), 0..30),
            matchers in proptest::collection::vec(some_matcher(), 0..4),
        ) {
            let series: Vec<Labels> = series.iter().map(|(x, y)| Labels::from_pairs([("x", x), ("y", y)])).collect();
            let want: Vec<u32> = (0..).zip(&series)
                .filter(|(_, l)| matchers.iter().all(|m| m.matches(l.get(m.name()).unwrap_or(""))))
                .map(|(id, _)| id)
                .collect();
            let matchers: Vec<&Matcher> = matchers.iter().collect();
            let got = select(&Naive(series), &matchers, &QueryContext::unbounded()).expect("in memory");
            prop_assert_eq!(got, want);
        }

        #[test]
        fn sets(a in proptest::collection::btree_set(0_u32..200, 0..100), b in proptest::collection::btree_set(0_u32..200, 0..5)) {
            let (va, vb): (Vec<u32>, Vec<u32>) = (a.iter().copied().collect(), b.iter().copied().collect());
            prop_assert_eq!(intersect(&va, &vb), a.intersection(&b).copied().collect::<Vec<_>>());
            prop_assert_eq!(intersect(&vb, &va), a.intersection(&b).copied().collect::<Vec<_>>());
            let mut rest = va;
            subtract(&mut rest, &vb);
            prop_assert_eq!(rest, a.difference(&b).copied().collect::<Vec<_>>());
        }
    }

    #[test]
    fn stops_when_cancelled() {
        let cx = QueryContext::unbounded();
        cx.cancel();
        assert!(select(&Naive(Vec::new()), &[&Matcher::equal("a", "b")], &cx).is_err());
    }

    /// Cancels the query while its values are compared.
    struct Cancels<'a>(&'a QueryContext, std::cell::Cell<usize>);

    impl LabelIndex for Cancels<'_> {
        fn all(&self) -> Vec<u32> {
            Vec::new()
        }

        fn with_value(&self, _: &str, _: &str, _: &mut Vec<u32>) -> Result<(), StorageError> {
            Ok(())
        }

        fn with_values(
            &self,
            _: &str,
            _: &str,
            accept: &mut dyn FnMut(&str) -> bool,
            _: &mut Vec<u32>,
        ) -> Result<(), StorageError> {
            self.0.cancel();
            self.1.set((0..3 * VALUES_PER_CHECK).filter(|_| accept("ab")).count());
            Ok(())
        }
    }

    #[test]
    fn stops_between_many_values() {
        let cx = QueryContext::unbounded();
        let index = Cancels(&cx, std::cell::Cell::default());
        let any = Matcher::new(MatchOp::Re, "x", ".*b").expect("compiles");
        assert!(select(&index, &[&any], &cx).is_err());
        assert_eq!(index.1.get(), VALUES_PER_CHECK - 1);
    }
}
