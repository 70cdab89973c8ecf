//! Runs unit-test files, with the meaning of `promtool test rules`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bellwether_model::{
    AnchoredRegex, AppendBatch, AppendEntry, Appender, Labels, MatchOp, QueryContext, RegexError, Tenant,
    Value, format_float_go,
};
use bellwether_promql::engine::{Engine, EngineOptions, InstantSample};
use bellwether_promql::syntax::{SequenceValue, parse_metric_selector, parse_series};
use bellwether_promql::testkit::MemoryStore;
use bellwether_yaml::Position;

use super::file::{AlertTest, ExpectedAlert, ExpectedSample, ExprTest, TestGroup, UnitTestFile};
use crate::alert::AlertState;
use crate::error::RuleFileError;
use crate::evaluation::query;
use crate::file::{RuleFile, RuleFileOptions, RuleGroup, RuleKind};
use crate::group::{Environment, Group};

/// Most evaluations of one test, so that a slip in a date does not run for days.
const MAX_EVALUATIONS: i64 = 2_000_000;

/// How unit tests are run.
#[derive(Debug, Clone)]
pub struct UnitTestOptions {
    /// Finds the files that a path with wildcards names, sorted.
    pub find_files: fn(&Path) -> Vec<PathBuf>,
    /// How rule files are read.
    pub rules: RuleFileOptions,
    /// How expressions are evaluated.
    pub engine: EngineOptions,
    /// Run only the tests whose name matches one of these; all if empty.
    pub run: Vec<String>,
}

/// All tests, the defaults of a server, and no wildcards.
impl Default for UnitTestOptions {
    fn default() -> Self {
        Self {
            find_files: named_file,
            rules: RuleFileOptions::default(),
            engine: EngineOptions::default(),
            run: Vec::new(),
        }
    }
}

/// What became of the tests of one file.
#[derive(Debug, Default)]
pub struct UnitTestReport {
    /// How many tests ran.
    pub tests: usize,
    /// What went wrong, in the order of the file.
    pub failures: Vec<TestFailure>,
    /// What is suspicious, in words.
    pub warnings: Vec<String>,
}

/// One expectation that was not met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestFailure {
    /// Where the expectation stands; `None` if the file as a whole is meant.
    pub position: Option<Position>,
    /// The name of the test; may be empty.
    pub test: String,
    /// What was expected and what was found.
    pub message: String,
}

impl fmt::Display for TestFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(position) = self.position {
            write!(f, "{position}: ")?;
        }
        if !self.test.is_empty() {
            write!(f, "{}: ", self.test)?;
        }
        f.write_str(&self.message)
    }
}

/// Runs the tests of one file. `Err` if the file or one of its rule files cannot be used at all.
pub fn run_unit_tests(path: &Path, options: &UnitTestOptions) -> Result<UnitTestReport, UnitTestError> {
    let file = UnitTestFile::load(path)?;
    let mut report = UnitTestReport::default();
    let groups = load_groups(path, &file, options, &mut report)?;
    let wanted: Vec<AnchoredRegex> = options
        .run
        .iter()
        .map(|pattern| AnchoredRegex::new(&format!(".*(?:{pattern}).*")))
        .collect::<Result<_, _>>()?;
    for test in &file.tests {
        if !wanted.is_empty() && !wanted.iter().any(|w| w.is_match(&test.name)) {
            continue;
        }
        report.tests += 1;
        let mut run = TestRun { file: &file, test, failures: Vec::new() };
        run.run(&groups, options);
        report.failures.append(&mut run.failures);
    }
    Ok(report)
}

/// Why a unit-test file could not be run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnitTestError {
    /// The file or one of its rule files is not valid.
    #[error(transparent)]
    File(#[from] RuleFileError),
    /// A pattern of test names is not a regular expression.
    #[error("pattern of test names: {0}")]
    Pattern(#[from] RegexError),
}

/// The groups of all rule files, in the order in which they are evaluated.
fn load_groups(
    path: &Path,
    file: &UnitTestFile,
    options: &UnitTestOptions,
    report: &mut UnitTestReport,
) -> Result<Vec<RuleGroup>, UnitTestError> {
    let folder = path.parent().unwrap_or_else(|| Path::new(""));
    let mut groups = Vec::new();
    for pattern in &file.rule_files {
        let found = (options.find_files)(&folder.join(pattern));
        if found.is_empty() {
            report.warnings.push(format!("no file match pattern {pattern}"));
        }
        for rule_file in found {
            groups.extend(RuleFile::load(&rule_file, &options.rules)?.groups);
        }
    }
    let rank = |group: &RuleGroup| {
        file.group_eval_order.iter().position(|name| *name == group.name).unwrap_or(usize::MAX)
    };
    groups.sort_by_key(rank);
    Ok(groups)
}

/// The file of that name, if there is one.
fn named_file(path: &Path) -> Vec<PathBuf> {
    if path.is_file() { vec![path.to_owned()] } else { Vec::new() }
}

struct TestRun<'a> {
    file: &'a UnitTestFile,
    test: &'a TestGroup,
    failures: Vec<TestFailure>,
}

/// The alerts that fire, by the name of their rule.
type FiringAlerts = BTreeMap<String, Vec<ExpectedAlert>>;

impl TestRun<'_> {
    fn fail(&mut self, position: Position, message: String) {
        self.failures.push(TestFailure { position: Some(position), test: self.test.name.clone(), message });
    }

    fn run(&mut self, groups: &[RuleGroup], options: &UnitTestOptions) {
        let test = self.test;
        let store = Arc::new(MemoryStore::new());
        if !self.load(&store) {
            return;
        }
        let mut engine_options = options.engine.clone();
        engine_options.default_subquery_step_ms = self.file.evaluation_interval_ms;
        let environment = Environment {
            engine: Arc::new(Engine::new(engine_options, Arc::<MemoryStore>::clone(&store))),
            appender: store,
            tenant: Tenant::default(),
            external_labels: Labels::from_pairs(&test.external_labels),
            external_url: test.external_url.clone(),
        };
        let cx = QueryContext::unbounded();
        self.evaluate_rules(groups, &environment, &cx);
        for expectation in &test.promql_expr_tests {
            self.check_expression(expectation, &environment, &cx);
        }
    }

    /// Stores the input series; `false` if one of them is not valid.
    fn load(&mut self, store: &MemoryStore) -> bool {
        let test = self.test;
        let mut batch = AppendBatch::default();
        for input in &test.input_series {
            let parsed = match parse_series(&format!("{} {}", input.series, input.values)) {
                Ok(parsed) => parsed,
                Err(e) => {
                    self.fail(input.position, format!("input series: {e}"));
                    return false;
                }
            };
            for (idx, value) in parsed.values.iter().enumerate() {
                let value = match value {
                    SequenceValue::Omitted => continue,
                    SequenceValue::Float(v) => Value::Float(*v),
                    SequenceValue::Histogram { histogram, .. } => Value::Histogram(Arc::clone(histogram)),
                };
                batch.samples.push(AppendEntry {
                    hint: None,
                    labels: parsed.labels.clone(),
                    ts_ms: test.start_ms + idx as i64 * test.interval_ms,
                    start_ts_ms: 0,
                    value,
                });
            }
        }
        match store.append(&Tenant::default(), &batch) {
            Ok(_) => true,
            Err(e) => {
                self.fail(test.position, format!("input series: {e}"));
                false
            }
        }
    }

    /// Evaluates all groups at each interval up to the last expectation, and checks the alerts on the way.
    fn evaluate_rules(&mut self, groups: &[RuleGroup], environment: &Environment, cx: &QueryContext) {
        let test = self.test;
        let interval_ms = self.file.evaluation_interval_ms;
        let last_ms = (test.alert_rule_tests.iter().map(|t| t.eval_time_ms))
            .chain(test.promql_expr_tests.iter().map(|t| t.eval_time_ms))
            .max()
            .unwrap_or(0);
        if last_ms / interval_ms > MAX_EVALUATIONS {
            let message = format!(
                "the last expectation lies {} evaluations after the start, the most is {MAX_EVALUATIONS}",
                last_ms / interval_ms
            );
            self.fail(test.position, message);
            return;
        }
        let groups: Vec<Group> = groups.iter().cloned().map(Group::new).collect();
        let mut checks: Vec<&AlertTest> = test.alert_rule_tests.iter().collect();
        checks.sort_by_key(|t| t.eval_time_ms);
        let mut checks = checks.into_iter().peekable();
        let mut offset_ms = 0;
        while offset_ms <= last_ms {
            let ts_ms = test.start_ms + offset_ms;
            for group in &groups {
                let outcomes = group.evaluate(ts_ms, environment, cx);
                let names: Vec<String> = group.rules().map(|(rule, _)| rule.name().to_owned()).collect();
                for (name, outcome) in names.iter().zip(outcomes) {
                    if let Some(error) = outcome.error {
                        let message = format!("rule {name:?} at {offset_ms} ms: {error}");
                        self.fail(test.position, message);
                    }
                }
            }
            // An expectation between two evaluations is about the one before it.
            while let Some(check) = checks.next_if(|c| c.eval_time_ms < offset_ms + interval_ms) {
                self.check_alerts(check, &firing(&groups));
            }
            offset_ms += interval_ms;
        }
    }

    fn check_alerts(&mut self, check: &AlertTest, firing: &FiringAlerts) {
        if check.alertname.is_empty() {
            self.fail(
                check.position,
                "an item under alert_rule_test misses required attribute alertname".to_owned(),
            );
            return;
        }
        let sorted = |alerts: &[ExpectedAlert]| {
            let mut texts: Vec<String> = alerts.iter().map(describe_alert).collect();
            texts.sort();
            texts
        };
        let want = sorted(&check.expected);
        let got = sorted(firing.get(&check.alertname).map_or(&[], Vec::as_slice));
        if want != got {
            let message = format!(
                "alertname: {}, time: {} ms,\n  exp: {}\n  got: {}",
                check.alertname,
                check.eval_time_ms,
                list(&want),
                list(&got)
            );
            self.fail(check.position, message);
        }
    }

    fn check_expression(&mut self, check: &ExprTest, environment: &Environment, cx: &QueryContext) {
        let ts_ms = self.test.start_ms + check.eval_time_ms;
        let got = match query(environment, &check.expr, ts_ms, cx) {
            Ok(got) => got,
            Err(e) => {
                self.fail(
                    check.position,
                    format!("expr: {:?}, time: {} ms, err: {e}", check.expr, check.eval_time_ms),
                );
                return;
            }
        };
        let want: Result<Vec<(Labels, Value)>, String> = check.expected.iter().map(expected_sample).collect();
        let mut want = match want {
            Ok(want) => want,
            Err(e) => {
                self.fail(check.position, e);
                return;
            }
        };
        let mut got: Vec<(Labels, Value)> =
            got.into_iter().map(|InstantSample { labels, value, .. }| (labels, value)).collect();
        want.sort_by(|a, b| a.0.cmp(&b.0));
        got.sort_by(|a, b| a.0.cmp(&b.0));
        let fuzzy = self.file.fuzzy_compare;
        let equal = want.len() == got.len()
            && want.iter().zip(&got).all(|(w, g)| w.0 == g.0 && values_equal(&w.1, &g.1, fuzzy));
        if !equal {
            let shown = |samples: &[(Labels, Value)]| {
                list(&samples.iter().map(|(l, v)| format!("{l} {}", describe_value(v))).collect::<Vec<_>>())
            };
            let message = format!(
                "expr: {:?}, time: {} ms,\n  exp: {}\n  got: {}",
                check.expr,
                check.eval_time_ms,
                shown(&want),
                shown(&got)
            );
            self.fail(check.position, message);
        }
    }
}

fn firing(groups: &[Group]) -> FiringAlerts {
    let mut firing = FiringAlerts::new();
    for (rule, alerts) in groups.iter().flat_map(Group::rules) {
        let RuleKind::Alerting { alert, .. } = &rule.kind else { continue };
        let list = firing.entry(alert.clone()).or_default();
        for active in alerts.active().filter(|a| a.state == AlertState::Firing) {
            let labels = active.labels.iter().filter(|l| l.name != "alertname");
            list.push(ExpectedAlert {
                labels: labels.map(|l| (l.name.to_owned(), l.value.to_owned())).collect(),
                annotations: active
                    .annotations
                    .iter()
                    .map(|l| (l.name.to_owned(), l.value.to_owned()))
                    .collect(),
            });
        }
    }
    firing
}

fn describe_alert(alert: &ExpectedAlert) -> String {
    // An empty value is an absent label, and an absent annotation.
    let map = |entries: &BTreeMap<String, String>| {
        let entries: BTreeSet<String> =
            entries.iter().filter(|(_, v)| !v.is_empty()).map(|(k, v)| format!("{k}={v:?}")).collect();
        entries.into_iter().collect::<Vec<_>>().join(", ")
    };
    format!("Labels:{{{}}} Annotations:{{{}}}", map(&alert.labels), map(&alert.annotations))
}

fn describe_value(value: &Value) -> String {
    match value {
        Value::Float(v) => format_float_go(*v),
        Value::Histogram(h) => format!("{h:?}"),
    }
}

fn list(items: &[String]) -> String {
    if items.is_empty() { "nil".to_owned() } else { items.join("\n       ") }
}

fn expected_sample(sample: &ExpectedSample) -> Result<(Labels, Value), String> {
    let labels = if sample.labels.trim().is_empty() || sample.labels.trim() == "{}" {
        Labels::empty()
    } else {
        let options = bellwether_promql::syntax::ParserOptions::all_enabled();
        let matchers = parse_metric_selector(&sample.labels, &options)
            .map_err(|e| format!("labels {:?}: {e}", sample.labels))?;
        if let Some(other) = matchers.iter().find(|m| m.op() != MatchOp::Eq) {
            return Err(format!("labels {:?}: {other} is not a label", sample.labels));
        }
        Labels::from_pairs(matchers.iter().map(|m| (m.name(), m.value())))
    };
    if sample.histogram.is_empty() {
        return Ok((labels, Value::Float(sample.value)));
    }
    let series = parse_series(&format!("x {}", sample.histogram)).map_err(|e| format!("histogram: {e}"))?;
    match series.values.as_slice() {
        [SequenceValue::Histogram { histogram, .. }] => Ok((labels, Value::Histogram(Arc::clone(histogram)))),
        _ => Err(format!("expected exactly one histogram, got {:?}", sample.histogram)),
    }
}

/// Floats are equal if they are the same, or, when compared loosely, neighbours.
fn values_equal(want: &Value, got: &Value, fuzzy: bool) -> bool {
    match (want, got) {
        (Value::Float(want), Value::Float(got)) => {
            want == got
                || (want.is_nan() && got.is_nan())
                || (fuzzy && (want.next_up() == *got || want.next_down() == *got))
        }
        (Value::Histogram(want), Value::Histogram(got)) => {
            let compact = |h: &bellwether_model::FloatHistogram| {
                let mut h = h.clone();
                h.compact(0);
                h
            };
            compact(want) == compact(got)
        }
        _ => false,
    }
}
