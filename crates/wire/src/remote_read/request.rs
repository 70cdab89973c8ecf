use bellwether_model::{AnchoredRegex, MatchOp, Matcher, TimeRange};

use super::error::ReadError;
use crate::snappy;
use bellwether_protobuf::{Fields, MessageWriter};

/// What one read request may bring. Each refusal names the limit and its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadLimits {
    /// The body as it comes, in bytes.
    pub max_compressed_bytes: usize,
    /// The decompressed body, in bytes; checked before memory is set aside.
    pub max_decoded_bytes: usize,
    /// Queries.
    pub max_queries: usize,
    /// Matchers of all queries together.
    pub max_matchers: usize,
    /// What the compiled regular expressions of all matchers may take together, in bytes.
    pub max_regex_bytes: usize,
}

impl Default for ReadLimits {
    fn default() -> Self {
        Self {
            max_compressed_bytes: 16 << 20,
            max_decoded_bytes: 32 << 20,
            max_queries: 1_000,
            max_matchers: 10_000,
            max_regex_bytes: 16 << 20,
        }
    }
}

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadResponseType {
    /// One message with all samples.
    Samples,
    /// Frames with chunks, as they become ready.
    StreamedXorChunks,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadRequest {
    /// The queries; each has its own result.
    pub queries: Vec<ReadQuery>,
    /// The first of the accepted forms that is known.
    pub response_type: ReadResponseType,
}

/// One query of a request.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadQuery {
    /// The times of the samples.
    pub range: TimeRange,
    /// All of these must hold.
    pub matchers: Vec<Matcher>,
}

/// Decompresses and decodes the body of a read request. Hints are stepped over: they only help to read less.
pub fn receive_read(body: &[u8], limits: &ReadLimits) -> Result<ReadRequest, ReadError> {
    let mut message = Vec::new();
    snappy::decompress(body, limits.max_compressed_bytes, limits.max_decoded_bytes, &mut message)?;
    let (mut queries, mut accepted) = (Vec::new(), Vec::new());
    let mut seen = Seen::default();
    let mut fields = Fields::new(&message);
    while let Some(field) = fields.next_field()? {
        match field.number {
            1 if queries.len() == limits.max_queries => {
                return Err(ReadError::TooMany { what: "queries", limit: limits.max_queries });
            }
            1 => queries.push(read_query(field.message()?, limits, &mut seen)?),
            // More would say nothing new, and a stranger chooses how many there are.
            2 => field.each_varint(|number| {
                if accepted.len() < 16 {
                    accepted.push(number);
                }
            })?,
            _ => {}
        }
    }
    let known = |number: &u64| match number {
        0 => Some(ReadResponseType::Samples),
        1 => Some(ReadResponseType::StreamedXorChunks),
        _ => None,
    };
    let response_type = match accepted.iter().find_map(known) {
        Some(first) => first,
        None if accepted.is_empty() => ReadResponseType::Samples,
        None => return Err(ReadError::ResponseTypes(accepted)),
    };
    Ok(ReadRequest { queries, response_type })
}

/// What all queries of a request have brought so far.
#[derive(Debug, Default)]
struct Seen {
    matchers: usize,
    regex_bytes: usize,
}

/// `prometheus.Query`
fn read_query(mut message: Fields<'_>, limits: &ReadLimits, seen: &mut Seen) -> Result<ReadQuery, ReadError> {
    let (mut mint, mut maxt, mut matchers) = (0, 0, Vec::new());
    while let Some(field) = message.next_field()? {
        match field.number {
            1 => mint = field.varint()? as i64,
            2 => maxt = field.varint()? as i64,
            3 => {
                seen.matchers += 1;
                if seen.matchers > limits.max_matchers {
                    return Err(ReadError::TooMany { what: "matchers", limit: limits.max_matchers });
                }
                let matcher = read_matcher(field.message()?)?;
                seen.regex_bytes += matcher.regex().map_or(0, AnchoredRegex::memory_bytes);
                if seen.regex_bytes > limits.max_regex_bytes {
                    let what = "bytes of regular expressions";
                    return Err(ReadError::TooMany { what, limit: limits.max_regex_bytes });
                }
                matchers.push(matcher);
            }
            _ => {}
        }
    }
    Ok(ReadQuery { range: TimeRange::new(mint, maxt), matchers })
}

/// `prometheus.LabelMatcher`
fn read_matcher(mut message: Fields<'_>) -> Result<Matcher, ReadError> {
    let (mut number, mut name, mut value) = (0, &b""[..], &b""[..]);
    while let Some(field) = message.next_field()? {
        match field.number {
            1 => number = field.varint()?,
            2 => name = field.bytes()?,
            3 => value = field.bytes()?,
            _ => {}
        }
    }
    let op = match number {
        0 => MatchOp::Eq,
        1 => MatchOp::Ne,
        2 => MatchOp::Re,
        3 => MatchOp::Nre,
        other => return Err(ReadError::MatcherType(other)),
    };
    let name = std::str::from_utf8(name).map_err(|_| ReadError::Text("the name of a matcher"))?;
    let value = std::str::from_utf8(value).map_err(|_| ReadError::Text("the value of a matcher"))?;
    Matcher::new(op, name, value).map_err(|source| ReadError::Regex { name: name.to_owned(), source })
}

/// Writes the body of a request that accepts `response_types`, in the order of preference. `body` is replaced.
pub fn write_read_request(
    queries: &[ReadQuery],
    response_types: &[ReadResponseType],
    body: &mut Vec<u8>,
) -> Result<(), ReadError> {
    let mut message = Vec::new();
    let mut writer = MessageWriter::new(&mut message);
    for query in queries {
        writer.message(1, |message| {
            message.int64(1, query.range.mint);
            message.int64(2, query.range.maxt);
            for matcher in &query.matchers {
                message.message(3, |message| {
                    message.varint(1, matcher.op() as u64);
                    message.string(2, matcher.name());
                    message.string(3, matcher.value());
                });
            }
        });
    }
    for response_type in response_types {
        writer.present_varint(2, *response_type as u64);
    }
    snappy::compress(&message, body)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(message: &[u8]) -> Vec<u8> {
        let mut body = Vec::new();
        snappy::compress(message, &mut body).expect("small");
        body
    }

    fn refused(message: &[u8]) -> String {
        receive_read(&body(message), &ReadLimits { max_queries: 2, max_matchers: 2, ..ReadLimits::default() })
            .expect_err("refused")
            .to_string()
    }

    #[test]
    fn comes_back() {
        let matcher = |op, value| Matcher::new(op, "job", value).expect("valid");
        let queries = vec![
            ReadQuery { range: TimeRange::new(-5, 7), matchers: vec![matcher(MatchOp::Nre, "a|b")] },
            ReadQuery {
                range: TimeRange::new(i64::MIN, i64::MAX),
                matchers: vec![
                    matcher(MatchOp::Eq, ""),
                    matcher(MatchOp::Ne, "x"),
                    matcher(MatchOp::Re, "y.*"),
                ],
            },
        ];
        let mut body = Vec::new();
        let streamed = [ReadResponseType::StreamedXorChunks, ReadResponseType::Samples];
        write_read_request(&queries, &streamed, &mut body).expect("written");
        let request = receive_read(&body, &ReadLimits::default()).expect("own output");
        assert_eq!(request.queries, queries);
        assert_eq!(request.response_type, ReadResponseType::StreamedXorChunks);
    }

    #[test]
    fn the_first_known_form_counts() {
        let check = |message: &[u8], want| {
            let request = receive_read(&body(message), &ReadLimits::default()).expect("valid");
            assert_eq!(request.response_type, want);
        };
        check(b"", ReadResponseType::Samples);
        check(b"\x10\x07\x10\x01", ReadResponseType::StreamedXorChunks);
        // Packed, as proto3 writes it.
        check(b"\x12\x02\x01\x00", ReadResponseType::StreamedXorChunks);
        assert_eq!(
            refused(b"\x10\x07"),
            "server does not support any of the requested response types: [7]; supported: SAMPLES (0), STREAMED_XOR_CHUNKS (1)"
        );
    }

    #[test]
    fn says_what_is_wrong() {
        assert_eq!(refused(b"\x0a\x04\x1a\x02\x08\x09"), "invalid matcher type 9");
        assert_eq!(refused(b"\x0a\x05\x1a\x03\x12\x01\xff"), "the name of a matcher is not UTF-8");
        assert_eq!(refused(b"\x0a\x00\x0a\x00\x0a\x00"), "read request has more than the 2 queries allowed");
        assert_eq!(
            refused(b"\x0a\x06\x1a\x00\x1a\x00\x1a\x00"),
            "read request has more than the 2 matchers allowed"
        );
        assert!(
            refused(b"\x0a\x0a\x1a\x08\x08\x02\x12\x01a\x1a\x01(").starts_with("matcher on label \"a\": ")
        );
        assert_eq!(refused(b"\x0a\x05"), "protobuf: length exceeds the message at byte 2");
        let error = receive_read(b"\xff\xff\xff\xff\x07\x00", &ReadLimits::default()).expect_err("a bomb");
        assert_eq!(error.status(), 413);
    }
}
