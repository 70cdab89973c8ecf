//! The check of what a server scrapes against packs.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Bellwether, wait_for};

const PACK: &str = "\
pack: own
version: 1.0.0
namespace: bellwether_config_
metrics:
- {name: bellwether_config_last_reload_successful, type: gauge, help: x}
- {name: bellwether_config_nothing, type: gauge, unit: things, help: A thing, labels: {kind: [a, b], place: {max: 3}}, aliases: [{name: things}]}
";

/// What was found about the pack, once the target has been checked against this version of it.
fn verdict(server: &Bellwether, version: &str) -> Value {
    wait_for("a check", || {
        let answer = server.api("packs", &[]);
        let own = answer["packs"].as_array()?.iter().find(|pack| pack["name"] == "own")?.clone();
        let target = answer["targets"].as_array()?.first()?.clone();
        let found = target["packs"].as_array()?.iter().find(|pack| pack["pack"] == "own")?.clone();
        let is_checked = found["exposed"].as_array()?.len() == usize::from(version == "1.0.0");
        (own["version"] == version && is_checked).then_some(found)
    })
}

#[test]
fn each_target_has_a_verdict_and_a_reload_renews_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = Bellwether::serve(dir.path(), &[]);
    let address = server.url.strip_prefix("http://").expect("a URL").to_owned();
    drop(server);
    let config = format!(
        "packs: [own.yaml]\nscrape_configs:\n- job_name: self\n  scrape_interval: 200ms\n  scrape_timeout: 200ms\n  static_configs: [{{targets: ['{address}']}}]\n"
    );
    let write = |text: &str| fs::write(dir.path().join("own.yaml"), text).expect("written");
    fs::write(dir.path().join("b.yml"), config).expect("written");
    write(PACK);
    let listen = format!("--web.listen-address={address}");
    let server = Bellwether::serve(dir.path(), &["--config.file=b.yml", &listen]);
    let found = verdict(&server, "1.0.0");
    assert_eq!(found["verdict"], "warning", "{found}");
    assert_eq!(found["exposed"], json!(["bellwether_config_last_reload_successful"]));
    assert_eq!(
        (&found["errors"], &found["warnings"]),
        (&json!(0), &json!(found["findings"].as_array().unwrap().len()))
    );
    let missing = &found["findings"][0];
    assert_eq!(
        (&missing["rule"], &missing["metric"]),
        (&json!("missing"), &json!("bellwether_config_nothing"))
    );
    assert!(
        missing["file"].as_str().is_some_and(|file| file.ends_with("own.yaml")) && missing["line"] == 6,
        "{missing}"
    );

    let answer = server.api("packs", &[]);
    let packs = answer["packs"].as_array().expect("a list");
    let own = packs.iter().find(|pack| pack["name"] == "own").expect("there");
    assert_eq!((&own["builtIn"], &own["lint"]), (&json!(false), &json!([])));
    let metric = &own["metrics"][1];
    assert_eq!((&metric["help"], &metric["unit"]), (&json!("A thing"), &json!("things")));
    assert_eq!(metric["aliases"], json!([{"name": "things", "labels": {}}]));
    assert_eq!(metric["labels"][0], json!({"name": "kind", "values": ["a", "b"], "max": null, "help": ""}));
    let http = packs.iter().find(|pack| pack["name"] == "http").expect("comes with the program");
    assert_eq!(http["builtIn"], true);
    assert!(http["alerts"].as_array().is_some_and(|alerts| !alerts.is_empty()));

    let target = server.api("targets", &[])["activeTargets"][0]["packs"].clone();
    assert!(target["checkedAt"].is_string() && target["problem"].is_null(), "{target}");
    let own =
        target["packs"].as_array().expect("a list").iter().find(|pack| pack["pack"] == "own").expect("there");
    assert_eq!(own["verdict"], "warning");

    write("pack: own\nversion: 1.0.0\nmetrics: [{name: wrong, type: counter, help: x}]\n");
    let (status, said) = server.post("/-/reload", &[], &[]);
    assert!(status == 500 && said.contains("own.yaml:3:18: counter wrong does not end in _total"), "{said}");
    assert_eq!(verdict(&server, "1.0.0")["verdict"], "warning", "what was in use goes on");

    write(
        "pack: own\nversion: 2.0.0\nnamespace: bellwether_config_\nmetrics: [{name: bellwether_config_gone, type: gauge, help: x}]\nscrape: [{job: self, targets: [localhost], port: 1}]\n",
    );
    assert_eq!(server.post("/-/reload", &[], &[]).0, 200);
    assert_eq!(verdict(&server, "2.0.0")["verdict"], "error");
}
