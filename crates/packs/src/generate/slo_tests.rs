//! Unit tests of the alerts on budgets.
//!
//! Each pair of windows has a case in which it burns alone, just above its limit, and two in which one of the windows stays just below it. The events are those of the
//! objective's ratio, so that the tests also hold the rules that count what is bad.

use std::fmt::Write as _;

use bellwether_model::{format_duration_ms, format_float};
use bellwether_rules::slo::{BurnAlert, burn_alerts, series_labels};
use bellwether_yaml::Value;

use super::rule_tests::{self, Test};
use crate::compile::{EventSeries, Events, events};
use crate::objectives::objective;
use crate::schema::{Definition, Pack, Slo};

const MINUTE_MS: i64 = 60_000;

/// How often rules are evaluated: as often as the windows of their base series follow one another, so that each event is counted once. The long cases would also take too much time if it
/// were each minute.
const STEP_MINUTES: i64 = 5;

/// Events per minute while a case lasts.
const EVENTS: f64 = 1000.0;

/// For how long the recent events go on before the short window begins.
const LEAD_MINUTES: i64 = 2 * STEP_MINUTES;

/// For how long there are old events, and nothing between them and the recent ones.
const BEFORE_MINUTES: i64 = 4 * STEP_MINUTES;

/// The unit-test file; `None` if there is no objective for which events can be made up.
pub(super) fn unit_tests(pack: &Pack) -> Option<Value> {
    let tests = pack.slos.iter().flat_map(|slo| tests(pack, slo)).collect();
    rule_tests::file(pack, STEP_MINUTES * MINUTE_MS, tests)
}

/// The events of the ratio of an objective; `None` if none can be made up.
pub(crate) fn events_of(pack: &Pack, slo: &Slo) -> Option<Events> {
    match &pack.named(&slo.sli)?.definition {
        Definition::Ratio(ratio) => events(pack, ratio),
        _ => None,
    }
}

fn tests(pack: &Pack, slo: &Slo) -> Vec<Value> {
    let Some(events) = events_of(pack, slo) else { return Vec::new() };
    let objective = objective(pack, slo);
    let of_series = series_labels(&objective);
    let kept = events.kept.iter().chain(&of_series);
    let kept: Vec<(&str, &str)> = kept.map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let mut tests = Vec::new();
    for burn in burn_alerts(&objective) {
        let of_name = burn_alerts(&objective).filter(|other| other.name == burn.name);
        let longest_ms = of_name.map(|other| other.tier.short_ms).max().unwrap_or_default();
        let (above, below) = (burn.limit * 1.1, burn.limit * 0.9);
        let above = above.min(f64::midpoint(burn.limit, 1.0));
        let (long, short) = (format_duration_ms(burn.tier.long_ms), format_duration_ms(burn.tier.short_ms));
        let cases = [
            (format!("fires by {long} and {short}"), above, above, true),
            (format!("is quiet while {long} are good enough"), below, above, false),
            (format!("is quiet while {short} are good enough"), above, below, false),
        ];
        tests.extend(cases.map(|(what, long, short, fires)| {
            let case = Case::new(longest_ms, burn.tier.short_ms, long, short);
            test(&burn, &kept, &events, &case, &what, fires)
        }));
    }
    tests
}

fn test(
    burn: &BurnAlert,
    kept: &[(&str, &str)],
    events: &Events,
    case: &Case,
    what: &str,
    fires: bool,
) -> Value {
    let own = burn.labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let labels = own.chain(kept.iter().copied()).collect();
    Test {
        alert: &burn.name,
        what,
        at_ms: case.minutes() * MINUTE_MS,
        series: events.series.iter().map(|series| (series.series.as_str(), case.values(series))).collect(),
        fires_with: if fires { vec![labels] } else { Vec::new() },
    }
    .into_value()
}

/// Minutes in which equally much happens.
struct Phase {
    minutes: i64,
    good: f64,
    bad: f64,
}

/// What happens in a test, from its first minute on.
struct Case(Vec<Phase>);

impl Case {
    /// A case in which `long` is the share of what is bad in the long window of an alert and `short` that in its short one, and in which the other alerts of its name do not
    /// fire: either their limit is higher, or their short window, which is longer and `longest_ms` at most, has many good events.
    ///
    /// It is no longer than any long window, so that these see all of it:
    ///
    /// ```text
    /// many bad    nothing    many good    nothing    events for LEAD_MINUTES and the short window
    ///             |<---------- longest short window --------------------------------------------|
    /// ```
    fn new(longest_ms: i64, short_ms: i64, long: f64, short: f64) -> Self {
        let recent = short_ms / MINUTE_MS + LEAD_MINUTES;
        let before = longest_ms / MINUTE_MS + LEAD_MINUTES + BEFORE_MINUTES - recent;
        let (all, bad) = (EVENTS * recent as f64, EVENTS * recent as f64 * short);
        // As many as make the share in the other short windows a tenth of what it would be.
        let many_good = 9.0 * all;
        let many_bad = ((long * (many_good + all) - bad) / (1.0 - long)).round();
        let each = STEP_MINUTES as f64;
        Self(vec![
            Phase { minutes: STEP_MINUTES, good: 0.0, bad: many_bad / each },
            Phase { minutes: before - 3 * STEP_MINUTES, good: 0.0, bad: 0.0 },
            Phase { minutes: STEP_MINUTES, good: many_good / each, bad: 0.0 },
            Phase { minutes: STEP_MINUTES, good: 0.0, bad: 0.0 },
            Phase { minutes: recent, good: EVENTS * (1.0 - short), bad: EVENTS * short },
        ])
    }

    /// How long it lasts.
    fn minutes(&self) -> i64 {
        self.0.iter().map(|phase| phase.minutes).sum()
    }

    /// The values of a series, one each minute.
    fn values(&self, series: &EventSeries) -> String {
        let mut total = 0.0;
        let mut values = "0".to_owned();
        for phase in &self.0 {
            let counted = |counts: bool, events: f64| if counts { events } else { 0.0 };
            let step = counted(series.counts_good, phase.good) + counted(series.counts_bad, phase.bad);
            let (first, each) = (format_float(rounded(total + step)), format_float(rounded(step)));
            values.push(' ');
            values.push_str(&first);
            if phase.minutes > 1 && step == 0.0 {
                write!(values, "x{}", phase.minutes - 1).expect("BUG: writing to a string cannot fail");
            } else if phase.minutes > 1 {
                write!(values, "+{each}x{}", phase.minutes - 1)
                    .expect("BUG: writing to a string cannot fail");
            }
            total += step * phase.minutes as f64;
        }
        values
    }
}

/// Without the noise of binary fractions: six digits.
fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}
