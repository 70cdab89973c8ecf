use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bellwether_exposition::OutputFormat;
use bellwether_model::Clock;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::error::FleetError;
use crate::history::{History, HistoryRange};
use crate::incident::{Occurrence, Script};
use crate::options::{FleetOptions, Ports};
use crate::platform::Platform;
use crate::rate::ArrivalRate;
use crate::scrape_config::scrape_config_yaml;
use crate::server::{Service, serve};
use crate::target::Target;
use crate::world::World;

/// Connections get this long to end at shutdown.
const SHUTDOWN_DEADLINE: Duration = Duration::from_secs(3);

/// Answers that are computed at a time, by all endpoints together. More would only cost threads and their memory.
const ANSWERS_MAX: usize = 2;

/// The simulated platforms, each process behind its own HTTP endpoint. Dropping it ends them; [`Fleet::shutdown`] also waits for that.
pub struct Fleet {
    targets: Vec<Target>,
    timeline: Timeline,
    seed: u64,
    rate: ArrivalRate,
    clock: Arc<dyn Clock>,
    servers: JoinSet<()>,
    stop: DropGuard,
}

/// Maps the clock to simulated time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timeline {
    /// When the simulated past begins; the same moment on both scales if the scale is 1.
    begin_ms: i64,
    started_ms: i64,
    scale: f64,
    opening: bool,
}

impl Timeline {
    /// The simulated time at `clock_ms`: equal at the start of the fleet, faster or slower from then on.
    pub(crate) fn simulated_ms(self, clock_ms: i64) -> i64 {
        self.started_ms + ((clock_ms - self.started_ms) as f64 * self.scale) as i64
    }

    /// What goes wrong on a platform at a simulated time; it may be over already.
    pub(crate) fn occurrence_at(self, platform: Platform, ts_ms: i64) -> Occurrence {
        let script = Script::of(platform);
        let script = if self.opening { script.opened_at(self.started_ms) } else { script };
        script.occurrence_at(ts_ms)
    }
}

impl Fleet {
    /// Simulates the past, then listens on all endpoints. All services answer when this returns.
    pub async fn start(options: FleetOptions, clock: Arc<dyn Clock>) -> Result<Self, FleetError> {
        if !(options.time_scale > 0.0 && options.time_scale.is_finite()) {
            return Err(FleetError::TimeScale(options.time_scale));
        }
        let started_ms = clock.now_ms();
        let past_ms = i64::try_from(options.past.as_millis()).unwrap_or(i64::MAX);
        let begin_ms = started_ms.saturating_sub(past_ms);
        let (seed, rate, opening) = (options.seed, options.rate, options.opening);
        let timeline = Timeline { begin_ms, started_ms, scale: options.time_scale, opening };

        let warm_up = tokio::task::spawn_blocking(move || {
            let world = World::new(seed, begin_ms, &Platform::ALL).at_rate(rate);
            let world = if opening { world.opened_at(started_ms) } else { world };
            world.advance_to(started_ms);
            world
        });
        let world = Arc::new(warm_up.await.map_err(FleetError::WarmUp)?);

        let places = world.places();
        let ports = port_numbers(options.ports, places.len())?;
        let stop = CancellationToken::new();
        let permits = Arc::new(Semaphore::new(ANSWERS_MAX));
        let (mut targets, mut listeners) = (Vec::new(), Vec::new());
        for ((place, name), port) in places.into_iter().zip(ports) {
            let addr = SocketAddr::new(options.bind, port);
            let bind_error = |source| FleetError::Bind { addr, instance: name.instance, source };
            let listener = TcpListener::bind(addr).await.map_err(bind_error)?;
            let addr = listener.local_addr().map_err(bind_error)?;
            targets.push(Target { platform: name.platform, job: name.job, instance: name.instance, addr });
            let (world, clock, permits) = (Arc::clone(&world), Arc::clone(&clock), Arc::clone(&permits));
            listeners.push((listener, Service { world, clock, timeline, place, name, permits }));
        }
        let mut servers = JoinSet::new();
        for (listener, service) in listeners {
            servers.spawn(serve(listener, Arc::new(service), stop.clone()));
        }
        Ok(Self { targets, timeline, seed, rate, clock, servers, stop: stop.drop_guard() })
    }

    /// All endpoints: those of a platform together, those of a job in a row.
    pub fn targets(&self) -> &[Target] {
        &self.targets
    }

    /// `scrape_configs` for a `prometheus.yml` that scrapes the fleet: jobs as the platforms' alerts expect them, and the labels
    /// `instance`, `platform` and `demo="true"` on every target.
    pub fn scrape_config_yaml(&self) -> String {
        scrape_config_yaml(&self.targets)
    }

    /// When the simulated past begins, in Unix milliseconds.
    pub fn begin_ms(&self) -> i64 {
        self.timeline.begin_ms
    }

    /// What the endpoints exposed, or would have, in the given time: the expositions join those of the running endpoints
    /// without a gap. Times before [`Fleet::begin_ms`] are left out.
    pub fn history(&self, range: HistoryRange, format: OutputFormat) -> History {
        let Timeline { begin_ms, started_ms, opening, .. } = self.timeline;
        let history = History::new(self.seed, begin_ms, &Platform::ALL, range, format).at_rate(self.rate);
        if opening { history.opened_at(started_ms) } else { history }
    }

    /// The incidents that go on now, in simulated time.
    pub fn current_incidents(&self) -> Vec<Occurrence> {
        let now_ms = self.timeline.simulated_ms(self.clock.now_ms());
        Platform::ALL
            .into_iter()
            .map(|it| self.timeline.occurrence_at(it, now_ms))
            .filter(|it| now_ms < it.end_ms())
            .collect()
    }

    /// Stops listening, lets answers under way end, and waits for that, though not for long.
    pub async fn shutdown(mut self) {
        drop(self.stop);
        let ended = async { while self.servers.join_next().await.is_some() {} };
        if tokio::time::timeout(SHUTDOWN_DEADLINE, ended).await.is_err() {
            tracing::warn!("demo fleet connections did not end in time");
        }
    }
}

fn port_numbers(ports: Ports, needed: usize) -> Result<Vec<u16>, FleetError> {
    match ports {
        Ports::Ephemeral => Ok(vec![0; needed]),
        Ports::From(base) => {
            let numbers: Vec<u16> = (base..=u16::MAX).take(needed).collect();
            if numbers.len() < needed { Err(FleetError::PortRange { base, needed }) } else { Ok(numbers) }
        }
    }
}
