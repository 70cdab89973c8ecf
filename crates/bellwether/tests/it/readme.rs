//! Every example of the README is run.
//!
//! The word behind the language of a code block says how: `file=NAME` is written, `run` must succeed, `fails` must fail and say what the next `output`
//! block shows, `serve` is started and stays, `query` is run against it, `check=NAME` must be a valid configuration. Plain shell blocks name `make` and
//! `cargo` commands that must exist.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::{Bellwether, Process, free_port, root, wait_http};

struct Block {
    info: String,
    text: String,
}

fn blocks(markdown: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for line in markdown.lines() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(info), None) => open = Some(Block { info: info.trim().to_owned(), text: String::new() }),
            (None, Some(block)) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) => {}
        }
    }
    blocks
}

/// A shell in `dir` that finds the program under its name.
fn shell(dir: &Path, script: &str) -> Command {
    let binaries = Path::new(Bellwether::binary()).parent().expect("a folder");
    let path = format!("{}:{}", binaries.display(), std::env::var("PATH").unwrap_or_default());
    let mut command = Command::new("bash");
    command.args(["-euc", script]).current_dir(dir).env("PATH", path);
    command
}

#[test]
fn every_example_works() {
    let readme = fs::read_to_string(root().join("README.md")).expect("there");
    let makefile = fs::read_to_string(root().join("Makefile")).expect("there");
    let dir = tempfile::tempdir().expect("a folder");
    let port = free_port().to_string();
    let mut server = None;
    let mut said = String::new();
    let mut ran = 0;
    for block in blocks(&readme) {
        let script = block.text.replace("9090", &port);
        let mut words = block.info.split_whitespace();
        let (_language, how) = (words.next(), words.next().unwrap_or(""));
        ran += 1;
        if let Some(name) = how.strip_prefix("file=") {
            fs::write(dir.path().join(name), &script).expect("written");
        } else if let Some(name) = how.strip_prefix("check=") {
            let file = format!("{name}.yml");
            fs::write(dir.path().join(&file), &script).expect("written");
            let status =
                shell(dir.path(), &format!("bellwether check config {file}")).status().expect("runs");
            assert!(status.success(), "{script}");
        } else {
            match how {
                "run" | "query" => {
                    let output = shell(dir.path(), &script).output().expect("runs");
                    assert!(output.status.success(), "{script}{}", String::from_utf8_lossy(&output.stderr));
                    if how == "query" {
                        let answer = String::from_utf8_lossy(&output.stdout).into_owned();
                        assert!(answer.contains("\"status\":\"success\""), "{script}{answer}");
                    }
                }
                "fails" => {
                    let output = shell(dir.path(), &script).output().expect("runs");
                    assert!(!output.status.success(), "{script} succeeds");
                    said = String::from_utf8_lossy(&output.stderr).into_owned();
                }
                "output" => assert!(said.contains(script.trim()), "expected:\n{script}\ngot:\n{said}"),
                "serve" => {
                    let script = format!("exec {} --web.listen-address 127.0.0.1:{port}", script.trim());
                    server = Some(Process::spawn(&mut shell(dir.path(), &script)));
                    wait_http(&format!("http://127.0.0.1:{port}/-/ready"));
                }
                "" => {
                    for line in script.lines() {
                        let words: Vec<&str> = line.split_whitespace().collect();
                        if let ["make", target, ..] = words.as_slice() {
                            assert!(makefile.contains(&format!("\n{target}:")), "no make target {target}");
                        } else if let ["cargo", "install", "--path", path] = words.as_slice() {
                            assert!(root().join(path).join("Cargo.toml").exists(), "{path}");
                        }
                    }
                }
                other => panic!("README block of unknown kind {other:?}"),
            }
        }
    }
    assert!(server.is_some() && ran >= 8, "only {ran} examples found");
}

#[test]
fn every_picture_is_there() {
    let readme = fs::read_to_string(root().join("README.md")).expect("there");
    let pictures: Vec<&str> =
        readme.split("](docs/images/").skip(1).filter_map(|rest| rest.split(')').next()).collect();
    assert!(pictures.len() >= 3);
    for picture in pictures {
        assert!(root().join("docs/images").join(picture).exists(), "{picture} is missing");
    }
}
