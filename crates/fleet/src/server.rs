use std::sync::Arc;
use std::time::Duration;

use bellwether_model::{Clock, format_float};
use bellwether_sdk::Exposition;
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{ACCEPT, ACCEPT_ENCODING, ALLOW, CONTENT_ENCODING, CONTENT_TYPE, VARY};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::fleet::Timeline;
use crate::incident::occurrence_at;
use crate::sim::Health;
use crate::target::Target;
use crate::world::{Place, ProcessName, World};

/// Connections to one endpoint at a time; a scraper needs one, a curious person a few.
const CONNECTIONS_MAX: usize = 32;
/// A client has this long to send its request.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// Pause after a failed accept, which means that the process ran out of something.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);
/// Says on every answer that nothing here is real.
const DEMO_HEADER: &str = "x-bellwether-demo";

/// One simulated process and where its answers come from.
pub(crate) struct Service {
    pub(crate) world: Arc<World>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) timeline: Timeline,
    pub(crate) place: Place,
    pub(crate) name: ProcessName,
    /// Shared by all services: who holds one may compute an answer.
    pub(crate) permits: Arc<Semaphore>,
}

/// The process is down: whoever talks to it sees the connection end.
#[derive(Debug, thiserror::Error)]
#[error("the simulated process is down")]
struct Unreachable;

/// Accepts connections until `stop`, then lets those that are open end.
pub(crate) async fn serve(listener: TcpListener, service: Arc<Service>, stop: CancellationToken) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept(), if connections.len() < CONNECTIONS_MAX => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve_connection(stream, Arc::clone(&service), stop.clone()));
                }
                Err(error) => {
                    tracing::debug!(instance = service.name.instance, %error, "demo endpoint cannot accept");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    while connections.join_next().await.is_some() {}
}

async fn serve_connection(stream: TcpStream, service: Arc<Service>, stop: CancellationToken) {
    let answer = service_fn(move |request: Request<Incoming>| {
        let service = Arc::clone(&service);
        async move { respond(service, request).await }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .serve_connection(TokioIo::new(stream), answer);
    tokio::pin!(connection);
    // An error here is the client's or the simulated process' end; both are ordinary.
    let _: Result<(), hyper::Error> = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
}

async fn respond(
    service: Arc<Service>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Unreachable> {
    let _permit = service.permits.clone().acquire_owned().await.map_err(|_closed| Unreachable)?;
    // The simulation may have hours to catch up with, for instance after the machine slept.
    let answer = tokio::task::spawn_blocking(move || service.answer(&request));
    answer.await.unwrap_or(Err(Unreachable))
}

impl Service {
    fn answer(&self, request: &Request<Incoming>) -> Result<Response<Full<Bytes>>, Unreachable> {
        let ts_ms = self.timeline.simulated_ms(self.clock.now_ms());
        let header = |name| request.headers().get(name).and_then(|it| it.to_str().ok()).unwrap_or("");
        let health = self.world.health(self.place, ts_ms).ok_or(Unreachable)?;
        if request.method() != Method::GET && request.method() != Method::HEAD {
            let mut response =
                text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD are answered here\n".into());
            response.headers_mut().insert(ALLOW, hyper::header::HeaderValue::from_static("GET, HEAD"));
            return Ok(response);
        }
        Ok(match request.uri().path() {
            Target::METRICS_PATH => {
                let query = request.uri().query().unwrap_or("");
                let scrape = bellwether_sdk::Request::new(header(ACCEPT), header(ACCEPT_ENCODING), query);
                let exposition = self.world.answer(self.place, ts_ms, &scrape).ok_or(Unreachable)?;
                metrics(exposition)
            }
            "/health/live" => json(StatusCode::OK, "{\"live\": true, \"demo\": true}\n".to_owned()),
            "/health/ready" => {
                let status = if health.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
                json(status, format!("{{\"ready\": {}, \"demo\": true}}\n", health.ready))
            }
            "/health" => json(StatusCode::OK, health_json(&self.name, &health)),
            "/" => html(self.page(ts_ms)),
            path => text(
                StatusCode::NOT_FOUND,
                format!("{path:?} does not exist; try / or {}\n", Target::METRICS_PATH),
            ),
        })
    }

    /// The page that says what this is.
    fn page(&self, ts_ms: i64) -> String {
        let ProcessName { platform, job, instance } = self.name;
        let occurrence = occurrence_at(platform, ts_ms);
        let incident = if ts_ms < occurrence.end_ms() {
            let it = occurrence.incident;
            format!("{}: {} (trips {})", it.name, it.summary, it.alerts.join(", "))
        } else {
            "none; the next one is a few minutes away".to_owned()
        };
        format!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{instance} (demo)</title></head><body>\n\
             <h1>{instance}: a simulated demo service</h1>\n\
             <p><strong>Nothing here is real.</strong> This endpoint belongs to the demo fleet of Bellwether. It simulates a process of the \
             platform <em>{platform}</em> ({}); its job is <em>{job}</em>.</p>\n\
             <p>Incident by script on this platform now: {incident}.</p>\n\
             <ul><li><a href=\"/metrics\">/metrics</a></li><li><a href=\"/health\">/health</a></li>\
             <li><a href=\"/health/live\">/health/live</a></li><li><a href=\"/health/ready\">/health/ready</a></li></ul>\n\
             </body></html>\n",
            platform.description(),
        )
    }
}

fn metrics(exposition: Exposition) -> Response<Full<Bytes>> {
    let Exposition { content_type, content_encoding, body } = exposition;
    let response = builder(StatusCode::OK, &content_type).header(VARY, "accept, accept-encoding");
    match content_encoding {
        Some(coding) => finish(response.header(CONTENT_ENCODING, coding), body),
        None => finish(response, body),
    }
}

/// All names are the fleet's own and need no escaping.
fn health_json(name: &ProcessName, health: &Health) -> String {
    let components: Vec<_> =
        health.components.iter().map(|(name, works)| format!("\"{name}\": {works}")).collect();
    let figure = |(name, value): &(&str, f64)| format!("\"{name}\": {}", format_float(*value));
    let figures: Vec<_> = health.figures.iter().map(figure).collect();
    format!(
        "{{\"status\": \"{}\", \"service\": \"{}\", \"demo\": true, \"components\": {{{}}}, \"metrics\": {{{}}}}}\n",
        health.status,
        name.instance,
        components.join(", "),
        figures.join(", "),
    )
}

fn json(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    finish(builder(status, "application/json"), body)
}

fn html(body: String) -> Response<Full<Bytes>> {
    finish(builder(StatusCode::OK, "text/html; charset=utf-8"), body)
}

fn text(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    finish(builder(status, "text/plain; charset=utf-8"), body)
}

fn builder(status: StatusCode, content_type: &str) -> hyper::http::response::Builder {
    Response::builder().status(status).header(CONTENT_TYPE, content_type).header(DEMO_HEADER, "simulated")
}

fn finish(builder: hyper::http::response::Builder, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    builder.body(Full::new(body.into())).expect("BUG: all headers are valid")
}
