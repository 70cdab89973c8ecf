//! Rule files: reading and checking. The rules and their messages are those of Prometheus' `rulefmt`.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use bellwether_model::{
    METRIC_NAME, ValidationScheme, is_valid_label_name, is_valid_metric_name, parse_duration_ms,
};
use bellwether_promql::syntax::{Expr, ParserOptions, parse_expr};
use bellwether_yaml::{Decode, Dialect, Document, Errors, MapReader, Node, Position, Reported};

use crate::error::RuleFileError;
use crate::expand::rule_template;

/// How rule files are read.
#[derive(Debug, Clone, Default)]
pub struct RuleFileOptions {
    /// Which names are legal.
    pub scheme: ValidationScheme,
    /// Which parts of the query language are on.
    pub parser: ParserOptions,
}

/// A rule file that is valid.
#[derive(Debug, Clone)]
pub struct RuleFile {
    /// Its groups, in order; names are unique.
    pub groups: Vec<RuleGroup>,
    /// What is legal and probably not meant, in words.
    pub warnings: Vec<String>,
}

/// Rules that are evaluated one after the other at the same times.
#[derive(Debug, Clone)]
pub struct RuleGroup {
    /// The name, unique in its file.
    pub name: String,
    /// How often the group is evaluated, in milliseconds; `None` for the default of the server.
    pub interval_ms: Option<i64>,
    /// How far evaluation looks into the past, in milliseconds.
    pub query_offset_ms: Option<i64>,
    /// Most series or alerts that one rule may produce; 0 for no limit.
    pub limit: usize,
    /// Labels of all rules of the group; a rule's own labels win.
    pub labels: BTreeMap<String, String>,
    /// The rules, shared with who looks at them.
    pub rules: Vec<Arc<Rule>>,
}

/// One rule.
#[derive(Debug, Clone)]
pub struct Rule {
    /// What it does.
    pub kind: RuleKind,
    /// The expression as written.
    pub expr_text: String,
    /// The expression.
    pub expr: Expr,
    /// The rule's own labels.
    pub labels: BTreeMap<String, String>,
    /// Where the rule stands in its file.
    pub position: Position,
}

/// What a rule does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuleKind {
    /// Stores the result under a new name.
    Recording {
        /// The name of the new series.
        record: String,
    },
    /// Raises an alert for each element of the result.
    Alerting {
        /// The name of the alert.
        alert: String,
        /// How long the condition must hold before the alert fires, in milliseconds.
        for_ms: i64,
        /// How long the alert goes on firing after the condition has ended, in milliseconds.
        keep_firing_for_ms: i64,
        /// Texts about the alert; the values are templates.
        annotations: BTreeMap<String, String>,
    },
}

impl Rule {
    /// The name: of the new series or of the alert.
    pub fn name(&self) -> &str {
        match &self.kind {
            RuleKind::Recording { record } => record,
            RuleKind::Alerting { alert, .. } => alert,
        }
    }

    /// How long the condition of an alert must hold, in milliseconds; `None` if it raises none.
    pub(crate) fn for_ms(&self) -> Option<i64> {
        match self.kind {
            RuleKind::Alerting { for_ms, .. } => Some(for_ms),
            RuleKind::Recording { .. } => None,
        }
    }

    /// Whether it raises alerts.
    pub fn is_alerting(&self) -> bool {
        matches!(self.kind, RuleKind::Alerting { .. })
    }
}

impl RuleGroup {
    /// Whether both do the same; where their rules stand in a file does not matter.
    pub(crate) fn is_same_as(&self, other: &Self) -> bool {
        let is_same =
            |a: &Rule, b: &Rule| a.kind == b.kind && a.expr_text == b.expr_text && a.labels == b.labels;
        let settings = |group: &Self| (group.interval_ms, group.query_offset_ms, group.limit);
        self.name == other.name
            && settings(self) == settings(other)
            && self.labels == other.labels
            && self.rules.len() == other.rules.len()
            && self.rules.iter().zip(&other.rules).all(|(a, b)| is_same(a, b))
    }
}

impl RuleFile {
    /// Reads a rule file from disk.
    pub fn load(path: &Path, options: &RuleFileOptions) -> Result<Self, RuleFileError> {
        let bytes =
            std::fs::read(path).map_err(|source| RuleFileError::Read { path: path.to_owned(), source })?;
        Ok(Self::parse(&path.display().to_string(), &bytes, options)?)
    }

    /// Reads a rule file. Every problem of the file is in the error, with its place.
    pub fn parse(name: &str, bytes: &[u8], options: &RuleFileOptions) -> Result<Self, Errors> {
        let document = Document::parse(name, bytes, Dialect::V3)?;
        let written: WrittenFile<'_> = document.decode()?;
        let mut errors = Errors::new();
        let mut seen = HashSet::new();
        let mut groups = Vec::with_capacity(written.groups.len());
        for group in written.groups {
            if group.name.is_empty() {
                errors.reject(group.node, "Groupname must not be empty");
            } else if !seen.insert(group.name.clone()) {
                let message = format!("groupname: {:?} is repeated in the same file", group.name);
                errors.reject(group.node, message);
            }
            groups.push(check_group(group, options, &mut errors));
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let warnings = document
            .has_more()
            .then(|| "only the first YAML document is used".to_owned())
            .into_iter()
            .collect();
        Ok(Self { groups: groups.into_iter().flatten().collect(), warnings })
    }
}

/// `None` if a problem was reported.
fn check_group(group: WrittenGroup<'_>, options: &RuleFileOptions, errors: &mut Errors) -> Option<RuleGroup> {
    for (name, value) in &group.labels {
        check_label(name, value, options.scheme, |message| {
            errors.reject(group.node, message);
        });
    }
    let mut rules = Vec::with_capacity(group.rules.len());
    for (number, rule) in group.rules.into_iter().enumerate() {
        let rule_name = if rule.record.is_empty() { &rule.alert } else { &rule.record }.clone();
        let mut problem = |node: Node<'_>, message: String| {
            errors.reject(
                node,
                format!("group {:?}, rule {}, {rule_name:?}: {message}", group.name, number + 1),
            );
        };
        rules.push(check_rule(rule, options, &mut problem));
    }
    Some(RuleGroup {
        name: group.name,
        interval_ms: group.interval_ms,
        query_offset_ms: group.query_offset_ms,
        limit: group.limit,
        labels: group.labels,
        rules: rules.into_iter().map(|rule| rule.map(Arc::new)).collect::<Option<_>>()?,
    })
}

/// `None` if a problem was reported.
fn check_rule(
    rule: WrittenRule<'_>,
    options: &RuleFileOptions,
    problem: &mut impl FnMut(Node<'_>, String),
) -> Option<Rule> {
    let mut sound = true;
    let mut fail = |node: Node<'_>, message: String| {
        sound = false;
        problem(node, message);
    };
    match (rule.record.is_empty(), rule.alert.is_empty()) {
        (false, false) => fail(rule.node, "only one of 'record' and 'alert' must be set".to_owned()),
        (true, true) => fail(rule.node, "one of 'record' or 'alert' must be set".to_owned()),
        _ => {}
    }
    let mut parsed = None;
    if rule.expr.is_empty() {
        fail(rule.node, "field 'expr' must be set in rule".to_owned());
    } else {
        match parse_expr(&rule.expr, &options.parser) {
            Ok(expr) => parsed = Some(expr),
            Err(e) => fail(rule.expr_node.unwrap_or(rule.node), format!("could not parse expression: {e}")),
        }
    }
    if !rule.record.is_empty() {
        for (set, field) in [
            (!rule.annotations.is_empty(), "annotations"),
            (rule.for_ms != 0, "for"),
            (rule.keep_firing_for_ms != 0, "keep_firing_for"),
        ] {
            if set {
                fail(rule.node, format!("invalid field '{field}' in recording rule"));
            }
        }
        if !is_valid_metric_name(&rule.record, options.scheme) {
            fail(rule.node, format!("invalid recording rule name: {}", rule.record));
        }
        // Legal as a UTF-8 name, and never what its author means.
        if rule.record.contains(['{', '}']) {
            let message = "braces present in the recording rule name; should it be in expr?";
            fail(rule.node, format!("{message}: {}", rule.record));
        }
    }
    for (name, value) in &rule.labels {
        check_label(name, value, options.scheme, |message| fail(rule.node, message));
    }
    for name in rule.annotations.keys() {
        if !is_valid_label_name(name, options.scheme) {
            fail(rule.node, format!("invalid annotation name: {name}"));
        }
    }
    if !rule.alert.is_empty() {
        let texts = [("label", "labels", &rule.labels), ("annotation", "annotations", &rule.annotations)];
        for (what, field, texts) in texts {
            for (name, text) in texts {
                if let Err(e) = rule_template(&rule.alert, text) {
                    fail(rule.node.place(field).place(name), format!("{what} {name:?}: {e}"));
                }
            }
        }
    }
    let kind = if rule.record.is_empty() {
        RuleKind::Alerting {
            alert: rule.alert,
            for_ms: rule.for_ms,
            keep_firing_for_ms: rule.keep_firing_for_ms,
            annotations: rule.annotations,
        }
    } else {
        RuleKind::Recording { record: rule.record }
    };
    let position = rule.node.position();
    let expr = parsed.filter(|_| sound)?;
    Some(Rule { kind, expr_text: rule.expr, expr, labels: rule.labels, position })
}

fn check_label(name: &str, value: &str, scheme: ValidationScheme, mut fail: impl FnMut(String)) {
    if !is_valid_label_name(name, scheme) || name == METRIC_NAME {
        fail(format!("invalid label name: {name}"));
    }
    // YAML text is UTF-8, so the only thing left to bound is the size.
    if value.len() > MAX_LABEL_VALUE_BYTES {
        fail(format!("label value of {name} is longer than {MAX_LABEL_VALUE_BYTES} bytes"));
    }
}

/// Longest value of a rule's label, before templates are expanded.
const MAX_LABEL_VALUE_BYTES: usize = 64 << 10;

/// The labels that the rules of a group set: the group's, overridden by the rule's own. An empty value takes a label away.
pub(crate) fn merged_labels(group: &RuleGroup, rule: &Rule) -> BTreeMap<String, String> {
    let labels = group.labels.iter().chain(&rule.labels);
    labels.map(|(name, value)| (name.clone(), value.clone())).collect()
}

#[derive(Debug)]
struct WrittenFile<'d> {
    groups: Vec<WrittenGroup<'d>>,
}

#[derive(Debug)]
struct WrittenGroup<'d> {
    node: Node<'d>,
    name: String,
    interval_ms: Option<i64>,
    query_offset_ms: Option<i64>,
    limit: usize,
    labels: BTreeMap<String, String>,
    rules: Vec<WrittenRule<'d>>,
}

#[derive(Debug)]
struct WrittenRule<'d> {
    node: Node<'d>,
    record: String,
    alert: String,
    expr: String,
    expr_node: Option<Node<'d>>,
    for_ms: i64,
    keep_firing_for_ms: i64,
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
}

impl<'d> Decode<'d> for WrittenFile<'d> {
    fn type_name() -> Cow<'static, str> {
        "rulefmt.RuleGroups".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "rulefmt.RuleGroups", errors)?;
        let groups = map.list("groups", "empty or null rule group");
        map.finish()?;
        Ok(Self { groups })
    }
}

impl<'d> Decode<'d> for WrittenGroup<'d> {
    fn type_name() -> Cow<'static, str> {
        "rulefmt.RuleGroup".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "rulefmt.RuleGroup", errors)?;
        let group = Self {
            node,
            name: map.or_default("name"),
            interval_ms: map.parse_optional("interval", parse_duration_ms),
            query_offset_ms: map.parse_optional("query_offset", parse_duration_ms),
            // Go counts with signed numbers, and what is below 1 is no limit.
            limit: usize::try_from(map.or_default::<i64>("limit")).unwrap_or(0),
            labels: map.or_default("labels"),
            rules: map.list("rules", "empty or null rule"),
        };
        map.finish()?;
        Ok(group)
    }
}

impl<'d> Decode<'d> for WrittenRule<'d> {
    fn type_name() -> Cow<'static, str> {
        "rulefmt.Rule".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "rulefmt.Rule", errors)?;
        let expr_node = map.get("expr");
        let rule = Self {
            node,
            record: map.or_default("record"),
            alert: map.or_default("alert"),
            expr: map.optional("expr").unwrap_or_default(),
            expr_node,
            for_ms: map.parse_or("for", 0, parse_duration_ms),
            keep_firing_for_ms: map.parse_or("keep_firing_for", 0, parse_duration_ms),
            labels: map.or_default("labels"),
            annotations: map.or_default("annotations"),
        };
        map.finish()?;
        Ok(rule)
    }
}
