//! Pushing, to receivers that behave and to others.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use bellwether_model::Value;
use bellwether_protobuf::Fields;
use bellwether_sdk::push::{Push, PushError};
use bellwether_sdk::{LabelValue, Labels, Opts, Registry};
use bellwether_wire::{WriteLimits, check_write_content, receive_write};

const SOON: Duration = Duration::from_millis(1);

#[derive(Debug)]
struct Request {
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value)
    }

    fn read(stream: impl Read) -> Self {
        let mut reader = BufReader::new(stream);
        let mut line = || {
            let mut line = String::new();
            reader.read_line(&mut line).expect("a line");
            line.trim_end().to_owned()
        };
        let path = line().split(' ').nth(1).expect("a path").to_owned();
        let mut headers = Vec::new();
        loop {
            let line = line();
            let Some((name, value)) = line.split_once(": ") else { break };
            headers.push((name.to_owned(), value.to_owned()));
        }
        let mut request = Self { path, headers, body: Vec::new() };
        let len = request.header("content-length").parse().expect("a length");
        request.body = vec![0; len];
        reader.read_exact(&mut request.body).expect("a body");
        request
    }
}

/// Answers requests with these statuses, one after the other. Before it answers one it hands it over.
fn receiver<const N: usize>(statuses: [u16; N]) -> (SocketAddr, mpsc::Receiver<Request>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let (sender, requests) = mpsc::channel();
    std::thread::spawn(move || {
        for status in statuses {
            let (mut stream, _) = listener.accept().expect("somebody connects");
            let _ = sender.send(Request::read(&stream));
            let answer = format!("HTTP/1.1 {status} x\r\ncontent-length: 7\r\n\r\nno room");
            stream.write_all(answer.as_bytes()).expect("somebody reads");
        }
    });
    (address, requests)
}

#[derive(Labels)]
struct Step<'a> {
    step: &'a str,
    job: &'a str,
}

#[derive(Clone, Copy, LabelValue)]
enum Phase {
    Loading,
    Done,
}

fn filled() -> Registry {
    let registry = Registry::new();
    let rows = registry.counter::<Step<'static>>(Opts::new("rows", "Rows.")).expect("is right");
    rows.with(Step { step: "load", job: "own" }).inc_by(7);
    rows.with(Step { step: "save", job: "own" }).inc_by(3);
    let opts = Opts::new("step_seconds", "Time of a step.").unit("seconds").buckets(&[1.0, 2.5]);
    let time = registry.histogram::<()>(opts).expect("is right");
    for seconds in [0.5, 2.0, 2.0, 9.0] {
        time.observe(seconds);
    }
    registry.gauge::<()>(Opts::new("depth", "Depth.")).expect("is right").set(-1.5);
    let phase = registry.state_set::<Phase, ()>(Opts::new("phase", "Phase.")).expect("is right");
    phase.set(Phase::Loading);
    phase.set(Phase::Done);
    registry
}

/// The series that a write request brings, as text, in order.
fn written(request: &Request) -> Vec<String> {
    check_write_content(request.header("content-type"), request.header("content-encoding"))
        .expect("it is right");
    let decoded =
        receive_write(&request.body, &WriteLimits::default(), &mut Vec::new()).expect("it is right");
    assert!(decoded.rejected.is_empty());
    let samples = decoded.batch.samples.iter().map(|sample| {
        assert!(sample.ts_ms > 1_700_000_000_000, "{}", sample.ts_ms);
        let Value::Float(value) = &sample.value else { panic!("{:?}", sample.value) };
        format!("{} {value}", sample.labels)
    });
    let metadata =
        decoded.batch.metadata.iter().map(|m| format!("# {} {:?}", m.family, m.metadata.metric_type));
    let mut all: Vec<String> = samples.chain(metadata).collect();
    all.sort_unstable();
    all
}

#[test]
fn remote_write_brings_what_a_scrape_would_find() {
    let (address, requests) = receiver([204]);
    let push = Push::remote_write(format!("http://{address}/api/v1/write?x=y"))
        .job("etl")
        .instance("i")
        .header("Authorization", "Bearer token")
        .start(&filled())
        .expect("is right");
    push.push().expect("it is taken");
    let request = requests.recv().expect("one came");
    assert_eq!(request.path, "/api/v1/write?x=y");
    assert_eq!(request.header("Authorization"), "Bearer token");
    let expected = [
        "# bellwether_push_failures_total Counter",
        "# depth Gauge",
        "# phase StateSet",
        "# rows_total Counter",
        "# step_seconds Histogram",
        r#"bellwether_push_failures_total{instance="i", job="etl"} 0"#,
        r#"depth{instance="i", job="etl"} -1.5"#,
        r#"phase{instance="i", job="etl", phase="done"} 1"#,
        r#"phase{instance="i", job="etl", phase="loading"} 0"#,
        r#"rows_total{exported_job="own", instance="i", job="etl", step="load"} 7"#,
        r#"rows_total{exported_job="own", instance="i", job="etl", step="save"} 3"#,
        r#"step_seconds_bucket{instance="i", job="etl", le="+Inf"} 4"#,
        r#"step_seconds_bucket{instance="i", job="etl", le="1.0"} 1"#,
        r#"step_seconds_bucket{instance="i", job="etl", le="2.5"} 3"#,
        r#"step_seconds_count{instance="i", job="etl"} 4"#,
        r#"step_seconds_sum{instance="i", job="etl"} 13.5"#,
    ];
    assert_eq!(written(&request), expected);
}

#[test]
fn many_series_are_several_requests() {
    #[derive(Labels)]
    struct One<'a> {
        #[label(max = 9_000)]
        one: &'a str,
    }
    let registry = Registry::new();
    let many = registry.gauge::<One<'static>>(Opts::new("many", "M.").max_series(9_000)).expect("is right");
    for n in 0..4_500 {
        many.with(One { one: &n.to_string() }).set(1.0);
    }
    let (address, requests) = receiver([200, 200, 200]);
    let push = Push::remote_write(format!("http://{address}")).start(&registry).expect("is right");
    push.push().expect("it is taken");
    let sizes: Vec<usize> = requests
        .try_iter()
        .map(|request| written(&request).iter().filter(|line| line.starts_with("many")).count())
        .collect();
    assert_eq!((sizes.len(), sizes.iter().sum::<usize>()), (3, 4_500));
}

#[test]
fn otlp_has_points_with_totals_and_bounds() {
    let (address, requests) = receiver([200]);
    let push = Push::otlp(format!("http://{address}/v1/metrics")).job("etl").instance("i");
    push.start(&filled()).expect("is right").push().expect("it is taken");
    let request = requests.recv().expect("one came");
    assert_eq!(
        (request.path.as_str(), request.header("content-type")),
        ("/v1/metrics", "application/x-protobuf")
    );
    let metrics = otlp_metrics(&request.body);
    let names: Vec<&str> = metrics.iter().map(|metric| metric.name.as_str()).collect();
    assert_eq!(names, ["bellwether_push_failures", "depth", "phase", "rows", "step_seconds"]);
    let [_, depth, _, rows, step] = &metrics[..] else { panic!("{names:?}") };
    assert_eq!((rows.kind, rows.temporality, rows.is_monotonic, rows.points.len()), (7, 2, 1, 2));
    assert_eq!(rows.points[0].value, 7.0);
    assert_eq!(rows.points[0].attributes, ["job own", "step load"]);
    assert!(
        rows.points[0].start_ns > 1_700_000_000_000_000_000
            && rows.points[0].now_ns >= rows.points[0].start_ns
    );
    assert_eq!((depth.kind, depth.points[0].value, depth.points[0].start_ns), (5, -1.5, 0));
    let point = &step.points[0];
    assert_eq!((step.kind, step.temporality, step.unit.as_str()), (9, 2, "s"));
    assert_eq!(
        (point.count, point.sum, &point.counts[..], &point.bounds[..]),
        (4, 13.5, &[1, 2, 1][..], &[1.0, 2.5][..])
    );
}

#[derive(Debug, Default)]
struct Metric {
    name: String,
    unit: String,
    /// The field that the data is in.
    kind: u32,
    temporality: u64,
    is_monotonic: u64,
    points: Vec<Point>,
}

#[derive(Debug, Default)]
struct Point {
    start_ns: u64,
    now_ns: u64,
    value: f64,
    count: u64,
    sum: f64,
    counts: Vec<u64>,
    bounds: Vec<f64>,
    attributes: Vec<String>,
}

/// Calls `take` with the number and content of each field.
fn each_field(message: &[u8], mut take: impl FnMut(u32, &bellwether_protobuf::Field<'_>)) {
    let mut fields = Fields::new(message);
    while let Some(field) = fields.next_field().expect("it is well-formed") {
        take(field.number, &field);
    }
}

fn text(field: &bellwether_protobuf::Field<'_>) -> String {
    String::from_utf8(field.bytes().expect("bytes").to_vec()).expect("text")
}

fn fixed(field: &bellwether_protobuf::Field<'_>) -> u64 {
    field.double().expect("eight bytes").to_bits()
}

/// By the field numbers of opentelemetry-proto.
fn otlp_metrics(body: &[u8]) -> Vec<Metric> {
    let mut metrics = Vec::new();
    let mut resource = Vec::new();
    each_field(body, |_, resource_metrics| {
        each_field(resource_metrics.bytes().expect("a message"), |number, field| match number {
            1 => each_field(field.bytes().expect("a message"), |_, attribute| {
                resource.push(attribute_of(attribute));
            }),
            _ => each_field(field.bytes().expect("a message"), |number, field| {
                if number == 2 {
                    metrics.push(metric(field.bytes().expect("a message")));
                }
            }),
        });
    });
    assert_eq!(resource, ["service.name etl", "service.instance.id i"]);
    metrics
}

fn attribute_of(field: &bellwether_protobuf::Field<'_>) -> String {
    let mut out = String::new();
    each_field(field.bytes().expect("a message"), |number, field| match number {
        1 => out = text(field),
        _ => each_field(field.bytes().expect("a message"), |_, value| out = format!("{out} {}", text(value))),
    });
    out
}

fn metric(message: &[u8]) -> Metric {
    let mut metric = Metric::default();
    each_field(message, |number, field| match number {
        1 => metric.name = text(field),
        2 => assert!(text(field).ends_with('.')),
        3 => metric.unit = text(field),
        kind => {
            metric.kind = kind;
            each_field(field.bytes().expect("a message"), |number, field| match number {
                1 => metric.points.push(point(kind, field.bytes().expect("a message"))),
                2 => metric.temporality = field.varint().expect("a number"),
                _ => metric.is_monotonic = field.varint().expect("a number"),
            });
        }
    });
    metric
}

fn point(kind: u32, message: &[u8]) -> Point {
    let mut point = Point::default();
    let is_histogram = kind == 9;
    each_field(message, |number, field| match number {
        2 => point.start_ns = fixed(field),
        3 => point.now_ns = fixed(field),
        4 if is_histogram => point.count = fixed(field),
        4 => point.value = field.double().expect("a number"),
        5 => point.sum = field.double().expect("a number"),
        6 => field.each_double(|bits| point.counts.push(bits.to_bits())).expect("numbers"),
        7 if is_histogram => field.each_double(|bound| point.bounds.push(bound)).expect("numbers"),
        _ => point.attributes.push(attribute_of(field)),
    });
    point
}

#[test]
fn a_pushgateway_gets_text_for_a_group() {
    let (address, requests) = receiver([200]);
    let registry = filled();
    let push = Push::pushgateway(format!("http://{address}/base")).job("nightly etl").instance("i:1");
    push.start(&registry).expect("is right").succeed().expect("it is taken");
    let request = requests.recv().expect("one came");
    assert_eq!(request.path, "/base/metrics/job/nightly%20etl/instance/i%3A1");
    assert!(request.header("content-type").starts_with("text/plain; version=0.0.4"));
    let body = String::from_utf8(request.body).expect("text");
    assert_eq!(body, registry.text());
    assert!(body.contains("\nbellwether_job_last_success_timestamp_seconds 1"), "{body}");
    let slash = Push::pushgateway("http://a").job("a/b").start(&registry).expect_err("it cannot be written");
    assert!(slash.to_string().contains("no slash"), "{slash}");
}

#[test]
fn what_is_away_for_a_moment_is_tried_again_and_what_refuses_is_not() {
    let (address, requests) = receiver([503, 429, 200, 400]);
    let registry = filled();
    let push = || {
        Push::remote_write(format!("http://{address}/w?secret"))
            .attempts(3, SOON)
            .start(&registry)
            .expect("is right")
    };
    push().fail().expect("the third time it is taken");
    assert_eq!(requests.try_iter().count(), 3);
    assert!(!registry.text().contains("last_success"), "{}", registry.text());
    let error = push().succeed().expect_err("it is refused");
    assert_eq!(error.to_string(), format!("http://{address}/w refuses metrics with status 400: no room"));
    assert!(registry.text().contains("bellwether_push_failures_total 1\n"));
    let gone = Push::otlp("http://127.0.0.1:1").attempts(2, SOON).start(&registry).expect("is right");
    let error = gone.push().expect_err("nobody is there");
    assert!(matches!(&error, PushError::Unavailable { attempts: 2, is_kept: false, .. }), "{error}");
}

#[test]
fn what_cannot_be_sent_waits_in_the_spool() {
    let spool = tempfile::tempdir().expect("made");
    let files = || std::fs::read_dir(spool.path()).expect("read").count();
    let registry = filled();
    let (address, requests) = receiver([503, 503, 200, 400, 200, 200]);
    let push = || {
        let push = Push::remote_write(format!("http://{address}/w")).job("etl").attempts(1, SOON);
        push.spool(spool.path()).start(&registry).expect("is right")
    };
    drop(push());
    assert_eq!(files(), 1);
    let error = push().succeed().expect_err("it is still away");
    assert!(error.to_string().ends_with("; they are kept in the spool"), "{error}");
    assert_eq!(files(), 2);
    let back = push();
    let error = back.push().expect_err("the second one is refused");
    assert!(matches!(error, PushError::Refused { status: 400, .. }), "{error}");
    assert_eq!(files(), 0, "what is refused is not kept");
    let bodies: Vec<Vec<u8>> = requests.try_iter().map(|request| request.body).collect();
    assert_eq!(bodies.len(), 5);
    assert!(bodies[0] == bodies[1] && bodies[0] == bodies[2], "the oldest comes first, as it was");
    back.fail().expect("all is well again");
}

#[test]
fn an_interval_pushes_until_the_end() {
    let (address, requests) = receiver([200; 4]);
    let push =
        Push::remote_write(format!("http://{address}")).every(SOON).start(&filled()).expect("is right");
    for _ in 0..3 {
        requests.recv().expect("they come by themselves");
    }
    drop(push);
    requests.recv().expect("the last one");
    assert!(requests.recv().is_err());
}

#[test]
fn https_is_checked_against_certificates() {
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("it is made");
    let key = rustls::pki_types::PrivateKeyDer::Pkcs8(certified.signing_key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|config| {
            config.with_no_client_auth().with_single_cert(vec![certified.cert.der().clone()], key)
        })
        .expect("is right");
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("it is bound").port();
    std::thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            let connection = rustls::ServerConnection::new(Arc::clone(&config)).expect("is right");
            let mut stream = rustls::StreamOwned::new(connection, stream);
            let mut first = [0; 1];
            // A client that does not trust the certificate goes away here.
            if stream.read_exact(&mut first).is_ok() {
                Request::read(&mut stream);
                stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").expect("somebody reads");
                stream.flush().expect("somebody reads");
            }
        }
    });
    let registry = Registry::new();
    let push = || Push::remote_write(format!("https://localhost:{port}/")).attempts(1, SOON);
    let trusting = push().root_certificates(certified.cert.pem()).start(&registry).expect("is right");
    trusting.push().expect("it is taken");
    let other = push().start(&registry).expect("is right").push().expect_err("nobody knows the certificate");
    assert!(other.to_string().contains("certificate"), "{other}");
    let none = push().root_certificates(&b"none"[..]).start(&registry).expect_err("there is none");
    assert!(none.to_string().contains("there is no certificate"), "{none}");
}

/// Debian's Prometheus as a receiver.
struct Prometheus {
    process: Child,
    address: SocketAddr,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Prometheus {
    fn start(dir: &Path) -> Self {
        std::fs::write(dir.join("prometheus.yml"), "").expect("written");
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let address = free.expect("a free port");
        let process = Command::new("prometheus")
            .arg(format!("--web.listen-address={address}"))
            .args([
                "--config.file=prometheus.yml",
                "--storage.tsdb.path=data",
                "--web.enable-remote-write-receiver",
            ])
            .current_dir(dir)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("prometheus is missing; `scripts/setup.sh peers` installs it");
        let mut prometheus = Self { process, address };
        while !prometheus.get("/-/ready").starts_with("HTTP/1.1 200") {
            assert_eq!(prometheus.process.try_wait().expect("it is ours"), None, "it ended");
            std::thread::yield_now();
        }
        prometheus
    }

    /// The answer to a request, empty if nobody listens yet.
    fn get(&self, path: &str) -> String {
        let mut answer = String::new();
        if let Ok(mut stream) = TcpStream::connect(self.address) {
            let _ = write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
            let _ = stream.read_to_string(&mut answer);
        }
        answer
    }
}

#[test]
fn prometheus_stores_what_is_pushed() {
    let dir = tempfile::tempdir().expect("made");
    let prometheus = Prometheus::start(dir.path());
    let push =
        Push::remote_write(format!("http://{}/api/v1/write", prometheus.address)).job("etl").instance("i");
    push.start(&filled()).expect("is right").succeed().expect("it is taken");
    let answer = prometheus.get("/api/v1/query?query=rows_total%7Bstep=%22load%22%7D");
    assert!(answer.contains(r#""job":"etl""#) && answer.contains(r#""7"]"#), "{answer}");
    let quantile = "histogram_quantile(0.5,step_seconds_bucket)";
    let answer = prometheus.get(&format!("/api/v1/query?query={quantile}"));
    assert!(answer.contains(r#""1.75"]"#), "{answer}");
}
