//! `packs`: files with catalogues of metrics.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bellwether_packs::catalogue::Catalogue;
use bellwether_packs::lint::{Level, lint};
use bellwether_packs::schema::Pack;
use bellwether_scrape::config::matching_files;
use bellwether_yaml::{At, Error, Errors};

use super::error::SectionError;

/// Reads the packs of the files that match the patterns into the catalogue. One with errors would promise what cannot be checked, so it is
/// refused like a wrong section; its text is kept for showing the lines.
pub(super) fn read(
    patterns: &[At<'_, PathBuf>],
    catalogue: &mut Catalogue,
    errors: &mut Errors,
    texts: &mut BTreeMap<String, Arc<str>>,
) {
    let mut first: BTreeMap<String, String> = BTreeMap::new();
    for At { value: pattern, node } in patterns {
        let files = matching_files(pattern);
        let is_pattern = pattern.to_string_lossy().contains(['*', '?', '[']);
        if files.is_empty() && !is_pattern {
            errors.reject(*node, SectionError::NoSuchPack { path: pattern.display().to_string() });
        }
        for path in files {
            let Some(pack) = read_file(&path, errors, texts) else { continue };
            match first.entry(pack.name.value.clone()) {
                Entry::Vacant(vacant) => {
                    vacant.insert(pack.source.clone());
                    catalogue.insert(Arc::new(pack));
                }
                // Two patterns may find the same file.
                Entry::Occupied(first) if *first.get() == pack.source => {}
                Entry::Occupied(first) => {
                    let (name, first) = (first.key().clone(), first.get().clone());
                    let refusal = SectionError::DuplicatePack { name, first };
                    errors.push(Error::in_place(pack.source, pack.name.position, refusal));
                }
            }
        }
    }
}

fn read_file(path: &Path, errors: &mut Errors, texts: &mut BTreeMap<String, Arc<str>>) -> Option<Pack> {
    let name = path.display().to_string();
    let bytes =
        std::fs::read(path).map_err(|error| errors.push(Error::in_file(name.as_str(), error))).ok()?;
    texts.insert(name.clone(), String::from_utf8_lossy(&bytes).into());
    let pack = Pack::parse(&name, &bytes).map_err(|problems| errors.append(problems)).ok()?;
    let findings = lint(&pack);
    let mut wrong = findings.into_iter().filter(|finding| finding.level == Level::Error).peekable();
    let is_right = wrong.peek().is_none();
    for finding in wrong {
        let remedy = format!("{} [{}]", finding.remedy, finding.rule);
        let error = Error::in_place(finding.source, finding.position, finding.message);
        errors.push(error.with_remedy(remedy));
    }
    is_right.then_some(pack)
}
