//! What Prometheus refuses in the sections of each mechanism, with its sentences.

use std::borrow::Cow;

use bellwether_outbound::ConfigUrl;
use bellwether_yaml::{Decode, Errors, MapReader, Node, Reported};

use super::super::error::DiscoveryError;
use super::super::http::read_web_url;

/// The text of a field; empty if it is absent.
fn text(map: &mut MapReader<'_, '_>, field: &'static str) -> String {
    map.or_default(field)
}

fn refuse(map: &mut MapReader<'_, '_>, field: &str, sentence: &'static str) {
    map.reject(map.place(field), DiscoveryError::Mechanism(sentence));
}

fn refuse_value(map: &mut MapReader<'_, '_>, field: &str, sentence: String) {
    map.reject(map.place(field), DiscoveryError::MechanismValue(sentence));
}

fn require(map: &mut MapReader<'_, '_>, field: &'static str, sentence: &'static str) {
    if text(map, field).trim().is_empty() {
        refuse(map, field, sentence);
    }
}

/// At least one element.
fn require_list(map: &mut MapReader<'_, '_>, field: &'static str, sentence: &'static str) -> Vec<String> {
    let items: Vec<String> = map.or_default(field);
    if items.is_empty() {
        refuse(map, field, sentence);
    }
    items
}

/// One of two fields, and not both.
fn require_one_secret(map: &mut MapReader<'_, '_>) {
    match (text(map, "secret_key").is_empty(), text(map, "secret_key_file").is_empty()) {
        (true, true) => refuse(map, "secret_key", "one of secret_key & secret_key_file must be configured"),
        (false, false) => {
            refuse(map, "secret_key_file", "at most one of secret_key & secret_key_file must be configured");
        }
        _ => {}
    }
}

pub(super) fn anything(_map: &mut MapReader<'_, '_>) {}

pub(super) fn azure(map: &mut MapReader<'_, '_>) {
    let method = map.or("authentication_method", "OAuth".to_owned());
    require(map, "subscription_id", "azure SD configuration requires a subscription_id");
    match method.as_str() {
        "OAuth" => {
            require(map, "tenant_id", "azure SD configuration requires a tenant_id");
            require(map, "client_id", "azure SD configuration requires a client_id");
            require(map, "client_secret", "azure SD configuration requires a client_secret");
        }
        "ManagedIdentity" | "SDK" | "WorkloadIdentity" => {}
        other => {
            let supported = r#""OAuth", "ManagedIdentity", "SDK" or "WorkloadIdentity""#;
            let sentence = format!("unknown authentication_type {other:?}. Supported types are {supported}");
            refuse_value(map, "authentication_method", sentence);
        }
    }
}

pub(super) fn consul(map: &mut MapReader<'_, '_>) {
    let server = map.or("server", "localhost:8500".to_owned());
    if server.trim().is_empty() {
        refuse(map, "server", "consul SD configuration requires a server address");
    }
    let has_user = !text(map, "username").is_empty() || !text(map, "password").is_empty();
    if has_user && map.get("basic_auth").is_some_and(|node| !node.is_null()) {
        let sentence =
            "at most one of consul SD configuration username and password and basic auth can be configured";
        refuse(map, "basic_auth", sentence);
    }
    let has_other =
        ["authorization", "oauth2"].iter().any(|field| map.get(field).is_some_and(|node| !node.is_null()));
    if !text(map, "token").is_empty() && has_other {
        refuse(map, "token", "at most one of consul SD token, authorization, or oauth2 can be configured");
    }
}

pub(super) fn docker(map: &mut MapReader<'_, '_>) {
    let host = text(map, "host");
    if host.is_empty() {
        refuse(map, "host", "host missing");
    } else if let Err(error) = ConfigUrl::parse(&host) {
        map.reject(map.place("host"), error);
    }
}

pub(super) fn dockerswarm(map: &mut MapReader<'_, '_>) {
    docker(map);
    match text(map, "role").as_str() {
        "services" | "tasks" | "nodes" => {}
        "" => refuse(map, "role", "role missing (one of: tasks, services, nodes)"),
        other => {
            let sentence = format!("invalid role {other}, expected tasks, services, or nodes");
            refuse_value(map, "role", sentence);
        }
    }
}

/// A filter of EC2: a name and the values that pass.
struct Filter {
    values: Vec<String>,
}

impl Decode<'_> for Filter {
    fn type_name() -> Cow<'static, str> {
        "aws.EC2Filter".into()
    }

    fn decode(node: Node<'_>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "aws.EC2Filter", errors)?;
        text(&mut map, "name");
        let filter = Self { values: map.or_default("values") };
        map.finish()?;
        Ok(filter)
    }
}

pub(super) fn ec2(map: &mut MapReader<'_, '_>) {
    let filters: Vec<Filter> = map.or_default("filters");
    if filters.iter().any(|filter| filter.values.is_empty()) {
        refuse(map, "filters", "EC2 SD configuration filter values cannot be empty");
    }
}

pub(super) fn eureka(map: &mut MapReader<'_, '_>) {
    let server = text(map, "server");
    if server.is_empty() {
        return refuse(map, "server", "eureka_sd: empty or null eureka server");
    }
    match ConfigUrl::parse(&server) {
        Ok(url) if url.scheme().is_empty() || url.host().is_empty() => {
            refuse(map, "server", "eureka_sd: invalid eureka server URL");
        }
        Ok(_) => {}
        Err(error) => map.reject(map.place("server"), error),
    }
}

pub(super) fn gce(map: &mut MapReader<'_, '_>) {
    require(map, "project", "GCE SD configuration requires a project");
    require(map, "zone", "GCE SD configuration requires a zone");
}

pub(super) fn hetzner(map: &mut MapReader<'_, '_>) {
    match text(map, "role").as_str() {
        "robot" | "hcloud" => {}
        "" => refuse(map, "role", "role missing (one of: robot, hcloud)"),
        other => refuse_value(map, "role", format!("unknown role {other:?}")),
    }
}

pub(super) fn ionos(map: &mut MapReader<'_, '_>) {
    require(map, "datacenter_id", "datacenter id can't be empty");
}

pub(super) fn kuma(map: &mut MapReader<'_, '_>) {
    let server = text(map, "server");
    if server.is_empty() {
        return refuse(map, "server", "kuma SD server must not be empty");
    }
    match ConfigUrl::parse(&server) {
        Ok(url) if url.scheme().is_empty() || url.host().is_empty() => {
            refuse(map, "server", "kuma SD server must not be empty and have a scheme");
        }
        Ok(_) => {}
        Err(error) => map.reject(map.place("server"), error),
    }
}

pub(super) fn marathon(map: &mut MapReader<'_, '_>) {
    require_list(map, "servers", "marathon_sd: must contain at least one Marathon server");
    let has_token = !text(map, "auth_token").is_empty();
    let has_token_file = !text(map, "auth_token_file").is_empty();
    if has_token && has_token_file {
        let sentence = "marathon_sd: at most one of auth_token & auth_token_file must be configured";
        refuse(map, "auth_token_file", sentence);
    }
    if !has_token && !has_token_file {
        return;
    }
    let others = [
        (
            "basic_auth",
            "marathon_sd: at most one of basic_auth, auth_token & auth_token_file must be configured",
        ),
        (
            "bearer_token",
            "marathon_sd: at most one of bearer_token, bearer_token_file, auth_token & auth_token_file must be configured",
        ),
        (
            "bearer_token_file",
            "marathon_sd: at most one of bearer_token, bearer_token_file, auth_token & auth_token_file must be configured",
        ),
        (
            "authorization",
            "marathon_sd: at most one of auth_token, auth_token_file & authorization must be configured",
        ),
    ];
    for (field, sentence) in others {
        if map.get(field).is_some_and(|node| !node.is_null()) {
            refuse(map, field, sentence);
        }
    }
}

pub(super) fn nerve(map: &mut MapReader<'_, '_>) {
    let servers = "nerve SD config must contain at least one Zookeeper server";
    zookeeper(map, "nerve", servers, "nerve SD config must contain at least one path");
}

pub(super) fn serverset(map: &mut MapReader<'_, '_>) {
    let servers = "serverset SD config must contain at least one Zookeeper server";
    zookeeper(map, "serverset", servers, "serverset SD config must contain at least one path");
}

fn zookeeper(map: &mut MapReader<'_, '_>, name: &str, no_servers: &'static str, no_paths: &'static str) {
    require_list(map, "servers", no_servers);
    let paths = require_list(map, "paths", no_paths);
    if let Some(path) = paths.iter().find(|path| !path.starts_with('/')) {
        refuse_value(map, "paths", format!("{name} SD config paths must begin with '/': {path}"));
    }
}

pub(super) fn nomad(map: &mut MapReader<'_, '_>) {
    let server = map.or("server", "http://localhost:4646".to_owned());
    if server.trim().is_empty() {
        refuse(map, "server", "nomad SD configuration requires a server address");
    }
}

pub(super) fn oci(map: &mut MapReader<'_, '_>) {
    let method = map.or("auth", "api_key".to_owned());
    if !matches!(method.as_str(), "" | "api_key" | "instance_principal") {
        let expected = r#""api_key" or "instance_principal""#;
        refuse_value(map, "auth", format!("oci_sd: unknown auth method {method:?}, expected {expected}"));
    }
}

pub(super) fn openstack(map: &mut MapReader<'_, '_>) {
    let availability = map.or("availability", "public".to_owned());
    if !matches!(availability.as_str(), "admin" | "internal" | "public") {
        let sentence =
            format!("unknown availability {availability}, must be one of admin, internal or public");
        refuse_value(map, "availability", sentence);
    }
    match text(map, "role").as_str() {
        "hypervisor" | "instance" | "loadbalancer" => {}
        "" => refuse(map, "role", "role missing (one of: instance, hypervisor, loadbalancer)"),
        other => refuse_value(map, "role", format!("unknown OpenStack SD role {other:?}")),
    }
    require(map, "region", "openstack SD configuration requires a region");
}

pub(super) fn outscale(map: &mut MapReader<'_, '_>) {
    require_one_secret(map);
}

pub(super) fn ovhcloud(map: &mut MapReader<'_, '_>) {
    let endpoint = map.or("endpoint", "ovh-eu".to_owned());
    if endpoint.is_empty() {
        refuse(map, "endpoint", "endpoint can not be empty");
    }
    require(map, "application_key", "application key can not be empty");
    require(map, "application_secret", "application secret can not be empty");
    require(map, "consumer_key", "consumer key can not be empty");
    let service = text(map, "service");
    if !matches!(service.as_str(), "dedicated_server" | "vps") {
        refuse_value(map, "service", format!("unknown service: {service}"));
    }
}

pub(super) fn puppetdb(map: &mut MapReader<'_, '_>) {
    read_web_url(map, "url");
    require(map, "query", "query missing");
}

pub(super) fn scaleway(map: &mut MapReader<'_, '_>) {
    require(map, "project_id", "project_id is mandatory");
    require_one_secret(map);
    require(map, "access_key", "access_key is mandatory");
    match text(map, "role").as_str() {
        "instance" | "baremetal" => {}
        other => refuse_value(map, "role", format!("unknown role {other:?}")),
    }
}

pub(super) fn stackit(map: &mut MapReader<'_, '_>) {
    let endpoint = text(map, "endpoint");
    let region = map.or("region", "eu01".to_owned());
    if endpoint.is_empty() && region.is_empty() {
        refuse(map, "region", "stackit_sd: endpoint and region missing");
    }
    if let Err(error) = ConfigUrl::parse(&endpoint) {
        refuse_value(map, "endpoint", format!("stackit_sd: invalid endpoint {endpoint:?}: {error}"));
    }
}

pub(super) fn triton(map: &mut MapReader<'_, '_>) {
    let role = map.or("role", "container".to_owned());
    if !matches!(role.as_str(), "container" | "cn") {
        refuse(map, "role", "triton SD configuration requires role to be 'container' or 'cn'");
    }
    require(map, "account", "triton SD configuration requires an account");
    require(map, "dns_suffix", "triton SD configuration requires a dns_suffix");
    require(map, "endpoint", "triton SD configuration requires an endpoint");
}

pub(super) fn uyuni(map: &mut MapReader<'_, '_>) {
    let server = text(map, "server");
    if server.is_empty() {
        refuse(map, "server", "Uyuni SD configuration requires server host");
    } else if let Err(error) = ConfigUrl::parse(&server) {
        refuse_value(map, "server", format!("Uyuni Server URL is not valid: {error}"));
    }
    require(map, "username", "Uyuni SD configuration requires a username");
    require(map, "password", "Uyuni SD configuration requires a password");
}
