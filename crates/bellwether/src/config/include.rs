//! `rule_files`, `scrape_config_files` and `packs`: patterns of other files.

use std::borrow::Cow;
use std::path::PathBuf;

use bellwether_scrape::config::ScrapeSpec;
use bellwether_yaml::{At, Decode, Errors, MapReader, Node, Reported};

use super::error::SectionError;

/// Reads a list of patterns, with their places. Only the last segment of each may have a star, so that it is clear which folders are watched.
pub(super) fn read_patterns<'d>(
    map: &mut MapReader<'d, '_>,
    field: &'static str,
    kind: &'static str,
) -> Vec<At<'d, PathBuf>> {
    let patterns: Vec<At<'d, String>> = map.or_default(field);
    for At { value, node } in &patterns {
        let star_in_folder = value.find('*').is_some_and(|star| value[star..].contains('/'));
        if star_in_folder {
            map.reject(*node, SectionError::FilePattern { kind, path: value.clone() });
        }
    }
    patterns.iter().map(|at| At { value: at.node.resolve_path(&at.value), node: at.node }).collect()
}

/// A file that holds nothing but jobs.
pub(super) struct IncludedFile<'d> {
    pub(super) scrape_configs: Vec<ScrapeSpec<'d>>,
}

impl<'d> Decode<'d> for IncludedFile<'d> {
    fn type_name() -> Cow<'static, str> {
        "config.ScrapeConfigs".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "config.ScrapeConfigs", errors)?;
        let scrape_configs = map.list("scrape_configs", "empty or null scrape config section");
        // A job that cannot be read is in the list of errors; the others are still checked.
        let _ = map.finish();
        Ok(Self { scrape_configs })
    }
}
