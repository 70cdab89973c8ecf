use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

use super::message::{self, Answer, Data, MalformedAnswer, RecordType, ResponseCode};
use super::system::SystemConfig;

/// Asks the system's name servers for records.
///
/// The resolver of the C library knows addresses only, so this one speaks DNS itself: by UDP, and by TCP when an answer does not fit. Like
/// Prometheus, it looks at `/etc/resolv.conf` and at no other source of names.
#[derive(Debug, Clone)]
pub struct Resolver {
    source: Source,
}

#[derive(Debug, Clone)]
enum Source {
    /// Read again for each look-up: containers and VPNs change it at any time.
    File(PathBuf),
    Fixed(SystemConfig),
}

/// Why a name could not be resolved.
#[derive(Debug, thiserror::Error)]
pub(super) enum ResolveError {
    #[error(
        "could not resolve {name:?}: all servers responded with errors to at least one search domain: {last}"
    )]
    NoAnswer { name: String, last: ServerError },
    #[error("could not resolve {name:?}: it is not a DNS name")]
    NotAName { name: String },
    #[error("{}: {source}", path.display())]
    Config { path: PathBuf, source: io::Error },
}

/// Why a server was of no use.
#[derive(Debug, thiserror::Error)]
pub(super) enum ServerError {
    #[error("{server}: {source}")]
    Io { server: SocketAddr, source: io::Error },
    #[error("{server}: no answer in time")]
    Timeout { server: SocketAddr },
    #[error("{server}: {source}")]
    Malformed { server: SocketAddr, source: MalformedAnswer },
    #[error("{server}: response code {code}")]
    Refused { server: SocketAddr, code: u8 },
}

impl Resolver {
    /// The resolver that the system is configured for.
    pub fn system() -> Self {
        Self { source: Source::File(PathBuf::from("/etc/resolv.conf")) }
    }

    /// A resolver that asks these servers and no others.
    pub fn with_servers(servers: Vec<SocketAddr>) -> Self {
        Self { source: Source::Fixed(SystemConfig { servers, ..SystemConfig::parse("") }) }
    }

    #[cfg(test)]
    pub(super) fn with_config(config: SystemConfig) -> Self {
        Self { source: Source::Fixed(config) }
    }

    /// The records of a name; none if the name does not exist. A short name is looked for in the search domains.
    pub(super) async fn lookup(
        &self,
        name: &str,
        record_type: RecordType,
    ) -> Result<Vec<Data>, ResolveError> {
        let config = match &self.source {
            Source::Fixed(config) => config.clone(),
            Source::File(path) => read_config(path.clone()).await?,
        };
        let mut failure = None;
        for candidate in config.candidates(name) {
            match ask_servers(&candidate, record_type, &config).await? {
                Ok(answer) if answer.code == ResponseCode::Success => return Ok(answer.records),
                // The next candidate may exist.
                Ok(_) => {}
                Err(error) => failure = Some(error),
            }
        }
        match failure {
            // Every server that was asked said that there is no such name.
            None => Ok(Vec::new()),
            Some(last) => Err(ResolveError::NoAnswer { name: name.to_owned(), last }),
        }
    }
}

async fn read_config(path: PathBuf) -> Result<SystemConfig, ResolveError> {
    let read = tokio::task::spawn_blocking({
        let path = path.clone();
        move || std::fs::read_to_string(path)
    });
    match read.await.expect("BUG: reading a file does not panic") {
        Ok(text) => Ok(SystemConfig::parse(&text)),
        Err(source) => Err(ResolveError::Config { path, source }),
    }
}

/// The first usable answer: that the name has records, or that it does not exist.
async fn ask_servers(
    name: &str,
    record_type: RecordType,
    config: &SystemConfig,
) -> Result<Result<Answer, ServerError>, ResolveError> {
    let mut failure = None;
    for _ in 0..config.attempts {
        for server in &config.servers {
            let asked = timeout(config.timeout, ask(*server, name, record_type)).await;
            match asked.unwrap_or(Ok(Err(ServerError::Timeout { server: *server })))? {
                Ok(answer) => return Ok(Ok(answer)),
                Err(error) => failure = Some(error),
            }
        }
    }
    Ok(Err(failure.expect("BUG: there is at least one server and one attempt")))
}

async fn ask(
    server: SocketAddr,
    name: &str,
    record_type: RecordType,
) -> Result<Result<Answer, ServerError>, ResolveError> {
    let mut last = None;
    // Old servers do not understand the extension that allows long answers.
    for extended in [true, false] {
        let question = message::question(random_id(), name, record_type, extended)
            .ok_or_else(|| ResolveError::NotAName { name: name.to_owned() })?;
        match exchange(server, &question, record_type).await {
            Ok(Answer { code: ResponseCode::Other(code), .. }) => {
                last = Some(ServerError::Refused { server, code });
            }
            Ok(answer) => return Ok(Ok(answer)),
            Err(error) => return Ok(Err(error)),
        }
    }
    Ok(Err(last.expect("BUG: at least one question was asked")))
}

async fn exchange(
    server: SocketAddr,
    question: &[u8],
    record_type: RecordType,
) -> Result<Answer, ServerError> {
    let io_error = |source| ServerError::Io { server, source };
    let by_udp = ask_udp(server, question, record_type).await.map_err(io_error)?;
    if !by_udp.truncated {
        return Ok(by_udp);
    }
    let message = ask_tcp(server, question).await.map_err(io_error)?;
    message::answer(question, record_type, &message)
        .map_err(|source| ServerError::Malformed { server, source })
}

async fn ask_udp(server: SocketAddr, question: &[u8], record_type: RecordType) -> io::Result<Answer> {
    let any: SocketAddr =
        if server.is_ipv4() { (Ipv4Addr::UNSPECIFIED, 0).into() } else { (Ipv6Addr::UNSPECIFIED, 0).into() };
    let socket = UdpSocket::bind(any).await?;
    // A connected socket takes datagrams of that server only.
    socket.connect(server).await?;
    socket.send(question).await?;
    let mut buffer = vec![0; usize::from(message::UDP_PAYLOAD).max(4096)];
    loop {
        let len = socket.recv(&mut buffer).await?;
        // What does not answer our question may be forged or late, so the wait goes on.
        if let Ok(answer) = message::answer(question, record_type, &buffer[..len]) {
            return Ok(answer);
        }
    }
}

async fn ask_tcp(server: SocketAddr, question: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(server).await?;
    let len = u16::try_from(question.len()).expect("BUG: a question has less than 300 bytes");
    stream.write_all(&[&len.to_be_bytes(), question].concat()).await?;
    let len = stream.read_u16().await?;
    let mut message = vec![0; usize::from(len)];
    stream.read_exact(&mut message).await?;
    Ok(message)
}

/// A number that nobody else can guess: the seeds of the standard library's hash maps are random.
fn random_id() -> u16 {
    RandomState::new().build_hasher().finish() as u16
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use parking_lot::Mutex;
    use tokio::net::TcpListener;

    use super::*;

    /// A name server on a free port. It answers address questions from a fixed zone, and `big.test` by TCP only.
    struct Server {
        address: SocketAddr,
        asked: Arc<Mutex<Vec<String>>>,
    }

    impl Server {
        async fn start() -> Self {
            // A port that is free for UDP may be taken for TCP, by an outgoing connection for instance.
            let (udp, address, tcp) = loop {
                let udp = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
                let address = udp.local_addr().expect("bound");
                if let Ok(tcp) = TcpListener::bind(address).await {
                    break (udp, address, tcp);
                }
            };
            let asked = Arc::new(Mutex::new(Vec::new()));
            let noted = Arc::clone(&asked);
            tokio::spawn(async move {
                let mut buffer = [0; 512];
                loop {
                    let (len, from) = udp.recv_from(&mut buffer).await.expect("open");
                    // A forged answer comes first and has to be ignored.
                    let mut forged = reply(&buffer[..len], false, &mut Vec::new());
                    forged[0] ^= 1;
                    let genuine = reply(&buffer[..len], true, &mut noted.lock());
                    for message in [forged, genuine] {
                        udp.send_to(&message, from).await.expect("open");
                    }
                }
            });
            tokio::spawn(async move {
                while let Ok((mut stream, _)) = tcp.accept().await {
                    let len = stream.read_u16().await.expect("a question");
                    let mut question = vec![0; usize::from(len)];
                    stream.read_exact(&mut question).await.expect("a question");
                    let reply = reply(&question, false, &mut Vec::new());
                    stream.write_u16(reply.len() as u16).await.expect("open");
                    stream.write_all(&reply).await.expect("open");
                }
            });
            Self { address, asked }
        }

        fn resolver(&self, resolv_conf: &str) -> Resolver {
            let config = SystemConfig {
                servers: vec![self.address],
                timeout: Duration::from_mins(1),
                ..SystemConfig::parse(resolv_conf)
            };
            Resolver::with_config(config)
        }
    }

    fn reply(question: &[u8], by_udp: bool, asked: &mut Vec<String>) -> Vec<u8> {
        let (mut name, mut at) = (String::new(), 12);
        while question[at] != 0 {
            let len = usize::from(question[at]);
            name.push_str(std::str::from_utf8(&question[at + 1..=at + len]).expect("ASCII"));
            name.push('.');
            at += len + 1;
        }
        let extended = question[11] == 1;
        asked.push(format!("{name}{}", if extended { "" } else { " plain" }));
        let (code, truncated, address) = match name.as_str() {
            "a.test." | "db.a.test." => (0, false, Some([10, 0, 0, 1])),
            "big.test." => (0, by_udp, (!by_udp).then_some([10, 0, 0, 2])),
            "old.test." if extended => (1, false, None),
            "old.test." => (0, false, Some([10, 0, 0, 3])),
            "broken.test." => (2, false, None),
            _ => (3, false, None),
        };
        let mut message = question[..at + 5].to_vec();
        message[2..4].copy_from_slice(&[0x81 | if truncated { 2 } else { 0 }, 0x80 | code]);
        message[6..12].copy_from_slice(&[0, u8::from(address.is_some()), 0, 0, 0, 0]);
        if let Some(address) = address {
            message.extend_from_slice(&[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
            message.extend_from_slice(&address);
        }
        message
    }

    async fn lookup(resolver: &Resolver, name: &str) -> Result<Vec<String>, String> {
        let found = resolver.lookup(name, RecordType::A).await;
        let shown = |data: Data| match data {
            Data::Address(address) => address.to_string(),
            other => format!("{other:?}"),
        };
        found.map(|records| records.into_iter().map(shown).collect()).map_err(|e| e.to_string())
    }

    #[tokio::test]
    async fn finds_records() {
        let server = Server::start().await;
        let resolver = server.resolver("");
        assert_eq!(lookup(&resolver, "a.test").await, Ok(vec!["10.0.0.1".to_owned()]));
        assert_eq!(lookup(&resolver, "big.test").await, Ok(vec!["10.0.0.2".to_owned()]));
        assert_eq!(lookup(&resolver, "old.test").await, Ok(vec!["10.0.0.3".to_owned()]));
        assert_eq!(lookup(&resolver, "none.test").await, Ok(Vec::new()));
        assert_eq!(
            *server.asked.lock(),
            ["a.test.", "big.test.", "old.test.", "old.test. plain", "none.test."]
        );
    }

    #[tokio::test]
    async fn searches_for_short_names() {
        let server = Server::start().await;
        let resolver = server.resolver("search b.test a.test");
        assert_eq!(lookup(&resolver, "db").await, Ok(vec!["10.0.0.1".to_owned()]));
        assert_eq!(*server.asked.lock(), ["db.b.test.", "db.a.test."]);
    }

    #[tokio::test]
    async fn says_who_failed() {
        let server = Server::start().await;
        let resolver = server.resolver("");
        let error = lookup(&resolver, "broken.test").await.expect_err("it is broken");
        assert!(error.starts_with("could not resolve \"broken.test\": all servers"), "{error}");
        assert!(error.ends_with(&format!("{}: response code 2", server.address)), "{error}");
        // A search that failed half-way cannot say that there is no such name.
        let resolver = server.resolver("search test");
        assert!(lookup(&resolver, "broken").await.is_err());
        assert_eq!(
            lookup(&resolver, "a..b").await,
            Err("could not resolve \"a..b\": it is not a DNS name".to_owned())
        );
    }

    #[tokio::test]
    async fn a_dead_server_is_passed_over() {
        let server = Server::start().await;
        let closed = UdpSocket::bind("127.0.0.1:0").await.expect("a free port").local_addr().expect("bound");
        let resolver = Resolver::with_servers(vec![closed, server.address]);
        assert_eq!(lookup(&resolver, "a.test").await, Ok(vec!["10.0.0.1".to_owned()]));
    }
}
