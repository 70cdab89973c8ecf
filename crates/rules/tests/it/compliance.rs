//! The four cases of the alert generator compliance suite of Prometheus (specification 1.0), on a simulated clock: states, values, texts and series of alerts at every evaluation of 35
//! minutes, and exactly what is told when.
//!
//! Where the specification differs from Prometheus itself, Prometheus counts, as the suite accepts it: `endsAt` is counted from the evaluation, and an alert is told again after more
//! than the delay.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bellwether_model::{
    Alert, AppendBatch, AppendEntry, Appender as _, Clock, Labels, QueryContext, QueryMemory, Tenant, Value,
};
use bellwether_promql::engine::{
    Engine, EngineOptions, InstantQuery, QueryEngine as _, QuerySettings, QueryValue,
};
use bellwether_promql::testkit::MemoryStore;
use bellwether_rules::{
    AlertSink, AlertState, Environment, GroupDefaults, GroupSource, GroupView, Manager, ManagerOptions,
    RuleFile, RuleFileOptions,
};
use parking_lot::Mutex;
use tokio::time::{Instant, sleep};

/// When the first sample is.
const ZERO_MS: i64 = 1_700_000_000_000;
/// Samples come so often.
const SAMPLE_MS: i64 = 15_000;
/// Groups are evaluated so often.
const INTERVAL_MS: i64 = 30_000;
const RESEND_DELAY_MS: i64 = 60_000;
/// The first evaluation that is more than the delay behind another one.
const RESENT_AFTER_MS: i64 = 90_000;
const VALID_MS: i64 = 4 * RESEND_DELAY_MS;
const RESOLVED_RETENTION_MS: i64 = 15 * 60_000;
const N_SAMPLES: i64 = 140;

const RULES: &str = include_str!("compliance.yml");

/// Values and how often each comes, one after the other.
type Samples = &'static [(u32, usize)];

const SERIES: [(&str, &str, Samples); 10] = [
    (
        "NewAlerts_OrderCheck",
        "alertname=NewAlerts_OrderCheck_Rule1 variant=one",
        &[(1, 8), (11, 65), (9, 21)],
    ),
    (
        "NewAlerts_OrderCheck",
        "alertname=NewAlerts_OrderCheck_Rule1 variant=two",
        &[(1, 32), (11, 33), (9, 21)],
    ),
    (
        "PendingAndFiringAndResolved",
        "alertname=PendingAndFiringAndResolved_SimpleAlert",
        &[(3, 1), (5, 3), (9, 4), (11, 13), (15, 32), (19, 16), (9, 20), (15, 45), (8, 16)],
    ),
    (
        "PendingAndResolved_AlwaysInactive",
        "alertname=PendingAndResolved_AlwaysInactive_PendingAlert",
        RISES_SHORTLY,
    ),
    (
        "PendingAndResolved_AlwaysInactive",
        "alertname=PendingAndResolved_AlwaysInactive_InactiveAlert",
        RISES_SHORTLY,
    ),
    ("ZeroFor_SmallFor", "alertname=ZeroFor_SmallFor_ZeroFor", RISES_TWICE),
    ("ZeroFor_SmallFor", "alertname=ZeroFor_SmallFor_SmallFor", RISES_TWICE),
    ("ZeroFor_SmallFor", "for=template id=101", &[(1, 28), (2, 201)]),
    ("ZeroFor_SmallFor", "for=template id=102", &[(2, 28), (4, 201)]),
    ("ZeroFor_SmallFor", "for=template id=103", &[(3, 28), (6, 201)]),
];
const RISES_SHORTLY: Samples = &[(3, 1), (5, 3), (9, 4), (11, 11), (9, 1)];
const RISES_TWICE: Samples = &[(3, 1), (5, 3), (9, 4), (15, 13), (9, 72), (11, 13), (9, 1)];

/// What becomes of an alert, by the number of the sample from which on it is so: the state, the value, and since which sample it is active; nothing once it is over.
type Course = &'static [(i64, Option<(AlertState, u32, i64)>)];

struct Expected {
    group: &'static str,
    alert: &'static str,
    labels: &'static str,
    course: Course,
    /// Its texts at a value and since a sample.
    texts: fn(u32, i64) -> Vec<(&'static str, String)>,
}

const P: AlertState = AlertState::Pending;
const F: AlertState = AlertState::Firing;

const ALERTS: [Expected; 6] = [
    Expected {
        group: "NewAlerts_OrderCheck",
        alert: "NewAlerts_OrderCheck_Rule1",
        labels: "foo=bar variant=one",
        course: &[(8, Some((P, 11, 8))), (20, Some((F, 11, 8))), (73, None)],
        texts: |_, _| vec![("description", "This should produce more alerts later".to_owned())],
    },
    Expected {
        group: "NewAlerts_OrderCheck",
        alert: "NewAlerts_OrderCheck_Rule1",
        labels: "foo=bar variant=two",
        course: &[(32, Some((P, 11, 32))), (44, Some((F, 11, 32))), (65, None)],
        texts: |_, _| vec![("description", "This should produce more alerts later".to_owned())],
    },
    // It sees what the rule above it wrote in the same evaluation, and its texts see the labels of the result and not its own.
    Expected {
        group: "NewAlerts_OrderCheck",
        alert: "NewAlerts_OrderCheck_Rule2",
        labels: "foo=baz ba_dum=tss alertstate=firing",
        course: &[(44, Some((F, 2, 44))), (65, None)],
        texts: |_, _| {
            let text = "Based on ALERTS. Old alertname was NewAlerts_OrderCheck_Rule1. foo was bar.";
            vec![("description", text.to_owned())]
        },
    },
    // It comes back while its end is still told.
    Expected {
        group: "PendingAndFiringAndResolved",
        alert: "PendingAndFiringAndResolved_SimpleAlert",
        labels: "foo=bar",
        course: &[
            (8, Some((P, 11, 8))),
            (21, Some((P, 15, 8))),
            (32, Some((F, 15, 8))),
            (53, Some((F, 19, 8))),
            (69, None),
            (89, Some((P, 15, 89))),
            (113, Some((F, 15, 89))),
            (134, None),
        ],
        texts: |value, _| {
            let summary = format!("The value is {value} {value}");
            vec![("description", "SimpleAlert is firing".to_owned()), ("summary", summary)]
        },
    },
    Expected {
        group: "PendingAndResolved_AlwaysInactive",
        alert: "PendingAndResolved_AlwaysInactive_PendingAlert",
        labels: "foo=bar",
        course: &[(8, Some((P, 11, 8))), (19, None)],
        texts: |_, _| vec![("description", "SimpleAlert is firing".to_owned())],
    },
    // Its end is not told any more by the time that it comes back.
    Expected {
        group: "ZeroFor_SmallFor",
        alert: "ZeroFor_SmallFor_ZeroFor",
        labels: "foo=bar",
        course: &[(8, Some((F, 15, 8))), (21, None), (93, Some((F, 11, 93))), (106, None)],
        texts: |_, since| {
            let n = if since < 28 { 1 } else { 2 };
            let found = format!("101:{n},102:{},103:{},", 2 * n, 3 * n);
            vec![
                ("description", "This should immediately fire".to_owned()),
                ("template_query_test", format!("Args are: foo bar 99. first_id:101,{found}")),
                ("template_test", "1.049M 1Mi 2m 15s 95.9% 2022-01-25 12:36:43 +0000 UTC".to_owned()),
            ]
        },
    },
];

/// With a `for` that is shorter than the interval it fires at the second evaluation and not in between.
const SMALL_FOR: Expected = Expected {
    group: "ZeroFor_SmallFor",
    alert: "ZeroFor_SmallFor_SmallFor",
    labels: "ba_dum=tss",
    course: &[(8, Some((P, 15, 8))), (10, Some((F, 15, 8))), (21, None)],
    texts: |_, _| {
        let text = "This Part IS TESTING the strings. ::1 127.0.0.1. 7815. replaced text. .";
        vec![
            ("description", "This should fire after an interval".to_owned()),
            ("template_test", text.to_owned()),
        ]
    },
};

fn pairs(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split(' ').filter_map(|pair| pair.split_once('='))
}

/// The first evaluation at which a sample is seen, of a group whose evaluations are `offset_ms` behind multiples of the interval.
fn slot_of(sample: i64, offset_ms: i64) -> i64 {
    let after_ms = sample * SAMPLE_MS - offset_ms;
    ZERO_MS + offset_ms + (after_ms + INTERVAL_MS - 1).div_euclid(INTERVAL_MS) * INTERVAL_MS
}

impl Expected {
    fn labels(&self) -> Labels {
        let own = [("alertname", self.alert), ("rulegroup", self.group)];
        Labels::from_pairs(pairs(self.labels).chain(own))
    }

    fn annotations(&self, value: u32, since: i64) -> Labels {
        Labels::from_pairs((self.texts)(value, since))
    }

    /// The state at an evaluation, with the value and the sample since which it is active.
    fn at(&self, slot_ms: i64, offset_ms: i64) -> Option<(AlertState, u32, i64)> {
        let begun = self.course.iter().rev().find(|(sample, _)| slot_of(*sample, offset_ms) <= slot_ms);
        begun.and_then(|(_, state)| *state)
    }

    /// What is told, and when.
    fn told(&self, offset_ms: i64, until_ms: i64) -> Vec<(i64, Alert)> {
        let mut told = Vec::new();
        let mut fired: Option<(i64, Labels)> = None;
        let mut sent_ms = i64::MIN;
        let mut resolved_ms = None;
        let mut slot_ms = ZERO_MS + offset_ms;
        while slot_ms <= until_ms {
            let is_due = |sent_ms: i64| slot_ms - sent_ms >= RESENT_AFTER_MS;
            match self.at(slot_ms, offset_ms) {
                Some((AlertState::Firing, value, since)) => {
                    let is_new = fired.is_none() || resolved_ms.is_some();
                    let start_ms = if is_new { slot_ms } else { fired.as_ref().map_or(slot_ms, |it| it.0) };
                    let texts = self.annotations(value, since);
                    fired = Some((start_ms, texts.clone()));
                    resolved_ms = None;
                    if is_new || is_due(sent_ms) {
                        sent_ms = slot_ms;
                        told.push((slot_ms, self.alert_from(start_ms, slot_ms + VALID_MS, texts)));
                    }
                }
                Some(_) => fired = None,
                None => {
                    if let Some((start_ms, texts)) = &fired {
                        let is_new = resolved_ms.is_none();
                        let end_ms = *resolved_ms.get_or_insert(slot_ms);
                        if is_new || (is_due(sent_ms) && slot_ms - end_ms <= RESOLVED_RETENTION_MS) {
                            sent_ms = slot_ms;
                            told.push((slot_ms, self.alert_from(*start_ms, end_ms, texts.clone())));
                        }
                    }
                }
            }
            slot_ms += INTERVAL_MS;
        }
        told
    }

    fn alert_from(&self, start_ms: i64, end_ms: i64, annotations: Labels) -> Alert {
        Alert {
            labels: self.labels(),
            annotations,
            starts_at_ms: start_ms,
            ends_at_ms: Some(end_ms),
            generator_url: String::new(),
        }
    }
}

struct TestClock(Instant);

impl Clock for TestClock {
    fn now_ms(&self) -> i64 {
        ZERO_MS + self.0.elapsed().as_millis() as i64
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
}

struct Told {
    clock: Arc<TestClock>,
    alerts: Mutex<Vec<(i64, Alert)>>,
}

impl AlertSink for Told {
    fn send(&self, alerts: &[Alert]) {
        let now_ms = self.clock.now_ms();
        let alerts =
            alerts.iter().map(|alert| (now_ms, Alert { generator_url: String::new(), ..alert.clone() }));
        self.alerts.lock().extend(alerts);
    }
}

fn filled_store() -> Arc<MemoryStore> {
    let store = Arc::new(MemoryStore::new());
    for (group, labels, values) in SERIES {
        let own = [("__name__", "alert_generator_test_suite"), ("rulegroup", group)];
        let labels = Labels::from_pairs(pairs(labels).chain(own));
        let values = values.iter().flat_map(|(value, n)| std::iter::repeat_n(*value, *n));
        let samples = (0..).zip(values).map(|(sample, value)| AppendEntry {
            hint: None,
            labels: labels.clone(),
            ts_ms: ZERO_MS + sample * SAMPLE_MS,
            start_ts_ms: 0,
            value: f64::from(value).into(),
        });
        let batch = AppendBatch { samples: samples.collect(), ..AppendBatch::default() };
        store.append(&Tenant::default(), &batch).expect("stored");
    }
    store
}

/// The series `ALERTS` of a group at an evaluation, without the name.
fn series(engine: &Engine, group: &str, slot_ms: i64) -> Vec<Labels> {
    let request = InstantQuery {
        query: format!("ALERTS{{rulegroup={group:?}}} == 1"),
        ts_ms: slot_ms,
        settings: QuerySettings::default(),
    };
    let answer = engine.instant(&Tenant::default(), &request, &QueryContext::unbounded()).expect("answered");
    let QueryValue::Vector(samples) = answer.value else { panic!("a vector") };
    let mut found: Vec<Labels> = samples.iter().map(|sample| sample.labels.without_metric_name()).collect();
    found.sort();
    found
}

fn check(group: &GroupView, slot_ms: i64, engine: &Engine) {
    let offset_ms = (slot_ms - ZERO_MS) % INTERVAL_MS;
    let expected = || ALERTS.iter().chain([&SMALL_FOR]).filter(|it| it.group == group.name);
    let minute = (slot_ms - ZERO_MS) as f64 / 60_000.0;
    let mut want_series = Vec::new();
    for rule in &group.rules {
        let at = format!("{} after {minute} minutes", rule.rule.name());
        assert_eq!(rule.health.last_error, None, "{at}");
        let active = expected().filter(|it| it.alert == rule.rule.name());
        let active = active.filter_map(|it| Some((it, it.at(slot_ms, offset_ms)?)));
        let want: BTreeMap<Labels, _> = active.map(|(it, state)| (it.labels(), (it, state))).collect();
        let found: BTreeMap<Labels, _> =
            rule.alerts.iter().map(|alert| (alert.labels.clone(), alert)).collect();
        assert_eq!(found.keys().collect::<Vec<_>>(), want.keys().collect::<Vec<_>>(), "{at}");
        for (labels, (it, (state, value, since))) in want {
            let alert = found[&labels];
            assert_eq!((alert.state, alert.active_at_ms), (state, slot_of(since, offset_ms)), "{at}");
            assert!(
                matches!(alert.value, Value::Float(v) if v == f64::from(value)),
                "{at}: {:?}",
                alert.value
            );
            assert_eq!(alert.annotations, it.annotations(value, since), "{at}");
            let mut of_series = labels.to_builder();
            of_series.set("alertstate", state.as_str());
            want_series.push(of_series.build());
        }
        let worst = rule.alerts.iter().map(|alert| alert.state).max();
        assert_eq!(rule.state, worst.unwrap_or(AlertState::Inactive), "{at}");
    }
    want_series.sort();
    assert_eq!(series(engine, &group.name, slot_ms), want_series, "{} after {minute} minutes", group.name);
}

#[tokio::test(start_paused = true)]
async fn alerts_are_generated_as_the_compliance_suite_wants_it() {
    let store = filled_store();
    let engine = Arc::new(Engine::new(EngineOptions::default(), Arc::<MemoryStore>::clone(&store)));
    let clock = Arc::new(TestClock(Instant::now()));
    let told = Arc::new(Told { clock: Arc::clone(&clock), alerts: Mutex::default() });
    let manager = Manager::new(ManagerOptions {
        environment: Environment {
            engine: Arc::<Engine>::clone(&engine),
            appender: store,
            tenant: Tenant::default(),
            external_labels: Labels::empty(),
            external_url: String::new(),
        },
        clock: Arc::<TestClock>::clone(&clock),
        sink: Arc::<Told>::clone(&told),
        state: None,
        store: None,
        query_timeout: Duration::from_mins(1),
        query_memory: QueryMemory::new(64 << 20, 64 << 20),
        max_concurrent_evals: 4,
        resend_delay_ms: RESEND_DELAY_MS,
        outage_tolerance_ms: 3_600_000,
        for_grace_period_ms: 600_000,
    });
    let manager = manager.expect("nothing to be read");
    let file = RuleFile::parse("rules.yaml", RULES.as_bytes(), &RuleFileOptions::default()).expect("valid");
    let groups = file.groups.into_iter();
    let groups = groups.map(|definition| GroupSource { file: "rules.yaml".to_owned(), definition });
    let defaults = GroupDefaults { interval_ms: 60_000, query_offset_ms: 0 };
    manager.apply(groups.collect(), defaults, Labels::empty());

    let mut checked: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    while clock.now_ms() < ZERO_MS + N_SAMPLES * SAMPLE_MS {
        sleep(Duration::from_secs(1)).await;
        for group in manager.groups(true) {
            let slots = checked.entry(group.name.clone()).or_default();
            if let Some(slot_ms) = group.stats.evaluated_at_ms.filter(|slot| slots.last() != Some(slot)) {
                check(&group, slot_ms, &engine);
                slots.push(slot_ms);
            }
        }
    }
    let n_slots = usize::try_from(N_SAMPLES * SAMPLE_MS / INTERVAL_MS).expect("positive");
    for (group, slots) in &checked {
        assert_eq!(slots.len(), n_slots, "all evaluations of {group} were looked at");
    }

    let by_alert = |all: &[(i64, Alert)], labels: &Labels| -> Vec<(i64, Alert)> {
        all.iter().filter(|(_, alert)| alert.labels == *labels).cloned().collect()
    };
    let told = told.alerts.lock().clone();
    let mut n_want = 0;
    for it in ALERTS.iter().chain([&SMALL_FOR]) {
        let slots = &checked[it.group];
        let offset_ms = (slots[0] - ZERO_MS) % INTERVAL_MS;
        let want = it.told(offset_ms, slots[slots.len() - 1]);
        // A timer is a few milliseconds late.
        let found = by_alert(&told, &it.labels());
        let found: Vec<_> = found
            .into_iter()
            .map(|(at_ms, alert)| (at_ms - (at_ms - slots[0]) % INTERVAL_MS, alert))
            .collect();
        assert_eq!(found, want, "{}", it.labels());
        n_want += want.len();
    }
    assert_eq!(told.len(), n_want, "nothing else is told");
}
