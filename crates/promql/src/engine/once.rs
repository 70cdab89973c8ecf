use bellwether_model::Labels;

use super::block::Block;
use super::error::QueryError;
use super::eval::Eval;
use super::grid::Grid;
use super::operator::{Operator, Rows};
use super::plan::Plan;
use super::state::{QueryState, TallyScope};
use std::sync::Arc;

/// An evaluation at the first step only, for what is the same at all of them.
pub(super) fn eval(eval: &Eval) -> Result<Eval, QueryError> {
    let scope = match eval.scope {
        TallyScope::PerStep => TallyScope::EveryStep,
        other => other,
    };
    eval.on(Grid::instant(eval.grid.start_ms), scope)
}

/// Evaluates a vector once and repeats it for all steps.
pub(super) fn open(outer: &Eval, plan: &Plan) -> Result<Box<dyn Operator>, QueryError> {
    if outer.grid.n_steps == 0 {
        return Ok(Rows::with_capacity(&outer.query, 0, 0)?.into_operator());
    }
    let operand = eval(outer)?.open(plan)?;
    if outer.grid.n_steps == 1 {
        return Ok(operand);
    }
    Ok(Box::new(Repeat { query: Arc::clone(&outer.query), n_steps: outer.grid.n_steps, operand }))
}

struct Repeat {
    query: Arc<QueryState>,
    n_steps: usize,
    operand: Box<dyn Operator>,
}

impl Operator for Repeat {
    fn labels(&self) -> &[Labels] {
        self.operand.labels()
    }

    fn next(&mut self) -> Result<Option<Block>, QueryError> {
        let Some(once) = self.operand.next()? else { return Ok(None) };
        let mut block = Block::with_capacity(&self.query, once.n_rows(), self.n_steps)?;
        for row in once.rows() {
            let mut repeated = block.push_row()?;
            repeated.set_drop_name(row.drop_name());
            if let Some(sample) = row.sample(0) {
                self.query.context.check()?;
                for step in 0..self.n_steps {
                    repeated.set_sample(step, sample)?;
                }
            }
        }
        block.settle()?;
        Ok(Some(block))
    }
}
