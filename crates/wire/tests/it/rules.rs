//! Which series are taken, and what is said about the others.
use bellwether_model::{FloatHistogram, Labels, Span};
use bellwether_wire::{
    DecodedWrite, HistogramSample, ReceiveError, WireHistogram, WriteLimits, WriteRequestWriter, WriteSeries,
    compress_write_request, decode_write_request, receive_write,
};

/// A series of one sample with these labels as they are: in any order, repeated, empty, not UTF-8.
fn series(labels: &[(&[u8], &[u8])]) -> Vec<u8> {
    let field = |key: u8, content: &[u8]| {
        let mut out = vec![key];
        let mut len = content.len();
        while len >= 0x80 {
            out.push(len as u8 | 0x80);
            len >>= 7;
        }
        out.push(len as u8);
        [out.as_slice(), content].concat()
    };
    let mut content = Vec::new();
    for (name, value) in labels {
        content.extend(field(0x0a, &[field(0x0a, name), field(0x12, value)].concat()));
    }
    content.extend(field(0x12, b"\x10\x05"));
    field(0x0a, &content)
}

fn decode(message: &[u8]) -> DecodedWrite {
    decode_write_request(message, &WriteLimits::default()).expect("well-formed")
}

const NAME: (&[u8], &[u8]) = (b"__name__", b"up");

#[test]
fn labels_are_put_in_order_and_empty_values_dropped() {
    let decoded = decode(&series(&[(b"z", b"1"), NAME, (b"empty", b""), (b"a", b"2")]));
    assert!(decoded.rejected.is_empty());
    let want = Labels::from_pairs([("__name__", "up"), ("a", "2"), ("z", "1")]);
    assert_eq!(decoded.batch.samples[0].labels, want);
}

#[test]
fn a_bad_series_does_not_cost_the_others() {
    let check = |labels: &[(&[u8], &[u8])], want: &str| {
        let message = [series(&[NAME, (b"i", b"1")]), series(labels), series(&[NAME, (b"i", b"2")])].concat();
        let decoded = decode(&message);
        assert_eq!(decoded.rejected.reasons, [want]);
        assert_eq!((decoded.rejected.refusals, decoded.rejected.samples), (1, 1));
        assert_eq!(decoded.batch.samples.len(), 2, "the neighbours are taken");
    };
    check(&[(b"job", b"x")], r#"invalid metric name or labels, got {job="x"}"#);
    check(&[], "invalid metric name or labels, got {}");
    check(
        &[(b"__name__", b""), (b"job", b"x")],
        r#"invalid metric name or labels, got {__name__="", job="x"}"#,
    );
    check(&[NAME, (b"", b"x")], r#"invalid metric name or labels, got {="x", __name__="up"}"#);
    check(&[NAME, (b"a", b"\xff")], "invalid metric name or labels, got {__name__=\"up\", a=\"\u{fffd}\"}");
    check(&[NAME, (b"\xff", b"x")], "invalid metric name or labels, got {__name__=\"up\", \u{fffd}=\"x\"}");
    check(
        &[(b"a", b"1"), NAME, (b"a", b"2")],
        r#"invalid labels for series, labels {__name__="up", a="1", a="2"}, duplicated label a"#,
    );
}

#[test]
fn limits_name_limit_value_and_offender() {
    let limits = WriteLimits {
        max_labels_per_series: 3,
        max_name_bytes: 10,
        max_value_bytes: 10,
        ..WriteLimits::default()
    };
    let check = |labels: &[(&[u8], &[u8])], want: &[&str]| {
        let message = [series(labels), series(&[NAME])].concat();
        let decoded = decode_write_request(&message, &limits).expect("well-formed");
        assert_eq!(decoded.rejected.reasons, want);
        assert_eq!(decoded.batch.samples.len(), 2 - want.len());
    };
    check(&[NAME, (b"a", b"1"), (b"b", b"0123456789")], &[]);
    check(
        &[NAME, (b"a", b"1"), (b"b", b"2"), (b"c", b"3")],
        &[
            r#"series has 4 labels, more than the 3 allowed (labels per series), got {__name__="up", a="1", b="2"}"#,
        ],
    );
    check(
        &[NAME, (b"a23456789ab", b"1")],
        &[concat!(
            r#"label name of 11 bytes exceeds the limit of 10 bytes (label name length), "#,
            r#"label "a23456789ab" in {__name__="up", a23456789ab="1"}"#
        )],
    );
    check(
        &[NAME, (b"a", b"0123456789a")],
        &[concat!(
            r#"label value of 11 bytes exceeds the limit of 10 bytes (label value length), "#,
            r#"label "a" in {__name__="up", a="0123456789a"}"#
        )],
    );
}

#[test]
fn a_message_stays_short_however_long_the_labels() {
    let long = vec![b'x'; 1 << 20];
    let decoded = decode(&series(&[NAME, (&long, &long)]));
    assert!(decoded.rejected.reasons[0].len() < 1000, "{} bytes", decoded.rejected.reasons[0].len());
}

fn native(histogram: &FloatHistogram, limits: &WriteLimits) -> DecodedWrite {
    let mut message = Vec::new();
    let sample = HistogramSample { ts_ms: 1, histogram: WireHistogram::Float(histogram) };
    WriteRequestWriter::new(&mut message).series(&WriteSeries {
        labels: &Labels::from_pairs([("__name__", "h")]),
        samples: &[],
        exemplars: &[],
        histograms: &[sample, sample],
    });
    decode_write_request(&message, limits).expect("well-formed")
}

#[test]
fn histograms_that_make_no_sense_are_refused_one_by_one() {
    let histogram = FloatHistogram { schema: 53, ..FloatHistogram::default() };
    let decoded = native(&histogram, &WriteLimits::default());
    assert_eq!(decoded.rejected.refusals, 2);
    let reason = &decoded.rejected.reasons[0];
    assert!(reason.starts_with("histogram has an invalid schema"), "{reason}");
    assert!(reason.ends_with("for series h"), "{reason}");
    assert!(decoded.batch.samples.is_empty());
}

/// Buckets 0 to 3 of schema 9 lie in the buckets 0, 1, 1 and 2 of schema 8.
#[test]
fn histograms_that_are_too_fine_are_made_coarser() {
    let sent = FloatHistogram {
        schema: 9,
        count: 10.0,
        positive_spans: vec![Span { offset: 0, length: 4 }],
        positive_buckets: vec![1.0, 2.0, 3.0, 4.0],
        ..FloatHistogram::default()
    };
    let decoded = native(&sent, &WriteLimits::default());
    assert!(decoded.rejected.is_empty());
    let want = FloatHistogram {
        schema: 8,
        positive_spans: vec![Span { offset: 0, length: 3 }],
        positive_buckets: vec![1.0, 5.0, 4.0],
        ..sent
    };
    for sample in &decoded.batch.samples {
        assert!(
            matches!(&sample.value, bellwether_model::Value::Histogram(h) if **h == want),
            "{:?}",
            sample.value
        );
    }
}

#[test]
fn histograms_may_not_have_too_many_buckets() {
    let limits = WriteLimits { max_histogram_buckets: 5, ..WriteLimits::default() };
    let histogram = |n: usize| FloatHistogram {
        positive_spans: vec![Span { offset: 0, length: n as u32 }],
        positive_buckets: vec![1.0; n],
        ..FloatHistogram::default()
    };
    assert!(native(&histogram(4), &limits).rejected.is_empty());
    let decoded = native(&histogram(5), &limits);
    assert_eq!(
        decoded.rejected.reasons[0],
        "native histogram has more than 5 buckets, the limit for series h"
    );
}

#[test]
fn samples_of_one_histogram_series_share_their_bounds() {
    let histogram = FloatHistogram {
        schema: bellwether_model::histogram::CUSTOM_BUCKETS_SCHEMA,
        custom_values: Some([1.0, 2.0].into()),
        ..FloatHistogram::default()
    };
    let decoded = native(&histogram, &WriteLimits::default());
    let bounds: Vec<_> = decoded
        .batch
        .samples
        .iter()
        .map(|sample| match &sample.value {
            bellwether_model::Value::Histogram(h) => h.custom_values.clone().expect("bounds"),
            bellwether_model::Value::Float(_) => panic!("a histogram"),
        })
        .collect();
    assert!(std::sync::Arc::ptr_eq(&bounds[0], &bounds[1]));
}

#[test]
fn requests_that_are_too_large_or_broken_are_refused_as_a_whole() {
    let check = |result: Result<DecodedWrite, ReceiveError>, status: u16, want: &str| {
        let error = result.map(|_| ()).expect_err("refused");
        assert_eq!((error.status(), error.to_string().as_str()), (status, want));
    };
    let limits = WriteLimits { max_entries: 2, max_decoded_bytes: 100, ..WriteLimits::default() };
    let three = series(&[NAME]).repeat(3);
    check(
        decode_write_request(&three, &limits),
        413,
        "write request holds more than 2 samples, exemplars and metadata entries",
    );
    check(decode_write_request(b"\x0a\x05", &limits), 400, "protobuf: length exceeds the message at byte 2");
    check(
        decode_write_request(b"\x08\x05", &limits),
        400,
        "protobuf: field has the wrong wire type at byte 0",
    );
    let mut body = Vec::new();
    compress_write_request(&[0; 101], &mut body).expect("compressible");
    check(
        receive_write(&body, &limits, &mut Vec::new()),
        413,
        "decompressed body of 101 bytes exceeds the limit of 100 bytes",
    );
    let error = receive_write(b"", &limits, &mut Vec::new()).expect_err("no block");
    assert_eq!(error.status(), 400);
}
