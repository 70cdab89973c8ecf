use bellwether_model::RegexError;

use crate::action::Action;

/// Why a rule is refused. The sentences are those of Prometheus.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RuleError {
    /// `action` is `null`.
    #[error("relabel action cannot be empty")]
    EmptyAction,
    /// An action that does not exist.
    #[error("unknown relabel action {0:?}")]
    UnknownAction(String),
    /// The pattern is no regular expression.
    #[error(transparent)]
    Regex(#[from] RegexError),
    /// A source label that is no label name.
    #[error("{0:?} is not a valid label name")]
    InvalidSourceLabel(String),
    /// `hashmod` without `modulus`.
    #[error("relabel configuration for hashmod requires non-zero modulus")]
    ZeroModulus,
    /// No target label.
    #[error("relabel configuration for {0} action requires 'target_label' value")]
    MissingTargetLabel(Action),
    /// A target label that is neither a label name nor a template for one.
    #[error("{label:?} is invalid 'target_label' for {action} action")]
    InvalidTargetLabel {
        /// What was written.
        label: String,
        /// The action of the rule.
        action: Action,
    },
    /// A replacement that is no template for label names.
    #[error("{replacement:?} is invalid 'replacement' for {action} action")]
    InvalidReplacement {
        /// What was written.
        replacement: String,
        /// The action of the rule.
        action: Action,
    },
    /// A replacement where there is nothing to replace.
    #[error("'replacement' can not be set for {0} action")]
    ReplacementNotAllowed(Action),
    /// Fields that `keepequal` and `dropequal` do not have.
    #[error("{0} action requires only 'source_labels' and `target_label`, and no other fields")]
    OnlySourceAndTarget(Action),
    /// Fields that `labeldrop` and `labelkeep` do not have.
    #[error("{0} action requires only 'regex', and no other fields")]
    OnlyRegex(Action),
}

impl RuleError {
    /// The field to blame, if it is one.
    pub fn field(&self) -> Option<&'static str> {
        match self {
            Self::EmptyAction | Self::UnknownAction(_) => Some("action"),
            Self::Regex(_) => Some("regex"),
            Self::InvalidSourceLabel(_) => Some("source_labels"),
            Self::ZeroModulus => Some("modulus"),
            Self::MissingTargetLabel(_) | Self::InvalidTargetLabel { .. } => Some("target_label"),
            Self::InvalidReplacement { .. } | Self::ReplacementNotAllowed(_) => Some("replacement"),
            Self::OnlySourceAndTarget(_) | Self::OnlyRegex(_) => None,
        }
    }
}
