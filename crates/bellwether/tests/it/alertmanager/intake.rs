//! Alerts that are sent, beyond those that are right.

use std::io::Write as _;
use std::net::TcpStream;

use serde_json::{Value, json};

use super::{Hook, config, listed_in_parts, post, serve};
use crate::support::{exchange, wait_for};

#[test]
fn what_is_no_list_of_alerts_is_refused_in_words() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = serve(dir.path(), &config("http://127.0.0.1:1"));
    let send = |content_type: &[(&str, &str)], body: &str| {
        let answer =
            exchange("POST", &format!("{}/api/v2/alerts", server.url), content_type, body.as_bytes());
        (answer.status, answer.json()["message"].as_str().unwrap_or_default().to_owned())
    };
    let json_type = [("Content-Type", "application/json")];
    let (status, said) = send(&[], "[]");
    assert_eq!(status, 415, "{said}");
    assert!(said.contains("unsupported media type \"application/octet-stream\""), "{said}");
    let (status, said) = send(&json_type, &format!("[{}]", vec!["{}"; 50_001].join(",")));
    assert!(status == 400 && said.contains("more than the 50000 alerts allowed at once"), "{status} {said}");
    let (status, said) = send(&json_type, "[{}]");
    assert_eq!((status, said.as_str()), (422, "0.labels in body is required"));
    let answer = exchange("GET", &format!("{}/metrics", server.url), &[], &[]).body;
    assert!(answer.contains("handler=\"alertmanager\""), "requests for it are counted as such");
}

/// Senders come again after 503; after 400 they would not.
#[test]
fn alerts_for_which_there_is_no_room_may_come_again() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = serve(dir.path(), &config("http://127.0.0.1:1"));
    let alerts = json!([{"labels": {"alertname": "Down"}}]);
    let large = vec![b' '; 16 << 20];
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut client = TcpStream::connect(server.url.trim_start_matches("http://")).expect("connected");
        let head = format!(
            "POST /api/v2/alerts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            large.len()
        );
        // All but the last byte, so that the server waits with it in its hands.
        client.write_all(head.as_bytes()).and_then(|()| client.write_all(&large[1..])).expect("sent");
        held.push(client);
    }
    let said = wait_for("the bodies to fill the room", || {
        let (status, said) = post(&server.url, "alerts", &alerts);
        (status == 503).then_some(said)
    });
    assert!(said.contains("bytes allowed (bytes in decode)"), "{said}");
    drop(held);
    wait_for("room", || (post(&server.url, "alerts", &alerts).0 == 200).then_some(()));
}

#[test]
fn notifications_are_listed_in_parts() {
    let dir = tempfile::tempdir().expect("a folder");
    let hook = Hook::start();
    let server = serve(dir.path(), &config(&hook.url));
    let alerts: Vec<_> = (0..5).map(|n| json!({"labels": {"alertname": format!("A{n}")}})).collect();
    assert_eq!(post(&server.url, "alerts", &json!(alerts)).0, 200);
    let all = wait_for("the notifications", || {
        let all = server.api("notifications", &[])["notifications"].as_array()?.clone();
        (all.len() == 5).then_some(all)
    });
    assert_eq!(listed_in_parts(&server, "notifications", "notifications", &[], 2), all);
    let (status, said) = server.get("/api/v1/notifications?next_token=soon");
    assert_eq!(status, 400, "{said}");
    assert!(said.contains("\\\"soon\\\" does not come from an earlier answer"), "{said}");
}

#[test]
fn notifications_are_found_by_the_labels_of_their_alerts() {
    let dir = tempfile::tempdir().expect("a folder");
    let hook = Hook::start();
    let server = serve(dir.path(), &config(&hook.url));
    let alert = |n: usize| {
        let team = ["a", "b", "c"][n % 3];
        json!({"labels": {"alertname": format!("A{n}"), "team": team}})
    };
    let alerts: Vec<_> = (0..9).map(alert).collect();
    assert_eq!(post(&server.url, "alerts", &json!(alerts)).0, 200);
    let all = wait_for("the notifications", || {
        let all = server.api("notifications", &[])["notifications"].as_array()?.clone();
        (all.len() == 9).then_some(all)
    });
    let of = |selectors: &[&str], limit: usize| {
        let params: Vec<_> = selectors.iter().map(|selector| ("match[]", *selector)).collect();
        listed_in_parts(&server, "notifications", "notifications", &params, limit)
    };
    let of_teams = |teams: &[&str]| -> Vec<Value> {
        let is_of = |told: &&Value| teams.iter().any(|team| told["alerts"][0]["labels"]["team"] == *team);
        all.iter().filter(is_of).cloned().collect()
    };
    for limit in [1, 2, 100] {
        assert_eq!(of(&["{team=\"a\"}"], limit), of_teams(&["a"]), "by {limit}");
        assert_eq!(of(&["{team=\"a\"}", "{team=~\"c|d\"}"], limit), of_teams(&["a", "c"]), "by {limit}");
        assert_eq!(of(&["{team!=\"b\"}"], limit), of_teams(&["a", "c"]), "by {limit}");
        assert_eq!(of(&["{team=\"a\",alertname=\"A1\"}"], limit), of_teams(&[]));
    }
    assert_eq!(of_teams(&["a"]).len(), 3);
    let (status, said) = server.get("/api/v1/notifications?match[]=%7Bteam");
    assert!(status == 400 && said.contains("match[]"), "{status} {said}");
}
