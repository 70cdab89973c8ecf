use super::catalogue as c;
use crate::metrics::{Counter, Exporter, Gauge, HistogramId, Trace};

/// A model of the registry.
pub(super) struct Model {
    name: &'static str,
    kind: &'static str,
    version: &'static str,
    pub(super) median_s: f64,
    pub(super) load_s: f64,
    pub(super) accuracy: f64,
}

pub(super) const BERT: usize = 0;
pub(super) const GPT: usize = 1;
pub(super) static MODELS: [Model; 2] = [
    Model {
        name: "bert-base",
        kind: "transformer",
        version: "3",
        median_s: 0.055,
        load_s: 2.2,
        accuracy: 0.93,
    },
    Model { name: "gpt-4", kind: "llm", version: "1", median_s: 1.4, load_s: 0.3, accuracy: 0.89 },
];
const EMBEDDER: &str = "minilm";
/// Indexes, each with the number of neighbours that its callers ask for and the vectors it begins with.
pub(super) const INDEXES: [(&str, &str, f64); 2] =
    [("products", "10", 48_000.0), ("documents", "50", 9_200.0)];
pub(super) const AGENTS: [&str; 4] = ["inventory_agent", "pricing_agent", "content_agent", "support_agent"];
const CLUSTERS: [&str; 2] = ["primary", "gpu"];
const RESOURCES: [&str; 2] = ["cpu", "memory"];
const WORKED: [&str; 2] = ["success", "error"];

pub(super) struct MlInstruments {
    predictions: [[Counter; 2]; 2],
    inference: [HistogramId; 2],
    pub(super) accuracy: [Gauge; 2],
    load_time: [HistogramId; 2],
    embeddings: [Counter; 2],
    embedding_duration: HistogramId,
    searches: [[Counter; 2]; 2],
    search_duration: [HistogramId; 2],
    pub(super) index_size: [Gauge; 2],
    agent_tasks: [[Counter; 2]; 4],
    agent_duration: [HistogramId; 4],
    agent_confidence: [HistogramId; 4],
    pub(super) clusters: [[Gauge; 2]; 2],
    pub(super) agent_cache: Gauge,
}

impl MlInstruments {
    pub(super) fn register(e: &mut Exporter) -> Self {
        let models = [&MODELS[BERT], &MODELS[GPT]];
        Self {
            predictions: models
                .map(|it| WORKED.map(|status| e.counter(&c::PREDICTIONS, &[it.name, it.kind, status]))),
            inference: models.map(|it| e.histogram(&c::INFERENCE_DURATION, &[it.name, it.kind])),
            accuracy: models.map(|it| e.gauge(&c::MODEL_ACCURACY, &[it.name, it.version])),
            load_time: models.map(|it| e.histogram(&c::MODEL_LOAD_TIME, &[it.name])),
            embeddings: WORKED.map(|status| e.counter(&c::EMBEDDINGS, &[EMBEDDER, status])),
            embedding_duration: e.histogram(&c::EMBEDDING_DURATION, &[EMBEDDER]),
            searches: INDEXES
                .map(|(it, ..)| WORKED.map(|status| e.counter(&c::VECTOR_SEARCHES, &[it, status]))),
            search_duration: INDEXES
                .map(|(it, top_k, _)| e.histogram(&c::VECTOR_SEARCH_DURATION, &[it, top_k])),
            index_size: INDEXES.map(|(it, ..)| e.gauge(&c::VECTOR_INDEX_SIZE, &[it])),
            agent_tasks: AGENTS.map(|it| WORKED.map(|status| e.counter(&c::AGENT_TASKS, &[it, status]))),
            agent_duration: AGENTS.map(|it| e.histogram(&c::AGENT_DURATION, &[it])),
            agent_confidence: AGENTS.map(|it| e.histogram(&c::AGENT_CONFIDENCE, &[it])),
            clusters: CLUSTERS
                .map(|it| RESOURCES.map(|resource| e.gauge(&c::CLUSTER_UTILIZATION, &[it, resource]))),
            agent_cache: e.gauge(&c::AGENT_CACHE_SIZE, &[]),
        }
    }

    pub(super) fn predicted(
        &self,
        e: &mut Exporter,
        model: usize,
        seconds: f64,
        worked: bool,
        traced: Option<(Trace, i64)>,
    ) {
        e.inc(self.predictions[model][usize::from(!worked)]);
        e.observe(self.inference[model], seconds, traced);
    }

    pub(super) fn loaded(&self, e: &mut Exporter, model: usize, seconds: f64) {
        e.observe(self.load_time[model], seconds, None);
    }

    pub(super) fn embedded(&self, e: &mut Exporter, seconds: f64, worked: bool) {
        e.inc(self.embeddings[usize::from(!worked)]);
        e.observe(self.embedding_duration, seconds, None);
    }

    pub(super) fn searched(&self, e: &mut Exporter, index: usize, seconds: f64, worked: bool) {
        e.inc(self.searches[index][usize::from(!worked)]);
        e.observe(self.search_duration[index], seconds, None);
    }

    pub(super) fn agent_ended(
        &self,
        e: &mut Exporter,
        agent: usize,
        seconds: f64,
        worked: bool,
        traced: Option<(Trace, i64)>,
    ) {
        e.inc(self.agent_tasks[agent][usize::from(!worked)]);
        e.observe(self.agent_duration[agent], seconds, traced);
    }

    pub(super) fn agent_chosen(&self, e: &mut Exporter, agent: usize, confidence: f64) {
        e.observe(self.agent_confidence[agent], confidence, None);
    }
}
