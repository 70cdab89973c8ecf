//! Configuration files that are nearly right: what `amtool check-config` and `promtool check rules` refuse, we refuse, and nothing else.

mod alertmanager;
mod rules;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use bellwether_promql::conformance::Choices as _;
use serde_json::Value;

use super::document::{Node, Spoils};
use super::{assert_none, seeds};
use crate::differential::random::Random;
use crate::support::{Bellwether, require};

/// How many files one process reads, so that command lines stay short.
const BATCH: usize = 500;

/// How many files are compared, usually.
const FILES: u64 = 1500;

/// Why a file was refused, or `None`.
pub(super) type Verdicts = BTreeMap<String, Option<String>>;

/// What `bellwether check KIND` says of each file.
pub(super) fn ours(dir: &Path, kind: &str, names: &[String]) -> Verdicts {
    let output = Command::new(Bellwether::binary())
        .args(["check", kind, "--format", "json"])
        .args(names)
        .current_dir(dir)
        .output()
        .expect("it runs");
    let said: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|e| {
        panic!("{e}: {}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    });
    let mut verdicts: Verdicts = names.iter().map(|name| (name.clone(), None)).collect();
    for finding in said["findings"].as_array().expect("findings") {
        if finding["severity"] == "error" {
            let file = finding["file"].as_str().expect("a file");
            let message = finding["message"].as_str().expect("a message");
            verdicts.get_mut(file).expect("one of the files").get_or_insert_with(|| message.to_owned());
        }
    }
    verdicts
}

/// What a tool of upstream's says of each file: it writes the name of a file before its verdict. Both streams are read as one. A file at which it panics is one that it does not take, and
/// it goes on with the next.
pub(super) fn theirs(dir: &Path, command: &str, names: &[String]) -> Verdicts {
    let mut verdicts = Verdicts::new();
    while verdicts.len() < names.len() {
        let output = Command::new("sh")
            .args(["-c", &format!("exec {command} \"$@\" 2>&1"), "sh"])
            .args(names.iter().filter(|name| !verdicts.contains_key(*name)))
            .current_dir(dir)
            .output()
            .expect("it runs");
        let said = String::from_utf8_lossy(&output.stdout);
        let before = verdicts.len();
        for part in said.split("Checking ").skip(1) {
            let (name, rest) = part.split_once(|c: char| c.is_whitespace()).expect("a name");
            let (name, panicked) = match name.split_once("'panic:") {
                Some((name, _)) => (name, true),
                None => (name, rest.starts_with("panic:")),
            };
            let refused = rest.split_once("FAILED").map(|(_, why)| why.trim().to_owned());
            let refused = if panicked { Some("panic".to_owned()) } else { refused };
            assert!(refused.is_some() || rest.contains("SUCCESS"), "neither: {part}");
            verdicts.insert(name.trim_matches('\'').to_owned(), refused);
        }
        assert!(verdicts.len() > before, "{command}: {said}");
    }
    verdicts
}

/// What may differ: a part of what one of the two says of a file that the other one takes, and why that is right.
struct Known {
    theirs: &'static str,
    ours: &'static str,
    why: &'static str,
}

const fn only_theirs(theirs: &'static str, why: &'static str) -> Known {
    Known { theirs, ours: "", why }
}

const fn only_ours(ours: &'static str, why: &'static str) -> Known {
    Known { theirs: "", ours, why }
}

/// Says how many files were compared, and fails if there are verdicts that differ.
fn compare(kind: &str, command: &str, known: &[Known], valid: &Value, spoils: &Spoils) -> String {
    require(command.split(' ').next().expect("a program"));
    let dir = tempfile::tempdir().expect("a folder");
    let (mut differing, mut accepted, mut explained) = (Vec::new(), 0, BTreeMap::<&str, usize>::new());
    let seeds: Vec<u64> = seeds(FILES).collect();
    for batch in seeds.chunks(BATCH) {
        let mut changed = BTreeMap::new();
        for seed in batch {
            let mut random = Random::new(*seed);
            let mut node = Node::from(valid);
            let changes: Vec<String> =
                (0..=random.below(2)).map(|_| node.spoil(&mut random, spoils)).collect();
            let name = format!("{seed}.yml");
            fs::write(dir.path().join(&name), format!("{node}\n")).expect("written");
            changed.insert(name, changes.join("\n  "));
        }
        let names: Vec<String> = changed.keys().cloned().collect();
        let (ours, theirs) = (ours(dir.path(), kind, &names), theirs(dir.path(), command, &names));
        for (name, changes) in &changed {
            let (ours, theirs) =
                (&ours[name], theirs.get(name).unwrap_or_else(|| panic!("{name} is missing")));
            accepted += usize::from(theirs.is_none());
            if ours.is_some() == theirs.is_some() {
                continue;
            }
            let said = |verdict: &Option<String>| verdict.clone().unwrap_or_default();
            let (ours, theirs) = (said(ours), said(theirs));
            let row = known.iter().find(|row| theirs.contains(row.theirs) && ours.contains(row.ours));
            match row {
                Some(row) => *explained.entry(row.why).or_default() += 1,
                None => {
                    differing.push(format!("{name}: {changes}\n  ours:   {ours:?}\n  theirs: {theirs:?}"));
                }
            }
        }
        for name in names {
            fs::remove_file(dir.path().join(name)).expect("removed");
        }
    }
    assert!(accepted * 10 > seeds.len() && accepted < seeds.len(), "{accepted} are too few or too many");
    assert_none("verdicts differ", &differing);
    format!("{kind}: {} files, {accepted} accepted, explained: {explained:?}", seeds.len())
}
