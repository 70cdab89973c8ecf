use bellwether_model::Value;

use super::elementwise::{Names, per_sample};
use super::error::QueryError;
use super::eval::Eval;
use super::operator::{Operator, Rows};
use super::plan::{Plan, TimestampPlan};
use super::vector_selector::{self, Aspect};
use crate::syntax::RangeMode;

/// `timestamp` and `start_timestamp`: of a selector the times of its samples, of anything else the evaluation time.
pub(super) fn open(eval: &Eval, plan: &TimestampPlan) -> Result<Box<dyn Operator>, QueryError> {
    let selector = match &plan.operand {
        Plan::Selector(selector) if plan.of_samples && selector.mode == RangeMode::Plain => Some(selector),
        _ => None,
    };
    if plan.start {
        // Start timestamps are known of samples only.
        return match selector {
            Some(selector) if eval.query.options.use_start_timestamps => {
                let starts = vector_selector::open_with(eval, selector, Aspect::StartTime)?;
                per_sample(eval, starts, Names::DropMetadata, |_, sample| Some(sample.to_value()))
            }
            _ => Ok(Rows::with_capacity(&eval.query, 0, eval.grid.n_steps)?.into_operator()),
        };
    }
    if let Some(selector) = selector {
        let times = vector_selector::open_with(eval, selector, Aspect::Time)?;
        return per_sample(eval, times, Names::DropMetadata, |_, sample| Some(sample.to_value()));
    }
    let grid = eval.grid;
    let operand = eval.open(&plan.operand)?;
    per_sample(eval, operand, Names::DropMetadata, move |step, _| {
        Some(Value::Float(grid.ts_ms(step) as f64 / 1000.0))
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::testkit::{MemoryStore, ScriptOptions, run_script};

    #[test]
    fn only_a_selector_has_times_of_its_own() {
        let script = "
            load 10s
              metric 1 2 3

            eval instant at 15s timestamp(metric)
              {} 10

            eval instant at 15s timestamp((metric))
              {} 10

            eval instant at 15s timestamp(+metric)
              {} 15

            eval range from 15s to 25s step 10s timestamp(+metric @ 5)
              {} 15 25
        ";
        let report =
            run_script("timestamp", script, &ScriptOptions::default(), &|| Arc::new(MemoryStore::new()));
        assert!(report.error.is_none(), "{:?}", report.error);
        let outcomes: Vec<_> = report.evaluations.iter().map(|it| it.outcome.clone()).collect();
        assert_eq!(outcomes, vec![Ok(()); 4]);
    }
}
