//! Rule unit-test files, in the form of `promtool test rules`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bellwether_model::{parse_duration_ms, parse_float};
use bellwether_yaml::{Decode, Dialect, Document, Errors, MapReader, Node, Position, Reported};

use crate::error::RuleFileError;

/// The interval at which rules are evaluated if the file says nothing.
const DEFAULT_EVALUATION_INTERVAL_MS: i64 = 60_000;

/// A unit-test file.
#[derive(Debug, Clone)]
pub struct UnitTestFile {
    /// The rule files, as patterns relative to the folder of this file.
    pub rule_files: Vec<String>,
    /// How often rules are evaluated, in milliseconds.
    pub evaluation_interval_ms: i64,
    /// The order in which groups are evaluated; groups that are not listed come in the order of the files.
    pub group_eval_order: Vec<String>,
    /// Whether values may differ in the last bits.
    pub fuzzy_compare: bool,
    /// The configuration of Alertmanager whose routes are tested, relative to the folder of this file; empty for none. `promtool` does not have this.
    pub alertmanager_config: PathBuf,
    /// The tests.
    pub tests: Vec<TestGroup>,
}

/// One test: input, and what to expect of it.
#[derive(Debug, Clone)]
pub struct TestGroup {
    /// The name; may be empty.
    pub name: String,
    /// The distance of the input values, in milliseconds.
    pub interval_ms: i64,
    /// The time of the first input value, in milliseconds since the Unix epoch.
    pub start_ms: i64,
    /// The input.
    pub input_series: Vec<InputSeries>,
    /// Expectations about alerts.
    pub alert_rule_tests: Vec<AlertTest>,
    /// Expectations about expressions.
    pub promql_expr_tests: Vec<ExprTest>,
    /// Expectations about who is told. `promtool` does not have this.
    pub route_tests: Vec<RouteTest>,
    /// Labels that templates see as external.
    pub external_labels: BTreeMap<String, String>,
    /// The URL that templates see as external.
    pub external_url: String,
    /// Where the test stands.
    pub position: Position,
}

/// One input series.
#[derive(Debug, Clone)]
pub struct InputSeries {
    /// The series, for instance `up{job="node"}`.
    pub series: String,
    /// The values in the notation of PromQL test scripts.
    pub values: String,
    /// Where it stands.
    pub position: Position,
}

/// What alerts are expected of one rule at one time.
#[derive(Debug, Clone)]
pub struct AlertTest {
    /// When, in milliseconds after the start.
    pub eval_time_ms: i64,
    /// Of which rule.
    pub alertname: String,
    /// Labels (without `alertname`) and annotations of the alerts that fire.
    pub expected: Vec<ExpectedAlert>,
    /// Where it stands.
    pub position: Position,
}

/// One expected alert.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ExpectedAlert {
    /// Its labels without `alertname`.
    pub labels: BTreeMap<String, String>,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
}

/// What an expression is expected to yield at one time.
#[derive(Debug, Clone)]
pub struct ExprTest {
    /// The expression.
    pub expr: String,
    /// When, in milliseconds after the start.
    pub eval_time_ms: i64,
    /// The expected samples, in any order.
    pub expected: Vec<ExpectedSample>,
    /// Where it stands.
    pub position: Position,
}

/// To whom an alert is expected to go.
#[derive(Debug, Clone)]
pub struct RouteTest {
    /// The labels of the alert.
    pub labels: BTreeMap<String, String>,
    /// Who is told, in the order of the routes.
    pub receivers: Vec<String>,
    /// The keys of the groups in the same order, if they matter.
    pub group_keys: Option<Vec<String>>,
    /// Where it stands.
    pub position: Position,
}

/// One expected sample.
#[derive(Debug, Clone)]
pub struct ExpectedSample {
    /// The labels as a series, for instance `up{job="node"}`.
    pub labels: String,
    /// The value; ignored if there is a histogram.
    pub value: f64,
    /// The histogram in the notation of PromQL test scripts; empty for a float.
    pub histogram: String,
}

impl UnitTestFile {
    /// Reads a unit-test file from disk.
    pub fn load(path: &Path) -> Result<Self, RuleFileError> {
        let bytes =
            std::fs::read(path).map_err(|source| RuleFileError::Read { path: path.to_owned(), source })?;
        Ok(Self::parse(&path.display().to_string(), &bytes)?)
    }

    /// Reads a unit-test file.
    pub fn parse(name: &str, bytes: &[u8]) -> Result<Self, Errors> {
        Document::parse(name, bytes, Dialect::V3)?.decode()
    }
}

impl<'d> Decode<'d> for UnitTestFile {
    fn type_name() -> Cow<'static, str> {
        "main.unitTestFile".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "main.unitTestFile", errors)?;
        let mut file = Self {
            rule_files: map.or_default("rule_files"),
            evaluation_interval_ms: map.parse_or(
                "evaluation_interval",
                DEFAULT_EVALUATION_INTERVAL_MS,
                parse_duration_ms,
            ),
            group_eval_order: map.or_default("group_eval_order"),
            fuzzy_compare: map.or_default("fuzzy_compare"),
            alertmanager_config: map.optional::<String>("alertmanager_config").unwrap_or_default().into(),
            tests: map.list("tests", "empty or null test"),
        };
        map.finish()?;
        if file.evaluation_interval_ms == 0 {
            file.evaluation_interval_ms = DEFAULT_EVALUATION_INTERVAL_MS;
        }
        for test in &mut file.tests {
            if test.interval_ms == 0 {
                test.interval_ms = file.evaluation_interval_ms;
            }
        }
        Ok(file)
    }
}

impl<'d> Decode<'d> for TestGroup {
    fn type_name() -> Cow<'static, str> {
        "main.testGroup".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "main.testGroup", errors)?;
        let test = Self {
            name: map.or_default("name"),
            interval_ms: map.parse_or("interval", 0, parse_duration_ms),
            start_ms: map.parse_or("start_timestamp", 0, parse_start),
            input_series: map.list("input_series", "empty or null series"),
            alert_rule_tests: map.list("alert_rule_test", "empty or null alert test"),
            promql_expr_tests: map.list("promql_expr_test", "empty or null expression test"),
            route_tests: map.list("route_test", "empty or null route test"),
            external_labels: map.or_default("external_labels"),
            external_url: map.or_default("external_url"),
            position: node.position(),
        };
        map.finish()?;
        Ok(test)
    }
}

/// Unix seconds or RFC 3339.
fn parse_start(text: &str) -> Result<i64, String> {
    if let Some(seconds) = parse_float(text) {
        return Ok((seconds * 1000.0).round() as i64);
    }
    time::OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339)
        .map(|t| (t.unix_timestamp_nanos() / 1_000_000) as i64)
        .map_err(|_| format!("{text:?} is neither Unix seconds nor an RFC 3339 time"))
}

impl<'d> Decode<'d> for InputSeries {
    fn type_name() -> Cow<'static, str> {
        "main.series".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "main.series", errors)?;
        let series = Self {
            series: map.or_default("series"),
            values: map.or_default("values"),
            position: node.position(),
        };
        map.finish()?;
        Ok(series)
    }
}

impl<'d> Decode<'d> for AlertTest {
    fn type_name() -> Cow<'static, str> {
        "main.alertTestCase".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "main.alertTestCase", errors)?;
        let test = Self {
            eval_time_ms: map.parse_or("eval_time", 0, parse_duration_ms),
            alertname: map.or_default("alertname"),
            expected: map.list("exp_alerts", "empty or null alert"),
            position: node.position(),
        };
        map.finish()?;
        Ok(test)
    }
}

impl<'d> Decode<'d> for RouteTest {
    fn type_name() -> Cow<'static, str> {
        "main.routeTestCase".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "main.routeTestCase", errors)?;
        let test = Self {
            labels: map.or_default("labels"),
            receivers: map.or_default("exp_receivers"),
            group_keys: map.optional("exp_group_keys"),
            position: node.position(),
        };
        map.finish()?;
        Ok(test)
    }
}

impl<'d> Decode<'d> for ExpectedAlert {
    fn type_name() -> Cow<'static, str> {
        "main.alert".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "main.alert", errors)?;
        let alert =
            Self { labels: map.or_default("exp_labels"), annotations: map.or_default("exp_annotations") };
        map.finish()?;
        Ok(alert)
    }
}

impl<'d> Decode<'d> for ExprTest {
    fn type_name() -> Cow<'static, str> {
        "main.promqlTestCase".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "main.promqlTestCase", errors)?;
        let test = Self {
            expr: map.or_default("expr"),
            eval_time_ms: map.parse_or("eval_time", 0, parse_duration_ms),
            expected: map.list("exp_samples", "empty or null sample"),
            position: node.position(),
        };
        map.finish()?;
        Ok(test)
    }
}

impl<'d> Decode<'d> for ExpectedSample {
    fn type_name() -> Cow<'static, str> {
        "main.sample".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "main.sample", errors)?;
        let sample = Self {
            labels: map.or_default("labels"),
            value: map.or_default("value"),
            histogram: map.or_default("histogram"),
        };
        map.finish()?;
        Ok(sample)
    }
}
