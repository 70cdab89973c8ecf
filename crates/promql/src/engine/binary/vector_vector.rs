use std::collections::{HashMap, HashSet};

use bellwether_model::{Labels, Value};

use super::changes_meaning;
use super::element::operation;
use super::matching::{MatchGroups, matched_labels};
use crate::engine::block::Sample;
use crate::engine::error::QueryError;
use crate::engine::eval::Eval;
use crate::engine::labelled_rows::LabelledRows;
use crate::engine::metadata_labels::{METADATA_LABELS, without_metadata};
use crate::engine::operator::{Operator, Rows};
use crate::engine::plan::BinaryPlan;
use crate::syntax::{MatchCardinality, VectorMatching};

/// Arithmetic and comparisons between two vectors.
///
/// Series are grouped by the labels they are matched on; what happens in one group does not depend on the others. In a group the "one" side may have one
/// sample per step; each sample of the "many" side is combined with it. For a one-to-one matching the left side is treated as "many" and must not have
/// two matches.
pub(super) fn open(eval: &Eval, plan: &BinaryPlan) -> Result<Box<dyn Operator>, QueryError> {
    let matching = plan.matching.as_ref().expect("BUG: the type checker gives two vectors a matching");
    let (left, right) = (eval.rows(&plan.lhs)?, eval.rows(&plan.rhs)?);
    let groups = MatchGroups::new(&left.labels, &right.labels, matching);
    let swapped = matching.card == MatchCardinality::OneToMany;
    let (left, right) = (Side::new(&left, &groups, &groups.left), Side::new(&right, &groups, &groups.right));
    let (many, one) = if swapped { (right, left) } else { (left, right) };
    let n_steps = eval.grid.n_steps;
    let join = Join {
        eval,
        plan,
        matching,
        swapped,
        // Of `group_right`, too, `fill_left` fills in on the "many" side: Prometheus swaps the sides, but not the values.
        many_fill: matching.fill.lhs,
        one_fill: matching.fill.rhs,
        // Where one side is empty as a whole, Prometheus does not look for duplicates on the other one.
        both: many
            .steps_with_samples(n_steps)
            .zip(&one.steps_with_samples(n_steps), !matching.fill.is_none()),
        many,
        one,
    };
    join.run(groups.n_groups)
}

/// One side of the operation.
struct Side<'a> {
    rows: &'a Rows,
    /// The series of each group.
    members: Vec<Vec<usize>>,
}

impl<'a> Side<'a> {
    fn new(rows: &'a Rows, groups: &MatchGroups, group_of: &[usize]) -> Self {
        Self { rows, members: groups.members(group_of) }
    }

    fn steps_with_samples(&self, n_steps: usize) -> Steps {
        let mut steps = vec![false; n_steps];
        self.rows.block.rows().flat_map(crate::engine::block::Row::steps).for_each(|step| steps[step] = true);
        Steps(steps)
    }
}

/// A set of steps.
struct Steps(Vec<bool>);

impl Steps {
    /// The steps in both sets, or, with `any`, in one of them.
    fn zip(&self, other: &Self, any: bool) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(a, b)| if any { *a || *b } else { *a && *b }).collect())
    }
}

struct Join<'a> {
    eval: &'a Eval,
    plan: &'a BinaryPlan,
    matching: &'a VectorMatching,
    /// Whether "many" is the right side.
    swapped: bool,
    many: Side<'a>,
    one: Side<'a>,
    /// What stands in for a missing sample of each side.
    many_fill: Option<f64>,
    one_fill: Option<f64>,
    /// The steps at which there is something to match.
    both: Steps,
}

/// A sample of one side at one step: a series, or the value that fills in.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Partner {
    Series(usize),
    Fill,
}

/// The result while it grows.
struct Output {
    rows: LabelledRows,
    /// The labels of the result of two partners, and their row once there is one.
    pairs: HashMap<(Partner, Partner), (Labels, Option<usize>)>,
}

impl Join<'_> {
    fn run(&self, n_groups: usize) -> Result<Box<dyn Operator>, QueryError> {
        let rows = LabelledRows::new(&self.eval.query, self.eval.grid.n_steps)?;
        let mut output = Output { rows, pairs: HashMap::new() };
        for group in 0..n_groups {
            self.eval.query.context.check()?;
            self.group(group, &mut output)?;
        }
        output.rows.into_operator()
    }

    fn group(&self, group: usize, output: &mut Output) -> Result<(), QueryError> {
        let (many, one) = (&self.many.members[group], &self.one.members[group]);
        if (one.is_empty() && self.one_fill.is_none())
            || (many.is_empty() && self.many_fill.is_none() && one.len() < 2)
        {
            return Ok(());
        }
        // Only grouping labels can make results collide that belong to the same step.
        let mut taken: HashSet<Labels> = HashSet::new();
        for step in (0..self.eval.grid.n_steps).filter(|step| self.both.0[*step]) {
            let one = self.one_at(one, step)?;
            let (mut n_matches, mut found_many) = (0, false);
            taken.clear();
            for series in many {
                let Some(sample) = self.many.rows.block.row(*series).sample(step) else { continue };
                found_many = true;
                let (one, one_sample) = match (one, self.one_fill) {
                    (Some((series, sample)), _) => (Partner::Series(series), sample),
                    (None, Some(fill)) => (Partner::Fill, Sample::Float(fill)),
                    (None, None) => break,
                };
                n_matches += 1;
                let pair = (Partner::Series(*series), one);
                // Whether the match is ambiguous does not depend on what a comparison leaves of it.
                self.check_unique(n_matches, &mut taken, output, group, pair)?;
                if let Some(value) = self.operate(sample, one_sample) {
                    self.push(output, group, pair, step, value)?;
                }
            }
            if let (Some((series, sample)), false, Some(fill)) = (one, found_many, self.many_fill)
                && let Some(value) = self.operate(Sample::Float(fill), sample)
            {
                self.push(output, group, (Partner::Fill, Partner::Series(series)), step, value)?;
            }
        }
        Ok(())
    }

    /// The sample of the "one" side at a step; it is an error if there are two.
    fn one_at(&self, members: &[usize], step: usize) -> Result<Option<(usize, Sample<'_>)>, QueryError> {
        let mut found: Option<(usize, Sample<'_>)> = None;
        for series in members {
            let Some(sample) = self.one.rows.block.row(*series).sample(step) else { continue };
            if let Some((first, _)) = found {
                let labels = &self.one.rows.labels;
                // Which of the two is met first must not matter.
                let (first, second) = (labels[first].clone(), labels[*series].clone());
                let (first, second) = if first < second { (first, second) } else { (second, first) };
                return Err(QueryError::execution(format!(
                    "found duplicate series for the match group {} on the {} hand-side of the operation: [{}, {}];many-to-many matching not allowed: matching labels must be unique on one side",
                    with_name_in_braces(&matched_labels(&labels[*series], self.matching)),
                    if self.swapped { "left" } else { "right" },
                    with_name_in_braces(&first),
                    with_name_in_braces(&second),
                )));
            }
            found = Some((*series, sample));
        }
        Ok(found)
    }

    /// What the operator yields, the sides being what they were in the query; `None` if nothing.
    fn operate(&self, many: Sample<'_>, one: Sample<'_>) -> Option<Value> {
        let (lhs, rhs) = if self.swapped { (one, many) } else { (many, one) };
        let outcome = operation(self.plan.op, lhs, rhs);
        if let Some(remark) = outcome.remark {
            self.eval.query.annotate(remark, self.plan.span);
        }
        let value = outcome.value?;
        if self.plan.return_bool {
            return Some(Value::Float(f64::from(u8::from(outcome.holds))));
        }
        outcome.holds.then_some(value)
    }

    fn check_unique(
        &self,
        n_matches: usize,
        taken: &mut HashSet<Labels>,
        output: &mut Output,
        group: usize,
        pair: (Partner, Partner),
    ) -> Result<(), QueryError> {
        if self.matching.card == MatchCardinality::OneToOne {
            if n_matches > 1 {
                return Err(QueryError::execution(
                    "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)",
                ));
            }
            return Ok(());
        }
        if self.many.members[group].len() > 1 {
            let labels = self.labels(output, group, pair).0.clone();
            if !taken.insert(labels) {
                return Err(QueryError::execution(
                    "multiple matches for labels: grouping labels must ensure unique matches",
                ));
            }
        }
        Ok(())
    }

    fn push(
        &self,
        output: &mut Output,
        group: usize,
        pair: (Partner, Partner),
        step: usize,
        value: Value,
    ) -> Result<(), QueryError> {
        let (labels, place) = self.labels(output, group, pair).clone();
        let place = if let Some(place) = place {
            place
        } else {
            let place = output.rows.place(&labels, self.drops_name(pair.0))?;
            output.pairs.insert(pair, (labels, Some(place)));
            place
        };
        output.rows.put(place, step, value)
    }

    /// Whether the name of the result goes at the end of the query.
    fn drops_name(&self, many: Partner) -> bool {
        let of_series = match many {
            Partner::Series(series) => self.many.rows.block.row(series).drop_name(),
            Partner::Fill => false,
        };
        self.plan.return_bool || of_series
    }

    /// The labels of the result of two partners.
    fn labels<'o>(
        &self,
        output: &'o mut Output,
        group: usize,
        pair: (Partner, Partner),
    ) -> &'o (Labels, Option<usize>) {
        output.pairs.entry(pair).or_insert_with(|| (self.result_labels(group, pair), None))
    }

    fn result_labels(&self, group: usize, (many, one): (Partner, Partner)) -> Labels {
        let labels_of = |partner: Partner, side: &Side<'_>, other: &Side<'_>| match partner {
            Partner::Series(series) => side.rows.labels[series].clone(),
            // What fills in has the labels that the group was matched on.
            Partner::Fill => matched_labels(&other.rows.labels[other.members[group][0]], self.matching),
        };
        let one_labels = labels_of(one, &self.one, &self.many);
        let mut labels = labels_of(many, &self.many, &self.one).to_builder();
        if changes_meaning(self.plan.op) {
            for name in METADATA_LABELS {
                labels.remove(name);
            }
        }
        if self.matching.card == MatchCardinality::OneToOne {
            let listed = |name: &str| self.matching.labels.iter().any(|l| l == name);
            labels.retain(|name, _| listed(name) == self.matching.on);
        }
        for name in &self.matching.include {
            labels.set(name, one_labels.get(name).unwrap_or(""));
        }
        let labels = labels.build();
        if self.plan.return_bool && !self.eval.query.options.delayed_name_removal {
            without_metadata(&labels)
        } else {
            labels
        }
    }
}

/// A label set with the name as a label among others, as Prometheus writes it in this message.
fn with_name_in_braces(labels: &Labels) -> String {
    let pairs: Vec<String> =
        labels.iter().map(|l| bellwether_model::Matcher::equal(l.name, l.value).to_string()).collect();
    format!("{{{}}}", pairs.join(", "))
}
