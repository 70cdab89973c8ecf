//! The page of each pack in `docs/packs/`.

use std::path::Path;

use bellwether_packs::generate::{OutputKind, generate};
use bellwether_packs::schema::Pack;

use crate::generate::packs;

/// The guides whose place packs take: the pack, the letter of their defects, and how many there are.
const GUIDES: [(&str, char, usize); 3] = [("cugar", 'U', 19), ("dag", 'D', 23), ("genesis", 'G', 19)];

#[test]
fn the_reference_on_each_page_is_that_of_the_pack() {
    let mut old = Vec::new();
    for (_, pack) in packs() {
        let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/packs"))
            .join(format!("{}.md", pack.name));
        let page = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let made = generate(&pack, &[OutputKind::Reference]).unwrap_or_else(|e| panic!("{e}"));
        let now = made[0].over(&page);
        if std::env::var_os("BELLWETHER_ACCEPT").is_some() {
            std::fs::write(&path, &now).expect("written");
        }
        if page != now {
            old.push(path);
        }
        assert!(page.contains("\n## Five minutes\n"), "{} does not say how to begin", pack.name);
    }
    assert!(old.is_empty(), "{old:?} are old; run this test with BELLWETHER_ACCEPT=1");
}

#[test]
fn every_defect_of_a_guide_has_its_row() {
    for (_, pack) in packs() {
        let guide = GUIDES.iter().find(|(name, ..)| *name == pack.name.value);
        let Some((name, letter, number)) = guide else {
            assert!(pack.fixes.is_empty(), "{}: how many defects does its guide have?", pack.name);
            continue;
        };
        let ids: Vec<&str> = pack.fixes.iter().map(|fix| fix.id.as_str()).collect();
        let all: Vec<String> = (1..=*number).map(|n| format!("{letter}{n}")).collect();
        assert_eq!(ids, all, "defects of {name}");
        let made = generate(&pack, &[OutputKind::Reference]).unwrap_or_else(|e| panic!("{e}"));
        for fix in &pack.fixes {
            assert!(!fix.was.is_empty(), "{} does not say what was wrong", fix.id);
            let row = format!("\n| {} | {} | {} | ", fix.id, fix.was, fix.now).replace("\\|", "|");
            assert!(made[0].text.replace("\\|", "|").contains(&row), "no row for {}", fix.id);
        }
    }
}

#[test]
fn what_people_write_around_a_reference_stays() {
    let pack = |help: &str| {
        let text = format!(
            "pack: x\nversion: 1.0.0\nmetrics: [{{name: a, type: gauge, help: {help}}}]\nfixes: {{D1: {{was: wrong, now: right, by: alert A}}}}"
        );
        let pack = Pack::parse("x.yaml", text.as_bytes()).unwrap_or_else(|e| panic!("{e}"));
        generate(&pack, &[OutputKind::Reference]).unwrap_or_else(|e| panic!("{e}")).remove(0)
    };
    let page = format!("# Mine\n\nFirst this.\n\n{}\nLast that.\n", pack("Old").text);
    let now = pack("New").over(&page);
    assert!(now.starts_with("# Mine\n\nFirst this.\n"), "{now}");
    assert!(now.ends_with("\nLast that.\n"), "{now}");
    assert!(now.contains("| `a` | gauge |  |  | New. |") && !now.contains("Old"), "{now}");
    assert!(now.contains("| D1 | wrong | right | lint `ratio-groups`, alert A |"), "{now}");
    assert_eq!(pack("New").over("no marks"), pack("New").text);
}
