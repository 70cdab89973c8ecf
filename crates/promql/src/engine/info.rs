//! `info`: adds the labels of info series, such as `target_info`, to the series that they describe.
//!
//! Info series are joined by the labels that identify a target. At each step the newest sample of an info metric counts, so that the labels
//! follow a target that was replaced.

use std::collections::{BTreeSet, HashMap};

use bellwether_model::{Labels, METRIC_NAME, MatchOp, Matcher, SelectHints, SelectSpec};

use super::block::Sample;
use super::error::QueryError;
use super::eval::Eval;
use super::labelled_rows::LabelledRows;
use super::operator::{Operator, Rows};
use super::plan::InfoPlan;
use super::vector_selector::{Aspect, read_selection};

/// The info metric that is used if none is asked for.
const TARGET_INFO: &str = "target_info";
/// The info metrics among which to leave some out, if nothing else is said.
const ANY_INFO: &str = ".+_info";
/// The labels that identify a target.
const IDENTIFYING: [&str; 2] = ["instance", "job"];

pub(super) fn open(eval: &Eval, plan: &InfoPlan) -> Result<Box<dyn Operator>, QueryError> {
    let base = eval.rows(&plan.operand)?;
    let conditions = Conditions::new(plan.matchers.as_deref())?;
    // Info series are not enriched with themselves.
    let is_info: Vec<bool> =
        base.labels.iter().map(|labels| conditions.is_info(labels.metric_name())).collect();
    let info = read_info(eval, plan, &base, &is_info, &conditions)?;
    Join { eval, base: &base, is_info: &is_info, info: &info, conditions: &conditions }.run()
}

/// The conditions of the second argument.
struct Conditions {
    /// Those on the name of the info metric; at least one.
    names: Vec<Matcher>,
    /// Those on its other labels; if there are any, only these labels are added.
    data: Vec<Matcher>,
    /// Whether only labels were asked for, and the metric is the default one. Then even an info series is enriched.
    labels_only: bool,
}

impl Conditions {
    fn new(matchers: Option<&[Matcher]>) -> Result<Self, QueryError> {
        let given = matchers.is_some();
        let matchers = matchers.unwrap_or_default();
        let (mut names, data): (Vec<_>, Vec<_>) =
            matchers.iter().cloned().partition(|m| m.name() == METRIC_NAME);
        let labels_only = given && names.is_empty();
        if names.is_empty() {
            names.push(Matcher::equal(METRIC_NAME, TARGET_INFO));
        } else if names.iter().all(|m| m.op().is_negative()) {
            // What is left after leaving something out are info metrics still.
            let any_info = Matcher::new(MatchOp::Re, METRIC_NAME, ANY_INFO);
            names.push(any_info.map_err(|e| QueryError::execution(e.to_string()))?);
        }
        Ok(Self { names, data, labels_only })
    }

    /// Whether a series is left as it is, because its metric is one that the labels are taken from.
    fn is_info(&self, metric: &str) -> bool {
        !self.labels_only && self.names.iter().all(|m| m.matches(metric))
    }

    /// Whether a label of an info series is added.
    fn wants(&self, name: &str) -> bool {
        name != METRIC_NAME && (self.data.is_empty() || self.data.iter().any(|m| m.name() == name))
    }

    /// Whether series without info are kept.
    fn allow_missing(&self) -> bool {
        self.data.iter().all(Matcher::matches_empty)
    }
}

/// The info series that may describe one of the given series, with the times of their samples as values.
fn read_info(
    eval: &Eval,
    plan: &InfoPlan,
    base: &Rows,
    is_info: &[bool],
    conditions: &Conditions,
) -> Result<Rows, QueryError> {
    let mut matchers = Vec::new();
    for name in IDENTIFYING {
        let wanted = base.labels.iter().zip(is_info).filter(|(_, is_info)| !**is_info);
        let values: BTreeSet<&str> = wanted.filter_map(|(labels, _)| labels.get(name)).collect();
        if !values.is_empty() {
            let pattern: Vec<String> = values.into_iter().map(quote_pattern).collect();
            let matcher = Matcher::new(MatchOp::Re, name, pattern.join("|"));
            matchers.push(matcher.map_err(|e| QueryError::execution(e.to_string()))?);
        }
    }
    if matchers.is_empty() {
        return Rows::with_capacity(&eval.query, 0, eval.grid.n_steps);
    }
    matchers.extend(conditions.names.iter().chain(&conditions.data).cloned());
    let hints = SelectHints { step_ms: plan.step_ms, func: "info", ..SelectHints::default() };
    let series = eval.query.select(&SelectSpec { matchers, range: plan.range, sorted: false, hints })?;
    let operator = read_selection(eval, series, plan.reference, Aspect::TimeOfFloat);
    Rows::collect(&eval.query, operator, eval.grid.n_steps)
}

/// Escapes what has a meaning in a regular expression.
fn quote_pattern(s: &str) -> String {
    let mut out = String::with_capacity(s.len());
    for c in s.chars() {
        if r"\.+*?()|[]{}^$".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

struct Join<'a> {
    eval: &'a Eval,
    base: &'a Rows,
    is_info: &'a [bool],
    info: &'a Rows,
    conditions: &'a Conditions,
}

impl Join<'_> {
    fn run(&self) -> Result<Box<dyn Operator>, QueryError> {
        let candidates = self.candidates();
        let mut output = LabelledRows::new(&self.eval.query, self.eval.grid.n_steps)?;
        for (row, labels) in self.base.labels.iter().enumerate() {
            self.eval.query.context.check()?;
            let none = Vec::new();
            let metrics =
                if self.is_info[row] { &none } else { candidates.get(&identity(labels)).unwrap_or(&none) };
            let source = self.base.block.row(row);
            for (step, sample) in source.samples() {
                if let Some(result) = self.enriched(row, metrics, step)? {
                    let place = output.place(&self.eval.query, &result, source.drop_name())?;
                    output.put(place, step, sample.to_value())?;
                }
            }
        }
        output.into_operator()
    }

    /// For each identity the info series that have it, those of each metric apart.
    fn candidates(&self) -> HashMap<Labels, Vec<Vec<usize>>> {
        let mut candidates: HashMap<Labels, Vec<Vec<usize>>> = HashMap::new();
        for (row, labels) in self.info.labels.iter().enumerate() {
            let metrics = candidates.entry(identity(labels)).or_default();
            let same = |rows: &&mut Vec<usize>| {
                rows.first()
                    .is_some_and(|first| self.info.labels[*first].metric_name() == labels.metric_name())
            };
            match metrics.iter_mut().find(same) {
                Some(rows) => rows.push(row),
                None => metrics.push(vec![row]),
            }
        }
        candidates
    }

    /// The labels of a series at a step; `None` if it has to go because it lacks labels that were asked for.
    fn enriched(
        &self,
        row: usize,
        metrics: &[Vec<usize>],
        step: usize,
    ) -> Result<Option<Labels>, QueryError> {
        let labels = &self.base.labels[row];
        if self.is_info[row] {
            return Ok(Some(labels.clone()));
        }
        let mut added: Vec<(&str, &str)> = Vec::new();
        let mut matched = false;
        for rows in metrics {
            let Some(info) = self.newest(rows, step)? else { continue };
            matched = true;
            for label in self.info.labels[info].iter().filter(|l| self.conditions.wants(l.name)) {
                match added.iter().find(|(name, _)| *name == label.name) {
                    Some((_, value)) if *value != label.value => {
                        return Err(QueryError::execution(format!("conflicting label: {}", label.name)));
                    }
                    Some(_) => {}
                    // What the series says about itself stays.
                    None if labels.has(label.name) => {}
                    None => added.push((label.name, label.value)),
                }
            }
        }
        if !matched && !self.conditions.allow_missing() {
            return Ok(None);
        }
        if added.is_empty() {
            return Ok(Some(labels.clone()));
        }
        let mut builder = labels.to_builder();
        for (name, value) in added {
            builder.set(name, value);
        }
        Ok(Some(builder.build()))
    }

    /// Of several series of one info metric the one with the newest sample.
    fn newest(&self, rows: &[usize], step: usize) -> Result<Option<usize>, QueryError> {
        let mut newest: Option<(f64, usize)> = None;
        for row in rows {
            let time = match self.info.block.row(*row).sample(step) {
                Some(Sample::Float(time)) => time,
                Some(Sample::Histogram(_)) => {
                    return Err(QueryError::execution("info sample should be float"));
                }
                None => continue,
            };
            match newest {
                Some((seen, _)) if seen > time => {}
                Some((seen, first)) if seen == time => {
                    let labels = &self.info.labels;
                    return Err(QueryError::execution(format!(
                        "found duplicate series for info metric: existing {} @ {seen}, new {} @ {time}",
                        labels[first], labels[*row]
                    )));
                }
                _ => newest = Some((time, *row)),
            }
        }
        Ok(newest.map(|(_, row)| row))
    }
}

/// The labels that identify the target of a series.
fn identity(labels: &Labels) -> Labels {
    labels.retain(|l| IDENTIFYING.contains(&l.name))
}
