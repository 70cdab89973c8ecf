use std::sync::Arc;

use bellwether_model::Labels;
use parking_lot::Mutex;

use super::labels::TargetSpec;
use super::status::TargetStatus;
use super::url::TargetUrl;
use crate::ingest::MetadataCache;

/// A target that is scraped, shared between its scrape loop and those who look at it.
#[derive(Debug)]
pub(crate) struct ActiveTarget {
    /// The labels that its samples get.
    pub(crate) labels: Labels,
    pub(crate) url: TargetUrl,
    pub(crate) identity: u128,
    pub(crate) metadata: Arc<Mutex<MetadataCache>>,
    pub(crate) status: Mutex<TargetStatus>,
}

impl ActiveTarget {
    pub(crate) fn new(spec: &TargetSpec) -> Self {
        Self {
            labels: spec.labels.clone(),
            url: spec.url.clone(),
            identity: spec.identity,
            metadata: Arc::default(),
            status: Mutex::default(),
        }
    }
}
