//! Lint of the rules that the server evaluates.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bellwether::config::Config;
use bellwether_lint::{Board, Finding, Options, RuleSource, lint};
use bellwether_model::{Clock as _, SystemClock};
use bellwether_scrape::config::matching_files;

use crate::lint::{read_page, take_config};

/// Looks at the rules of each configuration, on a thread of its own, so that no evaluation waits for it.
#[derive(Clone, Default)]
pub(crate) struct RuleLint {
    pub(crate) board: Arc<Board>,
    loads: Arc<AtomicU64>,
}

impl RuleLint {
    /// Looks at the rule files of a configuration that was just loaded.
    pub(crate) fn look_at(&self, config: &Config) {
        let files: Vec<PathBuf> =
            config.rule_files.iter().flat_map(|pattern| matching_files(pattern)).collect();
        let mut options =
            Options { read_file: read_page, now_ms: SystemClock::new().now_ms(), ..Options::default() };
        take_config(config, &mut options);
        let (load, board) = (self.loads.fetch_add(1, Ordering::Relaxed) + 1, Arc::clone(&self.board));
        let look = move || board.set(load, findings(&files, &options));
        if let Err(error) = std::thread::Builder::new().name("bellwether-lint".to_owned()).spawn(look) {
            tracing::warn!(%error, "rules are not linted");
        }
    }
}

/// The findings about files that the server has taken. One that is gone since is left out.
fn findings(files: &[PathBuf], options: &Options) -> Vec<Finding> {
    let sources = files.iter().filter_map(|file| {
        let bytes = std::fs::read(file).ok()?;
        RuleSource::parse(&file.display().to_string(), &bytes).ok()
    });
    lint(&sources.collect::<Vec<_>>(), options)
}
