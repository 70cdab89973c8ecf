use std::sync::Arc;

use bellwether_outbound::{ClientConfigError, Destination};
use tokio::sync::Notify;

use super::{DiscoveryOptions, Provider};
use crate::config::{Discovery, TargetGroup};
use crate::run::Environment;

/// Looks for targets that are not scraped, such as Alertmanagers. It stops when it is dropped.
pub struct Finder {
    providers: Vec<Provider>,
    changed: Arc<Notify>,
}

impl Finder {
    pub(crate) fn start(
        sections: &[Discovery],
        options: &DiscoveryOptions,
        env: &Arc<Environment>,
    ) -> Result<Self, ClientConfigError> {
        let changed = Arc::new(Notify::new());
        let start =
            |section: &Discovery| Provider::start(section.clone(), Arc::clone(&changed), options, env);
        Ok(Self { providers: sections.iter().map(start).collect::<Result<_, _>>()?, changed })
    }

    /// What was found last, with who chose it.
    pub fn groups(&self) -> Vec<(Destination, TargetGroup)> {
        let found = self.providers.iter().flat_map(|provider| {
            let groups = provider.groups();
            groups.iter().map(|group| (provider.destination(), group.clone())).collect::<Vec<_>>()
        });
        found.collect()
    }

    /// Waits until something else was found than when this was last called.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }
}
