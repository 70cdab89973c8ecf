use crate::matcher::MatcherError;

/// Why a configuration is refused. The sentences are those of Alertmanager.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// No `route`.
    #[error("no routes provided")]
    NoRoutes,
    /// The root says not who is told.
    #[error("root route must specify a default receiver")]
    NoDefaultReceiver,
    /// Something that the root cannot have, because all alerts come by it.
    #[error("root route must not have any {0}")]
    Root(&'static str),
    /// `continue` at the root.
    #[error("cannot have continue in root route")]
    RootContinues,
    /// A dash with nothing behind it.
    #[error("empty or null route")]
    EmptyRoute,
    /// Two receivers of one name.
    #[error("notification config name {0:?} is not unique")]
    RepeatedReceiver(String),
    /// Two lists of times of one name.
    #[error("{what} {name:?} is not unique")]
    RepeatedInterval {
        /// Which list.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// A route names a receiver that does not exist.
    #[error("undefined receiver {0:?} used in route")]
    UnknownReceiver(String),
    /// A receiver of the section `bellwether` that does not exist.
    #[error("undefined receiver {0:?} in bellwether.receivers")]
    UnknownExtended(String),
    /// A route names times that do not exist.
    #[error("undefined time interval {0:?} used in route")]
    UnknownInterval(String),
    /// `...` beside other labels.
    #[error("cannot have wildcard group_by (`...`) and other labels at the same time")]
    GroupByAllAndLabels,
    /// A label twice in a list.
    #[error("duplicated label {0:?} in group_by")]
    RepeatedGroupBy(String),
    /// Not the name of a label.
    #[error("invalid label name {name:?} in {place}")]
    LabelName {
        /// What was written.
        name: String,
        /// Where.
        place: &'static str,
    },
    /// Waiting no time at all.
    #[error("{0} cannot be zero")]
    Zero(&'static str),
    /// Matchers that cannot be read.
    #[error("{0}")]
    Matcher(#[from] MatcherError),
    /// A pattern that is missing.
    #[error("missing regular expression for label {0:?}")]
    NoPattern(String),
    /// An inhibition without a side would mute everything, or by anything.
    #[error("inhibit rule must have {0}")]
    InhibitSide(&'static str),
    /// A receiver's own label says something else than its name.
    #[error("receiver label \"name\" must match receiver name {name:?}, got {label:?}")]
    ReceiverLabel {
        /// The name.
        name: String,
        /// The label.
        label: String,
    },
    /// Something that must be there.
    #[error("missing {0}")]
    Missing(&'static str),
    /// Something that must be there for the integration or for all.
    #[error("no {0}")]
    NotSet(&'static str),
    /// Fields that exclude each other.
    #[error("at most one of {0} must be configured")]
    AtMostOne(&'static str),
    /// Neither of two fields.
    #[error("one of {0} must be configured")]
    OneOf(&'static str),
    /// Not the name of a header.
    #[error("{0:?} is not the name of a header: it has letters, digits and hyphens")]
    HeaderName(String),
    /// A header of a mail that is written twice, in capitals or not.
    #[error("duplicate header {0:?} in email config")]
    RepeatedHeader(String),
    /// Not `host:port`.
    #[error("address {0:?}: cannot be empty and needs a host and a port")]
    HostPort(String),
    /// A message of a hook cannot be changed or answered later.
    #[error(
        "{0} can only be used with bot tokens. api_url must be set to https://slack.com/api/chat.postMessage"
    )]
    NeedsBot(&'static str),
    /// A field of our choice with the name of a field that exists.
    #[error(
        "victorOps config contains custom field {0} which cannot be used as it conflicts with the fixed/static fields"
    )]
    VictorOpsField(String),
    /// Not a URL.
    #[error("{0}")]
    Url(String),
    /// A URL of another scheme.
    #[error("unsupported scheme {0:?} for URL")]
    Scheme(String),
    /// A URL without a host.
    #[error("missing host for URL")]
    NoHost,
    /// A URL that holds a template which cannot be read.
    #[error("invalid template syntax: {0}")]
    Template(String),
    /// A value that is not one of a few.
    #[error("unknown {what} {got:?}, must be {want}")]
    Unknown {
        /// What it is.
        what: &'static str,
        /// What was written.
        got: String,
        /// What would be right.
        want: &'static str,
    },
}
