//! `bellwether check`: one form for all kinds of files.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::Bellwether;

/// The exit code and what is written to standard output.
fn check(dir: &Path, args: &[&str]) -> (Option<i32>, String) {
    let output =
        Command::new(Bellwether::binary()).arg("check").args(args).current_dir(dir).output().expect("runs");
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        fs::write(dir.path().join(name), text).expect("written");
    }
    dir
}

const PUSHOVER: &str = "route: {receiver: team}
receivers:
- name: team
  pushover_configs: [{user_key: a, token: b}]
";

#[test]
fn receivers_that_are_not_supported_are_told_and_refused_strictly() {
    let dir = folder(&[("am.yml", PUSHOVER)]);
    let (code, said) = check(dir.path(), &["alertmanager", "am.yml"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("info: receiver \"team\" has a pushover integration, which is not supported"),
        "{said}"
    );
    assert!(said.contains("am.yml: valid, 1 receiver\n"), "{said}");
    let (code, _) = check(dir.path(), &["alertmanager", "--strict", "am.yml"]);
    assert_eq!(code, Some(3));
}

#[test]
fn rule_files_are_judged_as_the_configuration_reads_them() {
    let rules = "groups:\n- name: g\n  rules:\n  - {record: a.b, expr: '1'}\n";
    let global = "global: {metric_name_validation_scheme: legacy}\n";
    let dir = folder(&[
        ("rules.yml", rules),
        ("utf8.yml", "rule_files: [rules.yml]\n"),
        ("legacy.yml", &format!("{global}rule_files: [rules.yml]\n")),
    ]);
    assert_eq!(check(dir.path(), &["config", "utf8.yml"]).0, Some(0));
    let (code, said) = check(dir.path(), &["config", "legacy.yml"]);
    assert!(code == Some(1) && said.contains("invalid recording rule name: a.b"), "{said}");
}

#[test]
fn every_kind_of_file_is_refused_in_the_same_form() {
    let dir = folder(&[
        ("bw.yml", "global: {scrape_intervall: 1s}\n"),
        ("rules.yml", "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: up ==\n"),
        ("am.yml", "route: {receiver: nobody}\n"),
        ("web.yml", "basic_auth_users: {ann: secret}\n"),
        ("slo.yml", "slo: {name: b, objectve: 99, good: a, total: b}\n"),
    ]);
    for (kind, file, rule, line) in [
        ("config", "bw.yml", "invalid-config", 1),
        ("rules", "rules.yml", "promql-syntax", 5),
        ("alertmanager", "am.yml", "invalid-alertmanager", 1),
        ("web", "web.yml", "invalid-web-config", 1),
        ("slo", "slo.yml", "invalid-slo", 1),
    ] {
        let (code, said) = check(dir.path(), &[kind, "--format", "json", file]);
        assert_eq!(code, Some(1), "{said}");
        let answer: Value = serde_json::from_str(&said).unwrap_or_else(|e| panic!("{e}: {said}"));
        assert_eq!(answer["valid"], false);
        let finding = &answer["findings"][0];
        assert_eq!(
            (&finding["rule"], &finding["line"], &finding["file"]),
            (&rule.into(), &line.into(), &file.into())
        );
        let (code, said) = check(dir.path(), &[kind, "--format", "github", file]);
        assert_eq!(code, Some(1));
        assert!(said.starts_with(&format!("::error file={file},line={line},")), "{said}");
        let (code, said) = check(dir.path(), &[kind, "--format", "sarif", file]);
        let log: Value = serde_json::from_str(&said).unwrap_or_else(|e| panic!("{e}: {said}"));
        assert_eq!((code, &log["runs"][0]["results"][0]["ruleId"]), (Some(1), &rule.into()));
    }
    for kind in ["config", "rules", "alertmanager", "web", "slo"] {
        let (code, said) = check(dir.path(), &[kind, "no.yml"]);
        assert_eq!(code, Some(1), "{kind}");
        assert!(said.starts_with("no.yml: error: cannot be read: No such file"), "{kind}: {said}");
    }
}

#[test]
fn files_that_a_web_configuration_names_must_be_there() {
    let text = "tls_server_config: {cert_file: cert.pem, key_file: key.pem}\n";
    let dir = folder(&[("web.yml", text), ("cert.pem", "")]);
    let (code, said) = check(dir.path(), &["web", "web.yml"]);
    assert_eq!(code, Some(1));
    assert!(
        said.contains("key_file key.pem cannot be read: No such file") && !said.contains("cert_file"),
        "{said}"
    );
    fs::write(dir.path().join("key.pem"), "").expect("written");
    let (code, said) = check(dir.path(), &["web", "web.yml"]);
    assert!(code == Some(1) && said.contains("cert_file: there is no certificate"), "{said}");
    fs::write(dir.path().join("web.yml"), "http_server_config: {http2: false}\n").expect("written");
    assert_eq!(check(dir.path(), &["web", "web.yml"]), (Some(0), "web.yml: valid, 0 users\n".to_owned()));
}
