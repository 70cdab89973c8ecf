use std::time::Instant;

use crate::counter::{Counter, CounterHandle};
use crate::error::RegisterError;
use crate::gauge::{Gauge, GaugeHandle};
use crate::histogram::{Histogram, HistogramHandle};
use crate::registry::Registry;
use crate::{Labels, MetricSet};

#[derive(Labels)]
struct OfQueue<'a> {
    queue_name: &'a str,
}

#[derive(Debug, Clone, Copy, MetricSet)]
#[metrics(prefix = "queue")]
struct Families {
    /// Items that wait in a queue.
    depth: Gauge<OfQueue<'static>>,
    /// Items put into a queue.
    enqueued: Counter<OfQueue<'static>>,
    /// Items taken out of a queue.
    dequeued: Counter<OfQueue<'static>>,
    /// Time that an item waited.
    #[metric(unit = "seconds")]
    wait: Histogram<OfQueue<'static>>,
    /// How long the oldest item waits already.
    #[metric(unit = "seconds")]
    oldest_age: Gauge<OfQueue<'static>>,
}

/// The queues of a service.
#[derive(Debug, Clone, Copy)]
pub struct Queues(Families);

/// A queue.
#[derive(Debug, Clone, Copy)]
pub struct Queue {
    depth: GaugeHandle,
    enqueued: CounterHandle,
    dequeued: CounterHandle,
    wait: HistogramHandle,
    oldest_age: GaugeHandle,
}

/// When an item was put into a queue. It goes through the queue with the item.
#[derive(Debug, Clone, Copy)]
#[must_use = "it belongs into the queue, beside the item"]
pub struct Stamp(Instant);

impl Queues {
    /// Registers the families.
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        Families::register(registry).map(Self)
    }

    /// The queue of this name.
    pub fn queue(&self, name: &str) -> Queue {
        let (families, of) = (&self.0, || OfQueue { queue_name: name });
        Queue {
            depth: families.depth.with(of()),
            enqueued: families.enqueued.with(of()),
            dequeued: families.dequeued.with(of()),
            wait: families.wait.with(of()),
            oldest_age: families.oldest_age.with(of()),
        }
    }
}

impl Queue {
    /// An item is put in.
    pub fn enqueue(self) -> Stamp {
        self.enqueued.inc();
        self.depth.inc();
        Stamp(Instant::now())
    }

    /// The item with this stamp is taken out.
    pub fn dequeue(self, stamp: Stamp) {
        self.dequeued.inc();
        self.depth.dec();
        self.wait.observe(stamp.0.elapsed().as_secs_f64());
    }

    /// Takes over what the queue itself says, for instance from a collector: how many items wait, and the stamp of the oldest one.
    pub fn observe(self, depth: u64, oldest: Option<Stamp>) {
        self.depth.set(depth as f64);
        self.oldest_age.set(oldest.map_or(0.0, |stamp| stamp.0.elapsed().as_secs_f64()));
    }
}
