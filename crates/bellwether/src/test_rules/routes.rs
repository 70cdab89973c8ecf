//! The routes of an Alertmanager configuration, for expectations about who is told.

use std::path::Path;

use bellwether::config::AlertmanagerSetup;
use bellwether_model::Labels;
use bellwether_rules::{RoutedTo, Routing};

struct Routes(AlertmanagerSetup);

impl Routing for Routes {
    fn routes(&self, labels: &Labels) -> Vec<RoutedTo> {
        let routes = self.0.config.route.matching(labels);
        let routed = routes.into_iter().map(|route| RoutedTo {
            receiver: route.options.receiver.clone(),
            group_key: format!("{}:{}", route.key, route.options.group_by.key(labels)),
        });
        routed.collect()
    }
}

/// Reads the configuration.
pub(super) fn load(path: &Path) -> Result<Box<dyn Routing>, String> {
    let (setup, _) = AlertmanagerSetup::load(path).map_err(|errors| errors.to_string())?;
    Ok(Box::new(Routes(setup)))
}
