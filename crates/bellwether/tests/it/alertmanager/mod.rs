//! The Alertmanager in the program, as people's tools meet it.

mod amtool;
mod backup;
mod explained;
mod intake;
mod load;
pub(crate) mod peer;
mod reload;
mod senders;

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::Value;

use crate::support::{Bellwether, exchange, read_request, respond, wait_for};

/// A server configuration whose only alerts are those that come from elsewhere.
pub(crate) const NO_ALERTS: &str = "rules: {builtin_alerts: false}\n";

/// A configuration with a route for pages below the default one. Its receivers are told at `hook`.
fn config(hook: &str) -> String {
    format!(
        "route:\n  receiver: team\n  group_by: [alertname]\n  group_wait: 0s\n  group_interval: 1s\n  routes:\n  \
         - matchers: [severity=\"page\"]\n    receiver: pager\n\
         receivers:\n- name: team\n  webhook_configs: [{{url: '{hook}/team'}}]\n\
         - name: pager\n  webhook_configs: [{{url: '{hook}/pager'}}]\n\
         inhibit_rules:\n- source_matchers: [severity=\"critical\"]\n  target_matchers: [severity=\"warning\"]\n  equal: [job]\n"
    )
}

/// Starts the server on an `alertmanager.yml` in `dir`, without alerts of its own: what is sent is all there is.
fn serve(dir: &Path, alertmanager: &str) -> Bellwether {
    serve_with(dir, alertmanager, &[])
}

/// The same with further flags.
fn serve_with(dir: &Path, alertmanager: &str, args: &[&str]) -> Bellwether {
    fs::write(dir.join("alertmanager.yml"), alertmanager).expect("written");
    fs::write(dir.join("bellwether.yml"), NO_ALERTS).expect("written");
    Bellwether::serve(dir, &[&["--alertmanager.config.file=alertmanager.yml"], args].concat())
}

/// Answers 200 to everything and remembers what was sent: paths and bodies.
pub(crate) struct Hook {
    pub(crate) url: String,
    got: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Hook {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let url = format!("http://{}", listener.local_addr().expect("it has an address"));
        let got: Arc<Mutex<Vec<(String, Value)>>> = Arc::default();
        let seen = Arc::clone(&got);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let Some(sent) = read_request(&stream) else { continue };
                let body = serde_json::from_slice(&sent.body).unwrap_or(Value::Null);
                seen.lock().expect("no panic").push((sent.path().to_owned(), body));
                respond(&stream, "200 OK", "text/plain", b"");
            }
        });
        Self { url, got }
    }

    /// All paths and bodies so far.
    pub(crate) fn got(&self) -> Vec<(String, Value)> {
        self.got.lock().expect("no panic").clone()
    }

    /// The first message that satisfies `wanted`, once it is there.
    pub(crate) fn wait_for(&self, what: &str, wanted: impl Fn(&str, &Value) -> bool) -> Value {
        wait_for(what, || {
            let got = self.got.lock().expect("no panic");
            got.iter().find(|(path, body)| wanted(path, body)).map(|(_, body)| body.clone())
        })
    }
}

/// Posts JSON to the API of Alertmanager.
fn post(url: &str, path: &str, body: &Value) -> (u16, String) {
    let headers = [("Content-Type", "application/json")];
    let answer = exchange("POST", &format!("{url}/api/v2/{path}"), &headers, body.to_string().as_bytes());
    (answer.status, answer.body)
}

/// What a listing has, asked for in parts of at most `limit` entries.
pub(crate) fn listed_in_parts(
    server: &Bellwether,
    path: &str,
    key: &str,
    params: &[(&str, &str)],
    limit: usize,
) -> Vec<Value> {
    let (limit, mut listed, mut token) = (limit.to_string(), Vec::new(), None::<String>);
    loop {
        let next = token.as_deref().map(|token| ("next_token", token));
        let asked = params.iter().copied().chain([("limit", limit.as_str())]).chain(next);
        let part = server.api(path, &asked.collect::<Vec<_>>());
        let entries = part[key].as_array().expect("a list");
        assert!(entries.len() <= limit.parse().expect("a number"), "{part}");
        listed.extend(entries.iter().cloned());
        token = part["nextToken"].as_str().map(str::to_owned);
        assert_eq!(part["truncated"], token.is_some());
        if token.is_none() {
            return listed;
        }
    }
}

/// Gets JSON from the API of Alertmanager.
fn get(url: &str, path: &str) -> Value {
    let answer = exchange("GET", &format!("{url}/api/v2/{path}"), &[], &[]);
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    answer.json()
}
