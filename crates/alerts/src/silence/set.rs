use std::collections::BTreeMap;

use bellwether_model::Labels;

use super::{Silence, SilenceError, SilenceId, SilencePolicy, SilenceSpec, SilenceState};

/// A silence that is over can be looked at and made again for so long, in milliseconds.
pub const RETENTION_MS: i64 = 120 * 3_600_000;

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
            if old.spec.state(now_ms) == SilenceState::Active {
                spec.starts_at_ms = old.spec.starts_at_ms;
            }
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
    // Clients that write times without fractions mean the beginning that there is.
    let second = |ts_ms: i64| ts_ms.div_euclid(1000);
    match old.state(now_ms) {
        SilenceState::Active => {
            same_matchers && second(old.starts_at_ms) == second(new.starts_at_ms) && new.ends_at_ms >= now_ms
        }
        SilenceState::Pending => same_matchers && new.starts_at_ms >= now_ms,
        SilenceState::Expired => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matcher::MatcherSyntax;
    use crate::silence::{CommentPattern, Mute};
    use crate::time_interval::Recurrence;

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
        let mut fractions = Silences::default();
        fractions.set(None, spec("job=db", 1_234, HOUR_MS), id(1), 0).expect("valid");
        let whole_seconds = fractions.set(Some(id(1)), spec("job=db", 1_000, 2 * HOUR_MS), id(2), 5_000);
        let changed = whole_seconds.expect("longer").remove(0);
        assert_eq!((changed.id, changed.spec.starts_at_ms), (id(1), 1_234), "it is the same beginning");
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
