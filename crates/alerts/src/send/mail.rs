use std::fmt;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use bellwether_model::Clock;
use bellwether_outbound::{ConnectError, Dialer, TlsConfigError};
use bellwether_yaml::Secret;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use lettre::address::Envelope;
use lettre::message::header::{Cc, From, HeaderName, HeaderValue, ReplyTo, To};
use lettre::message::{Mailboxes, MessageBuilder, MultiPart, SinglePart};
use lettre::transport::smtp;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::extension::ClientId;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout, timeout_at};

use super::smtp_wire::{Wire, start_tls};
use crate::config::{EmailReceiver, SecretSource, SecretSourceError};
use crate::message::Mail;

/// TLS begins with the connection on this port unless something else is said.
const SMTPS_PORT: &str = "465";
/// A server that has taken a mail is not waited for any longer.
const GOODBYE: Duration = Duration::from_secs(1);

/// Why a mail was not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MailError {
    /// The mail cannot be written.
    #[error("{field}: {reason}: {got:?}")]
    Field {
        /// The field of the configuration.
        field: &'static str,
        /// What is wrong.
        reason: String,
        /// What came out.
        got: String,
    },
    /// A password cannot be read now.
    #[error(transparent)]
    Secret(#[from] SecretSourceError),
    /// There is no connection.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The conversation broke.
    #[error("the connection broke: {0}")]
    Broken(#[source] std::io::Error),
    /// The server is not to be told anything without TLS, and offers none.
    #[error(
        "require_tls is true, which it is unless something else is said, but the mail server does not advertise the STARTTLS extension"
    )]
    NoStartTls,
    /// A password would be readable on the way.
    #[error("a password is not sent to a mail server on another machine without TLS; set require_tls: true")]
    PasswordWithoutTls,
    /// What the server said before TLS was there.
    #[error("the mail server answered {code}: {text}")]
    Refused {
        /// The code.
        code: u16,
        /// What it said.
        text: String,
    },
    /// What the server said is no SMTP.
    #[error("the server does not speak SMTP: it said {0:?}")]
    NotSmtp(String),
    /// What went wrong later.
    #[error("{0}")]
    Smtp(#[from] smtp::Error),
    /// The server was silent for too long.
    #[error("the mail server did not answer in time")]
    Deadline,
}

impl MailError {
    /// Whether another attempt may go better. A code from 500 on says that it will not.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Refused { code, .. } => *code < 500,
            Self::Smtp(error) => !error.is_permanent() && !error.is_client(),
            Self::Connect(error) => !matches!(error, ConnectError::Settings(_)),
            Self::Broken(_) | Self::Deadline => true,
            Self::Field { .. }
            | Self::Secret(_)
            | Self::NoStartTls
            | Self::PasswordWithoutTls
            | Self::NotSmtp(_) => false,
        }
    }
}

/// Brings the mails of one receiver to its mail server.
#[derive(Clone)]
pub(super) struct Courier {
    receiver: EmailReceiver,
    dialer: Dialer,
    clock: Arc<dyn Clock>,
}

/// Shows nothing of the receiver, which holds secrets.
impl fmt::Debug for Courier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Courier").finish_non_exhaustive()
    }
}

/// A mail as it is sent, from whom and to whom.
pub(super) struct Sealed {
    envelope: Envelope,
    content: Vec<u8>,
}

impl Courier {
    pub(super) fn new(receiver: &EmailReceiver, clock: Arc<dyn Clock>) -> Result<Self, TlsConfigError> {
        Ok(Self { receiver: receiver.clone(), dialer: Dialer::new(&receiver.tls)?, clock })
    }

    /// Writes a mail with the time and an identity, so that it is the same mail however often it is tried.
    pub(super) fn seal(&self, mail: &Mail) -> Result<Sealed, MailError> {
        let field = |field, reason: &str, got: &str| MailError::Field {
            field,
            reason: reason.to_owned(),
            got: got.to_owned(),
        };
        let addresses = |name, text: &str| -> Result<Mailboxes, MailError> {
            text.parse().map_err(|error: lettre::address::AddressError| field(name, &error.to_string(), text))
        };
        let from = addresses("from", &mail.from)?
            .into_single()
            .ok_or_else(|| field("from", "not exactly one address", &mail.from))?;
        let to: Vec<_> = addresses("to", &mail.to)?.into_iter().map(|mailbox| mailbox.email).collect();
        let envelope =
            Envelope::new(Some(from.email), to).map_err(|error| field("to", &error.to_string(), &mail.to))?;
        let now_ms = self.clock.now_ms();
        let mut builder = lettre::Message::builder()
            .envelope(envelope.clone())
            .date(UNIX_EPOCH + Duration::from_millis(u64::try_from(now_ms).unwrap_or(0)))
            .message_id(Some(self.identity(mail)));
        if let Some(thread) = &mail.thread {
            let root = thread.root(&today(now_ms));
            builder = builder.in_reply_to(root.clone()).references(root);
        }
        for (name, value) in &mail.headers {
            builder = with_header(builder, name, value)?;
        }
        let text = (!mail.text.is_empty()).then(|| SinglePart::plain(mail.text.clone()));
        let html = (!mail.html.is_empty()).then(|| SinglePart::html(mail.html.clone()));
        let message = match (text, html) {
            (Some(text), Some(html)) => {
                builder.multipart(MultiPart::alternative().singlepart(text).singlepart(html))
            }
            (Some(only), None) | (None, Some(only)) => builder.singlepart(only),
            (None, None) => builder.singlepart(SinglePart::plain(String::new())),
        };
        let message = message.map_err(|error| field("headers", &error.to_string(), &mail.from))?;
        Ok(Sealed { envelope, content: message.formatted() })
    }

    /// A name for the mail that only the same mail has, should it come twice.
    fn identity(&self, mail: &Mail) -> String {
        let host = &self.receiver.hello;
        format!("<{}@{}>", mail.key, if host.is_empty() { "localhost" } else { host })
    }

    /// Brings a mail to the server, once.
    pub(super) async fn deliver(&self, sealed: &Sealed, deadline: Instant) -> Result<(), MailError> {
        let conversation = async {
            let mut connection = self.connect().await?;
            connection.send(&sealed.envelope, &sealed.content).await?;
            Ok::<_, MailError>(connection)
        };
        let mut connection = timeout_at(deadline, conversation).await.map_err(|_| MailError::Deadline)??;
        // It has the mail; how it says goodbye changes nothing.
        let _ = timeout(GOODBYE, connection.quit()).await;
        Ok(())
    }

    /// A connection over which the server knows us.
    async fn connect(&self) -> Result<AsyncSmtpConnection, MailError> {
        let receiver = &self.receiver;
        let (host, port) = (receiver.smarthost.host.as_str(), receiver.smarthost.port.as_str());
        let host = if host.is_empty() { "localhost" } else { host };
        let port_number = port_number(port).ok_or_else(|| MailError::Field {
            field: "smarthost",
            reason: "neither a port number nor smtp, submission, submissions or smtps".to_owned(),
            got: port.to_owned(),
        })?;
        let mut stream = self.dialer.connect(host, port_number).await?;
        let implicit_tls = receiver.implicit_tls.unwrap_or(port == SMTPS_PORT);
        let over_tls = implicit_tls || receiver.require_tls;
        let wire = if implicit_tls {
            Wire::new(self.dialer.secure(stream, host).await?)
        } else if receiver.require_tls {
            let greeting = start_tls(&mut stream, &receiver.hello).await?;
            // Over TLS the conversation begins anew, but there is no second greeting.
            Wire::greeted(greeting, self.dialer.secure(stream, host).await?)
        } else {
            Wire::new(stream)
        };
        let hello = ClientId::Domain(receiver.hello.clone());
        let mut connection = AsyncSmtpConnection::connect_with_transport(Box::new(wire), &hello).await?;
        if !receiver.auth.username.is_empty() {
            self.show_ourselves(&mut connection, over_tls || is_this_machine(host)).await?;
        }
        Ok(connection)
    }

    /// Says who we are, as the server offers it and as there is a password or a secret for it. A server that offers nothing is told nothing, and will say itself whether it minds.
    async fn show_ourselves(
        &self,
        connection: &mut AsyncSmtpConnection,
        is_private: bool,
    ) -> Result<(), MailError> {
        let auth = &self.receiver.auth;
        let server = connection.server_info();
        let [plain, login] =
            [Mechanism::Plain, Mechanism::Login].map(|it| server.supports_auth_mechanism(it));
        let password = auth.password.as_ref().filter(|_| plain || login);
        match (password, &auth.secret) {
            (Some(password), _) if is_private => {
                let password = read(password).await?;
                if plain {
                    let words = format!("{}\0{}\0{}", auth.identity, auth.username, password.reveal());
                    connection.command(format!("AUTH PLAIN {}\r\n", super::cram_md5::base64(&words))).await?;
                } else {
                    let credentials = Credentials::new(auth.username.clone(), password.reveal().to_owned());
                    connection.auth(&[Mechanism::Login], &credentials).await?;
                }
                Ok(())
            }
            // With a secret there is no password on the wire. Whether the server offers this the library does not tell.
            (_, Some(secret)) => {
                super::cram_md5::authenticate(connection, &auth.username, &read(secret).await?).await
            }
            (Some(_), None) => Err(MailError::PasswordWithoutTls),
            (None, None) => Ok(()),
        }
    }
}

/// A secret as it is now. Its file may lie on a network that hangs.
async fn read(secret: &SecretSource) -> Result<Secret, SecretSourceError> {
    let secret = secret.clone();
    spawn_blocking(move || secret.read()).await.expect("BUG: reading a secret does not panic")
}

/// The message with a header. Addresses are written as such if they are, anything else as words.
fn with_header(builder: MessageBuilder, name: &str, value: &str) -> Result<MessageBuilder, MailError> {
    if let Ok(addresses) = value.parse::<Mailboxes>() {
        match name {
            "From" => return Ok(builder.header(From::from(addresses))),
            "To" => return Ok(builder.header(To::from(addresses))),
            "Cc" => return Ok(builder.header(Cc::from(addresses))),
            "Reply-To" => return Ok(builder.header(ReplyTo::from(addresses))),
            _ => {}
        }
    }
    let header = HeaderName::new_from_ascii(name.to_owned()).map_err(|_| MailError::Field {
        field: "headers",
        reason: "no name of a header".to_owned(),
        got: name.to_owned(),
    })?;
    Ok(builder.raw_header(HeaderValue::new(header, value.to_owned())))
}

/// A port, which may be written as the name that it has at IANA.
fn port_number(port: &str) -> Option<u16> {
    match port {
        "smtp" => Some(25),
        "submission" => Some(587),
        "submissions" | "smtps" => Some(465),
        number => number.parse().ok(),
    }
}

/// Today, as threads are called by it.
fn today(now_ms: i64) -> String {
    let now = Timestamp::from_millisecond(now_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    now.to_zoned(TimeZone::system()).strftime("%Y-%m-%d").to_string()
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_may_have_names() {
        let numbers = ["smtp", "submission", "smtps", "2525", "ftp", ""].map(port_number);
        assert_eq!(numbers, [Some(25), Some(587), Some(465), Some(2525), None, None]);
    }

    #[test]
    fn who_is_on_this_machine() {
        for (host, want) in [
            ("localhost", true),
            ("127.0.0.1", true),
            ("::1", true),
            ("192.0.2.1", false),
            ("localhost.example", false),
        ] {
            assert_eq!(is_this_machine(host), want, "{host}");
        }
    }
}
