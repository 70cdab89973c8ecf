use std::sync::Arc;
use std::time::Duration;

use bellwether_model::{Appender, FloatHistogram, Labels, QueryContext, Queryable, Tenant, Value};

use super::compare::{almost_equal, compare_histograms};
use super::expectation::{Expectation, ExpectedAnnotations, ExpectedResult};
use super::load::Load;
use super::pin::{asks_for_query_times, pinned};
use super::script::{Command, Eval, EvalTimes, ScriptError, read_script};
use crate::engine::{
    Engine, EngineOptions, InstantQuery, InstantSample, QueryEngine, QueryError, QueryOutput, QuerySettings,
    QueryValue, RangeQuery, RangeSeries,
};
use crate::syntax::{ParserOptions, SequenceValue, parse_expr};

/// How long a query of a script may take.
const TIMEOUT: Duration = Duration::from_secs(100);

/// A store that scripts can load into and query.
pub trait TestStore: Appender + Queryable {}

impl<T: Appender + Queryable> TestStore for T {}

/// How scripts are run.
#[derive(Debug, Clone)]
pub struct ScriptOptions {
    /// How queries are evaluated.
    pub engine: EngineOptions,
    /// Whether each instant query is also run as a range query around its time and must yield the same there.
    pub check_range_agreement: bool,
    /// Whether each instant query is also run with all selectors pinned to its time and must yield the same at other times.
    pub check_step_invariance: bool,
}

/// The settings under which Prometheus runs its own scripts: everything switched on.
impl Default for ScriptOptions {
    fn default() -> Self {
        let engine = EngineOptions {
            parser: ParserOptions::all_enabled(),
            max_samples: 10_000,
            delayed_name_removal: true,
            use_start_timestamps: true,
            ..EngineOptions::default()
        };
        Self { engine, check_range_agreement: true, check_step_invariance: true }
    }
}

/// What became of a script.
#[derive(Debug, Clone)]
pub struct ScriptReport {
    /// The evaluations in order.
    pub evaluations: Vec<Evaluation>,
    /// Why the script was not run, or not to its end.
    pub error: Option<ScriptError>,
}

impl ScriptReport {
    /// How many evaluations came out as expected.
    pub fn passed(&self) -> usize {
        self.evaluations.iter().filter(|e| e.outcome.is_ok()).count()
    }
}

/// What became of one evaluation.
#[derive(Debug, Clone)]
pub struct Evaluation {
    /// The script.
    pub file: String,
    /// The line of the `eval` command, counted from 1.
    pub line: usize,
    /// The query.
    pub query: String,
    /// Nothing, or what was not as expected.
    pub outcome: Result<(), String>,
}

/// Runs a script. `new_store` is called for each empty store that the script needs; `file` is only reported.
pub fn run_script(
    file: &str,
    text: &str,
    options: &ScriptOptions,
    new_store: &dyn Fn() -> Arc<dyn TestStore>,
) -> ScriptReport {
    let mut report = ScriptReport { evaluations: Vec::new(), error: None };
    let commands = match read_script(text) {
        Ok(commands) => commands,
        Err(error) => {
            report.error = Some(error);
            return report;
        }
    };
    let mut store = new_store();
    for command in commands {
        match command {
            Command::Clear => store = new_store(),
            Command::Load(load) => {
                if let Err(error) = append(&*store, &load) {
                    report.error = Some(error);
                    return report;
                }
            }
            Command::Eval(eval) => {
                let engine = Engine::new(options.engine.clone(), Arc::clone(&store) as Arc<dyn Queryable>);
                let outcome = Runner { engine: &engine, options }.run(&eval);
                report.evaluations.push(Evaluation {
                    file: file.to_owned(),
                    line: eval.line,
                    query: eval.query,
                    outcome,
                });
            }
        }
    }
    report
}

fn append(store: &dyn TestStore, load: &Load) -> Result<(), ScriptError> {
    let batch = load.batch()?;
    let report = store
        .append(&Tenant::default(), &batch)
        .map_err(|e| ScriptError::new(load.line(), format!("cannot load: {e}")))?;
    for (entry, stored) in batch.samples.iter().zip(report.samples) {
        if let Err(rejection) = stored {
            let message = format!("cannot load {} at {} ms: {rejection}", entry.labels, entry.ts_ms);
            return Err(ScriptError::new(load.line(), message));
        }
    }
    Ok(())
}

struct Runner<'a> {
    engine: &'a Engine,
    options: &'a ScriptOptions,
}

/// How closely annotations are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Annotated {
    /// Text and position.
    Exactly,
    /// Whether there are any: the query was rewritten, so that positions moved.
    Loosely,
}

impl Runner<'_> {
    fn run(&self, eval: &Eval) -> Result<(), String> {
        match eval.times {
            EvalTimes::Range { start_ms, end_ms, step_ms } => {
                let result = self.range(&eval.query, start_ms, end_ms, step_ms);
                let Some(output) = check_failure(result, &eval.expectation)? else { return Ok(()) };
                check_annotations(&output, &eval.query, &eval.expectation, Annotated::Exactly)?;
                let QueryValue::Matrix(series) = output.value else {
                    return Err(format!("the result is a {}", output.value.value_type().as_str()));
                };
                check_sorted(&series)?;
                compare_matrix(&eval.expectation, &series, |idx| start_ms + idx as i64 * step_ms)
            }
            EvalTimes::Instant { ts_ms } => {
                let at = match eval.expectation.result {
                    ExpectedResult::RangeVector { end_ms, .. } => end_ms,
                    _ => ts_ms,
                };
                self.run_instant(&eval.query, at, &eval.expectation, Annotated::Exactly)?;
                if eval.expectation.fail.is_some() {
                    return Ok(());
                }
                if self.options.check_step_invariance {
                    self.check_step_invariance(eval, at)?;
                }
                Ok(())
            }
        }
    }

    fn run_instant(
        &self,
        query: &str,
        ts_ms: i64,
        expectation: &Expectation,
        annotated: Annotated,
    ) -> Result<(), String> {
        let Some(output) = check_failure(self.instant(query, ts_ms), expectation)? else { return Ok(()) };
        check_annotations(&output, query, expectation, annotated)?;
        compare_instant(expectation, &output.value, expectation.ordered)?;
        if self.options.check_range_agreement {
            self.check_range_agreement(query, ts_ms, expectation)
                .map_err(|e| format!("as a range query: {e}"))?;
        }
        Ok(())
    }

    /// The point of a range query at the time of the instant query must be the same.
    fn check_range_agreement(
        &self,
        query: &str,
        ts_ms: i64,
        expectation: &Expectation,
    ) -> Result<(), String> {
        const MINUTE_MS: i64 = 60_000;

        let no_range =
            matches!(expectation.result, ExpectedResult::String(_) | ExpectedResult::RangeVector { .. });
        if no_range || expectation.ordered {
            return Ok(());
        }
        let expr = parse_expr(query, &self.options.engine.parser).map_err(|e| e.to_string())?;
        if asks_for_query_times(&expr) {
            return Ok(());
        }
        let output =
            self.range(query, ts_ms - MINUTE_MS, ts_ms + MINUTE_MS, MINUTE_MS).map_err(|e| e.to_string())?;
        let QueryValue::Matrix(series) = output.value else {
            return Err("the result is no matrix".to_owned());
        };
        let mut vector = Vec::new();
        for series in series {
            let float = series.floats.iter().find(|(ts, _)| *ts == ts_ms).map(|(_, v)| Value::Float(*v));
            let histogram = series.histograms.iter().find(|(ts, _)| *ts == ts_ms);
            let value = float.or_else(|| histogram.map(|(_, h)| Value::Histogram(Arc::clone(h))));
            vector.extend(value.map(|value| InstantSample { labels: series.labels, ts_ms, value }));
        }
        let value = match (&expectation.result, vector.first()) {
            (ExpectedResult::Scalar(_), Some(InstantSample { value: Value::Float(v), .. })) => {
                QueryValue::Scalar { ts_ms, value: *v }
            }
            _ => QueryValue::Vector(vector),
        };
        compare_instant(expectation, &value, false)
    }

    /// With all selectors pinned, the evaluation time must make no difference.
    fn check_step_invariance(&self, eval: &Eval, ts_ms: i64) -> Result<(), String> {
        let expr = parse_expr(&eval.query, &self.options.engine.parser).map_err(|e| e.to_string())?;
        let Some(pinned) = pinned(&expr, ts_ms) else { return Ok(()) };
        let query = pinned.to_string();
        let times = if ts_ms == 0 {
            vec![-1000, 0, 1000]
        } else {
            vec![-10 * ts_ms, 0, ts_ms / 5, ts_ms, 10 * ts_ms]
        };
        for at_ms in times {
            self.run_instant(&query, at_ms, &eval.expectation, Annotated::Loosely)
                .map_err(|e| format!("as {query} at {at_ms} ms: {e}"))?;
        }
        Ok(())
    }

    fn instant(&self, query: &str, ts_ms: i64) -> Result<QueryOutput, QueryError> {
        let query = InstantQuery { query: query.to_owned(), ts_ms, settings: QuerySettings::default() };
        self.engine.instant(&Tenant::default(), &query, &context())
    }

    fn range(
        &self,
        query: &str,
        start_ms: i64,
        end_ms: i64,
        step_ms: i64,
    ) -> Result<QueryOutput, QueryError> {
        let settings = QuerySettings::default();
        let query = RangeQuery { query: query.to_owned(), start_ms, end_ms, step_ms, settings };
        self.engine.range(&Tenant::default(), &query, &context())
    }
}

fn context() -> QueryContext {
    QueryContext::new(Some(TIMEOUT), usize::MAX)
}

/// Checks whether a query failed as it should. Returns its output if it should not, and did not.
fn check_failure(
    result: Result<QueryOutput, QueryError>,
    expectation: &Expectation,
) -> Result<Option<QueryOutput>, String> {
    match (result, &expectation.fail) {
        (Ok(output), None) => Ok(Some(output)),
        (Err(error), None) => Err(format!("failed: {error}")),
        (Ok(_), Some(_)) => Err("did not fail".to_owned()),
        (Err(error), Some(text)) => {
            let whole = error.to_string();
            // Parse errors may be expected with or without their position.
            let alone = match &error {
                QueryError::Parse(errors) => errors.first().to_string(),
                _ => whole.clone(),
            };
            if text.matches(&whole) || text.matches(&alone) {
                Ok(None)
            } else {
                Err(format!("failed with {whole:?}, expected {}", text.describe()))
            }
        }
    }
}

fn check_annotations(
    output: &QueryOutput,
    query: &str,
    expectation: &Expectation,
    annotated: Annotated,
) -> Result<(), String> {
    let (warnings, infos) = (output.annotations.warnings(query, 0), output.annotations.infos(query, 0));
    check_kind("warning", &warnings, &expectation.warnings, annotated)?;
    check_kind("info", &infos, &expectation.infos, annotated)
}

fn check_kind(
    kind: &str,
    got: &[String],
    want: &ExpectedAnnotations,
    annotated: Annotated,
) -> Result<(), String> {
    if want.none && !got.is_empty() {
        return Err(format!("unexpected {kind}: {got:?}"));
    }
    if (want.at_least_one || !want.texts.is_empty()) && got.is_empty() {
        return Err(format!("there is no {kind}"));
    }
    if want.texts.is_empty() || annotated == Annotated::Loosely {
        return Ok(());
    }
    for got in got {
        if !want.texts.iter().any(|want| want.matches(got)) {
            return Err(format!("unexpected {kind}: {got:?}"));
        }
    }
    for want in &want.texts {
        if !got.iter().any(|got| want.matches(got)) {
            return Err(format!("there is no {kind} {}, only {got:?}", want.describe()));
        }
    }
    Ok(())
}

fn compare_instant(expectation: &Expectation, got: &QueryValue, ordered: bool) -> Result<(), String> {
    match (&expectation.result, got) {
        (ExpectedResult::Scalar(want), QueryValue::Scalar { value, .. }) => {
            if almost_equal(*want, *value) {
                Ok(())
            } else {
                Err(format!("got {value}, expected {want}"))
            }
        }
        (ExpectedResult::String(want), QueryValue::String { text, .. }) => {
            if want == text {
                Ok(())
            } else {
                Err(format!("got {text:?}, expected {want:?}"))
            }
        }
        (ExpectedResult::RangeVector { start_ms, step_ms, .. }, QueryValue::Matrix(series)) => {
            compare_matrix(expectation, series, |idx| start_ms + idx as i64 * step_ms)
        }
        (ExpectedResult::Series(want), QueryValue::Vector(got)) => compare_vector(want, got, ordered),
        (_, got) => Err(format!("the result is a {}", got.value_type().as_str())),
    }
}

fn compare_vector(
    want: &[(Labels, Vec<SequenceValue>)],
    got: &[InstantSample],
    ordered: bool,
) -> Result<(), String> {
    for (place, sample) in got.iter().enumerate() {
        let labels = &sample.labels;
        let Some(at) = want.iter().position(|(want, _)| want == labels) else {
            return Err(format!("unexpected series {labels} {}", describe(&sample.value)));
        };
        if ordered && at != place {
            return Err(format!("series {labels} is number {}, expected number {}", place + 1, at + 1));
        }
        if got[..place].iter().any(|earlier| earlier.labels == *labels) {
            return Err(format!("series {labels} occurs twice"));
        }
        let want = want[at].1.first().ok_or_else(|| format!("no value is expected for {labels}"))?;
        compare_value(want, &sample.value).map_err(|e| format!("{labels}: {e}"))?;
    }
    for (labels, _) in want {
        if !got.iter().any(|sample| sample.labels == *labels) {
            return Err(format!("missing series {labels}"));
        }
    }
    Ok(())
}

fn check_sorted(series: &[RangeSeries]) -> Result<(), String> {
    match series.windows(2).find(|pair| pair[0].labels > pair[1].labels) {
        Some(pair) => Err(format!("{} comes before {}", pair[0].labels, pair[1].labels)),
        None => Ok(()),
    }
}

fn compare_matrix(
    expectation: &Expectation,
    got: &[RangeSeries],
    ts_of: impl Fn(usize) -> i64,
) -> Result<(), String> {
    let want = match &expectation.result {
        ExpectedResult::Series(series) | ExpectedResult::RangeVector { series, .. } => series,
        ExpectedResult::Scalar(_) | ExpectedResult::String(_) => {
            return Err("the result is a matrix".to_owned());
        }
    };
    for series in got {
        let labels = &series.labels;
        let Some((_, values)) = want.iter().find(|(want, _)| want == labels) else {
            return Err(format!("unexpected series {labels}"));
        };
        let mut n_expected = 0;
        for (idx, value) in values.iter().enumerate() {
            let ts_ms = ts_of(idx);
            let float = series.floats.iter().find(|(ts, _)| *ts == ts_ms).map(|(_, v)| Value::Float(*v));
            let histogram = series.histograms.iter().find(|(ts, _)| *ts == ts_ms);
            let found = float.or_else(|| histogram.map(|(_, h)| Value::Histogram(Arc::clone(h))));
            match (value, found) {
                (SequenceValue::Omitted, None) => {}
                (SequenceValue::Omitted, Some(found)) => {
                    return Err(format!("{labels} at {ts_ms} ms: unexpected {}", describe(&found)));
                }
                (_, None) => return Err(format!("{labels} at {ts_ms} ms: missing")),
                (value, Some(found)) => {
                    n_expected += 1;
                    compare_value(value, &found).map_err(|e| format!("{labels} at {ts_ms} ms: {e}"))?;
                }
            }
        }
        let n_got = series.floats.len() + series.histograms.len();
        if n_got != n_expected {
            return Err(format!("{labels} has {n_got} points, expected {n_expected}"));
        }
    }
    for (labels, values) in want {
        let expects_any = values.iter().any(|v| !matches!(v, SequenceValue::Omitted));
        if expects_any && !got.iter().any(|series| series.labels == *labels) {
            return Err(format!("missing series {labels}"));
        }
    }
    Ok(())
}

fn compare_value(want: &SequenceValue, got: &Value) -> Result<(), String> {
    match (want, got) {
        (SequenceValue::Float(want), Value::Float(got)) if almost_equal(*want, *got) => Ok(()),
        (SequenceValue::Float(want), got) => Err(format!("got {}, expected {want}", describe(got))),
        (SequenceValue::Histogram { histogram, hint_given }, Value::Histogram(got)) => {
            compare_histograms(histogram, got, *hint_given)
                .map_err(|e| format!("got {}, expected {}: {e}", written(got), written(histogram)))
        }
        (SequenceValue::Histogram { histogram, .. }, got) => {
            Err(format!("got {}, expected {}", describe(got), written(histogram)))
        }
        (SequenceValue::Omitted, got) => Err(format!("got {}, expected nothing", describe(got))),
    }
}

fn describe(value: &Value) -> String {
    match value {
        Value::Float(v) => v.to_string(),
        Value::Histogram(h) => written(h),
    }
}

fn written(h: &FloatHistogram) -> String {
    h.test_expression()
}
