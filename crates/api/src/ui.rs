//! The embedded web UI: hashed assets, and `index.html` for every page, with a fresh nonce each time.

use std::fmt::Write as _;
use std::hash::{BuildHasher, Hasher, RandomState};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use crate::state::AppState;

struct Asset {
    /// Below `ui/dist`, with forward slashes.
    path: &'static str,
    plain: &'static [u8],
    gzip: &'static [u8],
}

static ASSETS: &[Asset] = include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// Shown instead of the UI when the program was built without it.
const NOT_BUILT: &str = "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Bellwether</title></head><body>\
    <h1>Bellwether is running</h1><p>This program was built without its web UI. To build it, run <code>make ui</code> in the source \
    folder and build again, or just run <code>make run</code>.</p><p>The HTTP API is complete: \
    <a href=\"api/v1/status/buildinfo\">api/v1/status/buildinfo</a>, <a href=\"metrics\">metrics</a>.</p></body></html>";

/// Answers everything that no other route answers: an asset, or a page of the UI.
pub(crate) async fn serve(State(state): State<AppState>, request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return (StatusCode::NOT_FOUND, "no such endpoint\n").into_response();
    }
    let path = request.uri().path().trim_start_matches('/');
    if matches!(path.split('/').next(), Some("api" | "-")) {
        let message = format!("no such endpoint: /{path}\n");
        return (StatusCode::NOT_FOUND, message).into_response();
    }
    if path != "index.html"
        && let Some(asset) = ASSETS.iter().find(|a| a.path == path)
    {
        return serve_asset(asset, request.headers());
    }
    if path.starts_with("assets/") || has_file_extension(path) {
        return (StatusCode::NOT_FOUND, "no such file\n").into_response();
    }
    serve_page(&state)
}

/// Pages have no extension, so that a missing file is not answered with a page.
fn has_file_extension(path: &str) -> bool {
    const KNOWN: [&str; 8] = ["js", "css", "map", "ico", "png", "svg", "json", "txt"];
    path.rsplit_once('.').is_some_and(|(_, extension)| KNOWN.contains(&extension))
}

fn serve_asset(asset: &Asset, request: &HeaderMap) -> Response {
    let gzip = accepts_gzip(request) && asset.gzip.len() < asset.plain.len();
    let mut response = Response::new(Body::from(if gzip { asset.gzip } else { asset.plain }));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(asset.path)));
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    if gzip {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    // Vite puts the hash of the content into the names below `assets/`, so they never change.
    let is_text = asset.path.rsplit_once('.').is_some_and(|(_, extension)| extension == "txt");
    let lasting = asset.path.starts_with("assets/") && !is_text;
    let cache = if lasting { "public, max-age=31536000, immutable" } else { "no-cache" };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    response
}

fn serve_page(state: &AppState) -> Response {
    let nonce = fresh_nonce();
    let Some(index) = ASSETS.iter().find(|a| a.path == "index.html") else {
        return page(NOT_BUILT.to_owned(), &nonce);
    };
    let prefix = &state.settings.route_prefix;
    let html = String::from_utf8_lossy(index.plain)
        .replace("__BW_NONCE__", &nonce)
        .replace("__BW_BASE__", prefix)
        .replace("\"./assets/", &format!("\"{prefix}/assets/"))
        .replace("\"./", &format!("\"{prefix}/"));
    page(html, &nonce)
}

fn page(html: String, nonce: &str) -> Response {
    let mut response = Response::new(Body::from(html));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let policy = format!(
        "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self' data:; font-src 'self'; \
         style-src 'self' 'nonce-{nonce}'; base-uri 'none'; frame-ancestors 'self'; form-action 'self'"
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// 128 bits that a page cannot guess. `RandomState` is keyed from the operating system's random source.
fn fresh_nonce() -> String {
    let mut nonce = String::with_capacity(32);
    for _ in 0..2 {
        let mut hasher = RandomState::new().build_hasher();
        hasher.write_u64(nonce.len() as u64);
        write!(nonce, "{:016x}", hasher.finish()).expect("BUG: writing to a string cannot fail");
    }
    nonce
}

fn accepts_gzip(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(','))
        .any(|coding| {
            let mut parts = coding.split(';').map(str::trim);
            parts.next() == Some("gzip") && !parts.any(|p| p == "q=0")
        })
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("html") => "text/html; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("json" | "map") => "application/json",
        _ => "text/plain; charset=utf-8",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonces_differ() {
        let (a, b) = (fresh_nonce(), fresh_nonce());
        assert_ne!(a, b);
        assert_eq!(a.len(), 32);
    }

    #[test]
    fn gzip_only_for_those_who_want_it() {
        let check = |value: &'static str, want: bool| {
            let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(value))]);
            assert_eq!(accepts_gzip(&headers), want, "{value}");
        };
        check("gzip, deflate", true);
        check("deflate;q=0.5, gzip;q=1.0", true);
        check("gzip;q=0", false);
        check("br", false);
    }
}
