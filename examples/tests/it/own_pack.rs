use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::program::{Program, wait_for_value};
use crate::support::{Bellwether, require, root};

fn folder() -> PathBuf {
    root().join("examples/own-pack")
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
    said
}

fn files(folder: &Path) -> BTreeMap<String, String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let paths = entries.map(|entry| entry.expect("readable").path());
    let name = |path: &Path| path.file_name().expect("a file").to_string_lossy().into_owned();
    paths.map(|path| (name(&path), fs::read_to_string(&path).expect("text"))).collect()
}

#[test]
fn the_generated_files_are_those_of_the_pack() {
    let pack = folder().join("pack.yaml");
    let said = run(Command::new(Bellwether::binary()).args(["pack", "lint", "--strict"]).arg(&pack));
    assert_eq!(said.lines().count(), 1, "no finding: {said}");

    let generate = |folder: &Path| {
        run(Command::new(Bellwether::binary()).args(["pack", "gen"]).arg(&pack).arg("--out").arg(folder));
    };
    let committed = folder().join("generated");
    if std::env::var_os("BELLWETHER_ACCEPT").is_some() {
        generate(&committed);
    }
    let dir = tempfile::tempdir().expect("a folder");
    generate(dir.path());
    let (new, old) = (files(dir.path()), files(&committed));
    let differ: Vec<&String> =
        new.keys().chain(old.keys()).filter(|name| new.get(*name) != old.get(*name)).collect();
    assert!(differ.is_empty(), "{differ:?} are old; run this test with BELLWETHER_ACCEPT=1");
}

#[test]
fn the_alerts_of_the_pack_do_what_their_tests_say() {
    require("promtool");
    let generated = folder().join("generated");
    let in_folder =
        |program: &Path, args: &[&str]| run(Command::new(program).args(args).current_dir(&generated));
    let promtool = Path::new("promtool");
    in_folder(promtool, &["check", "config", "assistant.prometheus.yml"]);
    let all = files(&generated);
    let tests: Vec<&str> =
        all.keys().filter(|name| name.ends_with(".test.yml")).map(String::as_str).collect();
    assert_eq!(tests, ["assistant.rules.test.yml", "assistant.slos.test.yml"]);
    for test in tests {
        let said = in_folder(promtool, &["test", "rules", test]);
        assert!(said.contains("SUCCESS"), "{said}");
        in_folder(&Bellwether::binary(), &["test", "rules", test]);
    }
}

#[test]
fn a_service_counts_what_its_pack_declares() {
    let service = Program::start(env!("CARGO_BIN_EXE_own-pack"));
    assert_eq!(service.post("/answers/large", "Will it rain today?").status, 200);
    assert_eq!(service.post("/answers/large", "").status, 502);
    assert_eq!(service.post("/answers/small", "And tomorrow?").status, 200);
    assert_eq!(service.post("/answers/made-up", "Who am I?").status, 404);
    service.wait_for_series(&[
        (r#"assistant_answers_total{model="large",status="success"}"#, 1.0),
        (r#"assistant_answers_total{model="large",status="failure"}"#, 1.0),
        (r#"assistant_answers_total{model="small",status="success"}"#, 1.0),
        (r#"assistant_answer_duration_seconds_count{model="large"}"#, 2.0),
        (r#"assistant_tokens_total{model="large",direction="input"}"#, 4.0),
        (r#"assistant_tokens_total{model="large",direction="output"}"#, 2.0),
        ("assistant_answers_in_flight", 0.0),
    ]);
    assert!(!service.series().keys().any(|series| series.contains("made-up")));

    let dir = tempfile::tempdir().expect("a folder");
    let server = service.scraped(dir.path());
    wait_for_value(&server, "sum(assistant_answers_total)", 3.0);
    wait_for_value(&server, "assistant_answers_in_flight", 0.0);
}
