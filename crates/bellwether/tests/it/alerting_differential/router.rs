//! Random routes, alerts and silences: Debian's Alertmanager and the server in the same course of events, their answers, and what their receivers are told.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use bellwether_promql::conformance::Choices as _;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::routing::{self, MARK};
use super::{assert_none, seeds};
use crate::alertmanager::peer::{alertmanager, comparable};
use crate::alertmanager::{Hook, NO_ALERTS};
use crate::differential::random::Random;
use crate::support::{Answer, Bellwether, exchange, form};

/// How many courses are played at a time; most of the time is waiting.
const AT_A_TIME: usize = 4;
const ROUNDS: usize = 3;
/// How long both may take until they say the same.
const SETTLING: Duration = Duration::from_secs(10);

/// One of the two servers, and who is told.
struct Side {
    url: String,
    hook: Hook,
    /// The ids that it gave to the silences.
    silences: Vec<String>,
}

impl Side {
    fn send(&self, method: &str, path: &str, body: &Value) -> Answer {
        let headers = [("Content-Type", "application/json")];
        exchange(method, &format!("{}/api/v2/{path}", self.url), &headers, body.to_string().as_bytes())
    }

    /// An answer without what cannot be equal.
    fn get(&self, path: &str) -> (u16, Value) {
        let answer = exchange("GET", &format!("{}/api/v2/{path}", self.url), &[], &[]);
        let body = serde_json::from_str(&answer.body).unwrap_or_else(|_| Value::from(answer.body.as_str()));
        (answer.status, normal(comparable(body)))
    }

    /// What each receiver was told last of each group.
    fn told(&self) -> BTreeMap<(String, String), Value> {
        let mut told = BTreeMap::new();
        for (path, mut message) in self.hook.got() {
            let key = message["groupKey"].as_str().unwrap_or_default().to_owned();
            let fields = message.as_object_mut().expect("an object");
            for name in ["externalURL", "notificationReason"] {
                fields.remove(name);
            }
            told.insert((path, key), message);
        }
        told
    }
}

/// An answer without what Debian's version says otherwise: it names one alert that inhibits another and not all of them, and knows of no times that mute. Ends that nobody has said are
/// at other milliseconds. Groups of several routes that have the same labels and receiver come in any order.
fn normal(mut value: Value) -> Value {
    match &mut value {
        Value::Array(items) => {
            for item in &mut *items {
                *item = normal(item.take());
            }
            let is_alike = |a: &Value, b: &Value| {
                a.get("alerts").is_some() && a["labels"] == b["labels"] && a["receiver"] == b["receiver"]
            };
            for groups in items.chunk_by_mut(is_alike) {
                groups.sort_by_cached_key(Value::to_string);
            }
        }
        Value::Object(fields) => {
            if let Some(by) = fields.get_mut("inhibitedBy") {
                *by = by.as_array().is_some_and(|by| !by.is_empty()).into();
                let muted = *by == true || fields.get("silencedBy").is_some_and(|n| *n != 0);
                fields.insert("state".to_owned(), if muted { "suppressed" } else { "active" }.into());
            }
            if fields.contains_key("endsAt")
                && !fields["endsAt"].as_str().is_some_and(|at| at.starts_with("2099"))
            {
                fields.remove("endsAt");
            }
            fields.values_mut().for_each(|field| *field = normal(field.take()));
        }
        _ => {}
    }
    value
}

/// A time `ms` milliseconds from now.
fn from_now(ms: i64) -> String {
    let now = OffsetDateTime::now_utc() + time::Duration::milliseconds(ms);
    let now = now.replace_millisecond(now.millisecond()).expect("valid");
    now.format(&Rfc3339).expect("valid")
}

/// Everything that happens in one course.
struct Course {
    random: Random,
    /// Ours and theirs.
    sides: [Side; 2],
    /// The labels that were sent.
    known: Vec<Value>,
    /// Whether there are inhibit rules.
    inhibits: bool,
    log: Vec<String>,
}

impl Course {
    fn send_both(&mut self, method: &str, path: &str, bodies: [&Value; 2]) -> Result<[Answer; 2], String> {
        self.log.push(format!("{method} {path} {}", bodies[0]));
        let answers = [0, 1].map(|side| self.sides[side].send(method, path, bodies[side]));
        if answers[0].status == answers[1].status {
            return Ok(answers);
        }
        let [ours, theirs] = &answers;
        Err(format!(
            "{}: ours {} {}, theirs {} {}",
            self.log.last().expect("one"),
            ours.status,
            ours.body,
            theirs.status,
            theirs.body
        ))
    }

    /// Posts alerts. Only one that has fired in a round before is over, as it is with servers that send alerts.
    fn alerts(&mut self, round: usize) -> Result<(), String> {
        let random = &mut self.random;
        let (mut alerts, mut new) = (Vec::new(), Vec::new());
        for _ in 0..3 + random.below(6) {
            let again = !self.known.is_empty() && random.one_in(2);
            let idx = random.below(self.known.len().max(1));
            let labels = if again { self.known[idx].clone() } else { routing::labels(random).into() };
            if new.contains(&labels) {
                continue;
            }
            let is_known = self.known.contains(&labels);
            // An alert that is late is told at once, be it before the one that inhibits it is seen.
            let age_ms = if is_known || self.inhibits { 0 } else { 20_000 * random.below(3) };
            let mut alert = json!({
                "labels": labels,
                "annotations": {"text": format!("{round}"), "same": "s", "n": random.below(3).to_string()},
                "startsAt": from_now(-(age_ms as i64)),
                "generatorURL": "http://prometheus/graph",
            });
            match random.below(5) {
                0 | 1 => alert["endsAt"] = "2099-01-01T00:00:00.000Z".into(),
                2 if is_known => alert["endsAt"] = from_now(0).into(),
                3 => alert["endsAt"] = format!("2099-01-01T00:00:0{}.000Z", random.below(9)).into(),
                _ => {}
            }
            new.push(labels);
            alerts.push(alert);
        }
        self.known.extend(new);
        alerts
            .push(json!({"labels": {"alertname": "Mark", MARK: round.to_string()}, "startsAt": from_now(0)}));
        let body = Value::Array(alerts);
        self.send_both("POST", "alerts", [&body, &body]).map(|_| ())
    }

    fn silences(&mut self) -> Result<(), String> {
        for _ in 0..self.random.below(3) {
            let n = self.sides[0].silences.len();
            let old = (n > 0 && self.random.one_in(3)).then(|| self.random.below(n));
            if let Some(idx) = old
                && self.random.one_in(2)
            {
                let [ours, theirs] = [0, 1].map(|side| self.sides[side].silences[idx].clone());
                self.log.push(format!("DELETE silence {idx}"));
                let answers = [(0, ours), (1, theirs)].map(|(side, id)| {
                    self.sides[side].send("DELETE", &format!("silence/{id}"), &Value::Null)
                });
                if answers[0].status != answers[1].status {
                    return Err(format!("DELETE silence {idx}: {answers:?}"));
                }
                continue;
            }
            let random = &mut self.random;
            let mut matchers: Vec<Value> =
                (0..=random.below(2)).map(|_| routing::silence_matcher(random)).collect();
            // Marks are always told.
            matchers.push(json!({"name": MARK, "value": "", "isRegex": false}));
            // A change that is refused ends the silence in Debian's version, so none is.
            if old.is_some() {
                matchers.push(json!({"name": "alertname", "value": ".+", "isRegex": true}));
            }
            // The one that ends first is listed first, of those that have not begun the one that begins first, and no two do so at once.
            let minute = (7 * self.log.len()) % 60;
            let ends_at = format!("2099-02-01T00:{minute:02}:00.000Z");
            let mut silence = json!({"matchers": matchers, "startsAt": from_now(-1000), "endsAt": ends_at, "createdBy": "ann", "comment": "c"});
            if random.one_in(6) {
                silence["startsAt"] = format!("2098-01-01T00:{minute:02}:00.000Z").into();
            }
            let mut bodies = [silence.clone(), silence];
            if let Some(idx) = old {
                for side in [0, 1] {
                    bodies[side]["id"] = self.sides[side].silences[idx].clone().into();
                }
            }
            let answers = self.send_both("POST", "silences", [&bodies[0], &bodies[1]])?;
            for (side, answer) in answers.iter().enumerate().filter(|(_, answer)| answer.status == 200) {
                let id = answer.json()["silenceID"].as_str().expect("an id").to_owned();
                match old {
                    Some(idx) => self.sides[side].silences[idx] = id,
                    None => self.sides[side].silences.push(id),
                }
            }
        }
        Ok(())
    }

    /// A listing with random parameters.
    fn question(&mut self) -> String {
        let random = &mut self.random;
        let path = random.pick(&["alerts", "alerts", "alerts/groups", "alerts/groups", "silences"]);
        let mut params = Vec::new();
        if path != "silences" {
            for name in ["active", "silenced", "inhibited", "unprocessed"] {
                if random.one_in(4) {
                    params.push((name, random.pick(&["true", "false"]).to_owned()));
                }
            }
            if random.one_in(4) {
                params.push(("receiver", random.pick(&["r0", "r[12]", "r", ".*", "r3|r1"]).to_owned()));
            }
        }
        for _ in 0..random.below(3) {
            params.push(("filter", routing::matcher(random)));
        }
        let params: Vec<(&str, &str)> = params.iter().map(|(name, value)| (*name, value.as_str())).collect();
        format!("{path}?{}", form(&params))
    }

    /// Waits until both were asked to mark the round, and then until they say the same.
    fn settle(&mut self, round: usize) -> Result<(), String> {
        let mark = Value::from(round.to_string());
        for side in &self.sides {
            side.hook.wait_for("the mark", |path, body| path == "/mark" && body["groupLabels"][MARK] == mark);
        }
        let mut questions: Vec<String> =
            ["alerts", "alerts/groups", "silences", "receivers"].map(str::to_owned).into();
        questions.extend((0..12).map(|_| self.question()));
        let deadline = Instant::now() + SETTLING;
        loop {
            let difference = self.difference(&questions);
            match difference {
                Some(what) if Instant::now() >= deadline => return Err(what),
                Some(_) => thread::sleep(Duration::from_millis(50)),
                None => return Ok(()),
            }
        }
    }

    fn difference(&self, questions: &[String]) -> Option<String> {
        let [ours, theirs] = &self.sides;
        for question in questions {
            let (got, want) = (ours.get(question), theirs.get(question));
            if got != want {
                return Some(format!(
                    "GET {question}\n  ours:   {} {}\n  theirs: {} {}",
                    got.0, got.1, want.0, want.1
                ));
            }
        }
        let (got, want) = (ours.told(), theirs.told());
        let keys = got.keys().chain(want.keys());
        let key = keys.into_iter().find(|key| got.get(*key) != want.get(*key))?;
        let said = |message: Option<&Value>| message.map_or("nothing".to_owned(), Value::to_string);
        Some(format!("told to {key:?}\n  ours:   {}\n  theirs: {}", said(got.get(key)), said(want.get(key))))
    }
}

/// Plays the course of a seed. Returns how many messages were compared, or what differs.
fn play(seed: u64) -> Result<usize, String> {
    let dir = tempfile::tempdir().expect("a folder");
    let peer_dir = tempfile::tempdir().expect("a folder");
    let hooks = [Hook::start(), Hook::start()];
    // Both have the same configuration, except for where their receivers are.
    let random = Random::new(seed);
    let config = [0, 1].map(|side| routing::config(&mut random.clone(), &hooks[side].url));
    fs::write(dir.path().join("alertmanager.yml"), config[0].to_string()).expect("written");
    fs::write(peer_dir.path().join("alertmanager.yml"), config[1].to_string()).expect("written");
    fs::write(dir.path().join("bellwether.yml"), NO_ALERTS).expect("written");
    let args = ["--config.file=bellwether.yml", "--alertmanager.config.file=alertmanager.yml"];
    let ours = Bellwether::serve(dir.path(), &args);
    let (_process, theirs) = alertmanager(peer_dir.path());
    let [our_hook, their_hook] = hooks;
    let sides = [
        Side { url: ours.url.clone(), hook: our_hook, silences: Vec::new() },
        Side { url: theirs, hook: their_hook, silences: Vec::new() },
    ];
    let inhibits = config[0]["inhibit_rules"] != json!([]);
    let mut course =
        Course { random: Random::new(!seed), sides, known: Vec::new(), inhibits, log: Vec::new() };
    for round in 0..ROUNDS {
        let played =
            course.silences().and_then(|()| course.alerts(round)).and_then(|()| course.settle(round));
        played.map_err(|what| {
            format!("seed {seed}, round {round}: {what}\n  {}\n  {}", config[0], course.log.join("\n  "))
        })?;
    }
    Ok(course.sides[1].told().len())
}

#[test]
fn the_router_tells_and_answers_as_alertmanager() {
    let seeds: Vec<u64> = seeds(12).collect();
    let (next, told, differing) = (AtomicUsize::new(0), AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                while let Some(seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed)) {
                    match play(*seed) {
                        Ok(n) => drop(told.fetch_add(n, Ordering::Relaxed)),
                        Err(what) => differing.lock().expect("no panic").push(what),
                    }
                }
            });
        }
    });
    let (told, differing) = (told.into_inner(), differing.into_inner().expect("no panic"));
    println!("router: {} courses of {ROUNDS} rounds, {told} groups told alike", seeds.len());
    assert_none("courses differ", &differing);
    assert!(told > 4 * seeds.len(), "{told} groups are too few");
}
