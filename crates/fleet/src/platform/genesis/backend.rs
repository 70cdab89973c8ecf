use bellwether_sdk::LabelValue as _;

use crate::generated::genesis::{
    AnswerDurationSecondsLabels, AnswersLabels, Endpoint, Error, Genesis, Source, TaskQueueDepthLabels,
    Upstream, UpstreamErrorsLabels, UpstreamUpLabels,
};
use crate::sim::Dice;

/// What is kept of an answer is shown for so long if there is no newer one.
const STALE_FOR_MS: i64 = 60_000;
/// A source that has not answered after this time is given up.
const PATIENCE_S: f64 = 5.0;

/// A page of the dashboard.
struct Page {
    endpoint: Endpoint,
    /// Its share of the requests.
    weight: f64,
    /// The source of its data, with the usual time of a call in seconds; `None` if the backend has them itself.
    call: Option<(Upstream, f64)>,
}

const fn page(endpoint: Endpoint, weight: f64, call: Option<(Upstream, f64)>) -> Page {
    Page { endpoint, weight, call }
}

static PAGES: [Page; 6] = [
    page(Endpoint::ApiHealth, 5.0, Some((Upstream::Prometheus, 0.018))),
    page(Endpoint::ApiAgents, 3.0, Some((Upstream::Prometheus, 0.045))),
    page(Endpoint::ApiHaloRoutes, 1.0, None),
    page(Endpoint::ApiCasebank, 0.6, None),
    page(Endpoint::ApiTraces, 1.4, Some((Upstream::Traces, 0.11))),
    page(Endpoint::ApiApprovals, 0.8, None),
];
/// Calls that only find out whether a source answers.
const PROBES: [(Upstream, f64); 2] = [(Upstream::Prometheus, 0.008), (Upstream::Traces, 0.03)];

/// The backend of the dashboard: it answers pages, and asks two sources for what it does not have itself.
pub(super) struct Backend {
    metrics: Genesis,
    dice: Dice,
    /// Whether the last call of each source was answered.
    pub(super) upstream_up: [bool; 2],
    /// When the data of each page were present last.
    present_ms: [i64; 6],
}

/// What goes wrong around the backend.
#[derive(Debug, Clone, Copy)]
pub(super) struct Surroundings {
    /// A source that cannot be connected to.
    pub(super) unreachable: Option<Upstream>,
    /// A source that never answers.
    pub(super) hanging: Option<Upstream>,
    /// How many times as long as usual the server of metrics takes.
    pub(super) metrics_slowness: f64,
    /// Whether the settings say that this is no production, so that data are made up.
    pub(super) is_made_up: bool,
}

/// A call of a source, as it will end.
#[derive(Debug, Clone, Copy)]
struct Call {
    upstream: Upstream,
    seconds: f64,
    error: Option<Error>,
}

/// An answer on its way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answer {
    page: usize,
    call: Option<Call>,
    is_made_up: bool,
    /// From the request to the answer.
    pub(super) seconds: f64,
}

impl Backend {
    pub(super) fn new(metrics: Genesis, dice: Dice) -> Self {
        let backend = Self { metrics, dice, upstream_up: [true, true], present_ms: [i64::MIN; 6] };
        backend.count_from_zero();
        backend
    }

    /// A new process has nothing that it could show again.
    pub(super) fn restarted(&mut self) {
        self.present_ms = [i64::MIN; 6];
        self.count_from_zero();
    }

    /// Exposes everything that can happen, what never happened as well.
    fn count_from_zero(&self) {
        for page in &PAGES {
            let sources = match page.call {
                Some(_) => &[Source::Live, Source::Stale, Source::Unavailable, Source::Mock][..],
                None => &[Source::Live],
            };
            for source in sources {
                self.metrics.answers.with(AnswersLabels { endpoint: page.endpoint, source: *source });
            }
            self.metrics
                .answer_duration_seconds
                .with(AnswerDurationSecondsLabels { endpoint: page.endpoint });
        }
        for (upstream, _) in PROBES {
            self.metrics.upstream_request_duration_seconds.with(UpstreamUpLabels { upstream });
            for error in [Error::Connection, Error::Timeout, Error::Status, Error::Parse] {
                self.metrics.upstream_errors.with(UpstreamErrorsLabels { upstream, error });
            }
        }
    }

    /// Somebody opens a page.
    pub(super) fn ask(&mut self, around: Surroundings) -> Answer {
        let page = self.dice.weighted(&PAGES.each_ref().map(|it| it.weight));
        let asks = PAGES[page].call.filter(|_| !around.is_made_up);
        let call = asks.map(|(upstream, usual_s)| self.call(upstream, usual_s, around));
        let is_made_up = around.is_made_up && PAGES[page].call.is_some();
        let own_s = self.dice.around(0.006, 0.5);
        Answer { page, call, is_made_up, seconds: own_s + call.map_or(0.0, |call| call.seconds) }
    }

    /// The answer is sent.
    pub(super) fn answer(&mut self, answer: Answer, now_ms: i64) {
        let endpoint = PAGES[answer.page].endpoint;
        if let Some(call) = answer.call {
            self.called(call);
        }
        let source = match answer.call.and_then(|call| call.error) {
            None if answer.is_made_up => Source::Mock,
            None => {
                self.present_ms[answer.page] = now_ms;
                Source::Live
            }
            Some(_) if self.present_ms[answer.page] >= now_ms - STALE_FOR_MS => Source::Stale,
            Some(_) => Source::Unavailable,
        };
        self.metrics.answers.with(AnswersLabels { endpoint, source }).inc();
        let duration = self.metrics.answer_duration_seconds;
        duration.with(AnswerDurationSecondsLabels { endpoint }).observe(answer.seconds);
    }

    /// Asks each source whether it is there.
    pub(super) fn probe(&mut self, around: Surroundings) {
        for (upstream, usual_s) in PROBES {
            let call = self.call(upstream, usual_s, around);
            self.called(call);
        }
    }

    fn call(&mut self, upstream: Upstream, usual_s: f64, around: Surroundings) -> Call {
        if around.unreachable == Some(upstream) {
            return Call { upstream, seconds: self.dice.around(0.004, 0.4), error: Some(Error::Connection) };
        }
        if around.hanging == Some(upstream) {
            return Call { upstream, seconds: PATIENCE_S, error: Some(Error::Timeout) };
        }
        let slowness = if upstream == Upstream::Prometheus { around.metrics_slowness } else { 1.0 };
        let seconds = (self.dice.around(usual_s, 0.45) * slowness).min(PATIENCE_S);
        let error = self
            .dice
            .chance(0.000_6)
            .then(|| [Error::Status, Error::Parse, Error::Timeout][self.dice.weighted(&[0.5, 0.3, 0.2])]);
        let seconds = if error == Some(Error::Timeout) { PATIENCE_S } else { seconds };
        Call { upstream, seconds, error }
    }

    fn called(&mut self, Call { upstream, seconds, error }: Call) {
        self.upstream_up[upstream.index()] = error.is_none();
        let duration = self.metrics.upstream_request_duration_seconds;
        duration.with(UpstreamUpLabels { upstream }).observe(seconds);
        if let Some(error) = error {
            self.metrics.upstream_errors.with(UpstreamErrorsLabels { upstream, error }).inc();
        }
    }

    pub(super) fn set_gauges(
        &self,
        active_agents: usize,
        waiting: impl Iterator<Item = (&'static str, usize)>,
    ) {
        self.metrics.active_agents.set(active_agents as f64);
        for (queue, depth) in waiting {
            self.metrics.task_queue_depth.with(TaskQueueDepthLabels { queue }).set(depth as f64);
        }
        for (upstream, _) in PROBES {
            let up = self.upstream_up[upstream.index()];
            self.metrics.upstream_up.with(UpstreamUpLabels { upstream }).set(f64::from(u8::from(up)));
        }
    }
}
