use std::collections::BTreeMap;
use std::time::Duration;

use bellwether_model::{MatchOp, Matcher};
use bellwether_outbound::Destination;
use tokio::time::sleep_until;

use super::*;
use crate::fetch::{Fetch, FetchFuture};
use crate::target::{Health, TargetSpec};
use crate::test_config::job;
use crate::test_store::{TestClock, TestStore};

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// When each target was asked, by address.
type Asked = Arc<Mutex<BTreeMap<String, Vec<u64>>>>;

/// A target that exposes one series.
struct Always {
    address: String,
    asked: Asked,
    started: Instant,
}

impl Fetch for Always {
    fn fetch<'a>(&'a self, body: &'a mut Vec<u8>, _deadline: Instant) -> FetchFuture<'a> {
        let second = self.started.elapsed().as_secs();
        self.asked.lock().entry(self.address.clone()).or_default().push(second);
        body.extend_from_slice(b"# HELP m help\n# TYPE m gauge\nm 1\n");
        Box::pin(async { Ok("text/plain".to_owned()) })
    }
}

/// A manager in virtual time whose targets all answer.
struct Managing {
    manager: ScrapeManager,
    store: Arc<TestStore>,
    asked: Asked,
    started: Instant,
}

impl Managing {
    fn start() -> Self {
        Self::start_with(ScrapeOptions::default())
    }

    fn start_with(options: ScrapeOptions) -> Self {
        let (store, started) = (Arc::new(TestStore::default()), Instant::now());
        let asked = Asked::default();
        let noted = Arc::clone(&asked);
        let fetcher: Fetcher = Arc::new(move |spec: &TargetSpec, destination| {
            let trusted = if destination == Destination::Configured { "" } else { " (foreign)" };
            let address = format!("{}{trusted}", spec.discovered.get("__address__").unwrap_or_default());
            Arc::new(Always { address, asked: Arc::clone(&noted), started })
        });
        let clock = Arc::new(TestClock::new(0));
        let manager = ScrapeManager::with_fetcher(
            Arc::clone(&store) as Arc<dyn Appender>,
            clock,
            options,
            Some(fetcher),
        );
        Self { manager, store, asked, started }
    }

    async fn apply(&self, jobs: &[&str]) {
        let configs = jobs.iter().map(|yaml| job(yaml)).collect();
        self.manager.apply(configs).await.expect("a valid configuration");
    }

    async fn until(&self, seconds: u64) {
        sleep_until(self.started + s(seconds)).await;
    }

    /// The seconds at which the target was asked.
    fn asked(&self, address: &str) -> Vec<u64> {
        self.asked.lock().get(address).cloned().unwrap_or_default()
    }

    /// The samples of `m` of a target as `second:value`.
    fn samples(&self, instance: &str, job: &str) -> Vec<String> {
        let samples = self.store.samples(&format!("m{{instance=\"{instance}\", job=\"{job}\"}}"));
        samples.into_iter().map(|(ts, value)| format!("{}:{value}", ts / 1000)).collect()
    }

    fn active(&self) -> Vec<String> {
        self.manager.targets().active.into_iter().map(|target| target.scrape_url).collect()
    }
}

const TWO: &str = "job_name: j\nscrape_interval: 10s\nstatic_configs: [{targets: ['a:1', 'b:1']}]";
const ONE: &str = "job_name: j\nscrape_interval: 10s\nstatic_configs: [{targets: ['b:1']}]";

/// Whether the scrapes are ten seconds apart and none is missing in the first `until` seconds.
fn is_gapless(asked: &[u64], until: u64) -> bool {
    let expected: Vec<u64> = (asked[0]..until).step_by(10).collect();
    asked[0] < 10 && asked == expected
}

#[tokio::test(start_paused = true)]
async fn scrapes_what_is_configured() {
    let managing = Managing::start();
    managing.apply(&[TWO]).await;
    // Static targets are there at once.
    assert_eq!(managing.active(), ["http://a:1/metrics", "http://b:1/metrics"]);
    let before = managing.manager.targets().active.remove(0);
    assert_eq!((before.health, before.last_scrape_ms), (Health::Unknown, None));
    managing.until(41).await;
    let (a, b) = (managing.asked("a:1"), managing.asked("b:1"));
    assert!(is_gapless(&a, 41) && is_gapless(&b, 41), "{a:?} {b:?}");

    let view = managing.manager.targets();
    let target = &view.active[0];
    assert_eq!(target.labels.to_string(), r#"{instance="a:1", job="j"}"#);
    assert_eq!(target.discovered_labels.get("__scrape_interval__"), Some("10s"));
    assert_eq!(
        (target.health, target.scrape_pool.as_str(), target.last_error.as_str()),
        (Health::Up, "j", "")
    );
    assert_eq!((target.scrape_interval, target.scrape_timeout), (s(10), s(10)));
    assert_eq!((target.samples_scraped, target.samples_post_relabel), (1, 1));
    let last_s = *a.last().expect("scraped");
    assert_eq!(target.last_scrape_ms.map(|ms| ms as u64 / 1000), Some(last_s));
    assert_eq!(target.next_scrape_ms.map(|ms| ms as u64 / 1000), Some(last_s + 10));
    assert_eq!(managing.manager.scrape_pools(), ["j"]);
}

#[tokio::test(start_paused = true)]
async fn targets_are_spread_over_the_interval() {
    let managing = Managing::start();
    let targets: Vec<String> = (0..200).map(|n| format!("'t{n}:1'")).collect();
    let yaml =
        format!("job_name: j\nscrape_interval: 10s\nstatic_configs: [{{targets: [{}]}}]", targets.join(","));
    managing.apply(&[&yaml]).await;
    managing.until(10).await;
    let mut per_second = [0; 10];
    for asked in managing.asked.lock().values() {
        per_second[asked[0] as usize] += 1;
    }
    assert!(per_second.iter().all(|n| (5..=40).contains(n)), "{per_second:?}");
}

#[tokio::test(start_paused = true)]
async fn a_reload_disturbs_only_what_changed() {
    let managing = Managing::start();
    managing.apply(&[TWO]).await;
    managing.until(25).await;
    managing.apply(&[TWO]).await;
    managing.until(35).await;
    // Another job comes, and this one gets a rule: the targets stay the same.
    let other = "job_name: other\nstatic_configs: [{targets: ['c:1']}]";
    let ruled = format!("{TWO}\nmetric_relabel_configs: [{{target_label: x, replacement: y}}]");
    managing.apply(&[&ruled, other]).await;
    managing.until(61).await;
    for address in ["a:1", "b:1"] {
        let asked = managing.asked(address);
        assert!(is_gapless(&asked, 61), "{address}: {asked:?}");
    }
    // The old series ended with the first scrape under the new rule.
    let old = managing.samples("a:1", "j");
    let (last, earlier) = old.split_last().expect("samples");
    assert!(last.ends_with(":stale") && earlier.iter().all(|sample| sample.ends_with(":1")), "{old:?}");
    let new = managing.store.values(r#"m{instance="a:1", job="j", x="y"}"#);
    assert_eq!(earlier.len() + new.len(), managing.asked("a:1").len());
}

#[tokio::test(start_paused = true)]
async fn a_removed_target_ends_after_two_intervals() {
    let managing = Managing::start();
    managing.apply(&[TWO]).await;
    managing.until(20).await;
    managing.apply(&[ONE]).await;
    assert_eq!(managing.active(), ["http://b:1/metrics"]);
    let asked = managing.asked("a:1");
    assert_eq!(asked.len(), 2);
    managing.until(asked[1] + 20).await;
    assert_eq!(managing.samples("a:1", "j").len(), 2);
    managing.until(asked[1] + 22).await;
    let samples = managing.samples("a:1", "j");
    assert_eq!(samples[2], format!("{}:stale", asked[1] + 10));
    assert!(is_gapless(&managing.asked("b:1"), asked[1] + 22));
}

#[tokio::test(start_paused = true)]
async fn a_removed_job_ends_its_series_and_may_come_back() {
    let managing = Managing::start();
    managing.apply(&[TWO]).await;
    managing.until(20).await;
    managing.apply(&[]).await;
    assert!(managing.active().is_empty());
    assert!(managing.manager.scrape_pools().is_empty());
    // It comes back before its series have ended: they go on, on the same grid.
    managing.until(30).await;
    managing.apply(&[ONE]).await;
    managing.until(60).await;
    assert!(managing.samples("b:1", "j").iter().all(|sample| sample.ends_with(":1")));
    assert_eq!(managing.asked("b:1").iter().map(|at| at % 10).collect::<HashSet<_>>().len(), 1);
    assert!(managing.samples("a:1", "j").last().expect("samples").ends_with(":stale"));
    // It stays away: they end.
    managing.apply(&[]).await;
    managing.until(90).await;
    assert!(managing.samples("b:1", "j").last().expect("samples").ends_with(":stale"));
    // And it may come back after that.
    managing.apply(&[ONE]).await;
    managing.until(101).await;
    assert!(managing.samples("b:1", "j").last().expect("samples").ends_with(":1"));
}

#[tokio::test(start_paused = true)]
async fn another_interval_keeps_the_series() {
    let managing = Managing::start();
    managing.apply(&[ONE]).await;
    managing.until(20).await;
    managing.apply(&[&ONE.replace("10s", "5s")]).await;
    managing.until(60).await;
    assert_eq!(managing.asked("b:1").len(), 2 + 8);
    assert!(managing.samples("b:1", "j").iter().all(|sample| sample.ends_with(":1")));
}

#[tokio::test(start_paused = true)]
async fn duplicates_are_one_target() {
    let managing = Managing::start();
    let dir = tempfile::tempdir().expect("temporary folder");
    let file = dir.path().join("t.json");
    std::fs::write(&file, r#"[{"targets": ["a:1", "a:1", "f:1"]}]"#).expect("writable");
    managing
        .apply(&[&format!(
            "job_name: j\nscrape_interval: 10s\nstatic_configs: [{{targets: ['a:1', 'a:1']}}]\n\
             file_sd_configs: [{{files: ['{}']}}]",
            file.display()
        )])
        .await;
    managing.until(12).await;
    assert_eq!(managing.active(), ["http://a:1/metrics", "http://f:1/metrics"]);
    // What stands in the configuration is trusted, wherever else it stands.
    let asked: Vec<String> = managing.asked.lock().keys().cloned().collect();
    assert_eq!(asked, ["a:1", "f:1 (foreign)"]);
}

#[tokio::test(start_paused = true)]
async fn target_files_are_followed() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let write = |content: &str| std::fs::write(dir.path().join("t.json"), content).expect("writable");
    let managing = Managing::start();
    let yaml = format!(
        "job_name: j\nscrape_interval: 10s\nfile_sd_configs: [{{files: ['{}/*.json']}}]",
        dir.path().display()
    );
    managing.apply(&[&yaml]).await;
    managing.until(1).await;
    assert!(managing.active().is_empty());
    write(r#"[{"targets": ["a:1"]}]"#);
    managing.until(7).await;
    assert_eq!(managing.active(), ["http://a:1/metrics"]);
    // A file that is broken keeps its targets and is complained about.
    write("[{]");
    managing.until(13).await;
    assert_eq!(managing.active(), ["http://a:1/metrics"]);
    let status = managing.manager.discovery().remove(0);
    assert_eq!((status.job.as_str(), status.mechanism, status.targets), ("j", "file", 1));
    assert!(status.last_error.expect("broken").contains("t.json:1:"));
    assert_eq!(managing.manager.counters().file_discovery_read_errors, 1);
    write(r#"[{"targets": ["b:1", "b:2"]}]"#);
    managing.until(19).await;
    assert_eq!(managing.active(), ["http://b:1/metrics", "http://b:2/metrics"]);
    assert_eq!(managing.manager.discovery()[0].last_error, None);
    std::fs::remove_file(dir.path().join("t.json")).expect("exists");
    managing.until(25).await;
    assert!(managing.active().is_empty());
}

#[tokio::test(start_paused = true)]
async fn dropped_invalid_and_too_many_targets_are_shown() {
    let managing = Managing::start();
    let yaml = "job_name: j\nscrape_interval: 10s\nkeep_dropped_targets: 1\ntarget_limit: 2\n\
        relabel_configs: [{source_labels: [env], regex: dev, action: drop}]\n\
        static_configs:\n\
        - {targets: ['a:1', 'b:1', 'c:1']}\n\
        - {targets: ['d:1', 'e:1'], labels: {env: dev}}\n\
        - {targets: ['f:1'], labels: {__scrape_interval__: never}}\n";
    managing.apply(&[yaml]).await;
    let view = managing.manager.targets();
    assert_eq!(view.active.len(), 3);
    assert_eq!(view.dropped.len(), 1);
    assert_eq!(view.dropped[0].discovered_labels.get("__address__"), Some("d:1"));
    assert_eq!(view.dropped_counts, BTreeMap::from([("j".to_owned(), 2)]));
    assert_eq!(view.invalid[0].place, "instance 0 in group 2");
    assert!(view.invalid[0].error.starts_with("error parsing scrape interval: "), "{:?}", view.invalid);
    managing.until(11).await;
    let view = managing.manager.targets();
    assert!(view.active.iter().all(|t| {
        t.last_error == "target_limit exceeded (number of targets: 3, limit: 2)" && t.health == Health::Down
    }));
    assert!(managing.asked.lock().is_empty());
    // One target less, and all of them are scraped.
    managing.apply(&[&yaml.replace(", 'c:1'", "")]).await;
    managing.until(22).await;
    assert!(managing.manager.targets().active.iter().all(|t| t.health == Health::Up));
    assert!(managing.manager.counters().target_limit_exceeded >= 1);
}

#[tokio::test(start_paused = true)]
async fn unsupported_discovery_says_why() {
    let managing = Managing::start();
    managing.apply(&["job_name: j\nconsul_sd_configs: [{server: 'localhost:8500'}]"]).await;
    let status = managing.manager.discovery().remove(0);
    assert_eq!((status.mechanism, status.targets), ("consul", 0));
    assert!(status.unsupported.expect("unsupported").contains("file_sd_configs"));
}

#[tokio::test(start_paused = true)]
async fn metadata_can_be_asked_for() {
    let managing = Managing::start();
    managing.apply(&[TWO]).await;
    managing.until(11).await;
    let matchers = [Matcher::new(MatchOp::Eq, "instance", "b:1").expect("no pattern")];
    let query = TargetMetadataQuery { matchers: &matchers, ..TargetMetadataQuery::default() };
    let found = managing.manager.target_metadata(&query);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].metric.as_str(), found[0].metadata.help.as_str()), ("m", "help"));
    assert_eq!(found[0].target.get("instance"), Some("b:1"));
    let count = |metric, limit| {
        let query = TargetMetadataQuery { matchers: &[], metric, limit };
        managing.manager.target_metadata(&query).len()
    };
    assert_eq!(
        [count(None, None), count(Some("m"), Some(1)), count(None, Some(0)), count(Some("x"), None)],
        [2, 1, 0, 0]
    );
}

#[tokio::test(start_paused = true)]
async fn rules_can_be_traced() {
    let managing = Managing::start();
    managing.apply(&["job_name: j\nrelabel_configs: [{target_label: x, replacement: y}]"]).await;
    let labels = Labels::from_pairs([("__address__", "a:1")]);
    let trace = managing.manager.relabel_trace("j", &labels).expect("the job exists");
    assert_eq!(trace.steps[0].labels.get("x"), Some("y"));
    assert_eq!(managing.manager.relabel_trace("other", &labels), None);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_ends_all_tasks() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let managing = Managing::start();
    let with_files = format!("{TWO}\nfile_sd_configs: [{{files: ['{}/*.json']}}]", dir.path().display());
    managing.apply(&[&with_files]).await;
    managing.until(15).await;
    assert!(managing.manager.shutdown(Instant::now() + s(1)).await);
    let stored = managing.samples("a:1", "j");
    managing.until(60).await;
    assert_eq!(managing.samples("a:1", "j"), stored);
    assert!(stored.iter().all(|sample| sample.ends_with(":1")), "{stored:?}");
    assert!(matches!(managing.manager.apply(Vec::new()).await, Err(ApplyError::Closed)));
}

#[tokio::test(start_paused = true)]
async fn a_configuration_that_cannot_work_changes_nothing() {
    let managing = Managing::start();
    managing.apply(&[TWO]).await;
    let check = async |jobs: &[&str], want: &str| {
        let configs = jobs.iter().map(|yaml| job(yaml)).collect();
        let error = managing.manager.apply(configs).await.expect_err(want).to_string();
        assert!(error.starts_with(want), "{error}");
        assert_eq!(managing.active().len(), 2);
    };
    check(&[ONE, ONE], "found multiple scrape configs with job name \"j\"").await;
    check(
        &[ONE, "job_name: tls\ntls_config: {ca_file: /no/such/file}"],
        "scrape config with job name \"tls\": unable to read ca /no/such/file: no such file",
    )
    .await;
    check(
        &[ONE, "job_name: log\nscrape_failure_log_file: /no/such/folder/log"],
        "scrape config with job name \"log\": scrape_failure_log_file /no/such/folder/log: ",
    )
    .await;
    check(
        &[ONE, "job_name: sd\nhttp_sd_configs: [{url: 'http://a', proxy_url: 'socks5://p'}]"],
        "scrape config with job name \"sd\": proxy_url: proxies of scheme \"socks5\"",
    )
    .await;
}
