mod jobs;
mod shown;

use std::fs;

use proptest::prelude::*;

use super::*;

fn no_environment(_: &str) -> Option<String> {
    None
}

fn load_as(mode: Mode, text: &str) -> Result<Loaded, String> {
    Config::parse("f.yml", text.as_bytes(), LoadOptions { mode, environment: &no_environment })
        .map_err(|e| e.to_string())
}

fn load(text: &str) -> Result<Loaded, String> {
    load_as(Mode::Server, text)
}

/// The file is refused, and the only problem is this one.
fn refused(text: &str, want: &str) {
    assert_eq!(load(text).map(|_| ()), Err(format!("f.yml:{want}")), "{text}");
}

fn config(text: &str) -> Config {
    load(text).unwrap_or_else(|e| panic!("{e}\n{text}")).config
}

#[test]
fn an_empty_file_is_the_default() {
    for text in ["", "---\n", "global:\n", "# nothing\n", "storage:\notlp:\nruntime:\nalerting:\ntracing:\n"]
    {
        assert_eq!(config(text), Config::default(), "{text:?}");
    }
}

#[test]
fn refusals_name_place_and_reason() {
    refused(
        "scrape_configs: [{job_name: a}, {job_name: a}]",
        "1:44: found multiple scrape configs with job name \"a\", first found in f.yml:1:29",
    );
    refused("global: {scrape_timeout: 2m}", "1:26: global scrape timeout greater than scrape interval");
    refused("global: {scrape_protocols: []}", "1:28: scrape_protocols cannot be empty for global config");
    refused(
        "global: {metric_name_escaping_scheme: x}",
        "1:39: unknown global name escaping method specified, must be one of 'allow-utf-8', 'underscores', 'dots', or 'values', got \"x\"",
    );
    refused(
        "global: {metric_name_validation_scheme: legacy, external_labels: {a.b: c}}",
        "1:67: \"a.b\" is not a valid label name",
    );
    refused(
        "global: {external_labels: {a: !!binary \"/w==\"}}",
        "1:31: \"\\xff\" is not a valid label value",
    );
    refused("alerting: {alert_relabel_configs: [~]}", "1:36: empty or null alert relabeling rule");
    refused(
        "alerting: {alertmanagers: [{relabel_configs: [~]}]}",
        "1:47: empty or null Alertmanager target relabeling rule",
    );
    refused(
        "alerting: {alertmanagers: [{sigv4: {}, basic_auth: {username: a}}]}",
        "1:36: at most one of basic_auth, authorization, oauth2, & sigv4 must be configured",
    );
    refused("remote_read: [{name: a}]", "1:15: url for remote_read is empty");
    refused(
        "remote_write: [{url: x, sigv4: {}, authorization: {credentials: c}}]",
        "1:32: at most one of basic_auth, authorization, oauth2, sigv4, azuread or google_iam must be configured. \
         Currently configured: [authorization sigv4]",
    );
    refused(
        "remote_write: [{url: x, queue_config: {min_shards: 5, max_shards: 4}}]",
        "1:67: remote write queue max_shards must not be less than min_shards",
    );
    refused("storage: {tsdb: {retention: {size: 5}}}", "1:36: units: unknown unit  in 5");
    refused(
        "tracing: {endpoint: x, client_type: smoke}",
        "1:37: expected tracing client type to be to be http or grpc, but got smoke",
    );
    refused(
        "scrape_configz: []",
        "1:1: yaml: unmarshal errors: field scrape_configz not found in type config.plain; did you mean \"scrape_configs\"?",
    );
    refused("a: b: c", "1:5: yaml: mapping values are not allowed in this context");
    refused("[]", "1:1: yaml: unmarshal errors: cannot unmarshal !!seq into config.plain");
}

#[test]
fn one_run_reports_all_problems() {
    let text = "rule_files: ['a/*/b']\n\
                scrape_configs:\n\
                - job_name: a\n  scrape_intervall: 1s\n\
                - job_name: b\n  scrape_timeout: 2m\n  relabel_configs: [{action: nope}]\n\
                - job_name: c\n  scrape_timeout: 2m\n\
                storage: {tsdb: {chunk_encoding: {floats: zip}}}\n";
    assert_eq!(
        load(text).map(|_| ()).expect_err("several problems"),
        "f.yml:1:14: invalid rule file path \"a/*/b\"\n\
         f.yml:4:3: yaml: unmarshal errors: field scrape_intervall not found in type config.ScrapeConfig; did you mean \"scrape_interval\"?\n\
         f.yml:7:30: unknown relabel action \"nope\"\n\
         f.yml:10:43: 'storage.tsdb.chunk_encoding.floats' must be 'xor' or 'xor2', or the field must be omitted entirely, got \"zip\"\n\
         f.yml:9:19: scrape timeout greater than scrape interval for scrape config with job name \"c\""
    );
}

#[test]
fn problems_can_be_shown_with_their_lines() {
    let options = LoadOptions { mode: Mode::Server, environment: &no_environment };
    let errors =
        Config::parse("f.yml", b"global:\n  scrape_intervall: 1s\n", options).expect_err("unknown field");
    assert_eq!(
        errors.with_excerpts(),
        "f.yml:2:3: yaml: unmarshal errors: field scrape_intervall not found in type config.plain; did you mean \"scrape_interval\"?\n  \
         |\n2 |   scrape_intervall: 1s\n  |   ^ global.scrape_intervall"
    );
}

#[test]
fn an_agent_has_neither_rules_nor_alerts() {
    let check = |text: &str, want: &str| {
        assert_eq!(load_as(Mode::Agent, text).map(|_| ()), Err(format!("f.yml:1:{want}")));
        assert!(load(text).is_ok());
    };
    check(
        "alerting: {alertmanagers: [{static_configs: []}]}",
        "11: field alerting is not allowed in agent mode",
    );
    check("rule_files: [a.yml]", "13: field rule_files is not allowed in agent mode");
    check("remote_read: [{url: 'http://x'}]", "15: field remote_read is not allowed in agent mode");
    assert!(
        load_as(Mode::Agent, "remote_write: [{url: 'http://x'}]\nscrape_configs: [{job_name: a}]").is_ok()
    );
}

#[test]
fn external_labels_are_filled_from_the_environment() {
    let environment = |name: &str| (name == "REGION").then(|| "eu".to_owned());
    let options = LoadOptions { mode: Mode::Server, environment: &environment };
    let text = b"global: {external_labels: {a: 'x-${REGION}', b: '$MISSING', c: '$$REGION'}}";
    let loaded = Config::parse("f.yml", text, options).expect("valid");
    let labels: Vec<_> =
        loaded.config.global.external_labels.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    assert_eq!(labels, [("a", "x-eu"), ("b", ""), ("c", "$REGION")]);
    let warnings: Vec<String> = loaded.warnings.iter().map(Warning::to_string).collect();
    assert_eq!(warnings, ["f.yml:1:27: environment variable \"MISSING\" in external label \"b\" is empty"]);
}

#[test]
fn what_has_no_effect_is_said() {
    let loaded = load(
        "scrape_configs:\n\
         - job_name: a\n  consul_sd_configs: [{}, {}]\n\
         - job_name: b\n  gce_sd_configs: [{project: p, zone: z}]\n  static_configs: [{targets: [x]}]\n\
         runtime: {gogc: 30}\n\
         alerting: {alertmanagers: [{ec2_sd_configs: [{}]}]}\n\
         remote_write: [{url: 'http://x', google_iam: {}}]\n",
    )
    .expect("valid");
    let warnings: Vec<String> = loaded.warnings.iter().map(Warning::to_string).collect();
    assert_eq!(
        warnings,
        [
            "f.yml:7:10: runtime.gogc has no effect: Bellwether has no garbage collector to tune",
            "f.yml:2:13: consul_sd_configs is not supported and finds no targets for job \"a\"",
            "f.yml:4:13: gce_sd_configs is not supported and finds no targets for job \"b\"",
            "f.yml:8:11: ec2_sd_configs is not supported and finds no targets for alertmanagers[0]",
            "f.yml:9:16: google_iam is not supported: requests of remote_write[0] are not signed",
        ]
    );
    let unsupported = loaded.config.unsupported();
    let nothing: Vec<bool> = unsupported.iter().map(|u| u.leaves_nothing).collect();
    assert_eq!(nothing, [true, false, true, false]);
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let options = LoadOptions { mode: Mode::Server, environment: &no_environment };
    let error = Config::load("/nonexistent/b.yml".as_ref(), options).expect_err("no such file").to_string();
    assert!(error.starts_with("/nonexistent/b.yml: No such file or directory"), "{error}");
}

#[test]
fn later_documents_are_pointed_out() {
    let loaded = load("global: {}\n---\nglobal: {scrape_interval: 1s}\n").expect("valid");
    assert_eq!(loaded.config.global.scrape.interval_ms, 60_000);
    assert!(loaded.warnings[0].message.contains("only the first document"), "{:?}", loaded.warnings);
}

proptest! {
    /// Files made of real pieces in wrong places: whatever comes out, it is an answer.
    #[test]
    fn no_file_makes_the_reader_panic(lines in prop::collection::vec(
        prop::sample::select(vec![
            "global:", "scrape_configs:", "- job_name: a", "  scrape_interval: 5s", "  relabel_configs:", "  - action: drop",
            "    regex: '('", "  static_configs:", "  - targets: [x]", "alerting:", "  alertmanagers:", "  - sigv4: {}",
            "remote_write:", "- url: ':'", "  queue_config: {max_shards: 1e30}", "storage: {tsdb: {retention: {size: 99EB}}}",
            "  kubernetes_sd_configs:", "  - role: pod", "    selectors: [{label: '!', field: ','}]", "tracing: [1]",
            "rule_files: ['*']", "  external_labels: {a: '${', b: $}", "- &a", "- *a", "  <<: *a", "~", "{}", "  params: {a: ~}",
        ]), 0..20)) {
        let text = lines.join("\n");
        if let Ok(loaded) = load(&text) {
            let shown = loaded.config.to_yaml();
            prop_assert!(load(&shown).is_ok(), "{}", shown);
        }
    }
}

#[test]
fn tenants_inherit_the_limits_of_the_others() {
    let limits = config(
        "limits: {max_series_per_metric: 10, max_label_name_bytes: 2KiB, tenants: {a: {max_active_series: 5}, b: }}",
    )
    .limits;
    let others = TenantLimitsConfig {
        max_series_per_metric: 10,
        max_label_name_bytes: 2048,
        ..TenantLimitsConfig::default()
    };
    assert_eq!(limits.default, others);
    assert_eq!(limits.tenants["a"], TenantLimitsConfig { max_active_series: 5, ..others });
    assert_eq!(limits.tenants["b"], others);
}

#[test]
fn limits_that_cannot_be_are_refused_with_their_place() {
    refused(
        "limits:\n  max_active_serie: 5\n",
        "2:3: yaml: unmarshal errors: field max_active_serie not found in type config.LimitsConfig; did you mean \"max_active_series\"?",
    );
    refused("limits:\n  max_labels_per_series: 1001\n", "2:26: 'max_labels_per_series' must be at most 1000");
    refused("limits: {max_label_value_bytes: 2MiB}\n", "1:33: 'max_label_value_bytes' must be at most 1MiB");
    refused(
        "limits:\n  tenants:\n    a: {max_label_name_bytes: 65KiB}\n",
        "3:31: 'max_label_name_bytes' must be at most 64KiB",
    );
    refused(
        "limits:\n  tenants: {\"\": {}}\n",
        "2:17: a tenant needs a name; the limits of the others stand beside \"tenants\"",
    );
    for text in [
        "limits: {max_active_series: -1}",
        "limits: {max_active_series: many}",
        "limits: {max_future: -5m}",
        "limits: {max_future: soon}",
        "limits: {max_label_name_bytes: -1KiB}",
        "limits: []",
        "limits: {tenants: [a]}",
        "limits: {tenants: {a: 5}}",
        "limits: {tenants: {a: {tenants: {}}}}",
    ] {
        let error = load(text).map(|_| ()).expect_err(text);
        assert!(error.starts_with("f.yml:1:"), "{text}: {error}");
    }
}

#[test]
fn packs_stand_beside_those_that_come_with_the_program() {
    let dir = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).expect("written");
    let load = |packs: &str| {
        write("b.yml", packs);
        Config::load(
            &dir.path().join("b.yml"),
            LoadOptions { mode: Mode::Server, environment: &no_environment },
        )
    };
    write("shop.yaml", "pack: shop\nversion: 1.0.0\n");
    write("http.yaml", "pack: http\nversion: 9.9.9\n");
    let loaded = load("packs: ['*.yaml', shop.yaml]").expect("valid");
    let version = |name: &str| loaded.catalogue.get(name).map(|pack| pack.version.clone());
    assert_eq!(version("shop").as_deref(), Some("1.0.0"));
    assert_eq!(version("http").as_deref(), Some("9.9.9"), "takes the place of the other one");
    assert!(version("process").is_some());
    assert!(load("packs: ['none/*.yaml']").is_ok(), "a pattern may find nothing");

    write("more.yaml", "pack: shop\nversion: 2.0.0\n");
    write("form.yaml", "pack: form\nversion: 1.0.0\nmetrcs: []\n");
    write("sense.yaml", "pack: sense\nversion: 1.0.0\nmetrics:\n- {name: failed, type: counter, help: x}\n");
    let errors = load("packs: [shop.yaml, more.yaml, form.yaml, sense.yaml, gone.yaml]").expect_err("wrong");
    let said = errors.to_string().replace(&format!("{}/", dir.path().display()), "");
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 4, "{said}");
    assert!(lines[0].starts_with("more.yaml:1:7: pack \"shop\" is already in shop.yaml"), "{said}");
    assert!(lines[1].starts_with("form.yaml:3:1: "), "{said}");
    assert!(lines[2].starts_with("sense.yaml:4:10: ") && lines[2].ends_with("[counter-total]"), "{said}");
    assert_eq!(lines[3], "b.yml:1:54: pack gone.yaml does not exist");
    assert!(errors.with_excerpts().contains("{name: failed"));
}
