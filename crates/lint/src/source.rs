use bellwether_promql::syntax::{ParserOptions, TextSpan, parse_expr};
use bellwether_rules::{Rule, RuleFile, RuleFileOptions, RuleGroup};
use bellwether_yaml::{Dialect, Document, Error, Node, Position};

use crate::finding::{Finding, Place, Severity, Subject};
use crate::place::Lines;

/// A rule file with the places of everything in it.
#[derive(Debug)]
pub struct RuleSource {
    /// The file as it was named.
    pub name: String,
    /// What it means.
    pub file: RuleFile,
    lines: Lines,
    document: Document,
}

impl RuleSource {
    /// Reads a rule file. What a server would refuse is in the list of findings, each with its place.
    pub fn parse(name: &str, bytes: &[u8]) -> Result<Self, Vec<Finding>> {
        Self::parse_as(name, bytes, &RuleFileOptions::default())
    }

    /// The same for a server that reads rule files in another way.
    pub fn parse_as(name: &str, bytes: &[u8], options: &RuleFileOptions) -> Result<Self, Vec<Finding>> {
        let refused = |error: &Error| vec![Finding::refusal(INVALID_RULE_FILE, error)];
        let document = Document::parse(name, bytes, Dialect::V3).map_err(|error| refused(&error))?;
        let lines = Lines::new(String::from_utf8_lossy(bytes).into_owned());
        match RuleFile::parse(name, bytes, options) {
            Ok(file) => Ok(Self { name: name.to_owned(), file, lines, document }),
            Err(errors) => {
                let mut findings = broken_expressions(&document, &lines, &options.parser);
                let is_told = |error: &&Error| {
                    !findings.is_empty() && error.kind().to_string().contains("could not parse expression: ")
                };
                let others: Vec<Finding> = errors
                    .iter()
                    .filter(|error| !is_told(error))
                    .map(|error| Finding::refusal(INVALID_RULE_FILE, error))
                    .collect();
                findings.extend(others);
                findings.sort_by_key(|finding| finding.place.start);
                Err(findings)
            }
        }
    }

    /// What stands in the file.
    pub(crate) fn text(&self) -> &str {
        self.lines.text()
    }

    /// The rules in the order of the file.
    pub(crate) fn rules(&self) -> impl Iterator<Item = SourceRule<'_>> {
        let nodes = rule_nodes(&self.document);
        let rules =
            self.file.groups.iter().flat_map(|group| {
                group.rules.iter().enumerate().map(move |(index, rule)| (group, index, rule))
            });
        rules.zip(nodes).map(|((group, index, rule), node)| SourceRule {
            source: self,
            group,
            index,
            rule,
            node,
        })
    }
}

/// The id under which everything is found that a server refuses, but expressions.
const INVALID_RULE_FILE: &str = "invalid-rule-file";
/// The id under which expressions are found that cannot be read.
const PROMQL_SYNTAX: &str = "promql-syntax";

/// The nodes of all rules.
fn rule_nodes(document: &Document) -> Vec<Node<'_>> {
    let groups = field(document.root(), "groups").into_iter().flat_map(Node::items);
    groups.flat_map(|group| field(group, "rules").into_iter().flat_map(Node::items)).collect()
}

/// What stands under a key.
pub(crate) fn field<'d>(node: Node<'d>, name: &str) -> Option<Node<'d>> {
    let entry = node.entries().find(|entry| entry.key.scalar().is_some_and(|key| key.text == name));
    entry.map(|entry| entry.value)
}

fn broken_expressions(document: &Document, lines: &Lines, parser: &ParserOptions) -> Vec<Finding> {
    let mut findings = Vec::new();
    for node in rule_nodes(document) {
        let Some((expr, place)) = field(node, "expr").and_then(|expr| Some((expr.scalar()?.text, expr)))
        else {
            continue;
        };
        let Err(errors) = parse_expr(expr, parser) else { continue };
        let error = errors.first();
        let within = lines.locate(place.position(), expr, error.span);
        let message = format!("the expression cannot be read: {error}");
        findings.push(Finding {
            remedy: "`bellwether promql explain` shows how expressions are read".to_owned(),
            refuses: true,
            ..Finding::new(PROMQL_SYNTAX, Severity::Error, place_of(place, within), message)
        });
    }
    findings
}

fn place_of(node: Node<'_>, within: Option<(Position, Position)>) -> Place {
    let (start, end) = within.unwrap_or((node.position(), node.position()));
    Place { file: node.source().to_string(), start: Some(start), end: Some(end) }
}

/// A rule in its file.
#[derive(Clone, Copy)]
pub(crate) struct SourceRule<'s> {
    pub(crate) source: &'s RuleSource,
    pub(crate) group: &'s RuleGroup,
    index: usize,
    pub(crate) rule: &'s Rule,
    node: Node<'s>,
}

impl SourceRule<'_> {
    /// Whether the rule says something about the field itself.
    pub(crate) fn has(&self, name: &str) -> bool {
        field(self.node, name).is_some_and(|node| !node.is_null())
    }

    /// Where the rule begins.
    pub(crate) fn start(&self) -> Position {
        self.node.position()
    }

    pub(crate) fn subject(&self) -> Subject {
        Subject {
            group: self.group.name.clone(),
            index: self.index,
            name: self.rule.name().to_owned(),
            position: self.start(),
        }
    }

    /// The place of the name.
    pub(crate) fn at_name(&self) -> Place {
        self.at_field(if self.has("alert") { "alert" } else { "record" })
    }

    /// The place of a field's value, or of the rule if it has no such field.
    pub(crate) fn at_field(&self, name: &str) -> Place {
        whole(field(self.node, name).unwrap_or(self.node), &self.source.lines)
    }

    /// The place of a value in a map, such as an annotation; that of the map or of the rule if it is not there.
    pub(crate) fn at_entry(&self, map: &str, name: &str) -> Place {
        match field(self.node, map).and_then(|map| field(map, name)) {
            Some(node) => whole(node, &self.source.lines),
            None => self.at_field(map),
        }
    }

    /// The place of a part of the expression.
    pub(crate) fn at_expr(&self, span: TextSpan) -> Place {
        let Some(node) = field(self.node, "expr") else { return self.at_field("expr") };
        let within = self.source.lines.locate(node.position(), &self.rule.expr_text, span);
        place_of(node, within)
    }
}

/// The place of a scalar from its first to its last character; of other nodes, where they begin.
fn whole(node: Node<'_>, lines: &Lines) -> Place {
    let within = node
        .scalar()
        .and_then(|scalar| lines.locate(node.position(), scalar.text, TextSpan::new(0, scalar.text.len())));
    place_of(node, within)
}

impl std::fmt::Debug for SourceRule<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} at {}", self.rule.name(), self.start())
    }
}

/// All rules of several files, in order.
pub(crate) fn all_rules(sources: &[RuleSource]) -> Vec<SourceRule<'_>> {
    sources.iter().flat_map(RuleSource::rules).collect()
}

impl PartialEq for SourceRule<'_> {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.rule, other.rule)
    }
}
