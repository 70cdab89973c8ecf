use crate::MetricType;

/// Whether the series `name` belongs to the family `family` of type `metric_type`, so that it inherits the family's type and unit.
///
/// A counter family may be declared with or without `_total`, an info family with or without `_info`, because text 0.0.4 names the series
/// and OpenMetrics the family.
pub fn is_in_family(name: &str, family: &str, metric_type: MetricType) -> bool {
    let (own_suffix, suffixes): (&str, &[&str]) = match metric_type {
        MetricType::Counter => ("_total", &["_total"]),
        MetricType::Info => ("_info", &["_info"]),
        MetricType::Histogram => ("", &["_bucket", "_sum", "_count"]),
        MetricType::GaugeHistogram => ("", &["_bucket", "_gsum", "_gcount"]),
        MetricType::Summary => ("", &["_sum", "_count"]),
        MetricType::Gauge | MetricType::StateSet | MetricType::Unknown => ("", &[]),
    };
    if !name.starts_with(family) {
        return false;
    }
    let base = suffixes.iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name);
    base == family.strip_suffix(own_suffix).unwrap_or(family)
}

/// Whether the series `name` can belong to the family `family` of whatever type: it is named like the family, with or without a suffix that
/// OpenMetrics gives to series. Prometheus asks even less of OpenMetrics series and takes any that follows the declaration.
pub(crate) fn is_named_like_family(name: &str, family: &str) -> bool {
    const SUFFIXES: [&str; 8] =
        ["_total", "_created", "_bucket", "_count", "_sum", "_gcount", "_gsum", "_info"];
    name == family
        || name.strip_prefix(family).is_some_and(|suffix| SUFFIXES.contains(&suffix))
        || is_in_family(name, family, MetricType::Counter)
        || is_in_family(name, family, MetricType::Info)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_and_their_series() {
        let check = |name, family, metric_type, want| {
            assert_eq!(is_in_family(name, family, metric_type), want, "{name} in {metric_type} {family}");
        };
        check("a_total", "a", MetricType::Counter, true);
        check("a_total", "a_total", MetricType::Counter, true);
        check("a_created", "a", MetricType::Counter, false);
        check("a", "a_total", MetricType::Counter, false);
        check("a_bucket", "a", MetricType::Histogram, true);
        check("a_gcount", "a", MetricType::Histogram, false);
        check("a_gcount", "a", MetricType::GaugeHistogram, true);
        check("a", "a", MetricType::Summary, true);
        check("a_sum", "a", MetricType::Summary, true);
        check("a_info", "a", MetricType::Info, true);
        check("ab", "a", MetricType::Gauge, false);
        check("b", "a", MetricType::Unknown, false);
    }

    #[test]
    fn names_like_the_family() {
        assert!(is_named_like_family("a", "a"));
        assert!(is_named_like_family("a_gcount", "a"));
        assert!(is_named_like_family("a_total", "a_total"));
        assert!(!is_named_like_family("a_b", "a"));
        assert!(!is_named_like_family("b", "a"));
    }
}
