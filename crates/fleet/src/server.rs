use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Extension, RawQuery, State};
use axum::http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode, Uri};
use axum::middleware::map_response;
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::get;
use bellwether_model::{Clock, format_float};
use bellwether_sdk::Exposition;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::fleet::Timeline;
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
    let app = app(Arc::clone(&service));
    let answer = service_fn(move |request: Request<Incoming>| {
        let (service, app) = (Arc::clone(&service), app.clone());
        async move { respond(service, app, request).await }
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

/// Lets the application of the process answer, unless the process is down: that ends the connection, which no handler can do.
async fn respond(
    service: Arc<Service>,
    app: Router,
    mut request: Request<Incoming>,
) -> Result<Response, Unreachable> {
    let _permit = service.permits.clone().acquire_owned().await.map_err(|_closed| Unreachable)?;
    let ts_ms = service.timeline.simulated_ms(service.clock.now_ms());
    // The simulation may have hours to catch up with, for instance after the machine slept.
    let health = tokio::task::spawn_blocking(move || service.world.health(service.place, ts_ms)).await;
    let health = health.ok().flatten().ok_or(Unreachable)?;
    request.extensions_mut().insert(Now { ts_ms, health });
    app.oneshot(request).await.map_err(|never| match never {})
}

/// The simulated time of a request, and how the process was then.
#[derive(Debug, Clone)]
struct Now {
    ts_ms: i64,
    health: Health,
}

/// The application that each process is.
fn app(service: Arc<Service>) -> Router {
    Router::new()
        .route("/", get(page))
        .route(Target::METRICS_PATH, get(metrics))
        .route("/health", get(health))
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(map_response(label))
        .with_state(service)
}

/// Says on every answer that nothing here is real.
async fn label(mut response: Response) -> Response {
    response.headers_mut().insert(DEMO_HEADER, HeaderValue::from_static("simulated"));
    response
}

async fn not_found(uri: Uri) -> (StatusCode, String) {
    let text = format!("{:?} does not exist; try / or {}\n", uri.path(), Target::METRICS_PATH);
    (StatusCode::NOT_FOUND, text)
}

async fn method_not_allowed() -> (StatusCode, &'static str) {
    (StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD are answered here\n")
}

async fn live() -> Response {
    json("{\"live\": true, \"demo\": true}\n".to_owned())
}

async fn ready(Extension(now): Extension<Now>) -> (StatusCode, Response) {
    let is_ready = now.health.ready;
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, json(format!("{{\"ready\": {is_ready}, \"demo\": true}}\n")))
}

async fn health(State(service): State<Arc<Service>>, Extension(now): Extension<Now>) -> Response {
    json(health_json(&service.name, &now.health))
}

async fn page(State(service): State<Arc<Service>>, Extension(now): Extension<Now>) -> Html<String> {
    Html(service.page(now.ts_ms))
}

async fn metrics(
    State(service): State<Arc<Service>>,
    Extension(now): Extension<Now>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let answer = tokio::task::spawn_blocking(move || {
        let header = |name| headers.get(name).and_then(|it| it.to_str().ok()).unwrap_or("");
        let query = query.as_deref().unwrap_or("");
        let scrape = bellwether_sdk::Request::new(header(ACCEPT), header(ACCEPT_ENCODING), query);
        service.world.answer(service.place, now.ts_ms, &scrape)
    });
    let Ok(Some(Exposition { content_type, content_encoding, body })) = answer.await else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let coding = content_encoding.map(|coding| [(CONTENT_ENCODING, coding)]);
    ([(CONTENT_TYPE, content_type.as_ref()), (VARY, "accept, accept-encoding")], coding, body).into_response()
}

fn json(body: String) -> Response {
    ([(CONTENT_TYPE, "application/json")], body).into_response()
}

impl Service {
    /// The page that says what this is.
    fn page(&self, ts_ms: i64) -> String {
        let ProcessName { platform, job, instance } = self.name;
        let occurrence = self.timeline.occurrence_at(platform, ts_ms);
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
