//! Messages put together byte by byte from the definition of the format (`prometheus/types.proto` and `remote.proto`), so that the encoder and
//! the decoder cannot agree on a mistake.
use bellwether_model::{
    CounterResetHint, Exemplar, Histogram, Labels, MetricMetadata, MetricType, Span, Value,
};
use bellwether_wire::{
    HistogramSample, Sample, WireHistogram, WriteLimits, WriteRequestWriter, WriteSeries,
    decode_write_request,
};

/// One field: its key and its content, whose length is put in front.
fn nested(key: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    assert!(content.len() < 128, "lengths of one byte");
    [&[key, content.len() as u8], content.as_slice()].concat()
}

/// A field of type `double`.
fn double(key: u8, value: f64) -> Vec<u8> {
    [&[key][..], &value.to_le_bytes()].concat()
}

fn message() -> Vec<u8> {
    let label = |name: &[u8], value: &[u8]| nested(0x0a, &[&nested(0x0a, &[name]), &nested(0x12, &[value])]);
    // 1_700_000_000_000 ms: 0x18bcfe56800 in groups of seven bits, the lowest first.
    let time = b"\x80\xd0\x95\xff\xbc\x31";
    let sample = nested(0x12, &[&double(0x09, 42.5), b"\x10", time]);
    let exemplar = nested(0x1a, &[&label(b"trace_id", b"abc"), &double(0x11, 0.25), b"\x18", time]);
    let series =
        nested(0x0a, &[&label(b"__name__", b"requests_total"), &label(b"job", b"api"), &sample, &exemplar]);
    let histogram = nested(
        0x22,
        &[
            b"\x08\x06",                           // count_int: 6
            &double(0x19, -1.5),                   // sum
            b"\x20\x05",                           // schema: -3 in zigzag
            &double(0x29, 1e-128),                 // zero_threshold
            b"\x30\x01",                           // zero_count_int: 1
            &nested(0x42, &[b"\x08\x01\x10\x01"]), // negative_spans: offset -1, length 1
            &nested(0x4a, &[b"\x02"]),             // negative_deltas: 1
            &nested(0x5a, &[b"\x08\x00\x10\x01"]), // positive_spans: offset 0, length 1
            &nested(0x5a, &[b"\x08\x04\x10\x02"]), // positive_spans: offset 2, length 2
            &nested(0x62, &[b"\x02\x00\x02"]),     // positive_deltas: 1, 0, 1
            b"\x70\x02",                           // reset_hint: NO
            b"\x78",                               // timestamp
            time,
        ],
    );
    let histograms = nested(0x0a, &[&label(b"__name__", b"h"), &histogram]);
    let metadata = nested(
        0x1a,
        &[
            b"\x08\x01",
            &nested(0x12, &[b"requests"]),
            &nested(0x22, &[b"All of them."]),
            &nested(0x2a, &[b"s"]),
        ],
    );
    [series, histograms, metadata].concat()
}

fn histogram() -> Histogram {
    Histogram {
        counter_reset_hint: CounterResetHint::NotReset,
        schema: -3,
        zero_threshold: 1e-128,
        zero_count: 1,
        count: 6,
        sum: -1.5,
        positive_spans: vec![Span { offset: 0, length: 1 }, Span { offset: 2, length: 2 }],
        negative_spans: vec![Span { offset: -1, length: 1 }],
        positive_deltas: vec![1, 0, 1],
        negative_deltas: vec![1],
        custom_values: None,
    }
}

#[test]
fn decodes_what_the_definition_says() {
    let decoded = decode_write_request(&message(), &WriteLimits::default()).expect("well-formed");
    assert!(decoded.rejected.is_empty(), "{:?}", decoded.rejected);
    let batch = decoded.batch;
    let series = Labels::from_pairs([("__name__", "requests_total"), ("job", "api")]);
    let [float, native] = batch.samples.as_slice() else { panic!("two samples, got {:?}", batch.samples) };
    assert_eq!((&float.labels, float.ts_ms, float.start_ts_ms), (&series, 1_700_000_000_000, 0));
    assert!(matches!(float.value, Value::Float(42.5)), "{:?}", float.value);
    assert_eq!((native.labels.metric_name(), native.ts_ms), ("h", 1_700_000_000_000));
    let Value::Histogram(got) = &native.value else { panic!("a histogram, got {:?}", native.value) };
    assert_eq!(**got, histogram().to_float());
    let exemplar =
        Exemplar { labels: Labels::from_pairs([("trace_id", "abc")]), value: 0.25, ts_ms: 1_700_000_000_000 };
    assert_eq!((&batch.exemplars[0].labels, &batch.exemplars[0].exemplar), (&series, &exemplar));
    let metadata =
        MetricMetadata { metric_type: MetricType::Counter, unit: "s".into(), help: "All of them.".into() };
    assert_eq!((batch.metadata[0].family.as_str(), &batch.metadata[0].metadata), ("requests", &metadata));
}

#[test]
fn encodes_what_the_definition_says() {
    let ts_ms = 1_700_000_000_000;
    let mut out = Vec::new();
    let mut writer = WriteRequestWriter::new(&mut out);
    writer.series(&WriteSeries {
        labels: &Labels::from_pairs([("__name__", "requests_total"), ("job", "api")]),
        samples: &[Sample { ts_ms, value: 42.5 }],
        exemplars: &[Exemplar { labels: Labels::from_pairs([("trace_id", "abc")]), value: 0.25, ts_ms }],
        histograms: &[],
    });
    writer.series(&WriteSeries {
        labels: &Labels::from_pairs([("__name__", "h")]),
        samples: &[],
        exemplars: &[],
        histograms: &[HistogramSample { ts_ms, histogram: WireHistogram::Int(&histogram()) }],
    });
    let metadata =
        MetricMetadata { metric_type: MetricType::Counter, unit: "s".into(), help: "All of them.".into() };
    writer.metadata("requests", &metadata);
    // A default, such as the first offset of zero, may be written or not; the encoder leaves it out.
    let without_default = nested(0x5a, &[b"\x10\x01"]);
    let with_default = nested(0x5a, &[b"\x08\x00\x10\x01"]);
    let want = message();
    let at = want.windows(with_default.len()).position(|bytes| bytes == with_default).expect("the span");
    let mut want = [&want[..at], &without_default, &want[at + with_default.len()..]].concat();
    // Two bytes less in the histogram and in the series around it.
    let series_start =
        want.windows(12).position(|b| b == b"\x0a\x0d\x0a\x08__name__").expect("the series") - 1;
    let histogram_start = series_start + 1 + 15;
    assert_eq!(want[histogram_start], 0x22);
    want[series_start] -= 2;
    want[histogram_start + 1] -= 2;
    assert_eq!(out, want);
}

/// What protobuf asks of every reader, whatever the message.
#[test]
fn takes_what_protobuf_allows() {
    let name = b"\x0a\x0d\x0a\x08__name__\x12\x01x";
    let decode = |series: &[u8]| {
        let message = nested(0x0a, &[series]);
        let decoded = decode_write_request(&message, &WriteLimits::default()).expect("well-formed");
        assert!(decoded.rejected.is_empty(), "{:?}", decoded.rejected);
        decoded.batch.samples
    };
    let float = |samples: &[bellwether_model::AppendEntry]| match samples {
        [sample] => match sample.value {
            Value::Float(value) => (sample.ts_ms, value),
            Value::Histogram(_) => panic!("a float, got {sample:?}"),
        },
        _ => panic!("one sample, got {samples:?}"),
    };
    let sample = nested(0x12, &[&double(0x09, 1.0), b"\x10\x05"]);
    // Fields in any order: the sample before the labels.
    assert_eq!(float(&decode(&[&sample[..], name].concat())), (5, 1.0));
    // Unknown fields of every wire type, and a group.
    let unknown =
        b"\xa0\x06\x01\xa1\x06\0\0\0\0\0\0\0\0\xa2\x06\x03abc\xa5\x06\0\0\0\0\xa3\x06\x08\x01\xa4\x06";
    assert_eq!(float(&decode(&[&unknown[..], name, unknown, &sample].concat())), (5, 1.0));
    // A repeated field that may occur once: the last one counts.
    let twice = nested(0x12, &[b"\x10\x01", &double(0x09, 1.0), &double(0x09, 2.0), b"\x10\x07"]);
    assert_eq!(float(&decode(&[name, &twice[..]].concat())), (7, 2.0));
    // Defaults are not sent; a varint may be longer than it must be; times may be negative.
    assert_eq!(float(&decode(&[name, &b"\x12\x00"[..]].concat())), (0, 0.0));
    assert_eq!(float(&decode(&[name, &b"\x12\x04\x10\x85\x80\x00"[..]].concat())), (5, 0.0));
    let minus_one = b"\x12\x0b\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
    assert_eq!(float(&decode(&[name, &minus_one[..]].concat())), (-1, 0.0));
}

#[test]
fn takes_packed_and_unpacked_numbers() {
    let name = b"\x0a\x0d\x0a\x08__name__\x12\x01h";
    let span = nested(0x5a, &[b"\x10\x03"]);
    let decode = |fields: &[u8]| {
        let message = nested(0x0a, &[name, &nested(0x22, &[fields])]);
        let decoded = decode_write_request(&message, &WriteLimits::default()).expect("well-formed");
        assert!(decoded.rejected.is_empty(), "{:?}", decoded.rejected);
        match &decoded.batch.samples[0].value {
            Value::Histogram(histogram) => histogram.positive_buckets.clone(),
            Value::Float(_) => panic!("a histogram"),
        }
    };
    let packed = [b"\x08\x06", &span[..], b"\x62\x03\x02\x02\x02"].concat();
    let unpacked = [b"\x08\x06", &span[..], b"\x60\x02\x60\x02\x60\x02"].concat();
    let mixed = [b"\x08\x06", &span[..], b"\x60\x02\x62\x02\x02\x02"].concat();
    for fields in [packed, unpacked, mixed] {
        assert_eq!(decode(&fields), [1.0, 2.0, 3.0]);
    }
    // Floats likewise; the last member of a `oneof` decides.
    let one = double(0x69, 1.0);
    let count = double(0x11, 3.0);
    let floats = [b"\x08\x09", &count[..], &span, &one, &one, &one].concat();
    assert_eq!(decode(&floats), [1.0, 1.0, 1.0]);
}
