use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use bellwether_yaml::Errors;

/// Why a section of the whole program is refused. The sentences are those of Prometheus.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SectionError {
    /// A pattern with a star before the last segment.
    #[error("invalid {kind} file path {path:?}")]
    FilePattern {
        /// `rule`, `scrape config`, `pack` or `objectives`.
        kind: &'static str,
        /// The pattern.
        path: String,
    },
    /// A file with a pack that does not exist.
    #[error("pack {path} does not exist")]
    NoSuchPack {
        /// The file.
        path: String,
    },
    /// A file for the Alertmanager in this program that does not exist.
    #[error("alertmanager configuration {path} does not exist")]
    NoAlertmanagerFile {
        /// The file.
        path: String,
    },
    /// Something else than a file or its content.
    #[error("alertmanager must be the name of an alertmanager.yml, or what would stand in it")]
    AlertmanagerKind,
    /// Two packs of the same name.
    #[error("pack {name:?} is already in {first}")]
    DuplicatePack {
        /// The name.
        name: String,
        /// The file with the other one.
        first: String,
    },
    /// A file with objectives that does not exist.
    #[error("file of objectives {path} does not exist")]
    NoSuchObjectives {
        /// The file.
        path: String,
    },
    /// Two objectives of the same name.
    #[error("the objective {id:?} is already in {first}; give one of them another name or service")]
    DuplicateObjective {
        /// The name with that of the service.
        id: String,
        /// Where the other one is.
        first: String,
    },
    /// Two jobs of the same name.
    #[error("found multiple scrape configs with job name {name:?}, first found in {first}")]
    DuplicateJob {
        /// The name.
        name: String,
        /// Where the first one is.
        first: String,
    },
    /// Two remote sections of the same name.
    #[error("found multiple {kind} configs with job name {name:?}")]
    DuplicateRemote {
        /// `remote write` or `remote read`.
        kind: &'static str,
        /// The name.
        name: String,
    },
    /// A section that an agent does not have.
    #[error("field {0} is not allowed in agent mode")]
    NotInAgentMode(&'static str),
    /// A label name that is none, in quotes.
    #[error("{0} is not a valid label name")]
    LabelName(String),
    /// A label value that is none, in quotes.
    #[error("{0} is not a valid label value")]
    LabelValue(String),
    /// A version of Alertmanager's interface that is gone.
    #[error("expected Alertmanager api version to be one of [v2] but got {0}")]
    AlertmanagerVersion(String),
    /// Two ways to prove who is asking.
    #[error("at most one of basic_auth, authorization, oauth2, & sigv4 must be configured")]
    SeveralCredentials,
    /// A setting that is out of range.
    #[error("'{field}' must be {range}")]
    OutOfRange {
        /// The full name of the field.
        field: &'static str,
        /// What it must be.
        range: &'static str,
    },
    /// A tenant without a name among those that are named.
    #[error("a tenant needs a name; the limits of the others stand beside \"tenants\"")]
    NamelessTenant,
    /// An encoding that does not exist.
    #[error(
        "'storage.tsdb.chunk_encoding.floats' must be 'xor' or 'xor2', or the field must be omitted entirely, got {0:?}"
    )]
    FloatEncoding(String),
    /// A protocol for traces that does not exist.
    #[error("expected tracing client type to be to be http or grpc, but got {0}")]
    TracingClient(String),
    /// No endpoint for traces.
    #[error("tracing endpoint must be set")]
    NoTracingEndpoint,
    /// A compression that does not exist.
    #[error("invalid compression type {0} provided, valid options: gzip")]
    TracingCompression(String),
}

/// All problems of a configuration, with the texts of the files for showing the lines.
///
/// Displayed one per line, as `FILE:LINE:COLUMN: sentence; remedy`.
#[derive(Debug)]
pub struct ConfigErrors {
    pub(super) errors: Errors,
    pub(super) texts: BTreeMap<String, Arc<str>>,
}

impl ConfigErrors {
    /// The problems.
    pub fn errors(&self) -> &Errors {
        &self.errors
    }

    /// The texts of the files, by name.
    pub fn into_texts(self) -> impl Iterator<Item = (String, String)> {
        self.texts.into_iter().map(|(name, text)| (name, text.to_string()))
    }

    /// The problems with the lines where they are, for a terminal. The lines may hold secrets, so this is neither for logs nor for
    /// the network.
    pub fn with_excerpts(&self) -> String {
        let shown: Vec<String> = self
            .errors
            .iter()
            .map(|error| match self.texts.get(error.source_name()) {
                Some(text) => error.excerpt(text),
                None => error.to_string(),
            })
            .collect();
        shown.join("\n\n")
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.errors.fmt(f)
    }
}

impl std::error::Error for ConfigErrors {}
