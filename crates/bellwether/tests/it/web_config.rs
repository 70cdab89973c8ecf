//! The file of `--web.config.file`: TLS, passwords, headers and a limit of requests, with clients that know nothing of us.

use std::fs;
use std::path::Path;
use std::process::Command;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use serde_json::Value;

use crate::support::{Bellwether, prometheus, request, require, wait_for};

/// An authority whose certificate is in a file.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new(dir: &Path, file: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, file);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key"));
        let issuer = issuer.expect("a certificate");
        fs::write(dir.join(file), issuer.pem()).expect("written");
        Self(issuer)
    }

    /// Writes `WHO.pem` and `WHO.key` for one name or address.
    fn issue(&self, dir: &Path, who: &str, name: &str) {
        let mut params = CertificateParams::new(vec![name.to_owned()]).expect("a valid name");
        params.distinguished_name.push(DnType::CommonName, who);
        let key = KeyPair::generate().expect("a key");
        let cert = params.signed_by(&key, &self.0).expect("a certificate");
        fs::write(dir.join(format!("{who}.key")), key.serialize_pem()).expect("written");
        fs::write(dir.join(format!("{who}.pem")), cert.pem()).expect("written");
    }
}

/// A cheap hash of a password.
fn hash(password: &str) -> String {
    bcrypt::hash(password, 4).expect("a hash")
}

/// What curl gets in `dir`: status, headers and body; the status is 0 if there was no answer.
fn curl(dir: &Path, args: &[&str], url: &str) -> (u16, String) {
    require("curl");
    let out = Command::new("curl")
        .args(["--silent", "--include", "--max-time", "60", "--write-out", "\n%{http_code}"])
        .args(args)
        .arg(url)
        .current_dir(dir)
        .output()
        .expect("curl runs");
    let said = String::from_utf8_lossy(&out.stdout).into_owned();
    let (text, status) = said.rsplit_once('\n').unwrap_or_default();
    (status.parse().unwrap_or(0), text.to_owned())
}

const TLS: &str = "tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n";

/// A server on `web.yml`, to which `args` of curl get through.
fn serve(dir: &Path, web: &str, args: &[&str]) -> Bellwether {
    fs::write(dir.join("web.yml"), web).expect("written");
    fs::write(dir.join("bw.yml"), "{}").expect("written");
    let server = Bellwether::start("serve", dir, &["--web.config.file=web.yml", "--config.file=bw.yml"]);
    let ready = format!("{}/-/ready", server.url);
    wait_for("the server to be ready", || (curl(dir, args, &ready).0 == 200).then_some(()));
    server
}

#[test]
fn who_has_no_password_sees_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let dir = dir.path();
    Authority::new(dir, "ca.pem").issue(dir, "server", "127.0.0.1");
    let rest =
        "http_server_config: {headers: {X-Frame-Options: deny, Strict-Transport-Security: max-age=1}}\n";
    let web = |password: &str| format!("{TLS}{rest}basic_auth_users: {{ann: '{}'}}\n", hash(password));
    let ann = ["--cacert", "ca.pem", "--user", "ann:one"];
    let server = serve(dir, &web("one"), &ann);
    assert!(server.url.starts_with("https://127.0.0.1:"), "{}", server.url);
    let at = |path: &str| format!("{}{path}", server.url);
    for path in ["/", "/metrics", "/-/healthy", "/api/v1/query?query=1", "/api/v2/status", "/nothing"] {
        for user in [
            &["--cacert", "ca.pem"][..],
            &["--cacert", "ca.pem", "--user", "ann:two"],
            &["--cacert", "ca.pem", "--user", "bob:one"],
        ] {
            let (status, said) = curl(dir, user, &at(path));
            assert_eq!(status, 401, "{path} {user:?}");
            assert!(
                said.contains("www-authenticate: Basic\r\n") && said.ends_with("Unauthorized\n"),
                "{said}"
            );
            assert!(said.contains("x-frame-options: deny\r\n"), "{said}");
        }
    }
    let (status, said) = curl(dir, &ann, &at("/metrics"));
    assert!(status == 200 && said.contains("strict-transport-security: max-age=1\r\n"), "{said}");
    assert!(curl(dir, &ann, &at("/api/v1/status/flags")).1.contains(r#""web.config.file":"web.yml""#));
    // Neither without TLS nor with an authority of one's own.
    assert_ne!(request("GET", &at("/-/healthy").replace("https", "http"), &[], &[]).0, 200);
    Authority::new(dir, "other.pem");
    assert_eq!(curl(dir, &["--cacert", "other.pem", "--user", "ann:one"], &at("/")).0, 0);

    // A reload takes over another password, and keeps all as it is if the file is wrong.
    let reload = [&ann[..], &["--request", "POST"]].concat();
    let wrong = [
        ("basic_auth_users: {ann: two}\n", "web.yml:1:19: "),
        ("{}", "web.yml: tls_server_config cannot come or go"),
    ];
    for (text, why) in wrong {
        fs::write(dir.join("web.yml"), text).expect("written");
        let (status, said) = curl(dir, &reload, &at("/-/reload"));
        assert!(status == 500 && said.contains(why), "{said}");
        let (_, said) = curl(dir, &ann, &at("/api/v1/status/runtimeinfo"));
        let answer: Value =
            said.rsplit_once("\r\n\r\n").and_then(|(_, body)| serde_json::from_str(body).ok()).expect("JSON");
        let reason = answer["data"]["lastReloadFailure"]["reason"].as_str().unwrap_or_default();
        assert!(reason.starts_with(why), "{answer}");
    }
    fs::write(dir.join("web.yml"), web("two")).expect("written");
    assert_eq!(curl(dir, &reload, &at("/-/reload")).0, 200);
    assert_eq!(curl(dir, &ann, &at("/")).0, 401, "the password that was right before");
    assert_eq!(curl(dir, &["--cacert", "ca.pem", "--user", "ann:two"], &at("/")).0, 200);
    assert!(!server.log().contains("$2b$04$"), "hashes are secrets");
}

#[test]
fn new_certificates_and_users_count_without_a_reload() {
    let dir = tempfile::tempdir().expect("a folder");
    let dir = dir.path();
    Authority::new(dir, "ca.pem").issue(dir, "server", "127.0.0.1");
    let server = serve(dir, TLS, &["--cacert", "ca.pem"]);
    let healthy = format!("{}/-/healthy", server.url);
    Authority::new(dir, "new.pem").issue(dir, "server", "127.0.0.1");
    wait_for("the new certificate", || {
        (curl(dir, &["--cacert", "new.pem"], &healthy).0 == 200).then_some(())
    });
    fs::write(dir.join("web.yml"), format!("{TLS}basic_auth_users: {{ann: '{}'}}\n", hash("one")))
        .expect("written");
    wait_for("the user", || (curl(dir, &["--cacert", "new.pem"], &healthy).0 == 401).then_some(()));
    // What is wrong is told and changes nothing.
    fs::write(dir.join("server.key"), "no key").expect("written");
    wait_for("the complaint", || {
        server.log().contains("key_file: there is no unencrypted private key").then_some(())
    });
    assert_eq!(curl(dir, &["--cacert", "new.pem", "--user", "ann:one"], &healthy).0, 200);
}

#[test]
fn clients_show_certificates_if_they_must() {
    let dir = tempfile::tempdir().expect("a folder");
    let dir = dir.path();
    let ours = Authority::new(dir, "ca.pem");
    ours.issue(dir, "server", "127.0.0.1");
    ours.issue(dir, "ann", "ann.example");
    ours.issue(dir, "bob", "bob.example");
    Authority::new(dir, "other.pem").issue(dir, "eve", "ann.example");
    let as_client = |who: &str| -> Vec<String> {
        let files = [format!("{who}.pem"), format!("{who}.key")];
        let shown = ["--cert", &files[0], "--key", &files[1]].map(str::to_owned);
        if who.is_empty() { Vec::new() } else { shown.to_vec() }
    };
    for (more, admitted) in [
        ("client_auth_type: RequestClientCert", &["", "ann", "bob", "eve"][..]),
        ("client_auth_type: RequireAnyClientCert", &["ann", "bob", "eve"]),
        ("client_auth_type: VerifyClientCertIfGiven\n  client_ca_file: ca.pem", &["", "ann", "bob"]),
        ("client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.pem", &["ann", "bob"]),
        (
            "client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.pem\n  client_allowed_sans: [10.0.0.1, ann.example]",
            &["ann"],
        ),
    ] {
        let server = serve(
            dir,
            &format!("{TLS}  {more}\n"),
            &["--cacert", "ca.pem", "--cert", "ann.pem", "--key", "ann.key"],
        );
        let healthy = format!("{}/-/healthy", server.url);
        for who in ["", "ann", "bob", "eve"] {
            let client = as_client(who);
            let args: Vec<&str> =
                ["--cacert", "ca.pem"].into_iter().chain(client.iter().map(String::as_str)).collect();
            let want = if admitted.contains(&who) { 200 } else { 0 };
            assert_eq!(curl(dir, &args, &healthy).0, want, "{more}: {who:?}");
        }
    }
}

#[test]
fn versions_and_ciphers_are_those_that_are_named() {
    let dir = tempfile::tempdir().expect("a folder");
    let dir = dir.path();
    Authority::new(dir, "ca.pem").issue(dir, "server", "127.0.0.1");
    let check = |more: &str, wanted: &[(&str, u16)]| {
        let server = serve(dir, &format!("{TLS}  {more}\n"), &["--cacert", "ca.pem"]);
        for (flags, want) in wanted {
            let args: Vec<&str> = ["--cacert", "ca.pem"].into_iter().chain(flags.split(' ')).collect();
            assert_eq!(curl(dir, &args, &format!("{}/-/healthy", server.url)).0, *want, "{more}: {flags}");
        }
    };
    check("min_version: TLS13", &[("--tls-max 1.2", 0), ("--tlsv1.3", 200), ("--http2", 200)]);
    check("max_version: TLS12", &[("--tls-max 1.2", 200), ("--tlsv1.3", 0)]);
    let suite = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384";
    check(
        &format!("cipher_suites: [{suite}]\n  curve_preferences: [CurveP384]"),
        &[
            ("--tls-max 1.2 --ciphers ECDHE-ECDSA-AES256-GCM-SHA384", 200),
            ("--tls-max 1.2 --ciphers ECDHE-ECDSA-AES128-GCM-SHA256", 0),
            ("--tlsv1.3 --curves P-384", 200),
            ("--tlsv1.3 --curves X25519", 0),
        ],
    );
}

#[test]
fn requests_beyond_the_limit_are_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(dir.path().join("web.yml"), "rate_limit: {interval: 1h, burst: 3}\n").expect("written");
    let server = Bellwether::start("serve", dir.path(), &["--web.config.file=web.yml"]);
    let statuses: Vec<u16> = (0..5).map(|_| server.get("/-/healthy").0).collect();
    assert_eq!(statuses, [200, 200, 200, 429, 429]);
}

#[test]
fn prometheus_scrapes_over_tls_with_a_password() {
    let dir = tempfile::tempdir().expect("a folder");
    let dir = dir.path();
    Authority::new(dir, "ca.pem").issue(dir, "server", "127.0.0.1");
    let users = format!("basic_auth_users: {{ann: '{}'}}\n", hash("one"));
    let server = serve(dir, &format!("{TLS}{users}"), &["--cacert", "ca.pem", "--user", "ann:one"]);
    let job = |name: &str, password: &str| {
        format!(
            "- job_name: {name}\n  scheme: https\n  scrape_interval: 1s\n  tls_config: {{ca_file: ca.pem}}\n  \
             basic_auth: {{username: ann, password: {password}}}\n  static_configs: [{{targets: ['{}']}}]\n",
            server.url.trim_start_matches("https://")
        )
    };
    let config = format!("scrape_configs:\n{}{}", job("right", "one"), job("wrong", "two"));
    fs::write(dir.join("prometheus.yml"), config).expect("written");
    let (_peer, url) = prometheus(dir, &[]);
    wait_for("both targets to be scraped", || {
        let (_, targets) = request("GET", &format!("{url}/api/v1/targets"), &[], &[]);
        let targets: Value = serde_json::from_str(&targets).ok()?;
        let state = |pool: &str| {
            let all = targets["data"]["activeTargets"].as_array()?;
            let one = all.iter().find(|target| target["scrapePool"] == pool)?;
            Some((one["health"].as_str()?.to_owned(), one["lastError"].as_str()?.to_owned()))
        };
        let (right, wrong) = (state("right")?, state("wrong")?);
        let is_refused = wrong.0 == "down" && wrong.1.contains("401");
        (right == ("up".to_owned(), String::new()) && is_refused).then_some(())
    });
}

#[test]
fn a_server_that_cannot_be_protected_does_not_start() {
    let dir = tempfile::tempdir().expect("a folder");
    let dir = dir.path();
    Authority::new(dir, "ca.pem").issue(dir, "server", "127.0.0.1");
    fs::write(dir.join("odd.pem"), "no certificate").expect("written");
    let costly = hash("one").replacen("$04$", "$15$", 1);
    for (web, why) in [
        (String::new(), "web.yml: No such file or directory"),
        (
            "basic_auth_users: {ann: one}\n".to_owned(),
            "web.yml:1:19: the password of \"ann\" is no bcrypt hash",
        ),
        (
            format!("basic_auth_users: {{ann: '{costly}'}}\n"),
            "web.yml: basic_auth_users: the hash of \"ann\" has the cost 15",
        ),
        (
            TLS.replace("server.pem", "no.pem"),
            "web.yml: cert_file no.pem cannot be read: No such file or directory",
        ),
        (TLS.replace("server.pem", "odd.pem"), "web.yml: cert_file: there is no certificate"),
        (TLS.replace("server.key", "server.pem"), "web.yml: key_file: there is no unencrypted private key"),
        (TLS.replace("server.pem", "ca.pem"), "web.yml: cert_file: "),
        (
            format!("{TLS}  curve_preferences: [CurveP521]\n"),
            "web.yml: tls_server_config: curve_preferences: ",
        ),
    ] {
        if !web.is_empty() {
            fs::write(dir.join("web.yml"), &web).expect("written");
        }
        let out = Command::new(Bellwether::binary())
            .args(["serve", "--web.listen-address=127.0.0.1:0", "--web.config.file=web.yml"])
            .current_dir(dir)
            .output()
            .expect("runs");
        let said = String::from_utf8_lossy(&out.stderr);
        assert!(out.status.code() == Some(1) && said.contains(why), "{web}: {said}");
        assert!(out.stdout.is_empty(), "it did not listen: {web}");
        if !web.is_empty() {
            let check = Command::new(Bellwether::binary())
                .args(["check", "web", "web.yml"])
                .current_dir(dir)
                .output();
            assert_eq!(check.expect("runs").status.code(), Some(1), "{web}");
        }
    }
}
