use bellwether_model::{Expansion, Labels, METRIC_NAME};

use super::error::QueryError;
use super::eval::Eval;
use super::operator::{Operator, Rows};
use super::plan::{LabelJoinPlan, LabelReplacePlan, Plan};
use super::same_labels::merge_same_labels;

/// Longest value that a query may give a label. A few nested calls that repeat a group would otherwise fill any memory.
const MAX_VALUE_BYTES: usize = 1 << 20;

/// `label_replace`: sets a label from another one by a regular expression; series that do not match stay as they are.
pub(super) fn replace(eval: &Eval, plan: &LabelReplacePlan) -> Result<Box<dyn Operator>, QueryError> {
    let mut value = String::new();
    relabel(eval, &plan.operand, &plan.target, |labels| {
        value.clear();
        let source = labels.get(&plan.source).unwrap_or("");
        match plan.regex.expand_within(source, &plan.template, MAX_VALUE_BYTES, &mut value) {
            Expansion::NoMatch => Ok(None),
            Expansion::Done => Ok(Some(value.clone())),
            Expansion::TooLong => Err(too_long("label_replace", &plan.target)),
        }
    })
}

/// `label_join`: sets a label to the values of others, joined.
pub(super) fn join(eval: &Eval, plan: &LabelJoinPlan) -> Result<Box<dyn Operator>, QueryError> {
    relabel(eval, &plan.operand, &plan.target, |labels| {
        let values: Vec<&str> = plan.sources.iter().map(|name| labels.get(name).unwrap_or("")).collect();
        let bytes: usize = values.iter().map(|value| value.len() + plan.separator.len()).sum();
        if bytes > MAX_VALUE_BYTES + plan.separator.len() {
            return Err(too_long("label_join", &plan.target));
        }
        Ok(Some(values.join(&plan.separator)))
    })
}

fn too_long(function: &str, target: &str) -> QueryError {
    QueryError::execution(format!(
        "{function}: the value of label {target:?} would be longer than the {MAX_VALUE_BYTES} bytes that a query may give a label"
    ))
}

/// Sets the label `target` of each series for which `value` has one. A name that is set anew is not dropped later.
fn relabel(
    eval: &Eval,
    operand: &Plan,
    target: &str,
    mut value: impl FnMut(&Labels) -> Result<Option<String>, QueryError>,
) -> Result<Box<dyn Operator>, QueryError> {
    let mut rows: Rows = eval.rows(operand)?;
    for (idx, labels) in rows.labels.iter_mut().enumerate() {
        eval.query.context.check()?;
        let Some(value) = value(labels)? else { continue };
        eval.query.keep(labels.as_bytes().len() + value.len())?;
        let mut builder = labels.to_builder();
        builder.set(target, &value);
        *labels = builder.build();
        if target == METRIC_NAME {
            rows.block.row_mut(idx).set_drop_name(false);
        }
    }
    Ok(merge_same_labels(&eval.query, rows)?.into_operator())
}
