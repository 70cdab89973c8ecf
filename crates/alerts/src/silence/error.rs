use super::SilenceId;

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
