//! The layers of the house, held by a test over `cargo metadata`.

/// Each crate with its layer. A crate may depend only on crates of lower layers.
const LAYERS: &[(&str, u8)] = &[
    ("bellwether-macros", 0),
    ("bellwether-model", 0),
    ("bellwether-disk", 0),
    ("bellwether-protobuf", 0),
    ("bellwether-state", 0),
    ("bellwether-yaml", 0),
    ("bellwether-exposition", 1),
    ("bellwether-tsdb", 1),
    ("bellwether-promql", 1),
    ("bellwether-relabel", 1),
    ("bellwether-template", 1),
    ("bellwether-outbound", 1),
    ("bellwether-alerts", 2),
    ("bellwether-scrape", 2),
    ("bellwether-sdk", 2),
    ("bellwether-wire", 2),
    ("bellwether-rules", 2),
    ("bellwether-fleet", 3),
    ("bellwether-lint", 3),
    ("bellwether-packs", 3),
    ("bellwether-examples", 3),
    ("bellwether-api", 4),
    ("bellwether", 5),
    ("bellwether-counts", 6),
    ("xtask", 6),
];

/// Crates that only the named crates of the house may depend on, with the reason.
const RESERVED: &[(&str, &[&str], &str)] = &[
    ("anyhow", &["bellwether", "xtask"], "a library returns its own error"),
    (
        "axum",
        &["bellwether-api", "bellwether-fleet", "bellwether-sdk", "bellwether-examples"],
        "one crate knows the HTTP surface; the fleet simulates applications, the examples are some, and the SDK reads what it matched if asked to",
    ),
    ("memmap2", &["bellwether-disk", "bellwether-tsdb"], "only sealed files of the store are mapped"),
    (
        "tokio",
        &[
            "bellwether-alerts",
            "bellwether-outbound",
            "bellwether-rules",
            "bellwether-scrape",
            "bellwether-state",
            "bellwether-fleet",
            "bellwether-api",
            "bellwether",
            "bellwether-wire",
            "bellwether-sdk",
            "bellwether-examples",
        ],
        "storage and query code is synchronous; the SDK reads the metrics of a runtime if asked to, and SQLite is reached through one",
    ),
    ("hyper", &["bellwether-outbound", "bellwether-fleet", "bellwether-api"], "engines know no HTTP"),
];

/// The files that may hold `unsafe` code, with the reason.
const UNSAFE: &[(&str, &str)] = &[
    ("bellwether/src/allocator.rs", "the allocator's options are set through a foreign function"),
    (
        "disk/src/fs/mapped.rs",
        "parts are read through maps; a copy of each page would cost more than decoding it",
    ),
    (
        "sdk/src/arena.rs",
        "cells live at addresses that are reserved once, so that a handle is a reference, and files are mapped over them, also when the process forks",
    ),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

    use super::*;

    fn metadata() -> Metadata {
        let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml");
        MetadataCommand::new().manifest_path(manifest).no_deps().exec().expect("cargo metadata runs")
    }

    fn normal_dependencies(package: &Package) -> impl Iterator<Item = &str> {
        package.dependencies.iter().filter(|d| d.kind == DependencyKind::Normal).map(|d| d.name.as_str())
    }

    #[test]
    fn every_crate_has_a_layer() {
        let listed: Vec<&str> = LAYERS.iter().map(|(name, _)| *name).collect();
        for package in &metadata().packages {
            assert!(
                listed.contains(&package.name.as_str()),
                "{} has no layer; add it to LAYERS",
                package.name
            );
        }
    }

    #[test]
    fn dependencies_point_down() {
        let layers: BTreeMap<&str, u8> = LAYERS.iter().copied().collect();
        let mut wrong = Vec::new();
        for package in &metadata().packages {
            let from = layers[package.name.as_str()];
            for dependency in normal_dependencies(package) {
                if let Some(to) = layers.get(dependency)
                    && *to >= from
                {
                    wrong.push(format!("{} (layer {from}) -> {dependency} (layer {to})", package.name));
                }
            }
        }
        assert!(wrong.is_empty(), "dependencies must point to a lower layer:\n{}", wrong.join("\n"));
    }

    #[test]
    fn reserved_crates_stay_where_they_belong() {
        let mut wrong = Vec::new();
        for package in &metadata().packages {
            for dependency in normal_dependencies(package) {
                if let Some((_, users, why)) = RESERVED.iter().find(|(name, _, _)| *name == dependency)
                    && !users.contains(&package.name.as_str())
                {
                    wrong.push(format!("{} uses {dependency}, but {why}", package.name));
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn versions_stand_in_one_place() {
        for package in &metadata().packages {
            let manifest = std::fs::read_to_string(&package.manifest_path).expect("readable");
            for line in manifest.lines() {
                let own_version = line.contains('=') && line.contains("version = \"");
                assert!(
                    !own_version,
                    "{}: {line:?} names a version; use the workspace's",
                    package.manifest_path
                );
            }
        }
    }

    fn sources(folder: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                sources(&path, found);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = std::fs::read_to_string(&path).expect("readable");
                // In two halves, so that this file is not found.
                if text.contains(concat!("(unsafe", "_code")) {
                    found.push(path.to_string_lossy().into_owned());
                }
            }
        }
    }

    #[test]
    fn unsafe_code_stays_where_it_is_listed() {
        let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the folder of all crates");
        let mut found = Vec::new();
        sources(crates, &mut found);
        let mut found: Vec<&str> =
            found.iter().filter_map(|path| Path::new(path).strip_prefix(crates).ok()?.to_str()).collect();
        found.sort_unstable();
        let listed: Vec<&str> = UNSAFE.iter().map(|(path, _)| *path).collect();
        assert_eq!(found, listed, "the lint is lifted elsewhere than UNSAFE says");
        for package in &metadata().packages {
            let manifest = std::fs::read_to_string(&package.manifest_path).expect("readable");
            assert!(manifest.contains("[lints]\nworkspace = true"), "{} has other lints", package.name);
        }
    }
}
