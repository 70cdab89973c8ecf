use std::sync::Arc;

use bellwether_model::{
    AnchoredRegex, Labels, LabelsBuilder, METRIC_NAME, MatchOp, Matcher, SelectHints, SelectSpec, TimeRange,
};

use super::hull::Evaluations;
use super::{
    AggregatePlan, BinaryPlan, FloatCall, HistogramFractionPlan, HistogramQuantilePlan, InfoPlan,
    LabelJoinPlan, LabelReplacePlan, Plan, QueryPlan, RangeCall, RangePlan, RangeSource, Reference,
    SelectorPlan, SortKey, SortPlan, SubqueryPlan, TimestampPlan,
};
use crate::engine::error::QueryError;
use crate::engine::grid::Grid;
use crate::engine::options::EngineOptions;
use crate::engine::state::SelectionId;
use crate::functions::{Implementation, Special, implementation};
use crate::syntax::quote::{quote_bytes, unquote_bytes};
use crate::syntax::{
    AggregateExpr, AggregateOp, AtModifier, BinaryExpr, Call, DurationArg, DurationError, Expr,
    MatrixSelector, QueryTimes, RangeMode, StringLiteral, SubqueryExpr, TextSpan, UnaryOp, VectorSelector,
};

/// The functions that can deal with samples before the window.
const ANCHORED: [&str; 5] = ["changes", "delta", "increase", "rate", "resets"];
/// The functions that can deal with samples on both sides of the window.
const SMOOTHED: [&str; 3] = ["delta", "increase", "rate"];

/// Resolves all times of a query and finds out what it selects.
pub(crate) fn build(
    expr: &Expr,
    text: &str,
    grid: Grid,
    lookback_ms: i64,
    options: &EngineOptions,
) -> Result<QueryPlan, QueryError> {
    let mut builder = Builder {
        text,
        grid,
        times: QueryTimes {
            step_ms: if grid.of_instant_query { 0 } else { grid.step_ms },
            range_ms: grid.end_ms.saturating_sub(grid.start_ms),
        },
        lookback_ms,
        options,
        selections: Vec::new(),
        regex_bytes: 0,
        range: None,
        uses_order: uses_order(expr),
    };
    let around = Around {
        evaluations: Evaluations { first_ms: grid.start_ms, last_ms: grid.end_ms },
        function: "",
        grouping: None,
        buckets: Buckets::Needed,
    };
    let root = builder.expr(expr, around)?.once();
    let Builder { selections, range, uses_order, mut regex_bytes, .. } = builder;
    let matchers = selections.iter().flat_map(|selection| &selection.matchers);
    regex_bytes += matchers.filter_map(Matcher::regex).map(AnchoredRegex::memory_bytes).sum::<usize>();
    Ok(QueryPlan { root, selections, range, uses_order, regex_bytes })
}

/// Whether the result depends on the order of the series: it is sorted, or some of several equal series are taken.
fn uses_order(expr: &Expr) -> bool {
    use AggregateOp::{BottomK, LimitK, TopK};
    let mut found = false;
    expr.walk(&mut |expr, _| {
        found |= match expr {
            Expr::Aggregate(aggregate) => matches!(aggregate.op, TopK | BottomK | LimitK),
            Expr::Call(call) => call.func.name.starts_with("sort"),
            _ => false,
        };
    });
    found
}

struct Builder<'a> {
    text: &'a str,
    grid: Grid,
    times: QueryTimes,
    lookback_ms: i64,
    options: &'a EngineOptions,
    selections: Vec<SelectSpec>,
    range: Option<TimeRange>,
    uses_order: bool,
    /// What the regular expressions of functions take so far.
    regex_bytes: usize,
}

/// What is around a node.
#[derive(Clone, Copy)]
struct Around<'a> {
    /// When the node is evaluated.
    evaluations: Evaluations,
    /// The function or aggregation directly around it, as a hint for the store.
    function: &'static str,
    /// The aggregation directly around it.
    grouping: Option<&'a AggregateExpr>,
    /// Whether the buckets of histograms are needed.
    buckets: Buckets,
}

/// Whether the buckets of histograms are needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Buckets {
    /// Unless something further inside wants count and sum only.
    Needed,
    /// Count and sum are all that is wanted.
    NotNeeded,
    /// Whatever is further inside: in a subquery they tell counter resets, in a quantile they are the point.
    Always,
}

impl<'a> Around<'a> {
    fn function(self, function: &'static str) -> Self {
        let buckets = match function {
            "histogram_avg" | "histogram_count" | "histogram_sum" if self.buckets != Buckets::Always => {
                Buckets::NotNeeded
            }
            "histogram_fraction" | "histogram_quantile" | "histogram_quantiles" => Buckets::Always,
            _ => self.buckets,
        };
        Self { function, grouping: None, buckets, ..self }
    }

    /// Inside something that is neither function nor aggregation.
    fn operand(self) -> Self {
        self.function("")
    }

    fn aggregate(self, aggregate: &'a AggregateExpr) -> Self {
        Self { function: aggregate.op.as_str(), grouping: Some(aggregate), ..self }
    }
}

/// A node and whether it depends on the evaluation time.
struct Built {
    plan: Plan,
    constant: bool,
}

impl Built {
    /// The node, evaluated only once if that is enough.
    fn once(self) -> Plan {
        match self.plan {
            // Literals cost nothing, and range vectors are read where they are used.
            plan @ (Plan::Number(_) | Plan::String(_) | Plan::RangeVector(_)) => plan,
            plan if self.constant => Plan::Once(Box::new(plan)),
            plan => plan,
        }
    }
}

impl Builder<'_> {
    fn expr(&mut self, expr: &Expr, around: Around<'_>) -> Result<Built, QueryError> {
        match expr {
            Expr::Number(number) => Ok(Built { plan: Plan::Number(number.value), constant: true }),
            Expr::String(string) => Ok(Built { plan: Plan::String(string.value.clone()), constant: true }),
            Expr::Paren(paren) => self.expr(&paren.expr, around),
            Expr::Unary(unary) => {
                let operand = self.expr(&unary.expr, around.operand())?;
                Ok(match unary.op {
                    UnaryOp::Plus => operand,
                    UnaryOp::Minus => {
                        Built { plan: Plan::Negate(Box::new(operand.plan)), constant: operand.constant }
                    }
                })
            }
            Expr::Binary(binary) => self.binary(binary, around),
            Expr::Aggregate(aggregate) => self.aggregate(aggregate, around),
            Expr::Call(call) => self.call(call, around),
            Expr::Vector(selector) => {
                let selector = self.selector(selector, None, around)?;
                let constant = selector.reference.at_ms.is_some();
                Ok(Built { plan: Plan::Selector(selector), constant })
            }
            Expr::Matrix(_) | Expr::Subquery(_) => {
                let source = self.range(expr, expr.span(), around)?;
                Ok(Built { constant: source.reference().at_ms.is_some(), plan: Plan::RangeVector(source) })
            }
        }
    }

    fn binary(&mut self, binary: &BinaryExpr, around: Around<'_>) -> Result<Built, QueryError> {
        let around = Around { buckets: Buckets::Needed, ..around.operand() };
        let lhs = self.expr(&binary.lhs, around)?;
        let rhs = self.expr(&binary.rhs, around)?;
        let constant = lhs.constant && rhs.constant;
        let side = |built: Built| if constant { built.plan } else { built.once() };
        let plan = Plan::Binary(Box::new(BinaryPlan {
            op: binary.op,
            lhs: side(lhs),
            rhs: side(rhs),
            return_bool: binary.return_bool,
            matching: binary.matching.clone(),
            span: binary.span,
        }));
        Ok(Built { plan, constant })
    }

    fn aggregate(&mut self, aggregate: &AggregateExpr, around: Around<'_>) -> Result<Built, QueryError> {
        let param = match &aggregate.param {
            Some(param) => Some(self.expr(param, around.operand())?),
            None => None,
        };
        let operand = self.expr(&aggregate.expr, around.aggregate(aggregate))?;
        let constant = operand.constant && param.as_ref().is_none_or(|p| p.constant);
        let side = |built: Built| if constant { built.plan } else { built.once() };
        let mut grouping = aggregate.grouping.clone();
        if aggregate.op == AggregateOp::CountValues
            && let Some(Expr::String(label)) = aggregate.param.as_ref().map(Expr::unparenthesised)
        {
            if !self.is_label_name(label) {
                let quoted = quote_bytes(&self.bytes(label));
                return Err(QueryError::execution(format!("invalid label name {quoted}")));
            }
            if !aggregate.without {
                grouping.push(label.value.clone());
            }
        }
        grouping.sort();
        grouping.dedup();
        let plan = Plan::Aggregate(Box::new(AggregatePlan {
            op: aggregate.op,
            param: param.map(side),
            operand: side(operand),
            grouping,
            without: aggregate.without,
            param_span: aggregate.param.as_ref().map(Expr::span).unwrap_or_default(),
            operand_span: aggregate.expr.span(),
            span: aggregate.span,
        }));
        Ok(Built { plan, constant })
    }

    fn call(&mut self, call: &Call, around: Around<'_>) -> Result<Built, QueryError> {
        let around = around.function(call.func.name);
        match implementation(call.func.name) {
            Implementation::Float(function) => {
                let mut args = self.args(&call.args, around)?;
                let operand = args.plans.remove(0);
                let plan = Plan::Float(Box::new(FloatCall { function, operand, args: args.plans }));
                Ok(Built { plan, constant: args.constant })
            }
            Implementation::Histogram(function) => {
                let mut args = self.args(&call.args, around)?;
                let operand = Box::new(args.plans.remove(0));
                Ok(Built { plan: Plan::Histogram { function, operand }, constant: args.constant })
            }
            Implementation::Date(field) => {
                let mut args = self.args(&call.args, around)?;
                // Even the date of a value that does not change is not shared between steps, as in Prometheus.
                let operand = args.take_once(0).map(Box::new);
                Ok(Built { plan: Plan::Date { field, operand }, constant: false })
            }
            Implementation::Range(function) => {
                let (source, args) = self.range_args(call, around)?;
                // What a function predicts depends on when it is asked.
                let safe = call.func.name != "predict_linear";
                let constant = safe && args.constant && source.reference().at_ms.is_some();
                let args = if constant { args.plans } else { args.once() };
                let name = call.func.name;
                let plan = Plan::Range(Box::new(RangeCall { name, function, source, args }));
                Ok(Built { plan, constant })
            }
            Implementation::Special(special) => self.special(special, call, around),
        }
    }

    fn special(&mut self, special: Special, call: &Call, around: Around<'_>) -> Result<Built, QueryError> {
        let seconds = |ms: i64| ms as f64 / 1000.0;
        let literal = |v| Ok(Built { plan: Plan::Number(v), constant: true });
        match special {
            Special::Pi => literal(std::f64::consts::PI),
            Special::QueryStart => literal(seconds(self.grid.start_ms)),
            Special::QueryEnd => literal(seconds(self.grid.end_ms)),
            Special::QueryRange => literal(seconds(self.times.range_ms)),
            Special::QueryStep => literal(seconds(self.times.step_ms)),
            Special::Time => Ok(Built { plan: Plan::Time, constant: false }),
            Special::Scalar => self.operand(call, around, |operand| Plan::ToScalar(Box::new(operand))),
            Special::Vector => self.operand(call, around, |operand| Plan::ToVector(Box::new(operand))),
            Special::MaxOf | Special::MinOf => {
                let mut args = self.args(&call.args, around)?;
                let constant = args.constant;
                let (right, left) = (args.plans.remove(1), args.plans.remove(0));
                let max = matches!(special, Special::MaxOf);
                Ok(Built { plan: Plan::Extreme { max, operands: Box::new((left, right)) }, constant })
            }
            Special::Absent => {
                let labels = labels_of_absent(call.args[0].unparenthesised());
                self.operand(call, around, |operand| Plan::Absent { operand: Box::new(operand), labels })
            }
            Special::AbsentOverTime => {
                let labels = labels_of_absent(call.args[0].unparenthesised());
                let (source, _) = self.range_args(call, around)?;
                let constant = source.reference().at_ms.is_some();
                Ok(Built { plan: Plan::AbsentOverTime { source: Box::new(source), labels }, constant })
            }
            Special::Timestamp { start } => {
                let operand = self.expr(&call.args[0], around)?;
                let of_samples = matches!(call.args[0].unparenthesised(), Expr::Vector(_));
                let constant = start && operand.constant;
                let operand = match operand.plan {
                    plan @ Plan::Selector(_) if of_samples => plan,
                    plan => Built { plan, constant: operand.constant && !constant }.once(),
                };
                let plan = Plan::Timestamp(Box::new(TimestampPlan { operand, of_samples, start }));
                Ok(Built { plan, constant })
            }
            Special::HistogramQuantile | Special::HistogramQuantiles => {
                let mut args = self.args(&call.args, around)?;
                let spans: Vec<TextSpan> = call.args.iter().map(|arg| arg.unparenthesised().span()).collect();
                let (operand_idx, first_quantile) = match special {
                    Special::HistogramQuantile => (1, 0),
                    _ => (0, 2),
                };
                let label = (first_quantile == 2).then(|| string_arg(&call.args[1]).value.clone());
                let operand = std::mem::replace(&mut args.plans[operand_idx], Plan::Number(0.0));
                let quantiles = args.plans.into_iter().zip(spans.iter().copied()).skip(first_quantile);
                let quantiles = match special {
                    Special::HistogramQuantile => quantiles.take(1).collect(),
                    _ => quantiles.collect(),
                };
                let operand_span = spans[operand_idx];
                let plan = HistogramQuantilePlan { operand, operand_span, quantiles, label };
                Ok(Built { plan: Plan::Quantile(Box::new(plan)), constant: args.constant })
            }
            Special::HistogramFraction => {
                let mut args = self.args(&call.args, around)?;
                let operand = args.plans.remove(2);
                let (upper, lower) = (args.plans.remove(1), args.plans.remove(0));
                let operand_span = call.args[2].unparenthesised().span();
                let plan = HistogramFractionPlan { lower, upper, operand, operand_span };
                Ok(Built { plan: Plan::Fraction(Box::new(plan)), constant: args.constant })
            }
            Special::Sort { descending } => self.operand(call, around, |operand| {
                Plan::Sort(Box::new(SortPlan { operand, key: SortKey::Value, descending, span: call.span }))
            }),
            Special::SortByLabel { descending } => {
                let key =
                    SortKey::Labels(call.args[1..].iter().map(|a| string_arg(a).value.clone()).collect());
                self.operand(call, around, |operand| {
                    Plan::Sort(Box::new(SortPlan { operand, key, descending, span: call.span }))
                })
            }
            Special::LabelReplace => {
                let [target, template, source, pattern] = [1, 2, 3, 4].map(|idx| string_arg(&call.args[idx]));
                let regex = AnchoredRegex::new(&pattern.value).map_err(|_| {
                    let pattern = &pattern.value;
                    QueryError::execution(format!("invalid regular expression in label_replace(): {pattern}"))
                })?;
                self.regex_bytes += regex.memory_bytes();
                let max = self.options.parser.limits.max_regex_bytes;
                if self.regex_bytes > max {
                    return Err(QueryError::execution(format!(
                        "regular expressions of label_replace() are too large: together they take more than the {max} bytes allowed"
                    )));
                }
                self.check_label_name(target, "destination", "label_replace")?;
                let [target, template, source] = [target, template, source].map(|arg| arg.value.clone());
                self.operand(call, around, |operand| {
                    Plan::LabelReplace(Box::new(LabelReplacePlan {
                        operand,
                        target,
                        template,
                        source,
                        regex,
                    }))
                })
            }
            Special::LabelJoin => {
                let sources: Vec<&StringLiteral> = call.args[3..].iter().map(string_arg).collect();
                for source in &sources {
                    self.check_label_name(source, "source", "label_join")?;
                }
                let target = string_arg(&call.args[1]);
                self.check_label_name(target, "destination", "label_join")?;
                let sources = sources.into_iter().map(|source| source.value.clone()).collect();
                let (target, separator) = (target.value.clone(), string_arg(&call.args[2]).value.clone());
                self.operand(call, around, |operand| {
                    Plan::LabelJoin(Box::new(LabelJoinPlan { operand, target, separator, sources }))
                })
            }
            Special::Info => self.info(call, around),
        }
    }

    /// A function whose first argument is all that is evaluated.
    fn operand(
        &mut self,
        call: &Call,
        around: Around<'_>,
        plan: impl FnOnce(Plan) -> Plan,
    ) -> Result<Built, QueryError> {
        let operand = self.expr(&call.args[0], around)?;
        Ok(Built { plan: plan(operand.plan), constant: operand.constant })
    }

    /// All arguments; if the call as a whole depends on the time, those that do not are evaluated once.
    fn args(&mut self, args: &[Expr], around: Around<'_>) -> Result<Args, QueryError> {
        let built = args.iter().map(|arg| self.expr(arg, around)).collect::<Result<Vec<_>, _>>()?;
        let constant = built.iter().all(|arg| arg.constant);
        let plans = built.into_iter().map(|arg| if constant { arg.plan } else { arg.once() }).collect();
        Ok(Args { plans, constant })
    }

    /// The range vector among the arguments of a range function, and the other arguments.
    fn range_args(&mut self, call: &Call, around: Around<'_>) -> Result<(RangePlan, Args), QueryError> {
        let is_range = |arg: &Expr| matches!(arg.unparenthesised(), Expr::Matrix(_) | Expr::Subquery(_));
        let at = call.args.iter().position(is_range).expect("BUG: the type checker asks for a range vector");
        let operand = call.args[at].unparenthesised();
        if let Expr::Matrix(matrix) = operand {
            check_mode(matrix, call.func.name)?;
        }
        // Prometheus points at the first argument, even if that is not the range vector. A subquery has lost its place when it is
        // used as an argument.
        let span = match call.args[0].unparenthesised() {
            Expr::Subquery(_) => TextSpan::default(),
            first => first.span(),
        };
        let source = self.range(operand, span, around)?;
        let mut plans = Vec::with_capacity(call.args.len() - 1);
        let mut constant = true;
        for (idx, arg) in call.args.iter().enumerate() {
            if idx != at {
                let arg = self.expr(arg, around.operand())?;
                constant &= arg.constant;
                plans.push(arg);
            }
        }
        let plans = plans.into_iter().map(|arg| if constant { arg.plan } else { arg.once() }).collect();
        Ok((source, Args { plans, constant }))
    }

    fn range(&mut self, expr: &Expr, span: TextSpan, around: Around<'_>) -> Result<RangePlan, QueryError> {
        match expr {
            Expr::Matrix(matrix) => {
                let range_ms = matrix.range.range_ms(self.times)?;
                let selector = self.selector(&matrix.selector, Some(range_ms), around)?;
                Ok(RangePlan { source: RangeSource::Selector(selector), range_ms, span })
            }
            Expr::Subquery(subquery) => self.subquery(subquery, span, around),
            other => unreachable!("BUG: {other} is not a range vector"),
        }
    }

    fn subquery(
        &mut self,
        subquery: &SubqueryExpr,
        span: TextSpan,
        around: Around<'_>,
    ) -> Result<RangePlan, QueryError> {
        let range_ms = subquery.range.range_ms(self.times)?;
        let step_ms = match &subquery.step {
            Some(step) => step.range_ms(self.times)?,
            None => 0,
        };
        // A step that was cut off to zero means the default as well.
        let step_ms = if step_ms > 0 { step_ms } else { self.options.default_subquery_step_ms.max(1) };
        let offset_ms = match &subquery.offset {
            Some(offset) => offset.offset_ms(self.times)?,
            None => 0,
        };
        let reference = Reference { at_ms: subquery.at.map(|at| self.at_ms(at)), offset_ms };
        let evaluations = around.evaluations.referred(reference).of_subquery(range_ms);
        let around = Around { evaluations, buckets: Buckets::Always, ..around };
        let operand = self.expr(&subquery.expr, around)?.once();
        let subquery = SubqueryPlan { operand, step_ms, reference };
        Ok(RangePlan { source: RangeSource::Subquery(Box::new(subquery)), range_ms, span })
    }

    fn selector(
        &mut self,
        selector: &VectorSelector,
        range_ms: Option<i64>,
        around: Around<'_>,
    ) -> Result<Arc<SelectorPlan>, QueryError> {
        let offset_ms = match &selector.offset {
            Some(offset) => offset.offset_ms(self.times)?,
            None => 0,
        };
        let reference = Reference { at_ms: selector.at.map(|at| self.at_ms(at)), offset_ms };
        let evaluations = around.evaluations.referred(reference);
        let range = match range_ms {
            None => evaluations.of_instant(self.lookback_ms, selector.mode),
            Some(range_ms) => evaluations.of_range(range_ms, self.lookback_ms, selector.mode),
        };
        let (grouping, by) = match around.grouping {
            Some(aggregate) => (aggregate.grouping.clone(), !aggregate.without),
            None => (Vec::new(), false),
        };
        let hints = SelectHints {
            step_ms: self.times.step_ms,
            range_ms: range_ms.unwrap_or(0),
            func: around.function,
            grouping,
            by,
            limit: 0,
        };
        let selection = self.selection(&selector.matchers, range, hints);
        Ok(Arc::new(SelectorPlan {
            selection,
            reference,
            mode: selector.mode,
            histogram_stats: around.buckets == Buckets::NotNeeded,
            span: selector.span,
        }))
    }

    /// Finds or adds a selection. Selectors that want the same samples share one; a hint in which they differ is dropped.
    fn selection(&mut self, matchers: &[Matcher], range: TimeRange, hints: SelectHints) -> SelectionId {
        self.look_at(range);
        let same = |spec: &SelectSpec| spec.range == range && spec.matchers == matchers;
        if let Some(idx) = self.selections.iter().position(same) {
            let known = &mut self.selections[idx].hints;
            if known.func != hints.func || known.range_ms != hints.range_ms {
                known.func = "";
                known.range_ms = 0;
            }
            if known.grouping != hints.grouping || known.by != hints.by {
                known.grouping = Vec::new();
                known.by = false;
            }
            return SelectionId(idx);
        }
        // Stores find series in any order. Without this, a tie would be broken anew after each restart.
        let sorted = self.uses_order;
        self.selections.push(SelectSpec { matchers: matchers.to_vec(), range, sorted, hints });
        SelectionId(self.selections.len() - 1)
    }

    fn look_at(&mut self, range: TimeRange) {
        self.range = Some(match self.range {
            None => range,
            Some(hull) => TimeRange::new(hull.mint.min(range.mint), hull.maxt.max(range.maxt)),
        });
    }

    fn info(&mut self, call: &Call, around: Around<'_>) -> Result<Built, QueryError> {
        let operand = self.expr(&call.args[0], around)?;
        let reference = self.info_reference(&call.args[0])?;
        let range = around.evaluations.referred(reference).of_instant(self.lookback_ms, RangeMode::Plain);
        self.look_at(range);
        let matchers = match call.args.get(1).map(Expr::unparenthesised) {
            Some(Expr::Vector(selector)) => Some(selector.matchers.clone()),
            Some(_) => {
                return Err(QueryError::execution("the second argument of info() must be a label selector"));
            }
            None => None,
        };
        let constant = operand.constant && reference.at_ms.is_some();
        let operand = if constant { operand.plan } else { operand.once() };
        let step_ms = self.times.step_ms;
        Ok(Built {
            plan: Plan::Info(Box::new(InfoPlan { operand, matchers, reference, range, step_ms })),
            constant,
        })
    }

    /// Info series are looked at when the series that they describe are: at the time of the first selector of the operand, with all offsets around it
    /// up to the first time that is fixed.
    fn info_reference(&self, operand: &Expr) -> Result<Reference, QueryError> {
        let mut found: Option<(Option<AtModifier>, i64)> = None;
        let mut error: Option<DurationError> = None;
        operand.walk(&mut |expr, path| {
            let selector = match expr {
                Expr::Vector(selector) => selector.as_ref(),
                Expr::Matrix(matrix) => &matrix.selector,
                _ => return,
            };
            if found.is_some() {
                return;
            }
            let offset_of = |offset: &Option<DurationArg>| match offset {
                Some(offset) => offset.offset_ms(self.times),
                None => Ok(0),
            };
            let total = || {
                let mut offset_ms = offset_of(&selector.offset)?;
                let mut at = selector.at;
                for around in path.iter().rev() {
                    if at.is_some() {
                        break;
                    }
                    if let Expr::Subquery(subquery) = around {
                        offset_ms = offset_ms.saturating_add(offset_of(&subquery.offset)?);
                        at = subquery.at;
                    }
                }
                Ok((at, offset_ms))
            };
            match total() {
                Ok(reference) => found = Some(reference),
                Err(e) => error = Some(e),
            }
        });
        if let Some(error) = error {
            return Err(QueryError::from(error));
        }
        let (at, offset_ms) = found.unwrap_or((None, 0));
        Ok(Reference { at_ms: at.map(|at| self.at_ms(at)), offset_ms })
    }

    fn at_ms(&self, at: AtModifier) -> i64 {
        match at {
            AtModifier::Timestamp(ms) => ms,
            AtModifier::Start => self.grid.start_ms,
            AtModifier::End => self.grid.end_ms,
        }
    }

    /// Whether a string literal can name a label: it is UTF-8 and not empty.
    fn is_label_name(&self, literal: &StringLiteral) -> bool {
        !literal.value.is_empty() && std::str::from_utf8(&self.bytes(literal)).is_ok()
    }

    /// The bytes that a string literal spells out; its value has lost what is not UTF-8.
    fn bytes(&self, literal: &StringLiteral) -> Vec<u8> {
        let token = literal.span.text(self.text);
        if token.len() < 2 { literal.value.clone().into_bytes() } else { unquote_bytes(token) }
    }

    fn check_label_name(
        &self,
        literal: &StringLiteral,
        role: &str,
        function: &str,
    ) -> Result<(), QueryError> {
        if self.is_label_name(literal) {
            return Ok(());
        }
        let name = &literal.value;
        Err(QueryError::execution(format!("invalid {role} label name in {function}(): {name}")))
    }
}

/// Arguments of a call.
struct Args {
    plans: Vec<Plan>,
    constant: bool,
}

impl Args {
    /// The arguments of a call that itself depends on the time.
    fn once(self) -> Vec<Plan> {
        let constant = self.constant;
        self.plans.into_iter().map(|plan| Built { plan, constant }.once()).collect()
    }

    fn take_once(&mut self, idx: usize) -> Option<Plan> {
        let constant = self.constant;
        (idx < self.plans.len()).then(|| Built { plan: self.plans.remove(idx), constant }.once())
    }
}

impl RangePlan {
    pub(super) fn reference(&self) -> Reference {
        match &self.source {
            RangeSource::Selector(selector) => selector.reference,
            RangeSource::Subquery(subquery) => subquery.reference,
        }
    }
}

fn check_mode(matrix: &MatrixSelector, function: &str) -> Result<(), QueryError> {
    let (mode, functions): (_, &[&str]) = match matrix.selector.mode {
        RangeMode::Plain => return Ok(()),
        RangeMode::Anchored => ("anchored", &ANCHORED),
        RangeMode::Smoothed => ("smoothed", &SMOOTHED),
    };
    if functions.contains(&function) {
        return Ok(());
    }
    let list = functions.join(", ");
    Err(QueryError::execution(format!("{mode} modifier can only be used with: {list} - not with {function}")))
}

/// The labels that a missing series would have, as far as its selector tells: those that one equality asks for.
fn labels_of_absent(operand: &Expr) -> Labels {
    let matchers = match operand {
        Expr::Vector(selector) => &selector.matchers,
        Expr::Matrix(matrix) => &matrix.selector.matchers,
        _ => return Labels::empty(),
    };
    let mut labels = LabelsBuilder::new();
    let mut seen: Vec<&str> = Vec::new();
    for matcher in matchers.iter().filter(|m| m.name() != METRIC_NAME) {
        if matcher.op() == MatchOp::Eq && !seen.contains(&matcher.name()) {
            labels.set(matcher.name(), matcher.value());
            seen.push(matcher.name());
        } else {
            labels.remove(matcher.name());
        }
    }
    labels.build()
}

fn string_arg(arg: &Expr) -> &StringLiteral {
    match arg.unparenthesised() {
        Expr::String(string) => string,
        other => unreachable!("BUG: {other} is not a string literal"),
    }
}
