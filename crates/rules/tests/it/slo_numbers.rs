//! The numbers of objectives, over the real engine, against a table that `tests/data/slo/burn_table.py` works out in fractions.

use std::process::Command;
use std::sync::Arc;

use bellwether_model::{AppendBatch, AppendEntry, Appender as _, Labels, QueryContext, Tenant, Value};
use bellwether_promql::engine::{Engine, EngineOptions, InstantQuery, QuerySettings, QueryValue};
use bellwether_promql::testkit::MemoryStore;
use bellwether_rules::slo::{Objective, SloStatus, budget, read, rule_files, status};
use bellwether_rules::{AlertState, Environment, Group, RuleFile, RuleFileOptions};
use serde_json::Value as Json;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/slo/burn_table.py");
const TABLE: &str = include_str!("../data/slo/burn_table.json");

/// The begin of the series: midnight of a first of January.
const BEGIN_MS: i64 = 1_767_225_600_000;
const MINUTE_MS: i64 = 60_000;
const CLOSE: f64 = 1e-9;

/// A server in a test: a store, and the rules of objectives.
struct World {
    objectives: Vec<Objective>,
    store: Arc<MemoryStore>,
    environment: Environment,
    groups: Vec<Group>,
}

impl World {
    fn new(text: &str) -> Self {
        let objectives = read("slo.yml", text.as_bytes()).unwrap_or_else(|errors| panic!("{errors}"));
        let store = Arc::new(MemoryStore::new());
        let environment = Environment {
            engine: Arc::new(Engine::new(EngineOptions::default(), Arc::<MemoryStore>::clone(&store))),
            appender: Arc::<MemoryStore>::clone(&store),
            tenant: Tenant::default(),
            external_labels: Labels::empty(),
            external_url: String::new(),
        };
        let files = rule_files(&objectives).into_iter().map(|(name, text)| {
            RuleFile::parse(&name, text.as_bytes(), &RuleFileOptions::default()).expect("a rule file")
        });
        let groups = files.flat_map(|file| file.groups).map(Group::new).collect();
        Self { objectives, store, environment, groups }
    }

    fn append(&self, series: &[(&str, &str)], minute: i64, value: f64) {
        let entry = AppendEntry {
            hint: None,
            labels: Labels::from_pairs(series.iter().copied()),
            ts_ms: BEGIN_MS + minute * MINUTE_MS,
            start_ts_ms: 0,
            value: Value::Float(value),
        };
        let batch = AppendBatch { samples: vec![entry], ..AppendBatch::default() };
        self.store.append(&Tenant::default(), &batch).expect("taken");
    }

    /// Evaluates all rules.
    fn evaluate(&mut self, minute: i64) {
        let cx = QueryContext::unbounded();
        for group in &mut self.groups {
            for outcome in group.evaluate(BEGIN_MS + minute * MINUTE_MS, &self.environment, &cx) {
                assert!(outcome.error.is_none(), "{:?}", outcome.error);
            }
        }
    }

    fn status(&self, minute: i64) -> Vec<SloStatus> {
        let objectives: Vec<&Objective> = self.objectives.iter().collect();
        let cx = QueryContext::unbounded();
        let now_ms = BEGIN_MS + minute * MINUTE_MS;
        status(&objectives, &*self.environment.engine, &Tenant::default(), now_ms, &cx).expect("answers")
    }

    /// The only value of an expression; `None` if there is none.
    fn value(&self, query: &str, minute: i64) -> Option<f64> {
        let ts_ms = BEGIN_MS + minute * MINUTE_MS;
        let request = InstantQuery { query: query.to_owned(), ts_ms, settings: QuerySettings::default() };
        let output =
            self.environment.engine.instant(&Tenant::default(), &request, &QueryContext::unbounded());
        let QueryValue::Vector(samples) = output.expect("answers").value else { panic!("a vector") };
        assert!(samples.len() < 2, "{query}: {samples:?}");
        samples.first().map(|sample| match sample.value {
            Value::Float(value) => value,
            Value::Histogram(_) => panic!("{query} is a histogram"),
        })
    }
}

/// `3/1000`; `None` is nothing.
fn fraction(json: &Json) -> Option<f64> {
    let (above, below) = json.as_str()?.split_once('/').expect("a fraction");
    let number = |text: &str| text.parse::<f64>().expect("a number");
    Some(number(above) / number(below))
}

fn assert_close(got: Option<f64>, want: Option<f64>, what: &str) {
    match (got, want) {
        (Some(got), Some(want)) => {
            let scale = want.abs().max(1.0);
            assert!((got - want).abs() <= CLOSE * scale, "{what}: {got} and not {want}");
        }
        (got, want) => assert_eq!(got, want, "{what}"),
    }
}

#[test]
fn the_table_is_what_the_script_says() {
    let run = Command::new("python3").arg(SCRIPT).output().expect("python3 is there");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    assert_eq!(String::from_utf8_lossy(&run.stdout), TABLE, "write the table anew");
}

#[test]
fn fast_windows_and_budget_are_those_of_the_table() {
    let table: Json = serde_json::from_str(TABLE).expect("JSON");
    let mut world = World::new(
        "slo: {name: a, objective: 99.9, good: 'requests_total{good=\"yes\"}', total: all_requests_total}",
    );
    let counter = |name: &str, minute: i64| table[name][minute as usize].as_f64().expect("a number");
    let rows = table["rows"].as_array().expect("rows");
    let mut checked = 0;
    let firing = |status: &SloStatus| -> Vec<&str> {
        let firing = status.alerts.iter().filter(|alert| alert.state == AlertState::Firing);
        firing.map(|status| status.alert.burn).collect()
    };
    for minute in 0..=200 {
        world.append(&[("__name__", "all_requests_total")], minute, counter("total", minute));
        world.append(&[("__name__", "requests_total"), ("good", "yes")], minute, counter("good", minute));
        world.evaluate(minute);
        let Some(row) = rows.iter().find(|row| row["minute"] == minute) else { continue };
        checked += 1;
        let at = |what: &str| format!("{what} at minute {minute}");
        let (fast, slow) = (fraction(&row["ratio_5m"]), fraction(&row["ratio_1h"]));
        assert_close(world.value("slo:sli_error:ratio_rate5m", minute), fast, &at("5m"));
        assert_close(world.value("slo:sli_error:ratio_rate1h", minute), slow, &at("1h"));
        let remaining = fraction(&row["remaining"]);
        assert_close(
            world.value("slo:period_error_budget_remaining:ratio", minute),
            remaining,
            &at("budget"),
        );
        // What the API tells is the same.
        let [status] = &world.status(minute)[..] else { panic!("one") };
        assert_close(status.total, fraction(&row["total"]), &at("total"));
        assert_close(status.bad, fraction(&row["bad"]), &at("bad"));
        assert_close(status.remaining, remaining, &at("remaining"));
        assert_close(status.remaining_minutes, remaining.map(|share| share * 43.2), &at("minutes"));
        let burn = |ms: i64| {
            status.burn.iter().find(|(window_ms, _)| *window_ms == ms).and_then(|(_, speed)| *speed)
        };
        assert_close(burn(5 * MINUTE_MS), fast.map(|ratio| ratio / 0.001), &at("burn of 5m"));
        if minute == 152 {
            assert_eq!(firing(status), ["fast", "medium", "slow", "long"]);
        }
        assert_close(burn(60 * MINUTE_MS), slow.map(|ratio| ratio / 0.001), &at("burn of 1h"));
    }
    assert_eq!(checked, rows.len());
    // More was bad than in thirty days may be, if the hours that there are go on.
    let [status] = &world.status(200)[..] else { panic!("one") };
    assert_eq!(status.exhausted_at_ms, Some(BEGIN_MS + 200 * MINUTE_MS));
    assert_eq!(firing(status), ["slow", "long"], "the last half hour is good enough for those that page");
    let times = (BEGIN_MS, BEGIN_MS + 200 * MINUTE_MS, 20 * MINUTE_MS);
    let engine = &*world.environment.engine;
    let points = budget(&world.objectives[0], engine, &Tenant::default(), times, &QueryContext::unbounded());
    let points = points.expect("answers");
    assert_eq!(points.remaining.len(), 10, "at minute 0 nothing had been counted");
    assert_close(points.remaining.last().map(|point| point.1), status.remaining, "the last point");
    // One line for the long window of each alert, each as far as the status says.
    assert_eq!(points.burn.keys().map(|ms| ms / 60 / MINUTE_MS).collect::<Vec<_>>(), [1, 6, 24, 72], "hours");
    for (window_ms, points) in &points.burn {
        assert_eq!(points.len(), 10);
        let (_, speed) = status.burn.iter().find(|(ms, _)| ms == window_ms).expect("a window of the status");
        assert_close(points.last().map(|point| point.1), *speed, &format!("{window_ms} ms"));
    }
}

#[test]
fn no_traffic_is_neither_good_nor_bad() {
    let mut world = World::new("slo: {name: a, objective: 99, bad: bad_total, total: t_total}");
    for minute in 0..=20 {
        world.append(&[("__name__", "t_total")], minute, 7.0);
        world.evaluate(minute);
    }
    let [status] = &world.status(20)[..] else { panic!("one") };
    assert_eq!((status.good, status.bad, status.total), (None, None, None));
    assert_eq!((status.remaining, status.remaining_minutes, status.exhausted_at_ms), (None, None, None));
    assert!(status.burn.iter().all(|(_, speed)| speed.is_none()), "{:?}", status.burn);
    assert_eq!(world.value("slo:sli_error:ratio_rate5m", 20), None);
    // Good events alone are enough: what has never failed has no series of failures.
    for minute in 21..=30 {
        world.append(&[("__name__", "t_total")], minute, 7.0 + 60.0 * (minute - 20) as f64);
        world.evaluate(minute);
    }
    let [status] = &world.status(30)[..] else { panic!("one") };
    assert_eq!((status.bad, status.remaining), (Some(0.0), Some(1.0)));
}

#[test]
fn groups_count_together_and_burn_apart() {
    let mut world = World::new(
        "slo: {name: a, objective: 99, bad: sum by (route) (bad_total), total: sum by (route) (t_total)}",
    );
    for minute in 0..=70 {
        for (route, bad) in [("/good", 0.0), ("/bad", 50.0)] {
            world.append(&[("__name__", "t_total"), ("route", route)], minute, 100.0 * minute as f64);
            world.append(&[("__name__", "bad_total"), ("route", route)], minute, bad * minute as f64);
        }
        world.evaluate(minute);
    }
    let [status] = &world.status(70)[..] else { panic!("one") };
    assert_close(status.bad.zip(status.total).map(|(bad, total)| bad / total), Some(0.25), "share of both");
    assert_eq!(world.value("ALERTS{burn=\"fast\", route=\"/bad\"}", 70), Some(1.0));
    assert_eq!(world.value("ALERTS{burn=\"fast\", route=\"/good\"}", 70), None);
}

#[test]
fn missing_data_raise_an_alert_after_a_quarter_of_an_hour() {
    let mut world = World::new("slo: {name: a, objective: 99, bad: bad_total, total: t_total}");
    let mut first = None;
    for minute in 0..=40 {
        if minute <= 10 {
            world.append(&[("__name__", "t_total")], minute, minute as f64);
        }
        world.evaluate(minute);
        let firing = world.value("ALERTS{alertname=\"ANoData\", alertstate=\"firing\"}", minute).is_some();
        if firing && first.is_none() {
            first = Some(minute);
        }
    }
    // The last sample is that of minute 10; two of them are in the window until minute 13.
    assert_eq!(first, Some(24));
}

#[test]
fn few_events_raise_no_alert() {
    for (min_events, fires) in [("0", true), ("400", true), ("700", false)] {
        let mut world = World::new(&format!(
            "slo: {{name: a, objective: 99, bad: bad_total, total: t_total, min_events: {min_events}}}"
        ));
        // Ten a minute for an hour, all bad.
        for minute in 0..=59 {
            world.append(&[("__name__", "t_total")], minute, 1000.0 + 10.0 * minute as f64);
            world.append(&[("__name__", "bad_total")], minute, 1000.0 + 10.0 * minute as f64);
            world.evaluate(minute);
        }
        let firing = world.value("ALERTS{burn=\"fast\", alertstate=\"firing\"}", 59).is_some();
        assert_eq!(firing, fires, "{min_events}");
    }
}

#[test]
fn a_month_of_the_calendar_begins_with_a_full_budget() {
    let mut world =
        World::new("slo: {name: a, objective: 99, window: month, bad: bad_total, total: t_total}");
    // From ten minutes before the month on; all that happens before it is bad, and one in a hundred after it.
    let mut bad = 0.0;
    for minute in -20..=30_i64 {
        bad += if minute <= 0 { 100.0 } else { 0.5 };
        world.append(&[("__name__", "t_total")], minute, 100.0 * (minute + 20) as f64);
        world.append(&[("__name__", "bad_total")], minute, bad);
        world.evaluate(minute);
        if minute == -1 {
            let [status] = &world.status(minute)[..] else { panic!("one") };
            assert!(status.remaining.is_some_and(|share| share < -90.0), "{status:?}");
        }
    }
    let [status] = &world.status(30)[..] else { panic!("one") };
    // The base series looks back five minutes, so that a little of the last month is counted in the first ones.
    let remaining = status.remaining.expect("traffic");
    assert!((-10.0..1.0).contains(&remaining), "{remaining}");
    assert!(status.total.is_some_and(|total| (3000.0..=3300.0).contains(&total)), "{:?}", status.total);
    assert_close(
        world.value("slo:sli_error:ratio_rate1M", 30),
        status.bad.zip(status.total).map(|(b, t)| b / t),
        "recorded",
    );
}

#[test]
fn slices_of_time_count_as_one_each() {
    let slo = "apiVersion: openslo/v1\nkind: SLO\nmetadata: {name: a}\nspec:\n  indicator: {metadata: {name: b}, spec: {ratioMetric: {counter: true, bad: {metricSource: {spec: {query: bad_total}}}, total: {metricSource: {spec: {query: t_total}}}}}}\n  timeWindow: [{duration: 1d, isRolling: true}]\n  budgetingMethod: Timeslices\n  objectives: [{target: 0.9, timeSliceTarget: 0.95, timeSliceWindow: 5m}]\n";
    let mut world = World::new(slo);
    // Of twelve slices of five minutes, three have ten percent of bad events, at very different speeds.
    let (mut total, mut bad) = (0.0, 0.0);
    for minute in 0..=60_i64 {
        let is_bad_slice = matches!((minute - 1) / 5, 2 | 3 | 7);
        let events = if is_bad_slice { 10.0 } else { 5000.0 };
        total += events;
        bad += if is_bad_slice { 1.0 } else { 10.0 };
        world.append(&[("__name__", "t_total")], minute, total);
        world.append(&[("__name__", "bad_total")], minute, bad);
        world.evaluate(minute);
    }
    let ratio = world
        .value("sum_over_time(slo:sli_bad:increase5m[1h]) / sum_over_time(slo:sli_total:increase5m[1h])", 60);
    assert!(ratio.is_some_and(|ratio| (0.2..0.3).contains(&ratio)), "{ratio:?}");
}
