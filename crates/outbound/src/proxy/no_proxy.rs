use std::net::IpAddr;

use crate::address_policy::Network;

/// The destinations that are reached directly although a proxy is set, as the `no_proxy` field and the `NO_PROXY` variable list them.
///
/// The rules are those of Go's `httpproxy`: an address or network in CIDR form; a domain, which covers its subdomains too; a domain with a
/// leading dot or `*.`, which covers only subdomains; each but the network with an optional port; and `*` for everything. Loopback
/// destinations are always reached directly.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct NoProxy {
    everything: bool,
    rules: Vec<Rule>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Rule {
    Network(Network),
    Address {
        address: IpAddr,
        port: Option<String>,
    },
    /// `suffix` starts with a dot.
    Domain {
        suffix: String,
        itself: bool,
        port: Option<String>,
    },
}

impl NoProxy {
    pub(crate) fn parse(list: &str) -> Self {
        let mut this = Self::default();
        for entry in list.split(',').map(|e| e.trim().to_ascii_lowercase()).filter(|e| !e.is_empty()) {
            if entry == "*" {
                return Self { everything: true, rules: Vec::new() };
            }
            this.rules.extend(rule(&entry));
        }
        this
    }

    /// Whether `host` (a name, or an address without brackets) on `port` is to be reached directly.
    pub(crate) fn covers(&self, host: &str, port: u16) -> bool {
        if host.eq_ignore_ascii_case("localhost") {
            return true;
        }
        let address: Option<IpAddr> = host.parse().ok();
        if address.is_some_and(|a| a.to_canonical().is_loopback()) {
            return true;
        }
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let port_fits =
            |wanted: &Option<String>| wanted.as_ref().is_none_or(|wanted| *wanted == port.to_string());
        self.everything
            || self.rules.iter().any(|rule| match rule {
                Rule::Network(network) => address.is_some_and(|a| network.contains(a)),
                Rule::Address { address: wanted, port } => address == Some(*wanted) && port_fits(port),
                Rule::Domain { suffix, itself, port } => {
                    (host.ends_with(suffix.as_str()) || (*itself && host == suffix[1..])) && port_fits(port)
                }
            })
    }
}

fn rule(entry: &str) -> Option<Rule> {
    if entry.contains('/')
        && let Ok(network) = entry.parse()
    {
        return Some(Rule::Network(network));
    }
    let (host, port) = split_port(entry);
    let host = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = host.parse() {
        return Some(Rule::Address { address, port });
    }
    let host = host.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(host);
    match host {
        "" | "." => None,
        _ if host.starts_with('.') => Some(Rule::Domain { suffix: host.to_owned(), itself: false, port }),
        _ => Some(Rule::Domain { suffix: format!(".{host}"), itself: true, port }),
    }
}

/// Splits `host:port`; a bare IPv6 address has colons and no port.
fn split_port(entry: &str) -> (&str, Option<String>) {
    match entry.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, Some(port.to_owned())),
        _ => (entry, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn covers_as_go_does() {
        let check = |list: &str, host: &str, port: u16, want: bool| {
            assert_eq!(NoProxy::parse(list).covers(host, port), want, "{list} {host}:{port}");
        };
        check("", "example.com", 80, false);
        check("", "localhost", 80, true);
        check("", "127.3.2.1", 80, true);
        check("", "::1", 80, true);
        check("*", "example.com", 80, true);
        check("example.com", "example.com", 80, true);
        check("example.com", "EXAMPLE.com.", 80, true);
        check("example.com", "api.example.com", 80, true);
        check("example.com", "notexample.com", 80, false);
        check(".example.com", "example.com", 80, false);
        check(".example.com", "api.example.com", 80, true);
        check("*.example.com", "api.example.com", 80, true);
        check("*.example.com", "example.com", 80, false);
        check("example.com:8080", "example.com", 8080, true);
        check("example.com:8080", "example.com", 80, false);
        check("10.0.0.0/8", "10.1.2.3", 80, true);
        check("10.0.0.0/8", "11.1.2.3", 80, false);
        check("10.1.2.3", "10.1.2.3", 80, true);
        check("10.1.2.3:81", "10.1.2.3", 80, false);
        check("[2001:db8::1]:443", "2001:db8::1", 443, true);
        check("[2001:db8::1]:443", "2001:db8::1", 80, false);
        check("2001:db8::1", "2001:db8::1", 80, true);
        check(" a.test , ,b.test ", "b.test", 80, true);
        check(" . , *. ", "b.test", 80, false);
    }
}
