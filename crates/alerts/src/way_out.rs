//! From what is to be told to a service that has taken it: the messages and senders of one configuration.

use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether_outbound::{ClientConfigError, ClientOptions};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout_at};

use crate::config::{Config, Integration, IntegrationId, IntegrationKind, Receiver};
use crate::message::{Message, MessageError, Notification, Posted, Templates, messages};
use crate::notification::Status;
use crate::send::{Backoff, Circuit, FailureReason, Place, RateLimit, SendError, Sender};

/// What makes and sends messages, of one configuration.
#[derive(Debug)]
pub struct WayOut {
    templates: Templates,
    /// By receiver and the place of the integration in it.
    senders: BTreeMap<String, Vec<(Arc<Integration>, Sender)>>,
}

/// What came of telling somebody.
#[derive(Debug)]
pub struct Told {
    /// What was sent, or should have been.
    pub messages: Vec<Message>,
    /// How often it was tried.
    pub attempts: u32,
    /// The message that the group has in the service now, if that lets messages be changed or answered; or why nobody was told.
    pub result: Result<Option<Posted>, DeliveryError>,
}

/// Why somebody was not told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeliveryError {
    /// There is no message.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// It was not taken.
    #[error(transparent)]
    Send(#[from] SendError),
    /// The configuration has changed since, and nobody waits for it.
    #[error("the receiver is not in the configuration any more")]
    NoReceiver,
    /// There was no message in time: a file with a secret may lie on a network that hangs.
    #[error("the message was not made in time")]
    Late,
    /// It was not taken in time.
    #[error("given up, because something newer is to be told")]
    Superseded,
}

/// An integration to which nothing can be sent: the certificates, the proxy or the headers of its section for requests cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("receiver {receiver:?} cannot be told by {integration}: {source}")]
pub struct UnusableIntegration {
    /// The name of the receiver.
    pub receiver: String,
    /// Which of its integrations it is.
    pub integration: IntegrationId,
    /// What is wrong.
    #[source]
    pub source: ClientConfigError,
}

/// The integrations to which nothing can be sent as things are. Certificates are read, which blocks.
pub fn unusable(config: &Config, options: &ClientOptions) -> Vec<UnusableIntegration> {
    let all = config.receivers.iter().flat_map(|receiver| {
        receiver.integrations_by_id().map(move |(id, integration)| (receiver, id, integration))
    });
    all.filter_map(|(receiver, id, integration)| {
        sender(receiver, id, integration, options, Backoff::default()).err()
    })
    .collect()
}

fn sender(
    receiver: &Receiver,
    id: IntegrationId,
    integration: &Integration,
    options: &ClientOptions,
    backoff: Backoff,
) -> Result<Sender, UnusableIntegration> {
    Sender::new(integration, options, backoff).map_err(|source| UnusableIntegration {
        receiver: receiver.name.clone(),
        integration: id,
        source,
    })
}

impl DeliveryError {
    /// As what it is counted.
    pub(crate) fn reason(&self) -> FailureReason {
        match self {
            Self::Send(error) => error.last.reason(),
            Self::Late => FailureReason::ContextDeadlineExceeded,
            Self::NoReceiver | Self::Superseded => FailureReason::ContextCanceled,
            Self::Message(_) => FailureReason::Other,
        }
    }
}

impl WayOut {
    /// Senders for all integrations of all receivers. Certificates are read now, which blocks.
    pub fn new(
        config: &Config,
        templates: Templates,
        options: &ClientOptions,
        backoff: Backoff,
    ) -> Result<Self, UnusableIntegration> {
        let mut senders = BTreeMap::new();
        for receiver in &config.receivers {
            let max_per_minute = config.extensions.receiver(&receiver.name).max_per_minute;
            let limit = (max_per_minute > 0).then(|| Arc::new(RateLimit::new(max_per_minute)));
            let mut of_receiver = Vec::with_capacity(receiver.integrations.len());
            for (id, integration) in receiver.integrations_by_id() {
                let sender = sender(receiver, id, integration, options, backoff)?;
                let sender = sender.with_rate_limit(limit.clone());
                of_receiver.push((Arc::new(integration.clone()), sender));
            }
            senders.insert(receiver.name.clone(), of_receiver);
        }
        Ok(Self { templates, senders })
    }

    /// The same with what `before` knows of services: whether those fail to which messages go in the same way, and how many messages receivers got whose limit is the same.
    #[must_use]
    pub fn continuing(self, before: &Self) -> Self {
        let go_on = |(name, ways): (String, Vec<(Arc<Integration>, Sender)>)| {
            let old = before.receiver(&name).unwrap_or_default();
            let old_limit = old.first().and_then(|(_, old)| old.rate_limit());
            let go_on = |(integration, mut sender): (Arc<Integration>, Sender)| {
                if let (Some(limit), Some(old_limit)) = (sender.rate_limit(), old_limit)
                    && limit.per_minute() == old_limit.per_minute()
                {
                    sender = sender.with_rate_limit(Some(Arc::clone(old_limit)));
                }
                if let Some((_, old)) = old.iter().find(|(known, _)| *known == integration) {
                    sender = sender.continuing(old);
                }
                (integration, sender)
            };
            (name, ways.into_iter().map(go_on).collect())
        };
        Self { senders: self.senders.into_iter().map(go_on).collect(), ..self }
    }

    /// The templates of the configuration.
    pub fn templates(&self) -> &Templates {
        &self.templates
    }

    /// The integrations of a receiver with what sends their messages; `None` if there is no such receiver.
    pub fn receiver(&self, name: &str) -> Option<&[(Arc<Integration>, Sender)]> {
        self.senders.get(name).map(Vec::as_slice)
    }

    /// Whether messages go to the service of an integration; `None` if there is no such integration.
    pub fn circuit(&self, receiver: &str, kind: &str, nth: usize) -> Option<Circuit> {
        self.way(receiver, kind, nth).map(|(_, sender)| sender.circuit())
    }

    fn way(&self, receiver: &str, kind: &str, nth: usize) -> Option<&(Arc<Integration>, Sender)> {
        self.receiver(receiver)?.iter().filter(|(integration, _)| integration.kind.name() == kind).nth(nth)
    }

    /// Tells an integration of a receiver, until `deadline` at most. `since_ms` is since when it is to be told, in milliseconds since the Unix epoch. `jitter` is asked for a number from 0 to 1 before each wait.
    pub async fn tell(
        &self,
        (receiver, integration): (&str, &IntegrationId),
        notification: &Notification<'_>,
        since_ms: i64,
        deadline: Instant,
        jitter: impl FnMut() -> f64 + Copy,
    ) -> Told {
        let Some((integration, sender)) = self.way(receiver, &integration.kind, integration.nth) else {
            return Told { messages: Vec::new(), attempts: 0, result: Err(DeliveryError::NoReceiver) };
        };
        let told = tell(integration, sender, notification, (since_ms, deadline), jitter).await;
        match &told.result {
            Err(DeliveryError::Send(error))
                if notification.posted.is_some() && error.last.has_lost_message() =>
            {
                // Somebody has removed the message. There is a new one then.
                let anew = Notification { posted: None, ..notification.clone() };
                tell(integration, sender, &anew, (since_ms, deadline), jitter).await
            }
            _ => told,
        }
    }
}

/// Makes messages on a thread where that may take its time: templates go through many alerts, and files with secrets may lie on a network that hangs. The place is taken until then, even
/// if nobody waits any more, so that no receiver takes the threads of others.
pub(crate) async fn make_messages(
    integration: &Arc<Integration>,
    notification: &Notification<'_>,
    place: Place,
) -> Result<(Vec<Message>, Place), MessageError> {
    let (integration, notification) = (Arc::clone(integration), notification.clone());
    let (templates, group_key) = (notification.templates.clone(), notification.group_key.to_owned());
    let idempotency_key = notification.idempotency_key.to_owned();
    let Notification { data, reason, posted, .. } = notification;
    let made = spawn_blocking(move || {
        let (group_key, idempotency_key) = (group_key.as_str(), idempotency_key.as_str());
        let notification =
            Notification { data, group_key, idempotency_key, reason, templates: &templates, posted };
        Ok((messages(&integration, &notification)?, place))
    });
    made.await.expect("BUG: making messages does not panic")
}

async fn tell(
    integration: &Arc<Integration>,
    sender: &Sender,
    notification: &Notification<'_>,
    (since_ms, deadline): (i64, Instant),
    jitter: impl FnMut() -> f64,
) -> Told {
    let nothing_sent = |error| Told { messages: Vec::new(), attempts: 0, result: Err(error) };
    let place = match sender.enter(since_ms, deadline).await {
        Ok(place) => place,
        Err(last) => return nothing_sent(SendError { attempts: 0, last }.into()),
    };
    let made = timeout_at(deadline, make_messages(integration, notification, place)).await;
    let (messages, place) = match made {
        Ok(Ok(made)) => made,
        Ok(Err(error)) => return nothing_sent(error.into()),
        Err(_) => return nothing_sent(DeliveryError::Late),
    };
    match sender.send(&messages, place, deadline, jitter).await {
        Ok(sent) => {
            let posted = posted(integration, notification, sent.posted);
            Told { messages, attempts: sent.attempts, result: Ok(posted) }
        }
        Err(error) => Told { messages, attempts: error.attempts, result: Err(error.into()) },
    }
}

/// The message that the group has now. It keeps the first one until all is over; what fires then begins with another one.
fn posted(
    integration: &Integration,
    notification: &Notification<'_>,
    sent: Option<Posted>,
) -> Option<Posted> {
    let IntegrationKind::Slack(receiver) = &integration.kind else { return None };
    let keeps = receiver.update_message || receiver.thread_replies;
    if !keeps || notification.data.status() == Status::Resolved {
        return None;
    }
    notification.posted.clone().or(sent)
}
