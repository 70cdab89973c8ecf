/// A workflow definition: stages run one after the other, the nodes of a stage side by side.
pub(super) struct Workflow {
    pub(super) name: &'static str,
    /// Its share of the starts.
    pub(super) weight: f64,
    /// Indices into [`NODES`].
    pub(super) stages: &'static [&'static [usize]],
}

/// A node of a workflow.
pub(super) struct Node {
    pub(super) kind: &'static str,
    pub(super) phase: &'static str,
    pub(super) median_s: f64,
    /// Whether it calls the model endpoint.
    pub(super) calls_model: bool,
    /// Index into [`ARTIFACTS`].
    pub(super) artifact: Option<usize>,
    /// Index into [`CONTRACTS`].
    pub(super) contract: Option<usize>,
}

pub(super) static WORKFLOWS: [Workflow; 3] = [
    Workflow { name: "sdlc_parallel", weight: 0.45, stages: &[&[0], &[1], &[2, 3], &[4, 5], &[6]] },
    Workflow { name: "data_refresh", weight: 0.3, stages: &[&[7], &[8, 9], &[10]] },
    Workflow { name: "incident_review", weight: 0.25, stages: &[&[11], &[12], &[13]] },
];

/// Kinds of artifact with their median size in bytes.
pub(super) const ARTIFACTS: [(&str, f64); 4] =
    [("source_code", 60_000.0), ("document", 18_000.0), ("test_report", 9_000.0), ("dataset", 4_000_000.0)];
pub(super) const CONTRACTS: [&str; 3] = ["api_schema", "data_schema", "policy"];

const fn node(kind: &'static str, phase: &'static str, median_s: f64) -> Node {
    Node { kind, phase, median_s, calls_model: false, artifact: None, contract: None }
}

const fn model_phase(phase: &'static str, median_s: f64, artifact: usize) -> Node {
    Node { calls_model: true, artifact: Some(artifact), ..node("phase", phase, median_s) }
}

pub(super) static NODES: [Node; 14] = [
    model_phase("requirements_analysis", 3.5, 1),
    model_phase("architecture_design", 5.0, 1),
    model_phase("backend_development", 8.0, 0),
    model_phase("frontend_development", 7.0, 0),
    Node { artifact: Some(2), ..node("phase", "integration_testing", 5.5) },
    Node { contract: Some(0), ..node("validation", "integration_testing", 1.2) },
    Node { contract: Some(2), ..node("phase", "deployment", 2.5) },
    node("task", "extract", 2.5),
    Node { artifact: Some(3), ..node("task", "transform", 4.0) },
    Node { contract: Some(1), ..node("validation", "transform", 0.8) },
    node("task", "load", 2.0),
    node("task", "collect_signals", 2.0),
    model_phase("summarise", 4.5, 1),
    Node { contract: Some(2), ..node("task", "publish", 0.6) },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_are_whole() {
        let mut used = [false; NODES.len()];
        for workflow in &WORKFLOWS {
            for node in workflow.stages.iter().copied().flatten() {
                assert!(!std::mem::replace(&mut used[*node], true), "{}: node {node} twice", workflow.name);
            }
        }
        assert!(used.iter().all(|used| *used));
        for (idx, node) in NODES.iter().enumerate() {
            let same = |it: &Node| (it.kind, it.phase) == (node.kind, node.phase);
            assert_eq!(NODES.iter().position(same), Some(idx), "labels of {} are not its own", node.phase);
        }
    }
}
