//! The rules: one function each, with an id, and a section in `docs/lint.md`.
mod annotations;
mod constants;
mod decision;
mod duplicates;
mod kinds;
mod labels;
mod possible;
mod rates;
mod ratios;
mod recordings;
mod regexes;
mod routing;
mod runbooks;
mod sampling;
mod table;
mod timing;

use std::collections::BTreeMap;

use bellwether_promql::syntax::{Expr, TextSpan};
use bellwether_rules::RuleKind;

use crate::finding::{Finding, Place, Severity, Subject};
use crate::options::Options;
use crate::source::SourceRule;

pub use table::RULES;
pub(crate) use table::of_pint;

/// A rule.
pub struct Rule {
    /// The id: lower case with hyphens. It does not change.
    pub id: &'static str,
    /// How bad its findings are.
    pub severity: Severity,
    /// What it demands, in one sentence.
    pub demands: &'static str,
    /// Where its findings come from.
    pub(crate) origin: Origin,
}

/// Where the findings of a rule come from.
#[derive(Clone, Copy)]
pub(crate) enum Origin {
    /// From all rules together.
    Rules(fn(&Scene<'_>) -> Vec<Found>),
    /// From reading files and their comments.
    Reading,
    /// From asking a server.
    Server,
}

impl Rule {
    /// Whether only a server can tell.
    pub fn is_live(&self) -> bool {
        matches!(self.origin, Origin::Server)
    }
}

/// What the rules look at.
pub(crate) struct Scene<'s> {
    pub(crate) rules: Vec<SourceRule<'s>>,
    pub(crate) options: &'s Options,
    /// The expressions of recording rules by the names that they record.
    pub(crate) recorded: BTreeMap<&'s str, Vec<&'s Expr>>,
}

impl<'s> Scene<'s> {
    pub(crate) fn new(rules: Vec<SourceRule<'s>>, options: &'s Options) -> Self {
        let mut recorded: BTreeMap<&str, Vec<&Expr>> = BTreeMap::new();
        for rule in &rules {
            if let RuleKind::Recording { record } = &rule.rule.kind {
                recorded.entry(record).or_default().push(&rule.rule.expr);
            }
        }
        Self { rules, options, recorded }
    }

    /// The alerting rules.
    pub(crate) fn alerts(&self) -> impl Iterator<Item = &SourceRule<'s>> {
        self.rules.iter().filter(|rule| matches!(rule.rule.kind, RuleKind::Alerting { .. }))
    }
}

/// What a rule found, before it has its name.
pub(crate) struct Found {
    place: Place,
    subject: Option<Subject>,
    message: String,
    remedy: String,
    severity: Option<Severity>,
}

impl Found {
    /// About a part of the expression.
    pub(crate) fn in_expr(
        rule: &SourceRule<'_>,
        span: TextSpan,
        message: String,
        remedy: impl Into<String>,
    ) -> Self {
        Self::at(rule.at_expr(span), rule, message, remedy)
    }

    /// About a part of a rule.
    pub(crate) fn at(
        place: Place,
        rule: &SourceRule<'_>,
        message: String,
        remedy: impl Into<String>,
    ) -> Self {
        Self { place, subject: Some(rule.subject()), message, remedy: remedy.into(), severity: None }
    }

    /// About another file.
    pub(crate) fn elsewhere(place: Place, message: String, remedy: impl Into<String>) -> Self {
        Self { place, subject: None, message, remedy: remedy.into(), severity: None }
    }

    /// Less or more severe than other findings of the rule.
    pub(crate) fn with_severity(self, severity: Severity) -> Self {
        Self { severity: Some(severity), ..self }
    }

    pub(crate) fn of(self, rule: &Rule) -> Finding {
        let severity = self.severity.unwrap_or(rule.severity);
        Finding {
            subject: self.subject,
            remedy: self.remedy,
            ..Finding::new(rule.id, severity, self.place, self.message)
        }
    }
}
