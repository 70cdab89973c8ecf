/// Why a section about other servers is refused. The sentences are those of Prometheus.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WireConfigError {
    /// No URL.
    #[error("url for {0} is empty")]
    EmptyUrl(&'static str),
    /// A header that only the credentials may set.
    #[error(
        "authorization header must be changed via the basic_auth, authorization, oauth2, sigv4, azuread or google_iam parameter"
    )]
    AuthorizationHeader,
    /// The same for the traces of the server itself, which have no credentials.
    #[error("custom authorization header configuration is not yet supported")]
    TracingAuthorizationHeader,
    /// A header that is always set.
    #[error("{0} is a reserved header. It must not be changed")]
    ReservedHeader(String),
    /// A message that does not exist.
    #[error(
        "invalid protobuf_message value: unknown type for remote write protobuf message {0}, supported: prometheus.WriteRequest, io.prometheus.write.v2.Request"
    )]
    UnknownMessage(String),
    /// More than one way to prove who is writing.
    #[error(
        "at most one of basic_auth, authorization, oauth2, sigv4, azuread or google_iam must be configured. Currently configured: [{}]",
        .0.join(" ")
    )]
    SeveralCredentials(Vec<&'static str>),
    /// A number that must be above zero.
    #[error("remote write queue {0} must be positive")]
    QueueNotPositive(&'static str),
    /// Two numbers in the wrong order.
    #[error("remote write queue {0} must not be less than {1}")]
    QueueOrder(&'static str, &'static str),
    /// Both ways of promoting attributes.
    #[error(
        "'promote_all_resource_attributes' and 'promote_resource_attributes' cannot be configured simultaneously"
    )]
    PromoteAllAndSome,
    /// Attributes to ignore where none would be promoted.
    #[error(
        "'ignore_resource_attributes' cannot be configured unless 'promote_all_resource_attributes' is true"
    )]
    IgnoreWithoutPromoteAll,
    /// Attributes that are empty or listed twice.
    #[error("invalid '{field}': {}", .problems.join("; "))]
    Attributes {
        /// The list.
        field: &'static str,
        /// What is wrong with it.
        problems: Vec<String>,
    },
    /// A strategy that does not exist.
    #[error("unsupported OTLP translation strategy {0:?}")]
    UnknownStrategy(String),
    /// A strategy that makes names which the validation scheme refuses.
    #[error("OTLP translation strategy {0:?} is not allowed when UTF8 is disabled")]
    StrategyNeedsUtf8(&'static str),
    /// A label name that is none.
    #[error("{0:?} is not a valid label name")]
    LabelName(String),
}
