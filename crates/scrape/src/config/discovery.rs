use bellwether_yaml::{Decode, MapReader, MapValue, Value};

use super::dns::DnsDiscovery;
use super::error::DiscoveryError;
use super::file::FileDiscovery;
use super::foreign::{self, ForeignDiscovery};
use super::http::HttpDiscovery;
use super::kubernetes::KubernetesDiscovery;
use super::target_group::TargetGroup;

/// The mechanisms that Bellwether has itself, by the names of their sections.
pub const MECHANISMS: [&str; 5] =
    ["dns_sd_configs", "file_sd_configs", "http_sd_configs", "kubernetes_sd_configs", "static_configs"];

/// One source of targets.
#[derive(Debug, Clone, PartialEq)]
pub enum Discovery {
    /// Targets that are listed in the configuration itself; all `static_configs` of a job together.
    Static(Vec<TargetGroup>),
    /// Files that list targets.
    File(FileDiscovery),
    /// A web service that lists targets.
    Http(Box<HttpDiscovery>),
    /// DNS records.
    Dns(DnsDiscovery),
    /// Objects of a Kubernetes cluster.
    Kubernetes(Box<KubernetesDiscovery>),
    /// A mechanism of Prometheus that Bellwether does not have. The section is checked and shown, and finds nothing.
    Foreign(ForeignDiscovery),
}

impl Discovery {
    /// The name of the mechanism if Bellwether does not have it.
    pub fn unsupported(&self) -> Option<&'static str> {
        match self {
            Self::Foreign(foreign) => Some(foreign.mechanism()),
            _ => None,
        }
    }

    /// The targets that the configuration itself lists here.
    pub(crate) fn static_groups(&self) -> &[TargetGroup] {
        match self {
            Self::Static(groups) => groups,
            _ => &[],
        }
    }
}

/// Reads all `*_sd_configs` and the `static_configs` from the section `map`, which has further fields.
pub fn read_discovery(map: &mut MapReader<'_, '_>) -> Vec<Discovery> {
    let mut found = Vec::new();
    found.extend(read_list(map, "dns_sd_configs").into_iter().map(Discovery::Dns));
    found.extend(read_list(map, "file_sd_configs").into_iter().map(Discovery::File));
    found.extend(read_list(map, "http_sd_configs").into_iter().map(|http| Discovery::Http(Box::new(http))));
    found.extend(
        read_list(map, "kubernetes_sd_configs").into_iter().map(|k8s| Discovery::Kubernetes(Box::new(k8s))),
    );
    for mechanism in &foreign::MECHANISMS {
        found.extend(foreign::read_list(map, mechanism).into_iter().map(Discovery::Foreign));
    }
    let mut groups: Vec<TargetGroup> = read_list(map, "static_configs");
    for (idx, group) in groups.iter_mut().enumerate() {
        group.source = idx.to_string();
    }
    if !groups.is_empty() {
        found.push(Discovery::Static(groups));
    }
    found
}

/// Reads a list of sections of one mechanism; none of them may be `null`.
fn read_list<'d, T: Decode<'d>>(map: &mut MapReader<'d, '_>, name: &'static str) -> Vec<T> {
    let Some(node) = map.get(name) else { return Vec::new() };
    for item in node.items().filter(|item| item.is_null()) {
        map.reject(item, DiscoveryError::NullSection(name));
    }
    match Vec::<Option<T>>::decode(node, map.errors()) {
        Ok(sections) => sections.into_iter().flatten().collect(),
        Err(reported) => {
            map.fail(reported);
            Vec::new()
        }
    }
}

/// A target of `static_configs` that is a URL instead of a host, if there is one.
pub fn has_static_url(discovery: &[Discovery]) -> Option<&str> {
    let groups = discovery.iter().filter_map(|found| match found {
        Discovery::Static(groups) => Some(groups),
        _ => None,
    });
    groups.flatten().flat_map(|group| &group.targets).find(|target| target.contains('/')).map(String::as_str)
}

/// Writes the sections for people to read, by name; secrets are hidden.
pub fn write_discovery(discovery: &[Discovery], map: &mut MapValue) {
    let mut sections: Vec<(String, Vec<Value>)> = Vec::new();
    for found in discovery {
        let (name, values) = match found {
            Discovery::Static(groups) => {
                ("static_configs".to_owned(), groups.iter().map(TargetGroup::to_value).collect())
            }
            Discovery::File(file) => ("file_sd_configs".to_owned(), vec![file.to_value()]),
            Discovery::Http(http) => ("http_sd_configs".to_owned(), vec![http.to_value()]),
            Discovery::Dns(dns) => ("dns_sd_configs".to_owned(), vec![dns.to_value()]),
            Discovery::Kubernetes(kubernetes) => {
                ("kubernetes_sd_configs".to_owned(), vec![kubernetes.to_value()])
            }
            Discovery::Foreign(foreign) => {
                (format!("{}_sd_configs", foreign.mechanism()), vec![foreign.to_value()])
            }
        };
        match sections.iter_mut().find(|(existing, _)| *existing == name) {
            Some((_, existing)) => existing.extend(values),
            None => sections.push((name, values)),
        }
    }
    sections.sort_by(|a, b| a.0.cmp(&b.0));
    for (name, values) in sections {
        map.set(name, Value::List(values));
    }
}
