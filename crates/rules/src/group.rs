//! A rule group with the state of its rules, and its evaluation at one time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bellwether_model::{Appender, Labels, QueryContext, Tenant};
use bellwether_promql::engine::QueryEngine;
use parking_lot::{Mutex, MutexGuard};

use crate::alert::{ActiveAlert, AlertState, Alerts};
use crate::dependency::steps;
use crate::error::EvalError;
use crate::evaluation::{Evaluated, Evaluation};
use crate::expand::Texts;
use crate::file::{Rule, RuleGroup, RuleKind, merged_labels};
use crate::manager::RuleView;
use crate::permits::Permits;
use crate::written::{Destination, Written};

/// The series that show which alerts are active.
pub(crate) const ALERTS: &str = "ALERTS";
/// The series that keep since when alerts are active.
pub(crate) const ALERTS_FOR_STATE: &str = "ALERTS_FOR_STATE";

/// Stack of a thread that evaluates rules. The evaluator recurses into the tree of a query, which may be 500 levels high.
const STACK_BYTES: usize = 16 << 20;

/// Where rules are evaluated.
#[derive(Clone)]
pub struct Environment {
    /// Answers the expressions.
    pub engine: Arc<dyn QueryEngine>,
    /// Takes the results.
    pub appender: Arc<dyn Appender>,
    /// Whose data it is.
    pub tenant: Tenant,
    /// Labels that templates see as external.
    pub external_labels: Labels,
    /// The URL under which users reach the server.
    pub external_url: String,
}

/// What became of one rule at one evaluation.
#[derive(Debug)]
pub struct RuleOutcome {
    /// How many samples were stored.
    pub samples: usize,
    /// Why the rule failed, if it did.
    pub error: Option<EvalError>,
}

/// How the last evaluation of a rule went.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuleHealth {
    /// The time that was evaluated, in milliseconds since the Unix epoch; `None` before the first evaluation.
    pub evaluated_at_ms: Option<i64>,
    /// How long it took.
    pub duration: Duration,
    /// Why it failed, if it did.
    pub last_error: Option<String>,
}

/// One evaluation of a group.
#[derive(Clone, Copy)]
pub(crate) struct Run<'a> {
    /// The time to evaluate.
    pub(crate) ts_ms: i64,
    pub(crate) environment: &'a Environment,
    /// Makes the context of a query, whose time then starts.
    pub(crate) new_context: &'a (dyn Fn() -> QueryContext + Sync),
    /// How many rules may run beside the first one.
    pub(crate) permits: &'a Permits,
    /// Alerts are told again after so many milliseconds.
    pub(crate) resend_delay_ms: i64,
    /// Whether `ALERTS` and its like are written. They are not while their last values before the start are still to be read.
    pub(crate) writes_alert_series: bool,
}

/// A rule group with the state of its rules.
pub struct Group {
    definition: RuleGroup,
    rules: Vec<RuleState>,
    steps: Vec<Vec<usize>>,
    /// What rules wrote that a reload has removed.
    orphans: Mutex<Written>,
}

/// What is kept of a rule between evaluations. The locks are held for as long as the state is read or changed, never while a query runs.
pub(crate) struct RuleState {
    /// The labels of the group and the rule.
    pub(crate) labels: BTreeMap<String, String>,
    /// The texts of an alerting rule.
    pub(crate) texts: Option<Texts>,
    pub(crate) alerts: Mutex<Alerts>,
    pub(crate) written: Mutex<Written>,
    pub(crate) health: Mutex<RuleHealth>,
}

impl RuleState {
    fn new(group: &RuleGroup, rule: &Rule) -> Self {
        let labels = merged_labels(group, rule);
        let texts = match &rule.kind {
            RuleKind::Alerting { alert, annotations, .. } => Some(Texts::new(alert, &labels, annotations)),
            RuleKind::Recording { .. } => None,
        };
        Self { labels, texts, alerts: Mutex::default(), written: Mutex::default(), health: Mutex::default() }
    }

    fn view(&self, rule: &Arc<Rule>, with_alerts: bool) -> RuleView {
        let alerts = self.alerts.lock();
        let state = alerts.active().map(|alert| alert.state).max().unwrap_or(AlertState::Inactive);
        RuleView {
            rule: Arc::clone(rule),
            labels: self.labels.clone(),
            health: self.health.lock().clone(),
            state,
            alerts: if with_alerts { alerts.active().cloned().collect() } else { Vec::new() },
        }
    }
}

impl Group {
    /// A group that has not been evaluated yet.
    pub fn new(definition: RuleGroup) -> Self {
        let rules = definition.rules.iter().map(|rule| RuleState::new(&definition, rule)).collect();
        Self { rules, steps: steps(&definition), orphans: Mutex::default(), definition }
    }

    /// The group as its file has it.
    pub fn definition(&self) -> &RuleGroup {
        &self.definition
    }

    /// The rules with the alerts of each; recording rules have none.
    pub fn rules(&self) -> impl Iterator<Item = (&Rule, MutexGuard<'_, Alerts>)> {
        self.definition.rules.iter().zip(&self.rules).map(|(rule, state)| (&**rule, state.alerts.lock()))
    }

    /// The rules as they are now.
    pub(crate) fn views(&self, with_alerts: bool) -> Vec<RuleView> {
        let rules = self.definition.rules.iter().zip(&self.rules);
        rules.map(|(rule, state)| state.view(rule, with_alerts)).collect()
    }

    /// The rules with the labels that they give.
    pub(crate) fn named_rules(&self) -> impl Iterator<Item = (&Rule, &BTreeMap<String, String>)> {
        self.definition.rules.iter().map(Arc::as_ref).zip(self.rules.iter().map(|state| &state.labels))
    }

    /// The alerts of a rule, resolved ones included.
    pub(crate) fn alerts(&self, rule: usize) -> Vec<ActiveAlert> {
        self.rules[rule].alerts.lock().iter().cloned().collect()
    }

    /// A rule had this alert before the server was started.
    pub(crate) fn restore(&self, rule: usize, alert: ActiveAlert) {
        self.rules[rule].alerts.lock().restore(alert);
    }

    /// Since when an alert of a rule has been active, as it turned out.
    pub(crate) fn set_active_since(&self, rule: usize, labels: &Labels, active_at_ms: i64) {
        self.rules[rule].alerts.lock().set_active_since(labels, active_at_ms);
    }

    /// Evaluates all rules at `ts_ms`, so that each sees the results of those before it that it depends on. A rule that fails does not stop the others.
    pub fn evaluate(&self, ts_ms: i64, environment: &Environment, cx: &QueryContext) -> Vec<RuleOutcome> {
        let run = Run {
            ts_ms,
            environment,
            new_context: &|| cx.clone(),
            permits: &Permits::new(0),
            resend_delay_ms: i64::MAX,
            writes_alert_series: true,
        };
        let evaluated = Mutex::new(BTreeMap::new());
        for step in self.steps() {
            self.run_step(step, &run, &|rule, it| drop(evaluated.lock().insert(rule, it.outcome)));
        }
        evaluated.into_inner().into_values().collect()
    }

    /// The numbers of the rules, in the steps in which they are evaluated.
    pub(crate) fn steps(&self) -> &[Vec<usize>] {
        &self.steps
    }

    /// Evaluates the rules of one step, several at once if there are permits. `take` is given what each brings, by its number, on the thread that evaluated it.
    pub(crate) fn run_step(&self, step: &[usize], run: &Run<'_>, take: &(dyn Fn(usize, Evaluated) + Sync)) {
        let next = AtomicUsize::new(0);
        let work = || {
            while let Some(&rule) = step.get(next.fetch_add(1, Ordering::Relaxed)) {
                take(rule, self.evaluation(rule, run).run());
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..step.len() {
                let Some(permit) = run.permits.try_take() else { break };
                let thread = std::thread::Builder::new().name("bellwether-rule".to_owned());
                let helper = || {
                    let _permit = permit;
                    work();
                };
                // Without another thread this one does it all.
                if thread.stack_size(STACK_BYTES).spawn_scoped(scope, helper).is_err() {
                    break;
                }
            }
            work();
        });
    }

    fn evaluation<'a>(&'a self, rule: usize, run: &'a Run<'a>) -> Evaluation<'a> {
        Evaluation {
            group: &self.definition,
            rule: &self.definition.rules[rule],
            state: &self.rules[rule],
            run,
        }
    }

    /// Takes over what is known of the rules that `old` has, too, and what is still to be ended of the others.
    pub(crate) fn take_over(&self, old: &Self) {
        let mut orphans = self.orphans.lock();
        orphans.merge(std::mem::take(&mut *old.orphans.lock()));
        let mut is_taken = vec![false; self.rules.len()];
        for (rule, state) in old.definition.rules.iter().zip(&old.rules) {
            let heir = self.definition.rules.iter().zip(&self.rules).enumerate().find(|(idx, (new, s))| {
                !is_taken[*idx]
                    && new.name() == rule.name()
                    && s.labels == state.labels
                    && new.is_alerting() == rule.is_alerting()
            });
            let written = std::mem::take(&mut *state.written.lock());
            match heir {
                Some((idx, (_, heir))) => {
                    is_taken[idx] = true;
                    *heir.alerts.lock() = std::mem::take(&mut *state.alerts.lock());
                    *heir.written.lock() = written;
                    *heir.health.lock() = state.health.lock().clone();
                }
                None => orphans.merge(written),
            }
        }
    }

    /// Ends the series of rules that are gone. Those that cannot be ended now are tried again.
    pub(crate) fn end_orphans(&self, run: &Run<'_>) -> Result<(), EvalError> {
        let mut orphans = self.orphans.lock();
        if orphans.is_empty() {
            return Ok(());
        }
        Ok(orphans.end(self.destination(run.environment, run.ts_ms)).map(|_| ())?)
    }

    /// Ends all series of the group as of `ts_ms`. A series that has gone on elsewhere since is left alone.
    pub(crate) fn end_series(&self, environment: &Environment, ts_ms: i64) -> Result<(), EvalError> {
        let mut all = std::mem::take(&mut *self.orphans.lock());
        for state in &self.rules {
            all.merge(std::mem::take(&mut *state.written.lock()));
        }
        Ok(all.end(self.destination(environment, ts_ms)).map(|_| ())?)
    }

    /// Where the samples of an evaluation at `ts_ms` go.
    fn destination<'a>(&self, environment: &'a Environment, ts_ms: i64) -> Destination<'a> {
        let offset_ms = self.definition.query_offset_ms.unwrap_or(0);
        Destination {
            appender: &*environment.appender,
            tenant: &environment.tenant,
            ts_ms: ts_ms - offset_ms,
        }
    }
}
