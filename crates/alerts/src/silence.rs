//! Silences: alerts about which somebody has said that nobody is to be told for a while.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use bellwether_model::{AnchoredRegex, Labels, MatchOp, RegexError, format_duration_ms};

use crate::matcher::{Matcher, all_match};
use crate::time_interval::Recurrence;

/// A silence that is over can be looked at and made again for so long, in milliseconds.
pub const RETENTION_MS: i64 = 120 * 3_600_000;

/// What a silence is called by: a UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SilenceId(u128);

impl SilenceId {
    /// An id that no other silence has.
    pub fn random() -> Self {
        use std::hash::{BuildHasher as _, RandomState};

        let half = || u128::from(RandomState::new().hash_one(0_u8));
        Self::from_random(half() << 64 | half())
    }

    /// An id made of random bits (RFC 9562, version 4).
    pub fn from_random(bits: u128) -> Self {
        let version = (bits & !(0xf << 76)) | (0x4 << 76);
        Self((version & !(0x3 << 62)) | (0x2 << 62))
    }
}

impl fmt::Display for SilenceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = format!("{:032x}", self.0);
        write!(f, "{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }
}

impl FromStr for SilenceId {
    type Err = SilenceError;

    fn from_str(text: &str) -> Result<Self, SilenceError> {
        let dashes = text.char_indices().filter(|(_, c)| *c == '-').map(|(idx, _)| idx).eq([8, 13, 18, 23]);
        let hex: String = text.chars().filter(|c| *c != '-').collect();
        let is_uuid = dashes && hex.len() == 32 && hex.bytes().all(|b| b.is_ascii_hexdigit());
        let bits = is_uuid.then(|| u128::from_str_radix(&hex, 16).ok()).flatten();
        bits.map(Self).ok_or_else(|| SilenceError::NotAnId(text.to_owned()))
    }
}

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

/// Why a silence is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SilenceError {
    /// Not a UUID.
    #[error("{0:?} is not the id of a silence: it is a UUID")]
    NotAnId(String),
    /// There is none, or it was forgotten.
    #[error("silence {0} not found")]
    NotFound(SilenceId),
    /// It would be about all alerts, or about none that anybody can name.
    #[error("at least one matcher must not match the empty string")]
    MatchesAll,
    /// No matcher.
    #[error("at least one matcher required")]
    NoMatcher,
    /// A time that is not there or the wrong way round.
    #[error("{0}")]
    Time(&'static str),
    /// Nobody says why, or who.
    #[error("{0} must not be empty")]
    Missing(&'static str),
    /// Neither `all` nor `firing`.
    #[error("mute is \"all\" or \"firing\", not {0:?}")]
    Mute(String),
    /// The times at which it is to hold cannot be read.
    #[error("times at which the silence holds: {0}")]
    Recurrence(String),
    /// It says not why in the way that is asked for.
    #[error(
        "the comment must contain what {pattern:?} matches, by the policy of this server (bellwether.silences.comment)"
    )]
    Comment {
        /// The pattern.
        pattern: String,
    },
    /// It lasts longer than silences may.
    #[error(
        "the silence must not last longer than {limit}, by the policy of this server (bellwether.silences.max_duration)"
    )]
    TooLong {
        /// The limit, as people write durations.
        limit: String,
    },
    /// There may be no more.
    #[error("exceeded maximum number of silences: {limit} (limit: {limit})")]
    TooMany {
        /// The limit.
        limit: usize,
    },
    /// It takes too much room.
    #[error("silence exceeded maximum size: {bytes} bytes (limit: {limit} bytes)")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
}

/// What silences must be like.
#[derive(Debug, Clone)]
pub struct SilencePolicy {
    /// So many of them, those that are over included.
    pub max_count: usize,
    /// Bytes of one, at most.
    pub max_bytes: usize,
    /// How long one lasts at most, in milliseconds; `None` for as long as anybody likes.
    pub max_duration_ms: Option<i64>,
    /// What must be found in the comment, such as the number of a ticket.
    pub comment: Option<CommentPattern>,
}

impl Default for SilencePolicy {
    fn default() -> Self {
        Self { max_count: 100_000, max_bytes: 64 << 10, max_duration_ms: None, comment: None }
    }
}

/// A regular expression that is found somewhere in a text.
#[derive(Debug, Clone)]
pub struct CommentPattern {
    written: String,
    regex: AnchoredRegex,
}

impl CommentPattern {
    /// Reads a regular expression.
    pub fn new(written: &str) -> Result<Self, RegexError> {
        // As it is first: an error then shows what was written.
        AnchoredRegex::new(written)?;
        let regex = AnchoredRegex::new(&format!("(?s:.*)(?:{written})(?s:.*)"))?;
        Ok(Self { written: written.to_owned(), regex })
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

    fn check(&self, policy: &SilencePolicy, now_ms: i64) -> Result<(), SilenceError> {
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
        if let Some(pattern) = policy.comment.as_ref().filter(|it| !it.regex.is_match(&self.comment)) {
            return Err(SilenceError::Comment { pattern: pattern.written.clone() });
        }
        Ok(())
    }
}

/// All silences, those that are over for not too long included.
#[derive(Debug, Default)]
pub struct Silences {
    by_id: BTreeMap<SilenceId, Silence>,
    policy: SilencePolicy,
}

impl Silences {
    /// No silence yet.
    pub fn new(policy: SilencePolicy) -> Self {
        Self { by_id: BTreeMap::new(), policy }
    }

    /// Silences that are made from now on must be like this. Those that there are stay.
    pub fn set_policy(&mut self, policy: SilencePolicy) {
        self.policy = policy;
    }

    /// Takes silences as they are, in place of those with the same ids: those of another run, or what was [planned](Self::plan).
    pub fn put(&mut self, silences: impl IntoIterator<Item = Silence>) {
        self.by_id.extend(silences.into_iter().map(|silence| (silence.id, silence)));
    }

    /// All of them in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = &Silence> {
        self.by_id.values()
    }

    /// The silence with this id.
    pub fn get(&self, id: SilenceId) -> Option<&Silence> {
        self.by_id.get(&id)
    }

    /// Those that hold at `now_ms`.
    pub fn holding(&self, now_ms: i64) -> impl Iterator<Item = &Silence> {
        self.by_id.values().filter(move |silence| silence.spec.holds(now_ms))
    }

    /// Those about an alert with these labels that hold at `now_ms`.
    pub fn silencing<'s>(&'s self, labels: &'s Labels, now_ms: i64) -> impl Iterator<Item = SilenceId> + 's {
        self.holding(now_ms).filter(|silence| silence.spec.is_about(labels)).map(|silence| silence.id)
    }

    /// What making a silence, or changing the one with the id `of`, comes to: the silences that change, the one that says it first. `new_id` is for a silence that is
    /// made. Nothing is changed yet, so that it can be kept before it holds; [`put`](Self::put) does it.
    ///
    /// As in Alertmanager a silence that has begun keeps its beginning and its matchers, and one that is over is not changed: else the old one ends and there is a new
    /// one, so that what was silenced when stays known.
    pub fn plan(
        &self,
        of: Option<SilenceId>,
        mut spec: SilenceSpec,
        new_id: SilenceId,
        now_ms: i64,
    ) -> Result<Vec<Silence>, SilenceError> {
        spec.check(&self.policy, now_ms)?;
        if spec.ends_at_ms <= now_ms {
            return Err(SilenceError::Time("end time can't be in the past"));
        }
        let old = match of {
            Some(id) => Some(self.by_id.get(&id).ok_or(SilenceError::NotFound(id))?),
            None => None,
        };
        if let Some(old) = old
            && may_change(&old.spec, &spec, now_ms)
        {
            return Ok(vec![Silence { id: old.id, spec, updated_at_ms: now_ms }]);
        }
        let limit = self.policy.max_count;
        if self.by_id.len() >= limit {
            return Err(SilenceError::TooMany { limit });
        }
        // Nobody can have been silenced in the past.
        spec.starts_at_ms = spec.starts_at_ms.max(now_ms);
        let mut changed = vec![Silence { id: new_id, spec, updated_at_ms: now_ms }];
        changed.extend(
            old.filter(|old| old.spec.state(now_ms) != SilenceState::Expired).map(|old| ended(old, now_ms)),
        );
        Ok(changed)
    }

    /// What ending a silence now comes to: one that is over stays as it is. Nothing is changed yet.
    pub fn plan_end(&self, id: SilenceId, now_ms: i64) -> Result<Silence, SilenceError> {
        let silence = self.by_id.get(&id).ok_or(SilenceError::NotFound(id))?;
        let is_over = silence.spec.state(now_ms) == SilenceState::Expired;
        Ok(if is_over { silence.clone() } else { ended(silence, now_ms) })
    }

    /// Makes a silence or changes one, as [`plan`](Self::plan) says.
    pub fn set(
        &mut self,
        of: Option<SilenceId>,
        spec: SilenceSpec,
        new_id: SilenceId,
        now_ms: i64,
    ) -> Result<Vec<Silence>, SilenceError> {
        let changed = self.plan(of, spec, new_id, now_ms)?;
        self.put(changed.iter().cloned());
        Ok(changed)
    }

    /// Ends a silence now.
    pub fn expire(&mut self, id: SilenceId, now_ms: i64) -> Result<Silence, SilenceError> {
        let ended = self.plan_end(id, now_ms)?;
        self.put([ended.clone()]);
        Ok(ended)
    }

    /// Forgets silences that have been over for long. Returns their ids.
    pub fn forget_expired(&mut self, now_ms: i64) -> Vec<SilenceId> {
        let old: Vec<SilenceId> =
            self.iter().filter(|it| it.spec.ends_at_ms + RETENTION_MS < now_ms).map(|it| it.id).collect();
        for id in &old {
            self.by_id.remove(id);
        }
        old
    }
}

/// The silence, but over now.
fn ended(silence: &Silence, now_ms: i64) -> Silence {
    let mut spec = silence.spec.clone();
    spec.starts_at_ms = spec.starts_at_ms.min(now_ms);
    spec.ends_at_ms = now_ms;
    Silence { id: silence.id, spec, updated_at_ms: now_ms }
}

/// Whether a silence may become the other one and stay itself.
fn may_change(old: &SilenceSpec, new: &SilenceSpec, now_ms: i64) -> bool {
    let same_matchers = old.matchers == new.matchers;
    match old.state(now_ms) {
        SilenceState::Active => {
            same_matchers && old.starts_at_ms == new.starts_at_ms && new.ends_at_ms >= now_ms
        }
        SilenceState::Pending => same_matchers && new.starts_at_ms >= now_ms,
        SilenceState::Expired => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matcher::MatcherSyntax;

    const HOUR_MS: i64 = 3_600_000;

    fn spec(matchers: &str, starts_at_ms: i64, ends_at_ms: i64) -> SilenceSpec {
        SilenceSpec {
            matchers: MatcherSyntax::Utf8.parse(matchers).expect("valid"),
            starts_at_ms,
            ends_at_ms,
            created_by: "ann".to_owned(),
            comment: "upgrade".to_owned(),
            annotations: BTreeMap::new(),
            mute: Mute::All,
            recurs: None,
        }
    }

    fn id(n: u128) -> SilenceId {
        SilenceId::from_random(n)
    }

    fn silenced(silences: &Silences, now_ms: i64) -> Vec<SilenceId> {
        silences.silencing(&Labels::from_pairs([("job", "db")]), now_ms).collect()
    }

    #[test]
    fn ids_are_uuids() {
        let id = SilenceId::from_random(u128::MAX);
        assert_eq!(id.to_string(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(id.to_string().parse(), Ok(id));
        for text in ["", "ffffffffffff4fffbfffffffffffffff", "ffffffff-ffff-4fff-bfff-fffffffffffg"] {
            assert!(text.parse::<SilenceId>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_silence_holds_from_its_beginning_to_its_end() {
        let mut silences = Silences::default();
        silences.set(None, spec("job=~\"d.\"", 10, 20), id(1), 0).expect("valid");
        assert_eq!([9, 10, 19, 20].map(|now| silenced(&silences, now).len()), [0, 1, 1, 0]);
        let states = [9, 10, 20].map(|now| silences.get(id(1)).expect("there").spec.state(now).as_str());
        assert_eq!(states, ["pending", "active", "expired"]);
    }

    #[test]
    fn what_has_begun_is_not_rewritten() {
        let mut silences = Silences::default();
        silences.set(None, spec("job=db", 0, HOUR_MS), id(1), 0).expect("valid");
        let longer = silences.set(Some(id(1)), spec("job=db", 0, 2 * HOUR_MS), id(2), 5).expect("longer");
        assert_eq!(longer.iter().map(|it| it.id).collect::<Vec<_>>(), [id(1)]);
        let wider =
            silences.set(Some(id(1)), spec("job=~\"d.*\"", 0, 2 * HOUR_MS), id(3), 10).expect("wider");
        assert_eq!(
            wider.iter().map(|it| (it.id, it.spec.ends_at_ms)).collect::<Vec<_>>(),
            [(id(3), 2 * HOUR_MS), (id(1), 10)]
        );
        assert_eq!(silences.get(id(3)).expect("there").spec.starts_at_ms, 10);
        assert_eq!(silences.expire(id(1), 11).expect("over").spec.ends_at_ms, 10, "its end stays");
        assert_eq!(silences.expire(id(3), 11).expect("active").spec.ends_at_ms, 11);
        let again = silences.set(Some(id(3)), spec("job=db", 20, HOUR_MS), id(4), 15).expect("made again");
        assert_eq!(again.iter().map(|it| it.id).collect::<Vec<_>>(), [id(4)]);
        assert_eq!(
            silences.set(Some(id(9)), spec("job=db", 20, HOUR_MS), id(5), 15),
            Err(SilenceError::NotFound(id(9)))
        );
    }

    #[test]
    fn what_would_silence_all_or_nothing_is_refused() {
        let mut silences =
            Silences::new(SilencePolicy { max_count: 1, max_bytes: 100, ..SilencePolicy::default() });
        let mut refusal =
            |spec: SilenceSpec| silences.set(None, spec, id(1), 5).map(|_| ()).map_err(|e| e.to_string());
        let refused = |text: &str| Err(text.to_owned());
        assert_eq!(refusal(spec("{}", 0, 9)), refused("at least one matcher required"));
        assert_eq!(
            refusal(spec("job=~\".*\"", 0, 9)),
            refused("at least one matcher must not match the empty string")
        );
        let mut others = Silences::new(SilencePolicy::default());
        assert!(others.set(None, spec("job!~\"a|b\"", 0, 9), id(1), 5).is_ok());
        assert_eq!(refusal(spec("job=a", 9, 9)), refused("start time must be before end time"));
        assert_eq!(refusal(spec("job=a", 0, 5)), refused("end time can't be in the past"));
        let nobody = SilenceSpec { created_by: String::new(), ..spec("job=a", 0, 9) };
        assert_eq!(refusal(nobody), refused("createdBy must not be empty"));
        let long = SilenceSpec { comment: "x".repeat(100), ..spec("job=a", 0, 9) };
        assert_eq!(refusal(long), refused("silence exceeded maximum size: 107 bytes (limit: 100 bytes)"));
        assert_eq!(refusal(spec("job=a", 0, 9)), Ok(()));
        assert_eq!(
            refusal(spec("job=a", 0, 9)),
            refused("exceeded maximum number of silences: 1 (limit: 1)")
        );
    }

    #[test]
    fn a_recurring_silence_holds_at_its_times() {
        let mut silences = Silences::default();
        let recurs =
            Recurrence::parse("[{times: [{start_time: '01:00', end_time: '02:00'}]}]").expect("valid");
        let spec = SilenceSpec { recurs: Some(recurs), ..spec("job=db", 0, 30 * HOUR_MS) };
        silences.set(None, spec, id(1), 0).expect("valid");
        let hours: Vec<i64> =
            (0..40).filter(|hour| !silenced(&silences, hour * HOUR_MS).is_empty()).collect();
        assert_eq!(hours, [1, 25]);
        assert_eq!(silences.get(id(1)).expect("there").spec.state(0), SilenceState::Active);
        let refusal = |text: &str| Recurrence::parse(text).expect_err("refused").to_string();
        assert!(refusal("[{weekdays: [someday]}]").contains("someday is not a valid weekday"));
        assert!(refusal("[]").contains("at least one time"));
    }

    #[test]
    fn policies_hold_for_new_silences() {
        let comment = CommentPattern::new("[A-Z]+-[0-9]+").expect("valid");
        let mut silences = Silences::default();
        silences.set(None, spec("job=db", 0, 50 * HOUR_MS), id(1), 0).expect("no policy yet");
        let max_duration_ms = Some(2 * HOUR_MS);
        silences.set_policy(SilencePolicy {
            max_duration_ms,
            comment: Some(comment),
            ..SilencePolicy::default()
        });
        let why =
            |spec: SilenceSpec| silences.plan(None, spec, id(2), 0).map(|_| ()).map_err(|e| e.to_string());
        let ticket =
            |hours| SilenceSpec { comment: "see\nOPS-12.".to_owned(), ..spec("job=db", 0, hours * HOUR_MS) };
        assert_eq!(why(ticket(2)), Ok(()));
        let too_long = why(ticket(3)).expect_err("too long");
        assert!(too_long.contains("not last longer than 2h"), "{too_long}");
        let no_ticket = why(spec("job=db", 0, HOUR_MS)).expect_err("no ticket");
        assert!(no_ticket.contains("must contain what \"[A-Z]+-[0-9]+\" matches"), "{no_ticket}");
    }

    #[test]
    fn old_silences_are_forgotten() {
        let mut silences = Silences::default();
        silences.set(None, spec("job=db", 0, 10), id(1), 0).expect("valid");
        assert_eq!(silences.forget_expired(10 + RETENTION_MS), []);
        assert_eq!(silences.forget_expired(11 + RETENTION_MS), [id(1)]);
        assert_eq!(silences.iter().count(), 0);
    }
}
