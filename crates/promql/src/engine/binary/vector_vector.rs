use bellwether_model::{Labels, Value};
use hashbrown::HashMap;

use super::changes_meaning;
use super::element::operation;
use super::matching::{MatchGroups, matched_labels};
use super::row::RowOperation;
use crate::engine::block::{RowFloats, Sample};
use crate::engine::error::QueryError;
use crate::engine::eval::Eval;
use crate::engine::label_groups::Members;
use crate::engine::metadata_labels::{METADATA_LABELS, without_metadata};
use crate::engine::operator::{Operator, Rows};
use crate::engine::pacer::Pacer;
use crate::engine::plan::BinaryPlan;
use crate::engine::same_labels::same_labelset;
use crate::engine::state::QueryState;
use crate::engine::step_set::StepSet;
use crate::syntax::{MatchCardinality, VectorMatching};

/// Arithmetic and comparisons between two vectors.
///
/// Series are grouped by the labels they are matched on; what happens in one group does not depend on the others. In a group the "one" side may have one
/// sample per step; each sample of the "many" side is combined with it. For a one-to-one matching the left side is treated as "many" and must not have
/// two matches.
pub(super) fn open(eval: &Eval, plan: &BinaryPlan) -> Result<Box<dyn Operator>, QueryError> {
    let matching = plan.matching.as_ref().expect("BUG: the type checker gives two vectors a matching");
    let (left, right) = (eval.rows(&plan.lhs)?, eval.rows(&plan.rhs)?);
    let groups = MatchGroups::new(&eval.query, &left.labels, &right.labels, matching)?;
    let swapped = matching.card == MatchCardinality::OneToMany;
    let (left, right) = (Side::new(&left, &groups, &groups.left), Side::new(&right, &groups, &groups.right));
    let (many, one) = if swapped { (right, left) } else { (left, right) };
    let mut both = many.steps_with_samples(eval)?;
    let of_one = one.steps_with_samples(eval)?;
    if matching.fill.is_none() {
        both.intersect(&of_one);
    } else {
        both.unite(&of_one);
    }
    let join = Join {
        eval,
        plan,
        matching,
        swapped,
        // Of `group_right`, too, `fill_left` fills in on the "many" side: Prometheus swaps the sides, but not the values.
        many_fill: matching.fill.lhs,
        one_fill: matching.fill.rhs,
        both,
        rows: RowOperation::new(plan.op, false, plan.return_bool).filter(|_| matching.fill.is_none()),
        many,
        one,
    };
    join.run(groups.n_groups)
}

/// One side of the operation.
struct Side<'a> {
    rows: &'a Rows,
    members: Members,
}

impl<'a> Side<'a> {
    fn new(rows: &'a Rows, groups: &MatchGroups, group_of: &[usize]) -> Self {
        Self { rows, members: Members::new(group_of, groups.n_groups) }
    }

    fn steps_with_samples(&self, eval: &Eval) -> Result<StepSet, QueryError> {
        let mut steps = StepSet::new(&eval.query, eval.grid.n_steps)?;
        self.rows.block.rows().for_each(|row| steps.insert_all(row.words()));
        Ok(steps)
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
    /// The steps at which there is something to match. Where one side is empty as a whole, Prometheus does not look for duplicates on the other one.
    both: StepSet,
    /// The faster form for rows of floats, if there is one for this operation.
    rows: Option<RowOperation>,
}

/// A sample of one side at one step: a series, or the value that fills in.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Partner {
    Series(usize),
    Fill,
}

/// The result while it grows.
struct Output {
    rows: Rows,
    /// What is known of each pair of partners that met.
    pairs: HashMap<(Partner, Partner), usize>,
    /// The pair that each series of the "many" side was part of most recently: mostly it is the same at the next step.
    latest: Vec<Option<(Partner, usize)>>,
    outcomes: Vec<Outcome>,
    by_labels: HashMap<Labels, usize>,
}

impl Output {
    /// The outcome with these labels.
    fn outcome(&mut self, query: &QueryState, labels: Labels) -> Result<usize, QueryError> {
        if let Some(known) = self.by_labels.get(&labels) {
            return Ok(*known);
        }
        query.keep_labels(&labels)?;
        self.outcomes.push(Outcome { labels: labels.clone(), row: None, found_at: None, meant_for: None });
        self.by_labels.insert(labels, self.outcomes.len() - 1);
        Ok(self.outcomes.len() - 1)
    }
}

/// A label set that pairs of partners result in.
struct Outcome {
    labels: Labels,
    /// Its row, once there is a sample for it.
    row: Option<usize>,
    /// The group and step at which a pair with this result was found most recently.
    found_at: Option<(usize, usize)>,
    /// The group whose whole rows it was most recently meant for.
    meant_for: Option<usize>,
}

/// Why a group cannot be joined.
enum Failure {
    /// The query as a whole is over.
    Query(QueryError),
    /// The series cannot be matched.
    Match(Mismatch),
}

impl From<QueryError> for Failure {
    fn from(error: QueryError) -> Self {
        Self::Query(error)
    }
}

/// Series that cannot be matched. Of several mismatches Prometheus names the one at the earliest step, and there those within the "one" side first:
/// this is the order of this type's [`place`](Self::place).
struct Mismatch {
    step: usize,
    phase: Phase,
    error: QueryError,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    OneSide,
    BothSides,
}

impl Mismatch {
    fn place(&self) -> (usize, Phase) {
        (self.step, self.phase)
    }
}

impl Join<'_> {
    fn run(&self, n_groups: usize) -> Result<Box<dyn Operator>, QueryError> {
        let mut output = Output {
            rows: Rows::with_capacity(&self.eval.query, 0, self.eval.grid.n_steps)?,
            pairs: HashMap::new(),
            latest: vec![None; self.many.rows.len()],
            outcomes: Vec::new(),
            by_labels: HashMap::new(),
        };
        let mut mismatch: Option<Mismatch> = None;
        for group in 0..n_groups {
            self.eval.query.context.check()?;
            let n_steps = mismatch.as_ref().map_or(self.eval.grid.n_steps, |found| found.step + 1);
            match self.group(group, n_steps, &mut output) {
                Ok(()) => {}
                Err(Failure::Query(error)) => return Err(error),
                Err(Failure::Match(found)) => {
                    if mismatch.as_ref().is_none_or(|earlier| found.place() < earlier.place()) {
                        mismatch = Some(found);
                    }
                }
            }
        }
        if let Some(Mismatch { error, .. }) = mismatch {
            return Err(error);
        }
        output.rows.block.settle()?;
        Ok(output.rows.into_operator())
    }

    fn group(&self, group: usize, n_steps: usize, output: &mut Output) -> Result<(), Failure> {
        let (many, one) = (self.many.members.of(group), self.one.members.of(group));
        if (one.is_empty() && self.one_fill.is_none())
            || (many.is_empty() && self.many_fill.is_none() && one.len() < 2)
        {
            return Ok(());
        }
        if self.whole_rows(group, output)? {
            return Ok(());
        }
        let mut pacer = Pacer::new(&self.eval.query.context);
        for step in (0..n_steps).filter(|step| self.both.contains(*step)) {
            pacer.work(many.len() + one.len()).map_err(QueryError::from)?;
            let mismatch = |phase| move |error| Failure::Match(Mismatch { step, phase, error });
            let one = self.one_at(one, step).map_err(mismatch(Phase::OneSide))?;
            let (mut n_matches, mut found_many) = (0, false);
            for series in many {
                let Some(sample) = self.many.rows.block.row(*series).sample(step) else { continue };
                found_many = true;
                let (one, one_sample) = match (one, self.one_fill) {
                    (Some((series, sample)), _) => (Partner::Series(series), sample),
                    (None, Some(fill)) => (Partner::Fill, Sample::Float(fill)),
                    (None, None) => break,
                };
                n_matches += 1;
                let outcome = self.outcome(output, group, (Partner::Series(*series), one))?;
                // Whether the match is ambiguous does not depend on what a comparison leaves of it.
                self.check_unique(n_matches, &mut output.outcomes[outcome], (group, step))
                    .map_err(mismatch(Phase::BothSides))?;
                if let Some(value) = self.operate(sample, one_sample) {
                    Self::push(output, outcome, self.drops_name(Some(*series)), step, value)?;
                }
            }
            if let (Some((series, sample)), false, Some(fill)) = (one, found_many, self.many_fill)
                && let Some(value) = self.operate(Sample::Float(fill), sample)
            {
                let outcome = self.outcome(output, group, (Partner::Fill, Partner::Series(series)))?;
                Self::push(output, outcome, self.drops_name(None), step, value)?;
            }
        }
        Ok(())
    }

    /// Joins a group at all steps at once, if no step needs a closer look: one series of floats on the "one" side, and a result of its own for each series
    /// of the "many" side. Returns whether it did.
    fn whole_rows(&self, group: usize, output: &mut Output) -> Result<bool, QueryError> {
        let (Some(operation), [one]) = (self.rows, self.one.members.of(group)) else { return Ok(false) };
        let many = self.many.members.of(group);
        let is_ambiguous = self.matching.card == MatchCardinality::OneToOne && many.len() > 1;
        let one_row = self.one.rows.block.row(*one);
        let (Some(one_floats), false) = (one_row.floats(), is_ambiguous) else { return Ok(false) };
        let mut pairs: Vec<(usize, RowFloats<'_>, usize)> = Vec::with_capacity(many.len());
        for series in many {
            let row = self.many.rows.block.row(*series);
            let Some(floats) = row.floats() else { return Ok(false) };
            if !row.overlaps(one_row) {
                continue;
            }
            let labels = self.result_labels(group, (Partner::Series(*series), Partner::Series(*one)));
            let idx = output.outcome(&self.eval.query, labels)?;
            let outcome = &mut output.outcomes[idx];
            if outcome.row.is_some() || outcome.meant_for.replace(group) == Some(group) {
                return Ok(false);
            }
            pairs.push((*series, floats, idx));
        }
        let Output { rows, outcomes, .. } = output;
        for (series, many_floats, outcome) in pairs {
            let (lhs, rhs) = if self.swapped { (one_floats, many_floats) } else { (many_floats, one_floats) };
            let mut row = rows.block.push_row()?;
            row.set_drop_name(self.drops_name(Some(series)));
            let mut floats = row.as_floats();
            floats.vals.copy_from_slice(lhs.vals);
            for (present, (a, b)) in floats.present.iter_mut().zip(lhs.present.iter().zip(rhs.present)) {
                *present = a & b;
            }
            operation.apply(&mut floats, rhs.vals);
            if row.is_empty() {
                rows.block.pop_row();
                continue;
            }
            outcomes[outcome].row = Some(rows.len());
            rows.labels.push(outcomes[outcome].labels.clone());
        }
        Ok(true)
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
        outcome: &mut Outcome,
        here: (usize, usize),
    ) -> Result<(), QueryError> {
        if self.matching.card == MatchCardinality::OneToOne {
            if n_matches > 1 {
                return Err(QueryError::execution(
                    "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)",
                ));
            }
            return Ok(());
        }
        if outcome.found_at.replace(here) == Some(here) {
            return Err(QueryError::execution(
                "multiple matches for labels: grouping labels must ensure unique matches",
            ));
        }
        Ok(())
    }

    fn push(
        output: &mut Output,
        outcome: usize,
        drop_name: bool,
        step: usize,
        value: Value,
    ) -> Result<(), Failure> {
        let Output { rows, outcomes, .. } = output;
        let outcome = &mut outcomes[outcome];
        let row = if let Some(row) = outcome.row {
            row
        } else {
            rows.labels.push(outcome.labels.clone());
            rows.block.push_row()?.set_drop_name(drop_name);
            *outcome.row.insert(rows.len() - 1)
        };
        if rows.block.row(row).sample(step).is_some() {
            let (phase, error) = (Phase::BothSides, same_labelset());
            return Err(Failure::Match(Mismatch { step, phase, error }));
        }
        rows.block.row_mut(row).set(step, value)?;
        Ok(())
    }

    /// Whether the name of the result goes at the end of the query.
    fn drops_name(&self, many: Option<usize>) -> bool {
        self.plan.return_bool || many.is_some_and(|series| self.many.rows.block.row(series).drop_name())
    }

    /// What two partners result in.
    fn outcome(
        &self,
        output: &mut Output,
        group: usize,
        pair: (Partner, Partner),
    ) -> Result<usize, QueryError> {
        let (many, one) = pair;
        if let Partner::Series(series) = many
            && let Some((latest, outcome)) = output.latest[series]
            && latest == one
        {
            return Ok(outcome);
        }
        let outcome = if let Some(known) = output.pairs.get(&pair) {
            *known
        } else {
            let outcome = output.outcome(&self.eval.query, self.result_labels(group, pair))?;
            output.pairs.insert(pair, outcome);
            outcome
        };
        if let Partner::Series(series) = many {
            output.latest[series] = Some((one, outcome));
        }
        Ok(outcome)
    }

    fn result_labels(&self, group: usize, (many, one): (Partner, Partner)) -> Labels {
        let labels_of = |partner: Partner, side: &Side<'_>, other: &Side<'_>| match partner {
            Partner::Series(series) => side.rows.labels[series].clone(),
            // What fills in has the labels that the group was matched on.
            Partner::Fill => matched_labels(&other.rows.labels[other.members.of(group)[0]], self.matching),
        };
        let drops_metadata = changes_meaning(self.plan.op);
        let drops_unmatched = self.matching.card == MatchCardinality::OneToOne;
        let stays = |name: &str| {
            let listed = || self.matching.labels.iter().any(|l| l == name);
            !(drops_metadata && METADATA_LABELS.contains(&name))
                && (!drops_unmatched || listed() == self.matching.on)
        };
        let mut labels = labels_of(many, &self.many, &self.one).retain(|l| stays(l.name));
        if !self.matching.include.is_empty() {
            let one_labels = labels_of(one, &self.one, &self.many);
            let mut builder = labels.to_builder();
            for name in &self.matching.include {
                builder.set(name, one_labels.get(name).unwrap_or(""));
            }
            labels = builder.build();
        }
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::testkit::{MemoryStore, ScriptOptions, run_script};

    #[test]
    fn the_first_mismatch_is_named() {
        let script = r#"
            load 10s
              many{group="a",n="1"} 1 1 1
              many{group="a",n="2"} _ 1 1
              one{group="a"} 1 1 1
              many{group="b",n="1"} 1 1 1
              one{group="b",n="1"} 1 1 1
              one{group="b",n="2"} _ 1 1
              many{group="c",n="1"} 1 1 1
              many{group="c",n="2"} 1 1 1
              one{group="c"} _ _ 1

            # At 10s there are two of group a on the left and two of group b on the right.
            eval range from 0 to 20s step 10s many * on (group) one
              expect fail regex:found duplicate series for the match group \{group="b"\} on the right hand-side

            # Two of group a on the left, and later of group c.
            eval range from 0 to 20s step 10s many * on (group) one{group!="b"}
              expect fail msg:multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)

            eval range from 0 to 0 step 10s many{n="1"} * on (group) one
              {group="a"} 1
              {group="b"} 1
        "#;
        let report =
            run_script("mismatches", script, &ScriptOptions::default(), &|| Arc::new(MemoryStore::new()));
        assert!(report.error.is_none(), "{:?}", report.error);
        let outcomes: Vec<_> = report.evaluations.iter().map(|it| it.outcome.clone()).collect();
        assert_eq!(outcomes, vec![Ok(()); 3]);
    }
}
