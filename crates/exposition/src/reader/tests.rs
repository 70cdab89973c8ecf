use proptest::prelude::*;

use super::*;

/// Reads a body with or without the fast path, up to and including the first error.
fn entries(body: &[u8], dialect: Dialect, fast: bool) -> Vec<Entry<'_>> {
    let mut scanner = Scanner::new(body, dialect);
    let mut entries = Vec::new();
    loop {
        match if fast { scanner.entry(&[]) } else { scanner.exact_entry().transpose() } {
            Some(Ok(event)) => entries.push(Ok(event)),
            end => {
                entries.extend(end);
                return entries;
            }
        }
    }
}

/// Pieces of expositions: put together at random they are nearly right.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let text = prop::sample::select(vec![
        "# HELP a b\\n\\\\ c\n",
        "# TYPE a counter\n",
        "# TYPE a_b histogram\n",
        "# UNIT a_b b\n",
        "# HELP a\n",
        "# HELP a  b\n",
        "#  TYPE a gauge\n",
        "# comment\n",
        "# EOF\n",
        "# EOF",
        "#",
        "a",
        "a_b:c9",
        "{",
        "}",
        "{}",
        "a=\"1\"",
        "b=\"\\\"x\\\\\"",
        "c=\"\u{e4}\u{20ac}\"",
        "\"a.b\"",
        "\"x y\"=\"\"",
        ",",
        "=",
        "\"",
        "\\",
        " ",
        "  ",
        "\t",
        "\n",
        " 1",
        " -1.5e-7",
        " 1e+06",
        " NaN",
        " +Inf",
        " 0x1",
        " 1_0",
        " 9223372036854775808",
        " 17.0",
        " 1520879607.789",
        " # {id=\"1\"} 2 3.5",
        " # {} 1",
        " #",
        "\0",
        "a{a=\"1\"} 1\n",
        "a{a=\"1\",b=\"2\"} 1 2\n",
        "a_total 5 # {id=\"x\"} 5\n",
        "le=\"+Inf\"",
        "\r\n",
    ]);
    prop_oneof![
        9 => text.prop_map(|piece| piece.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 1..3),
    ]
}

fn dialect() -> impl Strategy<Value = Dialect> {
    prop::sample::select(vec![Dialect::Text, Dialect::OpenMetrics])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn fast_path_reads_what_the_exact_grammar_reads(
        pieces in prop::collection::vec(piece(), 0..14),
        dialect in dialect(),
    ) {
        let body = pieces.concat();
        // NaN differs from itself, its text does not.
        prop_assert_eq!(
            format!("{:?}", entries(&body, dialect, true)),
            format!("{:?}", entries(&body, dialect, false))
        );
    }

    #[test]
    fn expecting_a_series_changes_nothing(
        lines in prop::collection::vec(prop::collection::vec(piece(), 1..6), 1..5),
        guesses in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 12),
        dialect in dialect(),
    ) {
        let body = lines.iter().map(|l| l.concat()).collect::<Vec<_>>().join(&b'\n');
        let plain = entries(&body, dialect, false);
        let series = plain.iter().filter_map(|entry| match entry {
            Ok(Event::Series(series)) => Some(series.raw()),
            _ => None,
        });
        let known: Vec<&[u8]> = series.chain([&b"a"[..]]).collect();
        let mut reader = match dialect {
            Dialect::Text => Reader::text(&body),
            Dialect::OpenMetrics => Reader::openmetrics(&body, CreatedHandling::Series),
        };
        for (want, (guess, any)) in plain.iter().zip(&guesses) {
            let expected = match want {
                Ok(Event::Series(series)) if !any => series.raw(),
                _ => known[guess.index(known.len())],
            };
            let before = reader.scanner.lexer.pos;
            let mut taker = reader.clone();
            let taken = taker.take_value(expected);
            let got = reader.next_expecting(expected);
            if let Some(taken) = taken {
                let Some(Ok(Event::Series(got))) = &got else { panic!("took {taken} from {got:?}") };
                prop_assert!(got.is_expected() && got.timestamp_ms.is_none() && got.exemplar.is_none());
                prop_assert_eq!(got.value.to_bits(), taken.to_bits());
            }
            // Whether it took the line or left it, the reader goes on from there.
            let at = |reader: &Reader<'_>| reader.scanner.lexer.pos;
            prop_assert_eq!(at(&taker), if taken.is_some() { at(&reader) } else { before });
            match (got, want) {
                (Some(Ok(Event::Series(got))), Ok(Event::Series(want))) => {
                    prop_assert_eq!(got.raw(), want.raw());
                    prop_assert_eq!(got.value.to_bits(), want.value.to_bits());
                    prop_assert_eq!(got.timestamp_ms, want.timestamp_ms);
                    prop_assert_eq!(format!("{:?}", got.exemplar), format!("{:?}", want.exemplar));
                    prop_assert!(!got.is_expected() || got.raw() == expected);
                }
                (got, want) => prop_assert_eq!(got, Some(want.clone())),
            }
        }
    }

    #[test]
    fn decoding_never_panics(pieces in prop::collection::vec(piece(), 0..14), dialect in dialect()) {
        let body = pieces.concat();
        let mut labels = LabelBuf::new();
        for created in [CreatedHandling::Series, CreatedHandling::StartTimestamp] {
            let mut reader = match dialect {
                Dialect::Text => Reader::text(&body),
                Dialect::OpenMetrics => Reader::openmetrics(&body, created),
            };
            while let Some(event) = reader.next() {
                if let Ok(Event::Series(series)) = event {
                    reader.read_labels(&series, TypeAndUnitLabels::Add, &mut labels);
                }
            }
            prop_assert!(reader.next().is_none());
        }
        let _ = crate::validate_openmetrics(&body);
    }
}

fn series<'a>(reader: &mut Reader<'a>) -> Series<'a> {
    loop {
        match reader.next() {
            Some(Ok(Event::Series(series))) => return series,
            Some(Ok(_)) => {}
            other => panic!("expected a series, got {other:?}"),
        }
    }
}

#[test]
fn a_series_is_expected_only_as_a_whole() {
    let mut reader = Reader::text(b"up_total 1\nup{a=\"1\"} 2\nup {b=\"1\"} 3\nup 4\n");
    let mut next = || match reader.next_expecting(b"up") {
        Some(Ok(Event::Series(series))) => (series.is_expected(), series.value),
        other => panic!("expected a series, got {other:?}"),
    };
    assert_eq!([next(), next(), next(), next()], [(false, 1.0), (false, 2.0), (false, 3.0), (true, 4.0)]);
}

#[test]
fn a_value_is_taken_only_if_it_is_all_there_is() {
    let mut reader = Reader::text(b"up 1\nup 2 1000\nup{a=\"1\"} 3\nup 4\n");
    assert_eq!(reader.take_value(b""), None);
    assert_eq!(reader.take_value(b"down"), None);
    assert_eq!(reader.take_value(b"up"), Some(1.0));
    for want in [2.0, 3.0] {
        assert_eq!(reader.take_value(b"up"), None, "a timestamp or labels");
        assert_eq!(series(&mut reader).value, want);
    }
    assert_eq!(reader.take_value(b"up"), Some(4.0));
    assert_eq!(reader.take_value(b"up"), None);
}

#[test]
fn blanks_in_front_of_a_line_belong_to_nothing() {
    let mut reader = Reader::text(b"  \tup{a=\"1\"} 1");
    let series = series(&mut reader);
    assert_eq!((series.raw(), series.name().as_written()), (&b"up{a=\"1\"}"[..], "up"));
}

#[test]
fn an_error_is_the_last_event() {
    let mut reader = Reader::text(b"a 1\nb x\nc 1\n");
    assert!(reader.next().is_some_and(|event| event.is_ok()));
    let error = reader.next().expect("an error").expect_err("an error");
    assert_eq!(
        error.to_string(),
        r#"strconv.ParseFloat: parsing "x": invalid syntax while parsing: "b x" (line 2, column 3)"#
    );
    assert!(reader.next().is_none());
}

#[test]
fn names_must_be_utf8() {
    let check = |body: &[u8], want: &str| {
        let error = Reader::text(body).next().expect("an event").expect_err("an error");
        assert_eq!(error.reason(), want);
    };
    check(b"{\"a\xff\"} 1\n", r#"invalid UTF-8 metric name: "a\xff""#);
    check(b"a{\"\xff\"=\"1\"} 1\n", r#"invalid UTF-8 label name: "\xff""#);
    check(b"# TYPE \"\xff\" gauge\n", r#"invalid UTF-8 metric name: "\xff""#);
    check(b"a{b=\"\xff\"} 1\n", r#"invalid UTF-8 label value: "\"\xff\"""#);
}

#[test]
fn metadata_is_about_its_own_family() {
    let body = b"# TYPE a_seconds histogram\n# UNIT a_seconds seconds\na_seconds_count 1\nb 2\n# TYPE b gauge\nb 3\n# EOF\n";
    let mut reader = Reader::openmetrics(body, CreatedHandling::Series);
    let mut labels = LabelBuf::new();
    let mut next = || {
        let series = series(&mut reader);
        reader.read_labels(&series, TypeAndUnitLabels::Add, &mut labels);
        labels.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(",")
    };
    assert_eq!(next(), "__name__=a_seconds_count,__type__=histogram,__unit__=seconds");
    assert_eq!(next(), "__name__=b");
    assert_eq!(next(), "__name__=b,__type__=gauge");
}

/// Every series looks ahead for its `_created` line; that must not make a body of one family quadratic.
#[test]
fn looking_ahead_is_remembered() {
    let mut body = b"# TYPE a counter\n".to_vec();
    for idx in 0..200_000 {
        body.extend_from_slice(format!("a_total{{i=\"{idx}\"}} 1\n").as_bytes());
    }
    body.extend_from_slice(b"a_created{i=\"199999\"} 7\n# EOF\n");
    let events: Vec<_> = Reader::openmetrics(&body, CreatedHandling::StartTimestamp).collect();
    assert_eq!(events.len(), 200_001);
    let Some(Ok(Event::Series(last))) = events.last() else { panic!("expected a series") };
    assert_eq!(last.start_timestamp_ms, Some(7000));
}
