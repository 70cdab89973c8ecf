use bellwether_model::format_float;
use hashbrown::HashMap;
use hashbrown::hash_map::Entry;

use super::grouping::{group_labels, stays};
use crate::engine::block::Sample;
use crate::engine::error::QueryError;
use crate::engine::eval::Eval;
use crate::engine::label_groups::LabelGroups;
use crate::engine::labelled_rows::LabelledRows;
use crate::engine::operator::Operator;
use crate::engine::pacer::Pacer;
use crate::engine::plan::{AggregatePlan, Plan};

/// What is known of a group and a value, with room for the table to grow.
const BYTES_PER_PLACE: usize = 64;

/// `count_values`: how many samples of each group have the same value, which becomes a label.
pub(super) fn open(eval: &Eval, plan: &AggregatePlan) -> Result<Box<dyn Operator>, QueryError> {
    let Some(Plan::String(label)) = &plan.param else {
        unreachable!("BUG: the type checker asks for a label name");
    };
    let mut operand = eval.open(&plan.operand)?;
    let mut counts = LabelledRows::new(&eval.query, eval.grid.n_steps)?;
    // The row of each group and value, so that most samples need neither text nor labels. Unless values are told apart, they all share a row.
    let tells_values = stays(plan, label);
    let mut groups = LabelGroups::new(&eval.query, operand.labels().len())?;
    let mut places: HashMap<(usize, u64), usize> = HashMap::new();
    let mut pacer = Pacer::new(&eval.query.context);
    let mut series = 0;
    while let Some(block) = operand.next()? {
        for row in block.rows() {
            eval.query.context.check()?;
            let labels = operand.labels()[series].clone();
            series += 1;
            let group = groups.of(&labels, |l| l.name != label && stays(plan, l.name))?;
            let place_of = |counts: &mut LabelledRows, text: String| {
                let mut builder = labels.to_builder();
                builder.set(label, &text);
                counts.place(&eval.query, &group_labels(&builder.build(), plan), false)
            };
            for (step, sample) in row.samples() {
                pacer.work(1)?;
                let place = match sample {
                    Sample::Float(v) => {
                        match places.entry((group, if tells_values { v.to_bits() } else { 0 })) {
                            Entry::Occupied(known) => *known.get(),
                            Entry::Vacant(new) => {
                                eval.query.keep(BYTES_PER_PLACE)?;
                                *new.insert(place_of(&mut counts, format_float(v))?)
                            }
                        }
                    }
                    Sample::Histogram(h) => place_of(&mut counts, h.to_string())?,
                };
                let block = &mut counts.rows_mut().block;
                let before = match block.row(place).sample(step) {
                    Some(Sample::Float(n)) => n,
                    _ => 0.0,
                };
                block.row_mut(place).set_float(step, before + 1.0);
            }
        }
    }
    counts.into_operator()
}
