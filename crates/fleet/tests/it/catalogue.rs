//! Every metric of the platforms' catalogues is exposed by its platform, with its type, unit and labels.
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use bellwether_exposition::{
    CreatedHandling, Event, LabelBuf, OutputFormat, Reader, Syntax, TypeAndUnitLabels, validate_openmetrics,
};
use bellwether_fleet::{History, HistoryRange, Platform};
use bellwether_yaml::{Dialect, Document, Kind, Node};

use crate::generated::pack;
use crate::{HOUR_MS, MORNING_MS};

/// Where the pack of a platform is right and the catalogue is not: platform, metric of the catalogue, the defect that the pack corrects, and how.
const CORRECTIONS: [(Platform, &str, &str, Correction); 15] = [
    (Genesis, "process_uptime_seconds", "G7", Computed),
    (Genesis, "genesis_agent_success_rate", "G9", Computed),
    (Causal, "worker_tasks_completed_total", "C12", Labels(&["status", "task_type"])),
    (Causal, "export_requests_total", "C12", Labels(&["export_type", "status"])),
    (Causal, "cache_items_count", "C20", Renamed("cache_items")),
    (Causal, "graph_nodes_count", "C20", Renamed("graph_nodes")),
    (Causal, "graph_edges_count", "C20", Renamed("graph_edges")),
    (Causal, "worker_active_count", "C20", Renamed("worker_active")),
    (Cugar, "cugar_tool_errors_total", "U10", Labels(&["tool"])),
    (Cugar, "cugar_budget_used_total", "U8", Labels(&["budget", "unit"])),
    (Cugar, "cugar_budget_exceeded_total", "U8", Labels(&["budget"])),
    (Devskyy, "devskyy_system_cpu_count", "V23", Renamed("devskyy_system_cpu_cores")),
    (Devskyy, "devskyy_webhook_retry_count", "V23", Renamed("devskyy_webhook_retries_total")),
    (Devskyy, "devskyy_gdpr_data_exports_total", "V30", Computed),
    (Devskyy, "devskyy_gdpr_data_deletions_total", "V30", Computed),
];

/// How a pack corrects a metric of its catalogue.
#[derive(Debug, Clone, Copy)]
enum Correction {
    /// A recording has the name, and nobody exposes it.
    Computed,
    /// It has another name, and the old one is an alias.
    Renamed(&'static str),
    /// It has these labels, in the order of their names.
    Labels(&'static [&'static str]),
}

use Correction::{Computed, Labels, Renamed};
use Platform::{Causal, Cugar, Devskyy, Genesis};

fn corrections(platform: Platform, metric: &str) -> impl Iterator<Item = Correction> {
    let found = CORRECTIONS.into_iter().filter(move |(at, name, ..)| *at == platform && *name == metric);
    found.map(|(.., correction)| correction)
}

/// A family as a platform exposes it.
#[derive(Debug, Default)]
struct Exposed {
    metric_type: String,
    unit: String,
    help: String,
    labels: BTreeSet<String>,
    values: BTreeMap<String, BTreeSet<String>>,
    samples: usize,
}

/// All families of a platform, by the name that OpenMetrics gives them.
fn exposed(platform: Platform) -> BTreeMap<String, Exposed> {
    let to_ms = MORNING_MS + HOUR_MS / 2;
    let range = HistoryRange { from_ms: to_ms, to_ms, step_ms: 1 };
    let format = OutputFormat { syntax: Syntax::OpenMetrics1_0_0, ..OutputFormat::FALLBACK };
    let mut families: BTreeMap<String, Exposed> = BTreeMap::new();
    for snapshot in History::new(1, MORNING_MS, &[platform], range, format) {
        let exposition = snapshot.exposition.expect("nobody is down in the first half hour");
        validate_openmetrics(exposition.as_bytes()).unwrap_or_else(|e| panic!("{}: {e}", snapshot.instance));
        let mut reader = Reader::openmetrics(exposition.as_bytes(), CreatedHandling::Series);
        let (mut labels, mut current) = (LabelBuf::new(), String::new());
        while let Some(event) = reader.next() {
            match event.expect("a valid exposition") {
                Event::Help { family, text } => {
                    family.as_written().clone_into(&mut current);
                    let family = families.entry(current.clone()).or_default();
                    text.as_written().clone_into(&mut family.help);
                }
                Event::Type { family, metric_type } => {
                    let family = families.entry(family.as_written().to_owned()).or_default();
                    metric_type.as_str().clone_into(&mut family.metric_type);
                }
                Event::Unit { family, unit } => {
                    let family = families.entry(family.as_written().to_owned()).or_default();
                    unit.clone_into(&mut family.unit);
                }
                Event::Series(series) => {
                    reader.read_labels(&series, TypeAndUnitLabels::Omit, &mut labels);
                    let family = families.get_mut(&current).expect("a family before its samples");
                    family.samples += 1;
                    for (name, value) in labels.iter() {
                        let reserved = ["__name__", "le", "quantile", &current];
                        if !reserved.contains(&name) {
                            family.labels.insert(name.to_owned());
                            family.values.entry(name.to_owned()).or_default().insert(value.to_owned());
                        }
                    }
                }
                Event::Comment(_) | Event::Histogram { .. } => {}
            }
        }
    }
    families
}

/// The catalogues, which live outside the repository; without them there is nothing to compare.
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
fn catalogues() -> Option<PathBuf> {
    let folder = match std::env::var_os("PACKS_INPUT_DIR") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/packs-input"),
    };
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(
        std::env::var_os("PACKS_INPUT_DIR").is_none(),
        "PACKS_INPUT_DIR names no folder: {}",
        folder.display()
    );
    println!("skipped: no catalogues at {}", folder.display());
    None
}

/// The catalogue of a platform; `None` without them.
pub(crate) fn document(platform: Platform) -> Option<Document> {
    let path = catalogues()?.join(format!("{platform}.yaml"));
    let bytes = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    Some(Document::parse(path.display().to_string(), &bytes, Dialect::V3).expect("a YAML file"))
}

pub(crate) fn get<'d>(node: Node<'d>, key: &str) -> Option<Node<'d>> {
    matches!(node.kind(), Kind::Mapping)
        .then(|| node.entries().find(|it| string(it.key) == key).map(|it| it.value))?
}

pub(crate) fn string(node: Node<'_>) -> String {
    node.scalar().map(|it| it.text.to_owned()).unwrap_or_default()
}

fn strings(node: Option<Node<'_>>) -> Vec<String> {
    node.into_iter().flat_map(Node::items).map(string).collect()
}

fn keys(node: Option<Node<'_>>) -> Vec<String> {
    node.into_iter().flat_map(Node::entries).map(|it| string(it.key)).collect()
}

/// Holds one entry of a catalogue against what is exposed; adds what differs to `problems`.
fn compare(
    platform: Platform,
    metric: Node<'_>,
    families: &BTreeMap<String, Exposed>,
    problems: &mut Vec<String>,
) {
    let name = get(metric, "name").map(string).expect("a metric has a name");
    let metric_type = get(metric, "type").map_or_else(|| "counter".to_owned(), string);
    let mut exported_as = get(metric, "exported_as").map_or_else(|| name.clone(), string);
    let mut corrected = None;
    for correction in corrections(platform, &name) {
        match correction {
            Computed => {
                if families.contains_key(name.strip_suffix("_total").unwrap_or(&name)) {
                    problems.push(format!("{name} is exposed, and it is computed"));
                }
                return;
            }
            Renamed(to) => to.clone_into(&mut exported_as),
            Labels(labels) => corrected = Some(labels),
        }
    }
    let family_name = match metric_type.as_str() {
        "counter" => exported_as.strip_suffix("_total").unwrap_or(&exported_as),
        "info" => exported_as.strip_suffix("_info").unwrap_or(&exported_as),
        _ => &exported_as,
    };
    let Some(family) = families.get(family_name) else {
        return problems.push(format!("{name} is not exposed"));
    };
    let mut differs = |what: &str, got: &dyn std::fmt::Debug, want: &dyn std::fmt::Debug| {
        problems.push(format!("{name}: {what} is {got:?} and should be {want:?}"));
    };
    if family.metric_type != metric_type {
        differs("type", &family.metric_type, &metric_type);
    }
    if family.samples == 0 {
        differs("number of samples", &0, &"more");
    }
    // Some entries leave the unit to the name.
    let unit = get(metric, "unit").map_or_else(|| family.unit.clone(), string);
    // The code of the currency, in which the names end.
    let unit = if unit == "US dollars" { "usd".to_owned() } else { unit };
    let said = family_name.strip_suffix(&unit).is_some_and(|stem| stem.ends_with('_'));
    let unit = if said { unit } else { String::new() };
    if family.unit != unit {
        differs("unit", &family.unit, &unit);
    }
    let their_help = get(metric, "help").map(string).unwrap_or_default();
    if family.help.is_empty() || family.help == their_help {
        differs("help", &family.help, &"our own words");
    }
    let proposed = get(metric, "labels_proposed");
    let labels: BTreeSet<String> = match corrected {
        Some(labels) => labels.iter().map(|label| (*label).to_owned()).collect(),
        None => strings(get(metric, "labels")).into_iter().chain(keys(proposed)).collect(),
    };
    if family.labels != labels {
        differs("label set", &family.labels, &labels);
    }
    let seen = get(metric, "label_values_seen").into_iter().flat_map(Node::entries);
    let bounded =
        proposed.into_iter().flat_map(Node::entries).filter(|it| matches!(it.value.kind(), Kind::Sequence));
    for entry in seen.chain(bounded) {
        let label = string(entry.key);
        let values = family.values.get(&label).cloned().unwrap_or_default();
        for value in strings(Some(entry.value)) {
            if !values.contains(&value) {
                differs(&format!("label {label}"), &values, &value);
            }
        }
    }
    for value in strings(get(metric, "quantiles")) {
        if !["0.5", "0.95", "0.99"].contains(&value.as_str()) {
            differs("quantile", &"0.5, 0.95, 0.99", &value);
        }
    }
}

#[test]
fn platforms_expose_their_catalogues() {
    let (mut problems, mut compared) = (Vec::new(), 0);
    for platform in Platform::ALL {
        let Some(document) = document(platform) else { return };
        let families = exposed(platform);
        let listed =
            ["metrics", "metrics_needed_but_absent"].into_iter().filter_map(|it| get(document.root(), it));
        for metric in listed.flat_map(Node::items) {
            if get(metric, "type").is_some() {
                compare(platform, metric, &families, &mut problems);
                compared += 1;
            }
        }
        // Names alone are given for what the platform's own alerts and pages miss.
        for metric in get(document.root(), "metrics_needed_but_absent").into_iter().flat_map(Node::items) {
            let name = get(metric, "name").map(string).unwrap_or_default();
            let family = name.strip_suffix("_total").unwrap_or(&name);
            if !families.contains_key(family) {
                problems.push(format!("{name} is needed and not exposed"));
            }
        }
        for field in get(document.root(), "metrics_needed_by_json").into_iter().flat_map(Node::items) {
            let proposed = get(field, "proposed").and_then(|it| get(it, "name")).map(string);
            if let Some(name) = proposed.filter(|it| !families.contains_key(it)) {
                problems.push(format!("{name} is needed and not exposed"));
            }
        }
    }
    assert!(compared > 100, "only {compared} metrics were found");
    assert!(problems.is_empty(), "{} of {compared}:\n{}", problems.len(), problems.join("\n"));
}

/// What the packs correct stands there with the number of the defect, and the old names live on.
#[test]
fn packs_say_what_they_correct() {
    for (platform, name, defect, correction) in CORRECTIONS {
        let pack = pack(platform);
        assert!(pack.fixes.iter().any(|fix| fix.id.value == defect), "{platform} does not tell of {defect}");
        let right = match correction {
            Computed => pack.recordings.iter().any(|it| it.record.value == name),
            Renamed(to) => pack
                .metric(to)
                .is_some_and(|metric| metric.aliases.iter().any(|alias| alias.name.value == name)),
            Labels(labels) => pack.metric(name).is_some_and(|metric| {
                let names: BTreeSet<&str> = metric.label_names().collect();
                names.into_iter().eq(labels.iter().copied())
            }),
        };
        assert!(right, "{platform}: {name} is not corrected like that: {correction:?}");
    }
}

#[test]
fn duration_histograms_carry_traces() {
    let to_ms = MORNING_MS + HOUR_MS / 4;
    let range = HistoryRange { from_ms: to_ms, to_ms, step_ms: 1 };
    let format = OutputFormat { syntax: Syntax::OpenMetrics1_0_0, ..OutputFormat::FALLBACK };
    for platform in [Platform::Dag, Platform::Causal, Platform::Cugar, Platform::Devskyy] {
        for snapshot in History::new(1, MORNING_MS, &[platform], range, format) {
            let exposition = snapshot.exposition.expect("it answers");
            let traced = exposition
                .lines()
                .filter(|it| it.contains("_duration_seconds_bucket") && it.contains("# {trace_id=\""));
            assert!(traced.count() > 1, "{} has no exemplars", snapshot.instance);
        }
    }
}
