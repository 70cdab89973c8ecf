//! Every example of the README and of the users' pages is run, but for those that the tests of `alerts`, `lint` and `packs` try.
//!
//! The word behind the language of a code block says how: `file=NAME` is written, `run` must succeed and `fails` must fail, `eventually`
//! is run until it succeeds; an `output` block behind them shows what is said. `serve` is started and stays, `background` as well, `query` is run against the server, `check=NAME`
//! must be a valid configuration. Plain shell blocks name `make` and `cargo` commands that must exist.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::support::{Bellwether, Process, free_port, request, require, root, wait_within};

/// What the page about alerting promises: a message comes within three minutes.
const EVENTUALLY: Duration = Duration::from_mins(3);

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
    let binary = Bellwether::binary();
    let binaries = binary.parent().expect("a folder");
    let path = format!("{}:{}", binaries.display(), std::env::var("PATH").unwrap_or_default());
    let mut command = Command::new("bash");
    command.args(["-euc", script]).current_dir(dir).env("PATH", path);
    command
}

/// Whether `said` holds `expected` with any blanks between the words; `…` stands for anything.
fn shows(said: &str, expected: &str) -> bool {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let said = words(said);
    let mut rest = said.as_str();
    words(expected).split('…').all(|part| match rest.find(part.trim()) {
        Some(at) => {
            rest = &rest[at + part.trim().len()..];
            true
        }
        None => false,
    })
}

/// Runs the blocks of a page in one folder and returns how many there are.
fn run_examples(page: &str) -> usize {
    let markdown = fs::read_to_string(root().join(page)).expect("there");
    let makefile = fs::read_to_string(root().join("Makefile")).expect("there");
    let dir = tempfile::tempdir().expect("a folder");
    let port = free_port().to_string();
    let hook_port = free_port().to_string();
    let mut server = None;
    let mut background = Vec::new();
    let mut said = String::new();
    let blocks = blocks(&markdown);
    for (idx, block) in blocks.iter().enumerate() {
        let script = block.text.replace("9090", &port).replace("9099", &hook_port);
        let mut words = block.info.split_whitespace();
        let (_language, how) = (words.next(), words.next().unwrap_or(""));
        if let Some(name) = how.strip_prefix("file=") {
            fs::write(dir.path().join(name), &script).expect("written");
            continue;
        } else if let Some(name) = how.strip_prefix("check=") {
            let file = format!("{name}.yml");
            fs::write(dir.path().join(&file), &script).expect("written");
            let status =
                shell(dir.path(), &format!("bellwether check config {file}")).status().expect("runs");
            assert!(status.success(), "{script}");
            continue;
        }
        match how {
            "run" | "query" => {
                let (success, text) = run(dir.path(), &script, &port);
                assert!(success, "{script}{text}");
                assert!(how == "run" || text.contains("\"status\":\"success\""), "{script}{text}");
                said = text;
            }
            "eventually" => {
                let expected = blocks.get(idx + 1).filter(|next| next.info == "text output");
                let expected = expected.map(|next| next.text.replace("9090", &port)).unwrap_or_default();
                said = wait_within(EVENTUALLY, &script, || {
                    let (success, text) = run(dir.path(), &script, &port);
                    (success && shows(&text, &expected)).then_some(text)
                });
            }
            "fails" => {
                let (success, text) = run(dir.path(), &script, &port);
                assert!(!success, "{script} succeeds");
                said = text;
            }
            "output" => assert!(shows(&said, &script), "expected:\n{script}\ngot:\n{said}"),
            "background" => {
                background.push(Process::spawn(&mut shell(dir.path(), &format!("exec {script}"))));
            }
            "serve" => {
                let command = as_if_built(script.trim(), &makefile);
                let script = format!("exec {command} --web.listen-address 127.0.0.1:{port}");
                // The one before has the port.
                drop(server.take());
                server = Some(Process::spawn(&mut shell(dir.path(), &script)));
                // On a busy machine, the past of the demo takes its time.
                let ready = format!("http://127.0.0.1:{port}/-/ready");
                wait_within(EVENTUALLY, &ready, || (request("GET", &ready, &[], &[]).0 == 200).then_some(()));
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
            other => panic!("{page}: block of unknown kind {other:?}"),
        }
    }
    blocks.len()
}

/// `make run` without what `make` builds before: the program is there. What it starts must be what the Makefile says. Its past is shorter, because a build for tests simulates slowly.
fn as_if_built(command: &str, makefile: &str) -> String {
    let Some(args) = command.strip_prefix("make run ARGS=") else { return command.to_owned() };
    let demo = "bellwether demo --storage.tsdb.path=demo-data";
    assert!(makefile.contains(&format!("/{demo} $(ARGS)\n")), "make run starts something else");
    format!("{demo} --fleet.history=45m {args}")
}

/// Whether the script succeeded, and what it said on both outputs. The program's commands ask the server of the page.
fn run(dir: &Path, script: &str, port: &str) -> (bool, String) {
    let server = format!("http://127.0.0.1:{port}");
    let output =
        shell(dir, script).env("BELLWETHER_URL", server).env_remove("COLUMNS").output().expect("runs");
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn every_example_of_the_readme_works() {
    assert!(run_examples("README.md") >= 8);
}

#[test]
fn every_example_of_the_command_line_page_works() {
    assert!(run_examples("docs/command-line.md") >= 25);
}

#[test]
fn every_example_of_the_page_about_operations_works() {
    assert!(run_examples("docs/operations.md") >= 9);
}

#[test]
fn every_example_of_the_page_about_being_on_call_works() {
    assert!(run_examples("docs/on-call.md") >= 5);
}

#[test]
fn every_example_of_the_page_about_alerting_works() {
    assert!(run_examples("docs/alerting.md") >= 8);
}

#[test]
fn every_example_of_the_page_about_objectives_works() {
    require("promtool");
    assert!(run_examples("docs/slos.md") >= 20);
}

#[test]
fn every_example_of_the_page_about_checking_works() {
    assert!(run_examples("docs/checking.md") >= 5);
}

#[test]
fn every_example_of_the_pages_about_configuration_works() {
    assert!(run_examples("docs/alerting-extensions.md") >= 3);
    assert!(run_examples("docs/limits.md") >= 1);
    assert!(run_examples("docs/rules.md") >= 1);
}

#[test]
fn output_is_compared_word_by_word() {
    let check =
        |said: &str, expected: &str, want| assert_eq!(shows(said, expected), want, "{said} {expected}");
    check("a   b\n c", "b c\n", true);
    check("a b c", "a … c", true);
    check("a b c", "c … a", false);
    check("a b c", "a c", false);
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
