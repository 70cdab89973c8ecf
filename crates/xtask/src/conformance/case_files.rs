//! Which cases are there, whether or not anything runs them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::Value;

/// A case that stands in some file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Listed {
    /// The id of the case, or the file if the case cannot be read.
    pub(super) id: String,
    /// The file, relative to the folder of the area.
    pub(super) file: String,
}

/// The cases of all JSON files below a folder that have a list `cases`, in the order of the names of the files.
pub(super) fn list(folder: &Path) -> anyhow::Result<Vec<Listed>> {
    let mut listed = Vec::new();
    for path in json_files(folder)? {
        let file = path.strip_prefix(folder).unwrap_or(&path).display().to_string();
        let bytes = fs::read(&path).with_context(|| path.display().to_string())?;
        match serde_json::from_slice::<Value>(&bytes) {
            Ok(content) => {
                for (idx, case) in content["cases"].as_array().into_iter().flatten().enumerate() {
                    let id = case["id"].as_str().map_or_else(|| format!("{file}#{idx}"), str::to_owned);
                    listed.push(Listed { id, file: file.clone() });
                }
            }
            // Broken JSON may be the input of a case; a list of cases that is broken must not vanish.
            Err(_) if String::from_utf8_lossy(&bytes).contains("\"cases\"") => {
                listed.push(Listed { id: file.clone(), file });
            }
            Err(_) => {}
        }
    }
    Ok(listed)
}

fn json_files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let entry = entry.with_context(|| folder.display().to_string())?;
        let path = entry.path();
        // Symbolic links to folders are not followed, so that a loop of them ends.
        if entry.file_type().is_ok_and(|t| t.is_dir()) {
            files.extend(json_files(&path)?);
        } else if path.extension().is_some_and(|e| e == "json") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_every_case_file() {
        let dir = tempfile::tempdir().expect("a folder");
        let write = |file: &str, text: &str| fs::write(dir.path().join(file), text).expect("written");
        fs::create_dir(dir.path().join("deep")).expect("made");
        write("b.json", r#"{"notes": "x", "cases": [{"id": "b-1", "later": 1}, {"id": "b-2"}]}"#);
        write("deep/a.json", r#"{"cases": [{"id": "a-1"}, {}]}"#);
        write("broken.json", r#"{"cases": [}"#);
        write("input.json", "{");
        write("list.json", "[]");
        write("c.txt", r#"{"cases": [{"id": "c-1"}]}"#);
        let listed = list(dir.path()).expect("readable");
        let ids: Vec<&str> = listed.iter().map(|l| l.id.as_str()).collect();
        assert_eq!(ids, ["b-1", "b-2", "broken.json", "a-1", "deep/a.json#1"]);
        assert_eq!(listed[3].file, "deep/a.json");
    }
}
