use std::cmp::Ordering;

use bellwether_model::Labels;

use super::annotation::Remark;
use super::block::{Row, Sample};
use super::error::QueryError;
use super::eval::Eval;
use super::operator::{Operator, Rows};
use super::pacer::sort_paced;
use super::plan::{SortKey, SortPlan};

/// `sort` and its like: puts the series of an instant query in order. In a range query results are ordered by labels anyway.
pub(super) fn open(eval: &Eval, plan: &SortPlan) -> Result<Box<dyn Operator>, QueryError> {
    if !eval.grid.is_instant() {
        eval.query.annotate(Remark::SortInRangeQuery, plan.span);
    }
    let mut rows = eval.rows(&plan.operand)?;
    if matches!(plan.key, SortKey::Value) {
        drop_histograms(&mut rows);
    }
    if !eval.grid.is_instant() {
        return Ok(rows.into_operator());
    }
    let mut order: Vec<usize> = (0..rows.len()).filter(|row| !rows.block.row(*row).is_empty()).collect();
    match &plan.key {
        SortKey::Value => {
            let value = |row: usize| float_of(rows.block.row(row));
            sort_paced(&mut order, &eval.query.context, |a, b| {
                compare_values(value(*a), value(*b), plan.descending)
            })?;
        }
        SortKey::Labels(names) => sort_paced(&mut order, &eval.query.context, |a, b| {
            let order = compare_labels(&rows.labels[*a], &rows.labels[*b], names);
            if plan.descending { order.reverse() } else { order }
        })?,
    }
    eval.query.keep_label_list(order.len())?;
    let mut sorted = Rows::with_capacity(&eval.query, order.len(), eval.grid.n_steps)?;
    for row in order {
        sorted.labels.push(rows.labels[row].clone());
        sorted.block.push_copy(rows.block.row(row))?;
    }
    sorted.block.settle()?;
    Ok(sorted.into_operator())
}

fn drop_histograms(rows: &mut Rows) {
    for row in 0..rows.len() {
        let histograms: Vec<usize> = rows
            .block
            .row(row)
            .samples()
            .filter_map(|(step, sample)| matches!(sample, Sample::Histogram(_)).then_some(step))
            .collect();
        for step in histograms {
            rows.block.row_mut(row).clear(step);
        }
    }
}

fn float_of(row: Row<'_>) -> f64 {
    match row.sample(0) {
        Some(Sample::Float(v)) => v,
        _ => f64::NAN,
    }
}

/// Orders values; NaN comes last in both directions.
pub(super) fn compare_values(a: f64, b: f64, descending: bool) -> Ordering {
    a.is_nan().cmp(&b.is_nan()).then_with(|| {
        let order = a.partial_cmp(&b).unwrap_or(Ordering::Equal);
        if descending { order.reverse() } else { order }
    })
}

/// Orders by the given labels, numbers in them by their value, and then by all labels.
fn compare_labels(a: &Labels, b: &Labels, names: &[String]) -> Ordering {
    names
        .iter()
        .map(|name| compare_natural(a.get(name).unwrap_or(""), b.get(name).unwrap_or("")))
        .find(|order| order.is_ne())
        .unwrap_or_else(|| a.cmp(b))
}

/// Natural order: runs of digits compare as numbers.
fn compare_natural(a: &str, b: &str) -> Ordering {
    let (mut a_rest, mut b_rest) = (a, b);
    while !a_rest.is_empty() && !b_rest.is_empty() {
        let (a_chunk, b_chunk) = (first_chunk(a_rest), first_chunk(b_rest));
        let order = match (a_chunk.parse::<i64>(), b_chunk.parse::<i64>()) {
            (Ok(a), Ok(b)) => a.cmp(&b),
            _ => a_chunk.cmp(b_chunk),
        };
        if order.is_ne() {
            return order;
        }
        (a_rest, b_rest) = (&a_rest[a_chunk.len()..], &b_rest[b_chunk.len()..]);
    }
    // One is the start of the other, or they differ in leading zeros only.
    a_rest.len().cmp(&b_rest.len()).then_with(|| a.cmp(b))
}

/// The longest start of `s` that is all digits or all other characters.
fn first_chunk(s: &str) -> &str {
    let digits = s.starts_with(|c: char| c.is_ascii_digit());
    let end = s.find(|c: char| c.is_ascii_digit() != digits).unwrap_or(s.len());
    &s[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn natural_order() {
        let check = |sorted: &[&str]| {
            for (idx, a) in sorted.iter().enumerate() {
                for (other, b) in sorted.iter().enumerate() {
                    assert_eq!(compare_natural(a, b), idx.cmp(&other), "{a} {b}");
                }
            }
        };
        check(&["", "1", "2", "10", "a", "a1", "a1b", "a2", "a10", "b"]);
        check(&["cpu0", "cpu9", "cpu10", "cpu11", "cpu100"]);
        check(&["v01", "v1", "v2"]);
    }

    #[test]
    fn nan_is_last() {
        let sorted = |descending| {
            let mut vals = [f64::NAN, 1.0, f64::NEG_INFINITY, 3.0];
            vals.sort_by(|a, b| compare_values(*a, *b, descending));
            vals.map(|v| v.to_string())
        };
        assert_eq!(sorted(false), ["-inf", "1", "3", "NaN"]);
        assert_eq!(sorted(true), ["3", "1", "-inf", "NaN"]);
    }
}
