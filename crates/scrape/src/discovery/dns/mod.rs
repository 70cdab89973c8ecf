//! Targets from DNS records.

mod message;
mod resolver;
mod system;

use std::net::IpAddr;
use std::sync::Arc;

use futures_util::future::join_all;
use tokio::time::{Instant, sleep_until};

pub use resolver::Resolver;

use super::feed::{Feed, refresh_interval};
use super::single;
use crate::config::{DnsDiscovery, DnsRecordType, TargetGroup};
use message::{Data, RecordType};

const NAME_LABEL: &str = "__meta_dns_name";
const SRV_TARGET_LABEL: &str = "__meta_dns_srv_record_target";
const SRV_PORT_LABEL: &str = "__meta_dns_srv_record_port";
const MX_TARGET_LABEL: &str = "__meta_dns_mx_record_target";
const NS_TARGET_LABEL: &str = "__meta_dns_ns_record_target";

/// Asks for the names until it is dropped.
pub(super) async fn run(config: DnsDiscovery, resolver: Arc<Resolver>, feed: Arc<Feed>) {
    let refresh = refresh_interval(config.refresh_interval_ms);
    // One entry per name; what a name led to stays when it cannot be resolved for a while.
    let mut by_name: Vec<Vec<TargetGroup>> = vec![Vec::new(); config.names.len()];
    let mut wake = Instant::now();
    loop {
        let lookups = config.names.iter().map(|name| groups_of(name, &config, &resolver));
        let mut errors = Vec::new();
        for (known, found) in by_name.iter_mut().zip(join_all(lookups).await) {
            match found {
                Ok(groups) => *known = groups,
                Err(error) => errors.push(error),
            }
        }
        feed.publish_partly(by_name.concat(), Some(errors.join("; ")).filter(|e| !e.is_empty()));
        wake = (wake + refresh).max(Instant::now());
        sleep_until(wake).await;
    }
}

async fn groups_of(
    name: &str,
    config: &DnsDiscovery,
    resolver: &Resolver,
) -> Result<Vec<TargetGroup>, String> {
    let record_type = match config.record_type {
        DnsRecordType::Srv => RecordType::Srv,
        DnsRecordType::A => RecordType::A,
        DnsRecordType::Aaaa => RecordType::Aaaa,
        DnsRecordType::Mx => RecordType::Mx,
        DnsRecordType::Ns => RecordType::Ns,
    };
    let records = resolver.lookup(name, record_type).await.map_err(|e| e.to_string())?;
    let group = |data: Data| {
        let (target, more) = target_of(data, config.port);
        let labels = [(NAME_LABEL, name.to_owned())].into_iter().chain(more);
        single(format!("{name}/{target}"), target, labels)
    };
    Ok(records.into_iter().map(group).collect())
}

/// Address and labels of the target that a record names.
fn target_of(data: Data, port: i64) -> (String, Vec<(&'static str, String)>) {
    let at = |host: &str, port: i64| format!("{}:{port}", host.trim_end_matches('.'));
    match data {
        Data::Address(IpAddr::V4(address)) => (format!("{address}:{port}"), Vec::new()),
        Data::Address(IpAddr::V6(address)) => (format!("[{address}]:{port}"), Vec::new()),
        Data::Srv { target, port } => {
            let labels = vec![(SRV_PORT_LABEL, port.to_string()), (SRV_TARGET_LABEL, target.clone())];
            (at(&target, i64::from(port)), labels)
        }
        Data::Mx(target) => (at(&target, port), vec![(MX_TARGET_LABEL, target)]),
        Data::Ns(target) => (at(&target, port), vec![(NS_TARGET_LABEL, target)]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_become_targets() {
        let check = |data: Data, want: &str, labels: &[(&'static str, &str)]| {
            let (target, got) = target_of(data, 9100);
            let got: Vec<_> = got.iter().map(|(name, value)| (*name, value.as_str())).collect();
            assert_eq!((target.as_str(), got.as_slice()), (want, labels));
        };
        let address = |text: &str| Data::Address(text.parse().expect("an address"));
        check(address("10.0.0.1"), "10.0.0.1:9100", &[]);
        check(address("::1"), "[::1]:9100", &[]);
        check(
            Data::Srv { target: "a.test.".into(), port: 80 },
            "a.test:80",
            &[(SRV_PORT_LABEL, "80"), (SRV_TARGET_LABEL, "a.test.")],
        );
        check(Data::Mx("mail.test.".into()), "mail.test:9100", &[(MX_TARGET_LABEL, "mail.test.")]);
        check(Data::Ns("ns.test.".into()), "ns.test:9100", &[(NS_TARGET_LABEL, "ns.test.")]);
    }
}
