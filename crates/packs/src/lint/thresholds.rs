//! Whether an alert on a quantile can ever fire.

use bellwether_model::format_float;
use bellwether_promql::syntax::{BinaryOp, Comparison, Expr};

use super::Found;
use crate::compile::{Part, Series};
use crate::schema::Pack;

pub(super) fn in_buckets(pack: &Pack) -> Vec<Found<'_>> {
    let mut found = Vec::new();
    for alert in &pack.alerts {
        let Ok(compiled) = pack.compile(&alert.when) else { continue };
        for Comparison { what, op, number: value } in compiled.expr.comparisons() {
            let is_upper = matches!(op, BinaryOp::Gt | BinaryOp::Ge);
            let is_lower = matches!(op, BinaryOp::Lt | BinaryOp::Le);
            let is_quantile = matches!(what, Expr::Call(call) if call.func.name == "histogram_quantile");
            if !is_quantile || !(is_upper || is_lower) {
                continue;
            }
            let Some((name, bounds)) = buckets_below(pack, what) else { continue };
            let (Some(first), Some(last)) = (bounds.first(), bounds.last()) else { continue };
            // A quantile is never beyond the last finite bound, and below the first it is a guess.
            if value < *first || value > *last || (is_upper && value == *last) {
                let message = format!(
                    "alert {:?} compares a quantile of {name} with {}, and its buckets reach from {} to {}",
                    alert.name.value,
                    format_float(value),
                    format_float(*first),
                    format_float(*last)
                );
                let remedy = "give the histogram bounds below and above the threshold";
                found.push(Found::error(alert.when.position, message, remedy).unless(&alert.allow));
            }
        }
    }
    found
}

/// The histogram whose buckets an expression is made of, with its bounds.
fn buckets_below<'p>(pack: &'p Pack, expr: &Expr) -> Option<(&'p str, &'p [f64])> {
    expr.selectors().iter().find_map(|used| match pack.series(used.selector.name.as_deref()?)? {
        Series::Own(metric, Part::Bucket) => Some((metric.name.as_str(), pack.bounds(metric)?)),
        _ => None,
    })
}
