//! Questions to a server that speaks Prometheus' HTTP API.

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use bellwether_outbound::{ClientOptions, HttpClient, HttpClientConfig, Request, Response};
use bellwether_yaml::{Dialect, Document};
use serde_json::Value;
use url::Url;
use url::form_urlencoded::Serializer;

use super::args::WhomArgs;
use crate::terminal::{caret, visible, visible_lines};

/// The largest answer that is read; more is better asked for in parts.
const MAX_ANSWER_BYTES: usize = 256 << 20;
/// How much of an answer that is no API answer is shown.
const EXCERPT_CHARS: usize = 200;

/// A server to ask.
pub(crate) struct Api {
    client: HttpClient,
    server: Url,
    timeout: Duration,
}

/// A client with the settings of a file in the form of an HTTP section of the configuration.
pub(crate) fn http_client(config_file: Option<&Path>) -> anyhow::Result<HttpClient> {
    let config = match config_file {
        None => HttpClientConfig::default(),
        Some(file) => {
            let name = file.display().to_string();
            let bytes = std::fs::read(file).with_context(|| name.clone())?;
            let document = Document::parse(name, &bytes, Dialect::V2)?;
            document.decode().map_err(|errors| anyhow!("{errors}"))?
        }
    };
    Ok(HttpClient::new(&config, &ClientOptions::default())?)
}

/// The parameters of a question.
pub(crate) type Params = Vec<(&'static str, String)>;

impl Api {
    pub(crate) fn new(args: &WhomArgs) -> anyhow::Result<Self> {
        let client = http_client(args.http_config_file.as_deref())?;
        Ok(Self { client, server: args.server.clone(), timeout: args.timeout })
    }

    /// For a server without credentials of a file.
    pub(crate) fn of_server(server: Url, timeout: Duration) -> anyhow::Result<Self> {
        Ok(Self { client: http_client(None)?, server, timeout })
    }

    /// Asks and returns the `data` of the answer. Its warnings and infos go to standard error.
    pub(crate) async fn ask(&self, path: &[&str], params: &Params) -> anyhow::Result<Value> {
        let expr = params.iter().find(|(name, _)| matches!(*name, "query" | "match[]"));
        data_of(self.answer(path, params).await?, expr.map(|(_, expr)| expr.as_str()))
    }

    /// Asks and returns the whole answer, which may be a refusal.
    pub(crate) async fn answer(&self, path: &[&str], params: &Params) -> anyhow::Result<Value> {
        let form = Serializer::new(String::new()).extend_pairs(params).finish();
        let url = self.url(path);
        // A long expression does not fit into every proxy's idea of a URL. Label values are only there to be got.
        let response = if path[0] == "label" {
            self.get(url, &form).await?
        } else {
            let posted = self.post(url.clone(), &form).await?;
            let refuses_post = matches!(posted.status().as_u16(), 405 | 501);
            if refuses_post { self.get(url, &form).await? } else { posted }
        };
        read_answer(response).await
    }

    /// Whether there is a page at a URL of any server.
    pub(crate) async fn follow(&self, url: Url) -> anyhow::Result<()> {
        self.send(Request::get(url)).await?.require_ok().await?;
        Ok(())
    }

    /// Asks with a document and returns the `data` of the answer.
    pub(crate) async fn ask_json(&self, path: &[&str], body: &Value) -> anyhow::Result<Value> {
        let mut request = Request::post(self.url(path), body.to_string().into());
        request.headers.insert("Content-Type", "application/json".parse().context("BUG: a header value")?);
        data_of(read_answer(self.send(request).await?).await?, None)
    }

    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.server.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["api", "v1"]).extend(path);
        }
        url
    }

    async fn post(&self, url: Url, form: &str) -> anyhow::Result<Response> {
        let mut request = Request::post(url, form.to_owned().into());
        let form_type = "application/x-www-form-urlencoded".parse().context("BUG: a header value")?;
        request.headers.insert("Content-Type", form_type);
        self.send(request).await
    }

    async fn get(&self, mut url: Url, form: &str) -> anyhow::Result<Response> {
        url.set_query((!form.is_empty()).then_some(form));
        self.send(Request::get(url)).await
    }

    async fn send(&self, mut request: Request) -> anyhow::Result<Response> {
        let zipped = "gzip".parse().context("BUG: a header value")?;
        request.headers.insert("Accept-Encoding", zipped);
        Ok(self.client.send(request, tokio::time::Instant::now() + self.timeout).await?)
    }
}

async fn read_answer(response: Response) -> anyhow::Result<Value> {
    let status = response.status();
    let mut body = Vec::new();
    response.read_into(&mut body, MAX_ANSWER_BYTES).await.context("cannot read the answer")?;
    let Ok(answer @ Value::Object(_)) = serde_json::from_slice(&body) else {
        let text = String::from_utf8_lossy(&body);
        let excerpt: String = text.trim().chars().take(EXCERPT_CHARS).collect();
        bail!("no answer of a Prometheus API, but HTTP status {status}: {}", visible(&excerpt));
    };
    Ok(answer)
}

/// The `data` of an answer. Warnings and infos go to standard error.
fn data_of(mut answer: Value, expr: Option<&str>) -> anyhow::Result<Value> {
    report(&answer)?;
    match answer["status"].as_str() {
        Some("success") => Ok(answer["data"].take()),
        _ => Err(refusal(&answer, expr)),
    }
}

/// Shows the warnings and infos of an answer.
fn report(answer: &Value) -> std::io::Result<()> {
    let mut err = std::io::stderr().lock();
    for (kind, field) in [("warning", "warnings"), ("info", "infos")] {
        for text in answer[field].as_array().into_iter().flatten().filter_map(Value::as_str) {
            writeln!(err, "{kind}: {}", visible(text))?;
        }
    }
    Ok(())
}

fn refusal(answer: &Value, expr: Option<&str>) -> anyhow::Error {
    let message = answer["error"].as_str().unwrap_or("the server gave no reason");
    let kind = answer["errorType"].as_str().unwrap_or("error");
    let place = expr.and_then(|expr| {
        let (line, column) = position(message)?;
        caret(expr, line, column)
    });
    let message = visible_lines(message);
    match place {
        Some(place) => anyhow!("{message}\n{place}"),
        None => anyhow!("{message} ({})", visible(kind)),
    }
}

/// The line and column in `…1:5: parse error: …`.
fn position(message: &str) -> Option<(usize, usize)> {
    let (before, _) = message.split_once(": parse error: ")?;
    let (rest, column) = before.rsplit_once(':')?;
    let line = rest.rsplit(|c: char| !c.is_ascii_digit()).next()?;
    Some((line.parse().ok()?, column.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn positions_are_found_in_messages() {
        let check = |message: &str, want| assert_eq!(position(message), want, "{message}");
        check("invalid parameter \"query\": 1:5: parse error: unexpected x", Some((1, 5)));
        check("12:34: parse error: a: parse error: b", Some((12, 34)));
        check("unknown position: parse error: no expression found in input", None);
        check("query timed out in expression evaluation", None);
        check(": parse error: ", None);
    }

    #[test]
    fn refusals_point_at_the_place() {
        let answer = json!({"status": "error", "errorType": "bad_data", "error": "1:7: parse error: unclosed left parenthesis"});
        assert_eq!(
            refusal(&answer, Some("sum(up")).to_string(),
            "1:7: parse error: unclosed left parenthesis\n    sum(up\n          ^"
        );
        let answer = json!({"status": "error", "errorType": "timeout", "error": "too \u{1b}[2Jlong"});
        assert_eq!(refusal(&answer, Some("up")).to_string(), "too \\u{1b}[2Jlong (timeout)");
    }
}
