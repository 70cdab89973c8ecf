//! A router that is killed again and again while alerts come, are told and end: the test binary starts itself as the one that is killed.
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use bellwether_alerts::alertmanager::{Alertmanager, NotificationQuery, NotificationStatus};
use bellwether_alerts::silence::{Mute, SilenceSpec};
use bellwether_model::{Alert, Labels, SystemClock};
use serde_json::Value as Json;

use crate::alertmanager::{matchers, start};

const FOLDER: &str = "BELLWETHER_TEST_FOLDER";
const HOOK: &str = "BELLWETHER_TEST_HOOK";
const HOUR_MS: i64 = 3_600_000;
/// Nothing takes so long.
const DEADLINE: Duration = Duration::from_mins(1);

fn kills() -> usize {
    std::env::var("BELLWETHER_KILLS").map_or(5, |text| text.parse().expect("a number"))
}

fn open(folder: &Path, hook: &str) -> Alertmanager {
    let text = format!(
        "route: {{receiver: hook, group_by: [alertname], group_wait: 0s, group_interval: 1s}}\n\
         receivers: [{{name: hook, webhook_configs: [{{url: '{hook}'}}]}}]\n"
    );
    start(folder, &text, Arc::new(SystemClock::new()))
}

fn alert(alertmanager: &Alertmanager, name: &str, ends_in_ms: i64) -> Alert {
    let now_ms = alertmanager.read(|_, now_ms| now_ms);
    Alert {
        labels: Labels::from_pairs([("alertname", name)]),
        annotations: Labels::empty(),
        starts_at_ms: now_ms,
        ends_at_ms: Some(now_ms + ends_in_ms),
        generator_url: String::new(),
    }
}

/// Does what its input says and answers each line. Only in a process of its own.
#[test]
fn obey_until_killed() {
    let (Ok(folder), Ok(hook)) = (std::env::var(FOLDER), std::env::var(HOOK)) else { return };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let _entered = runtime.enter();
    let alertmanager = open(Path::new(&folder), &hook);
    for line in std::io::stdin().lines() {
        let line = line.expect("readable");
        let (verb, name) = line.split_once(' ').expect("two words");
        let answer = match verb {
            "fire" | "end" => {
                let ends_in_ms = if verb == "fire" { HOUR_MS } else { 0 };
                alertmanager.insert(vec![alert(&alertmanager, name, ends_in_ms)]);
                "took".to_owned()
            }
            "log" => sent(&alertmanager).join(","),
            _ => {
                let now_ms = alertmanager.read(|_, now_ms| now_ms);
                let spec = SilenceSpec {
                    matchers: matchers(&format!("alertname={name}")),
                    starts_at_ms: now_ms,
                    ends_at_ms: now_ms + HOUR_MS,
                    created_by: "ann".to_owned(),
                    comment: "upgrade".to_owned(),
                    annotations: BTreeMap::new(),
                    mute: Mute::All,
                    recurs: None,
                };
                alertmanager.set_silence(None, spec).expect("valid").to_string()
            }
        };
        // In a line of its own; the test runner has begun one. Whoever reads may have killed this.
        let _ = std::io::stdout().write_all(format!("\nanswer {answer}\n").as_bytes());
    }
}

/// Alerts with their states that are written down as told.
fn sent(alertmanager: &Alertmanager) -> Vec<String> {
    let query = NotificationQuery { limit: 1_000_000, ..NotificationQuery::default() };
    let found = alertmanager.notifications(&query).expect("readable");
    assert_eq!(found.next, None, "these are all");
    let sent = found.records.into_iter().filter(|record| record.status == NotificationStatus::Sent);
    let alerts = sent.flat_map(|record| record.alerts);
    let state = |resolved: bool| if resolved { "resolved" } else { "firing" };
    alerts.map(|alert| format!("{} {}", alert.labels["alertname"], state(alert.resolved))).collect()
}

/// An alert that a service was told.
#[derive(Clone)]
struct ToldAlert {
    name: String,
    state: String,
    /// In which run.
    run: usize,
    /// What the news is called by.
    key: String,
}

/// A service that remembers what it is told, and may kill the one that tells before it hears that it was taken.
#[derive(Default)]
struct Hook {
    /// In their order.
    told: Mutex<Vec<ToldAlert>>,
    /// Who is killed when the next message comes.
    victim: Mutex<Option<Child>>,
}

impl Hook {
    fn serve(self: &Arc<Self>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/", listener.local_addr().expect("bound"));
        let hook = Arc::clone(self);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let hook = Arc::clone(&hook);
                thread::spawn(move || hook.answer(stream));
            }
        });
        url
    }

    fn answer(&self, mut stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().expect("cloned"));
        let (mut length, mut key) = (0, String::new());
        let mut first = String::new();
        reader.read_line(&mut first).expect("readable");
        let Some(run) = first.strip_prefix("POST /").and_then(|line| line.split(' ').next()) else { return };
        let run: usize = run.parse().expect("a number");
        loop {
            let mut line = String::new();
            match reader.read_line(&mut line) {
                Ok(1..) if line == "\r\n" => break,
                Ok(1..) => {}
                _ => return,
            }
            let Some((name, value)) = line.trim_end().split_once(": ") else { continue };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.parse().expect("a number"),
                "idempotency-key" => value.clone_into(&mut key),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        if reader.read_exact(&mut body).is_err() {
            return;
        }
        let message: Json = serde_json::from_slice(&body).expect("JSON");
        for alert in message["alerts"].as_array().expect("alerts") {
            let text = |value: &Json| value.as_str().expect("text").to_owned();
            let (name, state) = (text(&alert["labels"]["alertname"]), text(&alert["status"]));
            let told = ToldAlert { name, state, run, key: key.clone() };
            self.told.lock().expect("no panic").push(told);
        }
        if let Some(mut victim) = self.victim.lock().expect("no panic").take() {
            kill(&mut victim);
            return;
        }
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    }

    fn has(&self, name: &str, state: &str) -> bool {
        self.told.lock().expect("no panic").iter().any(|told| told.name == name && told.state == state)
    }

    /// Waits until something was told.
    fn wait_for(&self, name: &str, state: &str) {
        let start = Instant::now();
        while !self.has(name, state) {
            assert!(start.elapsed() < DEADLINE, "nobody tells that {name} is {state}");
            thread::yield_now();
        }
    }
}

fn kill(child: &mut Child) {
    child.kill().expect("killed");
    child.wait().expect("ended");
}

/// The pipes to the process that is killed.
struct Line {
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Line {
    fn start(folder: &Path, hook: &str) -> (Child, Self) {
        let mut child = Command::new(std::env::current_exe().expect("this binary"))
            .args(["--exact", "kill::obey_until_killed", "--nocapture"])
            .envs([(FOLDER, folder.to_str().expect("text")), (HOOK, hook)])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let commands = child.stdin.take().expect("piped");
        let answers = BufReader::new(child.stdout.take().expect("piped"));
        (child, Self { commands, answers })
    }

    /// The answer; `None` if who was asked is dead.
    fn ask(&mut self, command: &str) -> Option<String> {
        writeln!(self.commands, "{command}").ok()?;
        loop {
            let mut line = String::new();
            if self.answers.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if let Some(answer) = line.trim_end().strip_prefix("answer ") {
                return Some(answer.to_owned());
            }
        }
    }
}

/// A sequence of numbers that is the same in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, n: u64) -> u64 {
        // Knuth's MMIX.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// What the sender of alerts knows.
#[derive(Default)]
struct Sender {
    made: usize,
    firing: BTreeSet<String>,
    over: BTreeSet<String>,
    silenced: BTreeSet<String>,
    silences: BTreeSet<String>,
    /// What was written down as told, and in which run that was known first.
    written: BTreeMap<String, usize>,
}

impl Sender {
    /// Says again what the hook has not been told yet, as Prometheus says everything again and again; what the hook knows is not said again.
    fn say_again(&self, hook: &Hook, line: &mut Line) -> Option<()> {
        let news = |names: &BTreeSet<String>, state: &str| -> Vec<String> {
            names.iter().filter(|name| !hook.has(name, state)).cloned().collect()
        };
        for name in news(&self.firing, "firing") {
            line.ask(&format!("fire {name}"))?;
        }
        for name in news(&self.over, "resolved") {
            line.ask(&format!("end {name}"))?;
        }
        Some(())
    }

    /// An alert of which somebody is told.
    fn fire(&mut self, line: &mut Line) -> Option<String> {
        self.made += 1;
        let name = format!("loud-{}", self.made);
        self.firing.insert(name.clone());
        line.ask(&format!("fire {name}"))?;
        Some(name)
    }

    /// Something new; some of it is waited for.
    fn step(&mut self, dice: &mut Dice, hook: &Hook, line: &mut Line) -> Option<()> {
        match dice.roll(10) {
            0 => {
                self.made += 1;
                let name = format!("quiet-{}", self.made);
                let id = line.ask(&format!("silence {name}"))?;
                self.silences.insert(id);
                self.silenced.insert(name.clone());
                line.ask(&format!("fire {name}"))?;
            }
            1..=3 if let Some(name) = self.firing.first().filter(|name| hook.has(name, "firing")) => {
                let name = name.clone();
                self.firing.remove(&name);
                self.over.insert(name.clone());
                line.ask(&format!("end {name}"))?;
            }
            _ => {
                let name = self.fire(line)?;
                if dice.roll(2) == 0 {
                    hook.wait_for(&name, "firing");
                }
            }
        }
        Some(())
    }
}

#[test]
fn kills_lose_nothing_and_double_only_what_was_under_way() {
    let folder = tempfile::tempdir().expect("a folder");
    let (hook, mut dice, mut sender) = (Arc::new(Hook::default()), Dice(6), Sender::default());
    let url = hook.serve();
    for run in 0..kills() {
        let (mut child, mut line) = Line::start(folder.path(), &format!("{url}{run}"));
        sender.say_again(&hook, &mut line).expect("alive");
        for _ in 0..=dice.roll(12) {
            sender.step(&mut dice, &hook, &mut line).expect("alive");
        }
        let log = line.ask("log all").expect("alive");
        for message in log.split(',') {
            sender.written.entry(message.to_owned()).or_insert(run);
        }
        if dice.roll(2) == 0 {
            kill(&mut child);
        } else {
            // In the middle of telling.
            *hook.victim.lock().expect("no panic") = Some(child);
            if sender.fire(&mut line).is_some() {
                while line.ask("log all").is_some() {}
            }
        }
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let _entered = runtime.enter();
    let alertmanager = open(folder.path(), &format!("{url}{}", kills()));
    for (name, ends_in_ms) in sender
        .firing
        .iter()
        .filter(|name| !hook.has(name, "firing"))
        .map(|name| (name, HOUR_MS))
        .chain(sender.over.iter().filter(|name| !hook.has(name, "resolved")).map(|name| (name, 0)))
    {
        alertmanager.insert(vec![alert(&alertmanager, name, ends_in_ms)]);
    }
    for name in &sender.firing {
        hook.wait_for(name, "firing");
    }
    for name in &sender.over {
        hook.wait_for(name, "resolved");
    }
    // What was told long ago has survived as well: its end is news.
    alertmanager.insert(sender.firing.iter().map(|name| alert(&alertmanager, name, 0)).collect());
    for name in &sender.firing {
        hook.wait_for(name, "resolved");
    }
    let kept: BTreeSet<String> =
        alertmanager.read(|router, _| router.silences.iter().map(|silence| silence.id.to_string()).collect());
    assert!(sender.silences.is_subset(&kept), "acknowledged silences are lost");
    let mut runs: BTreeMap<(String, String), Vec<usize>> = BTreeMap::new();
    let mut news: BTreeMap<String, (String, String)> = BTreeMap::new();
    let mut keys: BTreeMap<(String, String), String> = BTreeMap::new();
    for ToldAlert { name, state, run, key } in hook.told.lock().expect("no panic").clone() {
        assert!(!sender.silenced.contains(&name), "{name} was silenced");
        let what = (name, state);
        let before = keys.entry(what.clone()).or_insert_with(|| key.clone());
        assert_eq!(*before, key, "what is told again has the key that it had: {what:?}");
        let with_key = news.entry(key).or_insert_with(|| what.clone());
        assert_eq!(*with_key, what, "other news has another key");
        runs.entry(what).or_default().push(run);
    }
    for ((name, state), runs) in &runs {
        assert!(runs.is_sorted_by(|a, b| a < b), "{name} is told to be {state} twice in a run: {runs:?}");
        if let Some(written) = sender.written.get(&format!("{name} {state}")) {
            assert!(
                runs.iter().all(|run| run <= written),
                "that {name} is {state} was written down as told in run {written}, and told in {runs:?}"
            );
        }
    }
    let doubled: usize = runs.values().map(|runs| runs.len() - 1).sum();
    let mut by_kill: BTreeMap<usize, usize> = BTreeMap::new();
    for run in runs.values().flat_map(|runs| &runs[..runs.len() - 1]) {
        *by_kill.entry(*run).or_default() += 1;
    }
    println!(
        "{} kills: {} messages, {doubled} doubled by {} kills ({:?}), {} silences kept",
        kills(),
        runs.len(),
        by_kill.len(),
        by_kill.values().collect::<Vec<_>>(),
        kept.len()
    );
}
