//! A service that answers questions, with the metrics that its pack declares.

use std::error::Error;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::routing::{get, post};
use axum::{Router, serve};
use bellwether_sdk::{Exposition, MetricSet, Registry, Request, track};
use tokio::net::TcpListener;
use tokio::time::sleep;
use tracing::info;

use assistant::{AnswerDurationSecondsLabels, AnswersLabels, Assistant, Direction, Status, TokensLabels};

#[expect(unreachable_pub, reason = "the generator does not know that this is a program")]
#[path = "generated/assistant.rs"]
mod assistant;

/// Others are not counted, so that nobody can make series up.
const MODELS: [&str; 2] = ["small", "large"];

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().init();
    let registry = Registry::new();
    let app = Router::new()
        .route("/answers/{model}", post(answer))
        .with_state(Assistant::register(&registry)?)
        .route("/metrics", get(metrics).with_state(registry));
    let addr = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8081".to_owned());
    let listener = TcpListener::bind(addr).await?;
    info!("listens on http://{}", listener.local_addr()?);
    serve(listener, app).await?;
    Ok(())
}

async fn metrics(State(registry): State<Registry>, head: Parts) -> Exposition {
    registry.expose(&Request::from_parts(&head))
}

async fn answer(
    State(metrics): State<Assistant>,
    Path(model): Path<String>,
    question: String,
) -> Result<String, StatusCode> {
    let model = *MODELS.iter().find(|known| **known == model).ok_or(StatusCode::NOT_FOUND)?;
    let answer = ask(&metrics, model, &question).await;
    let count = |direction, text: &str| {
        let n_tokens = text.split_whitespace().count() as u64;
        metrics.tokens.with(TokensLabels { model, direction }).inc_by(n_tokens);
    };
    count(Direction::Input, &question);
    if let Ok(answer) = &answer {
        count(Direction::Output, answer);
    }
    answer.map_err(|NoAnswer| StatusCode::BAD_GATEWAY)
}

struct NoAnswer;

/// Asks a model, which this example only plays.
#[track(
    counter = metrics.answers.with(AnswersLabels { model, status: status.into() }),
    histogram = metrics.answer_duration_seconds.with(AnswerDurationSecondsLabels { model }),
    in_flight = metrics.answers_in_flight,
)]
async fn ask(metrics: &Assistant, model: &str, question: &str) -> Result<String, NoAnswer> {
    sleep(Duration::from_millis(if model == "large" { 30 } else { 10 })).await;
    if question.is_empty() { Err(NoAnswer) } else { Ok("It depends.\n".to_owned()) }
}

/// The pack knows no more than whether there was an answer.
impl From<track::Status> for Status {
    fn from(status: track::Status) -> Self {
        if status.is_success() { Self::Success } else { Self::Failure }
    }
}
