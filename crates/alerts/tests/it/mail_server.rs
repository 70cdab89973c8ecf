//! A mail server that knows one user, keeps to the order of the standard (RFC 5321) and remembers what it was told.
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

pub(crate) const USER: &str = "bell";
pub(crate) const PASSWORD: &str = "hunter2";
const CHALLENGE: &str = "<1896.697170952@mx.test>";
/// HMAC-MD5 of the challenge with the password, by Python's `hmac`.
const CHALLENGE_ANSWER: &str = "bell 0c4933cd391bad9cdd2e8411b0492f0f";

/// How the server goes over to TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tls {
    Never,
    Start,
    Implicit,
}

/// What kind of server it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) tls: Tls,
    /// The mechanisms that it offers, with spaces between them. With any, nobody else may send mails.
    pub(crate) auth: &'static str,
    /// Commands that are answered with something else, each once.
    pub(crate) answers: &'static [(&'static str, &'static str)],
}

/// One conversation.
#[derive(Debug, Clone, Default)]
pub(crate) struct Conversation {
    /// The commands; answers to challenges are `*`.
    pub(crate) commands: Vec<String>,
    /// The mails that were taken, with line ends as they came and without the dots of the standard.
    pub(crate) mails: Vec<String>,
}

pub(crate) struct MailServer {
    pub(crate) port: u16,
    /// The certificate of who vouches for the server.
    pub(crate) authority: String,
    had: Arc<Mutex<Vec<Conversation>>>,
}

impl MailServer {
    pub(crate) async fn start(plan: Plan) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let (authority, config) = tls();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let had = Arc::new(Mutex::new(Vec::new()));
        let answers = Arc::new(Mutex::new(plan.answers.iter().copied().collect::<VecDeque<_>>()));
        let seen = Arc::clone(&had);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let server = Server { plan, acceptor: acceptor.clone(), answers: Arc::clone(&answers) };
                let seen = Arc::clone(&seen);
                tokio::spawn(async move {
                    let mut conversation = Conversation::default();
                    server.talk(Box::new(stream), &mut conversation).await;
                    seen.lock().expect("no panic").push(conversation);
                });
            }
        });
        Self { port, authority, had }
    }

    /// The conversations that are over, once that is so many.
    pub(crate) async fn wait_for(&self, n: usize) -> Vec<Conversation> {
        loop {
            let had = self.had.lock().expect("no panic").clone();
            if had.len() >= n {
                return had;
            }
            tokio::task::yield_now().await;
        }
    }
}

fn tls() -> (String, ServerConfig) {
    let mut params = CertificateParams::new(Vec::new()).expect("no names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer =
        CertifiedIssuer::self_signed(params, KeyPair::generate().expect("key")).expect("certificate");
    let key = KeyPair::generate().expect("key");
    let params = CertificateParams::new(vec!["mx.test".to_owned()]).expect("a valid name");
    let cert = params.signed_by(&key, &issuer).expect("certificate");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("there are some")
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(cert.pem().as_bytes()).expect("PEM")],
            PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).expect("PEM"),
        )
        .expect("they fit together");
    (issuer.pem(), config)
}

trait Io: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

struct Server {
    plan: Plan,
    acceptor: TlsAcceptor,
    answers: Arc<Mutex<VecDeque<(&'static str, &'static str)>>>,
}

impl Server {
    async fn talk(&self, stream: Box<dyn Io>, had: &mut Conversation) {
        let is_secure = self.plan.tls == Tls::Implicit;
        let stream: Box<dyn Io> = if is_secure {
            match self.acceptor.accept(stream).await {
                Ok(stream) => Box::new(stream),
                Err(_) => return,
            }
        } else {
            stream
        };
        let mut lines = BufReader::new(stream);
        say(&mut lines, self.answer("greeting").unwrap_or("220 mx.test ESMTP")).await;
        if !self.converse(&mut lines, is_secure, had).await {
            return;
        }
        // Whatever came before its time is not taken for something that was said over TLS.
        if let Ok(stream) = self.acceptor.accept(lines.into_inner()).await {
            let mut lines = BufReader::new(Box::new(stream) as Box<dyn Io>);
            self.converse(&mut lines, true, had).await;
        }
    }

    fn answer(&self, command: &str) -> Option<&'static str> {
        let mut answers = self.answers.lock().expect("no panic");
        let idx = answers.iter().position(|(verb, _)| command.starts_with(verb))?;
        answers.remove(idx).map(|(_, answer)| answer)
    }

    /// Returns whether it goes on over TLS.
    async fn converse(
        &self,
        lines: &mut BufReader<Box<dyn Io>>,
        is_secure: bool,
        had: &mut Conversation,
    ) -> bool {
        let mut is_known = self.plan.auth.is_empty();
        let (mut is_greeted, mut from, mut to) = (false, false, 0);
        while let Some(line) = hear(lines).await {
            had.commands.push(if line.starts_with("AUTH PLAIN ") {
                "AUTH PLAIN *".to_owned()
            } else {
                line.clone()
            });
            let answer = if let Some(answer) = self.answer(&line) {
                answer
            } else if line.starts_with("EHLO ") {
                is_greeted = true;
                say(lines, "250-mx.test\r\n250-8BITMIME").await;
                if self.plan.tls == Tls::Start && !is_secure {
                    say(lines, "250-STARTTLS").await;
                } else if !self.plan.auth.is_empty() {
                    say(lines, &format!("250-AUTH {}", self.plan.auth)).await;
                }
                "250 SIZE 1000000"
            } else if line == "STARTTLS" && self.plan.tls == Tls::Start && !is_secure {
                say(lines, "220 go ahead").await;
                return true;
            } else if line.starts_with("AUTH ") && is_greeted && !self.plan.auth.is_empty() {
                is_known = self.is_user(lines, &line, had).await;
                if is_known { "235 welcome" } else { "535 authentication failed" }
            } else if line == "QUIT" {
                say(lines, "221 bye").await;
                return false;
            } else if !is_known {
                "530 authentication required"
            } else if is_path(&line, "MAIL FROM:") && is_greeted {
                from = true;
                "250 ok"
            } else if is_path(&line, "RCPT TO:") && from {
                to += 1;
                "250 ok"
            } else if line == "DATA" && to > 0 {
                say(lines, "354 end with a dot").await;
                let mut mail = String::new();
                while let Some(line) = hear(lines).await.filter(|line| line != ".") {
                    assert!(line.len() <= 998, "a line is too long: {line}");
                    mail.push_str(line.strip_prefix('.').unwrap_or(&line));
                    mail.push_str("\r\n");
                }
                (from, to) = (false, 0);
                had.mails.push(mail);
                "250 queued"
            } else {
                "503 bad sequence of commands"
            };
            say(lines, answer).await;
        }
        false
    }

    async fn is_user(&self, lines: &mut BufReader<Box<dyn Io>>, line: &str, had: &mut Conversation) -> bool {
        let decoded = |text: &str| {
            STANDARD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
        };
        let mechanism = line.split(' ').nth(1).unwrap_or("");
        if !self.plan.auth.split(' ').any(|offered| offered == mechanism) {
            return false;
        }
        let mut asked = Vec::new();
        let challenges: &[&str] = match mechanism {
            "LOGIN" => &["Username:", "Password:"],
            "CRAM-MD5" => &[CHALLENGE],
            _ => &[],
        };
        for challenge in challenges {
            say(lines, &format!("334 {}", STANDARD.encode(challenge))).await;
            asked.push(decoded(&hear(lines).await.unwrap_or_default()));
            had.commands.push("*".to_owned());
        }
        match mechanism {
            "PLAIN" => {
                let words = decoded(line.split(' ').nth(2).unwrap_or(""));
                let words: Vec<&str> = words.split('\0').collect();
                matches!(words.as_slice(), ["" | "boss", USER, PASSWORD])
            }
            "LOGIN" => asked == [USER, PASSWORD],
            _ => asked == [CHALLENGE_ANSWER],
        }
    }
}

fn is_path(line: &str, command: &str) -> bool {
    line.strip_prefix(command)
        .and_then(|path| path.split(' ').next())
        .is_some_and(|path| path.starts_with('<') && path.ends_with('>') && path.contains('@'))
}

async fn say(lines: &mut BufReader<Box<dyn Io>>, text: &str) {
    // Who has gone hears nothing.
    let _ = lines.get_mut().write_all(format!("{text}\r\n").as_bytes()).await;
    let _ = lines.get_mut().flush().await;
}

/// A line, which ends as the standard has it.
async fn hear(lines: &mut BufReader<Box<dyn Io>>) -> Option<String> {
    let mut line = String::new();
    match lines.read_line(&mut line).await {
        Ok(1..) => line.strip_suffix("\r\n").map(str::to_owned),
        _ => None,
    }
}
