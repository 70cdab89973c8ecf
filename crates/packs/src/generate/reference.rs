//! The reference for people.

use std::fmt::Write as _;

use bellwether_model::{format_duration_ms, format_float};

use super::origin;
use crate::lint::{RULES, Rule};
use crate::schema::{Endpoint, Fix, Label, Metric, MetricKind, Multiprocess, Pack, Stability};

/// What the generated part of a page begins with.
const BEGIN: &str = "<!-- begin of the reference.";

/// What it ends with.
const END: &str = "<!-- end of the reference -->";

/// The reference in Markdown.
pub(super) fn reference(pack: &Pack) -> String {
    let mut page = Page::default();
    page.line(&format!("# {}\n", pack.title));
    page.line(&format!("{BEGIN} {} -->\n", origin(pack)));
    page.line(&format!("Pack `{}`, version {}.", pack.name, pack.version));
    if !pack.description.is_empty() {
        page.line(&format!("\n{}", pack.description.trim()));
    }
    metrics(&mut page, pack);
    expressions(&mut page, pack);
    alerts(&mut page, pack);
    objectives(&mut page, pack);
    dashboards(&mut page, pack);
    deployment(&mut page, pack);
    application(&mut page, pack);
    page.line(&format!("\n{END}"));
    page.text
}

#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn line(&mut self, line: &str) {
        writeln!(self.text, "{line}").expect("BUG: writing to a string cannot fail");
    }

    fn heading(&mut self, heading: &str) {
        self.line(&format!("\n## {heading}\n"));
    }

    fn table<const N: usize>(&mut self, head: [&str; N], rows: impl IntoIterator<Item = [String; N]>) {
        self.line(&format!("| {} |", head.join(" | ")));
        self.line(&format!("|{}", "---|".repeat(N)));
        for row in rows {
            // A bar would end the cell.
            let cells: Vec<String> =
                row.iter().map(|cell| cell.replace('|', "\\|").replace('\n', " ")).collect();
            self.line(&format!("| {} |", cells.join(" | ")));
        }
    }
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

fn metrics(page: &mut Page, pack: &Pack) {
    if pack.metrics.is_empty() {
        return;
    }
    let of_kind = |kind: &MetricKind| pack.metrics.iter().filter(|metric| metric.kind == *kind).count();
    let kinds: Vec<String> = MetricKind::ALL
        .iter()
        .filter(|kind| of_kind(kind) > 0)
        .map(|kind| format!("{} {}", of_kind(kind), kind.as_str().replace('_', " ")))
        .collect();
    page.heading("Metrics");
    page.line(&format!("{} metrics: {}.", pack.metrics.len(), kinds.join(", ")));
    let mut groups: Vec<&str> = Vec::new();
    for metric in &pack.metrics {
        if !groups.contains(&metric.group.as_str()) {
            groups.push(&metric.group);
        }
    }
    for group in groups {
        let of_group: Vec<&Metric> = pack.metrics.iter().filter(|metric| metric.group == group).collect();
        if !group.is_empty() {
            page.line(&format!("\n### {group} ({})", of_group.len()));
        }
        page.line("");
        let rows = of_group.iter().map(|metric| {
            [
                code(&metric.name),
                metric.kind.as_str().replace('_', " "),
                metric.unit.clone(),
                metric.label_names().map(code).collect::<Vec<_>>().join(", "),
                about(pack, metric),
            ]
        });
        page.table(["Name", "Type", "Unit", "Labels", "Meaning"], rows);
    }
    let labels = distinct_labels(pack);
    if !labels.is_empty() {
        page.heading("Labels");
        let rows = labels.into_iter().map(|(name, label)| [code(name), values(label), label.help.clone()]);
        page.table(["Label", "Values", "Meaning"], rows);
    }
}

/// What is said about a metric, with what its type brings along.
fn about(pack: &Pack, metric: &Metric) -> String {
    let mut sentences = vec![metric.help.clone()];
    if let Some(bounds) = pack.bounds(metric) {
        let bounds: Vec<String> = bounds.iter().map(|bound| format_float(*bound)).collect();
        sentences.push(format!("Buckets: {}", bounds.join(", ")));
    }
    if !metric.quantiles.is_empty() {
        let quantiles: Vec<String> = metric.quantiles.iter().map(|q| format_float(*q)).collect();
        sentences.push(format!("Quantiles: {}", quantiles.join(", ")));
    }
    if !metric.states.is_empty() {
        sentences.push(format!("States: {}", metric.states.join(", ")));
    }
    if !metric.aliases.is_empty() {
        let names: Vec<String> = metric.aliases.iter().map(|alias| code(&alias.name)).collect();
        sentences.push(format!("Also exposed as {}", names.join(", ")));
    }
    sentences.extend(of_processes(metric).map(|which| format!("Of several processes: {which}")));
    match metric.stability {
        Stability::Stable => {}
        Stability::Experimental => sentences.push("Experimental".to_owned()),
        Stability::Deprecated => {
            let instead = metric.replaced_by.as_ref().map(|name| format!(", use {}", code(name)));
            let until = metric.until.as_ref().map(|version| format!(", gone in {version}"));
            sentences.push(format!("Deprecated{}{}", instead.unwrap_or_default(), until.unwrap_or_default()));
        }
    }
    if !metric.note.is_empty() {
        sentences.push(metric.note.clone());
    }
    let ended = sentences.iter().map(|sentence| format!("{}.", sentence.trim_end_matches('.')));
    ended.collect::<Vec<_>>().join(" ")
}

/// Which value a gauge has if several processes have one; `None` if they add up.
fn of_processes(metric: &Metric) -> Option<&'static str> {
    match metric.multiprocess {
        _ if metric.kind != MetricKind::Gauge => None,
        Multiprocess::Sum | Multiprocess::SumLive => None,
        Multiprocess::MaxLive => Some("the greatest"),
        Multiprocess::MinLive => Some("the smallest"),
        Multiprocess::Latest => Some("what was set last"),
        Multiprocess::PerProcess => Some("each, with a label `pid`"),
        Multiprocess::SumAll => Some("the sum, those that ended included"),
    }
}

/// Each label with each set of values once.
fn distinct_labels(pack: &Pack) -> Vec<(&str, &Label)> {
    let mut labels: Vec<(&str, &Label)> = Vec::new();
    for (name, label) in pack.metrics.iter().flat_map(|metric| &metric.labels) {
        let is_known = labels.iter().any(|(known, other)| {
            *known == name.value && values(other) == values(label) && other.help == label.help
        });
        if !is_known {
            labels.push((name, label));
        }
    }
    labels
}

fn values(label: &Label) -> String {
    if label.is_closed() {
        return label.values.iter().map(|value| code(value)).collect::<Vec<_>>().join(", ");
    }
    let mut parts = Vec::new();
    if let Some(max) = label.max {
        parts.push(format!("at most {max}"));
    }
    if let Some(bytes) = label.max_len {
        parts.push(format!("up to {bytes} bytes"));
    }
    if !label.examples.is_empty() {
        let examples: Vec<String> = label.examples.iter().map(|value| code(value)).collect();
        parts.push(format!("such as {}", examples.join(", ")));
    }
    parts.join(", ")
}

fn expressions(page: &mut Page, pack: &Pack) {
    if pack.named.is_empty() && pack.recordings.is_empty() {
        return;
    }
    page.heading("Expressions");
    let named = pack.named.iter().map(|named| {
        let compiled = pack.compile_named(named).expect("BUG: a pack without errors compiles");
        [code(&named.name), code(&compiled.expr.to_string()), named.help.clone()]
    });
    let recorded = pack.recordings.iter().map(|recording| {
        let compiled = pack.compile(&recording.expr).expect("BUG: a pack without errors compiles");
        [code(&recording.record), code(&compiled.expr.to_string()), format!("{} (recorded)", recording.help)]
    });
    page.table(["Name", "PromQL", "Meaning"], named.chain(recorded));
}

fn alerts(page: &mut Page, pack: &Pack) {
    if pack.alerts.is_empty() {
        return;
    }
    page.heading(&format!("Alerts ({})", pack.alerts.len()));
    let rows = pack.alerts.iter().map(|alert| {
        let compiled = pack.compile_alert(alert).expect("BUG: a pack without errors compiles");
        [
            alert.name.value.clone(),
            alert.severity.map(|severity| severity.as_str().to_owned()).unwrap_or_default(),
            alert.for_ms.map(format_duration_ms).unwrap_or_default(),
            code(&compiled.expr.to_string()),
            alert.annotations.get("summary").cloned().unwrap_or_default(),
        ]
    });
    page.table(["Alert", "Severity", "For", "Condition", "Says"], rows);
}

fn objectives(page: &mut Page, pack: &Pack) {
    if pack.slos.is_empty() {
        return;
    }
    page.heading("Objectives");
    let rows = pack.slos.iter().map(|slo| {
        let objective = format!("{} % over {}", format_float(slo.objective), format_duration_ms(slo.over_ms));
        [slo.name.value.clone(), objective, code(&slo.sli), slo.help.clone()]
    });
    page.table(["Objective", "Target", "Ratio", "Meaning"], rows);
}

fn dashboards(page: &mut Page, pack: &Pack) {
    for dashboard in &pack.dashboards {
        page.heading(&format!("Dashboard: {} ({} panels)", dashboard.title, dashboard.panels.len()));
        let rows = dashboard.panels.iter().map(|panel| {
            let shown: Vec<String> = panel.show.iter().map(|show| code(&show.expr.text)).collect();
            [
                panel.row.clone().unwrap_or_default(),
                panel.title.value.clone(),
                panel.kind.as_str().to_owned(),
                shown.join(", "),
            ]
        });
        page.table(["Row", "Panel", "Type", "Shows"], rows);
    }
}

fn deployment(page: &mut Page, pack: &Pack) {
    if !pack.scrape.is_empty() {
        page.heading("What is scraped");
        let rows = pack.scrape.iter().map(|scrape| {
            let addresses = scrape.addresses();
            let urls =
                addresses.iter().map(|at| code(&format!("{}://{at}{}", scrape.scheme.as_str(), scrape.path)));
            let interval = scrape.interval_ms.map(format_duration_ms).unwrap_or_default();
            let exposed = scrape.exposes.as_ref().map_or_else(
                || "everything".to_owned(),
                |names| names.iter().map(|name| code(name)).collect::<Vec<_>>().join(", "),
            );
            [scrape.job.value.clone(), urls.collect::<Vec<_>>().join(", "), interval, exposed]
        });
        page.table(["Job", "Targets", "Every", "Exposes"], rows);
    }
    if !pack.services.is_empty() {
        page.heading("Services");
        let rows = pack.services.iter().map(|service| {
            let ports: Vec<String> = service.ports.iter().map(|port| port.value.to_string()).collect();
            let image = service.image.as_ref().map(|image| code(image)).unwrap_or_default();
            [service.name.value.clone(), ports.join(", "), image]
        });
        page.table(["Service", "Ports", "Image"], rows);
    }
    if !pack.receivers.is_empty() {
        page.heading("Who is told");
        let rows = pack.receivers.iter().map(|receiver| {
            let severities: Vec<&str> =
                receiver.severities.iter().map(|severity| severity.as_str()).collect();
            let what = if severities.is_empty() { "all".to_owned() } else { severities.join(", ") };
            [receiver.name.value.clone(), receiver.kind.as_str().to_owned(), what]
        });
        page.table(["Receiver", "How", "Severities"], rows);
    }
}

fn application(page: &mut Page, pack: &Pack) {
    if !pack.endpoints.is_empty() {
        page.heading("Endpoints");
        let rows = pack.endpoints.iter().map(|endpoint| {
            let service = endpoint.service.as_ref().map(|service| service.value.clone());
            let port = endpoint.port.map(|port| port.to_string());
            let at: Vec<String> = service.into_iter().chain(port).collect();
            let Endpoint { method, path, help, returns, .. } = endpoint;
            [method.clone(), code(path), at.join(":"), help.clone(), returns.clone()]
        });
        page.table(["Method", "Path", "At", "Meaning", "Returns"], rows);
    }
    if !pack.health.is_empty() {
        page.heading("Health checks");
        let rows = pack.health.iter().map(|check| {
            let every = format!(
                "every {}, at most {}",
                format_duration_ms(check.interval_ms),
                format_duration_ms(check.timeout_ms)
            );
            let critical = if check.critical { "yes" } else { "no" };
            [check.name.value.clone(), critical.to_owned(), every, check.help.clone()]
        });
        page.table(["Check", "Critical", "When", "Meaning"], rows);
    }
    if !pack.settings.is_empty() {
        page.heading("Settings");
        let rows = pack.settings.iter().map(|setting| {
            let values: Vec<String> = setting.values.iter().map(|value| code(value)).collect();
            [code(&setting.name), setting.default.clone(), values.join(", "), setting.help.clone()]
        });
        page.table(["Setting", "Default", "Values", "Meaning"], rows);
    }
    if !pack.fixes.is_empty() {
        page.heading(&format!("Defects of the guide ({})", pack.fixes.len()));
        let rows = pack
            .fixes
            .iter()
            .map(|fix| [fix.id.value.clone(), fix.was.clone(), fix.now.clone(), held_by(fix)]);
        page.table(["Defect", "What was wrong", "What became of it", "Held by"], rows);
    }
}

/// The lint rules that are made for a defect, and what else the pack names.
fn held_by(fix: &Fix) -> String {
    let is_meant = |rule: &&Rule| rule.defects.contains(&fix.id.as_str());
    let rules = RULES.iter().filter(is_meant).map(|rule| format!("lint `{}`", rule.id));
    let others = (!fix.by.is_empty()).then(|| fix.by.clone());
    rules.chain(others).collect::<Vec<_>>().join(", ")
}

/// The text of `made` for a page that is there: what people wrote around the generated part of `page` stays. `None` if one of them has no such part.
pub(super) fn within(page: &str, made: &str) -> Option<String> {
    let part = |text: &str| {
        let begin = text.find(BEGIN)?;
        let end = begin + text[begin..].find(END)? + END.len();
        Some(begin..end)
    };
    let (old, new) = (part(page)?, part(made)?);
    Some(format!("{}{}{}", &page[..old.start], &made[new], &page[old.end..]))
}
