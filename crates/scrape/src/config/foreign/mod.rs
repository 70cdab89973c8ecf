//! Discovery mechanisms of Prometheus that Bellwether does not have.
//!
//! Their sections are read so that a Prometheus configuration stays valid: what Prometheus refuses is refused here as well, and the
//! section is shown without its secrets. Fields that are not known here are accepted, because new ones appear with
//! every release and nothing depends on them.

mod checks;
mod redact;

use bellwether_outbound::HttpClientConfig;
use bellwether_yaml::{Decode, Errors, Kind, MapReader, Node, Reported, Value};

use super::error::DiscoveryError;

use redact::Redacted;

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
    Mechanism::new("aws_sd_configs", checks::anything),
    Mechanism::new("azure_sd_configs", checks::azure),
    Mechanism::new("consul_sd_configs", checks::consul),
    Mechanism::new("digitalocean_sd_configs", checks::anything),
    Mechanism::new("docker_sd_configs", checks::docker),
    Mechanism::new("dockerswarm_sd_configs", checks::dockerswarm),
    Mechanism::new("ec2_sd_configs", checks::ec2),
    Mechanism::new("eureka_sd_configs", checks::eureka),
    Mechanism::new("gce_sd_configs", checks::gce),
    Mechanism::new("hetzner_sd_configs", checks::hetzner),
    Mechanism::new("ionos_sd_configs", checks::ionos),
    Mechanism::new("kuma_sd_configs", checks::kuma),
    Mechanism::new("lightsail_sd_configs", checks::anything),
    Mechanism::new("linode_sd_configs", checks::anything),
    Mechanism::new("marathon_sd_configs", checks::marathon),
    Mechanism::new("nerve_sd_configs", checks::nerve),
    Mechanism::new("nomad_sd_configs", checks::nomad),
    Mechanism::new("oci_sd_configs", checks::oci),
    Mechanism::new("openstack_sd_configs", checks::openstack),
    Mechanism::new("outscale_sd_configs", checks::outscale),
    Mechanism::new("ovhcloud_sd_configs", checks::ovhcloud),
    Mechanism::new("puppetdb_sd_configs", checks::puppetdb),
    Mechanism::new("scaleway_sd_configs", checks::scaleway),
    Mechanism::new("serverset_sd_configs", checks::serverset),
    Mechanism::new("stackit_sd_configs", checks::stackit),
    Mechanism::new("triton_sd_configs", checks::triton),
    Mechanism::new("uyuni_sd_configs", checks::uyuni),
    Mechanism::new("vultr_sd_configs", checks::anything),
    Mechanism::new("ecs_sd_configs", checks::anything),
    Mechanism::new("elasticache_sd_configs", checks::anything),
    Mechanism::new("msk_sd_configs", checks::anything),
    Mechanism::new("rds_sd_configs", checks::anything),
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
