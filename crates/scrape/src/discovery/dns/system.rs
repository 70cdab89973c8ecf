use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

const PORT: u16 = 53;
/// As many search domains and servers as any resolver looks at.
const MAX_ENTRIES: usize = 6;

/// Whom to ask, and which names a short name stands for: what `/etc/resolv.conf` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SystemConfig {
    pub(super) servers: Vec<SocketAddr>,
    pub(super) search: Vec<String>,
    /// A name with so many dots is tried as it is first.
    pub(super) ndots: usize,
    pub(super) timeout: Duration,
    pub(super) attempts: u32,
}

impl SystemConfig {
    /// Reads the text of `/etc/resolv.conf`. Lines that are not understood are left out, as in every resolver.
    pub(super) fn parse(text: &str) -> Self {
        let mut config = Self {
            servers: Vec::new(),
            search: Vec::new(),
            ndots: 1,
            timeout: Duration::from_secs(5),
            attempts: 2,
        };
        for line in text.lines() {
            let mut words = line.split(['#', ';']).next().unwrap_or_default().split_whitespace();
            match words.next() {
                Some("nameserver") => {
                    let server = words.next().and_then(|word| word.parse::<IpAddr>().ok());
                    config.servers.extend(server.map(|address| SocketAddr::new(address, PORT)));
                }
                Some("domain" | "search") => {
                    config.search = words.map(|word| word.trim_end_matches('.').to_owned()).collect();
                    config.search.retain(|domain| !domain.is_empty());
                }
                Some("options") => words.for_each(|word| config.set_option(word)),
                _ => {}
            }
        }
        if config.servers.is_empty() {
            config.servers.push(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), PORT));
        }
        config.servers.truncate(MAX_ENTRIES);
        config.search.truncate(MAX_ENTRIES);
        config
    }

    fn set_option(&mut self, option: &str) {
        let Some((name, value)) = option.split_once(':') else { return };
        let Ok(value) = value.parse::<u32>() else { return };
        match name {
            "ndots" => self.ndots = value.min(15) as usize,
            "timeout" => self.timeout = Duration::from_secs(u64::from(value.clamp(1, 30))),
            "attempts" => self.attempts = value.clamp(1, 5),
            _ => {}
        }
    }

    /// The names to try for `name`, in order.
    pub(super) fn candidates(&self, name: &str) -> Vec<String> {
        if let Some(full) = name.strip_suffix('.') {
            return vec![full.to_owned()];
        }
        let searched = self.search.iter().map(|domain| format!("{name}.{domain}"));
        let has_enough_dots = name.matches('.').count() >= self.ndots;
        if has_enough_dots {
            std::iter::once(name.to_owned()).chain(searched).collect()
        } else {
            searched.chain([name.to_owned()]).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_resolv_conf() {
        let config = SystemConfig::parse(
            "# comment\nnameserver 10.0.0.1 # first\nnameserver ::1\nnameserver nonsense\n\
             domain old.test\nsearch a.test b.test.\noptions ndots:2 timeout:99 attempts:3 rotate ndots:x\n",
        );
        assert_eq!(config.servers, ["10.0.0.1:53", "[::1]:53"].map(|s| s.parse().expect("an address")));
        assert_eq!(config.search, ["a.test", "b.test"]);
        assert_eq!((config.ndots, config.attempts, config.timeout), (2, 3, Duration::from_secs(30)));
        assert_eq!(SystemConfig::parse("").servers, ["127.0.0.1:53".parse().expect("an address")]);
    }

    #[test]
    fn short_names_are_searched_for() {
        let config = SystemConfig::parse("search a.test b.test\noptions ndots:1");
        assert_eq!(config.candidates("db"), ["db.a.test", "db.b.test", "db"]);
        assert_eq!(config.candidates("db.c"), ["db.c", "db.c.a.test", "db.c.b.test"]);
        assert_eq!(config.candidates("db.c."), ["db.c"]);
    }
}
