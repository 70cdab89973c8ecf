//! Bodies that want to crash the server or fill its memory.
use bellwether_model::Labels;
use bellwether_wire::{
    Sample, WriteLimits, WriteRequestWriter, WriteSeries, compress_write_request, decode_write_request,
    receive_write,
};
use proptest::prelude::*;

/// Sizes of an attack are small, so that a decoder that believes them would fail at once.
fn limits() -> WriteLimits {
    WriteLimits { max_entries: 1000, max_decoded_bytes: 1 << 20, ..WriteLimits::default() }
}

fn honest() -> Vec<u8> {
    let mut message = Vec::new();
    let mut writer = WriteRequestWriter::new(&mut message);
    for idx in 0..4 {
        let value = idx.to_string();
        writer.series(&WriteSeries {
            labels: &Labels::from_pairs([("__name__", "up"), ("job", "node"), ("instance", value.as_str())]),
            samples: &[
                Sample { ts_ms: 1_700_000_000_000, value: 1.5 },
                Sample { ts_ms: 1_700_000_015_000, value: 2.5 },
            ],
            exemplars: &[],
            histograms: &[],
        });
    }
    message
}

#[test]
fn every_truncation_is_refused_or_a_shorter_request() {
    let message = honest();
    let whole = message.len() / 4;
    for len in 0..message.len() {
        let result = decode_write_request(&message[..len], &limits());
        assert_eq!(result.is_ok(), len % whole == 0, "{len} of {} bytes: {result:?}", message.len());
    }
}

#[test]
fn a_bomb_is_not_unpacked() {
    let mut body = Vec::new();
    compress_write_request(&vec![0; (1 << 20) + 1], &mut body).expect("compressible");
    assert!(body.len() < 60_000, "a small body with a large content");
    let mut scratch = Vec::new();
    assert!(receive_write(&body, &limits(), &mut scratch).is_err());
    assert_eq!(scratch.capacity(), 0);
}

/// Two bytes of a message can stand for a whole entry in memory.
#[test]
fn empty_entries_are_counted_before_they_are_kept() {
    let nested = |key: u8, content: &[u8]| {
        let len = content.len() as u32;
        let mut out = vec![key];
        out.extend([len as u8 | 0x80, (len >> 7) as u8 | 0x80, (len >> 14) as u8]);
        out.extend(content);
        out
    };
    let name = b"\x0a\x0d\x0a\x08__name__\x12\x01x";
    for entry in [b"\x12\x00", b"\x1a\x00", b"\x22\x00"] {
        let series = nested(0x0a, &[name, entry.repeat(100_000).as_slice()].concat());
        let error = decode_write_request(&series, &limits()).expect_err("too many");
        assert_eq!(error.status(), 413, "{entry:x?}");
    }
    assert_eq!(
        decode_write_request(&b"\x1a\x00".repeat(100_000), &limits()).expect_err("too many").status(),
        413
    );
    // Labels and buckets do not count as entries; they are bounded per series and per histogram.
    let labels = nested(0x0a, &[&b"\x0a\x00".repeat(100_000)[..], b"\x12\x00"].concat());
    let decoded = decode_write_request(&labels, &limits()).expect("well-formed");
    assert_eq!(decoded.rejected.samples, 1);
    assert!(decoded.rejected.reasons[0].starts_with("series has 100000 labels"), "{:?}", decoded.rejected);
    for bucket in [&b"\x42\x00"[..], b"\x4a\x01\x00", b"\x52\x08\0\0\0\0\0\0\0\0", b"\x60\x00"] {
        let series = nested(0x0a, &[name, nested(0x22, &bucket.repeat(20_000)).as_slice()].concat());
        let decoded = decode_write_request(&series, &limits()).expect("well-formed");
        assert!(decoded.rejected.reasons[0].contains("more than 10000 buckets"), "{:?}", decoded.rejected);
    }
}

#[test]
fn nesting_costs_no_stack() {
    let groups = [vec![0x0b; 500_000], vec![0x0c; 500_000]].concat();
    assert!(decode_write_request(&groups, &limits()).is_ok());
    assert!(decode_write_request(&groups[..999_999], &limits()).is_err());
}

#[test]
fn thousands_of_bad_series_do_not_make_a_long_answer() {
    let series = b"\x0a\x02\x12\x00".repeat(900);
    let decoded = decode_write_request(&series, &limits()).expect("well-formed");
    assert_eq!(decoded.rejected.refusals, 900);
    assert!(decoded.rejected.reasons.len() <= 50);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_bytes_make_it_panic(message in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode_write_request(&message, &limits());
        let _ = receive_write(&message, &limits(), &mut Vec::new());
    }

    #[test]
    fn no_change_to_a_request_makes_it_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 1..6),
    ) {
        let mut message = honest();
        for (at, byte, kind) in changes {
            let at = at.index(message.len());
            match kind {
                0 => message[at] = byte,
                1 => message.insert(at, byte),
                _ => { message.remove(at); }
            }
        }
        if let Ok(decoded) = decode_write_request(&message, &limits()) {
            prop_assert!(decoded.batch.samples.len() <= limits().max_entries);
        }
        let mut body = Vec::new();
        compress_write_request(&message, &mut body).expect("compressible");
        let _ = receive_write(&body, &limits(), &mut Vec::new());
    }
}
