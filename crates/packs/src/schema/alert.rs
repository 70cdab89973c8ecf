use std::borrow::Cow;
use std::collections::BTreeMap;

use bellwether_model::parse_duration_ms;
use bellwether_yaml::{Decode, Errors, Kind, MapReader, Node, Position, Reported};

use super::expression::{Expression, Selector};
use super::spanned::Spanned;
use super::word::words;

/// When somebody must be told.
#[derive(Debug, Clone)]
pub struct Alert {
    /// The name of the alert.
    pub name: Spanned<String>,
    /// The group it is evaluated in; that of the pack if not given.
    pub group: Option<Spanned<String>>,
    /// The condition, usually a comparison.
    pub when: Expression,
    /// How long the condition must hold before the alert fires, in milliseconds. `None` if nothing is said, which lint refuses.
    pub for_ms: Option<i64>,
    /// How long the alert goes on firing after the condition has ended, in milliseconds.
    pub keep_firing_for_ms: i64,
    /// How bad it is. `None` if nothing is said, which lint refuses.
    pub severity: Option<Severity>,
    /// The least traffic at which a share or a quantile means something.
    pub min_traffic: Option<Spanned<Frequency>>,
    /// Whether the alert also fires if the series of the condition are missing.
    pub absent: Absent,
    /// Further labels; the values are templates.
    pub labels: BTreeMap<String, String>,
    /// What people are told; the values are templates. `summary`, `description` and `runbook_url` are the usual ones.
    pub annotations: BTreeMap<String, String>,
    /// Alerts that say the same more urgently: while one of them fires with the same labels, this one is not sent.
    pub inhibited_by: Vec<Spanned<String>>,
    /// Series with which it fires, and series with which it does not.
    pub tests: Option<AlertTests>,
    /// Lint rules that do not apply, each with the reason.
    pub allow: BTreeMap<String, String>,
    /// Where it stands.
    pub position: Position,
}

words! {
    /// How bad it is.
    Severity = "severity" {
        /// Somebody must act now.
        Critical = "critical",
        /// Somebody must act soon.
        Warning = "warning",
        /// Good to know.
        Info = "info",
    }
}

/// How often something happens, written as `0.01/s`, `3/m` or `10/h`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Frequency {
    /// Events per second.
    pub per_second: f64,
}

/// What the absence of series means for an alert.
#[derive(Debug, Clone, Default)]
pub enum Absent {
    /// Nothing.
    #[default]
    Ignored,
    /// The alert fires if any of the condition's own selectors finds nothing.
    OfCondition,
    /// The alert fires if one of these finds nothing.
    Of(Vec<Selector>),
}

/// What an alert does with series made up for it.
#[derive(Debug, Clone)]
pub struct AlertTests {
    /// With each of these the alert fires.
    pub fires: Vec<AlertCase>,
    /// With none of these it does.
    pub quiet: Vec<AlertCase>,
}

/// Series made up for a test.
#[derive(Debug, Clone)]
pub struct AlertCase {
    /// Series with their values in the notation of `promtool`'s unit tests, one value per minute.
    pub series: Vec<(Spanned<String>, String)>,
    /// When the alert is looked at, in milliseconds after the first value.
    pub at_ms: i64,
    /// The labels of the alerts that fire, beside the name, the severity and the alert's own labels. One alert without further labels
    /// if nothing is said.
    pub labels: Vec<BTreeMap<String, String>>,
    /// Where it stands.
    pub position: Position,
}

/// A group of rules, evaluated one after the other.
#[derive(Debug, Clone)]
pub struct RuleGroup {
    /// The name.
    pub name: Spanned<String>,
    /// How often it is evaluated, in milliseconds; the server's interval if not given.
    pub interval_ms: Option<i64>,
}

/// A series that the server computes and stores.
#[derive(Debug, Clone)]
pub struct Recording {
    /// The name of the series, as a rule `level:metric:operations`, or the old name of something that is now computed.
    pub record: Spanned<String>,
    /// What is stored.
    pub expr: Expression,
    /// Labels that are added.
    pub labels: BTreeMap<String, String>,
    /// The group it is evaluated in; that of the pack if not given.
    pub group: Option<Spanned<String>>,
    /// A sentence about it.
    pub help: String,
    /// Lint rules that do not apply, each with the reason.
    pub allow: BTreeMap<String, String>,
    /// Where it stands.
    pub position: Position,
}

/// An objective: how much of what happens must be good.
#[derive(Debug, Clone)]
pub struct Slo {
    /// The name, a word.
    pub name: Spanned<String>,
    /// The share that must be good, in percent.
    pub objective: f64,
    /// Over how long, in milliseconds.
    pub over_ms: i64,
    /// The ratio of good to all, an entry of `ratios`.
    pub sli: Spanned<String>,
    /// A sentence about it.
    pub help: String,
    /// Where it stands.
    pub position: Position,
}

impl<'d> Decode<'d> for Alert {
    fn type_name() -> Cow<'static, str> {
        "pack.alert".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "pack.alert", errors)?;
        let name = map.required("name");
        let when = map.required("when");
        let group = map.optional("group");
        let for_ms = map.parse_optional("for", parse_duration_ms);
        let keep_firing_for_ms = map.parse_or("keep_firing_for", 0, parse_duration_ms);
        let severity = map.optional("severity");
        let min_traffic = map.optional("min_traffic");
        let absent = map.optional("absent").unwrap_or_default();
        let labels = map.or_default("labels");
        let annotations = map.or_default("annotations");
        let inhibited_by = map.or_default("inhibited_by");
        let tests = map.optional("tests");
        let allow = map.or_default("allow");
        map.finish()?;
        Ok(Self {
            name: name.expect("BUG: `finish` reports a missing name"),
            when: when.expect("BUG: `finish` reports a missing condition"),
            group,
            for_ms,
            keep_firing_for_ms,
            severity,
            min_traffic,
            absent,
            labels,
            annotations,
            inhibited_by,
            tests,
            allow,
            position: node.position(),
        })
    }
}

impl<'d> Decode<'d> for Frequency {
    fn type_name() -> Cow<'static, str> {
        "frequency".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let text = node.decode_text("frequency", errors)?;
        let per_second = text.split_once('/').and_then(|(number, period)| {
            let seconds = match period.trim() {
                "s" => 1.0,
                "m" => 60.0,
                "h" => 3600.0,
                _ => return None,
            };
            let number: f64 = number.trim().parse().ok()?;
            (number.is_finite() && number >= 0.0).then_some(number / seconds)
        });
        match per_second {
            Some(per_second) => Ok(Self { per_second }),
            None => {
                Err(errors.reject(node, format!("{text:?} is not a frequency such as 0.01/s, 3/m or 10/h")))
            }
        }
    }
}

impl<'d> Decode<'d> for Absent {
    fn type_name() -> Cow<'static, str> {
        "true, false or []metric{conditions}".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        if matches!(node.kind(), Kind::Sequence) {
            let selectors: Vec<Selector> = Vec::decode(node, errors)?;
            if selectors.iter().any(|selector| selector.metric.is_none()) {
                return Err(errors.reject(node, "`absent` needs the names of metrics"));
            }
            return Ok(Self::Of(selectors));
        }
        Ok(if bool::decode(node, errors)? { Self::OfCondition } else { Self::Ignored })
    }
}

impl<'d> Decode<'d> for AlertTests {
    fn type_name() -> Cow<'static, str> {
        "pack.tests".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "pack.tests", errors)?;
        let mut cases = |name| map.optional::<Cases>(name).map(|cases| cases.0).unwrap_or_default();
        let tests = Self { fires: cases("fires"), quiet: cases("quiet") };
        map.finish()?;
        Ok(tests)
    }
}

/// One case or a list of them.
struct Cases(Vec<AlertCase>);

impl<'d> Decode<'d> for Cases {
    fn type_name() -> Cow<'static, str> {
        "one or several of pack.case".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        if matches!(node.kind(), Kind::Sequence) {
            return Ok(Self(Vec::decode(node, errors)?));
        }
        Ok(Self(vec![AlertCase::decode(node, errors)?]))
    }
}

impl<'d> Decode<'d> for AlertCase {
    fn type_name() -> Cow<'static, str> {
        "pack.case".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "pack.case", errors)?;
        let case = Self {
            series: map.optional::<MadeUp>("series").map(|made_up| made_up.0).unwrap_or_default(),
            at_ms: map.parse_optional("at", parse_duration_ms).unwrap_or(DEFAULT_CASE_MS),
            labels: map.or_default("labels"),
            position: node.position(),
        };
        map.finish()?;
        Ok(case)
    }
}

/// When an alert is looked at if nothing is said: late enough for a window of five minutes and a wait of as many.
const DEFAULT_CASE_MS: i64 = 15 * 60_000;

/// Series with values, in the order in which they are written.
struct MadeUp(Vec<(Spanned<String>, String)>);

impl<'d> Decode<'d> for MadeUp {
    fn type_name() -> Cow<'static, str> {
        "map[string]string".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        if !matches!(node.kind(), Kind::Mapping) {
            return Err(errors.push(node.wrong_type(&Self::type_name())));
        }
        let mut series = Vec::with_capacity(node.entries().len());
        for entry in node.entries() {
            series.push((Spanned::decode(entry.key, errors)?, String::decode(entry.value, errors)?));
        }
        Ok(Self(series))
    }
}

impl<'d> Decode<'d> for RuleGroup {
    fn type_name() -> Cow<'static, str> {
        "pack.group".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "pack.group", errors)?;
        let group = Self {
            name: map.required("name").unwrap_or_default(),
            interval_ms: map.parse_optional("interval", super::expression::positive_duration),
        };
        map.finish()?;
        Ok(group)
    }
}

impl<'d> Decode<'d> for Recording {
    fn type_name() -> Cow<'static, str> {
        "pack.recording".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "pack.recording", errors)?;
        let record = map.required("record");
        let expr = map.required("expr");
        let labels = map.or_default("labels");
        let group = map.optional("group");
        let help = map.or_default("help");
        let allow = map.or_default("allow");
        map.finish()?;
        Ok(Self {
            record: record.expect("BUG: `finish` reports a missing name"),
            expr: expr.expect("BUG: `finish` reports a missing expression"),
            labels,
            group,
            help,
            allow,
            position: node.position(),
        })
    }
}

impl<'d> Decode<'d> for Slo {
    fn type_name() -> Cow<'static, str> {
        "pack.slo".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "pack.slo", errors)?;
        let slo = Self {
            name: map.required("name").unwrap_or_default(),
            objective: map.required("objective").unwrap_or_default(),
            over_ms: map.parse_or("over", 30 * 86_400_000, super::expression::positive_duration),
            sli: map.required("sli").unwrap_or_default(),
            help: map.or_default("help"),
            position: node.position(),
        };
        let is_share = slo.objective > 0.0 && slo.objective < 100.0;
        if !map.has_failed() && !is_share {
            let place = map.place("objective");
            map.reject(place, "an objective is a percentage between 0 and 100, such as 99.9");
        }
        map.finish()?;
        Ok(slo)
    }
}
