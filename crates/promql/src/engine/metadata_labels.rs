use bellwether_model::{Label, Labels, METRIC_NAME};

/// The labels that describe a metric and not where it comes from: its name, its type and its unit. What an operation computes from a metric is no longer described by them.
pub(crate) const METADATA_LABELS: [&str; 3] = [METRIC_NAME, TYPE_LABEL, "__unit__"];

/// The label that carries the type of a metric.
pub(crate) const TYPE_LABEL: &str = "__type__";

/// The labels without those that describe the metric.
pub(crate) fn without_metadata(labels: &Labels) -> Labels {
    if METADATA_LABELS.iter().any(|name| labels.has(name)) {
        labels.retain(|l| !METADATA_LABELS.contains(&l.name))
    } else {
        labels.clone()
    }
}

/// Whether any two label sets describe their metrics differently.
pub(crate) fn differ_in_metadata(labels: &[Labels]) -> bool {
    fn metadata(labels: &Labels) -> impl Iterator<Item = Label<'_>> {
        // All of these names begin alike, and names are sorted.
        let until = labels.iter().take_while(|l| l.name.as_bytes() <= b"__unit__");
        until.filter(|l| METADATA_LABELS.contains(&l.name))
    }
    let Some((first, others)) = labels.split_first() else { return false };
    others.iter().any(|other| !metadata(first).eq(metadata(other)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_told_apart() {
        let check = |sets: &[&[(&str, &str)]], want: bool| {
            let labels: Vec<_> = sets.iter().map(|pairs| Labels::from_pairs(pairs.iter().copied())).collect();
            assert_eq!(differ_in_metadata(&labels), want, "{sets:?}");
        };
        check(&[], false);
        check(&[&[("__name__", "a"), ("x", "1")], &[("A", "b"), ("__name__", "a")]], false);
        check(&[&[("__name__", "a")], &[("__name__", "b")]], true);
        check(&[&[("__name__", "a")], &[("__name__", "a"), ("__type__", "gauge")]], true);
        check(&[&[("__name__", "a")], &[("x", "1")]], true);
    }
}
