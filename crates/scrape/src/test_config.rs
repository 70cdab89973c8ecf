//! Jobs of tests, written as in a configuration file.

use bellwether_yaml::{Dialect, Document, Errors};

use crate::config::{ScrapeConfig, ScrapeDefaults, ScrapeSpec};

/// The job that an element of `scrape_configs` describes.
pub(crate) fn job(yaml: &str) -> ScrapeConfig {
    let document = Document::parse("job.yml", yaml.as_bytes(), Dialect::V2).expect("valid YAML");
    let spec: ScrapeSpec<'_> = document.decode().unwrap_or_else(|e| panic!("{yaml}: {e}"));
    let mut errors = Errors::default();
    spec.resolve(&ScrapeDefaults::default(), &mut errors).unwrap_or_else(|_| panic!("{yaml}: {errors}"))
}
