use std::time::Duration;

use bellwether_outbound::{HttpClient, Request};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use jiff::fmt::rfc2822;
use serde_json::Value as Json;
use tokio::time::Instant;
use url::Url;

use super::AttemptError;
use crate::config::{IntegrationKind, PagerDutyKey, TeamsFormat};
use crate::message::{Call, Posted, is_secret_header};

/// An answer is read so far, in bytes: Slack repeats the whole message.
const ANSWER_BYTES_MAX: usize = 256 << 10;
/// A service cannot ask to be left alone for longer.
const RETRY_AFTER_MAX: Duration = Duration::from_hours(1);
/// So much of an answer is shown, in characters.
const SHOWN_CHARS_MAX: usize = 500;

/// How the answer of a service says whether it took a message, beside its status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answers {
    /// The status says it all.
    Status,
    /// Slack's methods take every request with 200 and say `"ok": false`.
    Slack,
    /// A connector of Teams passes on what went wrong behind it with 200 and a sentence.
    TeamsConnector,
    /// PagerDuty's old API says 403 to who sends too much.
    PagerDutyV1,
    /// Telegram says in the body when to come back.
    Telegram,
}

impl Answers {
    pub(super) fn of(kind: &IntegrationKind) -> Self {
        match kind {
            IntegrationKind::Slack(it) if it.way.bot().is_some() => Self::Slack,
            IntegrationKind::MsTeams(it) if it.format == TeamsFormat::Connector => Self::TeamsConnector,
            IntegrationKind::PagerDuty(it) if matches!(it.key, PagerDutyKey::Service(_)) => Self::PagerDutyV1,
            IntegrationKind::Telegram(_) => Self::Telegram,
            _ => Self::Status,
        }
    }
}

/// Makes a request at `now_ms`. Returns by what the service knows the message again, if it says so.
pub(super) async fn attempt(
    client: &HttpClient,
    answers: Answers,
    call: &Call,
    deadline: Instant,
    now_ms: i64,
) -> Result<Option<Posted>, AttemptError> {
    let response = client.send(request(call)?, deadline).await?;
    let status = response.status();
    let retry_after = response.header(header::RETRY_AFTER);
    let retry_after =
        retry_after.and_then(|text| read_retry_after(text, response.header(header::DATE), now_ms));
    let mut answer = Vec::new();
    // What cannot be read of the answer changes nothing about it.
    let _ = response.read_into(&mut answer, ANSWER_BYTES_MAX).await;
    let text = String::from_utf8_lossy(&answer);
    let verdict = judge(answers, status, &text);
    if let Verdict::Taken(posted) = verdict {
        return Ok(posted);
    }
    let retry_after = retry_after.or_else(|| retry_after_in_body(answers, &text));
    let retry_after = retry_after.map(|it| it.min(RETRY_AFTER_MAX));
    let shown: String = call.shown_answer(text.trim()).chars().take(SHOWN_CHARS_MAX).collect();
    let may_pass = matches!(verdict, Verdict::Later);
    Err(AttemptError::Refused { status, answer: shown, retry_after, may_pass })
}

fn request(call: &Call) -> Result<Request, AttemptError> {
    let url = Url::parse(call.url.reveal()).map_err(|_| {
        AttemptError::Request(
            "the URL, as its file or template yields it, is not one such as https://example.com/hook",
        )
    })?;
    let mut headers = HeaderMap::new();
    for (name, value) in &call.headers {
        let header: HeaderName =
            name.parse().map_err(|_| AttemptError::Request("a header has no valid name"))?;
        let mut value = HeaderValue::from_str(value.reveal())
            .map_err(|_| AttemptError::Request("a header has no valid value"))?;
        value.set_sensitive(is_secret_header(name));
        headers.insert(header, value);
    }
    let method =
        Method::from_bytes(call.method.as_bytes()).map_err(|_| AttemptError::Request("no such method"))?;
    // Whoever knows the address of a hook can send to it, so no error shows more than the host.
    let (secret_path, keep_body, secret_body) = (true, true, !call.secrets.is_empty());
    let request = Request::post(url, call.body.clone().into());
    let destination = call.destination;
    Ok(Request { method, headers, destination, secret_path, keep_body, secret_body, ..request })
}

/// What an answer means.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Taken(Option<Posted>),
    /// Another attempt may go better.
    Later,
    Never,
}

fn judge(answers: Answers, status: StatusCode, answer: &str) -> Verdict {
    let overloaded = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT)
        || (answers == Answers::PagerDutyV1 && status == StatusCode::FORBIDDEN);
    if status.is_server_error() || overloaded {
        return Verdict::Later;
    }
    if !status.is_success() {
        return Verdict::Never;
    }
    match answers {
        Answers::Slack => judge_slack(answer),
        // "Microsoft Teams endpoint returned HTTP error 429 with ContextId ...".
        Answers::TeamsConnector => match answer.split_once("returned HTTP error ") {
            None => Verdict::Taken(None),
            Some((_, error)) if error.starts_with("429") || error.starts_with('5') => Verdict::Later,
            Some(_) => Verdict::Never,
        },
        _ => Verdict::Taken(None),
    }
}

fn judge_slack(answer: &str) -> Verdict {
    let Ok(answer) = serde_json::from_str::<Json>(answer) else { return Verdict::Taken(None) };
    if answer["ok"].as_bool() == Some(true) {
        let part = |name: &str| answer[name].as_str().map(str::to_owned);
        return Verdict::Taken(part("channel").zip(part("ts")).map(|(channel, id)| Posted { channel, id }));
    }
    match answer["error"].as_str() {
        Some(
            "ratelimited"
            | "rate_limited"
            | "internal_error"
            | "fatal_error"
            | "service_unavailable"
            | "request_timeout"
            | "team_added_to_org",
        ) => Verdict::Later,
        _ => Verdict::Never,
    }
}

/// How long a service wants to be left alone (RFC 9110, section 10.2.3): seconds, or until a time, which counts from the `date` of the answer, because its clock may not be ours.
fn read_retry_after(text: &str, date: Option<&str>, now_ms: i64) -> Option<Duration> {
    let time_ms = |text: &str| Some(rfc2822::parse(text.trim()).ok()?.timestamp().as_millisecond());
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let left_ms = time_ms(text)? - date.and_then(time_ms).unwrap_or(now_ms);
    Some(Duration::from_millis(u64::try_from(left_ms).unwrap_or(0)))
}

fn retry_after_in_body(answers: Answers, answer: &str) -> Option<Duration> {
    if answers != Answers::Telegram {
        return None;
    }
    serde_json::from_str::<Json>(answer).ok()?["parameters"]["retry_after"].as_u64().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_as_the_services_mean_them() {
        let check = |answers, status: u16, answer: &str, want: Verdict| {
            let status = StatusCode::from_u16(status).expect("a status");
            assert_eq!(judge(answers, status, answer), want, "{answers:?} {status} {answer}");
        };
        let posted = Posted { channel: "C1".to_owned(), id: "17.5".to_owned() };
        check(Answers::Status, 202, "", Verdict::Taken(None));
        check(Answers::Status, 302, "", Verdict::Never);
        check(Answers::Status, 404, "", Verdict::Never);
        check(Answers::Status, 429, "", Verdict::Later);
        check(Answers::Status, 408, "", Verdict::Later);
        check(Answers::Status, 502, "", Verdict::Later);
        check(Answers::Status, 403, "", Verdict::Never);
        check(Answers::PagerDutyV1, 403, "", Verdict::Later);
        check(Answers::Slack, 200, r#"{"ok":true,"channel":"C1","ts":"17.5"}"#, Verdict::Taken(Some(posted)));
        check(Answers::Slack, 200, r#"{"ok":false,"error":"channel_not_found"}"#, Verdict::Never);
        check(Answers::Slack, 200, r#"{"ok":false,"error":"ratelimited"}"#, Verdict::Later);
        check(Answers::TeamsConnector, 200, "1", Verdict::Taken(None));
        let limited = "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429 with ContextId x";
        check(Answers::TeamsConnector, 200, limited, Verdict::Later);
        check(Answers::TeamsConnector, 200, &limited.replace("429", "413"), Verdict::Never);
    }

    #[test]
    fn a_service_says_in_seconds_or_with_a_time_when_to_come_back() {
        let now_ms = 1_445_412_470_000;
        let check = |text: &str, date: Option<&str>, want: Option<u64>| {
            let got = read_retry_after(text, date, now_ms);
            assert_eq!(got, want.map(Duration::from_secs), "{text:?} {date:?}");
        };
        check(" 120 ", None, Some(120));
        check("Wed, 21 Oct 2015 07:28:00 GMT", None, Some(10));
        check("Wed, 21 Oct 2015 07:28:00 GMT", Some("Wed, 21 Oct 2015 07:27:00 GMT"), Some(60));
        check("Wed, 21 Oct 2015 07:28:00 GMT", Some("none"), Some(10));
        check("Wed, 21 Oct 2015 07:27:00 GMT", None, Some(0));
        check("18446744073709551615", None, Some(u64::MAX));
        check("soon", None, None);
        check("-1", None, None);
    }

    #[test]
    fn telegram_says_in_the_body_when_to_come_back() {
        let answer = r#"{"ok":false,"error_code":429,"parameters":{"retry_after":7}}"#;
        assert_eq!(retry_after_in_body(Answers::Telegram, answer), Some(Duration::from_secs(7)));
        assert_eq!(retry_after_in_body(Answers::Status, answer), None);
    }
}
