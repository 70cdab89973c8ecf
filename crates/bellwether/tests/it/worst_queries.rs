//! The worst that queries can ask for, sixteen at a time: every one of them ends, and nobody else notices.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use std::{fs, thread};

use bellwether_promql::conformance::{QueryGenerator, Vocabulary};
use bellwether_promql::syntax::{ParserOptions, ValueType, parse_expr};
use serde_json::Value;

use crate::crash::counting_exporter;
use crate::differential::random::Random;
use crate::http_api::{Pushed, push};
use crate::support::{Answer, Bellwether, exchange, form, wait_for};

/// When the data begins and ends, in seconds.
const BEGIN_S: i64 = 1_767_225_600;
const END_S: i64 = BEGIN_S + 4 * 3600;
/// The distance of the samples.
const STEP_S: i64 = 60;

const AT_ONCE: usize = 16;
const GENERATED: usize = 48;
/// Memory of all queries together, and of one.
const MAX_MEMORY: u64 = 512 << 20;
const MAX_MEMORY_PER_QUERY: u64 = 128 << 20;
/// What a server may take beyond its store and the memory that its queries have set aside: buffers of single series, plans, regular expressions, what
/// the writer and the scrapes need, and what the allocator keeps to itself.
const SLACK: u64 = 256 << 20;

/// When to ask, in seconds; without a step once.
#[derive(Debug, Clone, Copy)]
enum At {
    Once(i64),
    Every { start: i64, end: i64, step: &'static str },
}

/// Over everything, as finely as a range query may.
const FINE: At = At::Every { start: END_S - 10_990, end: END_S, step: "1" };
const WHOLE: At = At::Every { start: BEGIN_S, end: END_S, step: "15" };
const COARSE: At = At::Every { start: BEGIN_S, end: END_S, step: "10m" };
const LAST: At = At::Once(END_S);

fn nested(open: &str, inner: &str, close: &str, depth: usize) -> String {
    format!("{}{inner}{}", open.repeat(depth), close.repeat(depth))
}

fn chain(operand: &str, operator: &str, n: usize) -> String {
    vec![operand; n].join(operator)
}

/// Queries that need much of something, each of something else.
fn fixed() -> Vec<(String, At)> {
    let all = r#"{__name__=~".+"}"#;
    let mut queries: Vec<(String, At)> = [
        // Everything there is.
        (all, FINE),
        (all, LAST),
        (r#"{__name__=~".+"}[4h]"#, LAST),
        (r#"{__name__=~".*.*.*.*.*x?y?z?.+"}"#, WHOLE),
        (r#"{instance!~"(a+)+$|(a*)*b|(.*){20}c"}"#, FINE),
        (r#"rate({__name__=~".+"}[4h])"#, FINE),
        (r#"quantile_over_time(0.5, {__name__=~".+"}[4h])"#, FINE),
        (r#"mad_over_time({__name__=~".+"}[4h])"#, FINE),
        (r#"{__name__=~".+"}[4h:1s]"#, LAST),
        // Many steps, many windows.
        ("sum_over_time(vector(1)[30y:1s])", LAST),
        ("max_over_time(hits_total[4h:1s])", FINE),
        ("quantile_over_time(0.9, rate(hits_total[5m])[4h:1s])", COARSE),
        ("max_over_time(min_over_time(avg_over_time(load[1h:1s])[1h:1s])[1h:1s])", COARSE),
        ("sum_over_time(sum_over_time(sum_over_time(vector(time())[2h:1s])[2h:1s])[2h:1s])", FINE),
        ("count_over_time(vector(1)[4h:1ms])", FINE),
        ("absent_over_time(hits_total[4h:1s])", FINE),
        ("holt_winters(load[4h], 0.5, 0.5)", FINE),
        ("double_exponential_smoothing(hits_total[4h:1s], 0.5, 0.5)", FINE),
        ("predict_linear(hits_total[4h:1s], 3600)", FINE),
        ("stddev_over_time(hits_total[4h])", FINE),
        ("sort_by_label(last_over_time(hits_total[4h:1s]), \"path\")", WHOLE),
        // Times far away.
        ("hits_total @ 9223372036", FINE),
        ("hits_total @ -9223372036 offset -290y", FINE),
        ("rate(hits_total[290y] @ 9000000000)", FINE),
        ("sum_over_time(hits_total[290y:1y] offset -200y)", FINE),
        ("sum_over_time((hits_total @ end() + hits_total @ start())[4h:1s])", FINE),
        // Everything with everything.
        ("hits_total * on () group_left () hits_total", FINE),
        ("hits_total + on (job) group_left () hits_total", FINE),
        ("hits_total * on (job, instance) group_left () load", FINE),
        ("hits_total and on (job) hits_total", FINE),
        ("hits_total unless on (path) load or on (nothing) hits_total or lat_bucket", FINE),
        ("hits_total == on (job, instance, path) hits_total", FINE),
        // Label sets that the query makes.
        (r#"label_replace({__name__=~".+"}, "copy", "$0$0$0$0$0$0$0$0", "instance", ".*")"#, FINE),
        (r#"label_join({__name__=~".+"}, "all", ",", "__name__", "job", "instance", "path", "le")"#, FINE),
        (r#"count_values("v", hits_total)"#, FINE),
        (r#"count_values without () ("v", hits_total * time())"#, FINE),
        // Aggregations.
        ("topk(1e9, {__name__=~\".+\"})", FINE),
        ("bottomk by (job) (3, rate(hits_total[1h]))", FINE),
        ("quantile by (path) (0.99, hits_total)", FINE),
        ("stdvar without (instance) (hits_total)", FINE),
        ("histogram_quantile(0.99, lat_bucket)", FINE),
        ("histogram_quantile(0.99, sum by (le, instance) (rate(lat_bucket[4h])))", FINE),
        ("limit_ratio(0.5, hits_total)", FINE),
        ("sort_desc({__name__=~\".+\"})", LAST),
        ("scalar(hits_total) + scalar(sum(hits_total)) ^ scalar(load)", FINE),
    ]
    .map(|(query, at)| (query.to_owned(), at))
    .into();
    let replaced = (0..40).fold("hits_total".to_owned(), |inner, depth| {
        let source = if depth == 0 { "instance" } else { "x" };
        format!(r#"label_replace({inner}, "x", "$1$1$1$1", "{source}", "(.*)")"#)
    });
    queries.extend([
        (replaced, WHOLE),
        (nested("(", "1", ")", 249), FINE),
        (nested("(", "1", ")", 20_000), LAST),
        (nested("-", "hits_total", "", 240), WHOLE),
        (nested("abs(", "hits_total", ")", 240), WHOLE),
        (nested("sum by (job) (", "rate(hits_total[5m])", ")", 240), WHOLE),
        (nested("max_over_time(", "load", "[5m:1m])", 60), WHOLE),
        (chain("hits_total", " + ", 400), WHOLE),
        (chain("hits_total", " or ", 400), WHOLE),
        (chain("1", " ^ ", 30_000), LAST),
        (format!("hits_total{{path=~\"{}\"}}", "(a|b){0,100}".repeat(20)), WHOLE),
        (format!("{{{}}}", vec!["path=~\".{1000}|(.{0,900}x)\""; 1000].join(",")), WHOLE),
        (format!("hits_total{{path=~\"{}\"}}", chain("/p1", "|", 10_000)), WHOLE),
    ]);
    queries
}

/// Queries that a grammar makes of the same names.
fn generated() -> Vec<(String, At)> {
    let owned = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect();
    let vocabulary = Vocabulary {
        metrics: owned(&["hits_total", "load", "lat_bucket"]),
        labels: owned(&["job", "instance", "path", "le"]),
        values: owned(&["j1", "i1", "/p1", ".*", "$1$1", ""]),
    };
    let options = ParserOptions::default();
    let one = |seed: usize| {
        let mut random = Random::new(seed as u64);
        let query =
            QueryGenerator::new(&mut random, &vocabulary).expression(ValueType::Vector, 6).to_string();
        // Experimental words are not understood here.
        parse_expr(&query, &options).is_ok().then_some((query, [FINE, WHOLE, COARSE][seed % 3]))
    };
    (0..).filter_map(one).take(GENERATED).collect()
}

const SAMPLES_PER_PUSH: usize = 30;

/// Some 3,000 series of four hours.
fn fill(server: &Bellwether) {
    let mut series: Vec<Vec<(String, String)>> = Vec::new();
    let mut add = |labels: &[(&str, &str)]| {
        series.push(labels.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect());
    };
    for job in ["j0", "j1", "j2", "j3"] {
        for instance in (0..50).map(|i| format!("i{i}")) {
            let target = [("job", job), ("instance", instance.as_str())];
            add(&[&[("__name__", "load")], &target[..]].concat());
            for path in (0..10).map(|p| format!("/p{p}")) {
                add(&[&[("__name__", "hits_total"), ("path", path.as_str())], &target[..]].concat());
            }
            for le in ["0.1", "1", "10", "+Inf"] {
                add(&[&[("__name__", "lat_bucket"), ("le", le)], &target[..]].concat());
            }
        }
    }
    let labels: Vec<Vec<(&str, &str)>> =
        series.iter().map(|labels| labels.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect()).collect();
    let times: Vec<i64> = (BEGIN_S..END_S).step_by(STEP_S as usize).collect();
    for times in times.chunks(SAMPLES_PER_PUSH) {
        let samples: Vec<Vec<(i64, f64)>> = (0..labels.len())
            .map(|idx| {
                times.iter().map(|t| (t * 1000, ((t - BEGIN_S) as usize * (idx % 97 + 1)) as f64)).collect()
            })
            .collect();
        let batch: Vec<Pushed<'_>> =
            labels.iter().zip(&samples).map(|(l, s)| (l.as_slice(), s.as_slice())).collect();
        let (status, said) = push(server, &batch);
        assert!((200..300).contains(&status), "{status} {said}");
    }
}

fn path(query: &str, at: At) -> (&'static str, String) {
    match at {
        At::Once(time) => ("query", form(&[("query", query), ("time", &time.to_string())])),
        At::Every { start, end, step } => {
            let (start, end) = (start.to_string(), end.to_string());
            let params = [("query", query), ("start", &*start), ("end", &*end), ("step", step)];
            ("query_range", form(&params))
        }
    }
}

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

/// Asks and complains unless the answer is one that clients understand.
fn ask(server: &Bellwether, query: &str, at: At) -> Result<u16, String> {
    let (endpoint, body) = path(query, at);
    let url = format!("{}/api/v1/{endpoint}", server.url);
    let Answer { status, body, .. } = exchange("POST", &url, &[FORM], body.as_bytes());
    let shown = |text: &str| text.chars().take(300).collect::<String>();
    let complaint = |what: &str| Err(format!("{}: {status} {what}: {}", shown(query), shown(&body)));
    if status == 200 {
        let is_whole = body.starts_with("{\"status\":\"success\"") && body.ends_with('}');
        return if is_whole { Ok(status) } else { complaint("is not whole") };
    }
    let Ok(error) = serde_json::from_str::<Value>(&body) else { return complaint("is no JSON") };
    let message = error["error"].as_str().unwrap_or("");
    let is_expected = match (status, error["errorType"].as_str().unwrap_or("")) {
        (400, "bad_data") => message.contains("invalid parameter \"query\""),
        (422, "execution") => !message.is_empty(),
        (503, "timeout") => message.starts_with("query timed out "),
        (503, "unavailable") => {
            message
                == format!(
                    "the queries that run now would together use more than {MAX_MEMORY} bytes of memory \
                     (--query.max-memory); try again when fewer of them run"
                )
        }
        _ => false,
    };
    if is_expected { Ok(status) } else { complaint("is not an answer that is documented") }
}

/// Asks, and goes away before there is an answer.
fn ask_and_leave(server: &Bellwether, query: &str, at: At) -> std::io::Result<()> {
    let (endpoint, body) = path(query, at);
    let address = server.url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address)?;
    let head = format!(
        "POST /api/v1/{endpoint} HTTP/1.1\r\nHost: {address}\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n",
        FORM.1,
        body.len()
    );
    stream.write_all((head + &body).as_bytes())?;
    stream.set_read_timeout(Some(Duration::from_millis(50)))?;
    // Time for the query to begin, or to end, whichever comes first.
    let _ = stream.read(&mut [0; 16]);
    stream.shutdown(Shutdown::Both)
}

/// The most memory that the process has ever had resident, in bytes.
fn peak_memory(server: &Bellwether) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", server.process.id())).unwrap_or_default();
    let kib = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = kib.unwrap_or_else(|| panic!("the server is gone:\n{}", server.log()));
    kib.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
}

/// Tells the bystanders to stop, also when the test fails.
struct StopOnDrop<'a>(&'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Everything that must go on while the queries run. Each complaint is a failure.
struct Bystanders<'a> {
    server: &'a Bellwether,
    stop: &'a AtomicBool,
    complaints: Mutex<Vec<String>>,
    /// The time of the last acknowledged sample: samples are written at 1, 2, 3, ... ms after the other data.
    written: AtomicI64,
    checks: AtomicUsize,
}

impl Bystanders<'_> {
    fn complain(&self, what: String) {
        self.complaints.lock().expect("no panic").push(what);
    }

    fn write(&self) {
        let mut n = 0;
        while !self.stop.load(Ordering::Relaxed) {
            let sample = [(END_S * 1000 + n + 1, n as f64)];
            let labels = [[("__name__", "written"), ("n", "1")], [("__name__", "written"), ("n", "2")]];
            match push(self.server, &[(&labels[0], &sample), (&labels[1], &sample)]) {
                (200..300, _) => {
                    n += 1;
                    self.written.store(n, Ordering::Relaxed);
                }
                (status, said) => return self.complain(format!("a write was refused: {status} {said}")),
            }
        }
    }

    fn check_health(&self) {
        while !self.stop.load(Ordering::Relaxed) {
            for path in ["/-/healthy", "/-/ready", "/metrics"] {
                let (status, said) = self.server.get(path);
                if status != 200 {
                    self.complain(format!("{path}: {status} {said}"));
                }
            }
            self.checks.fetch_add(1, Ordering::Relaxed);
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// A query that costs nothing. There is a place for it, because fewer bad ones run than there are places.
    fn ask_for_little(&self) {
        while !self.stop.load(Ordering::Relaxed) {
            let (status, said) = self.server.get("/api/v1/query?query=1%2B1");
            if status != 200 {
                self.complain(format!("1+1: {status} {said}"));
            }
            thread::sleep(Duration::from_millis(50));
        }
    }
}

#[test]
fn the_worst_queries_harm_nobody() {
    let (exporter, _) = counting_exporter();
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(
        dir.path().join("prometheus.yml"),
        format!(
            "scrape_configs:\n- job_name: count\n  scrape_interval: 5s\n  scrape_timeout: 5s\n  static_configs: [{{targets: ['127.0.0.1:{exporter}']}}]\n"
        ),
    )
    .expect("written");
    let server = Bellwether::serve(
        dir.path(),
        &[
            "--config.file=prometheus.yml",
            "--storage.tsdb.retention.time=100y",
            "--query.timeout=4s",
            "--query.max-result-size=32MiB",
            &format!("--query.max-memory={MAX_MEMORY}B"),
            &format!("--query.max-memory-per-query={MAX_MEMORY_PER_QUERY}B"),
        ],
    );
    fill(&server);
    let before = peak_memory(&server);

    let queries: Vec<(String, At)> = fixed().into_iter().chain(generated()).collect();
    let stop = AtomicBool::new(false);
    let bystanders = Bystanders {
        server: &server,
        stop: &stop,
        complaints: Mutex::default(),
        written: AtomicI64::new(0),
        checks: AtomicUsize::new(0),
    };
    let (next, outcomes) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let longest = AtomicU64::new(0);
    thread::scope(|scope| {
        scope.spawn(|| bystanders.write());
        scope.spawn(|| bystanders.check_health());
        scope.spawn(|| bystanders.ask_for_little());
        let _stop = StopOnDrop(&stop);
        let clients: Vec<_> = (0..AT_ONCE)
            .map(|_| {
                scope.spawn(|| {
                    while let Some((query, at)) = queries.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let asked = Instant::now();
                        let outcome = ask(&server, query, *at);
                        longest.fetch_max(asked.elapsed().as_millis() as u64, Ordering::Relaxed);
                        outcomes.lock().expect("no panic").push(outcome);
                        if let Err(error) = ask_and_leave(&server, query, *at) {
                            bystanders.complain(format!("{query}: {error}"));
                        }
                    }
                })
            })
            .collect();
        for client in clients {
            client.join().expect("no panic");
        }
        // Whoever left was noticed: the threads stop, and what they had set aside is free again.
        wait_for("all queries to end", || {
            let active = server.api("status/active_queries", &[]);
            let others = active["queries"].as_array().into_iter().flatten();
            (others.filter(|query| query["query"] != "1+1").count() == 0).then_some(())
        });
    });

    let mut complaints = bystanders.complaints.into_inner().expect("no panic");
    let mut answers = std::collections::BTreeMap::<u16, usize>::new();
    for outcome in outcomes.into_inner().expect("no panic") {
        match outcome {
            Ok(status) => *answers.entry(status).or_default() += 1,
            Err(complaint) => complaints.push(complaint),
        }
    }
    assert!(complaints.is_empty(), "{}\n{}", complaints.join("\n"), server.log());
    assert_eq!(answers.values().sum::<usize>(), queries.len());
    assert!(answers.get(&200).is_some_and(|n| *n > 10), "hardly anything was answered: {answers:?}");
    assert!(answers.get(&422).is_some_and(|n| *n > 10), "no limit was met: {answers:?}");

    // Nothing that was acknowledged is lost, and the store is as it was.
    let n = bystanders.written.load(Ordering::Relaxed);
    assert!(n > 0 && bystanders.checks.load(Ordering::Relaxed) > 0);
    let at = (END_S + 1 + n / 1000).to_string();
    let count = |query: &str| server.api("query", &[("query", query), ("time", &at)]).to_string();
    let written = count(&format!("count_over_time(written{{n=\"1\"}}[{}ms])", n + 60_000));
    assert!(
        written.contains(&format!("\"{n}\"")) || written.contains(&format!("\"{}\"", n + 1)),
        "{n}: {written}"
    );
    let series = count("count({__name__=~\"hits_total|load|lat_bucket\"})");
    assert!(series.contains("\"3000\""), "{series}");
    // No scrape failed.
    assert_eq!(server.value("min_over_time(up{job=\"count\"}[1h])"), Some(1.0));

    wait_for("the memory to be free again", || {
        let metrics = server.get("/metrics").1;
        metrics.contains("\nbellwether_query_memory_bytes 0\n").then_some(())
    });
    let (peak, cap) = (peak_memory(&server), before + MAX_MEMORY + SLACK);
    let mib = |bytes: u64| bytes >> 20;
    let report = format!(
        "{answers:?}, the slowest after {} ms; {n} writes; memory {} MiB before, {} MiB at most, of {} MiB allowed",
        longest.into_inner(),
        mib(before),
        mib(peak),
        mib(cap)
    );
    println!("{report}");
    assert!(peak <= cap, "{report}");
}
