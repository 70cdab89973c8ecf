//! Expositions with a few bytes changed: nearly right is where parsers go wrong.
use bellwether_exposition::{
    CreatedHandling, Event, Exemplar, LabelBuf, Place, Reader, TypeAndUnitLabels, validate_openmetrics,
};
use proptest::prelude::*;

const TEXT: &str = r#"# HELP http_requests_total The "total" of requests.\n
# TYPE http_requests_total counter
http_requests_total{method="post",code="200"} 1027 1395066363000
http_requests_total{method="post",code="400"}    3 1395066363000

# a comment
msdos_file_access_time_seconds{path="C:\\DIR\\FILE.TXT",error="Cannot find file:\n\"FILE.TXT\""} 1.458255915e9
metric_without_timestamp_and_labels 12.47
{"my.noncompliant.metric", "label.name"="value"} 1
# TYPE rpc_duration_seconds summary
rpc_duration_seconds{quantile="0.01",} 3102
rpc_duration_seconds_sum 1.7560473e+07
something_weird{problem="division by zero"} +Inf -3982045
"#;

const OPENMETRICS: &str = r#"# TYPE acme_http_router_request_seconds summary
# UNIT acme_http_router_request_seconds seconds
# HELP acme_http_router_request_seconds Latency though all of ACME's HTTP request router.
acme_http_router_request_seconds_sum{path="/api/v1",method="GET"} 9036.32 1605281325.5
acme_http_router_request_seconds_count{path="/api/v1",method="GET"} 807283.0 1605281325.5
acme_http_router_request_seconds_created{path="/api/v1",method="GET"} 1605281325.0 1605281325.5
# TYPE foo histogram
foo_bucket{le="0.01"} 0
foo_bucket{le="1.0"} 11 # {trace_id="KOO5S4vxi0o"} 0.67
foo_bucket{le="+Inf"} 17 # {trace_id="oHg5SJYRHA0"} 9.8 1520879607.789
foo_count 17
foo_sum 324789.3
foo_created 1520430000.123
# EOF
"#;

/// Replaces, inserts, removes or doubles bytes.
fn mutate(body: &str, changes: &[(prop::sample::Index, u8, u8)]) -> Vec<u8> {
    let mut body = body.as_bytes().to_vec();
    for (at, byte, kind) in changes {
        let at = at.index(body.len());
        match kind {
            0 => body[at] = *byte,
            1 => body.insert(at, *byte),
            2 => {
                body.remove(at);
            }
            _ => body.extend_from_within(at..),
        }
        if body.is_empty() {
            break;
        }
    }
    body
}

/// Reads to the end and decodes everything. Returns how many series there were.
fn read_all(mut reader: Reader<'_>) -> usize {
    let (mut labels, mut scratch, mut n_series) = (LabelBuf::new(), String::new(), 0);
    while let Some(event) = reader.next() {
        match event {
            Ok(Event::Series(series)) => {
                n_series += 1;
                reader.read_labels(&series, TypeAndUnitLabels::Add, &mut labels);
                labels.sort();
                for label in series.exemplar.iter().flat_map(Exemplar::labels) {
                    label.value.unescape(&mut scratch);
                }
            }
            Ok(Event::Help { text, .. }) => {
                text.unescape(&mut scratch);
            }
            Ok(_) => {}
            Err(error) => match error.place() {
                Place::Text { line, column } => {
                    assert!(line > 0 && column > 0 && !error.reason().is_empty());
                }
                Place::Byte(offset) => panic!("a text has lines: {offset}"),
            },
        }
    }
    n_series
}

fn changes() -> impl Strategy<Value = Vec<(prop::sample::Index, u8, u8)>> {
    let byte = prop_oneof![any::<u8>(), prop::sample::select(b"\"\\{}=, \n#0.e".to_vec())];
    prop::collection::vec((any::<prop::sample::Index>(), byte, 0..4_u8), 0..6)
}

#[test]
fn unchanged_bodies_are_read_whole() {
    assert_eq!(read_all(Reader::text(TEXT.replace("-3982045", "3982045").as_bytes())), 8);
    assert_eq!(read_all(Reader::openmetrics(OPENMETRICS.as_bytes(), CreatedHandling::Series)), 9);
    assert_eq!(read_all(Reader::openmetrics(OPENMETRICS.as_bytes(), CreatedHandling::StartTimestamp)), 7);
    assert_eq!(validate_openmetrics(OPENMETRICS.as_bytes()), Ok(()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn changed_text_does_no_harm(changes in changes()) {
        read_all(Reader::text(&mutate(TEXT, &changes)));
    }

    #[test]
    fn changed_openmetrics_does_no_harm(changes in changes()) {
        let body = mutate(OPENMETRICS, &changes);
        let n_series = read_all(Reader::openmetrics(&body, CreatedHandling::Series));
        let n_folded = read_all(Reader::openmetrics(&body, CreatedHandling::StartTimestamp));
        prop_assert!(n_folded <= n_series);
        if validate_openmetrics(&body).is_ok() {
            let mut reader = Reader::openmetrics(&body, CreatedHandling::Series);
            prop_assert!(reader.all(|event| event.is_ok()), "the validator took what the reader refuses");
        }
    }
}
