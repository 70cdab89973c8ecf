use super::protocol::{ScrapeProtocol, go_list};

/// Why a scrape configuration is refused. The sentences are those of Prometheus.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScrapeConfigError {
    /// No job name.
    #[error("job_name is empty")]
    EmptyJobName,
    /// A timeout that would outlast the interval.
    #[error("scrape timeout greater than scrape interval for scrape config with job name {0:?}")]
    TimeoutAboveInterval(String),
    /// The same in the `global` section.
    #[error("global scrape timeout greater than scrape interval")]
    GlobalTimeoutAboveInterval,
    /// An empty list of protocols.
    #[error("scrape_protocols cannot be empty for {0}")]
    NoProtocols(Scope),
    /// A protocol that is listed twice.
    #[error("duplicated protocol in scrape_protocols, got {} for {scope}", go_list(.names))]
    DuplicateProtocol {
        /// All that is listed.
        names: Vec<String>,
        /// Where.
        scope: Scope,
    },
    /// A protocol that does not exist.
    #[error("scrape_protocols: {} for {scope}", UnknownProtocol(.name))]
    UnknownProtocol {
        /// What is listed.
        name: String,
        /// Where.
        scope: Scope,
    },
    /// A fallback protocol that does not exist.
    #[error(
        "invalid fallback_scrape_protocol for scrape config with job name {job:?}: {}",
        UnknownProtocol(.name)
    )]
    UnknownFallback {
        /// What is given.
        name: String,
        /// The job.
        job: String,
    },
    /// A validation scheme that does not exist.
    #[error("unrecognized ValidationScheme: {0:?}")]
    UnknownValidationScheme(String),
    /// An escaping scheme that does not exist.
    #[error(
        "unknown {level} name escaping method specified, must be one of 'allow-utf-8', 'underscores', 'dots', or 'values', got {name:?}"
    )]
    UnknownEscapingScheme {
        /// `global` or `scrape config`.
        level: &'static str,
        /// What is given.
        name: String,
    },
    /// UTF-8 names are asked for and would be refused.
    #[error("utf8 metric names requested but validation scheme is not set to UTF8")]
    EscapingConflict,
    /// A URL where a host is expected.
    #[error("{0:?} is not a valid hostname")]
    NotAHost(String),
    /// A number that is not in its range.
    #[error("{field} must not be negative, got {value}")]
    Negative {
        /// The field.
        field: &'static str,
        /// What is given.
        value: String,
    },
}

/// What a list of protocols belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// The `global` section.
    Global,
    /// The job of this name.
    Job(String),
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Global => f.write_str("global config"),
            Self::Job(job) => write!(f, "scrape config with job name {job:?}"),
        }
    }
}

/// The sentence about a protocol that does not exist.
struct UnknownProtocol<'a>(&'a str);

impl std::fmt::Display for UnknownProtocol<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let supported = ScrapeProtocol::BY_NAME.map(ScrapeProtocol::as_str);
        write!(f, "unknown scrape protocol {}, supported: {}", self.0, go_list(&supported))
    }
}

/// Why a discovery section is refused. The sentences are those of Prometheus.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DiscoveryError {
    /// A sentence about one mechanism that needs no value from the file.
    #[error("{0}")]
    Mechanism(&'static str),
    /// A sentence about one mechanism.
    #[error("{0}")]
    MechanismValue(String),
    /// An element that is `null`.
    #[error("empty or null section in {0}")]
    NullSection(&'static str),
    /// A file name that discovery cannot read.
    #[error("path name {0:?} is not valid for file discovery")]
    FileName(String),
    /// A kind of DNS record that is not supported.
    #[error("invalid DNS-SD records type {0}")]
    DnsType(String),
    /// A role of Kubernetes objects that does not exist.
    #[error("unknown Kubernetes SD role {0:?}")]
    KubernetesRole(String),
    /// Two selectors for one role.
    #[error("duplicated selector role: {0}")]
    DuplicateSelector(&'static str),
    /// A selector for objects that the role does not look at.
    #[error("{role} role supports only {allowed} selectors")]
    SelectorRole {
        /// The role of the section.
        role: &'static str,
        /// The roles that selectors may have.
        allowed: String,
    },
    /// A selector that Kubernetes would not understand.
    #[error(transparent)]
    Selector(#[from] super::selector::SelectorError),
    /// A label name that is none.
    #[error("{0} is not a valid label name")]
    LabelName(String),
    /// An element of a target file that is `null`.
    #[error("nil target group item found")]
    NullTargetGroup,
    /// A file whose name says neither YAML nor JSON.
    #[error("target file must end in .json, .yml or .yaml")]
    TargetFileName,
}
