//! The small records that survive: what the router and the rules know.

use std::path::Path;

use anyhow::Context as _;
use bellwether_state::StateStore;

/// Opens the database in the data folder, whose lock the caller holds.
pub(crate) async fn open(folder: &Path) -> anyhow::Result<StateStore> {
    let folder = folder.to_owned();
    let opened = tokio::task::spawn_blocking(move || StateStore::open(&folder)).await;
    Ok(opened.context("opening the state ended unexpectedly")??)
}
