use std::collections::hash_map::Entry as MapEntry;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bellwether_model::Labels;
use bellwether_outbound::Destination;
use tokio::sync::{Notify, mpsc};

use super::Order;
use super::job::Job;
use super::snapshot::{Entry, PoolSnapshot, Published};
use crate::discovery::{DiscoveryOptions, Groups, Provider};
use crate::run::{Control, Environment, ScrapeLoop};
use crate::target::{ActiveTarget, Built, TargetError, TargetLabels, TargetSpec};

/// Invalid targets that are remembered for people to see; all of them are counted.
const KEPT_INVALID: usize = 100;

/// Keeps the scrape loops of a job in line with what discovery finds.
pub(super) struct PoolTask {
    published: Arc<Published>,
    /// Rung by the sources when they have found something else.
    found: Arc<Notify>,
    discovery: DiscoveryOptions,
    env: Arc<Environment>,
    job: Option<Arc<Job>>,
    /// The job is gone; the pool ends when its loops have.
    retired: bool,
    providers: Vec<Arc<Provider>>,
    loops: BTreeMap<u128, Running>,
    /// Loops whose target is gone, and that may still be needed if it comes back.
    retiring: BTreeMap<u128, Running>,
    /// Number of targets and limit, if there are too many.
    limit_exceeded: Option<(usize, usize)>,
}

/// A scrape loop and what it was told last.
struct Running {
    target: Arc<ActiveTarget>,
    control: Arc<Control>,
    spec: TargetSpec,
    destination: Destination,
}

/// What discovery found, by the rules of the job.
#[derive(Default)]
struct Wanted {
    targets: Vec<(TargetSpec, Destination)>,
    dropped: Vec<Labels>,
    n_dropped: usize,
    invalid: Vec<(String, TargetError)>,
    n_invalid: usize,
}

impl PoolTask {
    pub(super) fn new(
        published: Arc<Published>,
        found: Arc<Notify>,
        discovery: DiscoveryOptions,
        env: Arc<Environment>,
    ) -> Self {
        Self {
            published,
            found,
            discovery,
            env,
            job: None,
            retired: false,
            providers: Vec::new(),
            loops: BTreeMap::new(),
            retiring: BTreeMap::new(),
            limit_exceeded: None,
        }
    }

    /// Runs until the server shuts down, or until the job is gone and its series have ended.
    pub(super) async fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        let shutdown = self.env.shutdown.clone();
        let found = Arc::clone(&self.found);
        loop {
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return,
                order = orders.recv() => match order {
                    None => return,
                    Some(Order::Adopt(job, done)) => {
                        self.adopt(job).await;
                        // Whoever ordered it may have stopped waiting.
                        let _ = done.send(());
                    }
                    Some(Order::Retire) => self.retire(),
                },
                () = found.notified() => self.sync(false).await,
                // An order that comes at this moment is dropped unanswered, and another pool is started for it.
                () = self.all_ended(), if self.retired => return,
            }
        }
    }

    async fn adopt(&mut self, job: Arc<Job>) {
        self.retired = false;
        self.follow(&job);
        self.job = Some(job);
        self.sync(true).await;
    }

    /// Starts sources that are new and stops those that are gone; the others go on.
    fn follow(&mut self, job: &Job) {
        let mut before = std::mem::take(&mut self.providers);
        for discovery in &job.config.discovery {
            let same = before.iter().position(|provider| provider.discovery() == discovery);
            let provider = if let Some(at) = same {
                Ok(before.swap_remove(at))
            } else {
                let notify = Arc::clone(&self.found);
                Provider::start(discovery.clone(), notify, &self.discovery, &self.env).map(Arc::new)
            };
            match provider {
                Ok(provider) => self.providers.push(provider),
                // The manager has checked the settings, so only a file that vanished since can be the reason.
                Err(error) => {
                    tracing::error!(job = job.config.job_name, %error, "target discovery not started");
                }
            }
        }
        self.published.set_providers(self.providers.clone());
    }

    fn retire(&mut self) {
        self.job = None;
        self.retired = true;
        self.providers.clear();
        self.published.set_providers(Vec::new());
        for (identity, running) in std::mem::take(&mut self.loops) {
            running.control.retire();
            self.retiring.insert(identity, running);
        }
        self.published.set_snapshot(PoolSnapshot::default());
    }

    /// Waits until no loop is left.
    async fn all_ended(&self) {
        let ended = self.retiring.values().map(|running| running.control.ended());
        futures_util::future::join_all(ended).await;
    }

    /// Brings the loops in line. With `reconfigured` all of them get new orders.
    async fn sync(&mut self, reconfigured: bool) {
        let Some(job) = self.job.clone() else { return };
        let Some(wanted) = self.wanted(&job).await else { return };
        self.env.counters.syncs.inc();
        self.env.counters.targets_invalid.add(wanted.n_invalid);
        let limit = job.target_limit();
        let exceeded = (limit > 0 && wanted.targets.len() > limit).then_some((wanted.targets.len(), limit));
        if exceeded.is_some() {
            self.env.counters.target_limit_exceeded.inc();
        }
        let everybody = reconfigured || exceeded != self.limit_exceeded;
        self.limit_exceeded = exceeded;

        let mut gone = std::mem::take(&mut self.loops);
        let mut active = Vec::with_capacity(wanted.targets.len());
        for (spec, destination) in wanted.targets {
            let identity = spec.identity;
            let running = match gone.remove(&identity).or_else(|| self.retiring.remove(&identity)) {
                Some(running) => self.update(running, spec, destination, &job, everybody),
                None => self.start(spec, destination, &job),
            };
            active.push(running.entry());
            self.loops.insert(identity, running);
        }
        self.retiring.retain(|_, running| !running.control.has_ended());
        for (identity, running) in gone {
            running.control.retire();
            self.retiring.insert(identity, running);
        }
        active.sort_by(|a, b| {
            (a.target.url.shown(), &a.target.labels).cmp(&(b.target.url.shown(), &b.target.labels))
        });
        self.published.set_snapshot(PoolSnapshot {
            config: Some(Arc::clone(&job.config)),
            active,
            dropped: wanted.dropped,
            n_dropped: wanted.n_dropped,
            invalid: wanted.invalid,
        });
    }

    /// Relabelling ten thousand targets takes a while, so it happens on a thread that may be kept busy. `None` if that went wrong in a
    /// way that is our fault; then everything stays as it is.
    async fn wanted(&self, job: &Arc<Job>) -> Option<Wanted> {
        let job = Arc::clone(job);
        let found: Vec<(Groups, Destination)> =
            self.providers.iter().map(|provider| (provider.groups(), provider.destination())).collect();
        match tokio::task::spawn_blocking(move || wanted(&job, &found)).await {
            Ok(wanted) => Some(wanted),
            Err(error) => {
                tracing::error!(%error, "building targets ended by a bug");
                None
            }
        }
    }

    fn start(&self, spec: TargetSpec, destination: Destination, job: &Job) -> Running {
        let config = job.loop_config(&spec, destination, self.limit_exceeded);
        let target = Arc::new(ActiveTarget::new(&spec));
        let control = Arc::new(Control::new(Arc::new(config)));
        let scrape_loop = ScrapeLoop::new(Arc::clone(&target), Arc::clone(&control), Arc::clone(&self.env));
        self.env.tasks.spawn(scrape_loop.run());
        Running { target, control, spec, destination }
    }

    fn update(
        &self,
        running: Running,
        spec: TargetSpec,
        destination: Destination,
        job: &Job,
        reconfigured: bool,
    ) -> Running {
        let unchanged = running.destination == destination
            && (running.spec.interval, running.spec.timeout) == (spec.interval, spec.timeout)
            && !running.control.is_retired();
        if unchanged && !reconfigured {
            return Running { spec, ..running };
        }
        let config = Arc::new(job.loop_config(&spec, destination, self.limit_exceeded));
        if running.control.run(config) {
            Running { spec, destination, ..running }
        } else {
            self.start(spec, destination, job)
        }
    }
}

impl Running {
    fn entry(&self) -> Entry {
        Entry {
            target: Arc::clone(&self.target),
            discovered: self.spec.discovered.clone(),
            interval: self.spec.interval,
            timeout: self.spec.timeout,
        }
    }
}

/// The targets of the job, each once.
fn wanted(job: &Job, found: &[(Groups, Destination)]) -> Wanted {
    let mut wanted = Wanted::default();
    let mut by_identity: HashMap<u128, usize> = HashMap::new();
    let mut labels = TargetLabels::new(&job.config);
    let keep_dropped = if job.keep_dropped() == 0 { usize::MAX } else { job.keep_dropped() };
    for (groups, destination) in found {
        for group in groups.iter() {
            for (idx, built) in labels.of_group(group).enumerate() {
                match built {
                    Ok(Built::Active(spec)) => match by_identity.entry(spec.identity) {
                        MapEntry::Vacant(entry) => {
                            entry.insert(wanted.targets.len());
                            wanted.targets.push((*spec, *destination));
                        }
                        // The same target again; that it stands in the configuration as well makes it trusted.
                        MapEntry::Occupied(entry) => {
                            let (_, known) = &mut wanted.targets[*entry.get()];
                            if *destination == Destination::Configured {
                                *known = Destination::Configured;
                            }
                        }
                    },
                    Ok(Built::Dropped(discovered)) => {
                        wanted.n_dropped += 1;
                        if wanted.dropped.len() < keep_dropped {
                            wanted.dropped.push(discovered);
                        }
                    }
                    Err(error) => {
                        wanted.n_invalid += 1;
                        if wanted.invalid.len() < KEPT_INVALID {
                            wanted.invalid.push((format!("instance {idx} in group {}", group.source), error));
                        }
                    }
                }
            }
        }
    }
    for (place, error) in &wanted.invalid {
        tracing::debug!(job = job.config.job_name, place, %error, "creating target failed");
    }
    wanted
}
