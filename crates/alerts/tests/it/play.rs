//! A router that is played through second by second.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bellwether_alerts::config::{Config, ConfigOptions};
use bellwether_alerts::dedup::LogEntry;
use bellwether_alerts::router::{Changes, Delivery, GroupClock, GroupId, KnownAlert, LogKey, Router};
use bellwether_alerts::silence::Silences;
use bellwether_model::{Alert, Fingerprint, Labels};

pub(crate) const CONFIG: &str = "
route:
  receiver: all
  group_by: [alertname]
  group_wait: 30s
  group_interval: 5m
  repeat_interval: 1h
  routes:
  - matchers: [severity=page]
    receiver: pager
    group_wait: 0s
    mute_time_intervals: [night]
inhibit_rules:
- source_matchers: [alertname=Down]
  target_matchers: [alertname=Slow]
  equal: [job]
time_intervals:
- name: night
  time_intervals: [{times: [{start_time: '22:00', end_time: '24:00'}]}]
receivers:
- name: all
  webhook_configs: [{url: 'http://h/'}]
- name: pager
  webhook_configs: [{url: 'http://h/'}, {url: 'http://h/2', send_resolved: false}]
";

/// A router and the time, in seconds after a Monday's midnight.
pub(crate) struct Play {
    pub(crate) router: Router,
    pub(crate) at_s: i64,
    /// What was told: when, to whom, why, and the jobs of the alerts, those that are over in brackets.
    pub(crate) told: Vec<String>,
    /// Whether deliveries fail.
    pub(crate) broken: bool,
    /// Who believes that which alert fires, going by what was told.
    pub(crate) believed: BTreeSet<(LogKey, Fingerprint)>,
    kept: Kept,
}

/// What another run would find.
#[derive(Default)]
struct Kept {
    alerts: BTreeMap<Fingerprint, KnownAlert>,
    groups: BTreeMap<GroupId, GroupClock>,
    log: BTreeMap<LogKey, LogEntry>,
    unsure: BTreeMap<LogKey, BTreeSet<Fingerprint>>,
}

impl Kept {
    fn apply(&mut self, changes: Changes) {
        apply(&mut self.alerts, changes.alerts);
        apply(&mut self.groups, changes.groups);
        apply(&mut self.log, changes.log);
        apply(&mut self.unsure, changes.unsure);
    }
}

fn apply<K: Ord, V>(map: &mut BTreeMap<K, V>, changes: Vec<(K, Option<V>)>) {
    for (key, value) in changes {
        match value {
            Some(value) => map.insert(key, value),
            None => map.remove(&key),
        };
    }
}

const MONDAY_MS: i64 = 1_700_438_400_000;

impl Play {
    pub(crate) fn new(config: &str) -> Self {
        let config = parse(config);
        Self {
            router: Router::new(config, Silences::default(), []),
            at_s: 0,
            told: Vec::new(),
            broken: false,
            believed: BTreeSet::new(),
            kept: Kept::default(),
        }
    }

    /// The program ends and starts again, with what it has kept.
    pub(crate) fn restart(&mut self, config: &str) {
        self.router.settle();
        self.keep();
        self.die(config);
    }

    /// What has changed is kept.
    pub(crate) fn keep(&mut self) {
        self.kept.apply(self.router.take_changes());
    }

    /// The program is killed and starts again, with what it had kept before.
    pub(crate) fn die(&mut self, config: &str) {
        let log: Vec<(LogKey, LogEntry)> = self.kept.log.clone().into_iter().collect();
        let mut silences = Silences::default();
        silences.put(self.router.silences.iter().cloned());
        self.router = Router::new(parse(config), silences, log);
        let Kept { alerts, groups, unsure, .. } = &self.kept;
        self.router.restore(alerts.values().cloned(), groups.clone(), unsure.clone(), self.now_ms());
    }

    pub(crate) fn now_ms(&self) -> i64 {
        MONDAY_MS + self.at_s * 1000
    }

    /// Alerts come at `at_s`; time passes until then.
    pub(crate) fn alert(&mut self, at_s: i64, name: &str, job: &str, severity: &str, ends_in_s: Option<i64>) {
        self.pass(at_s);
        self.insert(at_s, name, job, severity, ends_in_s);
        self.deliver();
    }

    /// An alert comes at `at_s`, and nobody is told yet.
    pub(crate) fn insert(
        &mut self,
        at_s: i64,
        name: &str,
        job: &str,
        severity: &str,
        ends_in_s: Option<i64>,
    ) {
        self.at_s = at_s;
        let now_ms = self.now_ms();
        let alert = Alert {
            labels: Labels::from_pairs([("alertname", name), ("job", job), ("severity", severity)]),
            annotations: Labels::empty(),
            starts_at_ms: now_ms,
            ends_at_ms: ends_in_s.map(|s| now_ms + s * 1000),
            generator_url: String::new(),
        };
        self.router.insert([alert], now_ms);
    }

    /// Time passes until `to_s`.
    pub(crate) fn pass(&mut self, to_s: i64) {
        while let Some(wake_ms) = self.router.next_wake_ms().filter(|wake| *wake <= MONDAY_MS + to_s * 1000) {
            self.at_s = self.at_s.max((wake_ms - MONDAY_MS) / 1000);
            self.deliver();
        }
        self.at_s = to_s;
    }

    fn deliver(&mut self) {
        let now_ms = self.now_ms();
        for delivery in self.router.poll(now_ms).deliveries {
            let failed = if self.broken { " failed" } else { "" };
            self.told.push(format!("{}: {}{failed}", self.at_s, shown(&delivery, now_ms)));
            if self.broken {
                self.router.failed(delivery.id, now_ms);
            } else {
                self.router.delivered(delivery.id, None, now_ms).expect("it was open");
                for alert in &delivery.alerts {
                    let belief = (delivery.to.clone(), alert.fingerprint());
                    if alert.is_resolved(now_ms) {
                        self.believed.remove(&belief);
                    } else {
                        self.believed.insert(belief);
                    }
                }
            }
        }
    }
}

pub(crate) fn parse(text: &str) -> Arc<Config> {
    let config = Config::parse("alertmanager.yml", text.as_bytes(), ConfigOptions::default());
    Arc::new(config.unwrap_or_else(|errors| panic!("{errors}")))
}

fn shown(delivery: &Delivery, now_ms: i64) -> String {
    let jobs: Vec<String> = delivery
        .alerts
        .iter()
        .map(|alert| {
            let job = alert.labels.get("job").unwrap_or("");
            if alert.is_resolved(now_ms) { format!("({job})") } else { job.to_owned() }
        })
        .collect();
    let (to, reason) = (&delivery.to, delivery.reason.as_str());
    format!("{}/{} {reason} {}", to.receiver, to.integration.nth, jobs.join(" "))
}
