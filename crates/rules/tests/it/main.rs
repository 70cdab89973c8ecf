//! Rule files and unit tests, with upstream's cases.

mod compliance;
mod rule_files;
mod slo_numbers;
mod slo_reading;

use std::path::{Path, PathBuf};

use bellwether_rules::conformance;

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
fn upstream_rule_files_and_unit_tests() {
    let Some(folder) = folder() else {
        println!("no conformance data; skipped");
        return;
    };
    let outcomes = conformance::run(&folder).expect("the data can be read");
    let failed: Vec<String> = outcomes
        .iter()
        .filter(|o| !o.optional)
        .filter_map(|o| o.result.as_ref().err().map(|why| format!("{}: {why}", o.id)))
        .collect();
    println!("rules: {} passed, {} failed", outcomes.len() - failed.len(), failed.len());
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
