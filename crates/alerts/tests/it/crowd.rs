//! Many groups, and a service that cannot take them all before they are due again: everybody is told in the end, who waits longest first.
use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bellwether_alerts::router::{Delivery, DeliveryId, Router};
use bellwether_alerts::send::{Gate, Place};
use bellwether_alerts::silence::Silences;
use bellwether_model::{Alert, Fingerprint, Labels};

use crate::play::parse;

const CONFIG: &str = "
route: {receiver: hook, group_by: [alertname], group_wait: 0s, group_interval: 1s}
receivers: [{name: hook, webhook_configs: [{url: 'http://h/'}]}]
";
const STEP_MS: i64 = 100;
/// So much of the time of the service one message takes that it has for itself, in milliseconds.
const WORK_MS: f64 = 10.0;

/// A message on its way.
struct OnItsWay {
    delivery: Delivery,
    entering: Pin<Box<dyn Future<Output = Place>>>,
    place: Option<Place>,
    work_ms: f64,
}

/// A router, and a service that shares its time evenly among all messages that it has.
struct Crowd {
    router: Router,
    now_ms: i64,
    gate: Arc<Gate>,
    on_their_way: BTreeMap<DeliveryId, OnItsWay>,
    /// When each alert was told first.
    told_ms: BTreeMap<Fingerprint, i64>,
}

impl Crowd {
    fn new(places: usize) -> Self {
        Self {
            router: Router::new(parse(CONFIG), Silences::default(), []),
            now_ms: 0,
            gate: Arc::new(Gate::new(places)),
            on_their_way: BTreeMap::new(),
            told_ms: BTreeMap::new(),
        }
    }

    fn fire(&mut self, group: usize, job: usize) -> Fingerprint {
        let labels = Labels::from_pairs([("alertname", format!("G{group}")), ("job", job.to_string())]);
        let alert = Alert {
            labels,
            annotations: Labels::empty(),
            starts_at_ms: self.now_ms,
            ends_at_ms: Some(i64::MAX),
            generator_url: String::new(),
        };
        let fingerprint = alert.fingerprint();
        self.router.insert([alert], self.now_ms);
        fingerprint
    }

    /// As the runner does it: what is due begins, waits for its place, and fails when its time is over.
    fn step(&mut self) {
        self.now_ms += STEP_MS;
        let due = self.router.poll(self.now_ms);
        for id in due.superseded {
            self.on_their_way.remove(&id);
        }
        for delivery in due.deliveries {
            let (gate, since_ms) = (Arc::clone(&self.gate), delivery.since_ms);
            let entering = Box::pin(async move { gate.enter(since_ms).await });
            let id = delivery.id;
            self.on_their_way.insert(id, OnItsWay { delivery, entering, place: None, work_ms: WORK_MS });
        }
        for it in self.on_their_way.values_mut().filter(|it| it.place.is_none()) {
            let mut context = Context::from_waker(Waker::noop());
            if let Poll::Ready(place) = it.entering.as_mut().poll(&mut context) {
                it.place = Some(place);
            }
        }
        let n_served = self.on_their_way.values().filter(|it| it.place.is_some()).count();
        let share_ms = STEP_MS as f64 / n_served.max(1) as f64;
        let mut ended = Vec::new();
        for (id, it) in &mut self.on_their_way {
            if it.place.is_some() {
                it.work_ms -= share_ms;
            }
            if it.work_ms <= 0.0 || self.now_ms >= it.delivery.deadline_ms {
                ended.push(*id);
            }
        }
        for id in ended {
            let it = self.on_their_way.remove(&id).expect("it was there");
            if it.work_ms > 0.0 {
                self.router.failed(id, self.now_ms);
                continue;
            }
            self.router.delivered(id, None, self.now_ms);
            for alert in &it.delivery.alerts {
                self.told_ms.entry(alert.fingerprint()).or_insert(self.now_ms);
            }
        }
    }
}

/// How many of so many groups that fire at the same time are told within half a minute.
fn told_within_half_a_minute(groups: usize, places: usize) -> usize {
    let mut crowd = Crowd::new(places);
    let alerts: BTreeSet<Fingerprint> = (0..groups).map(|group| crowd.fire(group, 0)).collect();
    while crowd.now_ms < 30_000 && crowd.told_ms.len() < alerts.len() {
        crowd.step();
    }
    crowd.told_ms.len()
}

#[test]
fn many_groups_at_once_are_told_one_after_the_other() {
    // Fifteen seconds of work, and each is looked at again after ten: all at once none would ever be through.
    assert_eq!(told_within_half_a_minute(1_500, usize::MAX), 0);
    assert_eq!(told_within_half_a_minute(1_500, 32), 1_500);
}

#[test]
fn groups_that_always_have_news_starve_nobody() {
    // Each second there is news for a hundred and fifty messages, and the service takes a hundred.
    const BUSY: usize = 150;
    const OTHERS: usize = 300;
    let mut crowd = Crowd::new(32);
    let others: Vec<Fingerprint> = (0..OTHERS).map(|group| crowd.fire(1_000 + group, 0)).collect();
    while crowd.now_ms < 60_000 {
        if crowd.now_ms % 1_000 == 0 {
            let job = usize::try_from(crowd.now_ms / 1_000).expect("small");
            for group in 0..BUSY {
                crowd.fire(group, job);
            }
        }
        crowd.step();
    }
    let slowest = others.iter().map(|id| crowd.told_ms.get(id).copied().unwrap_or(i64::MAX)).max();
    // There are four hundred and fifty messages for the first time, which are four and a half seconds of work.
    assert!(slowest < Some(6_000), "{slowest:?}");
    // Whatever came until then is told as well.
    let late = (0..BUSY).filter(|group| {
        let labels = Labels::from_pairs([("alertname", format!("G{group}")), ("job", "40".to_owned())]);
        !crowd.told_ms.contains_key(&Fingerprint::of(&labels))
    });
    assert_eq!(late.count(), 0);
}
