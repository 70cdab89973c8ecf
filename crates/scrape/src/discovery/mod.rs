//! Where targets come from: one task per source, which publishes all its target groups whenever they change.

mod dns;
mod feed;
mod file;
mod finder;
mod http;

use std::sync::Arc;

use bellwether_model::format_duration_ms;
use bellwether_outbound::{ClientConfigError, ClientOptions, Destination};
use tokio_util::sync::CancellationToken;

pub use dns::Resolver;
pub(crate) use feed::{Feed, Groups};
pub use finder::Finder;

use crate::config::{Discovery, TargetGroup};
use crate::run::Environment;

/// What discovery tasks need beside the environment.
#[derive(Clone)]
pub(crate) struct DiscoveryOptions {
    pub(crate) client: ClientOptions,
    pub(crate) resolver: Arc<Resolver>,
}

/// A running source of targets. It stops when it is dropped.
#[derive(Debug)]
pub(crate) struct Provider {
    discovery: Discovery,
    feed: Arc<Feed>,
    stop: CancellationToken,
}

impl Provider {
    /// Starts a source. `notify` is told whenever its groups change.
    pub(crate) fn start(
        discovery: Discovery,
        notify: Arc<tokio::sync::Notify>,
        options: &DiscoveryOptions,
        env: &Arc<Environment>,
    ) -> Result<Self, ClientConfigError> {
        let stop = env.shutdown.child_token();
        let feed = Arc::new(Feed::new(notify, Arc::clone(env)));
        let spawn = |task: feed::Task| {
            let stop = stop.clone();
            env.tasks.spawn(async move { stop.run_until_cancelled(task).await });
        };
        match &discovery {
            Discovery::Static(groups) => feed.publish(Ok(groups.clone())),
            Discovery::File(config) => spawn(Box::pin(file::run(config.clone(), Arc::clone(&feed)))),
            Discovery::Http(config) => {
                spawn(Box::pin(http::Source::new(config, &options.client)?.run(Arc::clone(&feed))));
            }
            Discovery::Dns(config) => {
                let resolver = Arc::clone(&options.resolver);
                spawn(Box::pin(dns::run(config.clone(), resolver, Arc::clone(&feed))));
            }
            Discovery::Kubernetes(_) | Discovery::Foreign(_) => {}
        }
        Ok(Self { discovery, feed, stop })
    }

    /// The section of the configuration that it follows.
    pub(crate) fn discovery(&self) -> &Discovery {
        &self.discovery
    }

    /// The target groups of the last good attempt.
    pub(crate) fn groups(&self) -> Groups {
        self.feed.groups()
    }

    /// Who chose these targets.
    pub(crate) fn destination(&self) -> Destination {
        match self.discovery {
            Discovery::Static(_) => Destination::Configured,
            _ => Destination::Foreign,
        }
    }

    pub(crate) fn status(&self, job: &str) -> DiscoveryStatus {
        let (mechanism, source) = describe(&self.discovery);
        let unsupported = match &self.discovery {
            Discovery::Kubernetes(_) => Some("Kubernetes discovery is not implemented yet".to_owned()),
            Discovery::Foreign(_) => Some(format!(
                "{mechanism} discovery is not supported; let an adapter write target files (file_sd_configs) or \
                 answer over HTTP (http_sd_configs)"
            )),
            _ => None,
        };
        let groups = self.feed.groups();
        DiscoveryStatus {
            job: job.to_owned(),
            mechanism,
            source,
            unsupported,
            targets: groups.iter().map(|group| group.targets.len()).sum(),
            last_error: self.feed.last_error(),
            last_refresh_ms: self.feed.last_refresh_ms(),
        }
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// How one source of targets fares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiscoveryStatus {
    /// The job.
    pub job: String,
    /// The mechanism: `static`, `file`, `http`, `dns`, `kubernetes`, or the name of one that is not supported.
    pub mechanism: &'static str,
    /// What is asked: files, a URL, names.
    pub source: String,
    /// Why the section finds nothing, if the mechanism is not supported.
    pub unsupported: Option<String>,
    /// How many targets it found last, before relabelling.
    pub targets: usize,
    /// Why the last attempt failed, if it did; the targets are those of the attempt before.
    pub last_error: Option<String>,
    /// When the last good attempt was, in milliseconds since the Unix epoch.
    pub last_refresh_ms: Option<i64>,
}

fn describe(discovery: &Discovery) -> (&'static str, String) {
    match discovery {
        Discovery::Static(groups) => ("static", format!("{} target groups", groups.len())),
        Discovery::File(file) => {
            let files: Vec<String> = file.files.iter().map(|f| f.display().to_string()).collect();
            ("file", files.join(", "))
        }
        Discovery::Http(http) => ("http", http::shown_url(http)),
        Discovery::Dns(dns) => {
            let every = format_duration_ms(dns.refresh_interval_ms);
            ("dns", format!("{} {} every {every}", dns.record_type.as_str(), dns.names.join(", ")))
        }
        Discovery::Kubernetes(_) => ("kubernetes", String::new()),
        Discovery::Foreign(foreign) => (foreign.mechanism(), String::new()),
    }
}

/// A group with one target.
fn single(
    source: String,
    target: String,
    labels: impl IntoIterator<Item = (&'static str, String)>,
) -> TargetGroup {
    let labels = labels.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    TargetGroup { source, targets: vec![target], labels }
}
