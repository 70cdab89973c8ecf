//! Remote read: other servers ask for samples as they are stored.

use std::io;
use std::ops::Range;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bellwether_model::{
    ColumnBuffer, Labels, MatchOp, Matcher, QueryContext, SelectHints, SelectSpec, SeriesSet, StorageError,
};
use bellwether_wire::{
    HistogramSample, ReadError, ReadLimits, ReadQuery, ReadRequest, ReadResponseType, Sample, SampleColumns,
    SeriesFrames, WireHistogram, WriteSeries, append_query_result, append_result_series,
    compress_read_response, receive_read,
};
use bytes::Bytes;
use futures_util::stream;
use http::{StatusCode, header};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::active::{Question, Window};
use crate::error::{ApiError, ErrorKind};
use crate::request_body::{BodyError, read_body};
use crate::requester::Requester;
use crate::result_limit::too_large;
use crate::state::{AppState, tenant};
use crate::work::{Gate, behind_gate};

/// Frames are handed on in pieces of about this size: most series are small.
const PIECE_BYTES: usize = 64 << 10;
/// How many pieces may wait for the client.
const PIECES_AHEAD: usize = 4;
/// How many series are read between two looks at whether to go on.
const CHECK_INTERVAL: usize = 64;

type Labelled = (String, String);

/// Answers errors in plain text, as upstream does: the client is a program that shows them to its user.
pub(crate) async fn read(
    State(state): State<AppState>,
    Extension(requester): Extension<Requester>,
    request: Request,
) -> Response {
    let limits = ReadLimits::default();
    let body = match read_body(request, limits.max_compressed_bytes).await {
        Ok(body) => body,
        Err(BodyError::TooLarge) => {
            let limit = limits.max_compressed_bytes;
            let message = format!("body is larger than the {limit} bytes allowed (compressed body size)");
            return refusal(StatusCode::PAYLOAD_TOO_LARGE, &message);
        }
        Err(BodyError::CutOff) => return refusal(StatusCode::BAD_REQUEST, "body was cut off"),
    };
    // Regular expressions take time to compile.
    let decoded = tokio::task::spawn_blocking(move || receive_read(&body, &limits)).await;
    let request = match decoded {
        Ok(Ok(request)) => request,
        Ok(Err(error)) => {
            let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST);
            return refusal(status, &error.to_string());
        }
        Err(_) => return failure(&ApiError::internal("decoding ended unexpectedly; the log says more")),
    };
    let window = Window::default();
    let question = Question { kind: "read", text: describe(&request), window, requester };
    let answer = match request.response_type {
        ReadResponseType::Samples => one_message(&state, question, request).await,
        ReadResponseType::StreamedXorChunks => streamed(&state, question, request).await,
    };
    answer.unwrap_or_else(|error| failure(&error))
}

/// The selectors of a request, for the list of running queries.
fn describe(request: &ReadRequest) -> String {
    let selector = |query: &ReadQuery| {
        let matchers = query.matchers.iter().map(ToString::to_string).collect::<Vec<_>>();
        format!("{{{}}}", matchers.join(", "))
    };
    request.queries.iter().map(selector).collect::<Vec<_>>().join(" or ")
}

async fn one_message(
    state: &AppState,
    question: Question,
    request: ReadRequest,
) -> Result<Response, ApiError> {
    behind_gate(state, Gate::Reads, question, state.settings.query_timeout, move |state, cx| {
        samples(state, &request.queries, cx)
    })
    .await
}

/// All samples as one message.
fn samples(state: &AppState, queries: &[ReadQuery], cx: &QueryContext) -> Result<Response, ApiError> {
    let external = state.operations.external_labels();
    let max_bytes = state.settings.max_result_bytes;
    let mut memory = cx.reserve(0).map_err(StorageError::from)?;
    let (mut response, mut result, mut buffer) = (Vec::new(), Vec::new(), ColumnBuffer::default());
    for query in queries {
        result.clear();
        let mut n_samples = 0;
        let found = select(state, query, &external, cx)?;
        for_each_series(&*found, query, &mut buffer, cx, |labels, buffer, range| {
            n_samples += range.len();
            let limit = state.settings.remote_read.sample_limit;
            if limit > 0 && n_samples > limit {
                let message = format!("exceeded sample limit ({limit}) (--storage.remote.read-sample-limit)");
                return Err(ApiError::bad_data(message));
            }
            let before = result.len();
            append_series(&merged(labels, &external), buffer, range, &mut result);
            // Here, in the whole message, and compressed.
            memory.grow(3 * (result.len() - before)).map_err(StorageError::from)?;
            if response.len() + result.len() > max_bytes { Err(too_large(max_bytes)) } else { Ok(()) }
        })?;
        append_query_result(&result, &mut response);
    }
    let mut body = Vec::new();
    compress_read_response(&response, &mut body).map_err(internal)?;
    let headers = [(header::CONTENT_TYPE, "application/x-protobuf"), (header::CONTENT_ENCODING, "snappy")];
    Ok((headers, body).into_response())
}

fn append_series(labels: &Labels, buffer: &ColumnBuffer, range: Range<usize>, result: &mut Vec<u8>) {
    let (mut floats, mut histograms) = (Vec::new(), Vec::new());
    for idx in range {
        let ts_ms = buffer.ts[idx];
        match buffer.hists.get(idx).and_then(Option::as_ref) {
            Some(histogram) => {
                histograms.push(HistogramSample { ts_ms, histogram: WireHistogram::Float(histogram) });
            }
            None => floats.push(Sample { ts_ms, value: buffer.vals[idx] }),
        }
    }
    append_result_series(
        &WriteSeries { labels, samples: &floats, exemplars: &[], histograms: &histograms },
        result,
    );
}

/// Ends the work when the client leaves.
struct AbortOnDrop(JoinHandle<Result<(), ApiError>>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn streamed(state: &AppState, question: Question, request: ReadRequest) -> Result<Response, ApiError> {
    let (to_client, mut body) = mpsc::channel(PIECES_AHEAD);
    let (own_state, timeout) = (state.clone(), state.settings.query_timeout);
    let mut work = AbortOnDrop(tokio::spawn(async move {
        let state = own_state;
        behind_gate(&state, Gate::Reads, question, timeout, move |state, cx| {
            let frames = Pieces { to_client, piece: Vec::new(), cx };
            stream_chunks(state, &request, frames)
        })
        .await
    }));
    let ended = |outcome: Result<Result<(), ApiError>, _>| {
        outcome.unwrap_or_else(|_| Err(ApiError::internal("the read ended unexpectedly; the log says more")))
    };
    // The status depends on whether anything goes wrong before the first piece.
    let first = body.recv().await;
    if first.is_none() {
        ended((&mut work.0).await)?;
    }
    let has_begun = first.is_some();
    let rest = stream::unfold((body, work, has_begun), move |(mut body, mut work, is_running)| async move {
        if let Some(piece) = body.recv().await {
            return Some((Ok(piece), (body, work, is_running)));
        }
        if !is_running {
            return None;
        }
        match ended((&mut work.0).await) {
            Ok(()) => None,
            // The answer has begun, so all that is left is to break it off: half an answer must not look like a whole one.
            Err(error) => {
                tracing::warn!(error = %error.message, "a streamed read was broken off");
                Some((Err(io::Error::other(error.message)), (body, work, false)))
            }
        }
    });
    let first = stream::iter(first.map(Ok::<Bytes, io::Error>));
    let body = Body::from_stream(futures_util::StreamExt::chain(first, rest));
    let content_type = "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse";
    Ok(([(header::CONTENT_TYPE, content_type)], body).into_response())
}

/// Frames on their way to the client.
struct Pieces<'q> {
    to_client: mpsc::Sender<Bytes>,
    piece: Vec<u8>,
    cx: &'q QueryContext,
}

impl Pieces<'_> {
    fn push(&mut self, frame: &[u8], timeout: std::time::Duration) -> Result<(), ApiError> {
        self.piece.extend_from_slice(frame);
        if self.piece.len() < PIECE_BYTES { Ok(()) } else { self.flush(timeout) }
    }

    /// Waits until the client has room, but no longer than the query may take.
    fn flush(&mut self, timeout: std::time::Duration) -> Result<(), ApiError> {
        if self.piece.is_empty() {
            return Ok(());
        }
        let piece = Bytes::from(std::mem::take(&mut self.piece));
        let left = timeout.saturating_sub(self.cx.elapsed());
        let sent = Handle::current().block_on(tokio::time::timeout(left, self.to_client.send(piece)));
        match sent {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(ApiError { kind: ErrorKind::Canceled, message: "the client left".to_owned() }),
            Err(_) => {
                let message =
                    format!("the client did not take its answer within {timeout:?} (--query.timeout)");
                Err(ApiError { kind: ErrorKind::Timeout, message })
            }
        }
    }
}

fn stream_chunks(state: &AppState, request: &ReadRequest, mut pieces: Pieces<'_>) -> Result<(), ApiError> {
    let cx = pieces.cx;
    let timeout = state.settings.query_timeout;
    let external = state.operations.external_labels();
    let mut buffer = ColumnBuffer::default();
    let mut found = Vec::with_capacity(request.queries.len());
    for query in &request.queries {
        found.push(select(state, query, &external, cx)?);
    }
    for (idx, (query, found)) in request.queries.iter().zip(&found).enumerate() {
        for_each_series(&**found, query, &mut buffer, cx, |labels, buffer, range| {
            let labels = merged(labels, &external);
            let columns = SampleColumns {
                ts_ms: &buffer.ts[range.clone()],
                vals: &buffer.vals[range.clone()],
                histograms: buffer.hists.get(range).unwrap_or_default(),
            };
            let max_bytes = state.settings.remote_read.max_bytes_in_frame;
            for frame in SeriesFrames::new(idx as i64, &labels, columns, max_bytes) {
                pieces.push(&frame, timeout)?;
            }
            Ok(())
        })?;
    }
    pieces.flush(timeout)
}

fn select(
    state: &AppState,
    query: &ReadQuery,
    external: &[Labelled],
    cx: &QueryContext,
) -> Result<Box<dyn SeriesSet>, ApiError> {
    let matchers = query.matchers.iter().map(|matcher| without_external(matcher, external)).collect();
    let querier = state.queryable.querier(&tenant(), query.range)?;
    // Chunks of a streamed answer come in the order of the series; for one message it costs little.
    let spec = SelectSpec { matchers, range: query.range, sorted: true, hints: SelectHints::default() };
    Ok(querier.select(&spec, cx)?)
}

/// The samples of this server do not have its external labels, so whoever asks for them asks for their absence.
fn without_external(matcher: &Matcher, external: &[Labelled]) -> Matcher {
    let value = external.iter().find(|(name, _)| name == matcher.name()).map_or("", |(_, value)| value);
    if matcher.op() == MatchOp::Eq && matcher.value() == value {
        Matcher::equal(matcher.name(), "")
    } else {
        matcher.clone()
    }
}

/// The labels of a series with the external ones that it does not have itself.
fn merged(labels: &Labels, external: &[Labelled]) -> Labels {
    let mut merged = labels.to_builder();
    for (name, value) in external {
        if labels.get(name).is_none() {
            merged.set(name, value);
        }
    }
    merged.build()
}

/// Calls `with` for each series that has samples in the range of the query: its labels, its columns, and where the samples are.
fn for_each_series(
    found: &dyn SeriesSet,
    query: &ReadQuery,
    buffer: &mut ColumnBuffer,
    cx: &QueryContext,
    mut with: impl FnMut(&Labels, &ColumnBuffer, Range<usize>) -> Result<(), ApiError>,
) -> Result<(), ApiError> {
    for (idx, labels) in found.labels().iter().enumerate() {
        if idx % CHECK_INTERVAL == 0 {
            cx.check().map_err(StorageError::from)?;
        }
        found.read(idx, buffer)?;
        let start = buffer.ts.partition_point(|ts| *ts < query.range.mint);
        let end = buffer.ts.partition_point(|ts| *ts <= query.range.maxt);
        if start < end {
            with(labels, buffer, start..end)?;
        }
    }
    Ok(())
}

fn internal(error: ReadError) -> ApiError {
    ApiError::internal(error)
}

fn failure(error: &ApiError) -> Response {
    if error.kind == ErrorKind::Internal {
        tracing::error!(error = %error.message, "remote read failed");
    }
    refusal(error.kind.status(), &error.message)
}

fn refusal(status: StatusCode, message: &str) -> Response {
    (status, format!("{}\n", message.trim_end())).into_response()
}
