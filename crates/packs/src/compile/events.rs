//! Good and bad events of a ratio, made up for tests.

use std::collections::BTreeMap;

use bellwether_model::{Labels, METRIC_NAME, MatchOp, format_float};

use super::{Part, Series, in_terms_of};
use crate::schema::{MetricKind, Pack, Ratio, Selector};

/// The series that the events of a ratio count in.
#[derive(Debug)]
pub(crate) struct Events {
    /// The series.
    pub(crate) series: Vec<EventSeries>,
    /// The labels that the ratio keeps, with their values in these series.
    pub(crate) kept: BTreeMap<String, String>,
}

/// A series, and which events it counts.
#[derive(Debug)]
pub(crate) struct EventSeries {
    /// The series as PromQL selects it.
    pub(crate) series: String,
    /// Whether it counts the events of which the ratio is the share.
    pub(crate) counts_good: bool,
    /// Whether it counts the others.
    pub(crate) counts_bad: bool,
}

/// How many combinations of labels are tried for a metric. Ratios have conditions on one or two labels with a handful of known values.
const MAX_COMBINATIONS: usize = 1000;

/// Series that the events of `ratio` count in. `None` if it is no share of events in classic series, or if no values are known that meet its conditions.
pub(crate) fn events(pack: &Pack, ratio: &Ratio) -> Option<Events> {
    let parts: Vec<Selector> = ratio.num.iter().flat_map(|num| in_terms_of(num, &ratio.of)).collect();
    let selectors: Vec<&Selector> = ratio.of.iter().chain(&parts).collect();
    let made_up = made_up(pack, &selectors, &ratio.by.iter().map(|label| label.as_str()).collect::<Vec<_>>());
    let is_whole = |labels: &Labels| ratio.of.iter().any(|selector| meets(selector, labels));
    let is_part = |labels: &Labels| parts.iter().any(|selector| meets(selector, labels));
    let kept = |labels: &Labels| -> BTreeMap<String, String> {
        let value = |label: &str| labels.get(label).map(|value| (label.to_owned(), value.to_owned()));
        ratio.by.iter().filter_map(|label| value(label)).collect()
    };
    let series = |series: String, counts_good, counts_bad| EventSeries { series, counts_good, counts_bad };
    if let Some(under) = ratio.under {
        let all = made_up.iter().find(|labels| is_whole(labels))?;
        let quick = bucket(all, under);
        return Some(Events {
            series: vec![series(quick, true, false), series(counter(pack, all)?, true, true)],
            kept: kept(all),
        });
    }
    made_up.iter().filter(|labels| is_whole(labels) && !is_part(labels)).find_map(|bad| {
        let is_alike = |labels: &&Labels| is_part(labels) && kept(labels) == kept(bad);
        let good = made_up.iter().filter(is_alike).min_by_key(|labels| !is_whole(labels))?;
        // Successes that have a metric of their own are counted in that of all events, too.
        let is_of_its_own = !is_whole(good);
        let (good, kept) = (counter(pack, good)?, kept(bad));
        let bad = counter(pack, bad)?;
        Some(Events { series: vec![series(good, true, false), series(bad, is_of_its_own, true)], kept })
    })
}

/// Series of the metrics of `selectors`, with the values that are known of the labels that conditions or `by` name. The name is that of the metric.
fn made_up(pack: &Pack, selectors: &[&Selector], by: &[&str]) -> Vec<Labels> {
    let mut metrics: Vec<&str> = Vec::new();
    for name in selectors.iter().filter_map(|selector| selector.metric.as_deref()) {
        if !metrics.contains(&name) {
            metrics.push(name);
        }
    }
    metrics
        .into_iter()
        .flat_map(|metric| {
            let matchers = selectors.iter().filter(|selector| selector.metric.as_deref() == Some(metric));
            let matchers: Vec<_> = matchers.flat_map(|selector| &selector.matchers).collect();
            let mut labels: Vec<&str> = by.iter().copied().chain(matchers.iter().map(|m| m.name())).collect();
            labels.sort_unstable();
            labels.dedup();
            let name = Labels::from_pairs([(METRIC_NAME, metric)]);
            labels.into_iter().fold(vec![name], |made_up, label| {
                let declared = pack.metric(metric).and_then(|metric| metric.label(label));
                let declared =
                    declared.into_iter().flat_map(|label| label.values.iter().chain(&label.examples));
                let compared = matchers
                    .iter()
                    .filter(|m| m.name() == label && matches!(m.op(), MatchOp::Eq | MatchOp::Ne));
                let values = declared.map(String::as_str).chain(compared.map(|m| m.value()));
                // A label need not be there, which is what an empty value means.
                let values: Vec<&str> = values.chain([""]).collect();
                let with = |labels: &Labels| -> Vec<Labels> {
                    let others = labels.iter().map(|l| (l.name, l.value));
                    values
                        .iter()
                        .map(|value| Labels::from_pairs(others.clone().chain([(label, *value)])))
                        .collect()
                };
                made_up.iter().flat_map(with).take(MAX_COMBINATIONS).collect()
            })
        })
        .collect()
}

/// Whether the series of a metric is among those of a selector.
fn meets(selector: &Selector, labels: &Labels) -> bool {
    selector.metric.as_deref() == labels.get(METRIC_NAME)
        && selector
            .matchers
            .iter()
            .all(|matcher| matcher.matches(labels.get(matcher.name()).unwrap_or_default()))
}

/// The series in which the events of a metric are counted; `None` if it does not count.
fn counter(pack: &Pack, labels: &Labels) -> Option<String> {
    let name = labels.get(METRIC_NAME)?;
    let kind = match (pack.metric(name), pack.series(name)) {
        (Some(metric), _) => metric.kind,
        (None, Some(Series::External(kind))) => kind,
        (None, Some(Series::Own(_, Part::Count))) => MetricKind::Counter,
        _ => return None,
    };
    match kind {
        MetricKind::Counter => Some(labels.to_string()),
        MetricKind::Histogram | MetricKind::Summary => Some(renamed(labels, "_count").to_string()),
        _ => None,
    }
}

/// The series of the observations of a histogram that are at most `under`.
fn bucket(labels: &Labels, under: f64) -> String {
    let named = renamed(labels, "_bucket");
    let labels = named.iter().map(|l| (l.name, l.value));
    Labels::from_pairs(labels.chain([("le", format_float(under).as_str())])).to_string()
}

/// The labels with `suffix` behind the name.
fn renamed(labels: &Labels, suffix: &str) -> Labels {
    let name = format!("{}{suffix}", labels.get(METRIC_NAME).unwrap_or_default());
    Labels::from_pairs(labels.iter().map(|l| (l.name, l.value)).chain([(METRIC_NAME, name.as_str())]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Definition;

    /// The series of the ratio `good` with what they count, one a line.
    fn of(metrics: &str, ratio: &str) -> Option<String> {
        let text =
            format!("pack: x\nversion: 1.0.0\nmetrics: [{metrics}]\nratios: [{{name: good, {ratio}}}]\n");
        let pack = Pack::parse("x.yaml", text.as_bytes()).unwrap_or_else(|e| panic!("{e}"));
        let Definition::Ratio(ratio) = &pack.named("good").expect("there").definition else {
            panic!("a ratio")
        };
        let events = events(&pack, ratio)?;
        let series = events.series.iter().map(|one| {
            let word = |counts: bool, word: &'static str| if counts { word } else { "" };
            format!("{}:{}{}", one.series, word(one.counts_good, " good"), word(one.counts_bad, " bad"))
        });
        let kept = events.kept.iter().map(|(name, value)| format!("{name}={value}"));
        Some(series.chain(kept).collect::<Vec<_>>().join("\n"))
    }

    #[test]
    fn events_count_in_the_series_that_a_ratio_divides() {
        let check = |metrics: &str, ratio: &str, want: &str| {
            assert_eq!(of(metrics, ratio).as_deref(), Some(want), "{metrics} {ratio}");
        };
        let runs = "{name: runs_total, type: counter, help: x, labels: {flow: {max: 9, examples: [a]}, status: [success, failure]}}";
        check(
            runs,
            "num: 'status=\"success\"', of: runs_total",
            "runs_total{status=\"success\"}: good\nruns_total{status=\"failure\"}: bad",
        );
        check(
            runs,
            "num: 'status!=\"failure\"', of: runs_total, by: [flow]",
            "runs_total{flow=\"a\", status=\"success\"}: good\nruns_total{flow=\"a\", status=\"failure\"}: bad\nflow=a",
        );
        let took = "{name: took_seconds, type: histogram, help: x, buckets: [1, 2], labels: {error: {max: 9, examples: [timeout]}}}";
        check(
            took,
            "under: 2, of: 'took_seconds{error=\"\"}'",
            "took_seconds_bucket{le=\"2\"}: good\ntook_seconds_count: good bad",
        );
        check(
            took,
            "num: 'error=\"\"', of: took_seconds",
            "took_seconds_count: good\ntook_seconds_count{error=\"timeout\"}: bad",
        );
        let cache =
            "{name: hits_total, type: counter, help: x}, {name: misses_total, type: counter, help: x}";
        check(
            cache,
            "num: hits_total, of: [hits_total, misses_total]",
            "hits_total: good\nmisses_total: bad",
        );
        // Successes beside a count of everything.
        check(cache, "num: hits_total, of: misses_total", "hits_total: good\nmisses_total: good bad");
    }

    #[test]
    fn what_is_no_share_of_events_has_none() {
        let pool = "{name: used, type: gauge, help: x}, {name: size, type: gauge, help: x}";
        assert_eq!(of(pool, "num: used, of: size"), None);
        let codes = "{name: runs_total, type: counter, help: x, labels: {code: {max: 9}}}";
        assert_eq!(of(codes, "num: 'code!~\"5..\"', of: runs_total"), None);
    }
}
