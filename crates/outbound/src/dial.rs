use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use crate::address_policy::AddressPolicy;
use crate::error::ConnectError;

/// How long all attempts for one destination may take; the deadline of the request usually comes first.
const DIAL_TIMEOUT: Duration = Duration::from_secs(30);
/// How long one address may be silent before the next is tried beside it (RFC 8305 recommends 250 ms).
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);
/// How many names are looked up at a time.
const MAX_LOOKUPS: usize = 64;

/// Connects to `host`, a name or an address without brackets, if `policy` permits its address.
///
/// The name is resolved once. Addresses are tried in the resolver's order, families alternating, each a little after the
/// one before, and the first connection wins.
pub(crate) async fn dial(
    host: &str,
    port: u16,
    policy: Option<&AddressPolicy>,
) -> Result<TcpStream, ConnectError> {
    timeout(DIAL_TIMEOUT, async {
        let addresses = resolve(host, port, policy).await?;
        connect_first(addresses).await
    })
    .await
    .unwrap_or_else(|_| {
        Err(ConnectError::DialTimeout { host: format!("{host}:{port}"), limit: DIAL_TIMEOUT })
    })
}

async fn resolve(
    host: &str,
    port: u16,
    policy: Option<&AddressPolicy>,
) -> Result<VecDeque<SocketAddr>, ConnectError> {
    let found: Vec<SocketAddr> = match host.parse::<IpAddr>() {
        Ok(address) => vec![SocketAddr::new(address, port)],
        Err(_) => lookup(host, port)
            .await
            .map_err(|source| ConnectError::Lookup { host: host.to_owned(), source })?,
    };
    let permitted: Vec<SocketAddr> =
        found.iter().copied().filter(|a| policy.is_none_or(|p| p.permits(a.ip()))).collect();
    match (permitted.is_empty(), found.first()) {
        (true, Some(refused)) => {
            Err(ConnectError::Denied { host: host.to_owned(), address: refused.ip().to_canonical() })
        }
        (true, None) => Err(ConnectError::Lookup {
            host: host.to_owned(),
            source: io::Error::other("the name has no address"),
        }),
        (false, _) => Ok(alternate_families(permitted)),
    }
}

/// Asks the system's resolver, which blocks a thread until it has an answer or gives up, whether or not anybody still waits for it. A
/// name server that is silent must not take the threads of those who need none.
async fn lookup(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    static PERMITS: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(MAX_LOOKUPS)));

    let permit = Arc::clone(&PERMITS).acquire_owned().await.expect("BUG: the semaphore is never closed");
    let host = host.to_owned();
    let found = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        (host.as_str(), port).to_socket_addrs().map(Iterator::collect)
    });
    found.await.expect("BUG: a look-up does not panic")
}

/// Keeps the order within a family and lets the families take turns, the first address's family first.
fn alternate_families(addresses: Vec<SocketAddr>) -> VecDeque<SocketAddr> {
    let first_is_ipv6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (mut one, mut other): (VecDeque<_>, VecDeque<_>) =
        addresses.into_iter().partition(|a| a.is_ipv6() == first_is_ipv6);
    let mut merged = VecDeque::with_capacity(one.len() + other.len());
    while !one.is_empty() || !other.is_empty() {
        merged.extend(one.pop_front());
        merged.extend(other.pop_front());
    }
    merged
}

async fn connect_first(mut addresses: VecDeque<SocketAddr>) -> Result<TcpStream, ConnectError> {
    let mut attempts = FuturesUnordered::new();
    let mut first_failure = None;
    loop {
        if let Some(address) = addresses.pop_front() {
            attempts.push(connect(address));
        }
        let more = !addresses.is_empty();
        tokio::select! {
            finished = attempts.next() => match finished {
                Some(Ok(stream)) => return Ok(stream),
                Some(Err(failure)) => {
                    first_failure.get_or_insert(failure);
                }
                None => return Err(first_failure.expect("BUG: at least one address was tried")),
            },
            () = sleep(ATTEMPT_DELAY), if more => {}
        }
    }
}

async fn connect(address: SocketAddr) -> Result<TcpStream, ConnectError> {
    let stream =
        TcpStream::connect(address).await.map_err(|source| ConnectError::Dial { address, source })?;
    // A request is one small write; waiting for more to send would only add delay. The option is a hint, so a failure is none.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_take_turns() {
        let addresses =
            |texts: &[&str]| texts.iter().map(|t| t.parse().expect("address")).collect::<Vec<_>>();
        let given = addresses(&["[::1]:1", "[::2]:1", "[::3]:1", "10.0.0.1:1", "10.0.0.2:1"]);
        let want = addresses(&["[::1]:1", "10.0.0.1:1", "[::2]:1", "10.0.0.2:1", "[::3]:1"]);
        assert_eq!(Vec::from(alternate_families(given)), want);
    }
}
