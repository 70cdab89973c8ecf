//! What fuzz targets have in common: reading expositions, here, and a store to damage.
pub mod store;

use bellwether_exposition::{Event, EventReader, Exemplar, LabelBuf, TypeAndUnitLabels};

/// What one entry says. Two readings of a body are compared by it.
pub type Told = Vec<String>;

/// Reads a body to its end, with series expected in the order of `known`. Returns what it says and the keys of its series.
pub fn read<'a>(mut reader: impl EventReader<'a>, known: &[Vec<u8>]) -> (Told, Vec<Vec<u8>>) {
    let (mut told, mut keys) = (Vec::new(), Vec::new());
    let (mut labels, mut key) = (LabelBuf::new(), Vec::new());
    while let Some(event) = reader.next_expecting(known.get(keys.len()).map_or(&[], Vec::as_slice)) {
        let event = match event {
            Ok(event) => event,
            Err(error) => {
                told.push(error.to_string());
                assert!(reader.next_expecting(&[]).is_none(), "nothing follows an error");
                break;
            }
        };
        match &event {
            Event::Series(series) | Event::Histogram { series, .. } => {
                let bits = series.value.to_bits();
                for schema in [TypeAndUnitLabels::Omit, TypeAndUnitLabels::Add] {
                    reader.read_labels(series, schema, &mut labels);
                    let (at, since) = (series.timestamp_ms, series.start_timestamp_ms);
                    told.push(format!("{:?} {bits} {at:?} {since:?}", labels.iter().collect::<Vec<_>>()));
                }
                told.extend(series.exemplar.iter().map(exemplar));
                keys.push(series.key(&mut key).to_vec());
                assert!(!series.is_expected() || known.get(keys.len() - 1) == keys.last());
            }
            other => told.push(format!("{other:?}")),
        }
        if let Event::Histogram { histogram, .. } = &event {
            histogram.each_part(|side, part| told.push(format!("{side:?} {part:?}")));
            told.extend(histogram.exemplars().map(|e| exemplar(&e)));
        }
    }
    (told, keys)
}

fn exemplar(exemplar: &Exemplar<'_>) -> String {
    let labels: Vec<_> = exemplar.labels().collect();
    format!("{labels:?} {} {:?}", exemplar.value.to_bits(), exemplar.timestamp_ms)
}

/// Reads a body, then again as one whose series are known: it must say the same.
pub fn read_twice<'a, R: EventReader<'a>>(reader: impl Fn() -> R) {
    let (told, keys) = read(reader(), &[]);
    let (again, _) = read(reader(), &keys);
    assert_eq!(told, again, "a known series reads differently");
}
