//! Lists the files of the built UI, compresses them, and writes the table that `src/ui.rs` includes.
//!
//! Building the UI itself is `make`'s work: a Rust build must not run npm. Without a built UI the table is empty.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let dist = Path::new(&env::var("CARGO_MANIFEST_DIR").expect("set by cargo")).join("../../ui/dist");
    let out = PathBuf::from(env::var("OUT_DIR").expect("set by cargo"));
    println!("cargo::rerun-if-changed={}", dist.display());
    let mut files = Vec::new();
    if env::var_os("CARGO_FEATURE_UI").is_some() && dist.is_dir() {
        list(&dist, &mut files)?;
    }
    files.sort();
    let mut table = String::from("&[\n");
    for (number, file) in files.iter().enumerate() {
        println!("cargo::rerun-if-changed={}", file.display());
        let path = file.strip_prefix(&dist).expect("listed below dist").to_string_lossy().replace('\\', "/");
        let plain = fs::read(file)?;
        let compressed = out.join(format!("asset-{number}.gz"));
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(&plain)?;
        fs::write(&compressed, encoder.finish()?)?;
        writeln!(
            table,
            "    Asset {{ path: {path:?}, plain: include_bytes!({:?}), gzip: include_bytes!({:?}) }},",
            file.canonicalize()?.display().to_string(),
            compressed.display().to_string(),
        )
        .expect("writing to a string cannot fail");
    }
    table.push(']');
    fs::write(out.join("assets.rs"), table)
}

fn list(dir: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            list(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
