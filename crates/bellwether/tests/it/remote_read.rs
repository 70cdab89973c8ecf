//! Other servers read samples as they are stored.

use std::fs;
use std::path::Path;
use std::time::UNIX_EPOCH;

use bellwether_model::{FloatHistogram, Labels, MatchOp, Matcher, Span, TimeRange};
use bellwether_wire::{
    FrameReader, HistogramSample, ReadQuery, ReadResponseType, ReadSeries, WireHistogram, WriteRequestWriter,
    WriteSeries, decode_xor_chunk, encode_xor_chunk, receive_read_response, write_read_request,
};
use serde_json::Value;

use crate::http_api::{push, push_message, push_to};
use crate::support::{Bellwether, form, prometheus, request, wait_for};

const SAMPLES: &[ReadResponseType] = &[ReadResponseType::Samples];
const STREAMED: &[ReadResponseType] = &[ReadResponseType::StreamedXorChunks];
const EITHER: &[ReadResponseType] = &[ReadResponseType::StreamedXorChunks, ReadResponseType::Samples];

/// A series of a streamed answer: the number of its query, its labels and its samples.
type Streamed = (i64, Labels, Vec<(i64, f64)>);

/// Status, type and body of an answer.
struct Read {
    status: u16,
    content_type: String,
    body: Vec<u8>,
}

impl Read {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    fn series(&self) -> Vec<Vec<ReadSeries>> {
        assert_eq!(
            (self.status, self.content_type.as_str()),
            (200, "application/x-protobuf"),
            "{}",
            self.text()
        );
        receive_read_response(&self.body, 100 << 20).expect("an answer").results
    }

    /// The chunks of each series, joined, with the number of its query.
    fn chunks(&self) -> Vec<(i64, Labels, Vec<Vec<u8>>)> {
        let content_type = "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse";
        assert_eq!((self.status, self.content_type.as_str()), (200, content_type), "{}", self.text());
        let mut all: Vec<(i64, Labels, Vec<Vec<u8>>)> = Vec::new();
        for series in FrameReader::new(&self.body, 50_000_000).flat_map(|frame| frame.expect("a frame")) {
            let chunks = series.chunks.into_iter().map(|(encoding, chunk)| {
                assert_eq!(encoding, 1, "XOR");
                chunk
            });
            match all.last_mut() {
                Some((query_idx, labels, before))
                    if (*query_idx, &*labels) == (series.query_idx, &series.labels) =>
                {
                    before.extend(chunks);
                }
                _ => all.push((series.query_idx, series.labels, chunks.collect())),
            }
        }
        all
    }

    /// The chunks of native histograms of the only series.
    fn histogram_chunks(&self) -> Vec<Vec<u8>> {
        let frames = FrameReader::new(&self.body, 50_000_000).flat_map(|frame| frame.expect("a frame"));
        let chunks = frames.flat_map(|series| series.chunks).map(|(encoding, chunk)| {
            assert_eq!(encoding, 3, "FLOAT_HISTOGRAM");
            chunk
        });
        chunks.collect()
    }

    fn streamed(&self) -> Vec<Streamed> {
        let decode = |chunk: Vec<u8>| {
            let (ts, vals) = decode_xor_chunk(&chunk).expect("a chunk");
            ts.into_iter().zip(vals).collect::<Vec<_>>()
        };
        let series = self.chunks().into_iter();
        series
            .map(|(idx, labels, chunks)| (idx, labels, chunks.into_iter().flat_map(decode).collect()))
            .collect()
    }
}

fn read(url: &str, queries: &[ReadQuery], accept: &[ReadResponseType]) -> Read {
    let mut body = Vec::new();
    write_read_request(queries, accept, &mut body).expect("written");
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let mut answer = agent
        .post(format!("{url}/api/v1/read"))
        .header("Content-Type", "application/x-protobuf")
        .header("Content-Encoding", "snappy")
        .send(&body)
        .expect("an answer");
    let content_type =
        answer.headers().get("content-type").and_then(|v| v.to_str().ok()).unwrap_or("").to_owned();
    let status = answer.status().as_u16();
    let body = answer.body_mut().read_to_vec().expect("a body");
    Read { status, content_type, body }
}

fn query(range: (i64, i64), matchers: &[(MatchOp, &str, &str)]) -> ReadQuery {
    let matchers =
        matchers.iter().map(|(op, name, value)| Matcher::new(*op, *name, *value).expect("valid")).collect();
    ReadQuery { range: TimeRange::new(range.0, range.1), matchers }
}

fn waves(start_ms: i64, n: i64) -> Vec<(i64, f64)> {
    (0..n).map(|i| (start_ms + i * 15_000 + i % 3, (i as f64 / 7.0).sin() * 100.0)).collect()
}

fn with_external_labels(dir: &Path, args: &[&str]) -> Bellwether {
    fs::write(dir.join("prometheus.yml"), "global: {external_labels: {region: x, job: outer}}\n")
        .expect("written");
    let always = ["--config.file=prometheus.yml", "--storage.tsdb.retention.time=100y"];
    Bellwether::serve(dir, &[&always, args].concat())
}

#[test]
fn samples_come_in_both_forms_with_external_labels() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = with_external_labels(dir.path(), &["--storage.remote.read-max-bytes-in-frame=700"]);
    let (a, b) = (waves(0, 500), waves(0, 5));
    let (status, said) = push(
        &server,
        &[(&[("__name__", "wave"), ("job", "inner")], &a), (&[("__name__", "wave"), ("path", "/b")], &b)],
    );
    assert!(status < 300, "{said}");
    let labels = |pairs: &[(&str, &str)]| Labels::from_pairs(pairs.iter().copied());
    let inner = labels(&[("__name__", "wave"), ("job", "inner"), ("region", "x")]);
    let outer = labels(&[("__name__", "wave"), ("job", "outer"), ("path", "/b"), ("region", "x")]);
    let name = (MatchOp::Eq, "__name__", "wave");
    let queries = [
        query((0, 100_000_000), &[name, (MatchOp::Eq, "region", "x")]),
        query((15_001, 45_000), &[name, (MatchOp::Eq, "job", "outer")]),
        query((0, 100_000_000), &[name, (MatchOp::Eq, "region", "y")]),
        query((-50, -1), &[name]),
        query(
            (0, 10),
            &[(MatchOp::Re, "job", "in+er"), (MatchOp::Nre, "path", ".+"), (MatchOp::Ne, "x", "y")],
        ),
    ];
    let some = |series: &[(i64, f64)], range: std::ops::Range<usize>| series[range].to_vec();
    let want = [
        (0, inner.clone(), a.clone()),
        (0, outer.clone(), b.clone()),
        (1, outer, some(&b, 1..4)),
        (4, inner, some(&a, 0..1)),
    ];
    let streamed = read(&server.url, &queries, EITHER);
    assert_eq!(streamed.streamed(), want);
    // 500 samples do not fit into one frame of 700 bytes.
    assert!(FrameReader::new(&streamed.body, 2_000).count() > want.len(), "one frame each");
    let results = read(&server.url, &queries, SAMPLES).series();
    assert_eq!(results.len(), queries.len());
    let flat: Vec<_> = results
        .into_iter()
        .enumerate()
        .flat_map(|(idx, series)| series.into_iter().map(move |s| (idx as i64, s.labels, s.floats)))
        .collect();
    assert_eq!(flat, want);
    // Whoever accepts nothing in particular gets samples, as in the first version of the protocol.
    assert_eq!(read(&server.url, &queries[..1], &[]).series()[0].len(), 2);
    assert!(read(&server.url, &[], STREAMED).body.is_empty());
}

/// Native histograms of a counter that starts anew twice, the second time with other buckets.
fn histograms(start_ms: i64) -> Vec<(i64, FloatHistogram)> {
    let one = |i: i64| {
        let n = (i % 40 + 1) as f64;
        let length = if i < 80 { 2 } else { 3 };
        let histogram = FloatHistogram {
            count: n * f64::from(1 + length),
            sum: n / 3.0,
            zero_count: n,
            zero_threshold: 0.001,
            positive_spans: vec![Span { offset: -2, length }],
            positive_buckets: vec![n; length as usize],
            ..FloatHistogram::default()
        };
        (start_ms + i * 15_000, histogram)
    };
    (0..100).map(one).collect()
}

fn push_histograms(url: &str, name: &str, histograms: &[(i64, FloatHistogram)]) {
    let samples: Vec<HistogramSample<'_>> = histograms
        .iter()
        .map(|(ts_ms, h)| HistogramSample { ts_ms: *ts_ms, histogram: WireHistogram::Float(h) })
        .collect();
    let mut message = Vec::new();
    WriteRequestWriter::new(&mut message).series(&WriteSeries {
        labels: &Labels::from_pairs([("__name__", name)]),
        samples: &[],
        exemplars: &[],
        histograms: &samples,
    });
    let (status, said) = push_message(url, &message);
    assert!(status < 300, "{said}");
}

#[test]
fn native_histograms_come_in_both_forms() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = with_external_labels(dir.path(), &[]);
    let pushed = histograms(1_000_000);
    push_histograms(&server.url, "h", &pushed);
    let queries = [query((0, 10_000_000), &[(MatchOp::Eq, "__name__", "h")])];
    let series = &read(&server.url, &queries, SAMPLES).series()[0];
    assert_eq!((series.len(), series[0].n_histograms), (1, pushed.len()));
    for accept in [STREAMED, EITHER] {
        let chunks = read(&server.url, &queries, accept).histogram_chunks();
        let n: usize = chunks.iter().map(|chunk| usize::from(u16::from_be_bytes([chunk[0], chunk[1]]))).sum();
        // Cut where the counter starts anew.
        assert_eq!((n, chunks.len()), (pushed.len(), 3));
    }
}

#[test]
fn our_histogram_chunks_are_those_of_prometheus() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = with_external_labels(dir.path(), &[]);
    let peer_dir = dir.path().join("prometheus");
    fs::create_dir(&peer_dir).expect("made");
    fs::write(peer_dir.join("prometheus.yml"), "{}").expect("written");
    let args = ["--web.enable-remote-write-receiver", "--enable-feature=native-histograms"];
    let (_prometheus, url) = prometheus(&peer_dir, &args);
    // Within two hours of the clock: Prometheus begins a chunk with each block.
    let block_ms = 2 * 3_600_000;
    let pushed = histograms((now_ms() - 100 * 15_000).div_euclid(block_ms) * block_ms);
    for url in [&server.url, &url] {
        push_histograms(url, "h", &pushed);
    }
    let queries = [query((0, i64::MAX), &[(MatchOp::Eq, "__name__", "h")])];
    let theirs = wait_for("the samples", || {
        let chunks = read(&url, &queries, STREAMED).histogram_chunks();
        (!chunks.is_empty()).then_some(chunks)
    });
    let ours = read(&server.url, &queries, STREAMED).histogram_chunks();
    let samples = |chunks: &[Vec<u8>]| -> Vec<u16> {
        chunks.iter().map(|chunk| u16::from_be_bytes([chunk[0], chunk[1]])).collect()
    };
    assert_eq!(samples(&ours), samples(&theirs));
    for (ours, theirs) in ours.iter().zip(&theirs) {
        // They know more about the reset than our store tells, and older versions leave an empty byte at the end.
        let theirs = theirs.strip_suffix(&[0]).filter(|t| t.len() == ours.len()).unwrap_or(theirs);
        assert!(ours[..2] == theirs[..2] && ours[3..] == theirs[3..], "{ours:x?} instead of {theirs:x?}");
    }
}

#[test]
fn limits_and_nonsense_are_named() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = with_external_labels(dir.path(), &["--storage.remote.read-sample-limit=10"]);
    push(&server, &[(&[("__name__", "wave")], &waves(0, 11))]);
    let queries = [query((0, 1_000_000), &[(MatchOp::Eq, "__name__", "wave")])];
    let refused = read(&server.url, &queries, SAMPLES);
    assert_eq!(
        (refused.status, refused.text().as_str()),
        (400, "exceeded sample limit (10) (--storage.remote.read-sample-limit)\n")
    );
    // What is streamed takes no memory to speak of, so it has no such limit.
    assert_eq!(read(&server.url, &queries, STREAMED).streamed()[0].2.len(), 11);
    let (status, said) = server.post("/api/v1/read", &[], b"not snappy at all");
    assert_eq!(status, 400);
    assert!(said.starts_with("snappy: "), "{said}");
    assert_eq!(server.post("/api/v1/read", &[], &[0xff, 0xff, 0xff, 0xff, 0x07, 0x00]).0, 413);
    assert_eq!(server.get("/api/v1/read").0, 405);
}

fn now_ms() -> i64 {
    let since = UNIX_EPOCH.elapsed().expect("after 1970");
    i64::try_from(since.as_millis()).expect("in range")
}

/// Two series of the last hour.
fn recent() -> [Vec<(i64, f64)>; 2] {
    let start_ms = now_ms() - 3_600_000;
    let steps = waves(start_ms, 230);
    let counts = steps.iter().enumerate().map(|(i, (ts_ms, _))| (*ts_ms, i as f64)).collect();
    [steps, counts]
}

#[test]
fn prometheus_answers_queries_over_our_data() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = with_external_labels(dir.path(), &[]);
    let [wave, count] = recent();
    push(
        &server,
        &[
            (&[("__name__", "wave"), ("path", "/a")], &wave),
            (&[("__name__", "hits_total"), ("path", "/a")], &count),
            (&[("__name__", "hits_total"), ("path", "/b")], &count),
        ],
    );
    let peer_dir = dir.path().join("prometheus");
    fs::create_dir(&peer_dir).expect("made");
    let config = format!("remote_read: [{{url: '{}/api/v1/read', read_recent: true}}]\n", server.url);
    fs::write(peer_dir.join("prometheus.yml"), config).expect("written");
    let (_prometheus, url) = prometheus(&peer_dir, &[]);
    let [(start_ms, _), .., (end_ms, _)] = wave[..] else { panic!("no samples") };
    let seconds = |ms: i64| (ms / 1000).to_string();
    let ask = |url: &str, query: &str| -> Value {
        let params =
            [("query", query), ("start", &seconds(start_ms)), ("end", &seconds(end_ms)), ("step", "60")];
        let (status, text) = request("GET", &format!("{url}/api/v1/query_range?{}", form(&params)), &[], &[]);
        assert_eq!(status, 200, "{query}: {text}");
        serde_json::from_str::<Value>(&text).expect("JSON")["data"]["result"].clone()
    };
    // All that aggregates away the external labels must be the same to the last digit.
    for query in [
        "sum by (path) (rate(hits_total[5m]))",
        "max by (path) (max_over_time(wave[10m]))",
        "count by (path) (hits_total{path=~\"/.\"})",
        "sum by (path) (hits_total{region=\"x\"})",
    ] {
        let ours = ask(&server.url, &query.replace("{region=\"x\"}", ""));
        assert!(ours.as_array().is_some_and(|series| !series.is_empty()), "{query}");
        assert_eq!(ask(&url, query), ours, "{query}");
    }
    let found = ask(&url, "wave");
    assert_eq!(found[0]["metric"]["region"], "x", "{found}");
    assert_eq!(ask(&url, "wave{region=\"y\"}"), Value::Array(Vec::new()));
}

#[test]
fn our_chunks_are_those_of_prometheus() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = with_external_labels(dir.path(), &[]);
    let peer_dir = dir.path().join("prometheus");
    fs::create_dir(&peer_dir).expect("made");
    fs::write(peer_dir.join("prometheus.yml"), "global: {external_labels: {region: x, job: outer}}\n")
        .expect("written");
    let (_prometheus, url) = prometheus(&peer_dir, &["--web.enable-remote-write-receiver"]);
    let [wave, count] = recent();
    let odd = [0.0, -0.0, 1.0, f64::INFINITY, f64::MIN_POSITIVE, f64::MAX, -1e-300, 5.0, 5.0, f64::NAN];
    let odd: Vec<(i64, f64)> =
        wave.iter().enumerate().map(|(i, (ts_ms, _))| (ts_ms + (i * i) as i64, odd[i % 10])).collect();
    for url in [&server.url, &url] {
        let (status, said) = push_to(
            url,
            &[
                (&[("__name__", "wave")], &wave),
                (&[("__name__", "wave"), ("a", "count")], &count),
                (&[("__name__", "wave"), ("a", "odd")], &odd),
            ],
        );
        assert!(status < 300, "{said}");
    }
    let queries = [query((0, i64::MAX), &[(MatchOp::Eq, "__name__", "wave")])];
    let theirs = wait_for("the samples", || {
        let theirs = read(&url, &queries, STREAMED);
        (theirs.chunks().len() == 3).then_some(theirs)
    });
    let ours = read(&server.url, &queries, STREAMED);
    let bits = |read: &Read| -> Vec<(Labels, Vec<(i64, u64)>)> {
        let series = read.streamed().into_iter();
        series.map(|(_, labels, s)| (labels, s.iter().map(|(ts, v)| (*ts, v.to_bits())).collect())).collect()
    };
    assert_eq!(bits(&ours), bits(&theirs));
    // Where they cut their chunks is their affair, but the same samples are the same bytes.
    for (_, labels, chunks) in theirs.chunks() {
        for chunk in chunks {
            let (ts, vals) = decode_xor_chunk(&chunk).expect("their chunk");
            let mut again = Vec::new();
            encode_xor_chunk(&ts, &vals, &mut again);
            // Older versions of Prometheus begin a new byte as soon as one is full, and leave it empty at the end.
            if again.len() < chunk.len() {
                again.push(0);
            }
            assert!(again == chunk, "{labels}: {again:x?} instead of {chunk:x?}");
        }
    }
}
