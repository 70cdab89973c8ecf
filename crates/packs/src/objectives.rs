//! The objectives of a pack, as the rules know objectives.

use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether_promql::syntax::BinaryOp;
use bellwether_rules::slo::{AlertChange, Alerting, Indicator, Objective, Window};

use crate::compile::build;
use crate::generate::rules::RUNBOOK_URL;
use crate::schema::{Definition, Pack, Severity, Slo};

/// The window that the rules of objectives count events in, in milliseconds.
const WINDOW_MS: i64 = 5 * 60_000;

/// The objectives of a pack without errors.
pub fn objectives(pack: &Pack) -> Vec<Objective> {
    pack.slos.iter().map(|slo| objective(pack, slo)).collect()
}

/// One of the objectives of a pack without errors. The service is the pack.
pub(crate) fn objective(pack: &Pack, slo: &Slo) -> Objective {
    // What people route by in packs.
    let of = |severity: Severity| AlertChange {
        labels: [("severity".to_owned(), severity.as_str().to_owned())].into(),
        ..AlertChange::default()
    };
    let runbook = pack.runbook_url(&slo.name).map(|url| (RUNBOOK_URL.to_owned(), url));
    Objective {
        name: slo.name.value.clone(),
        service: pack.name.value.clone(),
        description: slo.help.clone(),
        target: (slo.objective * 1e10).round() / 1e12,
        window: Window::Rolling(slo.over_ms),
        indicator: indicator(pack, slo),
        labels: BTreeMap::new(),
        alerting: Alerting {
            labels: [("slo".to_owned(), slo.name.value.clone())].into(),
            annotations: runbook.into_iter().collect(),
            page: of(Severity::Critical),
            ticket: of(Severity::Warning),
            absent: of(Severity::Warning),
            ..Alerting::default()
        },
        min_events: 0.0,
        source: Arc::from(pack.source.as_str()),
        position: slo.position,
    }
}

fn indicator(pack: &Pack, slo: &Slo) -> Indicator {
    let sli = pack.named(&slo.sli).expect("BUG: a pack without errors has the ratios of its objectives");
    if let Definition::Ratio(ratio) = &sli.definition {
        let grouping = ratio.by.iter().map(|label| label.value.clone()).collect();
        let events = pack.compile_events_over(ratio, WINDOW_MS).expect("BUG: a pack without errors compiles");
        if let Some((good, total)) = events {
            // Two counters are read one after the other, and the good ones may be ahead.
            let bad = build::binary(BinaryOp::Sub, total.clone(), good);
            let bad = build::call("clamp_min", vec![bad, build::number(0.0)]);
            return Indicator { bad: bad.to_string(), total: total.to_string(), grouping };
        }
    }
    let share = pack.compile_named(sli).expect("BUG: a pack without errors compiles");
    Indicator::from_error_ratio(&format!("(1 - {})", share.expr), Vec::new())
}
