//! Starts the real program and its real peers on loopback, and stops them again.

#[path = "support/service.rs"]
mod service;

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Once, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

pub(crate) use self::service::{read_request, respond};

/// How long anything may take before a test gives up. Long, because the machine may be busy; nothing waits this long when all is well.
const PATIENCE: Duration = Duration::from_mins(1);

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    let mut folders = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().skip(1);
    folders.find(|folder| folder.join("Cargo.lock").exists()).expect("the workspace is there").to_owned()
}

/// A port that was free a moment ago, for peers that cannot choose one themselves.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port is free").port()
}

/// Asks until `check` gives an answer; panics with `what` when patience runs out.
pub(crate) fn wait_for<T>(what: &str, check: impl FnMut() -> Option<T>) -> T {
    wait_within(PATIENCE, what, check)
}

/// The same with a patience of one's own.
pub(crate) fn wait_within<T>(patience: Duration, what: &str, mut check: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(found) = check() {
            return found;
        }
        assert!(Instant::now() < deadline, "gave up waiting for {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// A process that is killed when the test is done with it.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
}

impl Process {
    pub(crate) fn spawn(command: &mut Command) -> Self {
        let child = command.spawn().unwrap_or_else(|e| panic!("cannot start {command:?}: {e}"));
        Self { child }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends the process as a crash would.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks the process to stop and returns its exit code.
    pub(crate) fn terminate(&mut self) -> Option<i32> {
        self.signal("TERM");
        wait_for("the process to stop", || self.child.try_wait().expect("can wait")).code()
    }

    pub(crate) fn signal(&self, signal: &str) {
        let status = Command::new("kill").args([format!("-{signal}"), self.id().to_string()]).status();
        assert!(status.expect("kill runs").success(), "kill -{signal} failed");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A running Bellwether.
#[derive(Debug)]
pub(crate) struct Bellwether {
    pub(crate) process: Process,
    pub(crate) url: String,
    stderr: PathBuf,
}

impl Bellwether {
    /// The program's own binary. Tests of other packages start the one that was built last; if there is none, the first of them builds it. `BELLWETHER_BINARY` names another
    /// one, for figures that mean something.
    pub(crate) fn binary() -> PathBuf {
        static BUILD: Once = Once::new();
        if let Some(other) = std::env::var_os("BELLWETHER_BINARY") {
            return other.into();
        }
        if let Some(own) = option_env!("CARGO_BIN_EXE_bellwether") {
            return own.into();
        }
        let test = std::env::current_exe().expect("this test has a path");
        let folder = test.ancestors().nth(2).expect("it is in `deps`");
        let binary = folder.join("bellwether");
        BUILD.call_once(|| {
            if !binary.exists() {
                build(folder);
            }
        });
        binary
    }

    /// Starts `bellwether serve` on a port of its choice, in and below `dir`, and waits until it is ready.
    pub(crate) fn serve(dir: &Path, args: &[&str]) -> Self {
        let bellwether = Self::start("serve", dir, args);
        bellwether.wait_ready();
        bellwether
    }

    /// Starts a server command and waits until it listens.
    pub(crate) fn start(command: &str, dir: &Path, args: &[&str]) -> Self {
        let stderr = dir.join("bellwether.log");
        let log =
            fs::OpenOptions::new().create(true).append(true).open(&stderr).expect("the log can be written");
        let mut process = Process::spawn(
            Command::new(Self::binary())
                .arg(command)
                .arg("--web.listen-address=127.0.0.1:0")
                .args(args)
                .current_dir(dir)
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(log),
        );
        let stdout = process.child.stdout.take().expect("piped");
        let (sender, lines) = mpsc::channel();
        // The reader goes on until the program ends, so that the pipe never fills.
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let deadline = Instant::now() + PATIENCE;
        let url = loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = lines.recv_timeout(left).unwrap_or_else(|e| {
                panic!(
                    "no address on standard output ({e}):\n{}",
                    fs::read_to_string(&stderr).unwrap_or_default()
                )
            });
            if let Some((_, url)) = line.split_once("listens on ") {
                break url.trim_end_matches('/').to_owned();
            }
        };
        Self { process, url, stderr }
    }

    pub(crate) fn wait_ready(&self) {
        wait_for("the server to be ready", || (self.get("/-/ready").0 == 200).then_some(()));
    }

    /// What the server wrote to standard error.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.stderr).unwrap_or_default()
    }

    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        request("GET", &format!("{}{path}", self.url), &[], &[])
    }

    pub(crate) fn post(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> (u16, String) {
        request("POST", &format!("{}{path}", self.url), headers, body)
    }

    /// The `data` of a successful API answer.
    pub(crate) fn api(&self, path: &str, params: &[(&str, &str)]) -> Value {
        let (status, body) = self.get(&format!("/api/v1/{path}?{}", form(params)));
        assert_eq!(status, 200, "{path} {params:?}: {body}");
        let mut answer: Value = serde_json::from_str(&body).unwrap_or_else(|e| panic!("{e}: {body}"));
        assert_eq!(answer["status"], "success", "{body}");
        answer["data"].take()
    }

    /// The result of an instant query.
    pub(crate) fn query(&self, expr: &str) -> Vec<Value> {
        let data = self.api("query", &[("query", expr)]);
        data["result"].as_array().cloned().unwrap_or_default()
    }

    /// The value of the only series of an instant query.
    pub(crate) fn value(&self, expr: &str) -> Option<f64> {
        let result = self.query(expr);
        result.first().and_then(|r| r["value"][1].as_str()).and_then(|v| v.parse().ok())
    }
}

/// Builds the program into the folder of a profile.
fn build(folder: &Path) {
    let target = folder.parent().expect("below the target directory");
    // Said at once, and not only if a test fails.
    let _ = writeln!(
        std::io::stderr(),
        "{} has no bellwether yet; building it, which takes a few minutes",
        folder.display()
    );
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(["build", "--locked", "-p", "bellwether", "--target-dir"]).arg(target).current_dir(root());
    if folder.ends_with("release") {
        command.arg("--release");
    }
    let status = command.status().unwrap_or_else(|e| panic!("cannot start {command:?}: {e}"));
    assert!(status.success(), "{command:?} failed; its words stand above");
}

/// Percent-encodes parameters.
pub(crate) fn form(params: &[(&str, &str)]) -> String {
    let encode = |s: &str| {
        s.bytes()
            .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") })
            .collect::<String>()
    };
    params.iter().map(|(k, v)| format!("{}={}", encode(k), encode(v))).collect::<Vec<_>>().join("&")
}

/// An answer with its headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    /// 0 if there was no answer.
    pub(crate) status: u16,
    /// Names in small letters.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    /// The value of a header, or nothing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value)
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.body))
    }
}

/// One HTTP request of any method.
pub(crate) fn exchange(method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .allow_non_standard_methods(true)
        .timeout_global(Some(PATIENCE))
        .build()
        .into();
    let mut request = ureq::http::Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = if method == "POST" {
        agent.run(request.body(body).expect("a request"))
    } else {
        agent.run(request.body(()).expect("a request"))
    };
    match answer {
        Ok(mut answer) => {
            let mut text = String::new();
            let _ = answer.body_mut().as_reader().read_to_string(&mut text);
            let text_of = |value: &ureq::http::HeaderValue| value.to_str().unwrap_or("").to_owned();
            let headers = answer.headers().iter().map(|(n, v)| (n.as_str().to_owned(), text_of(v))).collect();
            Answer { status: answer.status().as_u16(), headers, body: text }
        }
        Err(error) => Answer { status: 0, headers: Vec::new(), body: error.to_string() },
    }
}

/// Gets what is not text: the content type and the body.
pub(crate) fn fetch(url: &str, accept: &str) -> (String, Vec<u8>) {
    let mut answer = ureq::get(url).header("Accept", accept).call().expect("an answer");
    let content_type = answer.headers().get("content-type").and_then(|value| value.to_str().ok());
    let content_type = content_type.unwrap_or("").to_owned();
    (content_type, answer.body_mut().read_to_vec().expect("a body"))
}

/// One HTTP request; the status is 0 if there was no answer.
pub(crate) fn request(method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> (u16, String) {
    let answer = exchange(method, url, headers, body);
    (answer.status, answer.body)
}

/// Whether `program` is installed. `make test` installs all of them; outside of it a test that needs one says so and fails.
pub(crate) fn require(program: &str) {
    let found =
        Command::new("sh").args(["-c", &format!("command -v {program}")]).stdout(Stdio::null()).status();
    assert!(
        found.is_ok_and(|s| s.success()),
        "{program} is missing; `scripts/setup.sh peers python` installs it"
    );
}

/// The Python interpreter that has the packages of `tests/requirements.txt`.
pub(crate) fn python() -> PathBuf {
    let python = root().join(".venv/bin/python3");
    assert!(python.exists(), "{} is missing; `scripts/setup.sh python` makes it", python.display());
    python
}

/// Starts Debian's Prometheus in `dir`, where its `prometheus.yml` is, and waits until it is ready. The port was free a moment ago.
pub(crate) fn prometheus(dir: &Path, args: &[&str]) -> (Process, String) {
    require("prometheus");
    let port = free_port();
    let process = Process::spawn(
        Command::new("prometheus")
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .args(["--config.file=prometheus.yml", "--storage.tsdb.path=data"])
            .args(args)
            .current_dir(dir)
            .stdout(Stdio::null())
            .stderr(Stdio::null()),
    );
    let url = format!("http://127.0.0.1:{port}");
    wait_http(&format!("{url}/-/ready"));
    (process, url)
}

/// Starts Debian's node exporter.
pub(crate) fn node_exporter() -> (Process, u16) {
    require("prometheus-node-exporter");
    let port = free_port();
    let process = Process::spawn(
        Command::new("prometheus-node-exporter")
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null()),
    );
    wait_http(&format!("http://127.0.0.1:{port}/metrics"));
    (process, port)
}

/// Waits until `url` answers with 200.
pub(crate) fn wait_http(url: &str) {
    wait_for(url, || (request("GET", url, &[], &[]).0 == 200).then_some(()));
}

/// Serves what `exposition` returns to whoever connects, until the test program ends. Returns the port.
pub(crate) fn target(content_type: &'static str, exposition: impl Fn() -> Vec<u8> + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = listener.local_addr().expect("it has an address").port();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            if read_request(&stream).is_some() {
                respond(&stream, "200 OK", content_type, &exposition());
            }
        }
    });
    port
}
