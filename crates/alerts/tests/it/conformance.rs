//! Alertmanager's own cases. They are found through `CONFORMANCE_DIR`, else beside the checkout.
use std::path::{Path, PathBuf};

use bellwether_alerts::conformance::run;

fn folder() -> Option<PathBuf> {
    if let Some(dir) = std::env::var_os("CONFORMANCE_DIR") {
        let dir = PathBuf::from(dir);
        assert!(dir.is_dir(), "CONFORMANCE_DIR names {}, which is no folder", dir.display());
        return Some(dir);
    }
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance");
    dir.is_dir().then_some(dir)
}

#[test]
fn upstream_cases() {
    let Some(folder) = folder() else {
        println!("no conformance data; skipped");
        return;
    };
    let outcomes = run(&folder).expect("the case files are readable");
    let failed: Vec<String> = outcomes
        .iter()
        .filter_map(|outcome| outcome.result.as_ref().err().map(|why| format!("{}: {why}", outcome.id)))
        .collect();
    println!("alertmanager: {} passed, {} failed", outcomes.len() - failed.len(), failed.len());
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
