//! What jobs take over from elsewhere, and which are refused.

use std::fs;

use bellwether_model::{EscapingScheme, ValidationScheme};
use bellwether_scrape::config::ScrapeProtocol;

use super::*;

#[test]
fn jobs_inherit_from_the_global_section() {
    let config = config(
        "global: {scrape_interval: 5s, sample_limit: 7, label_limit: 3, scrape_native_histograms: true, \
         always_scrape_classic_histograms: true, extra_scrape_metrics: true}\n\
         scrape_configs:\n\
         - job_name: a\n\
         - {job_name: b, scrape_interval: 1m, scrape_timeout: 30s, sample_limit: 9, \
            scrape_native_histograms: false, always_scrape_classic_histograms: false, extra_scrape_metrics: false}\n",
    );
    let [a, b] = config.scrape_configs.as_slice() else { panic!("two jobs") };
    assert_eq!((a.interval_ms, a.timeout_ms), (5_000, 5_000));
    assert_eq!((a.limits.samples, a.limits.labels), (7, 3));
    assert_eq!(a.protocols, ScrapeProtocol::DEFAULT_PROTO_FIRST);
    assert!(a.native_histograms && a.always_scrape_classic_histograms && a.extra_scrape_metrics);
    assert_eq!((b.interval_ms, b.timeout_ms), (60_000, 30_000));
    assert_eq!((b.limits.samples, b.limits.labels), (9, 3));
    assert_eq!(b.protocols, ScrapeProtocol::DEFAULT);
    assert!(!b.native_histograms && !b.always_scrape_classic_histograms && !b.extra_scrape_metrics);
}

#[test]
fn the_escaping_scheme_follows_the_nearest_validation_scheme() {
    let check = |global: &str, job: &str, validation: ValidationScheme, escaping: EscapingScheme| {
        let text = format!("global: {{{global}}}\nscrape_configs: [{{job_name: x{job}}}]\n");
        let job = &config(&text).scrape_configs[0];
        assert_eq!((job.validation_scheme, job.escaping_scheme), (validation, escaping), "{text}");
    };
    let (legacy, utf8) = (ValidationScheme::Legacy, ValidationScheme::Utf8);
    check("", "", utf8, EscapingScheme::AllowUtf8);
    check("metric_name_validation_scheme: legacy", "", legacy, EscapingScheme::Underscores);
    check("", ", metric_name_validation_scheme: legacy", legacy, EscapingScheme::Underscores);
    check("metric_name_escaping_scheme: dots", "", utf8, EscapingScheme::Dots);
    check(
        "metric_name_escaping_scheme: dots",
        ", metric_name_validation_scheme: legacy",
        legacy,
        EscapingScheme::Underscores,
    );
    check(
        "metric_name_validation_scheme: legacy",
        ", metric_name_validation_scheme: utf8",
        utf8,
        EscapingScheme::AllowUtf8,
    );
    check("", ", metric_name_escaping_scheme: values", utf8, EscapingScheme::Values);
}

#[test]
fn jobs_are_refused_as_by_prometheus() {
    let check = |fields: &str, want: &str| {
        let text = format!("scrape_configs:\n- job_name: x\n  {fields}\n");
        let got = load(&text).map(|_| ()).expect_err(fields);
        assert!(got.contains(want), "{fields}: {got}");
    };
    check(
        "relabel_configs: [{source_labels: [a], regex: b, target_label: c, action: dropequal}]",
        "dropequal action requires only 'source_labels' and `target_label`, and no other fields",
    );
    check(
        "relabel_configs: [{source_labels: [a], action: labeldrop}]",
        "labeldrop action requires only 'regex', and no other fields",
    );
    check(
        "metric_name_validation_scheme: legacy\n  relabel_configs: [{target_label: a.b}]",
        "\"a.b\" is invalid 'target_label' for replace action",
    );
    check("static_configs: [{targets: [a], labels: {'': x}}]", "\"\" is not a valid label name");
    check(
        "static_configs: [{target: [a]}]",
        "field target not found in type targetgroup.Group; did you mean \"targets\"?",
    );
    check(
        "file_sd_configs: [{files: []}]",
        "file service discovery config must contain at least one path name",
    );
    check("file_sd_configs: [{files: [a.txt]}]", "path name \"a.txt\" is not valid for file discovery");
    check("file_sd_configs: [~]", "empty or null section in file_sd_configs");
    check("http_sd_configs: [{}]", "URL is missing");
    check("dns_sd_configs: [{}]", "DNS-SD config must contain at least one SRV record name");
    check(
        "dns_sd_configs: [{names: [a], type: A}]",
        "a port is required in DNS-SD configs for all record types except SRV",
    );
    check("dns_sd_configs: [{names: [a], type: TXT}]", "invalid DNS-SD records type TXT");
    check(
        "kubernetes_sd_configs: [{}]",
        "role missing (one of: pod, service, endpoints, endpointslice, node, ingress)",
    );
    check(
        "kubernetes_sd_configs: [{role: pod, api_server: http://x, namespaces: {own_namespace: true}}]",
        "cannot use 'api_server' and 'namespaces.own_namespace' simultaneously",
    );
    check(
        "kubernetes_sd_configs: [{role: pod, kubeconfig_file: x, follow_redirects: false}]",
        "cannot use a custom HTTP client configuration together with 'kubeconfig_file'",
    );
    check(
        "kubernetes_sd_configs: [{role: pod, api_server: http://x, authorization: {credentials: a}, basic_auth: {username: b}}]",
        "at most one of basic_auth, oauth2 & authorization must be configured",
    );
    check(
        "kubernetes_sd_configs: [{role: pod, selectors: [{role: pod, label: 'a in ('}]}]",
        "unable to parse requirement",
    );
    check(
        "azure_sd_configs: [{tenant_id: a, client_id: b, client_secret: c}]",
        "azure SD configuration requires a subscription_id",
    );
    check(
        "azure_sd_configs: [{subscription_id: a, client_id: b, client_secret: c}]",
        "azure SD configuration requires a tenant_id",
    );
    check(
        "ec2_sd_configs: [{bearer_token: a, bearer_token_file: b}]",
        "at most one of bearer_token & bearer_token_file must be configured",
    );
    check(
        "marathon_sd_configs: [{servers: [a], auth_token: b, basic_auth: {username: c}}]",
        "marathon_sd: at most one of basic_auth, auth_token & auth_token_file must be configured",
    );
    check("puppetdb_sd_configs: [{query: x}]", "URL is missing");
    check("puppetdb_sd_configs: [{url: 'http://x'}]", "query missing");
    check("eureka_sd_configs: [{}]", "empty or null eureka server");
    check(
        "scaleway_sd_configs: [{role: instance, project_id: a, access_key: b}]",
        "one of secret_key & secret_key_file must be configured",
    );
    check("uyuni_sd_configs: [{username: a, password: b}]", "Uyuni SD configuration requires server host");
    check("vultr_sd_configs: [{refresh_interval: 1}]", "not a valid duration string: \"1\"");
    check("linode_sd_configs: {}", "cannot unmarshal !!map into []SDConfig");
}

#[test]
fn jobs_are_included_from_other_files() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("has a folder")).expect("folder is made");
        fs::write(&path, text).expect("file is written");
        path
    };
    let main = write(
        "main.yml",
        "global: {scrape_interval: 7s}\nscrape_config_files: [jobs/*.yml]\nscrape_configs: [{job_name: own}]\n",
    );
    write("jobs/a.yml", "scrape_configs: [{job_name: a, tls_config: {ca_file: ../ca.pem}}]\n");
    write("jobs/b.yml", "scrape_configs: [{job_name: b}]\n");
    write("jobs/c.txt", "not read");
    let options = LoadOptions { mode: Mode::Server, environment: &no_environment };
    let config = Config::load(&main, options).expect("valid").config;
    let jobs: Vec<_> =
        config.scrape_configs.iter().map(|job| (job.job_name.as_str(), job.interval_ms)).collect();
    assert_eq!(jobs, [("own", 7_000), ("a", 7_000), ("b", 7_000)]);
    assert_eq!(config.scrape_configs[1].http.tls.ca_file, folder.path().join("ca.pem"));
    // What is shown names the files and not what they hold.
    assert!(config.to_yaml().contains("jobs/*.yml") && !config.to_yaml().contains("job_name: a"));

    let bad = write("jobs/d.yml", "scrape_configs:\n- job_name: own\n- job_name: e\n  scrape_timeout: 1h\n");
    let errors = Config::load(&main, options).expect_err("two problems").to_string();
    let (main, bad) = (main.display(), bad.display());
    assert_eq!(
        errors,
        format!(
            "{bad}:2:13: found multiple scrape configs with job name \"own\", first found in {main}:3:29\n\
             {bad}:4:19: scrape timeout greater than scrape interval for scrape config with job name \"e\""
        )
    );
}
