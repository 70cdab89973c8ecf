//! Files that a configuration names and that are not read with it: rules, credentials, certificates.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;

use bellwether::config::Config;
use bellwether_lint::Place;
use bellwether_scrape::config::matching_files;
use bellwether_yaml::Position;

/// A file that is named but cannot be read.
pub(crate) struct Unreadable {
    /// Where it is named, if that is known.
    pub(crate) place: Option<Place>,
    /// Which file it is, and why it cannot be read.
    pub(crate) message: String,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some(place) => write!(f, "{place}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

/// The files that are named but cannot be read.
pub(crate) fn unreadable(config: &Config, job_places: &BTreeMap<String, String>) -> Vec<Unreadable> {
    let mut problems = Vec::new();
    for pattern in &config.rule_files {
        let is_pattern = pattern.to_string_lossy().contains(['*', '?', '[']);
        if !is_pattern && matching_files(pattern).is_empty() {
            let message = format!("rule_files: {} does not exist", pattern.display());
            problems.push(Unreadable { place: None, message });
        }
    }
    for job in &config.scrape_configs {
        for (field, file) in job.http.named_files() {
            if let Err(error) = File::open(file) {
                let place = job_places.get(&job.job_name).and_then(|place| read_place(place));
                let message =
                    format!("job {:?}: {field} {} cannot be read: {error}", job.job_name, file.display());
                problems.push(Unreadable { place, message });
            }
        }
    }
    problems
}

/// `FILE:LINE:COLUMN`
fn read_place(text: &str) -> Option<Place> {
    let mut parts = text.rsplitn(3, ':');
    let (column, line) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    Some(Place::point(parts.next()?, Position { line, column }))
}
