//! A worker that delivers mails out of a queue, and tries again when that fails.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use bellwether_sdk::domain::{Queue, Queues, Stamp, Workers};
use bellwether_sdk::track::Status;
use bellwether_sdk::{
    Counter, DEFAULT_ADDR, Gauge, Histogram, LabelValue, Labels, MetricSet, Registry, buckets, track,
};
use tracing::{info, warn};

const N_WORKERS: usize = 2;
const MAX_ATTEMPTS: u32 = 3;
const PATIENCE: Duration = Duration::from_secs(1);

#[derive(Labels)]
struct Attempt {
    status: Status,
}

#[derive(Labels)]
struct Failure {
    reason: Reason,
}

#[derive(Clone, Copy, LabelValue)]
enum Reason {
    Busy,
    NoSuchMailbox,
}

#[derive(MetricSet)]
#[metrics(prefix = "mail")]
struct Metrics {
    /// Attempts to deliver a mail that are over.
    attempts: Counter<Attempt>,
    /// Time of an attempt.
    #[metric(unit = "seconds", buckets = buckets::SECONDS)]
    attempt_duration: Histogram,
    /// Attempts under way.
    attempts_in_flight: Gauge,
    /// Attempts that failed.
    failures: Counter<Failure>,
}

struct Mail {
    number: u64,
    queued: Stamp,
}

/// The server that takes the mails, which this example only plays.
struct Relay {
    metrics: Metrics,
}

impl Relay {
    #[track(
        counter = self.metrics.attempts.with(Attempt { status }),
        histogram = self.metrics.attempt_duration,
        in_flight = self.metrics.attempts_in_flight,
        errors = self.metrics.failures.with(Failure { reason: error_type }),
        error_type = |reason| *reason,
    )]
    fn deliver(&self, mail: &Mail, attempt: u32) -> Result<(), Reason> {
        thread::sleep(Duration::from_millis(10));
        match mail.number {
            number if number % 10 == 9 => Err(Reason::NoSuchMailbox),
            number if number % 5 == 3 && attempt == 1 => Err(Reason::Busy),
            _ => Ok(()),
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().init();
    let addr = std::env::args().nth(1).map_or(Ok(DEFAULT_ADDR), |addr| addr.parse::<SocketAddr>())?;
    let registry = Registry::new();
    let workers = Workers::register(&registry)?;
    let queue = Queues::register(&registry)?.queue("mails");
    let relay = Relay { metrics: Metrics::register(&registry)? };
    let server = registry.serve(addr)?;
    info!("listens on http://{}", server.addr());

    let (sender, receiver) = sync_channel(100);
    let receiver = Mutex::new(receiver);
    thread::scope(|scope| {
        for _ in 0..N_WORKERS {
            scope.spawn(|| work(&receiver, queue, &workers, &relay));
        }
        scope.spawn(move || receive(&sender, queue));
    });
    Ok(())
}

/// Puts mails into the queue for as long as somebody takes them out.
fn receive(sender: &SyncSender<Mail>, queue: Queue) {
    for number in 0.. {
        if sender.send(Mail { number, queued: queue.enqueue() }).is_err() {
            return;
        }
        thread::sleep(Duration::from_millis(20));
    }
}

fn work(receiver: &Mutex<Receiver<Mail>>, queue: Queue, workers: &Workers, relay: &Relay) {
    let worker = workers.start("mailer");
    loop {
        // Not for long, so that a worker without work is told from one that hangs.
        let received = receiver.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(PATIENCE);
        worker.beat();
        let mail = match received {
            Ok(mail) => mail,
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        queue.dequeue(mail.queued);
        let task = workers.task("mail");
        let mut attempt = 1;
        let result = loop {
            match relay.deliver(&mail, attempt) {
                Err(Reason::Busy) if attempt < MAX_ATTEMPTS => {
                    task.retry();
                    attempt += 1;
                }
                result => break result,
            }
        };
        if result.is_err() {
            warn!(mail.number, attempt, "cannot be delivered");
        }
        task.end(result.is_ok().into());
    }
}
