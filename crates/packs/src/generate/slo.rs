//! Rules for objectives: how fast their budget burns, over two windows each.
//!
//! The pairs of windows and the shares of the budget are those of the SRE Workbook: it pages when 2 % of the budget are gone within an hour or 5 % within six, and opens a ticket
//! at 10 % within one or three days.

use bellwether_model::{format_duration_ms, format_float};
use bellwether_yaml::{MapValue, Value};

use super::camel_case;
use crate::schema::{Pack, Slo};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// Two windows that must both burn, and how fast that is.
struct Burn {
    long_ms: i64,
    short_ms: i64,
    /// The share of the budget that is gone after the long window.
    budget: f64,
    severity: &'static str,
}

const BURNS: [Burn; 4] = [
    Burn { long_ms: HOUR_MS, short_ms: 5 * MINUTE_MS, budget: 0.02, severity: "critical" },
    Burn { long_ms: 6 * HOUR_MS, short_ms: 30 * MINUTE_MS, budget: 0.05, severity: "critical" },
    Burn { long_ms: 24 * HOUR_MS, short_ms: 2 * HOUR_MS, budget: 0.1, severity: "warning" },
    Burn { long_ms: 72 * HOUR_MS, short_ms: 6 * HOUR_MS, budget: 0.1, severity: "warning" },
];

/// A group for each objective.
pub(super) fn groups(pack: &Pack) -> impl Iterator<Item = Value> {
    pack.slos.iter().map(|slo| {
        let mut group = MapValue::new();
        group.set("name", format!("{}_slo_{}", pack.name, slo.name));
        group.set("rules", Value::List(recordings(pack, slo).chain(alerts(slo)).collect()));
        group.into()
    })
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

fn alerts(slo: &Slo) -> impl Iterator<Item = Value> {
    let allowed = 1.0 - slo.objective / 100.0;
    ["critical", "warning"].into_iter().map(move |severity| {
        let burning = BURNS.iter().filter(|burn| burn.severity == severity).map(|burn| {
            // As many times as fast as the budget would last just so.
            let factor = burn.budget * slo.over_ms as f64 / burn.long_ms as f64;
            let limit = format_float(rounded((factor * allowed).min(1.0)));
            let (long, short) = (bad_ratio(slo, burn.long_ms), bad_ratio(slo, burn.short_ms));
            format!("{long} > {limit} and {short} > {limit}")
        });
        let expr = burning.collect::<Vec<_>>().join(" or ");
        let mut rule = MapValue::new();
        rule.set(
            "alert",
            format!(
                "{}BudgetBurns{}",
                camel_case(&slo.name),
                if severity == "critical" { "Fast" } else { "Slowly" }
            ),
        );
        rule.set("expr", expr);
        rule.set("for", "2m");
        rule.set("labels", Value::string_map([("severity", severity), ("slo", slo.name.as_str())]));
        let summary = format!(
            "The budget of {} ({} % over {}) burns too fast: {{{{ $value | humanizePercentage }}}} is bad",
            slo.name,
            format_float(slo.objective),
            format_duration_ms(slo.over_ms)
        );
        rule.set("annotations", Value::string_map([("summary", summary)]));
        rule.into()
    })
}

/// Without the noise of binary fractions: twelve digits.
fn rounded(value: f64) -> f64 {
    (value * 1e12).round() / 1e12
}
