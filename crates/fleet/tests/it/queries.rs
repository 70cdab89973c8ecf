//! Whatever is asked with the queries of the packs, the fleet answers.
use bellwether_fleet::{HistoryRange, Platform};
use bellwether_model::QueryContext;
use bellwether_promql::engine::{InstantQuery, QuerySettings, QueryValue};
use bellwether_rules::RuleKind;

use crate::generated::pack;
use crate::recording::Recording;
use crate::rules::{Evaluation, groups};
use crate::{HOUR_MS, MINUTE_MS, MORNING_MS};

/// Every query of a platform's pack, with what it is about.
fn queries(platform: Platform) -> Vec<(String, String)> {
    let pack = pack(platform);
    let named = pack.named.iter().map(|it| (it.name.value.clone(), pack.compile_named(it)));
    let shown = pack.panels().flat_map(|panel| {
        panel.show.iter().map(|show| (format!("panel {}", panel.title.value), pack.compile(&show.expr)))
    });
    let compiled = named.chain(shown).map(|(what, compiled)| match compiled {
        Ok(compiled) => (what, compiled.expr.to_string()),
        Err(error) => panic!("{platform}: {what}: {error}"),
    });
    // Recordings, and for objectives the shares of what is bad within each window.
    let recorded = groups(platform).into_iter().flat_map(|group| group.rules);
    let recorded = recorded.filter_map(|rule| match &rule.kind {
        RuleKind::Recording { record } => Some((format!("recording {record}"), rule.expr_text.clone())),
        RuleKind::Alerting { .. } => None,
    });
    compiled.chain(recorded).collect()
}

fn answer_all(platform: Platform) {
    // No incident is needed to have something to show, but workflows and executions that end.
    let to_ms = MORNING_MS + 5 * HOUR_MS / 2;
    let range = HistoryRange { from_ms: MORNING_MS, to_ms, step_ms: MINUTE_MS / 2 };
    let recording = Recording::new(platform, 1, MORNING_MS, range);
    let names = recording.names().map(str::to_owned).collect();
    let mut evaluation = Evaluation::new(groups(platform), &recording, &names);
    evaluation.run(to_ms - 5 * MINUTE_MS, to_ms);
    let environment = &evaluation.environment;
    let (queries, cx) = (queries(platform), QueryContext::unbounded());
    assert!(queries.len() > 20, "{platform} has only {} queries", queries.len());
    let mut unanswered = Vec::new();
    for (what, query) in queries {
        let request = InstantQuery { query: query.clone(), ts_ms: to_ms, settings: QuerySettings::default() };
        let answer = environment.engine.instant(&environment.tenant, &request, &cx);
        let n_series = match answer.unwrap_or_else(|e| panic!("{platform}: {what}: {query}: {e}")).value {
            QueryValue::Vector(samples) => samples.len(),
            other => panic!("{platform}: {what}: {query} is no vector: {other:?}"),
        };
        if n_series == 0 {
            unanswered.push(format!("{what}: {query}"));
        }
    }
    assert!(unanswered.is_empty(), "{platform}:\n{}", unanswered.join("\n"));
}

#[test]
fn queries_about_genesis_are_answered() {
    answer_all(Platform::Genesis);
}

#[test]
fn queries_about_dag_are_answered() {
    answer_all(Platform::Dag);
}

#[test]
fn queries_about_causal_are_answered() {
    answer_all(Platform::Causal);
}

#[test]
fn queries_about_cugar_are_answered() {
    answer_all(Platform::Cugar);
}

#[test]
fn queries_about_devskyy_are_answered() {
    answer_all(Platform::Devskyy);
}
