//! `bellwether pack import` and `export`: registries of OpenTelemetry's Weaver.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, anyhow};
use bellwether_packs::schema::Pack;
use bellwether_packs::weaver;

use crate::terminal::print;

/// What tells about a registry and defines nothing.
const MANIFESTS: [&str; 2] = ["manifest.yaml", "registry_manifest.yaml"];

/// Prints the pack of a registry.
pub(super) fn import(name: &str, paths: &[PathBuf]) -> anyhow::Result<ExitCode> {
    let mut files = Vec::new();
    for path in paths {
        for file in definitions(path)? {
            let bytes = std::fs::read(&file).with_context(|| file.display().to_string())?;
            files.push((file.display().to_string(), bytes));
        }
    }
    let text = weaver::import(name, &files)?;
    // Annotations of a registry can hold anything.
    Pack::parse(name, text.as_bytes())
        .map_err(|errors| anyhow!("the registry does not make a pack:\n{errors}\nfor this text:\n{text}"))?;
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// The file itself, or the files of a folder and of those below it, sorted, without manifests.
fn definitions(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    let mut folders = vec![path.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let entry = entry?;
            // Links may lead in circles.
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else if entry
                .path()
                .extension()
                .is_some_and(|extension| extension == "yaml" || extension == "yml")
                && !MANIFESTS.iter().any(|manifest| entry.file_name() == *manifest)
            {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Writes the registry of a pack.
pub(super) fn export(file: &Path, out: &Path, schema_url: Option<&str>) -> anyhow::Result<ExitCode> {
    let pack = Pack::load(file)?;
    let usual = format!("https://example.com/schemas/{}/{}", pack.name, pack.version);
    std::fs::create_dir_all(out).with_context(|| out.display().to_string())?;
    let mut made = String::new();
    for file in weaver::export(&pack, schema_url.unwrap_or(&usual)) {
        let path = out.join(&file.name);
        std::fs::write(&path, &file.text).with_context(|| path.display().to_string())?;
        writeln!(made, "{}", path.display())?;
    }
    print(&made)?;
    Ok(ExitCode::SUCCESS)
}
