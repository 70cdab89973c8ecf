use std::ops::Deref;
use std::sync::Arc;

use bellwether_model::MemoryReservation;

use super::binary::scalar_operation;
use super::block::Sample;
use super::error::QueryError;
use super::grid::Grid;
use super::operator::{Operator, ROWS_PER_BLOCK, Rows};
use super::pacer::Pacer;
use super::plan::Plan;
use super::state::{QueryState, TallyScope};
use super::step_set::StepSet;
use super::{
    absent, aggregate, binary, elementwise, histogram_quantile, info, label_functions, once, range_call,
    sort, timestamp, vector_selector,
};
use crate::functions::{max_of, min_of};

/// Cells that a block should not exceed, so that many steps do not mean much memory.
const CELLS_PER_BLOCK: usize = 64 * 1024;

/// Evaluates plans at the times of a grid.
#[derive(Clone)]
pub(crate) struct Eval {
    pub(crate) query: Arc<QueryState>,
    pub(crate) grid: Grid,
    pub(crate) scope: TallyScope,
}

/// A number per step.
#[derive(Debug)]
pub(crate) struct Scalar {
    vals: Vec<f64>,
    _memory: MemoryReservation,
}

impl Deref for Scalar {
    type Target = [f64];

    fn deref(&self) -> &[f64] {
        &self.vals
    }
}

impl Eval {
    /// An evaluation of another part of the same query at other times.
    pub(crate) fn on(&self, grid: Grid, scope: TallyScope) -> Result<Self, QueryError> {
        if grid.n_steps > self.query.options.max_samples {
            return Err(QueryError::TooManySamples { during: "query execution" });
        }
        Ok(Self { query: Arc::clone(&self.query), grid, scope })
    }

    /// The times of the evaluations.
    pub(crate) fn times_ms(&self) -> impl Iterator<Item = i64> + use<> {
        let grid = self.grid;
        (0..grid.n_steps).map(move |step| grid.ts_ms(step))
    }

    /// How many series to read before handing them on.
    pub(crate) fn rows_per_block(&self) -> usize {
        (CELLS_PER_BLOCK / self.grid.n_steps.max(1)).clamp(1, ROWS_PER_BLOCK)
    }

    /// All rows of a vector.
    pub(crate) fn rows(&self, plan: &Plan) -> Result<Rows, QueryError> {
        let operator = self.open(plan)?;
        Rows::collect(&self.query, operator, self.grid.n_steps)
    }

    /// The rows of a vector, to be read one after the other.
    pub(crate) fn open(&self, plan: &Plan) -> Result<Box<dyn Operator>, QueryError> {
        self.query.context.check()?;
        match plan {
            Plan::Selector(selector) => vector_selector::open(self, selector),
            Plan::Negate(operand) => elementwise::negate(self, operand),
            Plan::Binary(plan) => binary::open(self, plan),
            Plan::Aggregate(plan) => aggregate::open(self, plan),
            Plan::ToVector(operand) => elementwise::vector(self, operand),
            Plan::Float(call) => elementwise::float_call(self, call),
            Plan::Histogram { function, operand } => elementwise::histogram_call(self, *function, operand),
            Plan::Date { field, operand } => elementwise::date(self, *field, operand.as_deref()),
            Plan::Timestamp(plan) => timestamp::open(self, plan),
            Plan::Range(call) => range_call::open(self, call),
            Plan::AbsentOverTime { source, labels } => absent::over_time(self, source, labels),
            Plan::Absent { operand, labels } => absent::now(self, operand, labels),
            Plan::Quantile(plan) => histogram_quantile::quantiles(self, plan),
            Plan::Fraction(plan) => histogram_quantile::fraction(self, plan),
            Plan::Sort(plan) => sort::open(self, plan),
            Plan::LabelReplace(plan) => label_functions::replace(self, plan),
            Plan::LabelJoin(plan) => label_functions::join(self, plan),
            Plan::Info(plan) => info::open(self, plan),
            Plan::Once(plan) => once::open(self, plan),
            Plan::Number(_)
            | Plan::String(_)
            | Plan::Time
            | Plan::ToScalar(_)
            | Plan::Extreme { .. }
            | Plan::RangeVector(_) => unreachable!("BUG: the type checker asks for an instant vector here"),
        }
    }

    /// The number of each step.
    pub(crate) fn scalar(&self, plan: &Plan) -> Result<Scalar, QueryError> {
        self.query.context.check()?;
        match plan {
            Plan::Number(v) => self.scalar_of(|_| *v),
            Plan::Time => {
                let grid = self.grid;
                self.scalar_of(|step| grid.ts_ms(step) as f64 / 1000.0)
            }
            Plan::ToScalar(operand) => self.only_float(operand),
            Plan::Extreme { max, operands } => {
                let (left, right) = (self.scalar(&operands.0)?, self.scalar(&operands.1)?);
                let pick = if *max { max_of } else { min_of };
                self.scalar_of(|step| pick(left[step], right[step]))
            }
            Plan::Negate(operand) => {
                let operand = self.scalar(operand)?;
                self.scalar_of(|step| -operand[step])
            }
            Plan::Binary(binary) => {
                let (lhs, rhs) = (self.scalar(&binary.lhs)?, self.scalar(&binary.rhs)?);
                self.scalar_of(|step| scalar_operation(binary.op, lhs[step], rhs[step]))
            }
            Plan::Once(plan) => {
                if self.grid.n_steps == 0 {
                    return self.scalar_of(|_| f64::NAN);
                }
                let once = once::eval(self)?.scalar(plan)?[0];
                self.scalar_of(|_| once)
            }
            _ => unreachable!("BUG: the type checker asks for a scalar here"),
        }
    }

    fn scalar_of(&self, v: impl Fn(usize) -> f64) -> Result<Scalar, QueryError> {
        let memory = self.query.context.reserve(self.grid.n_steps.saturating_mul(8))?;
        let mut pacer = Pacer::new(&self.query.context);
        let mut vals = Vec::with_capacity(self.grid.n_steps);
        for step in 0..self.grid.n_steps {
            pacer.work(1)?;
            vals.push(v(step));
        }
        Ok(Scalar { vals, _memory: memory })
    }

    /// At each step the float of the vector if there is exactly one, else NaN. Histograms do not count.
    fn only_float(&self, operand: &Plan) -> Result<Scalar, QueryError> {
        let mut scalar = self.scalar_of(|_| f64::NAN)?;
        let mut found = StepSet::new(&self.query, self.grid.n_steps)?;
        let mut operand = self.open(operand)?;
        while let Some(block) = operand.next()? {
            for (step, sample) in block.rows().flat_map(super::block::Row::samples) {
                if let Sample::Float(v) = sample {
                    scalar.vals[step] = if found.contains(step) { f64::NAN } else { v };
                    found.insert(step);
                }
            }
        }
        Ok(scalar)
    }
}
