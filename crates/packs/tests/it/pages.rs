//! The page of each pack in `docs/packs/`.

use std::path::Path;

use bellwether_packs::generate::{OutputKind, generate};
use bellwether_packs::lint::RULES;
use bellwether_packs::schema::{Pack, Stability};

use crate::generate::packs;

/// The guides whose place packs take: the pack, the letter of their defects, and how many there are.
const GUIDES: [(&str, char, usize); 5] =
    [("causal", 'C', 25), ("cugar", 'U', 19), ("dag", 'D', 23), ("devskyy", 'V', 30), ("genesis", 'G', 19)];

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

/// Code without what differs between a page and a test: layout, the modules of names, references, and what becomes of errors.
fn essence(code: &str) -> String {
    let modules = ["causal::", "cugar::", "dag::", "devskyy::", "genesis::", "gen_ai::", "system::"];
    let mut code: String = code.chars().filter(|c| !c.is_whitespace() && *c != '&').collect();
    for word in modules.into_iter().chain([".expect(\"registers\")", ".expect(\"starts\")", "?", ",}"]) {
        code = code.replace(word, if word == ",}" { "}" } else { "" });
    }
    code.replace("host.collector", "registry.collector").replace("(host)", "(registry)")
}

/// The code in Rust on the pages is that of a test, which compiles and runs it.
#[test]
fn the_code_on_the_pages_is_tested() {
    let tested = essence(include_str!("generate.rs"));
    let mut seen = 0;
    for (_, pack) in packs() {
        let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/packs"))
            .join(format!("{}.md", pack.name));
        let page = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        for block in page.split("\n```rust\n").skip(1) {
            let (code, _) = block.split_once("\n```").expect("a block ends");
            for line in code.lines() {
                assert!(tested.contains(&essence(line)), "{}: no test has {line}", path.display());
                seen += 1;
            }
        }
    }
    assert!(seen > 20, "{seen} lines");
}

/// The text of every source file of the workspace.
fn sources() -> String {
    let mut text = String::new();
    let mut folders = vec![Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("readable") {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                text.push_str(&std::fs::read_to_string(&path).expect("text"));
            }
        }
    }
    text
}

/// The words of what holds a fix behind one that says what they are: `tests` is followed by the names of tests.
fn named_after<'t>(by: &'t str, kinds: &'t [&str]) -> impl Iterator<Item = &'t str> {
    by.split(", ").flat_map(move |claim| {
        let claim = claim.trim_start_matches("the ");
        let names = kinds.iter().find_map(|kind| claim.strip_prefix(kind)?.strip_prefix(' '));
        names.into_iter().flat_map(|names| names.split(" and ")).map(|name| name.trim_matches('`'))
    })
}

/// Whether a word is written like the name of an alert.
fn is_camel_case(word: &str) -> bool {
    let is_upper = |c: char| c.is_ascii_uppercase();
    word.len() > 4 && word.starts_with(is_upper) && word[1..].contains(is_upper)
}

/// What a fix says to be held by is there: a test or a lint rule of this workspace, or something of the pack.
#[test]
fn what_holds_a_fix_is_there() {
    let sources = sources();
    let mut seen = [0; 9];
    for (_, pack) in packs() {
        for fix in &pack.fixes {
            let by = fix.by.as_str();
            let mut check = |place: usize, kinds: &[&str], is_there: &dyn Fn(&str) -> bool| {
                for name in named_after(by, kinds) {
                    assert!(is_there(name), "{}: there is no {} {name}", fix.id, kinds[0]);
                    seen[place] += 1;
                }
            };
            check(0, &["test", "tests"], &|name| sources.contains(&format!("fn {name}(")));
            check(1, &["lint"], &|name| name.starts_with("of ") || RULES.iter().any(|rule| rule.id == name));
            check(2, &["objective"], &|name| pack.slos.iter().any(|slo| slo.name.value == name));
            check(3, &["panel"], &|title| pack.panels().any(|panel| panel.title.value == title));
            check(4, &["service"], &|name| pack.services.iter().any(|service| service.name.value == name));
            check(5, &["setting"], &|name| pack.settings.iter().any(|setting| setting.name.value == name));
            check(6, &["ratio", "rates", "quantile", "expression"], &|name| pack.named(name).is_some());
            check(7, &["recordings"], &|name| {
                pack.recordings.iter().any(|recording| recording.record.value == name)
            });
            if by.contains("alert") || by.contains("case") {
                let words = by.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
                for word in words.filter(|word| is_camel_case(word)) {
                    let is_there = pack.alerts.iter().any(|alert| alert.name.value == word);
                    assert!(is_there, "{}: no alert {word}", fix.id);
                    seen[8] += 1;
                }
            }
            if by.contains("clippy.toml") {
                let bans = include_str!("../../../../clippy.toml");
                assert!(bans.contains("std::time::SystemTime::now"), "{}: {by}", fix.id);
            }
        }
    }
    assert!(seen.iter().all(|number| *number > 0), "{seen:?}");
}

#[test]
fn every_fix_says_what_holds_it() {
    for (_, pack) in packs() {
        for fix in &pack.fixes {
            let has_rule = RULES.iter().any(|rule| rule.defects.contains(&fix.id.as_str()));
            assert!(has_rule || !fix.by.is_empty(), "{}: nothing holds {:?}", fix.id, fix.now);
        }
    }
}

/// Packs of which every metric that is not deprecated is in a panel or an alert.
const SHOWN: [&str; 7] = ["causal", "cugar", "dag", "devskyy", "gen_ai", "genesis", "system"];

#[test]
fn every_metric_of_a_guide_is_shown_or_alerted_on() {
    for (_, pack) in packs().into_iter().filter(|(_, pack)| SHOWN.contains(&pack.name.as_str())) {
        let shown = pack.panels().flat_map(|panel| &panel.show).map(|show| pack.compile(&show.expr));
        let alerted = pack.alerts.iter().map(|alert| pack.compile(&alert.when));
        let used: Vec<String> = shown
            .chain(alerted)
            .map(|compiled| compiled.unwrap_or_else(|e| panic!("{e}")).expr.to_string())
            .collect();
        for metric in pack.metrics.iter().filter(|metric| metric.stability != Stability::Deprecated) {
            let is_used = used.iter().any(|expr| expr.contains(metric.name.as_str()));
            assert!(is_used, "{}: nobody would notice that {} is missing", pack.name, metric.name);
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
