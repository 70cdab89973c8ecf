//! Thousands of alerts a second, while some receivers do not answer.
//!
//! By default it takes seconds. `BELLWETHER_LOAD_SECONDS` says how long alerts come, `BELLWETHER_OUTAGE_SECONDS` how long receivers do not answer at least, both from the beginning on.

use std::collections::BTreeSet;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{get, post, serve};
use crate::support::{read_request, respond, wait_within};

const ALERTS_PER_SECOND: usize = 5_000;
const POSTS_PER_SECOND: usize = 10;
/// There are no more different ones; then they are sent again.
const DIFFERENT_MAX: usize = 100_000;
const PER_GROUP: usize = 1_000;

/// How a receiver fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    /// Takes connections and never answers.
    Hangs,
    /// Takes no connections.
    Refuses,
    /// Answers 500.
    Fails,
}

/// A webhook that is out of order until it is mended.
struct Receiver {
    name: &'static str,
    address: SocketAddr,
    is_mended: Arc<AtomicBool>,
    /// The numbers of the alerts that it was told of.
    told: Arc<Mutex<BTreeSet<usize>>>,
    /// Who refuses does not listen yet.
    listener: Option<TcpListener>,
    fault: Fault,
}

impl Receiver {
    fn new(name: &'static str, fault: Fault) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("it has an address");
        let mut receiver = Self {
            name,
            address,
            is_mended: Arc::new(AtomicBool::new(fault == Fault::None)),
            told: Arc::default(),
            listener: None,
            fault,
        };
        if fault != Fault::Refuses {
            receiver.listener = Some(listener);
        }
        receiver
    }

    fn start(&mut self) {
        let Some(listener) = self.listener.take() else { return };
        let (fault, is_mended, told) = (self.fault, Arc::clone(&self.is_mended), Arc::clone(&self.told));
        thread::spawn(move || {
            let mut held = Vec::new();
            for stream in listener.incoming().map_while(Result::ok) {
                if is_mended.load(Ordering::SeqCst) {
                    held.clear();
                } else if fault == Fault::Hangs {
                    held.push(stream);
                    continue;
                }
                let (is_mended, told) = (Arc::clone(&is_mended), Arc::clone(&told));
                thread::spawn(move || answer(&stream, is_mended.load(Ordering::SeqCst), &told));
            }
        });
    }

    fn mend(&mut self) {
        self.is_mended.store(true, Ordering::SeqCst);
        if self.fault == Fault::Refuses {
            self.listener = Some(TcpListener::bind(self.address).expect("the port is still free"));
            self.start();
        }
    }

    fn n_told(&self) -> usize {
        self.told.lock().expect("no panic").len()
    }
}

/// Answers one request, and remembers the alerts in it if it is answered well.
fn answer(stream: &TcpStream, is_well: bool, told: &Mutex<BTreeSet<usize>>) {
    let Some(sent) = read_request(stream) else { return };
    let status = if is_well { "200 OK" } else { "500 Internal Server Error" };
    if is_well {
        let body: Value = serde_json::from_slice(&sent.body).expect("JSON");
        let alerts = body["alerts"].as_array().expect("alerts");
        let numbers = alerts.iter().filter_map(|alert| alert["labels"]["n"].as_str()?.parse::<usize>().ok());
        told.lock().expect("no panic").extend(numbers);
    }
    respond(stream, status, "text/plain", b"");
}

fn config(receivers: &[Receiver]) -> String {
    use std::fmt::Write as _;

    let mut text =
        "route:\n  receiver: well\n  group_by: [lot]\n  group_wait: 1s\n  group_interval: 5s\n  routes:\n"
            .to_owned();
    for receiver in receivers {
        writeln!(text, "  - {{receiver: {}, continue: true}}", receiver.name).expect("a string");
    }
    text.push_str("bellwether: {tell_failures: false}\nreceivers:\n");
    for Receiver { name, address, .. } in receivers {
        let hook = format!("{{url: 'http://{address}/', timeout: 2s}}");
        writeln!(text, "- {{name: {name}, webhook_configs: [{hook}]}}").expect("a string");
    }
    text
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn thousands_of_alerts_a_second_reach_all_receivers_in_the_end() {
    let seconds = number("BELLWETHER_LOAD_SECONDS", 1) as usize;
    let outage = Duration::from_secs(number("BELLWETHER_OUTAGE_SECONDS", 0));
    let patience = Duration::from_mins(2) + 3 * outage;
    let dir = tempfile::tempdir().expect("a folder");
    let mut receivers = [
        Receiver::new("well", Fault::None),
        Receiver::new("hangs", Fault::Hangs),
        Receiver::new("refuses", Fault::Refuses),
        Receiver::new("fails", Fault::Fails),
    ];
    receivers.iter_mut().for_each(Receiver::start);
    let server = serve(dir.path(), &config(&receivers));

    let started = Instant::now();
    let per_post = ALERTS_PER_SECOND / POSTS_PER_SECOND;
    let n_posts = seconds * POSTS_PER_SECOND;
    let n_different = (n_posts * per_post).min(DIFFERENT_MAX);
    for n_post in 0..n_posts {
        let alerts = (n_post * per_post..(n_post + 1) * per_post).map(|n| {
            let n = n % n_different;
            json!({
                "labels": {"alertname": "Load", "lot": format!("{}", n / PER_GROUP), "n": n.to_string(), "severity": "page"},
                "annotations": {"summary": format!("number {n} of many")},
                "endsAt": "2100-01-01T00:00:00Z",
            })
        });
        let (status, body) = post(&server.url, "alerts", &alerts.collect());
        assert_eq!(status, 200, "{body}");
        let due = Duration::from_secs(1) * (n_post as u32 + 1) / POSTS_PER_SECOND as u32;
        thread::sleep(due.saturating_sub(started.elapsed()));
    }
    let took = started.elapsed().as_secs_f64();
    println!("{} alerts, {n_different} of them different, were taken in {took:.1} s", n_posts * per_post);

    wait_within(patience, "the receiver that is well", || {
        (receivers[0].n_told() == n_different).then_some(())
    });
    println!("the receiver that is well knew all {:.1} s after the first", started.elapsed().as_secs_f64());
    let listed = get(&server.url, "alerts?filter=alertname%3D%22Load%22");
    assert_eq!(listed.as_array().map(Vec::len), Some(n_different));
    thread::sleep(outage.saturating_sub(started.elapsed()));
    for receiver in &mut receivers[1..] {
        assert_eq!(receiver.n_told(), 0, "{}", receiver.name);
        receiver.mend();
    }
    let mended = Instant::now();
    for receiver in &receivers[1..] {
        wait_within(patience, receiver.name, || (receiver.n_told() == n_different).then_some(()));
        println!("{} knew all {:.1} s after it was mended", receiver.name, mended.elapsed().as_secs_f64());
    }
    let (_, metrics) = server.get("/metrics");
    let received =
        metrics.lines().find_map(|l| l.strip_prefix("bellwether_alerts_received_total{status=\"firing\"} "));
    let received: Option<usize> = received.and_then(|n| n.parse().ok());
    // Rules of the server may have found some as well.
    assert!(received >= Some(n_posts * per_post), "{received:?}");
}
