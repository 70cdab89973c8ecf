//! Sockets, signals, and the prefix below which everything is served.

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::WebArgs;

/// Listens on all addresses, before anything else is started: a taken port must not cost a replay of the log.
pub(crate) async fn listen(args: &WebArgs) -> anyhow::Result<Vec<TcpListener>> {
    let mut listeners = Vec::with_capacity(args.listen_address.len());
    for address in &args.listen_address {
        // Prometheus users write `:9090` and mean every address.
        let full = if address.starts_with(':') { format!("0.0.0.0{address}") } else { address.clone() };
        let listener = TcpListener::bind(&full)
            .await
            .with_context(|| format!("cannot listen on {address}; choose another with --web.listen-address"))?;
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

/// Resolves when the process is asked to stop.
pub(crate) async fn stop_signal() -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => {}
        outcome = tokio::signal::ctrl_c() => outcome?,
    }
    Ok(())
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
}
