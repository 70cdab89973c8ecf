//! Silences and what was told are part of a backup.

use std::process::Command;

use serde_json::json;

use super::{Hook, config, get, post, serve_with};
use crate::support::{Bellwether, wait_for};

#[test]
fn a_server_on_a_backup_knows_silences_and_what_was_told() {
    let dir = tempfile::tempdir().expect("a folder");
    let hook = Hook::start();
    let first = serve_with(dir.path(), &config(&hook.url), &["--web.enable-admin-api"]);
    let silence = json!({
        "matchers": [{"name": "alertname", "value": "Quiet", "isRegex": false}],
        "startsAt": "2026-01-01T00:00:00Z", "endsAt": "2999-01-01T00:00:00Z", "createdBy": "ann", "comment": "kept",
    });
    let (status, said) = post(&first.url, "silences", &silence);
    assert_eq!(status, 200, "{said}");
    let (status, said) = post(&first.url, "alerts", &json!([{"labels": {"alertname": "Told"}}]));
    assert_eq!(status, 200, "{said}");
    let told = |server: &Bellwether| server.api("notifications", &[])["notifications"].clone();
    let before = wait_for("the notification", || {
        Some(told(&first)).filter(|told| told.as_array().is_some_and(|told| !told.is_empty()))
    });
    let run = |args: &[&str]| {
        let output =
            Command::new(Bellwether::binary()).args(args).current_dir(dir.path()).output().expect("runs");
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    run(&["backup", "--server", &first.url, "copy"]);
    let silences = get(&first.url, "silences");
    drop(first);
    run(&["restore", "copy", "second"]);
    run(&["backup", "--data-dir", "second", "copy2"]);
    run(&["restore", "copy2", "third"]);
    let third = serve_with(dir.path(), &config(&hook.url), &["--storage.tsdb.path=third"]);
    assert_eq!(silences[0]["comment"], "kept");
    assert_eq!(get(&third.url, "silences"), silences);
    assert_eq!(told(&third), before);
}
