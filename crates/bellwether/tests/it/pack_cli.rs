//! `bellwether pack`: exit codes and what programs read.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::admin::command;
use crate::support::{Bellwether, root};

const WRONG: &str = "pack: shop\nversion: 1.0.0\nmetrics:\n- {name: failed, type: counter, help: x}\n";
const WARNED: &str = "pack: shop\nversion: 1.0.0\nmetrics:\n- {name: wait_ms, type: gauge, help: x}\n";

#[test]
fn findings_are_told_to_programs_and_by_exit_codes() {
    let dir = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).expect("written");
    write("wrong.yaml", WRONG);
    write("warned.yaml", WARNED);
    write("good.yaml", SHOP);
    write("broken.yaml", "pack: shop\nversion: 1.0.0\nmetrcs: []\n");

    let (success, said) =
        command(dir.path(), &["pack", "lint", "--output", "json", "wrong.yaml", "broken.yaml"]);
    assert!(!success);
    let answer: Value = serde_json::from_str(&said).unwrap_or_else(|e| panic!("{e}: {said}"));
    assert_eq!(answer["valid"], false);
    let findings = answer["findings"].as_array().expect("a list");
    assert_eq!(findings.len(), 2);
    assert_eq!(findings[0]["rule"], "counter-total");
    assert_eq!(findings[0]["line"], 4);
    assert_eq!(findings[0]["defects"], serde_json::json!(["U6", "V9"]));
    assert_eq!(findings[0]["severity"], "error");
    assert_eq!(findings[1]["rule"], "invalid-pack");
    assert_eq!(findings[1]["remedy"], "did you mean \"metrics\"?");

    let code = |file: &str| {
        let mut lint = Command::new(Bellwether::binary());
        lint.args(["pack", "lint", file]).current_dir(dir.path());
        lint.output().expect("it runs").status.code()
    };
    assert_eq!(["good.yaml", "warned.yaml", "wrong.yaml", "broken.yaml"].map(code), [0, 3, 1, 1].map(Some));
    let (_, said) = command(dir.path(), &["pack", "lint", "warned.yaml"]);
    let excerpt = "  |\n4 | - {name: wait_ms, type: gauge, help: x}\n  |          ^\n";
    assert!(said.contains(excerpt) && said.contains("\nwarned.yaml: valid\n"), "{said}");
    let (success, said) = command(dir.path(), &["pack", "lint", "missing.yaml"]);
    assert!(!success && said.contains("missing.yaml: error: cannot be read: No such file"), "{said}");
}

#[test]
fn code_scanning_reads_what_packs_demand() {
    let dir = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).expect("written");
    write("wrong.yaml", WRONG);
    write("shop.yaml", SHOP);
    write("bad.prom", "# TYPE shop_workers counter\nshop_workers 1\n");
    let sarif = |args: &[&str]| {
        let (success, said) = command(dir.path(), &[&["pack"], args, &["--format", "sarif"]].concat());
        assert!(!success);
        let log: Value = serde_json::from_str(&said).unwrap_or_else(|e| panic!("{e}: {said}"));
        let run = &log["runs"][0];
        let text = run["tool"]["driver"]["rules"][0]["shortDescription"]["text"].clone();
        (text, run["results"][0]["properties"].clone())
    };
    let (demands, more) = sarif(&["lint", "wrong.yaml"]);
    assert_eq!(demands, "A counter ends in `_total`, and nothing else does.");
    assert_eq!(more["defects"], serde_json::json!(["U6", "V9"]));
    let (demands, more) = sarif(&["check", "--file", "bad.prom", "shop.yaml"]);
    assert!(demands.as_str().is_some_and(|text| !text.contains("server")), "{demands}");
    assert_eq!((&more["pack"], &more["formats"][0]), (&"shop".into(), &"text".into()));
}

#[test]
fn nothing_is_made_of_a_pack_with_errors() {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(dir.path().join("wrong.yaml"), WRONG).expect("written");
    let (success, said) = command(dir.path(), &["pack", "gen", "wrong.yaml", "--out", "made"]);
    assert!(
        !success && said.contains("nothing is made of a pack with errors:\nwrong.yaml:4:10: error"),
        "{said}"
    );
    assert!(!dir.path().join("made").exists());
}

#[test]
fn files_are_made_of_a_pack_that_comes_with_the_program() {
    let dir = tempfile::tempdir().expect("a folder");
    let (success, said) =
        command(dir.path(), &["pack", "gen", "process", "--out", "made", "--kinds", "rules,reference"]);
    assert!(success && said == "made/process.rules.yml\nmade/process.md\n", "{said}");
}

#[test]
fn a_page_keeps_what_people_write_around_its_reference() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("shop.yaml");
    let make = |help: &str| {
        let pack =
            format!("pack: shop\nversion: 1.0.0\nmetrics:\n- {{name: depth, type: gauge, help: {help}}}\n");
        fs::write(&path, pack).expect("written");
        let (success, said) =
            command(dir.path(), &["pack", "gen", "shop.yaml", "--out", ".", "--kinds", "reference"]);
        assert!(success, "{said}");
        fs::read_to_string(dir.path().join("shop.md")).expect("made")
    };
    let first = make("Old");
    fs::write(dir.path().join("shop.md"), format!("Before.\n\n{first}\nAfter.\n")).expect("written");
    let second = make("New");
    assert!(second.starts_with("Before.\n") && second.ends_with("\nAfter.\n"), "{second}");
    assert!(second.contains("New.") && !second.contains("Old."), "{second}");
}

/// The blocks of code on a page with their languages.
fn blocks(page: &str) -> Vec<(&str, &str)> {
    let fenced = page.split("\n```").skip(1).step_by(2);
    fenced.map(|block| block.split_once('\n').expect("a language and a text")).collect()
}

/// A folder with the packs of the repository in `packs`.
fn folder_with_packs() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    fs::create_dir(dir.path().join("packs")).expect("made");
    for entry in fs::read_dir(root().join("packs")).expect("there") {
        let path = entry.expect("readable").path();
        let name = path.file_name().expect("a name");
        fs::copy(&path, dir.path().join("packs").join(name)).expect("copied");
    }
    dir
}

/// The text between the first single quotes of a line, behind `prefix`.
fn quoted<'l>(line: &'l str, prefix: &str) -> Option<&'l str> {
    let (_, rest) = line.split_once(&format!("'{prefix}"))?;
    Some(rest.split_once('\'')?.0)
}

/// Does what a line of a shell says, as far as that needs no server.
fn run(dir: &Path, line: &str) {
    let (success, said) = if line.starts_with("bellwether pack ") || line.starts_with("bellwether test ") {
        let words: Vec<&str> = line.split_whitespace().skip(1).collect();
        command(dir, &words)
    } else if let Some(config) = line.strip_prefix("bellwether serve --config.file ") {
        fs::write(dir.join("made/metrics_token"), "secret").expect("written");
        command(dir, &["check", "config", config])
    } else if line.starts_with("curl ") {
        assert!(line.contains("--data-urlencode"), "{line}");
        command(dir, &["promql", "format", quoted(line, "query=").expect("a query")])
    } else {
        assert!(line.contains("bellwether query instant "), "nobody tests {line}");
        command(dir, &["promql", "format", quoted(line, "").expect("a query")])
    };
    assert!(success, "{line}\n{said}");
}

/// Takes YAML as what it is: a pack, or a part of the server's configuration.
fn take(dir: &Path, block: &str) {
    let write = |name: &str, text: &str| fs::write(dir.join(name), text).expect("written");
    let must = |args: &[&str]| {
        let (success, said) = command(dir, args);
        assert!(success, "{block}\n{said}");
    };
    if block.starts_with("pack:") {
        write("example.yaml", block);
        // Without runbooks and tests, it has warnings.
        let (_, said) = command(dir, &["pack", "lint", "example.yaml"]);
        assert!(said.contains("example.yaml: valid\n"), "{block}\n{said}");
        must(&["pack", "gen", "example.yaml", "--out", "example"]);
    } else if block.starts_with("packs:") {
        write("shop.yaml", SHOP);
        write("server.yml", block);
        must(&["check", "config", "server.yml"]);
    } else if block.starts_with("metric_relabel_configs:") {
        let indented = block.trim_end().replace('\n', "\n  ");
        write("server.yml", &format!("scrape_configs:\n- job_name: app\n  {indented}\n"));
        must(&["check", "config", "server.yml"]);
    } else {
        let (_, schema) = block.trim().split_once("$schema=").expect("a comment for editors");
        assert!(dir.join("packs").join(schema).exists(), "{block}");
    }
}

/// What `docs/packs.md` and the pages of packs show is done here: packs are checked and made, the cases of their alerts pass, configurations are taken and queries are
/// PromQL. Code in Rust is a matter of the crate of packs.
#[test]
fn the_pages_of_packs_do_what_they_say() {
    let mut pages: Vec<_> = fs::read_dir(root().join("docs/packs"))
        .expect("there")
        .map(|entry| entry.expect("readable").path())
        .chain([root().join("docs/packs.md")])
        .collect();
    pages.sort();
    for page in pages {
        let dir = folder_with_packs();
        let text = fs::read_to_string(&page).expect("readable");
        let blocks = blocks(&text);
        let of_shell = blocks.iter().filter(|(language, _)| *language == "sh").map(|(_, text)| *text);
        let shell = of_shell.collect::<Vec<_>>().join("\n");
        let shell = shell.replace("\\\n", " ");
        for line in shell.lines() {
            run(dir.path(), line);
        }
        for (language, block) in &blocks {
            match *language {
                "yaml" => take(dir.path(), block),
                "sh" | "rust" => {}
                other => panic!("{}: nobody tests {other}", page.display()),
            }
        }
        if page.ends_with("packs.md") {
            continue;
        }
        let name = page.file_stem().expect("a name").to_string_lossy();
        let (success, said) =
            command(dir.path(), &["pack", "lint", "--strict", &format!("packs/{name}.yaml")]);
        assert!(success, "{said}");
        for made in fs::read_dir(dir.path().join("made")).expect("the page makes files") {
            let made = made.expect("readable").file_name().to_string_lossy().into_owned();
            assert!(
                !made.ends_with(".test.yml") || shell.contains(&made),
                "{name}: the page does not run {made}"
            );
        }
    }
}

const SHOP: &str = "\
pack: shop
version: 1.0.0
namespace: shop_
metrics:
- {name: shop_orders_total, type: counter, help: x, labels: {state: [paid, open]}}
- {name: shop_workers, type: gauge, help: x}
";

#[test]
fn an_exposition_is_compared_with_a_pack() {
    let dir = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).expect("written");
    write("shop.yaml", SHOP);
    write(
        "good.prom",
        "# TYPE shop_orders_total counter\nshop_orders_total{state=\"paid\"} 1\n# TYPE shop_workers gauge\nshop_workers 1\n",
    );
    write("bad.om", "# TYPE shop_orders counter\nshop_orders_total{state=\"lost\"} 1\n# EOF\n");
    write("warned.prom", "# TYPE shop_workers gauge\nshop_workers 1\n");
    let check = |file: &str, more: &[&str]| {
        command(dir.path(), &[&["pack", "check", "--file", file, "shop.yaml"], more].concat())
    };
    let (success, said) = check("good.prom", &[]);
    assert!(success && said == "good.prom: nothing to say, read as text\n", "{said}");
    let (success, said) = check("bad.om", &["--format", "json"]);
    assert!(!success);
    let answer: Value = serde_json::from_str(&said).unwrap_or_else(|e| panic!("{e}: {said}"));
    let formats = &answer["findings"][0]["formats"];
    assert_eq!((&answer["valid"], formats), (&false.into(), &serde_json::json!(["openmetrics"])));
    let rules: Vec<&Value> =
        answer["findings"].as_array().expect("a list").iter().map(|f| &f["rule"]).collect();
    assert_eq!(rules, ["value", "missing"]);
    assert_eq!(answer["findings"][0]["line"], 5);
    let (success, said) = check("warned.prom", &[]);
    assert!(!success && said.ends_with("0 errors, 1 warning, 0 infos\n"), "{said}");
    let jobs = "scrape:\n- {job: till, targets: ['a:1'], exposes: [shop_workers]}\n- {job: store, targets: ['b:1']}\n";
    write("jobs.yaml", &format!("{SHOP}{jobs}"));
    write("till.prom", "# TYPE shop_workers gauge\nshop_workers 1\n");
    let of_job = |job: &str| {
        command(dir.path(), &["pack", "check", "--strict", "--file", "till.prom", "--job", job, "jobs.yaml"])
    };
    assert!(of_job("till").0 && !of_job("store").0, "only one of them promises nothing else");
    let (success, said) = of_job("tull");
    assert!(
        !success && said.contains("none of the packs scrapes this job; they scrape store, till"),
        "{said}"
    );
    let (success, said) = check("none.prom", &[]);
    assert!(!success && said.contains("none.prom: No such file"), "{said}");
}

#[test]
fn a_target_is_scraped_in_all_formats() {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(
        dir.path().join("own.yaml"),
        "pack: own\nversion: 1.0.0\nmetrics:\n- {name: bellwether_nothing, type: gauge, help: x}\n",
    )
    .expect("written");
    let server = Bellwether::serve(dir.path(), &[]);
    let target = format!("{}/metrics", server.url);
    let (success, said) =
        command(dir.path(), &["pack", "check", "--target", &target, "own.yaml", "process", "http"]);
    assert!(!success, "{said}");
    assert!(
        said.starts_with("own.yaml:4:10: error: bellwether_nothing is not exposed [missing]\n"),
        "{said}"
    );
    assert!(said.contains("packs/http.yaml:"), "a pack that comes with the program goes by its name: {said}");
    assert!(!said.contains("packs/process.yaml:"), "the server exposes all of it, and nothing else: {said}");
    assert!(said.contains("/metrics: read as openmetrics"), "{said}");
    let (success, said) = command(
        dir.path(),
        &["pack", "check", "--target", &target, "own.yaml", "--watch", "300ms", "--interval", "100ms"],
    );
    assert!(!success, "{said}");
    assert_eq!(said.lines().count(), 2, "what does not change is said once: {said}");
    let (success, said) =
        command(dir.path(), &["pack", "check", "--target", "http://127.0.0.1:1/", "own.yaml"]);
    assert!(!success && said.contains("connection refused"), "{said}");
}

#[test]
fn what_breaks_needs_a_new_major_version() {
    let dir = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: String| fs::write(dir.path().join(name), text).expect("written");
    write("old.yaml", SHOP.to_owned());
    write("new.yaml", SHOP.replace("[paid, open]", "[paid]").replace("1.0.0", "1.1.0"));
    write("major.yaml", SHOP.replace("[paid, open]", "[paid]").replace("1.0.0", "2.0.0"));
    let diff =
        |new: &str, more: &[&str]| command(dir.path(), &[&["pack", "diff", "old.yaml", new], more].concat());
    let (success, said) = diff("new.yaml", &[]);
    assert!(!success);
    let want = "new.yaml:5:10: breaking: state of shop_orders_total is no longer open [label]\n\
                1 changes from 1.0.0 to 1.1.0, 1 of them breaking; what breaks needs a new major version\n";
    assert_eq!(said, want);
    assert!(diff("major.yaml", &[]).0);
    let (success, said) = diff("old.yaml", &["--format", "json"]);
    let answer: Value = serde_json::from_str(&said).unwrap_or_else(|e| panic!("{e}: {said}"));
    assert!(success && answer["valid"] == true && answer["changes"] == serde_json::json!([]));
}

#[test]
fn a_pack_becomes_a_registry_and_comes_back() {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(dir.path().join("shop.yaml"), SHOP).expect("written");
    let (success, said) = command(dir.path(), &["pack", "export", "shop.yaml", "--out", "registry"]);
    assert!(success && said == "registry/manifest.yaml\nregistry/shop.yaml\n", "{said}");
    let (success, back) = command(dir.path(), &["pack", "import", "shop", "registry"]);
    assert!(success, "{back}");
    fs::write(dir.path().join("back.yaml"), back.replace("0.1.0", "1.0.0")).expect("written");
    let (success, said) = command(dir.path(), &["pack", "diff", "shop.yaml", "back.yaml"]);
    assert!(success && said == "0 changes from 1.0.0 to 1.0.0, 0 of them breaking\n", "{said}");
    let (success, said) = command(dir.path(), &["pack", "import", "shop", "registry/manifest.yaml"]);
    assert!(
        !success && said.contains("registry/manifest.yaml:1:14: this is not a file of definitions"),
        "{said}"
    );
}

#[test]
fn the_schema_for_editors_is_printed() {
    let dir = tempfile::tempdir().expect("a folder");
    let (success, said) = command(dir.path(), &["pack", "schema"]);
    assert!(success);
    let committed = fs::read_to_string(root().join("packs/pack.schema.json")).expect("there");
    assert!(said == committed, "`bellwether pack schema > packs/pack.schema.json`");
}
