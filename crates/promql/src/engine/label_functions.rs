use bellwether_model::{Labels, METRIC_NAME};

use super::error::QueryError;
use super::eval::Eval;
use super::operator::{Operator, Rows};
use super::plan::{LabelJoinPlan, LabelReplacePlan, Plan};
use super::same_labels::merge_same_labels;

/// `label_replace`: sets a label from another one by a regular expression; series that do not match stay as they are.
pub(super) fn replace(eval: &Eval, plan: &LabelReplacePlan) -> Result<Box<dyn Operator>, QueryError> {
    let mut value = String::new();
    relabel(eval, &plan.operand, &plan.target, |labels| {
        value.clear();
        let source = labels.get(&plan.source).unwrap_or("");
        plan.regex.expand(source, &plan.template, &mut value).then(|| value.clone())
    })
}

/// `label_join`: sets a label to the values of others, joined.
pub(super) fn join(eval: &Eval, plan: &LabelJoinPlan) -> Result<Box<dyn Operator>, QueryError> {
    relabel(eval, &plan.operand, &plan.target, |labels| {
        let values: Vec<&str> = plan.sources.iter().map(|name| labels.get(name).unwrap_or("")).collect();
        Some(values.join(&plan.separator))
    })
}

/// Sets the label `target` of each series for which `value` has one. A name that is set anew is not dropped later.
fn relabel(
    eval: &Eval,
    operand: &Plan,
    target: &str,
    mut value: impl FnMut(&Labels) -> Option<String>,
) -> Result<Box<dyn Operator>, QueryError> {
    let mut rows: Rows = eval.rows(operand)?;
    for (idx, labels) in rows.labels.iter_mut().enumerate() {
        let Some(value) = value(labels) else { continue };
        let mut builder = labels.to_builder();
        builder.set(target, &value);
        *labels = builder.build();
        if target == METRIC_NAME {
            rows.block.row_mut(idx).set_drop_name(false);
        }
    }
    Ok(merge_same_labels(&eval.query, rows)?.into_operator())
}
