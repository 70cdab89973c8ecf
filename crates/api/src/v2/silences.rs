//! `silences`: listing, making, changing and ending them.

use axum::extract::{Path, Request, State};
use axum::response::Response;
use bellwether_alerts::alertmanager::ChangeSilenceError;
use bellwether_alerts::matcher::Matcher;
use bellwether_alerts::silence::{Silence, SilenceError, SilenceId, SilenceState};
use http::StatusCode;
use serde_json::json;

use super::alerts::answer;
use super::filter::{flag, matchers};
use super::json_body::json_body;
use super::order;
use super::refusal::Refusal;
use super::silence_body::{ListedSilence, SentSilence};
use crate::envelope;
use crate::error::ApiError;
use crate::params::Params;
use crate::state::AppState;
use crate::work::blocking;

/// Largest body, in bytes; a silence may have 64 KiB.
const MAX_BODY_BYTES: usize = 1 << 20;
/// What is said to have ended unexpectedly.
const CHANGING: &str = "changing the silence";

/// Those that have all matchers of the filter among theirs. `active`, `pending` and `expired` leave states out.
pub(super) async fn list(
    State(state): State<AppState>,
    params: Result<Params, ApiError>,
) -> Result<Response, Refusal> {
    let params = params?;
    let filter = matchers(&params, "filter")?;
    let states = [SilenceState::Active, SilenceState::Pending, SilenceState::Expired];
    let wanted: Vec<SilenceState> =
        states.into_iter().filter(|state| flag(&params, state.as_str())).collect();
    answer(state, move |state| {
        let (mut found, now_ms) = state.alertmanager.read(|router, now_ms| {
            let found = router
                .silences
                .iter()
                .filter(|it| wanted.contains(&it.spec.state(now_ms)) && has_all(&it.spec.matchers, &filter));
            (found.cloned().collect::<Vec<Silence>>(), now_ms)
        });
        found.sort_by(|a, b| order::silences(a, b, now_ms));
        found.iter().map(|silence| ListedSilence::new(silence, now_ms)).collect::<Vec<_>>()
    })
    .await
}

fn has_all(matchers: &[Matcher], filter: &[Matcher]) -> bool {
    filter.iter().all(|wanted| matchers.contains(wanted))
}

/// Makes a silence, or changes the one with the given id. It is durable when this is answered.
pub(super) async fn set(State(state): State<AppState>, request: Request) -> Result<Response, Refusal> {
    let sent: Option<SentSilence> = json_body(&state, request, "silence", MAX_BODY_BYTES).await?;
    let sent = sent.ok_or_else(|| Refusal::required("silence"))?;
    let unknown = || Refusal::Said(StatusCode::NOT_FOUND, "silence not found".to_owned());
    let id = sent.id.as_deref().filter(|id| !id.is_empty()).map(str::parse::<SilenceId>);
    let id = id.transpose().map_err(|_| unknown())?;
    let spec = sent.spec(state.clock.now_ms())?;
    let set = blocking(CHANGING, move || state.alertmanager.set_silence(id, spec)).await?;
    let id = set.map_err(|error| match error {
        ChangeSilenceError::Refused(SilenceError::NotFound(_)) => unknown(),
        ChangeSilenceError::Refused(error) => Refusal::bad_request(format_args!("silence invalid: {error}")),
        error => Refusal::internal(error),
    })?;
    Ok(envelope::json(StatusCode::OK, json!({ "silenceID": id.to_string() }).to_string()))
}

/// One silence.
pub(super) async fn one(State(state): State<AppState>, Path(id): Path<String>) -> Result<Response, Refusal> {
    let id = silence_id(&id)?;
    let found = blocking("the listing", move || {
        state.alertmanager.read(|router, now_ms| {
            router.silences.get(id).map(|silence| json!(ListedSilence::new(silence, now_ms)).to_string())
        })
    });
    Ok(envelope::json(StatusCode::OK, found.await?.ok_or(Refusal::NotFound)?))
}

/// Ends a silence; it can still be looked at.
pub(super) async fn expire(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let id = silence_id(&id)?;
    match blocking(CHANGING, move || state.alertmanager.expire_silence(id)).await? {
        Ok(()) => Ok(envelope::empty(StatusCode::OK)),
        Err(ChangeSilenceError::Refused(SilenceError::NotFound(_))) => Err(Refusal::NotFound),
        Err(error) => Err(Refusal::internal(error)),
    }
}

fn silence_id(text: &str) -> Result<SilenceId, Refusal> {
    let invalid = || Refusal::invalid(601, format!("silenceID in path must be of type uuid: {text:?}"));
    text.parse().map_err(|_| invalid())
}
