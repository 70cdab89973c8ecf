use bellwether_model::Labels;
use xxhash_rust::xxh64::xxh64;

use super::choose::choose;
use crate::engine::annotation::Remark;
use crate::engine::error::QueryError;
use crate::engine::eval::Eval;
use crate::engine::operator::{Operator, Rows};
use crate::engine::plan::AggregatePlan;

/// `limit_ratio`: a share of the samples, chosen by the hash of their labels; a negative ratio chooses those that the complement leaves.
pub(super) fn open(eval: &Eval, plan: &AggregatePlan) -> Result<Box<dyn Operator>, QueryError> {
    let param = plan.param.as_ref().expect("BUG: the type checker asks for a ratio");
    let ratios = eval.scalar(param)?;
    if ratios.iter().all(|r| *r == 0.0) {
        return Ok(Rows::with_capacity(&eval.query, 0, eval.grid.n_steps)?.into_operator());
    }
    let max = ratios.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let min = ratios.iter().copied().fold(f64::INFINITY, f64::min);
    let capping = |got: f64, capped: f64| {
        eval.query.annotate(Remark::InvalidRatio { got: got.into(), capped: capped.into() }, plan.param_span);
    };
    if max > 1.0 {
        capping(max, 1.0);
    }
    if min < -1.0 {
        capping(min, -1.0);
    }
    if ratios.iter().any(|r| r.is_nan()) {
        return Err(QueryError::execution("Ratio value is NaN"));
    }
    let mut offsets: Option<Vec<f64>> = None;
    choose(eval, plan, |operand, members, step| {
        let ratio = ratios[step].clamp(-1.0, 1.0);
        let offsets = offsets.get_or_insert_with(|| operand.labels.iter().map(offset).collect());
        let chosen = |member: &&usize| {
            let offset = offsets[**member];
            let inside = if ratio >= 0.0 { offset < ratio } else { offset >= 1.0 + ratio };
            inside && operand.block.row(**member).sample(step).is_some()
        };
        members.iter().filter(chosen).copied().collect()
    })
}

/// Where a label set lies between 0 and 1. The hash is that of Prometheus, so that both choose the same series.
fn offset(labels: &Labels) -> f64 {
    let mut bytes = Vec::with_capacity(labels.as_bytes().len());
    for s in labels.iter().flat_map(|l| [l.name, l.value]) {
        match u8::try_from(s.len()) {
            Ok(len) if len < u8::MAX => bytes.push(len),
            _ => {
                bytes.push(u8::MAX);
                bytes.extend_from_slice(&(s.len() as u32).to_le_bytes()[..3]);
            }
        }
        bytes.extend_from_slice(s.as_bytes());
    }
    xxh64(&bytes, 0) as f64 / u64::MAX as f64
}
