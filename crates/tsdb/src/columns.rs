//! Samples of one series from several places.

use std::sync::Arc;

use bellwether_model::{ColumnBuffer, FloatHistogram};

/// Appends the samples of all pieces to `out` in the order of time. Each piece is sorted; where several have a sample at the same time, that of the first one
/// counts. The pieces are emptied.
pub(crate) fn merge_columns(pieces: &mut Vec<ColumnBuffer>, out: &mut ColumnBuffer) {
    pieces.retain(|p| !p.is_empty());
    // The usual case: one after the other. A stable sort keeps the precedence of those that start together.
    let mut order: Vec<usize> = (0..pieces.len()).collect();
    order.sort_by_key(|i| pieces[*i].ts[0]);
    let follows = |w: &[usize]| pieces[w[0]].ts[pieces[w[0]].len() - 1] < pieces[w[1]].ts[0];
    if order.windows(2).all(follows) {
        for idx in order {
            let seam = out.len();
            append(&mut pieces[idx], out);
            settle_hint(out, seam);
        }
        pieces.clear();
        return;
    }
    let mut at = vec![0; pieces.len()];
    loop {
        let heads = pieces.iter().zip(&at).enumerate().filter_map(|(i, (p, at))| Some((*p.ts.get(*at)?, i)));
        let Some((ts, first)) = heads.min() else { break };
        push(&pieces[first], at[first], out);
        let row = out.len() - 1;
        settle_hint(out, row);
        for (piece, at) in pieces.iter().zip(&mut at) {
            if piece.ts.get(*at) == Some(&ts) {
                *at += 1;
            }
        }
    }
    pieces.clear();
}

/// Works out anew whether the counter of a histogram was reset before a row, because the row before may be another one than when it was stored.
pub(crate) fn settle_hint(samples: &mut ColumnBuffer, row: usize) {
    let (Some(before), Some(Some(h))) = (row.checked_sub(1), samples.hists.get(row)) else { return };
    if samples.ts[before] >= samples.ts[row] {
        // Rows that will be brought into order later.
        return;
    }
    let hint = h.stored_reset_hint(samples.hists[before].as_deref());
    if hint != h.counter_reset_hint {
        let settled = FloatHistogram { counter_reset_hint: hint, ..FloatHistogram::clone(h) };
        samples.hists[row] = Some(Arc::new(settled));
    }
}

/// Moves all samples of a piece behind those of `out`.
fn append(piece: &mut ColumnBuffer, out: &mut ColumnBuffer) {
    let is_plain = |c: &ColumnBuffer| c.hists.is_empty() && c.start_ts.is_empty();
    if is_plain(piece) && is_plain(out) {
        out.ts.append(&mut piece.ts);
        out.vals.append(&mut piece.vals);
    } else {
        for row in 0..piece.len() {
            push(piece, row, out);
        }
    }
}

fn push(piece: &ColumnBuffer, row: usize, out: &mut ColumnBuffer) {
    let start = piece.start_ts.get(row).copied().unwrap_or(0);
    match piece.hists.get(row) {
        Some(Some(h)) => out.push_histogram(piece.ts[row], start, Arc::clone(h)),
        _ => out.push_float(piece.ts[row], start, piece.vals[row]),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_first_piece_counts(
            pieces in proptest::collection::vec(
                proptest::collection::btree_map(0_i64..60, (0_i64..3, any::<bool>()), 0..20), 0..5),
            apart: bool,
        ) {
            let mut want = BTreeMap::new();
            let mut buffers = Vec::new();
            for (idx, piece) in pieces.iter().enumerate() {
                let mut buffer = ColumnBuffer::default();
                let shift = if apart { ((idx * 7) % 5) as i64 * 100 } else { 0 };
                for (ts, (start, is_histogram)) in piece {
                    if *is_histogram {
                        buffer.push_histogram(ts + shift, *start, Arc::default());
                    } else {
                        buffer.push_float(ts + shift, *start, idx as f64);
                    }
                    want.entry(ts + shift).or_insert((if *is_histogram { None } else { Some(idx as f64) }, *start));
                }
                buffers.push(buffer);
            }
            let mut out = ColumnBuffer::default();
            merge_columns(&mut buffers, &mut out);
            prop_assert_eq!(out.ts.clone(), want.keys().copied().collect::<Vec<_>>());
            for (row, (value, start)) in want.values().enumerate() {
                let is_histogram = out.hists.get(row).is_some_and(Option::is_some);
                prop_assert_eq!(if is_histogram { None } else { Some(out.vals[row]) }, *value);
                prop_assert_eq!(out.start_ts.get(row).copied().unwrap_or(0), *start);
            }
        }
    }
}
