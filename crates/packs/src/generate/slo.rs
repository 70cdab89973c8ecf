//! Rules for objectives: how fast their budget burns, over two windows each.
//!
//! The pairs of windows and the shares of the budget are those of the SRE Workbook: it pages when 2 % of the budget are gone within an hour or 5 % within six, and opens a ticket
//! at 10 % within one or three days.

use bellwether_model::{format_duration_ms, format_float};
use bellwether_yaml::{MapValue, Value};

use super::camel_case;
use super::rules::RUNBOOK_URL;
use crate::schema::{Pack, Severity, Slo};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// Two windows that must both burn, and how fast that is.
struct Burn {
    long_ms: i64,
    short_ms: i64,
    /// The share of the budget that is gone after the long window.
    budget: f64,
    severity: Severity,
}

const BURNS: [Burn; 4] = [
    Burn { long_ms: HOUR_MS, short_ms: 5 * MINUTE_MS, budget: 0.02, severity: Severity::Critical },
    Burn { long_ms: 6 * HOUR_MS, short_ms: 30 * MINUTE_MS, budget: 0.05, severity: Severity::Critical },
    Burn { long_ms: 24 * HOUR_MS, short_ms: 2 * HOUR_MS, budget: 0.1, severity: Severity::Warning },
    Burn { long_ms: 72 * HOUR_MS, short_ms: 6 * HOUR_MS, budget: 0.1, severity: Severity::Warning },
];

/// An alert on the speed at which the budget of an objective burns.
pub(super) struct BurnAlert {
    /// The name.
    pub(super) name: String,
    /// How bad it is.
    pub(super) severity: Severity,
    /// It fires if both windows of one of these burn.
    pub(super) pairs: Vec<BurnPair>,
}

/// Two windows in which more than `limit` must be bad.
pub(super) struct BurnPair {
    /// The long window, in milliseconds.
    pub(super) long_ms: i64,
    /// The short window, which is over soon after an incident is, in milliseconds.
    pub(super) short_ms: i64,
    /// A share below 1.
    pub(super) limit: f64,
}

/// A group for each objective.
pub(super) fn groups(pack: &Pack) -> impl Iterator<Item = Value> {
    pack.slos.iter().map(|slo| {
        let mut group = MapValue::new();
        group.set("name", format!("{}_slo_{}", pack.name, slo.name));
        let alerts = burn_alerts(slo).map(|burn| alert(pack, slo, &burn));
        group.set("rules", Value::List(recordings(pack, slo).chain(alerts).collect()));
        group.into()
    })
}

/// The alerts of an objective. Two windows whose limit nothing can exceed are left out, and so is an alert without windows: the budget of an objective of 90 % never burns 14.4
/// times as fast as it may.
pub(super) fn burn_alerts(slo: &Slo) -> impl Iterator<Item = BurnAlert> {
    let allowed = 1.0 - slo.objective / 100.0;
    [(Severity::Critical, "Fast"), (Severity::Warning, "Slowly")].into_iter().filter_map(
        move |(severity, how)| {
            let burns = BURNS.iter().filter(|burn| burn.severity == severity);
            let pairs = burns.map(|&Burn { long_ms, short_ms, budget, .. }| {
                // As many times as fast as the budget would last just so.
                let factor = budget * slo.over_ms as f64 / long_ms as f64;
                BurnPair { long_ms, short_ms, limit: rounded(factor * allowed) }
            });
            let pairs: Vec<BurnPair> = pairs.filter(|pair| pair.limit < 1.0).collect();
            let name = format!("{}BudgetBurns{how}", camel_case(&slo.name));
            (!pairs.is_empty()).then_some(BurnAlert { name, severity, pairs })
        },
    )
}

/// The labels of an alert beside its name and those of the ratio.
pub(super) fn labels<'s>(slo: &'s Slo, burn: &BurnAlert) -> [(&'static str, &'s str); 2] {
    [("severity", burn.severity.as_str()), ("slo", slo.name.as_str())]
}

/// The series with the share of what is bad within a window.
fn bad_ratio(slo: &Slo, window_ms: i64) -> String {
    format!("slo:{}:bad_ratio{}", super::slug(&slo.name, '_'), format_duration_ms(window_ms))
}

fn recordings(pack: &Pack, slo: &Slo) -> impl Iterator<Item = Value> {
    let sli = pack.named(&slo.sli).expect("BUG: a pack without errors has the ratios of its objectives");
    let mut windows: Vec<i64> = BURNS.iter().flat_map(|burn| [burn.long_ms, burn.short_ms]).collect();
    windows.sort_unstable();
    windows.dedup();
    windows.into_iter().map(move |window_ms| {
        let good = pack.compile_ratio_over(sli, window_ms).expect("BUG: a pack without errors compiles");
        let mut rule = MapValue::new();
        rule.set("record", bad_ratio(slo, window_ms));
        rule.set("expr", format!("1 - {}", good.expr));
        rule.into()
    })
}

fn alert(pack: &Pack, slo: &Slo, burn: &BurnAlert) -> Value {
    let burning = burn.pairs.iter().map(|pair| {
        let limit = format_float(pair.limit);
        let (long, short) = (bad_ratio(slo, pair.long_ms), bad_ratio(slo, pair.short_ms));
        format!("{long} > {limit} and {short} > {limit}")
    });
    let summary = format!(
        "The budget of {} ({} % over {}) burns too fast: {{{{ $value | humanizePercentage }}}} is bad",
        slo.name,
        format_float(slo.objective),
        format_duration_ms(slo.over_ms)
    );
    let runbook = pack.runbook_url(&slo.name).map(|url| (RUNBOOK_URL, url));
    let annotations = [("summary", summary)].into_iter().chain(runbook);
    let mut rule = MapValue::new();
    rule.set("alert", burn.name.as_str());
    rule.set("expr", burning.collect::<Vec<_>>().join(" or "));
    rule.set("for", "2m");
    rule.set("labels", Value::string_map(labels(slo, burn)));
    rule.set("annotations", Value::string_map(annotations));
    rule.into()
}

/// Without the noise of binary fractions: twelve digits.
fn rounded(value: f64) -> f64 {
    (value * 1e12).round() / 1e12
}
