//! A server for programs that have none: answers scrapes, and nothing else.

use std::fmt;
use std::io::{self, BufWriter, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::expose::Request;
use crate::registry::Registry;

/// Where metrics are served if nothing is said: port 9464, the one of exporters in OpenTelemetry, on the loopback interface.
pub const DEFAULT_ADDR: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9464);

/// So many scrapes are answered at a time; others wait in the queue of the system.
const N_THREADS: usize = 2;
/// A request has to be there, and the answer gone, after so long.
const MAX_TIME: Duration = Duration::from_secs(10);
/// Bytes that are handed to the system at a time.
const MAX_WRITE: usize = 64 << 10;
/// The head of a request may have so many bytes.
const MAX_HEAD: usize = 16 << 10;

/// Why metrics cannot be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The address cannot be had, for instance because another program listens there.
    #[error("cannot serve metrics on {addr}: {source}; choose another port, or port 0 for any that is free")]
    Bind {
        /// The address.
        addr: String,
        /// What the system says.
        source: io::Error,
    },
    /// There is no thread to be had.
    #[error("cannot serve metrics: no thread could be started: {0}")]
    Thread(#[source] io::Error),
}

/// Serves until it is dropped. See [`Registry::serve`].
#[must_use = "the server stops when this is dropped"]
pub struct MetricsServer {
    addr: SocketAddr,
    is_stopped: Arc<AtomicBool>,
}

impl MetricsServer {
    /// Where it listens; with the port that the system chose if it was asked for port 0.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }
}

impl fmt::Debug for MetricsServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MetricsServer({})", self.addr)
    }
}

impl Drop for MetricsServer {
    fn drop(&mut self) {
        self.is_stopped.store(true, Ordering::Relaxed);
        // Whoever waits for a scrape gets this one and sees that it is over.
        let loopback = match self.addr.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
            ip => ip,
        };
        for _ in 0..N_THREADS {
            let _ = TcpStream::connect_timeout(
                &SocketAddr::new(loopback, self.addr.port()),
                Duration::from_secs(1),
            );
        }
    }
}

impl Registry {
    /// Answers `GET /metrics` on an address, [`DEFAULT_ADDR`] for instance, in threads of its own, two scrapes at a time. For programs without a server of their own;
    /// others call [`expose`](Self::expose).
    ///
    /// Everybody who reaches the address can read the metrics: there is no password and no encryption.
    ///
    /// ```
    /// use bellwether_sdk::Registry;
    ///
    /// let registry = Registry::new();
    /// let server = registry.serve("127.0.0.1:0")?;
    /// println!("metrics are at http://{}/metrics", server.addr());
    /// # Ok::<(), bellwether_sdk::ServeError>(())
    /// ```
    pub fn serve(&self, addr: impl ToSocketAddrs + fmt::Debug) -> Result<MetricsServer, ServeError> {
        let shown = format!("{addr:?}").trim_matches('"').to_owned();
        let bind = |source| ServeError::Bind { addr: shown.clone(), source };
        let listener = TcpListener::bind(addr).map_err(bind)?;
        let addr = listener.local_addr().map_err(bind)?;
        let listener = Arc::new(listener);
        // Dropped when a thread cannot be started, so that the others stop.
        let server = MetricsServer { addr, is_stopped: Arc::default() };
        for _ in 0..N_THREADS {
            let (registry, listener) = (self.clone(), Arc::clone(&listener));
            let is_stopped = Arc::clone(&server.is_stopped);
            let work = move || {
                while !is_stopped.load(Ordering::Relaxed) {
                    match listener.accept() {
                        // What a client does wrong, or that it went away, is not for this program to know.
                        Ok((stream, _)) if !is_stopped.load(Ordering::Relaxed) => {
                            // A panic, of somebody's clock for instance, is not the end of the server.
                            let _ = catch_unwind(AssertUnwindSafe(|| answer(&registry, stream)));
                        }
                        Ok(_) => {}
                        // No more files may be open, for instance. That passes.
                        Err(_) => thread::sleep(Duration::from_millis(100)),
                    }
                }
            };
            let name = "metrics server".to_owned();
            thread::Builder::new().name(name).spawn(work).map_err(ServeError::Thread)?;
        }
        Ok(server)
    }
}

/// Reads a request and answers it.
fn answer(registry: &Registry, stream: TcpStream) -> io::Result<()> {
    let mut stream = Bounded { stream, deadline: Instant::now() + MAX_TIME };
    let Some(head) = read_head(&mut stream)? else {
        return respond(
            stream,
            "431 Request Header Fields Too Large",
            &[],
            b"the request is too long\n",
            true,
        );
    };
    let mut lines = head.split("\r\n");
    let mut words = lines.next().unwrap_or_default().split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let header = |name: &str| {
        let value = |line: &str| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        };
        // A header may be given several times, which means the same as a list.
        head.split("\r\n").skip(1).filter_map(value).collect::<Vec<_>>().join(",")
    };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let has_body = method != "HEAD";
    match (method, path) {
        ("GET" | "HEAD", "/metrics") => {
            let (accept, accept_encoding) = (header("accept"), header("accept-encoding"));
            let exposition = registry.expose(&Request::new(&accept, &accept_encoding, query));
            let mut headers =
                vec![("Content-Type", exposition.content_type.as_str()), ("Vary", "Accept, Accept-Encoding")];
            headers.extend(exposition.content_encoding.map(|encoding| ("Content-Encoding", encoding)));
            respond(stream, "200 OK", &headers, &exposition.body, has_body)
        }
        ("GET" | "HEAD", _) => respond(stream, "404 Not Found", &[], b"metrics are at /metrics\n", has_body),
        ("", _) => respond(stream, "400 Bad Request", &[], b"this is no HTTP request\n", true),
        _ => {
            let allow = [("Allow", "GET, HEAD")];
            respond(stream, "405 Method Not Allowed", &allow, b"metrics can only be read\n", true)
        }
    }
}

/// A connection that ends at some time, also for a client that sends or takes byte after byte.
struct Bounded {
    stream: TcpStream,
    deadline: Instant,
}

impl Bounded {
    fn left(&self) -> io::Result<Option<Duration>> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(Some(left)) }
    }
}

impl io::Read for Bounded {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(self.left()?)?;
        self.stream.read(buf)
    }
}

impl io::Write for Bounded {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(self.left()?)?;
        // A little at a time, so that the time is looked at again.
        self.stream.write(&buf[..buf.len().min(MAX_WRITE)])
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// The head of a request, without the empty line. `None` if it is too long.
fn read_head(stream: &mut impl io::Read) -> io::Result<Option<String>> {
    let mut head = Vec::new();
    let mut chunk = [0; 1024];
    loop {
        let n = stream.read(&mut chunk)?;
        if n == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let searched = head.len().saturating_sub(3);
        head.extend_from_slice(&chunk[..n]);
        if let Some(end) = head[searched..].windows(4).position(|window| window == b"\r\n\r\n") {
            head.truncate(searched + end);
            return Ok(Some(String::from_utf8_lossy(&head).into_owned()));
        }
        if head.len() > MAX_HEAD {
            return Ok(None);
        }
    }
}

fn respond(
    stream: impl io::Write,
    status: &str,
    headers: &[(&str, &str)],
    body: &[u8],
    has_body: bool,
) -> io::Result<()> {
    let mut out = BufWriter::new(stream);
    write!(out, "HTTP/1.1 {status}\r\n")?;
    for (name, value) in headers {
        write!(out, "{name}: {value}\r\n")?;
    }
    if headers.iter().all(|(name, _)| *name != "Content-Type") {
        out.write_all(b"Content-Type: text/plain; charset=utf-8\r\n")?;
    }
    write!(out, "Content-Length: {}\r\nConnection: close\r\n\r\n", body.len())?;
    if has_body {
        out.write_all(body)?;
    }
    out.flush()
}
