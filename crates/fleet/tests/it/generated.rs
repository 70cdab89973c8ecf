//! Platforms that are instrumented with the modules of their packs expose what the packs say, in every format.
use std::collections::BTreeSet;
use std::path::Path;

use bellwether_exposition::{
    BodyFormat, CreatedHandling, Event, LabelBuf, OutputFormat, Reader, Syntax, TypeAndUnitLabels,
};
use bellwether_fleet::{History, HistoryRange, Platform, Snapshot};
use bellwether_packs::catalogue::Catalogue;
use bellwether_packs::check::{self, Severity};
use bellwether_packs::generate::{OutputKind, generate};
use bellwether_packs::live::judge;
use bellwether_packs::schema::{Metric, MetricKind, Pack};

use crate::{HOUR_MS, MORNING_MS};

/// Packs of no platform of which processes are instrumented as well.
const SHARED: [&str; 1] = ["process"];

/// The pack of a platform.
pub(crate) fn pack(platform: Platform) -> Pack {
    pack_called(platform.name())
}

fn pack_called(name: &str) -> Pack {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../packs/{name}.yaml"));
    Pack::load(&path).unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn the_compiled_modules_are_those_that_are_made() {
    for name in Platform::ALL.iter().map(|platform| platform.name()).chain(SHARED) {
        let files = generate(&pack_called(name), &[OutputKind::Rust]).unwrap_or_else(|e| panic!("{e}"));
        let [file] = files.as_slice() else { panic!("one module, not {}", files.len()) };
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/generated/{name}.rs"));
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        if std::env::var_os("BELLWETHER_ACCEPT").is_some() {
            std::fs::write(&path, &file.text).expect("written");
        }
        assert!(committed == file.text, "{} is old; run this test with BELLWETHER_ACCEPT=1", path.display());
    }
}

/// What is exposed of one family by all processes of a platform.
#[derive(Default)]
struct Exposed {
    metric_type: String,
    labels: BTreeSet<String>,
    /// Bounds of buckets, or quantiles.
    bounds: BTreeSet<String>,
    samples: usize,
}

/// What the processes of some platforms expose in the second half of an hour: some series come and go.
fn snapshots(platforms: &[Platform], syntax: Syntax) -> impl Iterator<Item = Snapshot> {
    let to_ms = MORNING_MS + HOUR_MS;
    let range = HistoryRange { from_ms: MORNING_MS + HOUR_MS / 2, to_ms, step_ms: HOUR_MS / 4 };
    History::new(1, MORNING_MS, platforms, range, OutputFormat { syntax, ..OutputFormat::FALLBACK })
}

/// The families of a platform, in the order of their names.
fn exposed(platform: Platform) -> std::collections::BTreeMap<String, Exposed> {
    let mut families = std::collections::BTreeMap::<String, Exposed>::new();
    for snapshot in snapshots(&[platform], Syntax::OpenMetrics1_0_0) {
        let text = snapshot.exposition.expect("nobody is down then");
        let mut reader = Reader::openmetrics(text.as_bytes(), CreatedHandling::Series);
        let (mut labels, mut current) = (LabelBuf::new(), String::new());
        while let Some(event) = reader.next() {
            match event.expect("a valid exposition") {
                Event::Type { family, metric_type } => {
                    family.as_written().clone_into(&mut current);
                    let family = families.entry(current.clone()).or_default();
                    metric_type.as_str().clone_into(&mut family.metric_type);
                }
                Event::Series(series) => {
                    reader.read_labels(&series, TypeAndUnitLabels::Omit, &mut labels);
                    let family = families.get_mut(&current).expect("a type before its samples");
                    family.samples += 1;
                    for (name, value) in labels.iter().filter(|(name, _)| *name != "__name__") {
                        if name == "le" || name == "quantile" {
                            family.bounds.insert(value.to_owned());
                        } else if name != current {
                            family.labels.insert(name.to_owned());
                        }
                    }
                }
                _ => {}
            }
        }
    }
    families
}

/// In what a family differs from what its pack says.
fn differences(pack: &Pack, metric: &Metric, family: &Exposed) -> Vec<String> {
    let kind = match metric.kind {
        MetricKind::Counter => "counter",
        MetricKind::Gauge => "gauge",
        MetricKind::Histogram | MetricKind::NativeHistogram => "histogram",
        MetricKind::Summary => "summary",
        MetricKind::Info => "info",
        MetricKind::StateSet => "stateset",
    };
    let labels: BTreeSet<String> = metric.labels.iter().map(|(name, _)| name.value.clone()).collect();
    let parse = |bound: &String| bound.parse::<f64>().expect("a bound");
    let mut bounds: Vec<f64> = family.bounds.iter().map(parse).filter(|bound| bound.is_finite()).collect();
    bounds.sort_by(f64::total_cmp);
    let want_bounds = pack.bounds(metric).unwrap_or(&metric.quantiles);
    let mut out = Vec::new();
    if family.metric_type != kind {
        out.push(format!("type {}", family.metric_type));
    }
    if family.labels != labels {
        out.push(format!("labels {:?}", family.labels));
    }
    if bounds != want_bounds {
        out.push(format!("buckets or quantiles {bounds:?}"));
    }
    if family.samples == 0 {
        out.push("no series".to_owned());
    }
    out
}

#[test]
fn everything_of_the_pack_is_exposed_and_nothing_else_in_its_namespace() {
    for platform in Platform::ALL {
        let pack = pack(platform);
        let families = exposed(platform);
        let mut problems = Vec::new();
        for metric in &pack.metrics {
            match families.get(metric.family()) {
                None => problems.push(format!("{} is not exposed", metric.family())),
                Some(family) => problems.extend(
                    differences(&pack, metric, family)
                        .into_iter()
                        .map(|it| format!("{}: {it}", metric.family())),
                ),
            }
        }
        // Without a namespace, everything that the platform exposes is of the pack.
        for name in families.keys().filter(|name| name.starts_with(&pack.namespace)) {
            let is_old_name = |metric: &Metric| {
                metric.aliases.iter().any(|alias| alias.name.value.trim_end_matches("_total") == name)
            };
            if !pack.metrics.iter().any(|metric| metric.family() == name || is_old_name(metric)) {
                problems.push(format!("{name} is exposed and not in the pack"));
            }
        }
        assert!(problems.is_empty(), "{platform}:\n{}", problems.join("\n"));
    }
}

/// What the page System / Packs says of the demo: nothing is wrong with any process, nor with what it has of packs for everybody.
#[test]
fn the_live_check_finds_nothing_wrong() {
    let catalogue = Catalogue::built_in();
    for (syntax, body_format) in
        [(Syntax::Text0_0_4, BodyFormat::Text), (Syntax::OpenMetrics1_0_0, BodyFormat::OpenMetrics)]
    {
        for snapshot in snapshots(&Platform::ALL, syntax) {
            let Snapshot { platform, job, instance, .. } = snapshot;
            let text = snapshot.exposition.expect("nobody is down then");
            let exposed = check::Exposed::read(text.as_bytes(), body_format).expect("an exposition");
            let verdicts = judge(&catalogue, job, &exposed);
            let own = verdicts.iter().find(|it| it.pack.name.value == platform.name());
            assert!(own.is_some_and(|it| !it.exposed.is_empty()), "{instance} has nothing of its pack");
            for verdict in &verdicts {
                let findings: Vec<String> = verdict
                    .findings
                    .iter()
                    .filter(|finding| finding.severity > Severity::Info)
                    .map(ToString::to_string)
                    .collect();
                assert!(findings.is_empty(), "{instance}, {syntax:?}:\n{}", findings.join("\n"));
                let name = verdict.pack.name.value.as_str();
                assert!(name == platform.name() || SHARED.contains(&name), "{instance} is taken for {name}");
            }
        }
    }
}
