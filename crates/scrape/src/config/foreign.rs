//! Discovery mechanisms of Prometheus that Bellwether does not have.
//!
//! Their sections are read so that a Prometheus configuration stays valid: what Prometheus refuses is refused here as well, and the
//! section is shown without its secrets. Fields that are not known here are accepted, because new ones appear with
//! every release and nothing depends on them.

use std::borrow::Cow;

use bellwether_outbound::{ConfigUrl, HttpClientConfig};
use bellwether_yaml::{Decode, Errors, Kind, MapReader, MapValue, Node, Reported, Value};

use super::error::DiscoveryError;
use super::http::read_web_url;

/// A section of a mechanism that Bellwether does not have.
#[derive(Debug, Clone, PartialEq)]
pub struct ForeignDiscovery {
    mechanism: &'static str,
    /// The section as it was written, without secrets.
    shown: Value,
}

impl ForeignDiscovery {
    /// The name of the mechanism, for instance `consul`.
    pub fn mechanism(&self) -> &'static str {
        self.mechanism
    }

    pub(super) fn to_value(&self) -> Value {
        self.shown.clone()
    }
}

/// What is known about a mechanism.
pub(super) struct Mechanism {
    /// The name of its sections.
    section: &'static str,
    check: fn(&mut MapReader<'_, '_>),
}

impl Mechanism {
    const fn new(section: &'static str, check: fn(&mut MapReader<'_, '_>)) -> Self {
        Self { section, check }
    }

    fn name(&self) -> &'static str {
        self.section.strip_suffix("_sd_configs").unwrap_or(self.section)
    }
}

/// All of them, with what Prometheus checks beyond the fields for its HTTP client.
pub(super) const MECHANISMS: [Mechanism; 32] = [
    Mechanism::new("aws_sd_configs", anything),
    Mechanism::new("azure_sd_configs", azure),
    Mechanism::new("consul_sd_configs", consul),
    Mechanism::new("digitalocean_sd_configs", anything),
    Mechanism::new("docker_sd_configs", docker),
    Mechanism::new("dockerswarm_sd_configs", dockerswarm),
    Mechanism::new("ec2_sd_configs", ec2),
    Mechanism::new("eureka_sd_configs", eureka),
    Mechanism::new("gce_sd_configs", gce),
    Mechanism::new("hetzner_sd_configs", hetzner),
    Mechanism::new("ionos_sd_configs", ionos),
    Mechanism::new("kuma_sd_configs", kuma),
    Mechanism::new("lightsail_sd_configs", anything),
    Mechanism::new("linode_sd_configs", anything),
    Mechanism::new("marathon_sd_configs", marathon),
    Mechanism::new("nerve_sd_configs", nerve),
    Mechanism::new("nomad_sd_configs", nomad),
    Mechanism::new("oci_sd_configs", oci),
    Mechanism::new("openstack_sd_configs", openstack),
    Mechanism::new("outscale_sd_configs", outscale),
    Mechanism::new("ovhcloud_sd_configs", ovhcloud),
    Mechanism::new("puppetdb_sd_configs", puppetdb),
    Mechanism::new("scaleway_sd_configs", scaleway),
    Mechanism::new("serverset_sd_configs", serverset),
    Mechanism::new("stackit_sd_configs", stackit),
    Mechanism::new("triton_sd_configs", triton),
    Mechanism::new("uyuni_sd_configs", uyuni),
    Mechanism::new("vultr_sd_configs", anything),
    Mechanism::new("ecs_sd_configs", anything),
    Mechanism::new("elasticache_sd_configs", anything),
    Mechanism::new("msk_sd_configs", anything),
    Mechanism::new("rds_sd_configs", anything),
];

/// Reads the sections of one mechanism.
pub(super) fn read_list(map: &mut MapReader<'_, '_>, mechanism: &Mechanism) -> Vec<ForeignDiscovery> {
    let Some(node) = map.get(mechanism.section) else { return Vec::new() };
    if !matches!(node.kind(), Kind::Sequence) && !node.is_null() {
        let wrong = node.wrong_type("[]SDConfig");
        let reported = map.errors().push(wrong);
        map.fail(reported);
    }
    let mut found = Vec::new();
    for item in node.items() {
        if item.is_null() {
            map.reject(item, DiscoveryError::NullSection(mechanism.section));
            continue;
        }
        match read_section(item, mechanism, map.errors()) {
            Ok(foreign) => found.push(foreign),
            Err(reported) => map.fail(reported),
        }
    }
    found
}

fn read_section(
    node: Node<'_>,
    mechanism: &Mechanism,
    errors: &mut Errors,
) -> Result<ForeignDiscovery, Reported> {
    let mut map = MapReader::new(node, "SDConfig", errors)?;
    (mechanism.check)(&mut map);
    HttpClientConfig::read_fields(&mut map, &HttpClientConfig::default());
    map.parse_or("refresh_interval", 0, bellwether_model::parse_duration_ms);
    map.finish_open()?;
    let shown = Redacted::decode(node, errors)?.0;
    Ok(ForeignDiscovery { mechanism: mechanism.name(), shown })
}

/// A value in which everything that looks like a secret is hidden.
struct Redacted(Value);

impl Decode<'_> for Redacted {
    fn type_name() -> Cow<'static, str> {
        "interface {}".into()
    }

    fn decode(node: Node<'_>, errors: &mut Errors) -> Result<Self, Reported> {
        let value = match node.kind() {
            Kind::Scalar(_) => Value::decode(node, errors)?,
            Kind::Sequence => {
                let items: Vec<Self> = Vec::decode(node, errors)?;
                Value::List(items.into_iter().map(|item| item.0).collect())
            }
            Kind::Mapping => {
                let mut map = MapValue::new();
                for entry in node.entries() {
                    let key = String::decode(entry.key, errors)?;
                    let value = match is_secret(&key) {
                        true if entry.value.is_null() => Value::Null,
                        true => Value::str("<secret>"),
                        false if key.ends_with("url") => redact_url(entry.value, errors)?,
                        false => Self::decode(entry.value, errors)?.0,
                    };
                    map.set(key, value);
                }
                Value::Map(map)
            }
        };
        Ok(Self(value))
    }
}

fn redact_url(node: Node<'_>, errors: &mut Errors) -> Result<Value, Reported> {
    let text = String::decode(node, errors)?;
    Ok(Value::str(ConfigUrl::parse(&text).map_or(text, |url| url.to_string())))
}

/// Whether a field of this name holds a secret, rather than the name of a file or of an account.
fn is_secret(field: &str) -> bool {
    const WORDS: [&str; 5] = ["secret", "password", "passphrase", "token", "credentials"];
    const KEYS: [&str; 4] = ["private_key", "service_account_key", "consumer_key", "key"];
    const HARMLESS: [&str; 5] = ["_file", "_path", "_url", "_id", "_ref"];
    let field = field.to_ascii_lowercase();
    let is_named_so = WORDS.iter().any(|word| field.contains(word)) || KEYS.contains(&field.as_str());
    is_named_so && !HARMLESS.iter().any(|ending| field.ends_with(ending))
        // Sections that contain secrets, not secrets themselves.
        || field == "proxy_connect_header"
}

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

fn anything(_map: &mut MapReader<'_, '_>) {}

fn azure(map: &mut MapReader<'_, '_>) {
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

fn consul(map: &mut MapReader<'_, '_>) {
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

fn docker(map: &mut MapReader<'_, '_>) {
    let host = text(map, "host");
    if host.is_empty() {
        refuse(map, "host", "host missing");
    } else if let Err(error) = ConfigUrl::parse(&host) {
        map.reject(map.place("host"), error);
    }
}

fn dockerswarm(map: &mut MapReader<'_, '_>) {
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

fn ec2(map: &mut MapReader<'_, '_>) {
    let filters: Vec<Filter> = map.or_default("filters");
    if filters.iter().any(|filter| filter.values.is_empty()) {
        refuse(map, "filters", "EC2 SD configuration filter values cannot be empty");
    }
}

fn eureka(map: &mut MapReader<'_, '_>) {
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

fn gce(map: &mut MapReader<'_, '_>) {
    require(map, "project", "GCE SD configuration requires a project");
    require(map, "zone", "GCE SD configuration requires a zone");
}

fn hetzner(map: &mut MapReader<'_, '_>) {
    match text(map, "role").as_str() {
        "robot" | "hcloud" => {}
        "" => refuse(map, "role", "role missing (one of: robot, hcloud)"),
        other => refuse_value(map, "role", format!("unknown role {other:?}")),
    }
}

fn ionos(map: &mut MapReader<'_, '_>) {
    require(map, "datacenter_id", "datacenter id can't be empty");
}

fn kuma(map: &mut MapReader<'_, '_>) {
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

fn marathon(map: &mut MapReader<'_, '_>) {
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

fn nerve(map: &mut MapReader<'_, '_>) {
    let servers = "nerve SD config must contain at least one Zookeeper server";
    zookeeper(map, "nerve", servers, "nerve SD config must contain at least one path");
}

fn serverset(map: &mut MapReader<'_, '_>) {
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

fn nomad(map: &mut MapReader<'_, '_>) {
    let server = map.or("server", "http://localhost:4646".to_owned());
    if server.trim().is_empty() {
        refuse(map, "server", "nomad SD configuration requires a server address");
    }
}

fn oci(map: &mut MapReader<'_, '_>) {
    let method = map.or("auth", "api_key".to_owned());
    if !matches!(method.as_str(), "" | "api_key" | "instance_principal") {
        let expected = r#""api_key" or "instance_principal""#;
        refuse_value(map, "auth", format!("oci_sd: unknown auth method {method:?}, expected {expected}"));
    }
}

fn openstack(map: &mut MapReader<'_, '_>) {
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

fn outscale(map: &mut MapReader<'_, '_>) {
    require_one_secret(map);
}

fn ovhcloud(map: &mut MapReader<'_, '_>) {
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

fn puppetdb(map: &mut MapReader<'_, '_>) {
    read_web_url(map, "url");
    require(map, "query", "query missing");
}

fn scaleway(map: &mut MapReader<'_, '_>) {
    require(map, "project_id", "project_id is mandatory");
    require_one_secret(map);
    require(map, "access_key", "access_key is mandatory");
    match text(map, "role").as_str() {
        "instance" | "baremetal" => {}
        other => refuse_value(map, "role", format!("unknown role {other:?}")),
    }
}

fn stackit(map: &mut MapReader<'_, '_>) {
    let endpoint = text(map, "endpoint");
    let region = map.or("region", "eu01".to_owned());
    if endpoint.is_empty() && region.is_empty() {
        refuse(map, "region", "stackit_sd: endpoint and region missing");
    }
    if let Err(error) = ConfigUrl::parse(&endpoint) {
        refuse_value(map, "endpoint", format!("stackit_sd: invalid endpoint {endpoint:?}: {error}"));
    }
}

fn triton(map: &mut MapReader<'_, '_>) {
    let role = map.or("role", "container".to_owned());
    if !matches!(role.as_str(), "container" | "cn") {
        refuse(map, "role", "triton SD configuration requires role to be 'container' or 'cn'");
    }
    require(map, "account", "triton SD configuration requires an account");
    require(map, "dns_suffix", "triton SD configuration requires a dns_suffix");
    require(map, "endpoint", "triton SD configuration requires an endpoint");
}

fn uyuni(map: &mut MapReader<'_, '_>) {
    let server = text(map, "server");
    if server.is_empty() {
        refuse(map, "server", "Uyuni SD configuration requires server host");
    } else if let Err(error) = ConfigUrl::parse(&server) {
        refuse_value(map, "server", format!("Uyuni Server URL is not valid: {error}"));
    }
    require(map, "username", "Uyuni SD configuration requires a username");
    require(map, "password", "Uyuni SD configuration requires a password");
}
