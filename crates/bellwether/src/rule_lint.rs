//! Lint of the rules that the server evaluates.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bellwether::config::Config;
use bellwether_lint::{Board, Options, lint};
use bellwether_model::{Clock as _, SystemClock};
use bellwether_packs::catalogue::Catalogue;

use crate::lint::{promised_types, read_page, take_config};
use crate::rules::RuleSet;

/// Looks at the rules of each configuration, on a thread of its own, so that no evaluation waits for it.
#[derive(Clone, Default)]
pub(crate) struct RuleLint {
    pub(crate) board: Arc<Board>,
    loads: Arc<AtomicU64>,
}

impl RuleLint {
    /// Looks at all rules of a configuration that was just loaded, together.
    pub(crate) fn look_at(&self, config: &Config, packs: &Catalogue, rules: RuleSet) {
        let mut options =
            Options { read_file: read_page, now_ms: SystemClock::new().now_ms(), ..Options::default() };
        options.metric_types = promised_types(packs);
        take_config(config, &mut options);
        let (load, board) = (self.loads.fetch_add(1, Ordering::Relaxed) + 1, Arc::clone(&self.board));
        let look = move || board.set(load, lint(&rules.sources(), &options));
        if let Err(error) = std::thread::Builder::new().name("bellwether-lint".to_owned()).spawn(look) {
            tracing::warn!(%error, "rules are not linted");
        }
    }
}

#[cfg(test)]
mod tests {
    use bellwether::config::LoadOptions;
    use bellwether_promql::syntax::ParserOptions;

    use super::*;

    #[test]
    fn all_rules_that_run_are_linted_together() {
        let dir = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).expect("written");
        write(
            "slo.yml",
            "slo: {name: a, objective: 99, bad: e_total, total: t_total, window: 30d, service: shop}\n",
        );
        let alert = |name: &str, series: &str| {
            format!(
                "  - alert: {name}\n    expr: {series} < 0.1\n    for: 5m\n    labels: {{severity: page}}\n    annotations: {{summary: low}}\n"
            )
        };
        let own = alert("Low", "slo:period_error_budget_remaining:ratio") + &alert("Wrong", "slo:nobody:has");
        write("rules.yml", &format!("groups:\n- name: g\n  rules:\n{own}"));
        write("bellwether.yml", "rule_files: [rules.yml, '*les.yml']\nslos: [slo.yml]\n");
        let config = Config::load(&dir.path().join("bellwether.yml"), LoadOptions::from_process());
        let loaded = config.unwrap_or_else(|errors| panic!("{errors}"));
        let rules = RuleSet::load(&loaded.config, &loaded.slos, ParserOptions::default()).expect("rules");
        let names: Vec<String> = rules.sources().into_iter().map(|source| source.name).collect();
        assert_eq!(names.len(), 3, "each file once, the objectives' and the server's own: {names:?}");
        let findings = lint(&rules.sources(), &Options::default());
        let [wrong] = &findings[..] else { panic!("only one rule is wrong: {findings:#?}") };
        assert_eq!(wrong.rule, "recording-rule-missing");
        assert_eq!(wrong.subject.as_ref().map(|it| it.name.as_str()), Some("Wrong"));
    }
}
