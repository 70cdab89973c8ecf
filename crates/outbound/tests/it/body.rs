use std::io::Write as _;

use bellwether_outbound::OutboundError;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::server::{Reply, Server, reply};
use crate::{client, get};

fn gzipped(body: &[u8]) -> Reply {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).expect("in memory");
    let mut response = reply(encoder.finish().expect("in memory"));
    response.headers_mut().insert("content-encoding", "gzip".parse().expect("a header value"));
    response
}

async fn read(path: &str, limit: usize) -> Result<Vec<u8>, OutboundError> {
    let server = Server::start(|request| async move {
        match request.uri().path() {
            "/plain" => reply(vec![b'a'; 5000]),
            "/gzip" => gzipped(&[b'a'; 5000]),
            "/bomb" => gzipped(&vec![0; 16 << 20]),
            _ => {
                let mut response = reply("?");
                response.headers_mut().insert("content-encoding", "br".parse().expect("a header value"));
                response
            }
        }
    })
    .await;
    let response = get(&client("{}"), &server.url(path)).await.expect("a response");
    let mut body = Vec::new();
    response.read_into(&mut body, limit).await?;
    Ok(body)
}

#[tokio::test]
async fn the_limit_counts_decoded_bytes() {
    for path in ["/plain", "/gzip"] {
        assert_eq!(read(path, 5000).await.expect("fits"), [b'a'; 5000]);
        let error = read(path, 4999).await.expect_err("too large");
        assert!(error.is_body_too_large());
        assert_eq!(error.to_string(), "body size limit exceeded (more than 4999 bytes decoded)");
    }
}

#[tokio::test]
async fn refuses_bombs_and_unknown_encodings() {
    let error = read("/bomb", 1 << 30).await.expect_err("a bomb");
    assert!(error.to_string().contains("refused as a decompression bomb"), "{error}");
    let error = read("/brotli", 1 << 30).await.expect_err("unknown");
    assert_eq!(error.to_string(), "unsupported Content-Encoding \"br\"; only gzip is understood");
}
