use std::fmt::Write as _;

use crate::target::Target;

/// How often the fleet is scraped: often enough to see a pool run dry, rarely enough to cost nothing.
const SCRAPE_INTERVAL: &str = "5s";

/// Writes `scrape_configs` of a `prometheus.yml`: one job per kind of process.
///
/// All names are the fleet's own and need no quoting beyond what is done here.
pub(crate) fn scrape_config_yaml(targets: &[Target]) -> String {
    let mut out = String::from("# The demo fleet: simulated services, not real ones.\nscrape_configs:\n");
    let mut job = None;
    for target in targets {
        if job != Some(target.job) {
            job = Some(target.job);
            put(
                &mut out,
                format_args!(
                    "  - job_name: {}\n    scrape_interval: {SCRAPE_INTERVAL}\n    metrics_path: {}\n    \
                     static_configs:\n",
                    target.job,
                    Target::METRICS_PATH,
                ),
            );
        }
        put(
            &mut out,
            format_args!(
                "      - targets: [\"{}\"]\n        labels: {{instance: {}, platform: {}, demo: \"true\"}}\n",
                target.addr, target.instance, target.platform,
            ),
        );
    }
    out
}

fn put(out: &mut String, args: std::fmt::Arguments<'_>) {
    out.write_fmt(args).expect("BUG: writing to a string cannot fail");
}
