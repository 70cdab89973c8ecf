/// The media type of every remote write message.
const MEDIA_TYPE: &str = "application/x-protobuf";
/// The message of remote write 1.0.
const MESSAGE_V1: &str = "prometheus.WriteRequest";
/// The message of remote write 2.0.
const MESSAGE_V2: &str = "io.prometheus.write.v2.Request";

/// Why the headers of a write request announce something that is not taken here. The messages are those of Prometheus.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WriteContentError {
    /// Not protobuf.
    #[error("expected {MEDIA_TYPE} as the first (media) part, got {content_type} content-type")]
    MediaType {
        /// The header.
        content_type: String,
    },
    /// A parameter is not of the form `name=value`.
    #[error(
        "as per https://www.rfc-editor.org/rfc/rfc9110#parameter expected parameters to be key-values, got {parameter} in {content_type} content-type"
    )]
    Parameter {
        /// The parameter.
        parameter: String,
        /// The header.
        content_type: String,
    },
    /// A message that nobody knows.
    #[error(
        "got {content_type} content type; unknown remote write protobuf message {message}, supported: {MESSAGE_V1}, {MESSAGE_V2}"
    )]
    UnknownMessage {
        /// The message's name.
        message: String,
        /// The header.
        content_type: String,
    },
    /// The message of remote write 2.0; senders fall back to 1.0 on this answer.
    #[error("{MESSAGE_V2} protobuf message is not accepted by this server; accepted [{MESSAGE_V1}]")]
    MessageNotAccepted,
    /// Not Snappy.
    #[error("{encoding} encoding (compression) is not accepted by this server; only snappy is acceptable")]
    Encoding {
        /// The header.
        encoding: String,
    },
}

impl WriteContentError {
    /// The HTTP status of the answer.
    pub fn status(&self) -> u16 {
        415
    }
}

/// Checks the headers `Content-Type` and `Content-Encoding` of a write request; a header that is missing is empty, and then
/// remote write 1.0 with Snappy is assumed, as by Prometheus.
///
/// The header `X-Prometheus-Remote-Write-Version` says nothing that `Content-Type` does not, and Prometheus does not look at it either.
pub fn check_write_content(content_type: &str, content_encoding: &str) -> Result<(), WriteContentError> {
    check_content_type(content_type.trim())?;
    if !content_encoding.is_empty() && !content_encoding.eq_ignore_ascii_case("snappy") {
        return Err(WriteContentError::Encoding { encoding: content_encoding.to_owned() });
    }
    Ok(())
}

fn check_content_type(content_type: &str) -> Result<(), WriteContentError> {
    if content_type.is_empty() {
        return Ok(());
    }
    let mut parts = content_type.split(';');
    if parts.next() != Some(MEDIA_TYPE) {
        return Err(WriteContentError::MediaType { content_type: content_type.to_owned() });
    }
    for parameter in parts {
        let (name, value) =
            parameter.split_once('=').filter(|(_, value)| !value.contains('=')).ok_or_else(|| {
                WriteContentError::Parameter {
                    parameter: parameter.to_owned(),
                    content_type: content_type.to_owned(),
                }
            })?;
        if name == "proto" {
            return match value {
                MESSAGE_V1 => Ok(()),
                MESSAGE_V2 => Err(WriteContentError::MessageNotAccepted),
                _ => Err(WriteContentError::UnknownMessage {
                    message: value.to_owned(),
                    content_type: content_type.to_owned(),
                }),
            };
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_remote_write_1() {
        let check = |content_type, encoding| {
            assert_eq!(check_write_content(content_type, encoding), Ok(()), "{content_type} {encoding}");
        };
        check("", "");
        check("application/x-protobuf", "snappy");
        check(" application/x-protobuf;proto=prometheus.WriteRequest ", "Snappy");
        check("application/x-protobuf;charset=utf-8", "snappy");
    }

    #[test]
    fn refuses_the_rest_as_prometheus_does() {
        let check = |content_type, encoding, want: &str| {
            let error = check_write_content(content_type, encoding).expect_err(content_type);
            assert_eq!((error.status(), error.to_string().as_str()), (415, want));
        };
        check(
            "text/plain",
            "snappy",
            "expected application/x-protobuf as the first (media) part, got text/plain content-type",
        );
        check(
            "application/x-protobuf;v2",
            "snappy",
            "as per https://www.rfc-editor.org/rfc/rfc9110#parameter expected parameters to be key-values, \
             got v2 in application/x-protobuf;v2 content-type",
        );
        check(
            "application/x-protobuf;proto=x",
            "snappy",
            "got application/x-protobuf;proto=x content type; unknown remote write protobuf message x, \
             supported: prometheus.WriteRequest, io.prometheus.write.v2.Request",
        );
        check(
            "application/x-protobuf;proto=io.prometheus.write.v2.Request",
            "snappy",
            "io.prometheus.write.v2.Request protobuf message is not accepted by this server; \
             accepted [prometheus.WriteRequest]",
        );
        check(
            "application/x-protobuf",
            "zstd",
            "zstd encoding (compression) is not accepted by this server; only snappy is acceptable",
        );
    }
}
