//! `bellwether test receiver`, as people call it.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;

use serde_json::{Value, json};

use crate::support::{Bellwether, read_request, respond};

/// Exit code, standard output, standard error.
fn call(args: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(Bellwether::binary());
    command.args(["test", "receiver"]).args(args).env_remove("BELLWETHER_URL").env_remove("COLUMNS");
    let output = command.stdin(Stdio::null()).output().expect("the program runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// A server that gives the same answer to everybody: where it is, and what it is sent.
fn answering(status: &'static str, body: &'static str) -> (String, mpsc::Receiver<(String, Value)>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.expect("a connection");
            let sent = read_request(&stream).expect("it is sent");
            let message = serde_json::from_slice(&sent.body).expect("JSON");
            respond(&stream, status, "text/plain", body.as_bytes());
            if sender.send((sent.line, message)).is_err() {
                return;
            }
        }
    });
    (url, receiver)
}

fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    fs::write(&path, text).expect("written");
    path.display().to_string()
}

/// The lines of a table with one blank between the cells, and without how long it took.
fn rows(table: &str) -> Vec<String> {
    let cells = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let took = words.iter().position(|word| *word == "ms").map(|idx| idx - 1);
        let kept = words.iter().enumerate().filter(|(idx, _)| took.is_none_or(|at| *idx != at));
        kept.map(|(_, word)| *word).collect::<Vec<_>>().join(" ")
    };
    table.lines().map(cells).collect()
}

#[test]
fn a_message_from_here_by_either_file() {
    let dir = tempfile::tempdir().expect("a folder");
    let (good, sent) = answering("200 OK", "");
    let (bad, _) = answering("500 Oops", "because");
    let receivers = format!(
        "route: {{receiver: team}}\nreceivers:\n- name: team\n  webhook_configs: [{{url: '{good}/a'}}]\n- name: both\n  webhook_configs: [{{url: '{good}/a'}}, {{url: '{bad}/secret'}}]\n- name: nobody\n"
    );
    let file = write(dir.path(), "alertmanager.yml", &receivers);
    let server_file = write(dir.path(), "bellwether.yml", "alertmanager: alertmanager.yml\n");
    for flags in [["--alertmanager.config.file", &file], ["--config.file", &server_file]] {
        let (code, out, err) = call(&[&["team"], &flags[..]].concat());
        assert_eq!(code, Some(0), "{out}{err}");
        assert_eq!(rows(&out), ["INTEGRATION RESULT TOOK ERROR", "webhook[0] ok ms"]);
        let (line, message) = sent.recv().expect("it is sent");
        assert_eq!(line, "POST /a HTTP/1.1");
        let labels = json!({"alertname": "TestAlert", "severity": "info", "bellwether_test": "true"});
        assert_eq!(message["alerts"][0]["labels"], labels);
    }
    let alert = write(dir.path(), "alert.json", r#"{"labels": {"alertname": "Mine", "team": "a"}}"#);
    let (code, out, _) = call(&["both", "--alertmanager.config.file", &file, "--alert", &alert]);
    assert_eq!(code, Some(1));
    assert_eq!(
        rows(&out)[1..],
        ["webhook[0] ok ms", "webhook[1] failed ms the service answered 500 Internal Server Error: because"]
    );
    let (_, message) = sent.recv().expect("it is sent");
    let labels = json!({"alertname": "Mine", "team": "a", "bellwether_test": "true"});
    assert_eq!(message["alerts"][0]["labels"], labels);
}

#[test]
fn what_cannot_be_tested_says_why() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = write(dir.path(), "am.yml", "route: {receiver: a}\nreceivers: [{name: a}, {name: b}]\n");
    let refused = |args: &[&str]| {
        let (code, out, err) = call(args);
        assert_eq!((code, out.as_str()), (Some(1), ""));
        err.replace(&format!("{}/", dir.path().display()), "")
    };
    assert_eq!(
        refused(&["c", "--alertmanager.config.file", &file]),
        "bellwether: the receivers are: a, b: there is no receiver \"c\" in the configuration\n"
    );
    assert_eq!(
        refused(&["a", "--alertmanager.config.file", &file]),
        "bellwether: receiver \"a\" has no integrations: it is told of nothing\n"
    );
    let server_file = write(dir.path(), "bellwether.yml", "{}\n");
    assert_eq!(
        refused(&["a", "--config.file", &server_file]),
        "bellwether: bellwether.yml has no key alertmanager\n"
    );
    let alert = write(dir.path(), "alert.yml", "labls: {a: b}\n");
    let said = refused(&["a", "--alertmanager.config.file", &file, "--alert", &alert]);
    assert!(said.contains("alert.yml:1:1: ") && said.contains("labls"), "{said}");
}

#[test]
fn a_server_sends_the_message_if_no_file_is_given() {
    let answer = r#"{"status":"success","data":{"results":[{"integration":"slack[0]","status":"ok","error":"","durationMs":12},{"integration":"email[1]","status":"error","error":"no such host","durationMs":3}]}}"#;
    let dir = tempfile::tempdir().expect("a folder");
    let alert = write(dir.path(), "alert.yml", "labels: {alertname: Mine}\nannotations: {summary: hello}\n");
    let (url, asked) = answering("200 OK", answer);
    let (code, out, err) = call(&["on call", "--url", &url, "--alert", &alert]);
    assert_eq!(code, Some(1), "{err}");
    assert_eq!(rows(&out)[1..], ["slack[0] ok ms", "email[1] failed ms no such host"]);
    let (line, body) = asked.recv().expect("it is asked");
    assert_eq!(line, "POST /api/v1/receivers/on%20call/test HTTP/1.1");
    assert_eq!(body, json!({"labels": {"alertname": "Mine"}, "annotations": {"summary": "hello"}}));
}
