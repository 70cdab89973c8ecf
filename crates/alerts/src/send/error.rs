use std::time::Duration;

use ::http::StatusCode;
use bellwether_outbound::OutboundError;

use super::AT_ONCE_MAX;
use super::mail::MailError;

/// Why nobody was told.
#[derive(Debug, thiserror::Error)]
#[error("{}{last}", tried(*attempts))]
pub struct SendError {
    /// How often it was tried.
    pub attempts: u32,
    /// What went wrong at last.
    #[source]
    pub last: AttemptError,
}

fn tried(attempts: u32) -> String {
    if attempts == 0 { String::new() } else { format!("{attempts} attempts, the last one: ") }
}

/// Why an attempt failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AttemptError {
    /// No answer came.
    #[error(transparent)]
    Outbound(#[from] OutboundError),
    /// The service refused it.
    #[error("the service answered {status}{}{answer}", if answer.is_empty() { "" } else { ": " })]
    Refused {
        /// The status.
        status: StatusCode,
        /// The beginning of what it said.
        answer: String,
        /// How long it wants to be left alone.
        retry_after: Option<Duration>,
        /// Whether it says that another attempt may go better.
        may_pass: bool,
    },
    /// The request cannot be made.
    #[error("{0}")]
    Request(&'static str),
    /// The mail was not taken.
    #[error(transparent)]
    Mail(#[from] MailError),
    /// It was not tried, because the service fails all the time.
    #[error("not tried, because the last attempts failed: {0}")]
    CircuitOpen(String),
    /// It was not tried, because the receiver was told too much already.
    #[error("not tried: the receiver gets no more messages per minute (max_per_minute)")]
    RateLimited,
    /// It was not tried, because its turn did not come.
    #[error("not tried: {AT_ONCE_MAX} other messages to the receiver were under way all the time")]
    Crowded,
}

/// Why somebody was not told, as Alertmanager counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FailureReason {
    /// The service refused the message.
    ClientError,
    /// The service failed.
    ServerError,
    /// Something newer was to be told, or the configuration changed.
    ContextCanceled,
    /// There was no time left.
    ContextDeadlineExceeded,
    /// Something else.
    Other,
}

impl FailureReason {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::ClientError,
        Self::ServerError,
        Self::ContextCanceled,
        Self::ContextDeadlineExceeded,
        Self::Other,
    ];

    /// The name in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ClientError => "clientError",
            Self::ServerError => "serverError",
            Self::ContextCanceled => "contextCanceled",
            Self::ContextDeadlineExceeded => "contextDeadlineExceeded",
            Self::Other => "other",
        }
    }
}

impl AttemptError {
    /// Whether another attempt may go better: connections that break, servers that fail or have too much to do.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Outbound(_) | Self::CircuitOpen(_) | Self::RateLimited | Self::Crowded => true,
            Self::Refused { may_pass, .. } => *may_pass,
            Self::Mail(error) => error.may_pass(),
            Self::Request(_) => false,
        }
    }

    /// Whether the service is there and said this itself.
    pub(super) fn is_answer(&self) -> bool {
        matches!(self, Self::Refused { .. } | Self::Mail(MailError::Refused { .. } | MailError::Smtp(_)))
    }

    /// As what a failure for good is counted.
    pub(crate) fn reason(&self) -> FailureReason {
        match self {
            Self::Refused { status, .. } if status.is_server_error() => FailureReason::ServerError,
            // Some services refuse a message with a status that says that all is well.
            Self::Refused { status, .. } if status.is_client_error() || status.is_success() => {
                FailureReason::ClientError
            }
            Self::Outbound(error) if error.is_deadline() => FailureReason::ContextDeadlineExceeded,
            Self::Mail(MailError::Deadline) | Self::RateLimited | Self::Crowded => {
                FailureReason::ContextDeadlineExceeded
            }
            _ => FailureReason::Other,
        }
    }

    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Whether the service does not know a message any more that is to be changed or answered.
    pub(crate) fn has_lost_message(&self) -> bool {
        match self {
            Self::Refused { answer, .. } => {
                ["message_not_found", "cant_update_message", "edit_window_closed", "thread_not_found"]
                    .iter()
                    .any(|error| answer.contains(error))
            }
            _ => false,
        }
    }
}
