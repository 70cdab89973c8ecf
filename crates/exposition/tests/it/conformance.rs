//! Every conformance case of the text formats.
use std::path::PathBuf;

use bellwether_exposition::conformance;

/// The folder with the cases, or `None` if there is none and none was asked for.
fn folder() -> Option<PathBuf> {
    let asked_for = std::env::var_os("CONFORMANCE_DIR").map(PathBuf::from);
    let is_asked_for = asked_for.is_some();
    let root = asked_for.unwrap_or_else(|| {
        PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/conformance"))
    });
    assert!(root.is_dir() || !is_asked_for, "CONFORMANCE_DIR names {}, which is no folder", root.display());
    root.is_dir().then(|| root.join("textformat"))
}

#[test]
fn every_case_passes() {
    let Some(folder) = folder() else {
        println!("no conformance data: skipped");
        return;
    };
    let outcomes = conformance::run(&folder).expect("readable cases");
    let failed: Vec<_> =
        outcomes.iter().filter(|o| !o.ok).map(|o| format!("{}: {}", o.id, o.detail)).collect();
    println!("textformat: {} passed, {} failed", outcomes.len() - failed.len(), failed.len());
    assert!(failed.is_empty(), "{} of {} cases failed:\n{}", failed.len(), outcomes.len(), failed.join("\n"));
}
