//! From a request of a scraper to what it gets, for whatever serves HTTP.

use std::borrow::Cow;

use bellwether_exposition::ExpositionFormat;

use crate::registry::Registry;

/// What a scraper asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request<'r> {
    /// The header `Accept`, empty if there is none.
    pub accept: Cow<'r, str>,
    /// The header `Accept-Encoding`, empty if there is none.
    pub accept_encoding: Cow<'r, str>,
    /// What the parameters `name[]` of the query say: names of families or of their series. Empty: all families.
    pub names: Vec<String>,
}

/// What a scraper gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exposition {
    /// The header `Content-Type`.
    pub content_type: String,
    /// The header `Content-Encoding`, if the body is compressed. `Vary: Accept, Accept-Encoding` belongs beside both.
    pub content_encoding: Option<&'static str>,
    /// The body.
    pub body: Vec<u8>,
}

/// Names beyond so many are not looked at.
const MAX_NAMES: usize = 1_000;
/// What is smaller fits into one packet however it is written.
const MIN_COMPRESSED: usize = 1_400;

impl<'r> Request<'r> {
    /// A request with these headers and the query of its URL, without the question mark.
    pub fn new(accept: &'r str, accept_encoding: &'r str, query: &str) -> Self {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let names = pairs.filter(|(key, _)| decoded(key) == "name[]").map(|(_, name)| decoded(name));
        Self {
            accept: accept.into(),
            accept_encoding: accept_encoding.into(),
            names: names.take(MAX_NAMES).collect(),
        }
    }
}

impl Registry {
    /// Exposes all families, or those that are asked for, in the best of the formats that the scraper takes: text, OpenMetrics or protobuf, compressed if it says so.
    ///
    /// ```
    /// use bellwether_sdk::{Opts, Registry, Request};
    ///
    /// let registry = Registry::new();
    /// registry.counter::<()>(Opts::new("jobs", "Jobs."))?.inc();
    /// let accept = "application/openmetrics-text;version=1.0.0,text/plain;q=0.5";
    /// let exposition = registry.expose(&Request::new(accept, "gzip", "name[]=jobs_total"));
    /// assert!(exposition.content_type.starts_with("application/openmetrics-text; version=1.0.0"));
    /// assert_eq!(exposition.body, b"# HELP jobs Jobs.\n# TYPE jobs counter\njobs_total 1\n# EOF\n");
    /// # Ok::<(), bellwether_sdk::RegisterError>(())
    /// ```
    pub fn expose(&self, request: &Request<'_>) -> Exposition {
        let format = ExpositionFormat::negotiate(&request.accept);
        let source = self.source(&request.names);
        let body = match format {
            ExpositionFormat::Text(format) => {
                let mut out = String::new();
                source.encode_text(&mut out, format);
                out.into_bytes()
            }
            ExpositionFormat::Protobuf(escaping) => {
                let mut out = Vec::new();
                source.encode_protobuf(&mut out, escaping);
                out
            }
        };
        let (content_encoding, body) = compressed(body, &request.accept_encoding);
        Exposition { content_type: format.content_type(), content_encoding, body }
    }
}

/// A way to write a body in fewer bytes. `None` if that fails.
type Compress = fn(&[u8]) -> Option<Vec<u8>>;

/// Those that are compiled in, the quickest first.
const CODINGS: &[(&str, Compress)] = &[
    #[cfg(feature = "zstd")]
    ("zstd", zstd_compressed),
    #[cfg(feature = "gzip")]
    ("gzip", gzip_compressed),
];

/// The body in the coding that the client likes best, with its name.
fn compressed(body: Vec<u8>, accept_encoding: &str) -> (Option<&'static str>, Vec<u8>) {
    let mut best = None;
    for (coding, compress) in CODINGS {
        let q = quality(accept_encoding, coding);
        if q > best.map_or(0.0, |(q, _, _)| q) {
            best = Some((q, *coding, compress));
        }
    }
    let Some((_, coding, compress)) = best.filter(|_| body.len() >= MIN_COMPRESSED) else {
        return (None, body);
    };
    match compress(&body) {
        Some(compressed) => (Some(coding), compressed),
        None => (None, body),
    }
}

#[cfg(feature = "gzip")]
fn gzip_compressed(body: &[u8]) -> Option<Vec<u8>> {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 8), Compression::fast());
    encoder.write_all(body).and_then(|()| encoder.finish()).ok()
}

#[cfg(feature = "zstd")]
fn zstd_compressed(body: &[u8]) -> Option<Vec<u8>> {
    zstd::bulk::compress(body, 1).ok()
}

/// How much a client likes a coding: as it says, or as it says of any. Zero if it does not take it.
fn quality(accept_encoding: &str, coding: &str) -> f64 {
    let said_of = |name: &str| {
        accept_encoding.split(',').find_map(|item| {
            let mut parts = item.split(';').map(str::trim);
            let is_it = parts.next().is_some_and(|said| said.eq_ignore_ascii_case(name));
            let mut values = parts.filter_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q=")));
            is_it.then(|| values.next().map_or(1.0, |q| q.trim().parse().unwrap_or(0.0)))
        })
    };
    said_of(coding).or_else(|| said_of("*")).unwrap_or(0.0)
}

/// What a part of a query says: `%5B` is a bracket, a plus sign is a blank.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [byte, tail @ ..] = rest {
        rest = tail;
        let hex = |byte: u8| char::from(byte).to_digit(16);
        match (byte, tail) {
            (b'%', [high, low, tail @ ..]) if hex(*high).is_some() && hex(*low).is_some() => {
                let digits = hex(*high).zip(hex(*low)).map_or(0, |(high, low)| high * 16 + low);
                bytes.push(digits as u8);
                rest = tail;
            }
            (b'+', _) => bytes.push(b' '),
            _ => bytes.push(*byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries() {
        let names = |query: &str| Request::new("", "", query).names;
        assert_eq!(names("name[]=a&name%5B%5D=b%5fc&x=1&name=d&name[]=%zz+%4"), ["a", "b_c", "%zz %4"]);
        assert!(names("").is_empty());
    }

    #[test]
    fn encodings() {
        let check = |accept: &str, want: f64| assert_eq!(quality(accept, "gzip"), want, "{accept}");
        check("gzip", 1.0);
        check("deflate, GZIP;q=0.5", 0.5);
        check("*", 1.0);
        check("br;q=1.0, *;q=0.1", 0.1);
        check("*;q=0, gzip", 1.0);
        for not in ["", "identity", "gzip;q=0", "br, *;q=0", "*, gzip; q=0", "gzip;q=x"] {
            check(not, 0.0);
        }
    }
}
