//! Expectations about who is told.

use bellwether_model::Labels;

/// Knows to whom alerts go. What reads the configuration of Alertmanager is elsewhere.
pub trait Routing {
    /// The routes that an alert with these labels takes, in order.
    fn routes(&self, labels: &Labels) -> Vec<RoutedTo>;
}

/// Where an alert goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoutedTo {
    /// Who is told.
    pub receiver: String,
    /// The key of the group that the alert is in, as Alertmanager writes it: `{}/{severity="page"}:{alertname="X"}`.
    pub group_key: String,
}
