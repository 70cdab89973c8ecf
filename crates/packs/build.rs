//! Lists the packs and runbooks of the repository and writes the tables that `src/catalogue.rs` includes, so that a new file is part of the program without being named anywhere.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    write_table("packs", "yaml", "packs.rs")?;
    write_table("docs/runbooks", "md", "runbooks.rs")
}

/// Writes a table of the files of a folder of the repository, with their texts.
fn write_table(folder: &str, extension: &str, table_file: &str) -> io::Result<()> {
    let path = Path::new(&env::var("CARGO_MANIFEST_DIR").expect("set by cargo")).join("../..").join(folder);
    println!("cargo::rerun-if-changed={}", path.display());
    let mut files: Vec<PathBuf> =
        fs::read_dir(&path)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    files.retain(|file| file.extension().is_some_and(|found| found == extension));
    files.sort();
    let mut table = String::from("&[\n");
    for file in files {
        let name = file.file_name().expect("a file of a folder").to_string_lossy().into_owned();
        let path = file.canonicalize()?.display().to_string();
        writeln!(table, "    (\"{folder}/{name}\", include_str!({path:?})),").expect("writing to a string");
    }
    table.push(']');
    fs::write(Path::new(&env::var("OUT_DIR").expect("set by cargo")).join(table_file), table)
}
