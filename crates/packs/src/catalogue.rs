//! The packs that a server has: those that come with the program, and those of its operator.

use std::sync::{Arc, LazyLock};

use crate::schema::Pack;

/// File and text of each pack that comes with the program.
const SOURCES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/packs.rs"));

/// File and text of each page of runbooks that comes with the program.
const RUNBOOKS: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/runbooks.rs"));

static BUILT_IN: LazyLock<Vec<Arc<Pack>>> = LazyLock::new(|| {
    let parse = |(file, text): &(&str, &str)| match Pack::parse(file, text.as_bytes()) {
        Ok(pack) => Arc::new(pack),
        Err(errors) => panic!("BUG: a test reads every pack that comes with the program\n{errors}"),
    };
    SOURCES.iter().map(parse).collect()
});

/// Packs by name.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    packs: Vec<Arc<Pack>>,
}

impl Catalogue {
    /// The packs that come with the program. The first call reads them, which takes some milliseconds.
    pub fn built_in() -> Self {
        let mut packs = BUILT_IN.clone();
        packs.sort_by(|a, b| a.name.value.cmp(&b.name.value));
        Self { packs }
    }

    /// Adds a pack; it takes the place of the one that is called like it.
    pub fn insert(&mut self, pack: Arc<Pack>) {
        match self.packs.binary_search_by(|other| other.name.value.cmp(&pack.name.value)) {
            Ok(place) => self.packs[place] = pack,
            Err(place) => self.packs.insert(place, pack),
        }
    }

    /// The pack called `name`.
    pub fn get(&self, name: &str) -> Option<&Arc<Pack>> {
        let place = self.packs.binary_search_by(|pack| pack.name.value.as_str().cmp(name));
        place.ok().map(|place| &self.packs[place])
    }

    /// The packs, sorted by name.
    pub fn packs(&self) -> &[Arc<Pack>] {
        &self.packs
    }
}

/// Whether a pack comes with the program.
pub fn is_built_in(pack: &Pack) -> bool {
    SOURCES.iter().any(|(file, _)| *file == pack.source)
}

/// The runbooks of a pack as Markdown, with a heading for each alert and objective; `None` if they do not come with the
/// program.
pub fn runbooks(pack: &Pack) -> Option<&'static str> {
    runbook_page(pack.runbooks.as_deref()?)
}

/// A page of runbooks that comes with the program, by its path in the repository, such as `docs/runbooks/dag.md`.
pub fn runbook_page(path: &str) -> Option<&'static str> {
    RUNBOOKS.iter().find(|(file, _)| *file == path).map(|(_, text)| *text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::{Level, lint};

    #[test]
    fn every_pack_of_the_repository_comes_with_the_program_and_has_no_errors() {
        let catalogue = Catalogue::built_in();
        for pack in catalogue.packs() {
            assert_eq!(pack.source, format!("packs/{}.yaml", pack.name), "files are called like their packs");
            let errors: Vec<_> = lint(pack).into_iter().filter(|f| f.level == Level::Error).collect();
            assert!(errors.is_empty(), "{errors:?}");
        }
        assert!(catalogue.get("http").is_some() && catalogue.get("process").is_some());
        assert_eq!(catalogue.packs().len(), SOURCES.len(), "no two packs have the same name");
    }

    #[test]
    fn a_pack_takes_the_place_of_the_one_that_is_called_like_it() {
        let mut catalogue = Catalogue::built_in();
        let n_packs = catalogue.packs().len();
        let pack = |name: &str| {
            let text = format!("pack: {name}\nversion: 9.0.0\n");
            Arc::new(Pack::parse("own.yaml", text.as_bytes()).expect("a pack"))
        };
        catalogue.insert(pack("http"));
        assert_eq!(catalogue.get("http").map(|pack| pack.version.as_str()), Some("9.0.0"));
        assert_eq!(catalogue.packs().len(), n_packs);
        catalogue.insert(pack("aaa"));
        assert_eq!(catalogue.packs()[0].name.value, "aaa");
        assert!(!is_built_in(&catalogue.packs()[0]));
    }

    #[test]
    fn the_runbooks_of_a_pack_come_with_it() {
        let catalogue = Catalogue::built_in();
        let pack = catalogue.get("process").expect("it is built in");
        let text = runbooks(pack).expect("it names a page of the repository");
        for alert in &pack.alerts {
            assert!(text.contains(&format!("\n### {}\n", alert.name.value)), "{}", alert.name.value);
        }
        let elsewhere =
            Pack { runbooks: Some("https://example.org/runbooks.md".to_owned()), ..Pack::clone(pack) };
        assert_eq!(runbooks(&elsewhere), None);
    }
}
