//! What the expressions of a pack mean in PromQL, and which metrics they are about, for those who show packs.

use crate::compile::{CompileError, Compiled, Series};
use crate::schema::{Pack, Panel};

/// What an expression means.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Meaning {
    /// The PromQL; `None` for an expression without a meaning, of which lint tells the reason.
    pub promql: Option<String>,
    /// The unit of the result, if it is known.
    pub unit: Option<String>,
    /// The metrics in it, sorted: those of the pack by their names in it, so that a histogram has one; others as they are written.
    pub metrics: Vec<String>,
}

/// What everything in a pack that has an expression means. Each list has the order of the pack.
#[derive(Debug, Clone, Default)]
pub struct Meanings {
    /// The named expressions.
    pub named: Vec<Meaning>,
    /// The recordings.
    pub recordings: Vec<Meaning>,
    /// The whole conditions of the alerts.
    pub alerts: Vec<Meaning>,
    /// The ratios of the objectives.
    pub slos: Vec<Meaning>,
    /// For each panel of each dashboard what it shows.
    pub panels: Vec<Vec<Vec<Meaning>>>,
}

impl Meanings {
    /// Compiles everything in a pack, which takes some milliseconds.
    pub fn of(pack: &Pack) -> Self {
        let meaning = |compiled| Meaning::new(pack, compiled);
        let panel = |panel: &Panel| panel.show.iter().map(|show| meaning(pack.compile(&show.expr))).collect();
        let slo = |sli: &str| pack.named(sli).map(|named| meaning(pack.compile_named(named)));
        Self {
            named: pack.named.iter().map(|named| meaning(pack.compile_named(named))).collect(),
            recordings: pack.recordings.iter().map(|made| meaning(pack.compile(&made.expr))).collect(),
            alerts: pack.alerts.iter().map(|alert| meaning(pack.compile_alert(alert))).collect(),
            slos: pack.slos.iter().map(|objective| slo(&objective.sli).unwrap_or_default()).collect(),
            panels: pack.dashboards.iter().map(|one| one.panels.iter().map(panel).collect()).collect(),
        }
    }
}

impl Meaning {
    fn new(pack: &Pack, compiled: Result<Compiled, CompileError>) -> Self {
        let Ok(Compiled { expr, unit, .. }) = compiled else { return Self::default() };
        let family = |name: &str| match pack.series(name) {
            Some(Series::Own(metric, _)) => metric.name.value.clone(),
            _ => name.to_owned(),
        };
        let selectors = expr.selectors();
        let names = selectors.iter().filter_map(|used| used.selector.name.as_deref());
        let mut metrics: Vec<String> = names.map(family).collect();
        metrics.sort_unstable();
        metrics.dedup();
        Self { promql: Some(expr.to_string()), unit, metrics }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACK: &str = r#"
pack: shop
version: 1.0.0
metrics:
- {name: shop_orders_total, type: counter, help: x, labels: {state: [paid, open]}}
- {name: shop_wait_seconds, type: histogram, unit: seconds, buckets: [1], help: x}
ratios:
- {name: paid, num: 'state="paid"', of: shop_orders_total}
quantiles:
- {name: slowest, q: 0.99, of: shop_wait_seconds}
recordings:
- {record: 'shop:slowest', expr: slowest, help: x}
alerts:
- {name: Slow, when: slowest > 1 and on () up == 1, for: 5m, severity: warning}
- {name: Broken, when: shop_nothing > 1, for: 5m, severity: warning}
slos:
- {name: orders, objective: 99, sli: paid}
- {name: none, objective: 99, sli: nothing}
panels:
- {title: Both, show: [paid, 'shop:slowest']}
"#;

    #[test]
    fn expressions_tell_the_metrics_that_they_are_about() {
        let pack = Pack::parse("shop.yaml", PACK.as_bytes()).unwrap_or_else(|e| panic!("{e}"));
        let Meanings { named, recordings, alerts, slos, panels } = Meanings::of(&pack);
        assert_eq!(named[0].metrics, ["shop_orders_total"]);
        let slowest = "histogram_quantile(0.99, sum by (le) (rate(shop_wait_seconds_bucket[5m])))";
        assert_eq!(named[1].promql.as_deref(), Some(slowest));
        assert_eq!(
            (named[1].unit.as_deref(), &named[1].metrics),
            (Some("seconds"), &vec!["shop_wait_seconds".to_owned()])
        );
        assert_eq!(recordings[0].promql.as_deref(), Some(slowest));
        assert_eq!(alerts[0].metrics, ["shop_wait_seconds", "up"]);
        assert_eq!(alerts[1], Meaning::default(), "lint says why");
        assert_eq!(slos[0], named[0]);
        assert_eq!(slos[1], Meaning::default());
        let [dashboard] = panels.as_slice() else { panic!("{panels:?}") };
        assert_eq!(dashboard[0][0], named[0]);
        assert_eq!(dashboard[0][1].metrics, ["shop:slowest"]);
    }
}
