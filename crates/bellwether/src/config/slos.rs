//! `slos`: files with objectives.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bellwether_rules::slo::{self, Objective};
use bellwether_scrape::config::matching_files;
use bellwether_yaml::{At, Error, Errors};

use super::error::{ConfigErrors, SectionError};

/// The objectives of files, as a server would take them, and what is wrong with these files.
pub fn load_objectives(files: &[PathBuf]) -> (Vec<Objective>, ConfigErrors) {
    let (mut slos, mut errors, mut texts) = (Slos::default(), Errors::new(), BTreeMap::new());
    for file in files {
        slos.read_file(file, &mut errors, &mut texts);
    }
    (slos.into_objectives(), ConfigErrors { errors, texts })
}

/// The objectives of all files, no two of which have the same id.
#[derive(Debug, Default)]
pub(super) struct Slos(Vec<Objective>);

impl Slos {
    /// Reads the files that match the patterns. A file with problems is refused like a wrong section; its text is kept for showing the lines.
    pub(super) fn read(
        &mut self,
        patterns: &[At<'_, PathBuf>],
        errors: &mut Errors,
        texts: &mut BTreeMap<String, Arc<str>>,
    ) {
        for At { value: pattern, node } in patterns {
            let files = matching_files(pattern);
            let is_pattern = pattern.to_string_lossy().contains(['*', '?', '[']);
            if files.is_empty() && !is_pattern {
                errors.reject(*node, SectionError::NoSuchObjectives { path: pattern.display().to_string() });
            }
            for path in files {
                self.read_file(&path, errors, texts);
            }
        }
    }

    fn read_file(&mut self, path: &Path, errors: &mut Errors, texts: &mut BTreeMap<String, Arc<str>>) {
        let name = path.display().to_string();
        // Two patterns may find the same file.
        if self.0.iter().any(|known| *known.source == name) {
            return;
        }
        match std::fs::read(path) {
            Ok(bytes) => {
                texts.insert(name.clone(), String::from_utf8_lossy(&bytes).into());
                match slo::read(&name, &bytes) {
                    Ok(objectives) => self.add(objectives, errors),
                    Err(problems) => errors.append(problems),
                }
            }
            Err(error) => {
                errors.push(Error::in_file(name, error));
            }
        }
    }

    fn add(&mut self, objectives: Vec<Objective>, errors: &mut Errors) {
        for objective in objectives {
            let id = objective.id();
            match self.0.iter().find(|known| known.id() == id) {
                Some(known) => {
                    let first = format!("{}:{}", known.source, known.position);
                    let refusal = SectionError::DuplicateObjective { id, first };
                    errors.push(Error::in_place(&*objective.source, objective.position, refusal));
                }
                None => self.0.push(objective),
            }
        }
    }

    /// The objectives, in the order of the files.
    pub(super) fn into_objectives(self) -> Vec<Objective> {
        self.0
    }
}
