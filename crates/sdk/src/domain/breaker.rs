use crate::counter::{Counter, CounterHandle};
use crate::error::RegisterError;
use crate::gauge::{Gauge, GaugeHandle};
use crate::registry::Registry;
use crate::state_set::{StateSet, StateSetHandle};
use crate::{LabelValue, Labels, MetricSet};

/// What a circuit breaker does with calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, LabelValue)]
pub enum BreakerState {
    /// It lets them through; 0 as a number.
    Closed,
    /// It rejects them; 1 as a number.
    Open,
    /// It tries some; 2 as a number.
    HalfOpen,
}

#[derive(Labels)]
struct OfBreaker<'a> {
    breaker: &'a str,
}

#[derive(Debug, Clone, Copy, MetricSet)]
#[metrics(prefix = "circuit_breaker")]
struct Families {
    /// State of a circuit breaker.
    #[metric(name = "circuit_breaker")]
    states: StateSet<BreakerState, OfBreaker<'static>>,
    /// State of a circuit breaker as a number: 0 closed, 1 open, 2 half open.
    state: Gauge<OfBreaker<'static>>,
    /// Calls through a circuit breaker that worked.
    successes: Counter<OfBreaker<'static>>,
    /// Calls through a circuit breaker that failed.
    failures: Counter<OfBreaker<'static>>,
    /// Calls that a circuit breaker rejected.
    rejections: Counter<OfBreaker<'static>>,
}

/// The circuit breakers of a service.
#[derive(Debug, Clone, Copy)]
pub struct Breakers(Families);

/// A circuit breaker. It is closed at first.
///
/// ```
/// use bellwether_sdk::Registry;
/// use bellwether_sdk::domain::{BreakerState, Breakers};
///
/// let registry = Registry::new();
/// let breaker = Breakers::register(&registry)?.breaker("payments");
/// breaker.failure();
/// breaker.set(BreakerState::Open);
/// breaker.rejection();
/// assert!(registry.text().contains("circuit_breaker{breaker=\"payments\",circuit_breaker=\"open\"} 1\n"));
/// assert!(registry.text().contains("circuit_breaker_state{breaker=\"payments\"} 1\n"));
/// # Ok::<(), bellwether_sdk::RegisterError>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Breaker {
    states: StateSetHandle<BreakerState>,
    number: GaugeHandle,
    successes: CounterHandle,
    failures: CounterHandle,
    rejections: CounterHandle,
}

impl Breakers {
    /// Registers the families.
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        Families::register(registry).map(Self)
    }

    /// The circuit breaker of this name.
    pub fn breaker(&self, name: &str) -> Breaker {
        let (families, of) = (&self.0, || OfBreaker { breaker: name });
        let breaker = Breaker {
            states: families.states.with(of()),
            number: families.state.with(of()),
            successes: families.successes.with(of()),
            failures: families.failures.with(of()),
            rejections: families.rejections.with(of()),
        };
        breaker.set(BreakerState::Closed);
        breaker
    }
}

impl Breaker {
    /// Says what it does from now on.
    pub fn set(self, state: BreakerState) {
        self.states.set(state);
        self.number.set(state.index() as f64);
    }

    /// A call worked.
    pub fn success(self) {
        self.successes.inc();
    }

    /// A call failed.
    pub fn failure(self) {
        self.failures.inc();
    }

    /// A call was rejected.
    pub fn rejection(self) {
        self.rejections.inc();
    }
}
