//! `bellwether pack`: exit codes and what programs read.

use std::fs;

use serde_json::Value;

use crate::admin::command;
use crate::support::root;

const WRONG: &str = "pack: shop\nversion: 1.0.0\nmetrics:\n- {name: failed, type: counter, help: x}\n";
const WARNED: &str = "pack: shop\nversion: 1.0.0\nmetrics:\n- {name: wait_ms, type: gauge, help: x}\n";

#[test]
fn findings_are_told_to_programs_and_by_exit_codes() {
    let dir = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).expect("written");
    write("wrong.yaml", WRONG);
    write("warned.yaml", WARNED);
    write("broken.yaml", "pack: shop\nversion: 1.0.0\nmetrcs: []\n");

    let (success, said) =
        command(dir.path(), &["pack", "lint", "--output", "json", "wrong.yaml", "broken.yaml"]);
    assert!(!success);
    let answer: Value = serde_json::from_str(&said).unwrap_or_else(|e| panic!("{e}: {said}"));
    assert_eq!(answer["valid"], false);
    let findings = answer["findings"].as_array().expect("a list");
    assert_eq!(findings.len(), 2);
    assert_eq!(findings[0]["rule"], "counter-total");
    assert_eq!(findings[0]["line"], 4);
    assert_eq!(findings[0]["defects"], serde_json::json!(["U6", "V9"]));
    assert_eq!(findings[1]["rule"], "form");
    assert_eq!(findings[1]["remedy"], "did you mean \"metrics\"?");

    assert!(command(dir.path(), &["pack", "lint", "warned.yaml"]).0, "a warning is no error");
    assert!(!command(dir.path(), &["pack", "lint", "--strict", "warned.yaml"]).0);
    let (success, said) = command(dir.path(), &["pack", "lint", "missing.yaml"]);
    assert!(!success && said.contains("missing.yaml: No such file"), "{said}");
}

#[test]
fn nothing_is_made_of_a_pack_with_errors() {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(dir.path().join("wrong.yaml"), WRONG).expect("written");
    let (success, said) = command(dir.path(), &["pack", "gen", "wrong.yaml", "--out", "made"]);
    assert!(
        !success && said.contains("nothing is made of a pack with errors:\nwrong.yaml:4:10: error"),
        "{said}"
    );
    assert!(!dir.path().join("made").exists());
}

#[test]
fn a_page_keeps_what_people_write_around_its_reference() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("shop.yaml");
    let make = |help: &str| {
        let pack =
            format!("pack: shop\nversion: 1.0.0\nmetrics:\n- {{name: depth, type: gauge, help: {help}}}\n");
        fs::write(&path, pack).expect("written");
        let (success, said) =
            command(dir.path(), &["pack", "gen", "shop.yaml", "--out", ".", "--kinds", "reference"]);
        assert!(success, "{said}");
        fs::read_to_string(dir.path().join("shop.md")).expect("made")
    };
    let first = make("Old");
    fs::write(dir.path().join("shop.md"), format!("Before.\n\n{first}\nAfter.\n")).expect("written");
    let second = make("New");
    assert!(second.starts_with("Before.\n") && second.ends_with("\nAfter.\n"), "{second}");
    assert!(second.contains("New.") && !second.contains("Old."), "{second}");
}

#[test]
fn every_pack_of_the_repository_is_made_and_its_alerts_pass_their_tests() {
    let dir = tempfile::tempdir().expect("a folder");
    for entry in fs::read_dir(root().join("packs")).expect("there") {
        let path = entry.expect("readable").path();
        if path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        let pack = path.to_string_lossy();
        let (success, said) = command(dir.path(), &["pack", "lint", "--strict", &pack]);
        assert!(success, "{said}");
        let (success, said) = command(dir.path(), &["pack", "gen", &pack, "--out", "made"]);
        assert!(success, "{said}");
        for tests in said.lines().filter(|line| line.ends_with(".rules.test.yml")) {
            let (success, said) = command(dir.path(), &["test", "rules", tests]);
            assert!(success, "{said}");
        }
    }
}

#[test]
fn the_schema_for_editors_is_printed() {
    let dir = tempfile::tempdir().expect("a folder");
    let (success, said) = command(dir.path(), &["pack", "schema"]);
    assert!(success);
    let committed = fs::read_to_string(root().join("packs/pack.schema.json")).expect("there");
    assert!(said == committed, "`bellwether pack schema > packs/pack.schema.json`");
}
