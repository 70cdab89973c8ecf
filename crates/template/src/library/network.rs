use std::net::IpAddr;

/// `host:port` split as Go's `net.SplitHostPort`; `None` where that fails.
fn split_host_port(s: &str) -> Option<(&str, &str)> {
    let colon = s.rfind(':')?;
    let (head, port) = (&s[..colon], &s[colon + 1..]);
    let host = match head.strip_prefix('[') {
        Some(inner) => inner.strip_suffix(']')?,
        None if head.contains(':') => return None,
        None => head,
    };
    (!host.contains(['[', ']']) && !port.contains(['[', ']'])).then_some((host, port))
}

/// Without the port, if there is one.
pub(super) fn strip_port(s: &str) -> &str {
    split_host_port(s).map_or(s, |(host, _)| host)
}

/// Without the domain; addresses stay as they are.
pub(super) fn strip_domain(s: &str) -> String {
    let (host, port) = split_host_port(s).unwrap_or((s, ""));
    if host.parse::<IpAddr>().is_ok() {
        return s.to_owned();
    }
    let short = host.split('.').next().unwrap_or(host);
    match (port, short.contains(':')) {
        ("", _) => short.to_owned(),
        (port, true) => format!("[{short}]:{port}"),
        (port, false) => format!("{short}:{port}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_and_domains() {
        let check = |s: &str, without_port: &str, without_domain: &str| {
            assert_eq!(strip_port(s), without_port);
            assert_eq!(strip_domain(s), without_domain);
        };
        check("foo.example.com:12345", "foo.example.com", "foo:12345");
        check("foo.example.com", "foo.example.com", "foo");
        check("192.0.2.1:12345", "192.0.2.1", "192.0.2.1:12345");
        check("2001:0DB8::1", "2001:0DB8::1", "2001:0DB8::1");
        check("[2001:0DB8::1]:12345", "2001:0DB8::1", "[2001:0DB8::1]:12345");
        check("[2001:0DB8::1]::12345", "[2001:0DB8::1]::12345", "[2001:0DB8::1]::12345");
        check("[a:b.c]:80", "a:b.c", "[a:b]:80");
        check("12:30:01.5 UTC", "12:30:01.5 UTC", "12:30:01");
    }
}
