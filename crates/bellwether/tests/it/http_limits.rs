//! What is too large, too slow or too much is refused in words, and costs nobody else anything.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::json;

use crate::support::{Bellwether, exchange, form};

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

#[test]
fn large_heads_and_forms_are_refused_in_words() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = Bellwether::serve(dir.path(), &[]);
    let url = format!("{}/api/v1/query?query=1", server.url);
    let with_header = |n_bytes: usize| exchange("GET", &url, &[("X-Large", &"x".repeat(n_bytes))], &[]);
    assert_eq!(with_header(63 << 10).status, 200);
    let refused = with_header(65 << 10);
    assert_eq!(refused.status, 431, "{}", refused.body);
    assert!(refused.body.contains("65536 bytes allowed (header size)"), "{}", refused.body);

    // The whole of it is written before the answer is read, as simple clients do.
    for n_bytes in [3 << 20, 20 << 20] {
        let large = form(&[("query", &"1".repeat(n_bytes))]);
        let refused = exchange("POST", &format!("{}/api/v1/query", server.url), &[FORM], large.as_bytes());
        assert_eq!(refused.status, 413, "{}", refused.body);
        assert_eq!(
            refused.json(),
            json!({
                "status": "error",
                "errorType": "bad_data",
                "error": "form is larger than the 2097152 bytes allowed (form size)",
            })
        );
    }
    let (status, said) = server.post("/api/v1/write", &[], &vec![0; 17 << 20]);
    assert_eq!(status, 413, "{said}");
    assert!(said.contains("16777216 bytes allowed"), "{said}");
}

#[test]
fn connections_that_nobody_uses_make_room() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = Bellwether::serve(dir.path(), &["--web.max-connections=4"]);
    let address = server.url.trim_start_matches("http://").to_owned();
    let mut kept = Vec::new();
    for idx in 0..12 {
        let mut client = TcpStream::connect(&address).expect("connected");
        // Some have been used and are kept for later, others never send anything.
        if idx % 3 > 0 {
            let request = format!("GET /-/healthy HTTP/1.1\r\nHost: {address}\r\n\r\n");
            client.write_all(request.as_bytes()).expect("sent");
            let n_bytes = client.read(&mut [0; 4096]).expect("an answer");
            assert!(n_bytes > 0, "connection {idx} was closed before it was used");
        }
        kept.push(client);
    }
    for path in ["/-/healthy", "/-/ready", "/metrics"] {
        assert_eq!(server.get(path).0, 200, "{path}");
    }
    drop(kept);
}

#[test]
fn results_are_bounded() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = Bellwether::serve(dir.path(), &["--query.max-result-size=1KB"]);
    let refusal = "the result exceeds the limit of 1024 bytes (--query.max-result-size); ask for fewer series or a larger step";
    let range = |end: &str| {
        let params = form(&[("query", "vector(1)"), ("start", "0"), ("end", end), ("step", "1")]);
        exchange("GET", &format!("{}/api/v1/query_range?{params}", server.url), &[], &[])
    };
    assert_eq!(range("50").status, 200);
    let refused = range("200");
    assert_eq!(refused.status, 422);
    assert_eq!(refused.json(), json!({"status": "error", "errorType": "execution", "error": refusal}));
    // One that failed, because the server was not ready yet, brings too few names.
    crate::support::wait_for("a scrape", || server.value("up == 1"));
    let refused = exchange("GET", &format!("{}/api/v1/label/__name__/values", server.url), &[], &[]);
    assert_eq!((refused.status, refused.json()["error"].as_str()), (422, Some(refusal)));
    let refused = exchange("GET", &format!("{}/federate?match[]=%7Bjob!=%22%22%7D", server.url), &[], &[]);
    assert_eq!((refused.status, refused.body.trim_end()), (422, refusal));
    assert_eq!(server.api("status/flags", &[])["query.max-result-size"], "1KiB");
}
