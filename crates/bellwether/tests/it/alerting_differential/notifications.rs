//! Random texts of notifications, rendered by Debian's `amtool` and by us, as text and as HTML.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use bellwether_alerts::library::{functions, render};
use bellwether_alerts::notification::{AlertData, Data, Kv, Status};
use bellwether_model::{Clock, Fingerprint, ManualClock};
use bellwether_template::Definitions;
use bellwether_template::library::GoTime;
use serde_json::{Value, json};

use super::text::{Dialect, TextGrammar};
use super::{assert_none, seeds};
use crate::differential::random::Random;
use crate::support::require;

/// How many processes run at a time.
const AT_A_TIME: usize = 2;

/// What `amtool` is given: three alerts of a group.
fn message() -> Value {
    let alert = |status: &str, instance: &str, fingerprint: &str| {
        json!({
            "status": status, "labels": {"alertname": "Down", "job": "a<b>&c", "instance": instance, "severity": "page"},
            "annotations": {"text": "it's \"down\"", "n": instance}, "startsAt": "1970-01-01T00:00:01Z", "endsAt": "1970-01-01T00:00:02Z",
            "generatorURL": "http://p/graph?g0.expr=up+%3D%3D+0&g0.tab=1", "fingerprint": fingerprint,
        })
    };
    json!({
        "receiver": "team-x", "status": "firing", "externalURL": "http://am.example/x",
        "alerts": [
            alert("firing", "db:1", "0000000000000001"), alert("resolved", "", "0000000000000002"), alert("firing", "ünï", "0000000000000003"),
        ],
        "groupLabels": {"alertname": "Down"}, "commonLabels": {"alertname": "Down", "job": "a<b>&c", "severity": "page"},
        "commonAnnotations": {"text": "it's \"down\""},
    })
}

/// The same as our texts see it.
fn data(message: &Value) -> Data {
    let kv = |value: &Value| {
        let pairs = value.as_object().into_iter().flatten();
        Kv(pairs.map(|(name, text)| (name.clone(), text.as_str().expect("a text").to_owned())).collect())
    };
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let alerts = message["alerts"].as_array().expect("alerts").iter().map(|alert| AlertData {
        status: if alert["status"] == "firing" { Status::Firing } else { Status::Resolved },
        labels: Some(kv(&alert["labels"])),
        annotations: Some(kv(&alert["annotations"])),
        starts_at: GoTime::from_ms(1_000),
        ends_at: GoTime::from_ms(2_000),
        generator_url: text(&alert["generatorURL"]),
        fingerprint: u64::from_str_radix(&text(&alert["fingerprint"]), 16).ok().map(Fingerprint),
    });
    let (receiver, url) = (text(&message["receiver"]), text(&message["externalURL"]));
    Data::of(&receiver, kv(&message["groupLabels"]), alerts, &url)
}

/// What `amtool` makes of a text, or `None` if it fails.
fn theirs(dir: &Path, text: &str, kind: &str) -> Option<String> {
    let output = Command::new("amtool")
        .args(["template", "render", "--template.glob=none.tmpl", "--template.data=data.json"])
        .args([format!("--template.text={text}"), format!("--template.type={kind}")])
        .current_dir(dir)
        .env("HOME", dir)
        .output()
        .expect("amtool runs");
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Go knows no numbers in a time, and shows what it consists of where a verb asks for them. A text that may write alerts with such a verb.
fn shows_inside_of_times(text: &str) -> bool {
    let verbs = text.split('%').skip(1).filter_map(|rest| rest.chars().find(char::is_ascii_alphabetic));
    text.contains(".Alerts") && verbs.into_iter().any(|verb| !"vsxXqT".contains(verb))
}

#[test]
fn texts_of_notifications_are_those_of_amtool() {
    require("amtool");
    let dir = tempfile::tempdir().expect("a folder");
    let message = message();
    fs::write(dir.path().join("data.json"), message.to_string()).expect("written");
    fs::write(dir.path().join("none.tmpl"), "").expect("written");
    let data = Arc::new(data(&message));
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(0));
    let functions = functions(clock, "http://am.example/x");
    let cases: Vec<(u64, String, bool)> = seeds(200)
        .map(|seed| {
            let mut random = Random::new(seed);
            let html = random.one_in(3);
            (seed, TextGrammar::new(&mut random, Dialect::Notifications).template(), html)
        })
        .collect();
    let (next, failed, differing) = (AtomicUsize::new(0), AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                while let Some((seed, text, html)) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let theirs = theirs(dir.path(), text, if *html { "html" } else { "text" });
                    let ours = render(text, &data, *html, &functions, &Definitions::default());
                    failed.fetch_add(usize::from(theirs.is_none()), Ordering::Relaxed);
                    // What escapes by itself is refused in a page in Go, and harmless.
                    let refused =
                        *html && theirs.is_none() && ["html", "urlquery"].iter().any(|it| text.contains(it));
                    // Later versions print pairs in another form.
                    let is_newer = text.contains("SortedPairs");
                    if ours.as_ref().ok() != theirs.as_ref()
                        && !refused
                        && !is_newer
                        && !shows_inside_of_times(text)
                    {
                        let what = format!(
                            "seed {seed}, html {html}: {text:?}\n  ours:   {ours:?}\n  theirs: {theirs:?}"
                        );
                        differing.lock().expect("no panic").insert(*seed, what);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner();
    let differing: Vec<String> = differing.into_inner().expect("no panic").into_values().collect();
    println!("texts of notifications: {} compared, {failed} fail, {} differ", cases.len(), differing.len());
    assert!(failed * 4 < cases.len() * 3 && failed > 0, "{failed} of {} fail", cases.len());
    assert_none("texts differ", &differing);
}
