//! The orders in which Alertmanager lists and tells alerts and groups.

use std::cmp::Ordering;

use bellwether_model::Labels;

/// Label sets: the smaller ones first, then by what the first label has that only one has or in which both differ.
pub fn label_sets(a: &Labels, b: &Labels) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| {
        let mut names: Vec<&str> = a.iter().chain(b).map(|label| label.name).collect();
        names.sort_unstable();
        // Whoever lacks the first name that both do not share comes first.
        let differ = names.into_iter().map(|name| a.get(name).cmp(&b.get(name))).find(|order| order.is_ne());
        differ.unwrap_or(Ordering::Equal)
    })
}

/// Alerts of a group: by job and instance where they have them, those without behind, then as label sets.
pub fn alerts(a: &Labels, b: &Labels) -> Ordering {
    let by = |name: &str| match (a.get(name), b.get(name)) {
        (Some(a), Some(b)) => a.cmp(b),
        (a, b) => b.is_some().cmp(&a.is_some()),
    };
    by("job").then_with(|| by("instance")).then_with(|| label_sets(a, b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        Labels::from_pairs(pairs.iter().copied())
    }

    #[test]
    fn small_label_sets_come_first() {
        let check = |a: &[(&str, &str)], b: &[(&str, &str)], want| {
            assert_eq!(label_sets(&labels(a), &labels(b)), want, "{a:?} {b:?}");
            assert_eq!(label_sets(&labels(b), &labels(a)), want.reverse(), "{b:?} {a:?}");
        };
        check(&[("z", "9")], &[("a", "1"), ("b", "1")], Ordering::Less);
        check(&[("a", "1")], &[("a", "2")], Ordering::Less);
        check(&[("b", "1")], &[("a", "2")], Ordering::Less);
        check(&[("a", "1")], &[("a", "1")], Ordering::Equal);
    }

    #[test]
    fn alerts_are_listed_by_job_and_instance() {
        let check = |a: &[(&str, &str)], b: &[(&str, &str)]| {
            assert_eq!(alerts(&labels(a), &labels(b)), Ordering::Less, "{a:?} {b:?}");
        };
        check(&[("job", "a"), ("x", "2"), ("y", "")], &[("job", "b"), ("x", "1")]);
        check(&[("job", "b")], &[("a", "1")]);
        check(&[("job", "b"), ("instance", "1"), ("z", "9")], &[("job", "b"), ("instance", "2")]);
        check(&[("a", "1")], &[("a", "1"), ("b", "1")]);
    }
}
