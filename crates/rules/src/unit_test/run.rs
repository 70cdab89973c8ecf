//! Runs unit-test files, with the meaning of `promtool test rules`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bellwether_model::{
    AnchoredRegex, AppendBatch, AppendEntry, Appender, Labels, QueryContext, Tenant, Value,
};
use bellwether_promql::engine::{Engine, EngineOptions, InstantSample};
use bellwether_promql::syntax::{SequenceValue, parse_series};
use bellwether_promql::testkit::MemoryStore;
use bellwether_yaml::Position;

use super::compare::{FiringAlerts, describe_alert, describe_value, expected_sample, firing, values_equal};
use super::coverage::coverage;
use super::file::{AlertTest, ExpectedAlert, ExprTest, TestGroup, UnitTestFile};
use super::outcome::{Mismatch, TestFailure, TestOutcome, UnitTestError, UnitTestReport};
use super::routing::Routing;
use crate::evaluation::query;
use crate::file::{RuleFile, RuleFileOptions, RuleGroup};
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
    /// Whether what happens on the way is kept.
    pub debug: bool,
    /// Reads a configuration of Alertmanager, for expectations about routes.
    pub routing: fn(&Path) -> Result<Box<dyn Routing>, String>,
}

/// All tests, the defaults of a server, and no wildcards.
impl Default for UnitTestOptions {
    fn default() -> Self {
        Self {
            find_files: named_file,
            rules: RuleFileOptions::default(),
            engine: EngineOptions::default(),
            run: Vec::new(),
            debug: false,
            routing: |_| Err("nothing here reads configurations of Alertmanager".to_owned()),
        }
    }
}

/// Runs the tests of one file. `Err` if the file or one of its rule files cannot be used at all.
pub fn run_unit_tests(path: &Path, options: &UnitTestOptions) -> Result<UnitTestReport, UnitTestError> {
    let file = UnitTestFile::load(path)?;
    let mut report = UnitTestReport::default();
    let rule_files = load_rule_files(path, &file, options, &mut report)?;
    let groups = ordered_groups(&file, &rule_files);
    let wanted: Vec<AnchoredRegex> = options
        .run
        .iter()
        .map(|pattern| AnchoredRegex::new(&format!(".*(?:{pattern}).*")))
        .collect::<Result<_, _>>()?;
    let is_wanted =
        |test: &&TestGroup| wanted.is_empty() || wanted.iter().any(|pattern| pattern.is_match(&test.name));
    let tests: Vec<&TestGroup> = file.tests.iter().filter(is_wanted).collect();
    let routing = routing(path, &file, &tests, options)?;
    for test in &tests {
        let mut run = TestRun { file: &file, test, failures: Vec::new(), log: Log::new(options.debug) };
        run.run(&groups, options);
        run.check_routes(routing.as_deref());
        let TestRun { failures, log, .. } = run;
        let (name, position) = (test.name.clone(), test.position);
        report.outcomes.push(TestOutcome { name, position, failures, log: log.lines });
    }
    report.rules = coverage(&rule_files, tests.into_iter());
    Ok(report)
}

/// All rule files with their paths.
fn load_rule_files(
    path: &Path,
    file: &UnitTestFile,
    options: &UnitTestOptions,
    report: &mut UnitTestReport,
) -> Result<Vec<(PathBuf, RuleFile)>, UnitTestError> {
    let folder = path.parent().unwrap_or_else(|| Path::new(""));
    let mut files = Vec::new();
    for pattern in &file.rule_files {
        let found = (options.find_files)(&folder.join(pattern));
        if found.is_empty() {
            report.warnings.push(format!("no file match pattern {pattern}"));
        }
        for rule_file in found {
            let loaded = RuleFile::load(&rule_file, &options.rules)?;
            files.push((rule_file, loaded));
        }
    }
    Ok(files)
}

/// The groups of all rule files, in the order in which they are evaluated.
fn ordered_groups(file: &UnitTestFile, rule_files: &[(PathBuf, RuleFile)]) -> Vec<RuleGroup> {
    let mut groups: Vec<RuleGroup> =
        rule_files.iter().flat_map(|(_, file)| file.groups.iter().cloned()).collect();
    let rank = |group: &RuleGroup| {
        file.group_eval_order.iter().position(|name| *name == group.name).unwrap_or(usize::MAX)
    };
    groups.sort_by_key(rank);
    groups
}

/// The routes, if one of the tests asks for them.
fn routing(
    path: &Path,
    file: &UnitTestFile,
    tests: &[&TestGroup],
    options: &UnitTestOptions,
) -> Result<Option<Box<dyn Routing>>, UnitTestError> {
    if tests.iter().all(|test| test.route_tests.is_empty()) {
        return Ok(None);
    }
    if file.alertmanager_config.as_os_str().is_empty() {
        return Err(UnitTestError::NoRouting { file: path.display().to_string() });
    }
    let folder = path.parent().unwrap_or_else(|| Path::new(""));
    (options.routing)(&folder.join(&file.alertmanager_config)).map(Some).map_err(UnitTestError::Routing)
}

/// The file of that name, if there is one.
fn named_file(path: &Path) -> Vec<PathBuf> {
    if path.is_file() { vec![path.to_owned()] } else { Vec::new() }
}

struct TestRun<'a> {
    file: &'a UnitTestFile,
    test: &'a TestGroup,
    failures: Vec<TestFailure>,
    log: Log,
}

/// What happens on the way, if somebody wants to know.
struct Log {
    is_wanted: bool,
    lines: Vec<String>,
}

/// So many lines are kept of one test.
const MAX_LOG_LINES: usize = 10_000;

impl Log {
    fn new(is_wanted: bool) -> Self {
        Self { is_wanted, lines: Vec::new() }
    }

    fn line(&mut self, line: impl FnOnce() -> String) {
        if self.is_wanted && self.lines.len() < MAX_LOG_LINES {
            self.lines.push(line());
        }
    }
}

impl TestRun<'_> {
    fn fail(&mut self, position: Position, message: String) {
        let test = self.test.name.clone();
        self.failures.push(TestFailure { position: Some(position), test, message, mismatch: None });
    }

    fn mismatch(&mut self, position: Position, message: String, expected: Vec<String>, got: Vec<String>) {
        let (test, mismatch) = (self.test.name.clone(), Some(Mismatch { expected, got }));
        self.failures.push(TestFailure { position: Some(position), test, message, mismatch });
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
        let mut states = Vec::new();
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
            self.log_states(&groups, offset_ms, &mut states);
            // An expectation between two evaluations is about the one before it.
            while let Some(check) = checks.next_if(|c| c.eval_time_ms < offset_ms + interval_ms) {
                self.check_alerts(check, &firing(&groups));
            }
            offset_ms += interval_ms;
        }
    }

    /// Logs the alerts with their states if they are not those of the last time.
    fn log_states(&mut self, groups: &[Group], offset_ms: i64, last: &mut Vec<String>) {
        if !self.log.is_wanted {
            return;
        }
        let mut now = Vec::new();
        for (_, alerts) in groups.iter().flat_map(Group::rules) {
            now.extend(alerts.active().map(|alert| format!("{} {}", alert.labels, alert.state.as_str())));
        }
        if now != *last {
            let shown = if now.is_empty() { "no alerts".to_owned() } else { now.join(", ") };
            self.log.line(|| format!("{offset_ms} ms: {shown}"));
            *last = now;
        }
    }

    fn check_routes(&mut self, routing: Option<&dyn Routing>) {
        let Some(routing) = routing else { return };
        for check in &self.test.route_tests {
            let labels = Labels::from_pairs(&check.labels);
            let routes = routing.routes(&labels);
            let receivers: Vec<String> = routes.iter().map(|route| route.receiver.clone()).collect();
            let keys: Vec<String> = routes.into_iter().map(|route| route.group_key).collect();
            self.log.line(|| format!("{labels} goes to {}, in {}", receivers.join(", "), keys.join(", ")));
            if receivers != check.receivers {
                self.mismatch(
                    check.position,
                    format!("receivers of {labels}"),
                    check.receivers.clone(),
                    receivers,
                );
            }
            if let Some(want) = check.group_keys.as_ref().filter(|want| **want != keys) {
                self.mismatch(check.position, format!("groups of {labels}"), want.clone(), keys);
            }
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
            let message = format!("alertname: {}, time: {} ms", check.alertname, check.eval_time_ms);
            self.mismatch(check.position, message, want, got);
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
        let shown = |samples: &[(Labels, Value)]| -> Vec<String> {
            samples.iter().map(|(l, v)| format!("{l} {}", describe_value(v))).collect()
        };
        self.log.line(|| format!("{} ms: {} is {}", check.eval_time_ms, check.expr, shown(&got).join(", ")));
        if !equal {
            let message = format!("expr: {:?}, time: {} ms", check.expr, check.eval_time_ms);
            self.mismatch(check.position, message, shown(&want), shown(&got));
        }
    }
}
