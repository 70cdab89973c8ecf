//! Packs as registries of OpenTelemetry's Weaver, and back.

use bellwether_packs::catalogue::Catalogue;
use bellwether_packs::diff::diff;
use bellwether_packs::schema::Pack;
use bellwether_packs::weaver::{export, import};

const REGISTRY: &str = r#"
file_format: definition/2
attributes:
- key: http.request.method
  type:
    members: [{id: get, value: GET, stability: stable}, {id: post, value: POST, stability: stable}]
  stability: stable
  brief: HTTP request method.
- {key: http.route, type: string, stability: stable, brief: The matched route., examples: ["/users/:id"]}
- {key: error, type: boolean, stability: stable, brief: Whether it failed.}
attribute_groups:
- id: attributes.http
  visibility: internal
  attributes: [{ref: http.request.method}, {ref: http.route}]
spans:
- {type: http.client, kind: client}
metrics:
- name: http.server.request.duration
  brief: Duration of HTTP server requests.
  unit: s
  instrument: histogram
  stability: stable
  attributes: [{ref_group: attributes.http}, {ref: error, requirement_level: required}, {ref: network.protocol.name}]
- {name: http.server.errors, brief: Errors., unit: "{error}", instrument: counter, stability: development}
- name: jobs.active
  brief: Old jobs.
  unit: "{job}"
  instrument: updowncounter
  stability: stable
  deprecated: {reason: renamed, renamed_to: jobs.running, note: x}
"#;

fn file(text: &str) -> (String, Vec<u8>) {
    ("registry.yaml".to_owned(), text.as_bytes().to_vec())
}

#[test]
fn a_registry_becomes_a_pack_with_the_names_that_prometheus_exposes() {
    let text = import("web", &[file(REGISTRY)]).unwrap_or_else(|e| panic!("{e}"));
    let pack = Pack::parse("web.yaml", text.as_bytes()).unwrap_or_else(|e| panic!("{e}\n{text}"));
    let names: Vec<&str> = pack.metrics.iter().map(|metric| metric.name.value.as_str()).collect();
    assert_eq!(names, ["http_server_request_duration_seconds", "http_server_errors_total", "jobs_active"]);
    let [duration, errors, jobs] = pack.metrics.as_slice() else { panic!("{text}") };
    assert_eq!((duration.kind.as_str(), duration.unit.as_str()), ("histogram", "seconds"));
    let labels: Vec<&str> = duration.label_names().collect();
    assert_eq!(labels, ["http_request_method", "http_route", "error", "network_protocol_name"]);
    assert_eq!(duration.labels[0].1.values, ["GET", "POST"]);
    assert_eq!(duration.labels[1].1.examples, ["/users/:id"]);
    assert_eq!(duration.labels[2].1.values, ["true", "false"]);
    let optional = duration.labels.iter().map(|(_, label)| label.optional).collect::<Vec<_>>();
    assert_eq!(optional, [true, true, false, true], "only one is required");
    assert_eq!((errors.unit.as_str(), errors.stability.as_str()), ("error", "experimental"));
    assert_eq!((jobs.kind.as_str(), jobs.stability.as_str()), ("gauge", "deprecated"));
    assert_eq!(jobs.replaced_by.as_ref().map(|name| name.value.as_str()), Some("jobs.running"));
}

#[test]
fn what_is_no_definition_is_refused_with_its_place() {
    let refused = |text: &str| import("web", &[file(text)]).expect_err("refused").to_string();
    assert!(refused("groups: []\n").starts_with("registry.yaml:1:1: field file_format is missing"));
    let old = refused("file_format: definition/1\n");
    assert_eq!(old, "registry.yaml:1:14: this is not a file of definitions; only `definition/2` is read");
    let no_unit = refused("file_format: definition/2\nmetrics: [{name: a, brief: x, instrument: gauge}]\n");
    assert!(no_unit.contains("registry.yaml:2:11: field unit is missing"), "{no_unit}");
}

/// The metrics of a pack with all they say, without the places in the file.
fn metrics(pack: &Pack) -> Vec<String> {
    let say = |metric: &bellwether_packs::schema::Metric| {
        let labels: Vec<String> =
            metric.labels.iter().map(|(name, label)| format!("{name}: {label:?}")).collect();
        let aliases: Vec<String> =
            metric.aliases.iter().map(|alias| format!("{} {:?}", alias.name, alias.labels)).collect();
        format!(
            "{} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
            metric.name.value,
            metric.kind,
            metric.unit,
            metric.help,
            metric.group,
            metric.stability,
            metric.replaced_by.as_ref().map(|name| &name.value),
            metric.until,
            labels,
            pack.bounds(metric),
            metric.quantiles,
            metric.states,
            aliases,
            metric.multiprocess,
            metric.max_series,
            metric.python,
            (&metric.note, &metric.allow, metric.observed),
        )
    };
    pack.metrics.iter().map(say).collect()
}

#[test]
fn every_pack_has_the_same_metrics_when_it_comes_back() {
    let everything = include_bytes!("everything.yaml");
    let everything = Pack::parse("everything.yaml", everything).unwrap_or_else(|e| panic!("{e}"));
    let catalogue = Catalogue::built_in();
    for pack in catalogue.packs().iter().map(std::convert::AsRef::as_ref).chain([&everything]) {
        let files = export(pack, "https://example.com/schemas/1.0.0");
        assert_eq!(files[0].name, "manifest.yaml");
        let text = &files[1].text;
        let back = import(&pack.name, &[file(text)]).unwrap_or_else(|e| panic!("{e}\n{text}"));
        let back = Pack::parse("back.yaml", back.as_bytes()).unwrap_or_else(|e| panic!("{e}\n{back}"));
        assert_eq!(metrics(&back), metrics(pack), "{text}");
        let differing = diff(pack, &back).into_iter().filter(|change| pack.metric(&change.name).is_some());
        assert_eq!(differing.count(), 0);
    }
}
