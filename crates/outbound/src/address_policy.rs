use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// Which addresses may be reached for destinations that do not come from the configuration file.
///
/// The check is made on the resolved address that is then connected to, so a name that resolves differently the second time gains nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressPolicy {
    deny: Vec<Network>,
    allow: Vec<Network>,
}

impl AddressPolicy {
    /// A policy that refuses the networks of `deny`, and everything outside `allow` unless that is empty.
    pub fn new(deny: Vec<Network>, allow: Vec<Network>) -> Self {
        Self { deny, allow }
    }

    /// Whether `address` may be reached.
    pub fn permits(&self, address: IpAddr) -> bool {
        let address = embedded_ipv4(address);
        let within = |networks: &[Network]| networks.iter().any(|network| network.contains(address));
        !within(&self.deny) && (self.allow.is_empty() || within(&self.allow))
    }
}

/// Refuses link-local and cloud metadata addresses.
impl Default for AddressPolicy {
    fn default() -> Self {
        Self {
            deny: vec![
                Network { base: IpAddr::V4(Ipv4Addr::new(169, 254, 0, 0)), prefix_len: 16 },
                Network { base: IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0)), prefix_len: 10 },
                // Alibaba Cloud, Oracle Cloud, AWS and Google Cloud.
                Network { base: IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)), prefix_len: 32 },
                Network { base: IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)), prefix_len: 32 },
                Network {
                    base: IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
                    prefix_len: 128,
                },
                Network {
                    base: IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)),
                    prefix_len: 128,
                },
            ],
            allow: Vec::new(),
        }
    }
}

/// A range of addresses such as `10.0.0.0/8`; a single address has the full prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    base: IpAddr,
    prefix_len: u8,
}

/// The text is neither an address nor an address with a prefix length.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an IP network; write it as 10.0.0.0/8 or 192.0.2.1")]
pub struct ParseNetworkError(String);

impl Network {
    /// Whether `address` lies in the network. An IPv4 network never contains an IPv6 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.base, address) {
            (IpAddr::V4(base), IpAddr::V4(address)) => {
                let shift = 32 - u32::from(self.prefix_len);
                base.to_bits().checked_shr(shift) == address.to_bits().checked_shr(shift)
            }
            (IpAddr::V6(base), IpAddr::V6(address)) => {
                let shift = 128 - u32::from(self.prefix_len);
                base.to_bits().checked_shr(shift) == address.to_bits().checked_shr(shift)
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = ParseNetworkError;

    fn from_str(s: &str) -> Result<Self, ParseNetworkError> {
        let invalid = || ParseNetworkError(s.to_owned());
        let (base, prefix_len) = match s.split_once('/') {
            Some((base, len)) => (base, Some(len.parse::<u8>().map_err(|_| invalid())?)),
            None => (s, None),
        };
        let base: IpAddr = base.parse().map_err(|_| invalid())?;
        let full = if base.is_ipv4() { 32 } else { 128 };
        let prefix_len = prefix_len.unwrap_or(full);
        if prefix_len > full {
            return Err(invalid());
        }
        Ok(Self { base, prefix_len })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base, self.prefix_len)
    }
}

/// The IPv4 address inside an IPv4-mapped or NAT64 address: they reach the same machine and must meet the same rule.
fn embedded_ipv4(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    if let [0x64, 0xff9b, 0, 0, 0, 0, high, low] = v6.segments() {
        return IpAddr::V4(Ipv4Addr::from_bits((u32::from(high) << 16) | u32::from(low)));
    }
    address.to_canonical()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn networks(texts: &[&str]) -> Vec<Network> {
        texts.iter().map(|t| t.parse().expect("valid network")).collect()
    }

    #[test]
    fn refuses_what_the_lists_say() {
        let check = |policy: &AddressPolicy, address: &str, want: bool| {
            assert_eq!(policy.permits(address.parse().expect("address")), want, "{address}");
        };
        let default = AddressPolicy::default();
        check(&default, "169.254.169.254", false);
        check(&default, "::ffff:169.254.169.254", false);
        check(&default, "64:ff9b::a9fe:a9fe", false);
        check(&default, "fd00:ec2::254", false);
        check(&default, "fd20:ce::254", false);
        check(&default, "100.100.100.200", false);
        check(&default, "fe80::1", false);
        check(&default, "169.253.0.1", true);
        check(&default, "127.0.0.1", true);
        check(&default, "2001:db8::1", true);

        let strict = AddressPolicy::new(networks(&["10.1.0.0/16"]), networks(&["10.0.0.0/8", "::1"]));
        check(&strict, "10.2.3.4", true);
        check(&strict, "10.1.3.4", false);
        check(&strict, "192.0.2.1", false);
        check(&strict, "::1", true);
        check(&strict, "::2", false);

        let nothing = AddressPolicy::new(networks(&["0.0.0.0/0", "::/0"]), Vec::new());
        check(&nothing, "8.8.8.8", false);
        check(&nothing, "2001:db8::1", false);
    }

    #[test]
    fn bad_networks() {
        for text in ["", "10.0.0.0/33", "::/129", "10.0.0/8", "10.0.0.0/", "10.0.0.0/x", "host"] {
            let error = text.parse::<Network>().expect_err(text);
            assert_eq!(error, ParseNetworkError(text.to_owned()));
        }
        assert_eq!("10.0.0.0/8".parse::<Network>().expect("valid").to_string(), "10.0.0.0/8");
    }
}
