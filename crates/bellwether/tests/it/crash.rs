//! `kill -9` at any moment costs nothing that was acknowledged, and doubles nothing.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::http_api::{Pushed, push};
use crate::support::{Bellwether, wait_for};

/// How often the server is killed, unless `BELLWETHER_KILLS` says otherwise.
const KILLS: u64 = 20;
const CLIENTS: u64 = 2;
const SERIES_PER_CLIENT: u64 = 20;

/// The simplest exporter: each answer is the number of answers so far.
pub(crate) fn counting_exporter() -> (u16, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let served = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&served);
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            if stream.read(&mut [0; 4096]).is_ok_and(|n| n > 0) {
                let body = format!("answers_total {}\n", counter.fetch_add(1, Ordering::SeqCst) + 1);
                let head = format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                    body.len()
                );
                let _ = stream.write_all((head + &body).as_bytes());
            }
        }
    });
    (port, served)
}

/// What the clients sent and what of it was acknowledged: per client, time of the sample to whether the answer came.
type Sent = Mutex<BTreeMap<u64, BTreeMap<i64, bool>>>;

/// What else happens while samples come: the store is compacted, copied, reloaded, and made to forget a series that nobody needs.
struct Upkeep {
    /// Every sample up to this time of `thrown_away` was deleted, and the deletion acknowledged.
    deleted_through: i64,
}

impl Upkeep {
    fn work(&mut self, server: &Bellwether, snapshots: &Path, turn: u64, ts: i64) {
        let admin = |action: &str| server.post(&format!("/api/v1/admin/tsdb/{action}"), &[], &[]).0;
        match turn % 4 {
            0 => drop(admin("compact")),
            1 => {
                admin("snapshot");
                let _ = fs::remove_dir_all(snapshots);
            }
            2 => drop(server.post("/-/reload", &[], &[])),
            _ => {
                let pushed = push(server, &[(&[("__name__", "thrown_away")], &[(ts, 1.0)])]).0;
                if pushed == 204 && admin("delete_series?match[]=thrown_away") == 204 {
                    self.deleted_through = ts;
                }
            }
        }
    }
}

#[test]
fn kills_lose_and_double_nothing() {
    let kills = std::env::var("BELLWETHER_KILLS").map_or(KILLS, |n| n.parse().expect("a number of kills"));
    let (exporter, served) = counting_exporter();
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(
        dir.path().join("prometheus.yml"),
        format!(
            "scrape_configs:\n- job_name: count\n  scrape_interval: 50ms\n  scrape_timeout: 50ms\n  static_configs: [{{targets: ['127.0.0.1:{exporter}']}}]\n"
        ),
    )
    .expect("written");
    let flags =
        ["--config.file=prometheus.yml", "--storage.tsdb.retention.time=100y", "--web.enable-admin-api"];
    let snapshots = dir.path().join("data/snapshots");
    let mut upkeep = Upkeep { deleted_through: i64::MIN };
    let sent: Arc<Sent> = Arc::default();
    let next_ts = Arc::new(AtomicU64::new(1_000));
    for cycle in 0..kills {
        if cycle % 3 == 0 {
            // This one does not live to see the end of its log.
            kill_dash_nine(&Bellwether::start("serve", dir.path(), &flags));
        }
        let mut server = Bellwether::serve(dir.path(), &flags);
        let acknowledged = || {
            let sent = sent.lock().expect("no panic");
            sent.values().map(|c| c.values().filter(|a| **a).count() as u64).sum::<u64>()
        };
        let acknowledged_before = acknowledged();
        let stop = Arc::new(AtomicBool::new(false));
        let at_start = served.load(Ordering::SeqCst);
        thread::scope(|scope| {
            for client in 0..CLIENTS {
                let (server, sent, stop, next_ts) = (&server, &sent, &stop, &next_ts);
                scope.spawn(move || {
                    while !stop.load(Ordering::Relaxed) {
                        let ts = next_ts.fetch_add(1, Ordering::SeqCst) as i64;
                        sent.lock().expect("no panic").entry(client).or_default().insert(ts, false);
                        if push_batch(server, client, ts) {
                            sent.lock().expect("no panic").entry(client).or_default().insert(ts, true);
                        }
                    }
                });
            }
            let (server, stop, next_ts, upkeep, snapshots) =
                (&server, &stop, &next_ts, &mut upkeep, &snapshots);
            scope.spawn(move || {
                for turn in cycle.. {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    let ts = next_ts.fetch_add(1, Ordering::SeqCst) as i64;
                    upkeep.work(server, snapshots, turn, ts);
                }
            });
            // Each cycle is cut off at another point of the load.
            let batches = 5 + cycle * 37 % 211;
            wait_for("some load", || {
                let scraped = served.load(Ordering::SeqCst) > at_start + 2;
                (acknowledged() >= acknowledged_before + batches && scraped).then_some(())
            });
            kill_dash_nine(server);
            stop.store(true, Ordering::Relaxed);
        });
        server.process.kill();
    }
    let server = Bellwether::serve(dir.path(), &["--storage.tsdb.retention.time=100y"]);
    let mut accounted = 0;
    for (client, batches) in sent.lock().expect("no panic").iter() {
        for series in 0..SERIES_PER_CLIENT {
            let query = format!("pushed{{client=\"{client}\",series=\"{series}\"}}[100d]");
            let data = server.api("query", &[("query", &query), ("time", "8000000")]);
            let points = data["result"][0]["values"].as_array().cloned().unwrap_or_default();
            let mut previous = -1.0;
            let mut stored = BTreeMap::new();
            for point in &points {
                let ts = point[0].as_f64().expect("a time");
                assert!(ts > previous, "client {client} series {series}: {ts} comes twice or too late");
                previous = ts;
                let value: f64 = point[1].as_str().and_then(|v| v.parse().ok()).expect("a value");
                stored.insert((ts * 1000.0).round() as i64, value);
            }
            for (ts, acknowledged) in batches {
                match stored.remove(ts) {
                    Some(value) => assert_eq!(value, value_of(*client, series, *ts), "wrong value at {ts}"),
                    None => assert!(
                        !acknowledged,
                        "client {client} series {series}: acknowledged sample at {ts} is lost"
                    ),
                }
                accounted += u64::from(*acknowledged);
            }
            assert!(stored.is_empty(), "samples that nobody sent: {stored:?}");
        }
    }
    assert!(accounted > kills * SERIES_PER_CLIENT, "the load was too small to prove anything: {accounted}");

    // Scraped: every value that is there was served, none twice, and each kill cost at most the scrape that was under way.
    let data = server.api("query", &[("query", "answers_total[1h]")]);
    let values: Vec<u64> = data["result"][0]["values"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|p| p[1].as_str()?.parse().ok())
        .collect();
    assert!(values.windows(2).all(|w| w[0] < w[1]), "a scrape came twice: {values:?}");
    let last = *values.last().expect("something was scraped");
    assert!(last <= served.load(Ordering::SeqCst));
    let missing = last - values.len() as u64;
    assert!(missing <= 2 * kills, "{missing} of {last} answers are missing after {kills} kills");

    let data = server.api("query", &[("query", "thrown_away[100d]"), ("time", "8000000")]);
    let left = data["result"][0]["values"].as_array().cloned().unwrap_or_default();
    let is_deleted = |point: &serde_json::Value| {
        (point[0].as_f64().expect("a time") * 1000.0).round() as i64 <= upkeep.deleted_through
    };
    assert!(upkeep.deleted_through > 0, "nothing was deleted");
    assert!(!left.iter().any(is_deleted), "deleted samples are back: {left:?}");
    println!("{accounted} acknowledged samples accounted for over {kills} kills");
}

fn value_of(client: u64, series: u64, ts: i64) -> f64 {
    ts as f64 * 100.0 + client as f64 * 50.0 + series as f64
}

fn push_batch(server: &Bellwether, client: u64, ts: i64) -> bool {
    let client_text = client.to_string();
    let names: Vec<String> = (0..SERIES_PER_CLIENT).map(|s| s.to_string()).collect();
    let labels: Vec<[(&str, &str); 3]> = names
        .iter()
        .map(|s| [("__name__", "pushed"), ("client", client_text.as_str()), ("series", s.as_str())])
        .collect();
    let samples: Vec<[(i64, f64); 1]> =
        (0..SERIES_PER_CLIENT).map(|s| [(ts, value_of(client, s, ts))]).collect();
    let series: Vec<Pushed<'_>> =
        labels.iter().zip(&samples).map(|(l, s)| (l.as_slice(), s.as_slice())).collect();
    let status = push(server, &series).0;
    if status == 0 {
        // The server is gone; do not spin until the test notices.
        thread::sleep(Duration::from_millis(5));
    }
    (200..300).contains(&status)
}

fn kill_dash_nine(server: &Bellwether) {
    server.process.signal("KILL");
}
