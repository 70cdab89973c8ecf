//! How the pieces run.

use std::collections::BTreeMap;

use super::Found;
use crate::schema::{Pack, Service};

/// The port of the server that scrapes.
const SERVER_PORT: u16 = 9090;

/// Services that may have it.
const SERVERS: [&str; 2] = ["bellwether", "prometheus"];

/// What all services without a host of their own share.
const ONE_HOST: &str = "one host";

/// The host of a service.
fn host(service: &Service) -> &str {
    match &service.host {
        Some(host) => host,
        None if service.container => &service.name,
        None => ONE_HOST,
    }
}

pub(super) fn ports(pack: &Pack) -> Vec<Found<'_>> {
    let mut found = Vec::new();
    let mut taken: BTreeMap<(&str, u16), &str> = BTreeMap::new();
    for service in &pack.services {
        for port in &service.ports {
            let is_server = SERVERS.iter().any(|server| service.name.contains(server));
            if port.value == SERVER_PORT && !is_server {
                let message = format!(
                    "{} listens on {SERVER_PORT}, which is the port of the server that scrapes it",
                    service.name
                );
                let remedy = "take another port; 9464 is usual for metrics";
                found.push(Found::error(port.position, message, remedy).unless(&service.allow));
            }
            match taken.insert((host(service), port.value), service.name.as_str()) {
                Some(other) if other != service.name.value => {
                    let message = format!(
                        "{} and {other} both listen on port {} of {}",
                        service.name,
                        port.value,
                        host(service)
                    );
                    let remedy = "give one another port, or say in `host` that they run on different ones";
                    found.push(Found::error(port.position, message, remedy).unless(&service.allow));
                }
                _ => {}
            }
        }
    }
    let is_server_job = |job: &str| SERVERS.iter().any(|server| job.contains(server));
    for scrape in pack.scrape.iter().filter(|scrape| !is_server_job(&scrape.job)) {
        if let Some(port) = scrape.port.as_ref().filter(|port| port.value == SERVER_PORT) {
            let message = format!(
                "job {} is scraped on {SERVER_PORT}, which is the port of the server itself",
                scrape.job
            );
            let remedy = "let the application listen elsewhere; 9464 is usual for metrics";
            found.push(Found::error(port.position, message, remedy).unless(&scrape.allow));
        }
    }
    found
}

pub(super) fn localhost_targets(pack: &Pack) -> Vec<Found<'_>> {
    let mut found = Vec::new();
    if !pack.services.iter().any(|service| service.container) {
        return found;
    }
    for scrape in &pack.scrape {
        for target in &scrape.targets {
            let host = target.rsplit_once(':').map_or(target.as_str(), |(host, _)| host);
            if ["localhost", "127.0.0.1", "[::1]", "::1"].contains(&host) {
                let message =
                    format!("{target} is the container of the server itself, not that of {}", scrape.job);
                let remedy = "name the service, which is the host name in its network";
                found.push(Found::error(target.position, message, remedy).unless(&scrape.allow));
            }
        }
    }
    found
}

pub(super) fn notified(pack: &Pack) -> Vec<Found<'_>> {
    let is_told = !pack.receivers.is_empty() || !pack.alertmanagers.is_empty();
    match (pack.scrape.first(), pack.alerts.first()) {
        (Some(_), Some(first)) if !is_told => {
            let message = format!(
                "the pack scrapes and has {} alerts, and nobody is told about them",
                pack.alerts.len()
            );
            let remedy = "add a receiver, or the address of an Alertmanager in `alertmanagers`";
            vec![Found::error(first.name.position, message, remedy)]
        }
        _ => Vec::new(),
    }
}

pub(super) fn shared_volumes(pack: &Pack) -> Vec<Found<'_>> {
    let mut found = Vec::new();
    let mut mounted: BTreeMap<&str, &str> = BTreeMap::new();
    for service in &pack.services {
        for volume in service.volumes.values() {
            if let Some(other) = mounted.insert(&volume.value, &service.name)
                && other != service.name.value
            {
                let message = format!(
                    "{} and {other} both mount the volume {volume}, and either may remove what the other needs",
                    service.name
                );
                found.push(
                    Found::error(volume.position, message, "give each a volume of its own")
                        .unless(&service.allow),
                );
            }
        }
    }
    found
}

pub(super) fn pinned_images(pack: &Pack) -> Vec<Found<'_>> {
    let loose = pack.services.iter().filter_map(|service| {
        let image = service.image.as_ref()?;
        let (_, after_slash) = image.rsplit_once('/').unwrap_or(("", image));
        let is_pinned = image.contains('@')
            || after_slash.split_once(':').is_some_and(|(_, tag)| tag != "latest" && !tag.is_empty());
        let message = format!("image {image} of {} is another one tomorrow", service.name);
        (!is_pinned).then(|| {
            Found::warning(image.position, message, "give a version as the tag").unless(&service.allow)
        })
    });
    loose.collect()
}
