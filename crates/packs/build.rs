//! Lists the packs of the repository and writes the table that `src/catalogue.rs` includes, so that a new file is part of the program without being named anywhere.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let folder = Path::new(&env::var("CARGO_MANIFEST_DIR").expect("set by cargo")).join("../../packs");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut files: Vec<PathBuf> =
        fs::read_dir(&folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    let mut table = String::from("&[\n");
    for file in files {
        let name = file.file_name().expect("a file of a folder").to_string_lossy().into_owned();
        let path = file.canonicalize()?.display().to_string();
        writeln!(table, "    (\"packs/{name}\", include_str!({path:?})),").expect("writing to a string");
    }
    table.push(']');
    fs::write(Path::new(&env::var("OUT_DIR").expect("set by cargo")).join("packs.rs"), table)
}
