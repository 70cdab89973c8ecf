use std::collections::BTreeMap;
use std::str::FromStr;

use bellwether_model::{Labels, MatchOp, format_duration_ms};

use super::{SilenceError, SilenceId, SilencePolicy};
use crate::matcher::{Matcher, all_match};
use crate::time_interval::Recurrence;

/// A silence as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Silence {
    /// What it is called by.
    pub id: SilenceId,
    /// What it says.
    pub spec: SilenceSpec,
    /// When it was changed last, in milliseconds since the Unix epoch.
    pub updated_at_ms: i64,
}

/// What a silence says.
#[derive(Debug, Clone, PartialEq)]
pub struct SilenceSpec {
    /// Which alerts it is about: those that satisfy all of them.
    pub matchers: Vec<Matcher>,
    /// When it begins, in milliseconds since the Unix epoch.
    pub starts_at_ms: i64,
    /// When it ends.
    pub ends_at_ms: i64,
    /// Who made it.
    pub created_by: String,
    /// Why.
    pub comment: String,
    /// More about it, by name.
    pub annotations: BTreeMap<String, String>,
    /// What nobody is told.
    pub mute: Mute,
    /// At which times between its start and its end it holds; `None` for all the time.
    pub recurs: Option<Recurrence>,
}

/// What a silence keeps from people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mute {
    /// That alerts fire, and that they are over.
    #[default]
    All,
    /// That alerts fire. Who knows of one already is told when it is over, so that incidents in other products end.
    Firing,
}

impl Mute {
    /// `all` or `firing`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Firing => "firing",
        }
    }
}

impl FromStr for Mute {
    type Err = SilenceError;

    fn from_str(text: &str) -> Result<Self, SilenceError> {
        match text {
            "all" => Ok(Self::All),
            "firing" => Ok(Self::Firing),
            _ => Err(SilenceError::Mute(text.to_owned())),
        }
    }
}

/// Where a silence stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SilenceState {
    /// It has begun.
    Active,
    /// It will begin.
    Pending,
    /// It is over.
    Expired,
}

impl SilenceState {
    /// `active`, `pending` or `expired`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Pending => "pending",
            Self::Expired => "expired",
        }
    }
}

impl SilenceSpec {
    /// Where it stands at `now_ms`.
    pub fn state(&self, now_ms: i64) -> SilenceState {
        match now_ms {
            now if now >= self.ends_at_ms => SilenceState::Expired,
            now if now < self.starts_at_ms => SilenceState::Pending,
            _ => SilenceState::Active,
        }
    }

    /// Whether alerts that it is about are silenced at `now_ms`.
    pub fn holds(&self, now_ms: i64) -> bool {
        self.state(now_ms) == SilenceState::Active
            && self.recurs.as_ref().is_none_or(|it| it.contains(now_ms))
    }

    /// Whether it is about alerts with these labels.
    pub fn is_about(&self, labels: &Labels) -> bool {
        all_match(&self.matchers, labels)
    }

    fn bytes(&self) -> usize {
        let matchers: usize =
            self.matchers.iter().map(|matcher| matcher.name().len() + matcher.value().len()).sum();
        let annotations: usize = self.annotations.iter().map(|(name, text)| name.len() + text.len()).sum();
        let recurrence = self.recurs.as_ref().map_or(0, |it| it.as_written().len());
        matchers + annotations + recurrence + self.created_by.len() + self.comment.len()
    }

    pub(super) fn check(&self, policy: &SilencePolicy, now_ms: i64) -> Result<(), SilenceError> {
        if self.matchers.is_empty() {
            return Err(SilenceError::NoMatcher);
        }
        // `!=` and `!~` are never taken for a mistake: `instance!~"web.*"` is most alerts on purpose.
        let is_positive = |matcher: &Matcher| matches!(matcher.op(), MatchOp::Eq | MatchOp::Re);
        if self.matchers.iter().all(|matcher| is_positive(matcher) && matcher.matches("")) {
            return Err(SilenceError::MatchesAll);
        }
        if self.starts_at_ms >= self.ends_at_ms {
            return Err(SilenceError::Time("start time must be before end time"));
        }
        for (text, what) in [(&self.created_by, "createdBy"), (&self.comment, "comment")] {
            if text.is_empty() {
                return Err(SilenceError::Missing(what));
            }
        }
        let (bytes, limit) = (self.bytes(), policy.max_bytes);
        if bytes > limit {
            return Err(SilenceError::TooLarge { bytes, limit });
        }
        let lasts_ms = self.ends_at_ms - self.starts_at_ms.max(now_ms);
        if let Some(limit) = policy.max_duration_ms.filter(|limit| lasts_ms > *limit) {
            return Err(SilenceError::TooLong { limit: format_duration_ms(limit) });
        }
        if let Some(pattern) = policy.comment.as_ref().filter(|it| !it.is_in(&self.comment)) {
            return Err(SilenceError::Comment { pattern: pattern.as_written().to_owned() });
        }
        Ok(())
    }
}
