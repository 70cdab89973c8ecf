//! Where the server listens, and the path below which it serves everything.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use anyhow::Context as _;
use bellwether_scrape::GlobalAddress;
use tokio::net::TcpListener;

use crate::cli::WebArgs;

/// Listens on all addresses, before anything else is started: a taken port must not cost a replay of the log.
pub(crate) async fn listen(args: &WebArgs) -> anyhow::Result<Vec<TcpListener>> {
    let mut listeners = Vec::with_capacity(args.listen_address.len());
    for address in &args.listen_address {
        // Prometheus users write `:9090` and mean every address.
        let full = if address.starts_with(':') { format!("0.0.0.0{address}") } else { address.clone() };
        let listener = TcpListener::bind(&full).await.with_context(|| {
            format!("cannot listen on {address}; choose another with --web.listen-address")
        })?;
        listeners.push(listener);
    }
    Ok(listeners)
}

/// The path below which everything is served: without a slash at the end, empty for none.
pub(crate) fn route_prefix(args: &WebArgs) -> String {
    let path = args.route_prefix.clone().unwrap_or_else(|| {
        let after_scheme = args.external_url.split_once("://").map_or("", |(_, rest)| rest);
        after_scheme.find('/').map(|at| after_scheme[at..].to_owned()).unwrap_or_default()
    });
    let trimmed = path.trim_matches('/');
    if trimmed.is_empty() { String::new() } else { format!("/{trimmed}") }
}

/// The address of this server for the world, if a proxy in front of it has another.
pub(crate) fn global_address(args: &WebArgs, listen: SocketAddr) -> Option<GlobalAddress> {
    let (scheme, rest) = args.external_url.split_once("://")?;
    let host = rest.split('/').next().unwrap_or_default();
    Some(GlobalAddress { scheme: scheme.to_owned(), host: host.to_owned(), listen_port: listen.port() })
}

/// The URL under which people reach this server: the one that was given, or its own address.
pub(crate) fn external_url(args: &WebArgs, scheme: &str, listen: SocketAddr, prefix: &str) -> String {
    match args.external_url.trim_end_matches('/') {
        "" => format!("{scheme}://{}{prefix}", own_address(listen)),
        given => given.to_owned(),
    }
}

/// The address under which this server reaches itself.
pub(crate) fn own_address(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::{Cli, Command};

    #[test]
    fn prefixes() {
        let check = |args: &[&str], want: &str| {
            let cli = Cli::try_parse_from([&["bellwether", "serve"], args].concat()).expect("parses");
            let Command::Serve(serve) = cli.command else { panic!("not serve") };
            assert_eq!(route_prefix(&serve.web), want, "{args:?}");
        };
        check(&[], "");
        check(&["--web.external-url=http://x.example"], "");
        check(&["--web.external-url=https://x.example/obs/bw/"], "/obs/bw");
        check(&["--web.external-url=http://x/a", "--web.route-prefix=/"], "");
        check(&["--web.route-prefix=b/"], "/b");
    }

    #[test]
    fn reaches_itself() {
        let check = |listen: &str, want: &str| {
            assert_eq!(own_address(listen.parse().expect("an address")).to_string(), want);
        };
        check("0.0.0.0:9090", "127.0.0.1:9090");
        check("[::]:9090", "[::1]:9090");
        check("10.1.2.3:80", "10.1.2.3:80");
    }
}
