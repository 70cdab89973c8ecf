use bellwether_sdk::{CounterHandle, GaugeHandle, HistogramHandle};

use super::WORKED;
use crate::generated::devskyy as pack;
use crate::generated::devskyy::{Devskyy, Resource, TopK};
use crate::metrics::{Trace, observe};

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
pub(super) const INDEXES: [(&str, TopK, f64); 2] =
    [("products", TopK::Value10, 48_000.0), ("documents", TopK::Value50, 9_200.0)];
pub(super) const AGENTS: [&str; 4] = ["inventory_agent", "pricing_agent", "content_agent", "support_agent"];
const CLUSTERS: [&str; 2] = ["primary", "gpu"];
const RESOURCES: [Resource; 2] = [Resource::Cpu, Resource::Memory];

/// Pairs of counters are for what worked and what failed.
pub(super) struct MlInstruments {
    predictions: [[CounterHandle; 2]; 2],
    inference: [HistogramHandle; 2],
    pub(super) accuracy: [GaugeHandle; 2],
    load_time: [HistogramHandle; 2],
    embeddings: [CounterHandle; 2],
    embedding_duration: HistogramHandle,
    searches: [[CounterHandle; 2]; 2],
    search_duration: [HistogramHandle; 2],
    pub(super) index_size: [GaugeHandle; 2],
    agent_tasks: [[CounterHandle; 2]; 4],
    agent_duration: [HistogramHandle; 4],
    agent_confidence: [HistogramHandle; 4],
    /// Per cluster: processors, memory.
    pub(super) clusters: [[GaugeHandle; 2]; 2],
    pub(super) agent_cache: GaugeHandle,
}

impl MlInstruments {
    pub(super) fn of(devskyy: &Devskyy) -> Self {
        let models = MODELS.each_ref();
        let named = |model_name| pack::MlModelLoadTimeSecondsLabels { model_name };
        let agents = AGENTS.map(|agent| pack::AgentExecutionDurationSecondsLabels { agent });
        Self {
            predictions: models.map(|it| {
                WORKED.map(|status| {
                    let (model_name, model_type) = (it.name, it.kind);
                    devskyy.ml_predictions.with(pack::MlPredictionsLabels { model_name, model_type, status })
                })
            }),
            inference: models.map(|it| {
                let (model_name, model_type) = (it.name, it.kind);
                devskyy
                    .ml_inference_duration_seconds
                    .with(pack::MlInferenceDurationSecondsLabels { model_name, model_type })
            }),
            accuracy: models.map(|it| {
                let (model_name, model_version) = (it.name, it.version);
                devskyy.ml_model_accuracy.with(pack::MlModelAccuracyLabels { model_name, model_version })
            }),
            load_time: models.map(|it| devskyy.ml_model_load_time_seconds.with(named(it.name))),
            embeddings: WORKED.map(|status| {
                let model_name = EMBEDDER;
                devskyy.embedding_generation.with(pack::EmbeddingGenerationLabels { model_name, status })
            }),
            embedding_duration: devskyy.embedding_generation_duration_seconds.with(named(EMBEDDER)),
            searches: INDEXES.map(|(index_name, ..)| {
                WORKED
                    .map(|status| devskyy.vector_search.with(pack::VectorSearchLabels { index_name, status }))
            }),
            search_duration: INDEXES.map(|(index_name, top_k, _)| {
                let labels = pack::VectorSearchDurationSecondsLabels { index_name, top_k };
                devskyy.vector_search_duration_seconds.with(labels)
            }),
            index_size: INDEXES.map(|(index_name, ..)| {
                devskyy.vector_index_size.with(pack::VectorIndexSizeLabels { index_name })
            }),
            agent_tasks: AGENTS.map(|agent| {
                WORKED.map(|status| devskyy.agent_tasks.with(pack::AgentTasksLabels { agent, status }))
            }),
            agent_duration: agents.map(|it| devskyy.agent_execution_duration_seconds.with(it)),
            agent_confidence: agents.map(|it| devskyy.agent_confidence_score.with(it)),
            clusters: CLUSTERS.map(|cluster| {
                RESOURCES.map(|resource| {
                    devskyy.cluster_utilization.with(pack::ClusterUtilizationLabels { cluster, resource })
                })
            }),
            agent_cache: devskyy.agent_cache_size.with(()),
        }
    }

    pub(super) fn predicted(&self, model: usize, seconds: f64, worked: bool, traced: Option<(Trace, i64)>) {
        self.predictions[model][usize::from(!worked)].inc();
        observe(self.inference[model], seconds, traced);
    }

    pub(super) fn loaded(&self, model: usize, seconds: f64) {
        self.load_time[model].observe(seconds);
    }

    pub(super) fn embedded(&self, seconds: f64, worked: bool) {
        self.embeddings[usize::from(!worked)].inc();
        self.embedding_duration.observe(seconds);
    }

    pub(super) fn searched(&self, index: usize, seconds: f64, worked: bool) {
        self.searches[index][usize::from(!worked)].inc();
        self.search_duration[index].observe(seconds);
    }

    pub(super) fn agent_ended(&self, agent: usize, seconds: f64, worked: bool, traced: Option<(Trace, i64)>) {
        self.agent_tasks[agent][usize::from(!worked)].inc();
        observe(self.agent_duration[agent], seconds, traced);
    }

    pub(super) fn agent_chosen(&self, agent: usize, confidence: f64) {
        self.agent_confidence[agent].observe(confidence);
    }
}
