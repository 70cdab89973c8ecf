use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bellwether_model::{
    AppendBatch, AppendError, AppendReport, Appender, SeriesRef, SystemClock, Tenant, Value,
};
use bellwether_scrape::config::{ScrapeConfig, ScrapeDefaults, ScrapeSpec};
use bellwether_scrape::{ScrapeManager, ScrapeOptions, TargetView};
use bellwether_yaml::{Dialect, Document, Errors};
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

/// Long enough for any machine; a test that waits for it has failed.
const FAR: Duration = Duration::from_mins(1);

/// Keeps the values of each series and tells when something was stored.
pub(crate) struct Store {
    values: Mutex<BTreeMap<String, Vec<String>>>,
    batches: watch::Sender<usize>,
}

impl Store {
    /// The values of a series, `stale` for markers.
    pub(crate) fn values(&self, series: &str) -> Vec<String> {
        self.values.lock().get(series).cloned().unwrap_or_default()
    }
}

impl Appender for Store {
    fn append(&self, _tenant: &Tenant, batch: &AppendBatch) -> Result<AppendReport, AppendError> {
        let mut values = self.values.lock();
        for entry in &batch.samples {
            let value = match &entry.value {
                value if value.is_stale() => "stale".to_owned(),
                Value::Float(v) => v.to_string(),
                Value::Histogram(h) => format!("histogram({})", h.count),
            };
            values.entry(entry.labels.to_string()).or_default().push(value);
        }
        drop(values);
        self.batches.send_modify(|n| *n += 1);
        let samples = (0..batch.samples.len()).map(|n| Ok(SeriesRef(n as u64))).collect();
        Ok(AppendReport { samples, ..AppendReport::default() })
    }
}

/// A manager that scrapes over real HTTP.
pub(crate) struct Scraping {
    pub(crate) manager: ScrapeManager,
    pub(crate) store: Arc<Store>,
}

impl Scraping {
    pub(crate) async fn start(jobs: &[&str]) -> Self {
        Self::start_with(ScrapeOptions::default(), jobs).await
    }

    pub(crate) async fn start_with(options: ScrapeOptions, jobs: &[&str]) -> Self {
        let store = Arc::new(Store { values: Mutex::default(), batches: watch::channel(0).0 });
        let clock = Arc::new(SystemClock::new());
        let manager = ScrapeManager::new(Arc::clone(&store) as Arc<dyn Appender>, clock, options);
        let configs = jobs.iter().map(|yaml| job(yaml)).collect();
        manager.apply(configs).await.expect("a valid configuration");
        Self { manager, store }
    }

    /// Waits until something holds; it is looked at whenever something has been stored.
    pub(crate) async fn until(&self, what: &str, mut holds: impl FnMut(&Self) -> bool) {
        let mut batches = self.store.batches.subscribe();
        let wait = async {
            while !holds(self) {
                batches.changed().await.expect("the store lives");
            }
        };
        timeout(FAR, wait).await.unwrap_or_else(|_| panic!("{what}: {:#?}", self.manager.targets()));
    }

    /// The only target, as soon as it has been scraped so that `holds`.
    pub(crate) async fn target(&self, what: &str, holds: impl Fn(&TargetView) -> bool) -> TargetView {
        let only = |scraping: &Self| scraping.manager.targets().active.into_iter().next();
        self.until(what, |scraping| only(scraping).is_some_and(|target| holds(&target))).await;
        only(self).expect("there was one a moment ago")
    }

    pub(crate) async fn end(self) {
        assert!(self.manager.shutdown(Instant::now() + FAR).await);
    }
}

/// The job that an element of `scrape_configs` describes.
pub(crate) fn job(yaml: &str) -> ScrapeConfig {
    let document = Document::parse("job.yml", yaml.as_bytes(), Dialect::V2).expect("valid YAML");
    let spec: ScrapeSpec<'_> = document.decode().unwrap_or_else(|e| panic!("{yaml}: {e}"));
    let mut errors = Errors::default();
    spec.resolve(&ScrapeDefaults::default(), &mut errors).unwrap_or_else(|_| panic!("{yaml}: {errors}"))
}
