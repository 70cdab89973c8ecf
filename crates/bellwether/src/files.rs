//! Files that a configuration names and that are not read with it: rules, credentials, certificates.

use std::collections::BTreeMap;
use std::fs::File;

use bellwether::config::Config;
use bellwether_scrape::config::matching_files;

/// One line for each file that is named but cannot be read.
pub(crate) fn unreadable(config: &Config, job_places: &BTreeMap<String, String>) -> Vec<String> {
    let mut problems = Vec::new();
    for pattern in &config.rule_files {
        let is_pattern = pattern.to_string_lossy().contains(['*', '?', '[']);
        if !is_pattern && matching_files(pattern).is_empty() {
            problems.push(format!("rule_files: {} does not exist", pattern.display()));
        }
    }
    for job in &config.scrape_configs {
        for (field, file) in job.http.named_files() {
            if let Err(error) = File::open(file) {
                let place =
                    job_places.get(&job.job_name).map(|place| format!("{place}: ")).unwrap_or_default();
                let file = file.display();
                problems
                    .push(format!("{place}job {:?}: {field} {file} cannot be read: {error}", job.job_name));
            }
        }
    }
    problems
}
